// A sum along an axis in which an index selects one element is that element: it is gathered, where comparing every
// position with the index takes a pass over all of them. So the cross entropy of class indices reads what it needs.
import type { Kind, MapOut, Prims, Spec } from '../../backend/backend.ts'
import { isUse, type Program, type ProgramInstr, type ProgramOperand, type Use } from '../../backend/program.ts'
import { type DType, isFloat } from '../../base/dtype.ts'
import { numelOf, type Shape } from '../../base/shape.ts'
import { type Expr, s, topological } from '../../expr/expr.ts'
import { deadCode } from './dead-code.ts'
import { isMap, iteratedShape, makersOf, wholeUse } from './graph.ts'
import { Expressions, Operands } from './rewrite.ts'

/** Fewer elements are compared at once, without the instructions that gathering takes. */
const worthGathering = 1024
/** Whole numbers below it are what they are in float32 too. */
const exactInFloat32 = 2 ** 24

/** A sum along `axis` of `value` where the position is `index` and `conditions` hold, of 0 elsewhere. */
interface OneHot {
  readonly axis: number
  readonly index: Expr
  readonly conditions: readonly Expr[]
  readonly value: Expr
  /** The operand that counts positions. */
  readonly positions: number
}

const conjuncts = (x: Expr): readonly Expr[] => (x.step === 'and' ? x.args.flatMap(conjuncts) : [x])

/** A whole number before it was cast to be compared. */
const wholeNumber = (x: Expr): Expr =>
  x.step === 'cast' && isFloat(x.dtype) && x.args[0].dtype === 'int32' ? x.args[0] : x

const varies = (x: ProgramOperand, axis: number): x is Use => isUse(x) && x.strides[axis] !== 0

function oneHotIn(
  instr: ProgramInstr<'map'>,
  { expr, reduce }: MapOut,
  shape: Shape,
  isIota: (x: Use) => boolean,
): OneHot | null {
  if (reduce?.fn !== 'sum' || expr.step !== 'select') return null
  const [condition, value, otherwise] = expr.args
  if (otherwise.step !== 'const' || !Object.is(otherwise.value, 0) || expr.dtype === 'bool') return null
  const all = conjuncts(condition)
  for (const equal of all.filter(({ step }) => step === 'eq')) {
    for (const [a, b] of [equal.args, [...equal.args].reverse()]) {
      const [position, index] = [wholeNumber(a), wholeNumber(b)]
      const counter = instr.inputs[position.value]
      if (position.step !== 'input' || index.dtype !== 'int32' || !isUse(counter) || !isIota(counter)) continue
      const axis = counter.strides.findIndex((stride, i) => stride !== 0 && shape[i] > 1)
      const straight = counter.strides.every((stride, i) => shape[i] === 1 || stride === Number(i === axis))
      if (!straight || counter.offset !== 0 || shape[axis] > exactInFloat32 || !reduce.axes.includes(axis)) continue
      if (topological([index]).some((x) => x.step === 'input' && varies(instr.inputs[x.value], axis))) continue
      return { axis, index, conditions: all.filter((x) => x !== equal), value, positions: position.value }
    }
  }
  return null
}

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

  #add(kind: Kind, attrs: Prims[Kind], inputs: readonly ProgramOperand[], dtype: DType): Use {
    const output = this.#program.values.push({ shape: this.#shape, dtype }) - 1
    this.instrs.push({ kind, attrs, inputs, outputs: [output], origin: this.#instr.origin })
    return wholeUse(this.#program, output)
  }

  #shrunk(x: ProgramOperand): ProgramOperand {
    return isUse(x) ? { ...x, shape: this.#shape } : x
  }

  #indexOver(operands: Operands): Expr {
    const { inputs } = this.#instr
    return this.#expressions.rewrite([this.#oneHot.index], (x) => operands.read(this.#shrunk(inputs[x.value]), x))[0]
  }

  #isWithin(index: Expr): Expr {
    return s.and(s.ge(index, 0), s.lt(index, this.#size))
  }

  /** The index where it is one, else 0, so that gathering is in bounds. */
  #safeIndex(): Use {
    if (this.#index === undefined) {
      const operands = new Operands()
      const index = this.#indexOver(operands)
      const outs = [{ expr: s.select(this.#isWithin(index), index, 0) }]
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

  /** Computes output `k`; false where no view is left that gives it a shape. */
  compute(k: number): boolean {
    const { attrs, inputs, outputs, origin } = this.#instr
    const { axis, value, conditions, positions } = this.#oneHot
    const operands = new Operands()
    const index = this.#indexOver(operands)
    const [chosen, ...holds] = this.#expressions.rewrite([value, ...conditions], (x) => {
      if (x.value === positions) return index
      const operand = inputs[x.value]
      return operands.read(varies(operand, axis) ? this.#pick(operand) : this.#shrunk(operand), x)
    })
    const condition = holds.reduce((all, one) => s.and(all, one), this.#isWithin(index))
    // Adding 0 makes 0 of -0, as the zeros of the other positions do.
    const expr = s.add(s.select(condition, chosen, 0), 0)
    const outs = [{ ...attrs.outs[k], expr }]
    this.instrs.push({ kind: 'map', attrs: { outs }, inputs: operands.list, outputs: [outputs[k]], origin })
    return operands.views.length > 0
  }
}

export function oneHot(recorded: Program): Program {
  const program = { ...recorded, values: [...recorded.values] }
  const makers = makersOf(recorded)
  const isIota = (use: Use): boolean =>
    makers.get(use.value)?.kind === 'iota' && program.values[use.value].shape.length === 1
  const instrs = recorded.instrs.flatMap((instr): ProgramInstr[] => {
    if (!isMap(instr) || instr.check !== undefined) return [instr]
    const shape = iteratedShape(program, instr)
    const made: ProgramInstr[] = []
    const left = instr.outputs.filter((_, k) => {
      const found = oneHotIn(instr, instr.attrs.outs[k], shape, isIota)
      if (found === null || numelOf(shape) * (1 - 1 / shape[found.axis]) < worthGathering) return true
      const gathering = new Gathering(program, instr, shape, found)
      if (!gathering.compute(k)) return true
      made.push(...gathering.instrs)
      return false
    })
    if (left.length === instr.outputs.length) return [instr]
    const outs = left.map((value) => instr.attrs.outs[instr.outputs.indexOf(value)])
    return left.length === 0 ? made : [...made, { ...instr, attrs: { outs }, outputs: left } as ProgramInstr]
  })
  return deadCode({ ...program, instrs })
}
