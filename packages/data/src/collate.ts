// Samples to a batch, as PyTorch's `default_collate` does it.
import { RuntimeError, signatures, stack, Tensor, tensor, TypeError, type TypedArray, ValueError } from '@flambeau/core'
import { className } from '@flambeau/core/backend'

/** The result of `defaultCollate` for samples of type T: tensors get a leading dimension, numbers become tensors. */
export type Batch<T> = T extends Tensor | number | boolean | TypedArray
  ? Tensor
  : T extends string
    ? string[]
    : { [K in keyof T]: Batch<T[K]> }

/**
 * Makes a batch of samples like PyTorch's `default_collate`: tensors are stacked, numbers become a float32 tensor,
 * booleans a bool tensor, strings a list; lists and objects are collated entry by entry.
 *
 * Throws a TypeError for a sample of any other kind.
 *
 * @example
 * defaultCollate([1, 2, 3]) // tensor([1., 2., 3.])
 */
export const defaultCollate = <T>(samples: readonly T[]): Batch<T> =>
  collate(readSamples([samples])[0], [], false) as Batch<T>

const anything: signatures.Kind<unknown> = { expected: 'object', accepts: () => true }
const readSamples = signatures.signature('default_collate', signatures.required('batch', signatures.list(anything)))

/** How a sample is collated, or undefined if it cannot be. */
const kindOf = (sample: unknown): string | undefined => {
  if (sample instanceof Tensor) return 'tensor'
  if (typeof sample === 'number' || typeof sample === 'boolean') return 'number'
  if (typeof sample === 'string') return 'str'
  if (Array.isArray(sample)) return 'list'
  if (ArrayBuffer.isView(sample)) return 'array'
  if (typeof sample === 'object' && sample !== null && Object.getPrototypeOf(sample) === Object.prototype) return 'dict'
  return undefined
}

/** The class of an object, or the type of another value. */
const typeOf = (x: unknown): string =>
  x === null
    ? 'null'
    : typeof x === 'object' && typeof x.constructor === 'function'
      ? className(x.constructor)
      : typeof x

/** The maximum nesting depth of lists and objects. */
const DEEPEST = 64

/**
 * `outer` are the first samples of the enclosing lists and objects, to detect a sample that contains itself; `integers`:
 * numbers become int32.
 */
export const collate = (samples: readonly unknown[], outer: readonly unknown[], integers: boolean): unknown => {
  const first = samples[0]
  const kind = kindOf(first)
  const other = samples.findIndex((sample) => kindOf(sample) !== kind)
  if (kind === undefined || other >= 0) {
    const wrong = kind === undefined ? first : samples[other]
    throw new TypeError(
      `default_collate: batch must contain tensors, numbers, dicts or lists; found ${typeOf(wrong)}${kind === undefined ? '' : ` beside ${kind}`}`,
      'Pass { collate: (samples) => ... } to make batches yourself.',
    )
  }
  if (outer.length > DEEPEST || outer.includes(first))
    throw new ValueError('default_collate: a sample has too many dimensions', 'Does it contain itself?')
  const parts = (pick: (sample: never) => unknown) =>
    collate(samples.map(pick as (x: unknown) => unknown), [...outer, first], integers)
  switch (kind) {
    case 'tensor':
      return stack(samples as Tensor[])
    case 'number':
      return integers && typeof first === 'number' ? labels(samples as number[]) : tensor(samples as number[])
    case 'array':
      return stack(samples.map((sample) => tensor(sample as TypedArray)))
    case 'str':
      return [...samples]
    case 'list': {
      const { length } = first as unknown[]
      if ((samples as unknown[][]).some((list) => list.length !== length))
        throw new RuntimeError('each element in list of batch should be of equal size')
      return Array.from({ length }, (_, i) => parts((list: unknown[]) => list[i]))
    }
    default:
      return Object.fromEntries(
        Object.keys(first as object).map((key) => [key, parts((record: Record<string, unknown>) => record[key])]),
      )
  }
}

const readData = signatures.signature('default_convert', signatures.required('data', anything))
/** The result of `defaultConvert` for data of type T. */
export type Converted<T> = T extends TypedArray
  ? Tensor
  : T extends Tensor | number | boolean | string | null
    ? T
    : { [K in keyof T]: Converted<T[K]> }

/**
 * Makes tensors of the typed arrays in a sample, like PyTorch's `default_convert` of NumPy's: in lists and objects, too. All
 * else stays as it is.
 *
 * @example
 * defaultConvert({ x: new Float32Array([1, 2]), label: 3 }) // { x: tensor([1., 2.]), label: 3 }
 */
export const defaultConvert = <T>(data: T): Converted<T> => converted(readData([data])[0], []) as Converted<T>

function converted(x: unknown, outer: readonly unknown[]): unknown {
  const kind = kindOf(x)
  if (kind === 'array') return tensor(x as TypedArray)
  if (kind !== 'list' && kind !== 'dict') return x
  if (outer.length > DEEPEST || outer.includes(x))
    throw new ValueError('default_convert: a sample has too many dimensions', 'Does it contain itself?')
  const within = [...outer, x]
  if (kind === 'list') return Array.from(x as unknown[], (item) => converted(item, within))
  return Object.fromEntries(Object.entries(x as object).map(([key, item]) => [key, converted(item, within)]))
}

/** Class labels as int32. */
const labels = (samples: readonly number[]): Tensor => {
  const wrong = samples.find((label) => (label | 0) !== label)
  if (wrong === undefined) return tensor(Int32Array.from(samples))
  throw new ValueError(
    `default_collate: the numbers of this dataset are class labels, but found ${wrong}`,
    'Return a tensor from the transform of targets for other numbers.',
  )
}
