// Products of vectors and matrices beside the matrix product: outer, inner, kron, cross, trace, powers and chains of
// matrices, and the distances of all pairs of rows. All are compositions.
import { dtypeName, isFloat } from '../../base/dtype.ts'
import { mixed } from '../../base/promotion.ts'
import { RuntimeError } from '../../base/errors.ts'
import { toInt } from '../../base/remedies.ts'
import { broadcastShapes, normalizeDim, numelOf, type Shape, shapeString } from '../../base/shape.ts'
import { type Expr, s } from '../../expr/expr.ts'
import { apply, operand } from '../../tensor/apply.ts'
import type { OpDef } from '../../tensor/op.ts'
import {
  type Takes,
  type Arguments,
  checkSelf,
  int,
  method,
  nothingMore,
  nullable,
  number,
  optional,
  required,
  signature,
  str,
  tensor,
} from '../../tensor/signature.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { checkDims, checkSides } from '../linalg/host.ts'
import { inv } from '../linalg/solve.ts'
import { eye, fromArray } from '../create/create.ts'
import { type DimOption, notImplemented } from '../define/arguments.ts'
import { type Elementwise, elementwise, expandTo } from '../define/elementwise.ts'
import { ownView, reshapeOp } from '../define/views.ts'
import { indexSelect } from '../indexing/select.ts'
import { amax } from '../order/extremes.ts'
import { mul, sub } from '../pointwise/arithmetic.ts'
import { abs } from '../pointwise/elementary.ts'
import { sum } from '../reduce/reduce.ts'
import { type Several, several } from '../views/stacks.ts'
import { diagonal, unsqueeze } from '../views/views.ts'

import { cName, matmul } from './matmul.ts'
import { tensordot } from './tensordot.ts'

const shaped = (x: Tensor, shape: Shape): Tensor => apply(reshapeOp, [x], shape)

const traceOp: OpDef<null> = {
  name: 'trace',
  infer: ([x]) => [{ sizes: [], dtype: x.dtype === 'uint8' ? 'int32' : x.dtype }],
  vjp: (ctx) => {
    const { sizes, dtype } = ctx.inputSpec(0)
    return [mul(ctx.dy, eye(sizes[0], sizes[1], { dtype, device: ctx.dy.device }))]
  },
  to: { kind: 'compose', compose: ([x]) => [sum(diagonal(x as Tensor))] },
}
/**
 * The sum of the diagonal of a matrix.
 *
 * @example
 * trace(tensor([[1, 2], [3, 4]])) // tensor(5.)
 */
export function trace(x: Tensor, ...none: []): Tensor {
  checkSelf('trace', x)
  nothingMore('trace', none)
  if (x.dim() !== 2) throw new RuntimeError(`trace: expected a matrix, but got tensor with dim ${x.dim()}`)
  if (x.dtype === 'bool') throw notImplemented('trace', 'bool', toInt)
  return apply(traceOp, [x], null)
}

const outerArguments = method('outer', required('vec2', tensor))
/**
 * The products of all elements of a vector [m] with all elements of another [n]: [m, n].
 *
 * @example
 * outer(tensor([1, 2]), tensor([3, 4])) // tensor([[3., 4.],
 *                                       //         [6., 8.]])
 */
export function outer(x: Tensor, ...args: Takes<[vec2: Tensor], 'vec2'>): Tensor {
  const [y] = outerArguments(x, args)
  for (const [name, v] of Object.entries({ self: x, vec2: y })) {
    if (v.dim() !== 1) throw new RuntimeError(`outer: Expected 1-D argument ${name}, but got ${v.dim()}-D`)
  }
  return mul(shaped(x, [x.elements, 1]), y)
}

const innerArguments = method('inner', required('other', tensor))
/**
 * The sums of products over the last dimensions of two tensors, which are equally large; of a tensor without dimensions,
 * the product.
 *
 * @example
 * inner(tensor([1, 2]), tensor([3, 4])) // tensor(11.)
 */
export function inner(x: Tensor, ...args: Takes<[other: Tensor], 'other'>): Tensor {
  const [y] = innerArguments(x, args)
  if (x.dim() === 0 || y.dim() === 0) return mul(x, y)
  const [p, q] = [x.sizes[x.dim() - 1], y.sizes[y.dim() - 1]]
  if (p !== q) {
    throw new RuntimeError(
      `inner() the last dimension must match on both input tensors but got shapes ${shapeString(x.sizes)} and ${shapeString(y.sizes)}`,
    )
  }
  return tensordot(x, y, [[-1], [-1]])
}

const interleaved = ownView('UnsafeViewBackward0')
const kronArguments = method('kron', required('other', tensor))
/**
 * Kronecker's product: blocks of `other`, each times an element of `x`.
 *
 * @example
 * kron(tensor([1, 2]), tensor([1, 10])) // tensor([ 1., 10.,  2., 20.])
 */
export function kron(x: Tensor, ...args: Takes<[other: Tensor], 'other'>): Tensor {
  const [y] = kronArguments(x, args)
  const rank = Math.max(x.dim(), y.dim())
  const [a, b] = [x, y].map(({ sizes }) => [...new Array<number>(rank - sizes.length).fill(1), ...sizes])
  const product = mul(
    shaped(
      x,
      a.flatMap((n) => [n, 1]),
    ),
    shaped(
      y,
      b.flatMap((n) => [1, n]),
    ),
  )
  return apply(
    interleaved,
    [product],
    a.map((n, i) => n * b[i]),
  )
}

// ---- cross ----

const crossOp: OpDef<number> = {
  name: 'linalgCross',
  infer: ([a, b]) => [{ sizes: broadcastShapes(a.sizes, b.sizes), dtype: a.dtype }],
  saves: () => ({ inputs: [0, 1] }),
  vjp: (ctx) => [
    ctx.needs(0) ? apply(crossOp, [ctx.input(1), ctx.dy], ctx.attrs) : null,
    ctx.needs(1) ? apply(crossOp, [ctx.dy, ctx.input(0)], ctx.attrs) : null,
  ],
  to: {
    kind: 'compose',
    compose: ([a, b], dim) => {
      const turned = (x: Tensor, ...order: number[]): Tensor =>
        indexSelect(x, dim, fromArray(Int32Array.from(order), [3], { device: x.device }))
      const product = (p: Tensor, q: Tensor): Tensor => mul(turned(p, 1, 2, 0), turned(q, 2, 0, 1))
      return [sub(product(a as Tensor, b as Tensor), product(b as Tensor, a as Tensor))]
    },
  },
}
/** The cross product along a dimension of size 3; shapes broadcast. */
export function crossAlong(name: string, x: Tensor, y: Tensor, dim: number): Tensor {
  if (x.dim() !== y.dim()) {
    throw new RuntimeError(
      `${name}: inputs must have the same number of dimensions.`,
      `They have ${x.dim()} and ${y.dim()}.`,
    )
  }
  const d = normalizeDim(dim, x.dim())
  if (x.sizes[d] !== 3 || y.sizes[d] !== 3) {
    throw new RuntimeError(`${name}: inputs dimension ${dim} must have length 3. Got ${x.sizes[d]} and ${y.sizes[d]}`)
  }
  const sizes = broadcastShapes(x.sizes, y.sizes)
  if (x.dtype !== y.dtype) {
    throw mixed(x.dtype, y.dtype)
  }
  if (x.dtype === 'bool') throw notImplemented('cross', 'bool', toInt)
  return apply(crossOp, [expandTo(x, sizes), expandTo(y, sizes)], d)
}
const crossArguments = method('cross', required('other', tensor), optional('dim', nullable(int), null))
/**
 * The cross product along `dim`, of size 3; by default the first dimension of that size.
 *
 * @example
 * cross(tensor([1, 0, 0]), tensor([0, 1, 0])) // tensor([0., 0., 1.])
 */
export function cross(
  x: Tensor,
  ...args: Takes<[other: Tensor], 'other', [dim?: number | null | DimOption<number | null>]>
): Tensor {
  const [y, dim] = crossArguments(x, args)
  const first = dim ?? x.sizes.indexOf(3)
  if (first < 0 && dim === null) throw new RuntimeError('no dimension of size 3 in input')
  return crossAlong('linalg.cross', x, y, first)
}

// ---- powers and chains ----

const copied = (x: Tensor): Tensor => x.clone()
/** The power of square matrices by squaring. */
export function powerOf(x: Tensor, n: number): Tensor {
  checkDims('linalg.matrix_power', x)
  checkSides('linalg.matrix_power', x)
  if (n < 0) return powerOf(inv(x), -n)
  if (n === 0) return expandTo(eye(x.sizes[x.dim() - 1], { dtype: x.dtype, device: x.device }), x.sizes).clone()
  if (n === 1) return copied(x)
  if (n === 3) return matmul(matmul(x, x), x)
  let [square, result]: [Tensor, Tensor | null] = [x, null]
  for (let rest = n; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest < n) square = matmul(square, square)
    if (rest % 2 === 1) result = result === null ? square : matmul(result, square)
  }
  return result as Tensor
}
const powerArguments = method('matrix_power', required('n', int))
/**
 * Square matrices to the power `n`, 0 or more, in the last two dimensions.
 *
 * @example
 * matrixPower(tensor([[1, 1], [0, 1]]), 3) // tensor([[1., 3.],
 *                                          //         [0., 1.]])
 */
export function matrixPower(x: Tensor, ...args: Takes<[n: number], 'n'>): Tensor {
  const [n] = powerArguments(x, args)
  return powerOf(x, n)
}

const viewed = ownView('ViewBackward0')
/** The product of matrices in the order that takes the fewest multiplications; the first and last may be vectors. */
export function multiplied(tensors: readonly Tensor[]): Tensor {
  const n = tensors.length
  if (n < 2) throw new RuntimeError(`multi_dot(): expected at least 2 tensors but got ${n}`)
  const ends = [tensors[0], tensors[n - 1]]
  tensors.forEach((x, i) => {
    const atEnd = i === 0 || i === n - 1
    if (x.dim() === 2 || (atEnd && x.dim() === 1)) return
    throw new RuntimeError(
      atEnd
        ? `multi_dot(): the ${i === 0 ? 'first' : 'last'} tensor must be 1D or 2D but got ${x.dim()}D`
        : `multi_dot(): tensor ${i} must be 2D but got ${x.dim()}D`,
    )
  })
  tensors.forEach((x, i) => {
    if (x.dtype === tensors[0].dtype) return
    throw new RuntimeError(
      `multi_dot(): all tensors must have be the same dtype but tensor 0 is ${cName[tensors[0].dtype]} and tensor ${i} ${cName[x.dtype]}`,
      `Convert it: .to('${tensors[0].dtype}').`,
    )
  })
  const matrices = tensors.map((x, i) => (x.dim() === 2 ? x : shaped(x, i === 0 ? [1, x.elements] : [x.elements, 1])))
  const sizes = [...matrices.map((x) => x.sizes[0]), matrices[n - 1].sizes[1]]
  matrices.forEach((x, i) => {
    const next = matrices[i + 1]
    if (next === undefined || x.sizes[1] === next.sizes[0]) return
    throw new RuntimeError(
      `multi_dot(): tensors ${i} and ${i + 1} with shapes ${shapeString(tensors[i].sizes)} and ${shapeString(tensors[i + 1].sizes)} cannot be multiplied`,
    )
  })
  // cost[i][j]: of the product of matrices i to j; cut[i][j]: after which one to divide it.
  const cost = matrices.map(() => new Array<number>(n).fill(0))
  const cut = matrices.map(() => new Array<number>(n).fill(0))
  for (let length = 1; length < n; length++) {
    for (let i = 0; i + length < n; i++) {
      const j = i + length
      cost[i][j] = Infinity
      for (let k = i; k < j; k++) {
        const price = cost[i][k] + cost[k + 1][j] + sizes[i] * sizes[k + 1] * sizes[j + 1]
        if (price < cost[i][j]) {
          cost[i][j] = price
          cut[i][j] = k
        }
      }
    }
  }
  const product = (i: number, j: number): Tensor =>
    i === j ? matrices[i] : matmul(product(i, cut[i][j]), product(cut[i][j] + 1, j))
  const shape = [...(ends[0].dim() === 2 ? [sizes[0]] : []), ...(ends[1].dim() === 2 ? [sizes[n]] : [])]
  return apply(viewed, [product(0, n - 1)], shape)
}
const chainArguments = several('chain_matmul')
/**
 * The product of several matrices, in the order that takes the fewest multiplications.
 *
 * @example
 * chainMatmul(ones(2, 3), ones(3, 4), ones(4, 5)).shape // [2, 5]
 */
export function chainMatmul(...args: Several): Tensor {
  const tensors = chainArguments(args)
  const wrong = tensors.find((x) => x.dim() !== 2)
  if (wrong !== undefined) throw new RuntimeError(`Tensor dimension is ${wrong.dim()}, expected 2 instead.`)
  return tensors.length === 1 ? tensors[0].clone() : multiplied(tensors)
}

// ---- distances ----

/** How the distances of one order are summed, and their gradient for the first rows, 0 where the distance is. */
interface Metric {
  readonly terms: Elementwise
  readonly finish: Elementwise | null
  readonly slope: Elementwise
}
const signed = (x: Expr, y: Expr): Expr => s.sign(s.sub(x, y))
const unless0 = (distance: Expr, slope: Expr): Expr => s.select(s.eq(distance, 0), 0, slope)
const gap = (x: Expr, y: Expr): Expr => s.abs(s.sub(x, y))
const metric = (
  terms: (x: Expr, y: Expr, p: Expr) => Expr,
  finish: ((total: Expr, p: Expr) => Expr) | null,
  slope: (dy: Expr, x: Expr, y: Expr, distance: Expr, p: Expr) => Expr,
): Metric => ({
  terms: elementwise('sum', (x, y, p) => terms(x, y, p)),
  finish: finish && elementwise('pow', (total, p) => finish(total, p)),
  slope: elementwise('mul', (dy, x, y, distance, p) => slope(dy, x, y, distance, p)),
})
const zero = metric(
  (x, y) => s.cast(s.ne(x, y), x.dtype),
  null,
  (dy) => s.constant(0, dy.dtype),
)
const city = metric(gap, null, (dy, x, y) => s.mul(dy, signed(x, y)))
const straight = metric(
  (x, y) => s.mul(s.sub(x, y), s.sub(x, y)),
  (total) => s.sqrt(total),
  (dy, x, y, distance) => unless0(distance, s.mul(dy, s.div(s.sub(x, y), distance))),
)
const general = metric(
  (x, y, p) => s.pow(gap(x, y), p),
  (total, p) => s.pow(total, s.div(1, p)),
  (dy, x, y, distance, p) =>
    unless0(
      distance,
      s.mul(s.mul(dy, signed(x, y)), s.select(s.eq(x, y), 0, s.pow(s.div(gap(x, y), distance), s.sub(p, 1)))),
    ),
)
const greatest = metric(gap, null, (dy, x, y, distance) =>
  unless0(distance, s.select(s.eq(s.rounded(gap(x, y)), distance), s.mul(dy, signed(x, y)), 0)),
)
const metricOf = (p: number): Metric =>
  p === 0 ? zero : p === 1 ? city : p === 2 ? straight : p === Infinity ? greatest : general

/** [..., p, m] and [..., r, m] to [..., p, r]: the rows stand across each other, so that nothing is repeated. */
const cdistOp: OpDef<number> = {
  name: 'cdist',
  infer: ([a, b]) => [{ sizes: [...a.sizes.slice(0, -1), b.sizes[b.sizes.length - 2]], dtype: a.dtype }],
  saves: () => ({ inputs: [0, 1], outputs: [0] }),
  vjp: (ctx) => {
    const { attrs: p } = ctx
    const [a, b] = [ctx.input(0), ctx.input(1)]
    const { slope } = metricOf(p)
    const [dy, distance] = [ctx.dy, ctx.output()].map((x) => unsqueeze(x, -1))
    const [x, y] = [unsqueeze(a, -2), unsqueeze(b, -3)]
    const toShape = (z: Tensor, shape: Shape, sign: Tensor): Tensor =>
      shaped(apply(slope, [sign, x, y, distance, operand(p)], { sizes: shape, dtype: z.dtype }), z.sizes)
    return [ctx.needs(0) ? toShape(a, x.sizes, dy) : null, ctx.needs(1) ? toShape(b, y.sizes, mul(dy, -1)) : null]
  },
  to: {
    kind: 'compose',
    compose: ([a, b], p) => {
      const { terms, finish } = metricOf(p)
      const [x, y] = [unsqueeze(a as Tensor, -2), unsqueeze(b as Tensor, -3)]
      const kept = [...x.sizes.slice(0, -2), y.sizes[y.dim() - 2], 1]
      const total =
        p === Infinity
          ? amax(abs(sub(x, y)), -1, true)
          : apply(terms, [x, y, operand(p)], { sizes: kept, dtype: a.dtype })
      const distance = finish === null ? total : apply(finish, [total, operand(p)], null)
      return [shaped(distance, kept.slice(0, -1))]
    },
  },
}
interface CdistOptions {
  readonly p?: number
  /** How PyTorch computes large distances; here they are always sums of differences. */
  readonly computeMode?: string
}
const cdistArguments = signature(
  'cdist',
  required('x1', tensor),
  required('x2', tensor),
  optional('p', number, 2),
  optional('computeMode', nullable(str), null),
)
/**
 * The distances of order `p` (2) between all rows of `x1` [..., p, m] and of `x2` [..., r, m]: [..., p, r]. Leading
 * dimensions broadcast. Floats only.
 *
 * @example
 * cdist(tensor([[0, 0]]), tensor([[3, 4], [0, 1]])) // tensor([[5., 1.]])
 */
export function cdist(
  ...args: [x1: Tensor, x2: Tensor, ...Arguments<[p: number, computeMode: string | null], CdistOptions>]
): Tensor {
  const [a, b, p] = cdistArguments(args)
  for (const [i, x] of [a, b].entries()) {
    if (x.dim() < 2) throw new RuntimeError(`cdist only supports at least 2D tensors, X${i + 1} got: ${x.dim()}D`)
  }
  const [m, k] = [a.sizes[a.dim() - 1], b.sizes[b.dim() - 1]]
  if (m !== k) throw new RuntimeError(`X1 and X2 must have the same number of columns. X1: ${m} X2: ${k}`)
  for (const [i, { dtype }] of [a, b].entries()) {
    if (!isFloat(dtype))
      throw new RuntimeError(`cdist only supports floating-point dtypes, X${i + 1} got: ${dtypeName[dtype]}`)
  }
  if (a.dtype !== b.dtype) {
    throw mixed(a.dtype, b.dtype)
  }
  if (!(p >= 0)) throw new RuntimeError('cdist only supports non-negative p values')
  const lead = broadcastShapes(a.sizes.slice(0, -2), b.sizes.slice(0, -2))
  const [x, y] = [a, b].map((z) => expandTo(z, [...lead, ...z.sizes.slice(-2)]))
  if (p === Infinity && (m === 0 || numelOf(x.sizes) === 0 || numelOf(y.sizes) === 0)) {
    return mul(apply(cdistOp, [x, y], 1), 1)
  }
  return apply(cdistOp, [x, y], p)
}
