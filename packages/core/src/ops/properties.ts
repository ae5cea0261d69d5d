// What reads like a property: `x.T`, `x.mT`, `x.data`, and rows by `for (const row of x)`.
import { RuntimeError, TypeError } from '../base/errors.ts'
import { detached, Tensor } from '../tensor/tensor.ts'
import { unbind } from './join.ts'
import { permute, transpose } from './views.ts'

declare module '../tensor/tensor.ts' {
  interface Tensor {
    /** All dimensions in reversed order: a matrix transposed. */
    readonly T: Tensor
    /** The last two dimensions swapped. */
    readonly mT: Tensor
    /** The same memory without a history, as `detach()` gives it. */
    readonly data: Tensor
    /** The slices along the first dimension, as views. */
    [Symbol.iterator](): ArrayIterator<Tensor>
  }
}

const properties: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  T: (x) =>
    permute(
      x,
      x.shape.map((_, d) => x.dim() - 1 - d),
    ),
  mT: (x) => {
    if (x.dim() === 1) {
      throw new RuntimeError('tensor.mT is only supported on matrices or batches of matrices. Got 1-D tensor.')
    }
    return x.dim() === 0 ? permute(x, []) : transpose(x, -2, -1)
  },
  data: detached,
}

for (const [name, read] of Object.entries(properties)) {
  Object.defineProperty(Tensor.prototype, name, {
    get(this: Tensor) {
      return read(this)
    },
    configurable: true,
  })
}

Object.defineProperty(Tensor.prototype, Symbol.iterator, {
  value: function (this: Tensor) {
    if (this.dim() === 0) throw new TypeError('iteration over a 0-d tensor', 'Its number is x.item().')
    return unbind(this, 0)[Symbol.iterator]()
  },
  configurable: true,
  writable: true,
})
