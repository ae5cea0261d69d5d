import { type Takes, int, keyword, list, method, required, signature, tensor } from '../../tensor/signature.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import type { DimOption } from '../define/arguments.ts'
import { checkFloat } from './host.ts'
import { mul } from '../pointwise/arithmetic.ts'
import { crossAlong, multiplied } from '../product/products.ts'
import { sum } from '../reduce/reduce.ts'
import { diagonal as diagonalOf } from '../views/views.ts'

const crossArguments = method('linalg_cross', required('other', tensor), keyword('dim', int, -1))
/**
 * The cross product along `dim` (-1), of size 3. Other dimensions broadcast.
 *
 * @example
 * linalg.cross(tensor([1, 0, 0]), tensor([0, 1, 0])) // tensor([0., 0., 1.])
 */
export function cross(x: Tensor, ...args: Takes<[other: Tensor], 'other', [options?: DimOption]>): Tensor {
  const [other, dim] = crossArguments(x, args)
  return crossAlong('linalg.cross', x, other, dim)
}

const vecdotArguments = method('linalg_vecdot', required('y', tensor), keyword('dim', int, -1))
/**
 * The inner products of vectors along `dim` (-1). Other dimensions broadcast. Floats only.
 *
 * @example
 * linalg.vecdot(tensor([[1, 2], [3, 4]]), tensor([1, 1])) // tensor([3., 7.])
 */
export function vecdot(x: Tensor, ...args: Takes<[y: Tensor], 'y', [options?: DimOption]>): Tensor {
  const [y, dim] = vecdotArguments(x, args)
  checkFloat('linalg.vecdot', x)
  return sum(mul(x, y), dim)
}

const multiDotArguments = signature('linalg_multi_dot', required('tensors', list(tensor)))
/**
 * The product of an array of matrices, in the order that takes the fewest multiplications; the first and the last may be
 * vectors.
 *
 * @example
 * linalg.multiDot([ones(2, 3), ones(3, 4), ones(4)]) // tensor([12., 12.])
 */
export function multiDot(...args: [tensors: readonly Tensor[]]): Tensor {
  return multiplied(multiDotArguments(args)[0])
}

const diagonalArguments = method(
  'linalg_diagonal',
  keyword('offset', int, 0),
  keyword('dim1', int, -2),
  keyword('dim2', int, -1),
)
/**
 * The diagonals of matrices in two dimensions (the last two), as the last dimension: a view.
 *
 * @example
 * linalg.diagonal(ones(5, 2, 3)).shape // [5, 2]
 */
export function diagonal(
  x: Tensor,
  ...args: [options?: { readonly offset?: number; readonly dim1?: number; readonly dim2?: number }]
): Tensor {
  return diagonalOf(x, ...diagonalArguments(x, args))
}
export { matmul } from '../product/matmul.ts'
export { matrixPower } from '../product/products.ts'
