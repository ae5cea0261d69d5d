// Tensors as JSON: the bytes of the elements, so that NaN, -0 and infinities survive.
import { isDType, newArray, type DType } from '../../base/dtype.ts'
import { fromBase64 } from '../../base/base64.ts'
import { TypeError, ValueError } from '../../base/errors.ts'
import { checkSizes, numelOf } from '../../base/shape.ts'
import { Tensor } from '../../tensor/tensor.ts'
import { type TensorOptions, fromArray } from './create.ts'

/** The JSON form of a tensor: its elements in row-major order, as little-endian bytes in base64. */
export interface TensorJSON {
  readonly dtype: DType
  readonly shape: readonly number[]
  readonly data: string
}

/** Whether a value is the JSON form of a tensor. */
export function isTensorJSON(x: unknown): x is TensorJSON {
  if (typeof x !== 'object' || x === null || x instanceof Tensor) return false
  const { dtype, shape, data } = x as Partial<TensorJSON>
  return isDType(dtype) && Array.isArray(shape) && typeof data === 'string'
}

/**
 * The tensor that `x.toJSON()`, and so `JSON.stringify`, wrote: the same dtype, shape and elements to the bit.
 *
 * Throws a TypeError for any other object, and a ValueError if the elements do not fit the shape.
 *
 * @example
 * const text = JSON.stringify(tensor([1, Number.NaN, -0]))
 * fromJSON(JSON.parse(text)) // tensor([1., nan, -0.])
 */
export function fromJSON(json: TensorJSON, options: Omit<TensorOptions, 'dtype'> = {}): Tensor {
  if (!isTensorJSON(json)) {
    throw new TypeError('a tensor in JSON has the entries dtype, shape and data', 'Pass the result of toJSON().')
  }
  const shape = [...checkSizes(json.shape)]
  const data = newArray(json.dtype, numelOf(shape))
  const bytes = fromBase64(json.data)
  if (bytes.length !== data.byteLength) {
    throw new ValueError(`shape '[${shape.join(', ')}]' is invalid for input of ${bytes.length} bytes of ${json.dtype}`)
  }
  new Uint8Array(data.buffer).set(bytes)
  if (json.dtype === 'bool' && bytes.some((x) => x > 1)) throw new ValueError('a bool must be 0 or 1')
  return fromArray(data, shape, { ...options, dtype: json.dtype })
}

/**
 * A value with tensors instead of their JSON forms, in nested arrays and objects too; `above` are the objects that
 * contain it.
 */
export function revived(x: unknown, above: readonly unknown[] = []): unknown {
  if (isTensorJSON(x)) return fromJSON(x)
  if (typeof x !== 'object' || x === null) return x
  if (above.includes(x)) throw new ValueError('Circular reference detected', 'A saved state contains itself.')
  const within = [...above, x]
  if (Array.isArray(x)) return Array.from(x, (item) => revived(item, within))
  const prototype: unknown = Object.getPrototypeOf(x)
  if (prototype !== Object.prototype && prototype !== null) return x
  return Object.fromEntries(Object.entries(x).map(([key, value]) => [key, revived(value, within)]))
}
