// A contraction as backends compute it: four loop nests, in which axes with a common stride pattern are one loop, and
// the matrix product it is if only the batch has more than one loop.
import { contiguousStrides, type Layout } from '../base/layout.ts'
import type { Shape } from '../base/shape.ts'
import { type Instr, type Operand, type Prims, type View, withOperands } from './backend.ts'
import { type Loops, loopsOver } from './loops.ts'

/** The loops of the four classes of axes, each with one row of steps per operand that moves in it. */
export interface Contraction {
  /** Steps of a, b and the result, then of each view that `post` reads. */
  readonly batch: Loops
  /** Steps of a and the result, then of each view that `post` reads. */
  readonly rows: Loops
  /** Steps of a and b. */
  readonly sum: Loops
  /** Steps of b and the result, then of each view that `post` reads. */
  readonly columns: Loops
}

/** The factor b of a contraction as its loops read it. */
export const secondOf = ({ attrs: { bordered }, inputs: [, b] }: Pick<Instr<'contract'>, 'attrs' | 'inputs'>): Layout =>
  bordered ?? b

/** Operands in the form that instructions and programs share; a number has no strides. */
interface Contracting {
  readonly attrs: Prims['contract']
  readonly inputs: readonly object[]
  readonly outputs: readonly { readonly sizes: Shape }[]
}

/** Some axes of an operand: `count` of them from `start` on. */
type Part = readonly [strides: readonly number[], start: number]

/** An empty loop is a single one, whatever is inside. */
function loops(sizes: Shape, parts: readonly Part[]): Loops {
  if (sizes.includes(0)) return { sizes: [0], steps: parts.map(() => [0]) }
  return loopsOver(
    sizes,
    parts.map(([strides, start]) => strides.slice(start, start + sizes.length)),
  )
}

const isLayout = (x: object): x is Layout => (x as Partial<Layout>).strides !== undefined

/** The loops of a contraction. */
export function contractionOf({ attrs, inputs, outputs: [{ sizes }] }: Contracting): Contraction {
  const { batch, sum, bordered } = attrs
  const [a, second, ...others] = inputs.filter(isLayout)
  const b = bordered ?? second
  const rows = a.sizes.length - sum
  const out = contiguousStrides(sizes)
  const along = (start: number): Part[] => others.map(({ strides }) => [strides, start])
  return {
    batch: loops(sizes.slice(0, batch), [[a.strides, 0], [b.strides, 0], [out, 0], ...along(0)]),
    rows: loops(sizes.slice(batch, rows), [[a.strides, batch], [out, batch], ...along(batch)]),
    sum: loops(a.sizes.slice(rows), [
      [a.strides, rows],
      [b.strides, batch],
    ]),
    columns: loops(sizes.slice(rows), [[b.strides, batch + sum], [out, rows], ...along(rows)]),
  }
}

const atMostOne = ({ sizes }: Loops): boolean => sizes.length < 2

/** Whether a contraction multiplies matrices: every class of axes except the batch has at most one loop. */
export const isPlain = ({ rows, sum, columns }: Contraction): boolean =>
  atMostOne(rows) && atMostOne(sum) && atMostOne(columns)

/** Whether rows, columns and sums are one axis each: [..., m, k] x [..., k, n] without folding. */
export function hasMatrices({ attrs: { batch, sum }, inputs, outputs }: Contracting): boolean {
  const rank = outputs[0].sizes.length
  if (sum !== 1 || batch !== rank - 2) return false
  return (inputs[0] as Layout).sizes.length === rank && (inputs[1] as Layout).sizes.length === rank
}

/** The same attributes with other numbers of axes, one object for each. */
const counted = new WeakMap<Prims['contract'], Prims['contract'][]>()
function withBatch(attrs: Prims['contract'], batch: number): Prims['contract'] {
  if (attrs.batch === batch && attrs.sum === 1) return attrs
  const known = counted.get(attrs) ?? []
  counted.set(attrs, known)
  known[batch] ??= { ...attrs, batch, sum: 1 }
  return known[batch]
}

/** A contraction of matrices with the operands of another one, and the sizes of its result. */
export interface Matrices<X> {
  readonly attrs: Prims['contract']
  readonly inputs: readonly X[]
  readonly sizes: Shape
}

/**
 * A plain contraction as [..., m, k] x [..., k, n] over the same memory, with an axis for each loop of the batch; null
 * if it is not plain. `shaped` makes an operand with other sizes and strides.
 */
export function matricesOf<X extends object>(
  contraction: Omit<Contracting, 'inputs'> & { readonly inputs: readonly X[] },
  shaped: (x: X, sizes: Shape, strides: readonly number[]) => X,
): Matrices<X> | null {
  const found = contractionOf(contraction)
  if (!isPlain(found)) return null
  const { batch, rows, sum, columns } = found
  const [m = 1] = rows.sizes
  const [k = 1] = sum.sizes
  const [n = 1] = columns.sizes
  const step = ({ steps }: Loops, operand: number): number => steps[operand][0] ?? 0
  const sized = (x: X, i: number, first: number, second: number, last: readonly [number, number]): X =>
    shaped(x, [...batch.sizes, first, second], [...batch.steps[i], ...last])
  let view = 2
  const inputs = contraction.inputs.map((x, i) => {
    if (i === 0) return sized(x, 0, m, k, [step(rows, 0), step(sum, 0)])
    if (i === 1) return sized(x, 1, k, n, [step(sum, 1), step(columns, 0)])
    if (!isLayout(x)) return x
    const at = view++
    return sized(x, at + 1, m, n, [step(rows, at), step(columns, at)])
  })
  return { attrs: withBatch(contraction.attrs, batch.sizes.length), inputs, sizes: [...batch.sizes, m, n] }
}

const shapedView = (x: Operand, sizes: Shape, strides: readonly number[]): Operand => {
  const { buffer, dtype, offset } = x as View
  return { buffer, dtype, offset, sizes, strides }
}

/** An instruction as a matrix product if it is plain; otherwise null. */
export function asMatrices(instr: Instr<'contract'>): Instr<'contract'> | null {
  const found = matricesOf<Operand>(instr, shapedView)
  if (found === null) return null
  const { attrs, inputs, sizes } = found
  const [{ buffer, dtype }] = instr.outputs
  return withOperands({ ...instr, attrs }, inputs, [{ buffer, dtype, sizes }]) as Instr<'contract'>
}

/** Whether the axes of an operand alone are one loop in every class. */
export function foldsAlone({ attrs: { batch, sum }, inputs }: Instr<'contract'>, i: number): boolean {
  const { sizes, strides } = inputs[i] as View
  const middle = i === 1 ? batch + sum : inputs[0].sizes.length - sum
  const bounds = [0, batch, middle, sizes.length]
  return [0, 1, 2].every((k) => atMostOne(loops(sizes.slice(bounds[k], bounds[k + 1]), [[strides, bounds[k]]])))
}
