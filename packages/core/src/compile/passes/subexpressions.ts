// Computes equal things once: equal nodes within expressions, equal instructions, equal readings; and reads the source
// of a plain copy instead of the copy. Values that leave the step keep an instruction, because they have their own
// memory. A pad is only shared between readers that are close: a convolution pads its input again in the backward pass,
// which takes less than the memory of all padded inputs until then is worth.
import type { Attributes, Backend, Check, Kind, Prims } from '../../backend/backend.ts'
import {
  type HostStep,
  isReading,
  isUse,
  type Program,
  type KernelInstr,
  type ProgramOperand,
  type Use,
} from '../../backend/program.ts'
import { isContiguous } from '../../base/layout.ts'
import { numelOf } from '../../base/shape.ts'
import { readsWhole } from '../alias.ts'
import { compose } from './compose.ts'
import { deadCode } from './dead-code.ts'
import { copyOf, leavingValues, wholeUse } from './graph.ts'
import { Expressions, numberKey, operandKey } from './rewrite.ts'

/** For each reading, the first one of the same function without an effect in between. */
function firstReadings(host: readonly HostStep[]): readonly number[] {
  const same: number[] = []
  const known = new Map<() => number, number>()
  for (const step of host) {
    if (step.kind === 'effect') known.clear()
    if (step.kind !== 'reading') continue
    same[step.reading] = known.get(step.fn) ?? step.reading
    known.set(step.fn, same[step.reading])
  }
  return same
}

/** An assignment that replaces everything is a copy of its source. */
function asCopy(instr: KernelInstr, program: Program): KernelInstr {
  if (instr.kind !== 'assign') return instr
  const { region } = instr.attrs
  const [output] = instr.outputs
  const all = numelOf(region.sizes) === numelOf(program.values[output].sizes)
  const source = instr.inputs[1]
  if (!all || region.offset !== 0 || !isContiguous(region) || !isUse(source)) return instr
  return { ...copyOf(source, output), origin: instr.origin }
}

/** The outputs of a map that are plain copies of an operand, with that operand. */
function copiesIn({ kind, attrs, inputs, outputs }: KernelInstr): { output: number; use: Use }[] {
  if (kind !== 'map') return []
  return attrs.outs.flatMap(({ expr, reduce }, k) => {
    const x = inputs[expr.value]
    const copies = expr.step === 'input' && reduce === undefined && isUse(x) && x.dtype === expr.dtype
    return copies ? [{ output: outputs[k], use: x }] : []
  })
}

/** Attributes and checks in which equal expressions, and equal attributes, are the same object. */
class Unique {
  readonly #expressions = new Expressions()
  readonly #attrs = new Map<string, Attributes[Kind]>()
  /** The representatives of known attributes. */
  readonly #met = new Map<Attributes[Kind], Attributes[Kind]>()
  /** A number for each representative. */
  readonly #ids = new Map<Attributes[Kind], number>()

  attrs(instr: KernelInstr): Attributes[Kind] {
    let unique = this.#met.get(instr.attrs)
    if (unique === undefined) {
      unique = this.#unique(instr)
      this.#met.set(instr.attrs, unique)
    }
    return unique
  }

  #unique({ kind, attrs }: KernelInstr): Attributes[Kind] {
    const key = JSON.stringify([kind, attrs], (name, value) => {
      if (name === 'expr' || name === 'post') return value && this.#expressions.idOf(value)
      return typeof value === 'number' ? numberKey(value) : value
    })
    const known = this.#attrs.get(key)
    if (known !== undefined) return known
    const made = kind === 'map' ? this.#map(attrs) : attrs
    this.#attrs.set(key, made)
    this.#ids.set(made, this.#ids.size)
    return made
  }

  /** A key that is equal for instructions with the same attributes and checks that compute the same. */
  keyOf({ kind, attrs, inputs, outputs, check }: KernelInstr, values: Program['values']): string {
    const specs = outputs.map((value) => `${values[value].dtype}[${values[value].sizes}]`)
    const checked = check === undefined ? '' : this.#expressions.idOf(check.expr)
    return [kind, this.#ids.get(attrs), checked, ...specs, ...inputs.map(operandKey)].join('|')
  }

  #map(attrs: Prims['map']): Prims['map'] {
    const exprs = this.#expressions.rewrite(attrs.outs.map((out) => out.expr))
    if (exprs.every((expr, k) => expr === attrs.outs[k].expr)) return attrs
    return { outs: attrs.outs.map((out, k) => ({ ...out, expr: exprs[k] })) }
  }

  check(check: Check): Check {
    return { ...check, expr: this.#expressions.rewrite([check.expr])[0] }
  }
}

/** A padded copy is kept for a reader so many instructions after the one before. */
const close = 2

export function subexpressions(recorded: Program, { caps }: Backend): Program {
  const leaves = leavingValues(recorded)
  const readings = firstReadings(recorded.host)
  const unique = new Unique()
  const values = [...recorded.values]
  const program = { ...recorded, values }
  /** Values that an earlier instruction computes under another number. */
  const same = new Map<number, number>()
  /** Values that equal the row-major elements of a view of another value. */
  const views = new Map<number, Use>()
  /** Values that replace others, with the instruction that makes them. */
  const renamed = new Map<number, number>()
  const known = new Map<string, KernelInstr>()
  const instrs: KernelInstr[] = []
  /** The position of the last instruction so far that reads a value. */
  const lastRead = new Map<number, number>()
  const isFar = ({ kind, outputs }: KernelInstr, at: number): boolean =>
    kind === 'pad' && at - (lastRead.get(outputs[0]) ?? at) > close

  const read = (x: ProgramOperand): ProgramOperand => {
    if (isReading(x)) return readings[x.reading] === x.reading ? x : { ...x, reading: readings[x.reading] }
    if (!isUse(x)) return x
    const value = same.get(x.value) ?? x.value
    const view = views.get(value)
    const layout = view && compose(x, view)
    const use = layout ? { ...view, ...layout } : x
    if (use !== x && (caps.strided || readsWhole(program, use))) return use
    return value === x.value ? x : { ...x, value }
  }

  /** Replaces a value by `first`, which an earlier instruction computes. */
  function replace(value: number, first: number): void {
    if (!leaves.has(value)) same.set(value, first)
    else if (!leaves.has(first)) {
      renamed.set(first, value)
      leaves.add(first)
    } else {
      instrs.push(copyOf(wholeUse(first, program.values[first]), value))
      views.set(value, wholeUse(first, program.values[first]))
    }
  }

  // Repetitions are found only after equal instructions have been merged.
  for (const [at, instr] of (recorded.instrs as readonly KernelInstr[]).entries()) {
    const copy = asCopy(instr, program)
    if (copy !== instr) values[copy.outputs[0]] = { ...values[copy.outputs[0]], sizes: (copy.inputs[0] as Use).sizes }
    const now = {
      ...copy,
      attrs: unique.attrs(copy),
      inputs: copy.inputs.map(read),
      check: copy.check && unique.check(copy.check),
    } as KernelInstr
    for (const x of now.inputs) if (isUse(x)) lastRead.set(x.value, at)
    const key = unique.keyOf(now, values)
    const first = known.get(key)
    if (first === undefined || isFar(first, at)) {
      known.set(key, now)
      instrs.push(now)
      for (const { output, use } of copiesIn(now)) views.set(output, use)
    } else for (let k = 0; k < now.outputs.length; k++) replace(now.outputs[k], first.outputs[k])
  }
  const name = (value: number): number => renamed.get(value) ?? value
  return deadCode({
    ...program,
    instrs: instrs.map((instr) => ({
      ...instr,
      inputs: instr.inputs.map((x) => (isUse(x) && renamed.has(x.value) ? { ...x, value: name(x.value) } : x)),
      outputs: instr.outputs.map(name),
    })),
  })
}
