// An index that is compared with every position along an axis selects one of them. A sum of what is selected is that
// element: it is gathered. What is selected inside of larger expressions is scattered into what all other positions have.
// Comparing takes a pass over all positions, or a good part of one. So the cross entropy of class indices and its gradient
// read and write what they need.
import type { MapOut, PrimKind, Prims, Spec } from '../../backend/backend.ts'
import { isUse, type Program, type ProgramInstr, type ProgramOperand, type Use } from '../../backend/program.ts'
import { type DType, isFloat } from '../../base/dtype.ts'
import { numelOf, type Shape } from '../../base/shape.ts'
import { type Expr, replace, s, topological } from '../../expr/expr.ts'
import { deadCode } from './dead-code.ts'
import { isMap, iteratedShape, makersOf, wholeUse } from './graph.ts'
import { Expressions, Operands } from './rewrite.ts'

/** Fewer elements are compared at once, without the instructions that gathering takes. */
const worthGathering = 1024
/** Fewer positions are compared in the time that scattering to one of them takes. */
const worthScattering = 64
/** Whole numbers below it are what they are in float32 too. */
const exactInFloat32 = 2 ** 24

/** A choice of one position along `axis`: where it is `index` and `conditions` hold. */
interface OneHot {
  readonly select: Expr
  readonly axis: number
  readonly index: Expr
  readonly conditions: readonly Expr[]
  /** The operand that counts positions. */
  readonly positions: number
}

const conjuncts = (x: Expr): readonly Expr[] => (x.step === 'and' ? x.args.flatMap(conjuncts) : [x])

/** A whole number before it was cast to be compared. */
const wholeNumber = (x: Expr): Expr =>
  x.step === 'cast' && isFloat(x.dtype) && x.args[0].dtype === 'int32' ? x.args[0] : x

const varies = (x: ProgramOperand, axis: number): x is Use => isUse(x) && x.strides[axis] !== 0

function oneHotOf(
  select: Expr,
  { inputs }: ProgramInstr<'map'>,
  shape: Shape,
  isIota: (x: Use) => boolean,
): OneHot | null {
  if (select.step !== 'select') return null
  const all = conjuncts(select.args[0])
  for (const equal of all.filter(({ step }) => step === 'eq')) {
    for (const [a, b] of [equal.args, [...equal.args].reverse()]) {
      const [position, index] = [wholeNumber(a), wholeNumber(b)]
      const counter = inputs[position.value]
      if (position.step !== 'input' || index.dtype !== 'int32' || !isUse(counter) || !isIota(counter)) continue
      const axis = counter.strides.findIndex((stride, i) => stride !== 0 && shape[i] > 1)
      const straight = counter.strides.every((stride, i) => shape[i] === 1 || stride === Number(i === axis))
      if (!straight || counter.offset !== 0 || shape[axis] > exactInFloat32) continue
      if (numelOf(shape) * (1 - 1 / shape[axis]) < worthGathering) continue
      if (topological([index]).some((x) => x.step === 'input' && varies(inputs[x.value], axis))) continue
      return { select, axis, index, conditions: all.filter((x) => x !== equal), positions: position.value }
    }
  }
  return null
}

/** Whether an output is the sum of what is selected, of 0 elsewhere. */
const isSum = ({ select: { args, dtype }, axis }: OneHot, { reduce }: MapOut): boolean =>
  reduce?.fn === 'sum' &&
  reduce.axes.includes(axis) &&
  args[2].step === 'const' &&
  Object.is(args[2].value, 0) &&
  dtype !== 'bool'

/** Puts together the instructions that compute an output of a map from the selected elements. */
class Gathering {
  readonly instrs: ProgramInstr[] = []
  readonly #program: Program & { readonly values: Spec[] }
  readonly #instr: ProgramInstr<'map'>
  readonly #oneHot: OneHot
  /** What is iterated over: one position along the axis. */
  readonly #shape: Shape
  readonly #size: number
  readonly #expressions = new Expressions()
  readonly #picked = new Map<ProgramOperand, Use>()
  #index: Use | undefined

  constructor(
    program: Program & { readonly values: Spec[] },
    instr: ProgramInstr<'map'>,
    shape: Shape,
    oneHot: OneHot,
  ) {
    this.#program = program
    this.#instr = instr
    this.#oneHot = oneHot
    this.#size = shape[oneHot.axis]
    this.#shape = shape.map((size, i) => (i === oneHot.axis ? 1 : size))
  }

  #add<K extends PrimKind>(kind: K, attrs: Prims[K], inputs: readonly ProgramOperand[], dtype: DType): Use {
    const output = this.#program.values.push({ sizes: this.#shape, dtype }) - 1
    this.instrs.push({ kind, attrs, inputs, outputs: [output], origin: this.#instr.origin } as ProgramInstr)
    return wholeUse(this.#program, output)
  }

  #shrunk(x: ProgramOperand): ProgramOperand {
    return isUse(x) ? { ...x, sizes: this.#shape } : x
  }

  /** An expression over operands that do not vary along the axis. */
  #shrunkExpr(root: Expr, operands: Operands): Expr {
    const { inputs } = this.#instr
    return this.#expressions.rewrite([root], (x) => operands.read(this.#shrunk(inputs[x.value]), x))[0]
  }

  get #isWithin(): Expr {
    const { index } = this.#oneHot
    return s.and(s.ge(index, 0), s.lt(index, this.#size))
  }

  get #inBounds(): Expr {
    return s.select(this.#isWithin, this.#oneHot.index, 0)
  }

  /** The index where it is one, else 0, so that gathering is in bounds. */
  #safeIndex(): Use {
    if (this.#index === undefined) {
      const operands = new Operands()
      const outs = [{ expr: this.#shrunkExpr(this.#inBounds, operands) }]
      this.#index = this.#add('map', { outs }, operands.list, 'int32')
    }
    return this.#index
  }

  #pick(x: Use): Use {
    let picked = this.#picked.get(x)
    if (picked === undefined) {
      picked = this.#add('gather', { axis: this.#oneHot.axis }, [x, this.#safeIndex()], x.dtype)
      this.#picked.set(x, picked)
    }
    return picked
  }

  /** An expression at the positions that the index selects; at position 0, not selected, where it is out of bounds. */
  #atIndex(root: Expr, operands: Operands): Expr {
    const { inputs } = this.#instr
    const { axis, select, conditions, positions } = this.#oneHot
    const [, value, otherwise] = select.args
    const isSelected = conditions.reduce((all, one) => s.and(all, one), this.#isWithin)
    const [expr] = this.#expressions.rewrite([replace(root, select, s.select(isSelected, value, otherwise))], (x) => {
      if (x.value === positions) return this.#shrunkExpr(s.cast(this.#inBounds, x.dtype), operands)
      const operand = inputs[x.value]
      return operands.read(varies(operand, axis) ? this.#pick(operand) : this.#shrunk(operand), x)
    })
    return expr
  }

  /** Computes output `k`, a sum of what is selected; false where no view is left that gives it a shape. */
  sum(k: number): boolean {
    const { attrs, outputs, origin } = this.#instr
    const operands = new Operands()
    // Adding 0 makes 0 of -0, as the zeros of the other positions do.
    const outs = [{ ...attrs.outs[k], expr: s.add(this.#atIndex(attrs.outs[k].expr, operands), 0) }]
    this.instrs.push({ kind: 'map', attrs: { outs }, inputs: operands.list, outputs: [outputs[k]], origin })
    return operands.views.length > 0
  }

  /** Makes output `k` of `base`, which is the same where nothing is selected. */
  scatter(k: number, base: number): ProgramInstr {
    const { attrs, outputs, origin } = this.#instr
    const { axis } = this.#oneHot
    const operands = new Operands()
    const outs = [{ expr: this.#atIndex(attrs.outs[k].expr, operands) }]
    const selected = this.#add('map', { outs }, operands.list, this.#program.values[base].dtype)
    const inputs = [wholeUse(this.#program, base), this.#safeIndex(), selected]
    return { kind: 'scatter', attrs: { axis, fn: 'set' }, inputs, outputs: [outputs[k]], origin }
  }
}

const isIotaOf = (program: Program): ((use: Use) => boolean) => {
  const makers = makersOf(program)
  return ({ value }) => makers.get(value)?.kind === 'iota' && program.values[value].sizes.length === 1
}

/** Gathers sums of what an index selects. */
export function oneHot(recorded: Program): Program {
  const program = { ...recorded, values: [...recorded.values] }
  const isIota = isIotaOf(recorded)
  const instrs = recorded.instrs.flatMap((instr): ProgramInstr[] => {
    if (!isMap(instr) || instr.check !== undefined) return [instr]
    const shape = iteratedShape(program, instr)
    const made: ProgramInstr[] = []
    const left = instr.outputs.filter((_, k) => {
      const out = instr.attrs.outs[k]
      const found = oneHotOf(out.expr, instr, shape, isIota)
      if (found === null || !isSum(found, out)) return true
      const gathering = new Gathering(program, instr, shape, found)
      if (!gathering.sum(k)) return true
      made.push(...gathering.instrs)
      return false
    })
    if (left.length === instr.outputs.length) return [instr]
    const outs = left.map((value) => instr.attrs.outs[instr.outputs.indexOf(value)])
    return left.length === 0 ? made : [...made, { ...instr, attrs: { outs }, outputs: left } as ProgramInstr]
  })
  return deadCode({ ...program, instrs })
}

/** Scatters what an index selects into what other positions have; not into memory from before, which would be copied. */
export function scatter(recorded: Program): Program {
  const program = { ...recorded, values: [...recorded.values] }
  const isIota = isIotaOf(recorded)
  const kept = new Set(recorded.kept.map(({ last }) => last))
  const instrs = recorded.instrs.flatMap((instr): ProgramInstr[] => {
    if (!isMap(instr) || instr.check !== undefined) return [instr]
    const shape = iteratedShape(program, instr)
    const outputs = [...instr.outputs]
    const before: ProgramInstr[] = []
    const after: ProgramInstr[] = []
    const outs = instr.attrs.outs.map((out, k) => {
      if (out.reduce !== undefined || kept.has(outputs[k])) return out
      let found: OneHot | null = null
      for (const x of topological([out.expr])) found ??= oneHotOf(x, instr, shape, isIota)
      if (found === null || shape[found.axis] < worthScattering) return out
      const gathering = new Gathering(program, instr, shape, found)
      outputs[k] = program.values.push(program.values[outputs[k]]) - 1
      after.push(gathering.scatter(k, outputs[k]))
      before.push(...gathering.instrs)
      return { expr: replace(out.expr, found.select, found.select.args[2]) }
    })
    return after.length === 0 ? [instr] : [...before, { ...instr, attrs: { outs }, outputs }, ...after]
  })
  return deadCode({ ...program, instrs })
}
