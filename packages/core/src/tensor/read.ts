// Methods that read a tensor: its elements as arrays and numbers, as JSON, and as text.
import { inspect } from '../base/inspect.ts'
import { toBase64 } from '../base/base64.ts'
import { type DType, newArray, type TypedArray } from '../base/dtype.ts'
import { RuntimeError } from '../base/errors.ts'
import { effects } from './effects.ts'
import { mode } from './mode.ts'
import { Tensor } from './tensor.ts'
import { tensorText } from './text.ts'

export type NestedNumbers = number | boolean | NestedNumbers[]
/**
 * What `tolist()` gives for a tensor of any rank. The rank is not in the type of a tensor, so this is a number and a
 * list of the same at once, for TypeScript only: `x.tolist()[0][1] + 1` compiles, and so does `const rows: number[][] =
 * x.tolist()`.
 */
export type NestedList = number & NestedLists
/** The lists, whose methods also take plain numbers. */
export interface NestedLists extends Array<NestedList> {
  readonly reduce: ((fn: (sum: number, x: number, i: number) => number) => number) & Array<NestedList>['reduce']
  includes(x: number): boolean
  indexOf(x: number): number
}

interface Reading {
  /** A copy of the elements in row-major order, as the typed array of the dtype. */
  toArray(): TypedArray
  /** Like `toArray`, but also on devices that cannot be read synchronously. */
  toArrayAsync(): Promise<TypedArray>
  /** The number in a tensor with one element. */
  item(): number
  /** Like `item`, but also on devices that cannot be read synchronously. */
  itemAsync(): Promise<number>
  /** Nested arrays in the tensor's shape; a number for a 0-d tensor; booleans for bool: `tolist<boolean[]>()`. */
  toNested<T = NestedList>(): T
  /** PyTorch's name of `toNested`. */
  tolist<T = NestedList>(): T
  /**
   * The form for `JSON.stringify`: dtype, shape, and the bytes of the elements, from which `fromJSON` restores them to
   * the bit. Gradient, history and `requiresGrad` are not included.
   *
   * @example
   * JSON.stringify(tensor([1, 2])) // '{"dtype":"float32","shape":[2],"data":"AACAPwAAAEA="}'
   */
  toJSON(): { readonly dtype: DType; readonly shape: readonly number[]; readonly data: string }
  /** The tensor as PyTorch prints it. */
  toString(): string
  [Symbol.toPrimitive](hint: string): number | string
}

declare module './tensor.ts' {
  interface Tensor extends Reading {}
}

/** The elements in row-major order; `inPlace` if they are read before anything else runs. */
export const read = (x: Tensor, inPlace = false): TypedArray =>
  x.elements === 0 ? newArray(x.dtype, 0) : x.storage.device.backend.readSync(x, inPlace)

/** Reports a read in a compiled step: exported elements leave the graph. */
function checkExport(x: Tensor, method: string): void {
  effects.sink?.refuse(`${method}()`)
  if (!mode.grad || !x.requiresGrad) return
  throw new RuntimeError(
    "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.",
    `In TypeScript: x.detach().${method}().`,
  )
}

function checkItem({ elements }: Tensor): void {
  if (elements === 1) return
  throw new RuntimeError(
    `a Tensor with ${elements} elements cannot be converted to Scalar`,
    'Use toArray() or toNested() for all elements, or index one first.',
  )
}

const methods: Reading & ThisType<Tensor> = {
  toArray() {
    checkExport(this, 'toArray')
    return read(this)
  },

  async toArrayAsync() {
    checkExport(this, 'toArrayAsync')
    return this.elements === 0 ? newArray(this.dtype, 0) : await this.storage.device.backend.read(this)
  },

  item() {
    effects.sink?.refuse('item()')
    checkItem(this)
    return this.storage.device.backend.readSync(this)[0]
  },

  async itemAsync() {
    effects.sink?.refuse('itemAsync()')
    checkItem(this)
    return (await this.storage.device.backend.read(this))[0]
  },

  toNested<T>(): T {
    effects.sink?.refuse('toNested()')
    const { dtype, sizes } = this
    const data = read(this)
    let at = 0
    const build = (dim: number): NestedNumbers => {
      if (dim < sizes.length) return Array.from({ length: sizes[dim] }, () => build(dim + 1))
      const x = data[at++]
      return dtype === 'bool' ? x !== 0 : x
    }
    return build(0) as T
  },

  tolist<T>(): T {
    return this.toNested<T>()
  },

  toJSON() {
    effects.sink?.refuse('toJSON()')
    const { dtype, sizes } = this
    const { buffer, byteOffset, byteLength } = read(this)
    return { dtype, shape: [...sizes], data: toBase64(new Uint8Array(buffer, byteOffset, byteLength)) }
  },

  toString() {
    return tensorText(this)
  },

  [Symbol.toPrimitive](hint) {
    if (hint === 'string' || (hint === 'default' && this.elements !== 1)) return this.toString()
    if (this.elements !== 1) {
      throw new RuntimeError(
        `Boolean value of Tensor with more than one value is ambiguous`,
        'Use any(), all() or item() to say which value is meant.',
      )
    }
    return this.item()
  },
}

const define = (name: PropertyKey, value: unknown): void =>
  void Object.defineProperty(Tensor.prototype, name, { value, configurable: true, writable: true })
for (const name of Reflect.ownKeys(methods)) define(name, methods[name as keyof Reading])
// By name, because a parameter has a toString of its own.
define(Symbol.for(inspect), function (this: Tensor) {
  return this.toString()
})
