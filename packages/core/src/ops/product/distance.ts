// Lengths and angles of vectors: normalize, cosineSimilarity, pairwiseDistance and pdist.
import { dtypeName, isFloat } from '../../base/dtype.ts'
import { RuntimeError } from '../../base/errors.ts'
import { resultType } from '../../base/promotion.ts'
import { broadcastShapes, normalizeDim, normalizeDims } from '../../base/shape.ts'
import { s } from '../../expr/expr.ts'
import { apply, operand } from '../../tensor/apply.ts'
import {
  type Takes,
  type Arguments,
  bool,
  dims as dimsKind,
  int,
  number,
  optional,
  required,
  signature,
  tensor,
} from '../../tensor/signature.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { fromArray } from '../create/create.ts'
import type { DimOption, KeepdimOption } from '../define/arguments.ts'
import { elementwise, expandTo } from '../define/elementwise.ts'
import { toDType } from '../define/fill.ts'
import { indexSelect } from '../indexing/select.ts'
import { add, div, mul, sub } from '../pointwise/arithmetic.ts'
import { clamp } from '../pointwise/choice.ts'
import { sqrt } from '../pointwise/elementary.ts'
import { normOp, vectorNorm } from '../reduce/norm.ts'
import { sum } from '../reduce/reduce.ts'

export interface NormalizeOptions extends DimOption<number | readonly number[]> {
  readonly p?: number
  readonly eps?: number
}
const readNormalize = signature(
  'normalize',
  required('input', tensor),
  optional('p', number, 2),
  optional('dim', dimsKind, 1),
  optional('eps', number, 1e-12),
)
/**
 * Vectors along `dim` (1) divided by their norms of order `p` (2), or by `eps` if that is more.
 *
 * @example
 * F.normalize(tensor([[3, 4]])) // tensor([[0.6000, 0.8000]])
 */
export function normalize(
  x: Tensor,
  ...args: Arguments<[p: number, dim: number | readonly number[], eps: number], NormalizeOptions>
): Tensor {
  const [given, p, dim, eps] = readNormalize([x, ...args])
  return div(given, clamp(vectorNorm(given, p, normalizeDims(dim, given.dim()), true), { min: eps }))
}

/** At least a number, without an effect on the gradient. */
const atLeast = elementwise('clone', (x, low) => s.max(x, low), { grad: ({ dy }) => [dy, s.constant(0, dy.dtype)] })
const readCosine = signature(
  'cosine_similarity',
  required('x1', tensor),
  required('x2', tensor),
  optional('dim', int, 1),
  optional('eps', number, 1e-8),
)
/**
 * The cosine of the angle between vectors along `dim` (1); their lengths count as at least `eps`.
 *
 * @example
 * F.cosineSimilarity(tensor([[1, 0], [1, 1]]), tensor([[2, 0], [1, 0]])) // tensor([1.0000, 0.7071])
 */
export function cosineSimilarity(
  x1: Tensor,
  ...args: Takes<[x2: Tensor], 'x2', Arguments<[dim: number, eps: number], DimOption & { readonly eps?: number }>>
): Tensor {
  const [a, b, dim, eps] = readCosine([x1, ...args])
  const sizes = broadcastShapes(a.sizes, b.sizes)
  const dtype = resultType([a, b])
  if (!isFloat(dtype)) {
    throw new RuntimeError(
      `expected common dtype to be floating point, yet common dtype is ${dtypeName[dtype]}`,
      'Convert one of them: x1.float().',
    )
  }
  const d = normalizeDim(dim, sizes.length)
  const [p, q] = [a, b].map((x) => {
    const full = expandTo(toDType(x, dtype), sizes)
    const square = apply(atLeast, [sum(mul(full, full), d, true), operand(eps * eps)], null)
    return div(full, sqrt(square))
  })
  return sum(mul(p, q), d)
}

const readDistance = signature(
  'pairwise_distance',
  required('x1', tensor),
  required('x2', tensor),
  optional('p', number, 2),
  optional('eps', number, 1e-6),
  optional('keepdim', bool, false),
)
/**
 * The distances of vectors along the last dimension: the norms of order `p` (2) of `x1 - x2 + eps`.
 *
 * @example
 * F.pairwiseDistance(tensor([[0, 0]]), tensor([[3, 4]])) // tensor([5.0000])
 */
export function pairwiseDistance(
  x1: Tensor,
  ...args: Takes<
    [x2: Tensor],
    'x2',
    Arguments<
      [p: number, eps: number, keepdim: boolean],
      { readonly p?: number; readonly eps?: number } & KeepdimOption
    >
  >
): Tensor {
  const [a, b, p, eps, keepdim] = readDistance([x1, ...args])
  const apart = add(sub(a, b), eps)
  return vectorNorm(apart, p, apart.dim() === 0 ? [] : [apart.dim() - 1], keepdim)
}

const pairsOp: typeof normOp = { ...normOp, name: 'pdist' }
const readPairs = signature('pdist', required('input', tensor), optional('p', number, 2))
/**
 * The distances between all pairs of rows of a matrix [n, width], by the norm of order `p` (2): a vector with those of row
 * 0 to rows 1, 2, ..., then those of row 1.
 *
 * Throws a RuntimeError for another number of dimensions, for integers, and for an order below 0.
 *
 * @example
 * F.pdist(tensor([[0, 0], [3, 4], [0, 4]])) // tensor([5., 4., 3.])
 */
export function pdist(x: Tensor, ...args: Arguments<[p: number], { readonly p?: number }>): Tensor {
  const [rows, p] = readPairs([x, ...args])
  if (rows.dim() !== 2) throw new RuntimeError(`pdist only supports 2D tensors, got: ${rows.dim()}D`)
  if (!isFloat(rows.dtype)) throw new RuntimeError('pdist only supports floating-point dtypes')
  if (!(p >= 0)) throw new RuntimeError('pdist only supports non-negative p values')
  const n = rows.sizes[0]
  const [from, to]: [number[], number[]] = [[], []]
  for (let i = 0; i < n; i++) {
    for (let k = i + 1; k < n; k++) {
      from.push(i)
      to.push(k)
    }
  }
  const picked = (list: readonly number[]): Tensor =>
    indexSelect(rows, 0, fromArray(Int32Array.from(list), [list.length], { device: rows.device }))
  return apply(pairsOp, [sub(picked(from), picked(to))], { p, dims: [1], keepdim: false })
}
