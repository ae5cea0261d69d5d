// Selection by an index or a mask: indexSelect, maskedFill, maskedSelect, nonzero, oneHot.
import { dtypeName, isFloat } from '../../base/dtype.ts'
import { IndexError, RuntimeError } from '../../base/errors.ts'
import { contiguousStrides } from '../../base/layout.ts'
import { broadcastShapes, normalizeDim, numelOf } from '../../base/shape.ts'
import { s } from '../../expr/expr.ts'
import { apply, operand } from '../../tensor/apply.ts'
import type { OpDef } from '../../tensor/op.ts'
import {
  type Takes,
  bool,
  either,
  int,
  keyword,
  method,
  optional,
  required,
  scalar,
  tensor,
} from '../../tensor/signature.ts'
import { Tensor } from '../../tensor/tensor.ts'
import { checkedIndices, isMask, maskedSelectOp, type Plan, placesOf, spread } from './advanced.ts'
import { numberFor } from '../define/arguments.ts'
import { fromArray } from '../create/create.ts'
import { elementwise, expandTo } from '../define/elementwise.ts'
import { reshapeOp } from '../define/views.ts'
import { floorDivide, remainder } from '../pointwise/arithmetic.ts'
import { filled, toDType } from '../define/fill.ts'
import { type Overloaded, overloaded } from '../define/overloads.ts'
import { amax } from '../order/extremes.ts'
import { accumulateAlongOp, indexAlong, repeated, scatterAlongDim } from './gather.ts'
import { unsqueeze } from '../views/views.ts'

// ---- indexSelect ----

const addAlongOp: OpDef<number> = { ...accumulateAlongOp, name: 'IndexAddBackward0' }
const selectAlong = indexAlong('indexSelect', addAlongOp)
export const outOfRange = (index: number | null, size: number): Error =>
  new IndexError('index out of range in self', index === null ? undefined : `The index is ${index}, the size ${size}.`)

const indexSelectArguments = method('index_select', required('dim', int), required('index', tensor))
/**
 * Whole slices along a dimension, in the order of `index`, an int32 vector without negative numbers. Differentiable.
 *
 * @example
 * indexSelect(tensor([[1, 2], [3, 4]]), 0, tensor([1, 1], { dtype: 'int32' })) // the second row twice
 */
export function indexSelect(x: Tensor, ...args: Takes<[dim: number, index: Tensor], 'dim index'>): Tensor {
  const [dim, index] = indexSelectArguments(x, args)
  const d = normalizeDim(dim, x.dim())
  if (index.dim() > 1) throw new IndexError('index_select(): Index is supposed to be a vector')
  if (index.dtype !== 'int32') {
    throw new RuntimeError(
      'index_select(): Expected dtype int32 or int64 for index',
      `It is ${dtypeName[index.dtype]}: index.int().`,
    )
  }
  if (x.dim() === 0) {
    if (index.elements !== 1) {
      throw new RuntimeError(`index_select(): Index to scalar can have only 1 value, got ${index.elements} value(s)`)
    }
    return apply(reshapeOp, [indexSelect(apply(reshapeOp, [x], [1]), 0, index)], [])
  }
  const size = x.sizes[d]
  const n = index.elements
  if (size === 0 && n > 0 && x.dim() > 1)
    throw new RuntimeError('index_select(): self indexing axis dim should be positive')
  const row = apply(reshapeOp, [checkedIndices(index, size, outOfRange)], [n])
  return apply(selectAlong, [x, spread(row, { merged: x.sizes, axis: d })], d)
}

// ---- masks ----

const makeBool = (mask: Tensor): string => `The mask is ${dtypeName[mask.dtype]}. Convert it: mask.ne(0).`

const onlyTruths = 'Mask tensor can take 0 and 1 values only'
const truthOf = elementwise('ne', (x) => s.ne(x, 0), {
  out: 'bool',
  check: ([x]) => ({
    expr: s.and(s.ne(x, 0), s.ne(x, 1)),
    error: () => new RuntimeError(onlyTruths, 'Convert it: mask.ne(0).'),
  }),
})
/** An integer mask must contain only 0 and 1. */
export const truthful = (mask: Tensor): Tensor => (mask.dtype === 'bool' ? mask : apply(truthOf, [mask], null))

const fill = (name: string) =>
  elementwise(name, (x, mask, value) => s.select(mask, value, x), { gradName: 'maskedFill' })
const fillNumber = fill('maskedFill')
/** PyTorch names the overload for a tensor differently. */
const fillTensor = fill('MaskedFillBackward1')

const maskedFillArguments = method('masked_fill', required('mask', tensor), required('value', either(tensor, scalar)))
type MaskedFillArguments = Takes<[mask: Tensor, value: Tensor | number | boolean], 'mask value'>
/**
 * `value`, a number or a tensor without dimensions, where the mask is true, `x` elsewhere. The mask, of bool or of
 * integers 0 and 1, broadcasts. The dtype is that of `x`. Differentiable in `x` and `value`.
 *
 * @example
 * maskedFill(tensor([1, -2]), tensor([false, true]), 0) // tensor([1., 0.])
 */
export const maskedFill: Overloaded<[x: Tensor, ...args: MaskedFillArguments]> = overloaded(
  (x: Tensor, ...args: MaskedFillArguments) => {
    const [mask, value] = maskedFillArguments(x, args)
    if (isFloat(mask.dtype)) throw new RuntimeError(onlyTruths, makeBool(mask))
    broadcastShapes(mask.sizes, x.sizes)
    if (!(value instanceof Tensor)) return [fillNumber, [x, truthful(mask), operand(numberFor(value, x.dtype))]]
    if (value.dim() > 0) {
      throw new RuntimeError(
        `masked_fill_ only supports a 0-dimensional value tensor, but got tensor with ${value.dim()} dimension(s).`,
        'To choose between two tensors use where().',
      )
    }
    return [fillTensor, [x, truthful(mask), toDType(value, x.dtype)]]
  },
)

const maskedSelectArguments = method('masked_select', required('mask', tensor))
/**
 * The elements where the mask is true, as a vector. The mask broadcasts against `x`. Differentiable in `x`.
 *
 * @example
 * maskedSelect(x, x.gt(0)) // x[x > 0]
 */
export function maskedSelect(x: Tensor, ...args: Takes<[mask: Tensor], 'mask'>): Tensor {
  const [mask] = maskedSelectArguments(x, args)
  if (!isMask(mask)) throw new RuntimeError('masked_select: expected BoolTensor or ByteTensor for mask', makeBool(mask))
  const shape = broadcastShapes(mask.sizes, x.sizes)
  const places = placesOf(expandTo(truthful(mask), shape), 'maskedSelect()')
  const plan: Plan = { order: null, merged: [numelOf(shape)], axis: 0, out: places.sizes }
  return apply(maskedSelectOp, [expandTo(x, shape), places], plan)
}

export interface NonzeroOptions {
  /** Return one index tensor per dimension, as indexing takes them. */
  readonly asTuple?: boolean
}
const nonzeroArguments = method('nonzero', keyword('asTuple', bool, false))
/**
 * The indices of the nonzero elements, in row-major order: int32, one row per element, one column per dimension. Their
 * number is read from the device.
 *
 * @example
 * nonzero(tensor([0, 5, 7])) // tensor([[1],
 *                            //         [2]])
 * x.at(...nonzero(x, { asTuple: true })) // x[x != 0]
 */
export function nonzero(x: Tensor, options: { readonly asTuple: true }): Tensor[]
export function nonzero(x: Tensor, options?: { readonly asTuple?: false }): Tensor
export function nonzero(x: Tensor, ...args: [options?: NonzeroOptions]): Tensor | Tensor[] {
  const [asTuple] = nonzeroArguments(x, args)
  const places = placesOf(x, 'nonzero()')
  const { device } = x
  const steps = contiguousStrides(x.sizes)
  if (asTuple) {
    if (x.dim() === 0) return [places]
    return x.sizes.map((size, d) => (places.elements === 0 ? places : remainder(floorDivide(places, steps[d]), size)))
  }
  if (places.elements === 0 || x.dim() === 0) return filled([places.elements, x.dim()], 'int32', 0, x.storage.device)
  const row = (values: readonly number[]): Tensor => fromArray(Int32Array.from(values), [values.length], { device })
  return remainder(floorDivide(unsqueeze(places, 1), row(steps)), row(x.sizes))
}

// Methods derived from the table have one form; this one has two.
declare module '../../tensor/tensor.ts' {
  interface Tensor {
    /** The indices of the nonzero elements: int32, one row per element, one column per dimension. */
    nonzero(options?: { readonly asTuple?: false }): Tensor
    /** One index tensor per dimension, as indexing takes them. */
    nonzero(options: { readonly asTuple: true }): Tensor[]
  }
}

const negative = (): Error => new RuntimeError('Class values must be non-negative.')
const tooLarge = (index: number | null, size: number): Error =>
  new RuntimeError('Class values must be smaller than num_classes.', `The value ${index ?? ''} is not below ${size}.`)
const least = 2 ** 31 - 1

const oneHotArguments = method('one_hot', optional('numClasses', int, -1))
/**
 * Adds a last dimension of `numClasses` int32 elements, with a 1 at the position that each int32 element of `x` gives.
 * Without `numClasses` the number is the largest class plus 1.
 *
 * @example
 * oneHot(tensor([2, 0], { dtype: 'int32' }), 3) // tensor([[0, 0, 1],
 *                                               //         [1, 0, 0]])
 */
export function oneHot(x: Tensor, ...args: [numClasses?: number | { readonly numClasses?: number }]): Tensor {
  const [given] = oneHotArguments(x, args)
  if (x.dtype !== 'int32') {
    throw new RuntimeError(
      'one_hot is only applicable to index tensor.',
      `Class values must be int32, not ${x.dtype}: x.int().`,
    )
  }
  if (x.elements === 0) {
    if (given <= 0) throw new RuntimeError('Can not infer total number of classes from empty tensor.')
    return filled([...x.sizes, given], 'int32', 0, x.storage.device)
  }
  const whole = checkedIndices(x, least, negative)
  const classes = given === -1 ? amax(whole).item() + 1 : given
  const checked = given === -1 ? whole : checkedIndices(whole, Math.max(classes, 0), tooLarge)
  const row = unsqueeze(checked, -1)
  const zeros = repeated(0, row, [...x.sizes, classes])
  return scatterAlongDim(zeros, x.dim(), row, repeated(1, row, row.sizes))
}
