// Compares two recordings of one step, and describes the first difference in words: what it was, what it is, on which
// line, and what to do.
import type { Spec } from '../backend/backend.ts'
import type { Given, HostStep, ProgramInstr, ProgramOperand, Use } from '../backend/program.ts'
import { isReading, isUse } from '../backend/program.ts'
import type { TypedArray } from '../base/dtype.ts'
import { slotDifference } from './nested.ts'
import type { Recording } from './record.ts'

export interface Difference {
  readonly what: string
  readonly remedy: string
}

const remedies = {
  number: 'A number that changes must be a function, x.mul(() => rate), or a tensor.',
  branch:
    'A step must do the same at every call. Take the branch outside, with a compiled step for each way, or compute both and select: where(condition, a, b).',
  data: 'Data that changes must be written into a tensor made outside, x.copy_(batch), or passed to the step as an argument.',
  tensor:
    'Keep the tensors that a step uses, and write into them, x.copy_(batch); or pass them to the step as arguments.',
  generator: 'Make the generator outside the step.',
}

function sameArray(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (!Object.is(a[i], b[i])) return false
  return true
}

function sameItems<T>(a: readonly T[], b: readonly T[], equal: (x: T, y: T) => boolean): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (!equal(a[i], b[i])) return false
  return true
}

/**
 * Whether two values are equal; identical objects return at once, so that shared expressions are not walked. Functions
 * count as equal.
 */
function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b) || (typeof a === 'function' && typeof b === 'function')) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (ArrayBuffer.isView(a) && ArrayBuffer.isView(b)) return sameArray(a as TypedArray, b as TypedArray)
  if (Array.isArray(a) && Array.isArray(b)) return sameItems(a, b, same)
  const keys = Object.keys(a)
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => same((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]))
  )
}

const describeOperand = (x: ProgramOperand): string => {
  if (isUse(x)) return `${x.dtype}[${x.sizes.join(', ')}]`
  return isReading(x) ? 'a number read anew' : String(x.value)
}

const describe = (instr: ProgramInstr): string =>
  `${instr.origin.name}(${instr.inputs.map(describeOperand).join(', ')})`

const at = (line: string | undefined): string => (line === undefined ? '' : ` at ${line}`)

const describeHost = (step: HostStep | undefined): string =>
  step === undefined
    ? 'nothing more'
    : {
        effect: 'a counter or schedule',
        reading: 'a number read anew',
        draw: 'a random draw',
        stream: 'a random draw',
      }[step.kind]

const sameUse = (a: Use, b: Use): boolean =>
  a.value === b.value &&
  a.dtype === b.dtype &&
  a.offset === b.offset &&
  sameArray(a.sizes, b.sizes) &&
  sameArray(a.strides, b.strides)

const sameOperand = (a: ProgramOperand, b: ProgramOperand): boolean =>
  isUse(a) && isUse(b) ? sameUse(a, b) : same(a, b)

const sameSpec = (a: Spec, b: Spec): boolean => a.dtype === b.dtype && sameArray(a.sizes, b.sizes)

const sameInstr = (a: ProgramInstr, b: ProgramInstr): boolean =>
  a.kind === b.kind &&
  a.origin.name === b.origin.name &&
  same(a.attrs, b.attrs) &&
  sameItems(a.inputs, b.inputs, sameOperand) &&
  sameArray(a.outputs, b.outputs) &&
  same(a.check, b.check)

/** The difference between two instructions. */
function instrDifference(i: number, a: ProgramInstr | undefined, b: ProgramInstr | undefined): Difference {
  const [was, is] = [a, b].map((x) => (x === undefined ? 'the end of the step' : describe(x)))
  const [lineA, lineB] = [a?.origin.line, b?.origin.line]
  const then = was === is ? 'the same with other attributes or of other values' : is
  const what =
    lineA === lineB
      ? `instruction ${i}${at(lineB)} was ${was}, then ${then}`
      : `instruction ${i} was ${was}${at(lineA)}, then ${then}${at(lineB)}`
  const numbers =
    a !== undefined && b !== undefined && a.kind === b.kind && a.origin.name === b.origin.name && was !== is
  const shapes = numbers && a.inputs.some((x, k) => isUse(x) && !same(x.sizes, (b.inputs[k] as typeof x)?.sizes))
  return { what, remedy: numbers && !shapes ? remedies.number : remedies.branch }
}

const sameGiven = (a: Given, b: Given | undefined): boolean =>
  a.from === 'buffer' && b?.from === 'buffer' ? a.buffer === b.buffer : same(a, b)

/** The difference between two sources of a value. */
function givenDifference(a: Given, b: Given | undefined, line: string | undefined): Difference {
  if (a.from === 'constant' && b?.from === 'constant' && a.data.length === b.data.length) {
    const i = a.data.findIndex((x, k) => !Object.is(x, b.data[k]))
    return {
      what: `element ${i} of a tensor made from numbers inside the step${at(line)} was ${a.data[i]}, then ${b.data[i]}`,
      remedy: remedies.data,
    }
  }
  return {
    what: 'a tensor that the step uses, or a gradient, was in other memory than before',
    remedy: remedies.tensor,
  }
}

/** The first difference between two recordings of one step; null if they agree. */
export function difference(before: Recording, now: Recording): Difference | null {
  const [a, b] = [before.program, now.program]
  for (const [value, given] of a.given) {
    const other = b.given.get(value)
    if (given.from === 'constant' && other?.from === 'constant' && !sameGiven(given, other))
      return givenDifference(given, other, now.lines.get(value))
  }
  for (let i = 0; i < Math.max(a.instrs.length, b.instrs.length); i++) {
    if (i >= a.instrs.length || i >= b.instrs.length || !sameInstr(a.instrs[i], b.instrs[i]))
      return instrDifference(i, a.instrs[i], b.instrs[i])
  }
  for (let i = 0; i < Math.max(a.host.length, b.host.length); i++) {
    if (same(a.host[i], b.host[i])) continue
    return {
      what: `besides its instructions the step did ${describeHost(a.host[i])}, then ${describeHost(b.host[i])}`,
      remedy: remedies.branch,
    }
  }
  for (const [value, given] of a.given) {
    const other = b.given.get(value)
    if (!sameGiven(given, other)) return givenDifference(given, other, now.lines.get(value))
  }
  if (before.streams.some((stream, i) => stream !== now.streams[i]))
    return { what: 'random numbers were drawn from another generator', remedy: remedies.generator }
  const returned = slotDifference(before.slot, now.slot)
  if (returned !== null) return { what: returned, remedy: remedies.branch }
  if (
    sameItems(a.results, b.results, sameUse) &&
    same(a.kept, b.kept) &&
    sameItems(a.values, b.values, sameSpec) &&
    sameOuts(before, now)
  )
    return null
  return {
    what: 'the step returned, wrote, or left as gradients, different tensors',
    remedy: remedies.branch,
  }
}

/** Whether the same tensors leave the step, as results and as gradients of the same tensors. */
const sameOuts = (a: Recording, b: Recording): boolean =>
  a.outs.length === b.outs.length &&
  a.outs.every((out, i) => {
    const other = b.outs[i]
    // A view of memory from before the step is a new object every time.
    if (out.kind === 'tensor') return other.kind === 'tensor' && out.tensor.storage.root === other.tensor.storage.root
    return out.kind === other.kind && out.at === other.at
  }) &&
  a.gradients.length === b.gradients.length &&
  a.gradients.every(({ owner, out }, i) => {
    const other = b.gradients[i]
    if (out !== other.out || owner.kind !== other.owner.kind) return false
    return owner.kind === 'tensor'
      ? owner.tensor === (other.owner as typeof owner).tensor
      : owner.at === (other.owner as typeof owner).at
  })
