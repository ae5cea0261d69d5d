// Moves computations behind gathers and before scatters. If one element of each row is gathered from a computed value,
// only those elements are computed; a sum over a row of zeros with one element put in is that element; and a map of
// such rows is computed for the zeros and the few elements separately. So the loss of class numbers, and its gradient,
// read and write only what they need.
import type { Origin, Spec } from '../../backend/backend.ts'
import { isUse, type Program, type ProgramInstr, type ProgramOperand, type Use } from '../../backend/program.ts'
import { numelOf, sameShape, type Shape } from '../../base/shape.ts'
import { type Expr, s } from '../../expr/expr.ts'
import { deadCode } from './dead-code.ts'
import { isMap, iteratedShape, leavingValues, makersOf, readersOf, wholeUse } from './graph.ts'
import { Expressions, operandKey, Operands } from './rewrite.ts'

/** With fewer elements, computing all takes no longer than gathering. */
const worthGathering = 1024

interface Made extends Program {
  readonly values: Spec[]
}

/** The operands of a map at the elements that an index gathers along an axis; the gathers are added to `before`. */
class AtIndex {
  readonly before: ProgramInstr[] = []
  readonly #program: Made
  readonly #index: Use
  readonly #axis: number
  readonly #origin: Origin
  readonly #gathered = new Map<string, Use>()
  readonly #expressions = new Expressions()

  constructor(program: Made, index: Use, axis: number, origin: Origin) {
    this.#program = program
    this.#index = index
    this.#axis = axis
    this.#origin = origin
  }

  get sizes(): Shape {
    return this.#index.sizes
  }

  #operand(x: ProgramOperand): ProgramOperand {
    if (!isUse(x)) return x
    if (x.strides[this.#axis] === 0) return { ...x, sizes: this.sizes }
    const key = operandKey(x)
    let gathered = this.#gathered.get(key)
    if (gathered === undefined) {
      const output = this.#program.values.push({ sizes: this.sizes, dtype: x.dtype }) - 1
      gathered = wholeUse(output, this.#program.values[output])
      this.#gathered.set(key, gathered)
      const inputs = [x, this.#index]
      const attrs = { axis: this.#axis }
      this.before.push({ kind: 'gather', attrs, inputs, outputs: [output], origin: this.#origin })
    }
    return gathered
  }

  /** A map that computes `output` from an expression over such operands, except those that are `known`. */
  map(expr: Expr, inputs: readonly ProgramOperand[], output: number, known?: ReadonlyMap<number, Use>): ProgramInstr {
    const operands = new Operands()
    const [rewritten] = this.#expressions.rewrite([expr], (x) =>
      operands.read(known?.get(x.value) ?? this.#operand(inputs[x.value]), x),
    )
    return {
      kind: 'map',
      attrs: { outs: [{ expr: rewritten }] },
      inputs: operands.list,
      outputs: [output],
      origin: this.#origin,
    }
  }
}

const isWhole = (program: Program, x: ProgramOperand | undefined, value: number): boolean =>
  x !== undefined && operandKey(x) === operandKey(wholeUse(value, program.values[value]))

/** Moves maps behind the gathers of few of their elements. */
function pickFirst(program: Made): ProgramInstr[] {
  const makers = makersOf(program)
  const readers = readersOf(program)
  const leaving = leavingValues(program)
  return program.instrs.flatMap((instr): ProgramInstr[] => {
    if (instr.kind !== 'gather') return [instr]
    const [source, index] = instr.inputs as readonly Use[]
    const maker = makers.get(source.value)
    if (!isMap(maker) || maker.check !== undefined || leaving.has(source.value)) return [instr]
    const shape = iteratedShape(program, maker)
    const out = maker.attrs.outs[maker.outputs.indexOf(source.value)]
    if (out.reduce !== undefined || (readers.get(source.value) as readonly ProgramInstr[]).length > 1) return [instr]
    if (!sameShape(shape, source.sizes) || !isWhole(program, source, source.value)) return [instr]
    if (numelOf(shape) - numelOf(index.sizes) < worthGathering) return [instr]
    const at = new AtIndex(program, index, instr.attrs.axis, maker.origin)
    const map = at.map(out.expr, maker.inputs, instr.outputs[0])
    return [...at.before, map]
  })
}

/** Rows of zeros with one element put into each. */
interface Put {
  readonly axis: number
  readonly index: Use
  readonly source: Use
}

function isZero(x: ProgramOperand, makers: ReadonlyMap<number, ProgramInstr>): boolean {
  if (!isUse(x)) return false
  const maker = makers.get(x.value)
  if (!isMap(maker)) return false
  const { expr, reduce } = maker.attrs.outs[maker.outputs.indexOf(x.value)]
  const from = expr.step === 'input' ? maker.inputs[expr.value] : expr.step === 'const' ? expr : undefined
  return reduce === undefined && from !== undefined && 'value' in from && !isUse(from) && Object.is(from.value, 0)
}

/** The values that are such rows. */
function putsOf(program: Program): ReadonlyMap<number, Put> {
  const makers = makersOf(program)
  const puts = new Map<number, Put>()
  for (const instr of program.instrs) {
    if (instr.kind !== 'scatter' || instr.attrs.fn !== 'set') continue
    const { axis } = instr.attrs
    const [base, index, source] = instr.inputs as readonly Use[]
    const one = index.sizes.every((size, i) => size === (i === axis ? 1 : base.sizes[i]))
    if (one && isZero(base, makers)) puts.set(instr.outputs[0], { axis, index, source })
  }
  return puts
}

/** Replaces sums over such rows by the elements. */
function sumsOfPuts(program: Made): ProgramInstr[] {
  const puts = putsOf(program)
  if (puts.size === 0) return [...program.instrs]
  return program.instrs.flatMap((instr): ProgramInstr[] => {
    if (!isMap(instr) || instr.check !== undefined) return [instr]
    const made: ProgramInstr[] = []
    const left = instr.attrs.outs.flatMap((out, k) => {
      const x = out.expr.step === 'input' ? instr.inputs[out.expr.value] : undefined
      const put = x !== undefined && isUse(x) ? puts.get(x.value) : undefined
      const { reduce } = out
      if (put === undefined || reduce?.fn !== 'sum' || !reduce.axes.includes(put.axis)) return [k]
      if (!isWhole(program, x, (x as Use).value)) return [k]
      // Adding 0 turns -0 into 0, as the zeros of the row do.
      const expr = s.add(s.input(0, out.expr.dtype), 0)
      const { origin } = instr
      made.push({
        kind: 'map',
        attrs: { outs: [{ ...out, expr }] },
        inputs: [put.source],
        outputs: [instr.outputs[k]],
        origin,
      })
      return []
    })
    if (made.length === 0) return [instr]
    if (left.length === 0) return made
    const outs = left.map((k) => instr.attrs.outs[k])
    return [...made, { ...instr, attrs: { outs }, outputs: left.map((k) => instr.outputs[k]) }]
  })
}

/** Moves gathers before the computations that they gather from. */
export function gatherFirst(recorded: Program): Program {
  const program: Made = { ...recorded, values: [...recorded.values] }
  const picked = { ...program, instrs: pickFirst(program) }
  return deadCode({ ...picked, instrs: sumsOfPuts(picked) })
}

/** Moves maps of such rows before the scatter, but not into memory from before the step, which would be copied. */
export function scatterLast(recorded: Program): Program {
  const program: Made = { ...recorded, values: [...recorded.values] }
  const puts = putsOf(program)
  if (puts.size === 0) return recorded
  const kept = new Set(recorded.kept.map(({ last }) => last))
  const moved = new Set<number>()
  const instrs = recorded.instrs.flatMap((instr): ProgramInstr[] => {
    if (!isMap(instr) || instr.check !== undefined || instr.outputs.length > 1) return [instr]
    const [{ expr, reduce }] = instr.attrs.outs
    const [output] = instr.outputs
    const positions = instr.inputs.flatMap((x, i) => (isUse(x) && puts.has(x.value) ? [i] : []))
    const [first] = positions
    if (positions.length !== 1 || reduce !== undefined || kept.has(output)) return [instr]
    const { value } = instr.inputs[first] as Use
    if (
      !isWhole(program, instr.inputs[first], value) ||
      !sameShape(iteratedShape(program, instr), program.values[output].sizes)
    )
      return [instr]
    const { axis, index, source } = puts.get(value) as Put
    const at = new AtIndex(program, index, axis, instr.origin)
    const { dtype } = program.values[output]
    const base = program.values.push(program.values[output]) - 1
    const selected = program.values.push({ sizes: at.sizes, dtype }) - 1
    const one = at.map(expr, instr.inputs, selected, new Map([[first, source]]))
    const operands = new Operands()
    const [others] = new Expressions().rewrite([expr], (x) =>
      x.value === first ? s.constant(0, x.dtype) : operands.read(instr.inputs[x.value], x),
    )
    if (operands.views.length === 0) return [instr]
    moved.add(value)
    const inputs = [wholeUse(base, program.values[base]), index, wholeUse(selected, program.values[selected])]
    return [
      ...at.before,
      one,
      { ...instr, attrs: { outs: [{ expr: others }] }, inputs: operands.list, outputs: [base] },
      { kind: 'scatter', attrs: { axis, fn: 'set' }, inputs, outputs: [output], origin: instr.origin },
    ]
  })
  // The new scatter detects an index out of bounds.
  const needed = new Set([...leavingValues(program), ...readersOf({ ...program, instrs }).keys()])
  const isLeft = ({ outputs: [output] }: ProgramInstr): boolean => !moved.has(output) || needed.has(output)
  return deadCode({ ...program, instrs: instrs.filter(isLeft) })
}
