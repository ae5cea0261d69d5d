// Methods that give a tensor the shape of another one, or reduce it to sizes that broadcast to its own.
import { isFloat } from '../../base/dtype.ts'
import { RuntimeError } from '../../base/errors.ts'
import { sameShape, shapeString } from '../../base/shape.ts'
import { type Takes, checkSelf, method, required, tensor } from '../../tensor/signature.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { type Sizes, sizesOf } from '../define/arguments.ts'
import { sumTo } from '../define/elementwise.ts'
import { toDType } from '../define/fill.ts'
import { reshape, view } from './views.ts'

const other = required('other', tensor)
const viewArguments = method('view_as', other)
/** The same elements in the shape of another tensor, without a copy: `x.view(other.shape)`. */
export function viewAs(x: Tensor, ...args: Takes<[other: Tensor], 'other'>): Tensor {
  const [{ sizes }] = viewArguments(x, args)
  return view(x, sizes)
}
const reshapeArguments = method('reshape_as', other)
/** The same elements in the shape of another tensor, a view if possible: `x.reshape(other.shape)`. */
export function reshapeAs(x: Tensor, ...args: Takes<[other: Tensor], 'other'>): Tensor {
  const [{ sizes }] = reshapeArguments(x, args)
  return reshape(x, sizes)
}

/**
 * Summed over the dimensions that sizes have as 1 or lack: the opposite of `expand`. As in `sum`, uint8 and bool become
 * int32.
 *
 * @example
 * sumToSize(ones(2, 3), 1, 3) // tensor([[2., 2., 2.]])
 */
export function sumToSize(x: Tensor, ...size: Sizes): Tensor {
  checkSelf('sum_to_size', x)
  const sizes = sizesOf('sum_to_size', 'size', size)
  const lead = x.dim() - sizes.length
  if (lead < 0 || !sizes.every((n, i) => n === 1 || n === x.sizes[lead + i])) {
    throw new RuntimeError(
      `size {${shapeString(sizes)}} is not expandable to size {${shapeString(x.sizes)}}.`,
      'Each size must be that of the tensor, or 1; sizes are counted from the end.',
    )
  }
  if (sameShape(x.sizes, sizes)) return x
  const dtype = isFloat(x.dtype) ? x.dtype : 'int32'
  const summed = sumTo(toDType(x, dtype), [...new Array<number>(lead).fill(1), ...sizes])
  return lead === 0 ? summed : view(summed, sizes)
}
