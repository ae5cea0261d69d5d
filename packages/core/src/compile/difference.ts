// Two recordings of one step agree, or there is a first place where they differ, which is told in words.
import type { Given, HostStep, Program, ProgramInstr, ProgramOperand } from '../backend/program.ts'
import { isReading, isUse } from '../backend/program.ts'
import type { TypedArray } from '../base/dtype.ts'

/** Equal by value; the same object at once, so that shared expressions are not walked. Functions count as equal. */
function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b) || (typeof a === 'function' && typeof b === 'function')) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (ArrayBuffer.isView(a) && ArrayBuffer.isView(b))
    return same(Array.from(a as TypedArray), Array.from(b as TypedArray))
  const keys = Object.keys(a)
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => same((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]))
  )
}

const describeOperand = (x: ProgramOperand): string => {
  if (isUse(x)) return `${x.dtype}[${x.shape.join(', ')}] of value ${x.value}`
  return isReading(x) ? 'a number read anew' : String(x.value)
}

const describe = (instr: ProgramInstr | undefined): string =>
  instr === undefined ? 'the end of the step' : `${instr.origin.name}(${instr.inputs.map(describeOperand).join(', ')})`

const describeHost = (step: HostStep | undefined): string =>
  step === undefined
    ? 'no more host effects'
    : { effect: 'a host effect', reading: 'a number read anew', draw: 'a random draw' }[step.kind]

const sameInstr = (a: ProgramInstr | undefined, b: ProgramInstr | undefined): boolean =>
  a !== undefined &&
  b !== undefined &&
  a.kind === b.kind &&
  a.origin.name === b.origin.name &&
  same(a.attrs, b.attrs) &&
  same(a.inputs, b.inputs) &&
  same(a.outputs, b.outputs) &&
  same(a.check, b.check)

const sameGiven = (a: Given | undefined, b: Given | undefined): boolean =>
  a?.from === 'buffer' && b?.from === 'buffer' ? a.buffer === b.buffer : same(a, b)

/** Where two recordings of one step first differ, in words; null when they agree. */
export function difference(a: Program, b: Program): string | null {
  for (let i = 0; i < Math.max(a.instrs.length, b.instrs.length); i++) {
    if (!sameInstr(a.instrs[i], b.instrs[i]))
      return `instruction ${i} was ${describe(a.instrs[i])}, then ${describe(b.instrs[i])}`
  }
  for (let i = 0; i < Math.max(a.host.length, b.host.length); i++) {
    if (!same(a.host[i], b.host[i]))
      return `host step ${i} was ${describeHost(a.host[i])}, then ${describeHost(b.host[i])}`
  }
  for (const [value, given] of a.given) {
    if (sameGiven(given, b.given.get(value))) continue
    return given.from === 'constant'
      ? `value ${value}, made from numbers inside the step, had other elements`
      : `value ${value} was another tensor's memory: one that the step reads was replaced between two calls`
  }
  return same(a.results, b.results) && same(a.kept, b.kept) && same(a.values, b.values)
    ? null
    : 'the step returned, wrote, or left as gradients, different tensors'
}
