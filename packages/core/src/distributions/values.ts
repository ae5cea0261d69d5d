// Helpers of the distributions: parameters that are tensors or numbers, PyTorch's printed values, and sums over last
// dimensions.
import { defaults } from '../base/default-dtype.ts'
import { className } from '../base/class-name.ts'
import { AssertionError, ValueError } from '../base/errors.ts'
import { broadcastShapes, type Shape, scalarShape } from '../base/shape.ts'
import { typeName } from '../base/python.ts'
import { expandTo } from '../ops/define/elementwise.ts'
import { filled } from '../ops/define/fill.ts'
import { currentDevice } from '../tensor/device.ts'
import { reprFloat } from '../tensor/print.ts'
import { isTensor, type Kind } from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'

export type TensorOrNumber = Tensor | number

/** A parameter of a distribution. */
export const tensorOrNumber: Kind<TensorOrNumber> = {
  expected: 'Tensor',
  accepts: (x) => typeof x === 'number' || isTensor(x),
  refuse: (x, argument) =>
    new ValueError(
      'Input arguments must all be instances of numbers.Number, torch.Tensor or objects implementing __torch_function__.',
      `The ${argument} is ${typeName(x)}.`,
    ),
}

/** Tensors of one shape: numbers take the dtype and the device of the first tensor. */
export function broadcastAll<T extends readonly TensorOrNumber[]>(...values: T): { [K in keyof T]: Tensor } {
  const like = values.find(isTensor)
  const device = like?.storage.device ?? currentDevice()
  const tensors = values.map((x) => (isTensor(x) ? x : filled(scalarShape, like?.dtype ?? defaults.float, x, device)))
  const shape = tensors.map((x) => x.sizes).reduce(broadcastShapes)
  return tensors.map((x) => expandTo(x, shape)) as { [K in keyof T]: Tensor }
}

/** A tensor as Python formats it in a text: a 0-d one as its number. */
export function valueText(x: Tensor): string {
  if (x.dim() > 0 || !x.storage.device.backend.caps.syncRead) return String(x)
  const value = x.item()
  if (x.dtype === 'bool') return value === 0 ? 'False' : 'True'
  return x.isFloatingPoint() ? reprFloat(value) : String(value)
}

/** What has a name of its own to print, because a bundler may shorten that of its class. */
export interface Titled {
  readonly title: string
}
/** The name to print: the title of the class itself, or the name of a user's class. */
export const nameOf = (x: object): string =>
  Object.hasOwn(Object.getPrototypeOf(x), 'title') ? (x as Titled).title : className(x.constructor)

/** The sum over the last `n` dimensions. */
export const sumRightmost = (x: Tensor, n: number): Tensor => (n === 0 ? x : x.flatten(-n).sum(-1))

/** A tensor with one value everywhere, in the dtype and on the device of another. */
export const fullOf = (x: Tensor, shape: Shape, value: number): Tensor =>
  filled(shape, x.dtype, value, x.storage.device)

interface Limits {
  /** The distance from 1 to the next number. */
  readonly eps: number
  /** The smallest positive number with all digits. */
  readonly tiny: number
  readonly max: number
}
/** PyTorch's finfo. */
export const limitsOf = ({ dtype }: Tensor): Limits =>
  dtype === 'float64'
    ? { eps: 2 ** -52, tiny: 2 ** -1022, max: Number.MAX_VALUE }
    : { eps: 2 ** -23, tiny: 2 ** -126, max: 2 ** 128 - 2 ** 104 }

export const EULER = 0.5772156649015329

// ---- pieces along a dimension ----

/** The lengths of the pieces along a dimension, 1 by default. */
export function lengthsOf(pieces: readonly unknown[], lengths: readonly number[] | null): readonly number[] {
  const own = lengths ?? pieces.map(() => 1)
  if (own.length === pieces.length) return own
  throw new AssertionError(`There are ${own.length} lengths for ${pieces.length} pieces`)
}
/** The pieces of a tensor along a dimension, of the given lengths. */
export function piecesOf(x: Tensor, dim: number, lengths: readonly number[]): Tensor[] {
  checkDim(x, dim)
  let start = 0
  return lengths.map((length) => {
    start += length
    return x.narrow(dim, start - length, length)
  })
}
/** The slices of a tensor along a dimension. */
export function slicesOf(x: Tensor, dim: number): Tensor[] {
  checkDim(x, dim)
  return x.unbind(dim)
}
function checkDim(x: Tensor, dim: number): void {
  if (dim < -x.dim() || dim >= x.dim())
    throw new AssertionError(`Expected the dimension ${dim} to be one of the ${x.dim()} of the tensor`)
}
