// Members that read like properties: `x.T`, `x.mT`, `x.length`, `x.data`, and iteration over rows by `for (const row of x)`.
import { RuntimeError, TypeError } from '../base/errors.ts'
import { notFloat, toFloat } from '../base/remedies.ts'
import { isFloat } from '../base/dtype.ts'
import { typeName } from '../base/python.ts'
import { sameShape } from '../base/shape.ts'
import { effects } from '../tensor/effects.ts'
import { isTensor } from '../tensor/signature.ts'
import { Tensor } from '../tensor/tensor.ts'
import { unbind } from './views/join.ts'
import { permute, transpose } from './views/views.ts'

declare module '../tensor/tensor.ts' {
  interface Tensor {
    /** All dimensions in reversed order: the transpose of a matrix. */
    readonly T: Tensor
    /** The last two dimensions swapped. */
    readonly mT: Tensor
    /** The size of the first dimension: Python's `len(x)`. Throws a TypeError for a tensor without dimensions. */
    readonly length: number
    /**
     * The same memory without a history, like `detach()`, but autograd does not notice writes through it and computes
     * gradients with the new elements. Setting it gives the tensor the memory, shape, dtype and device of another one.
     */
    data: Tensor
    /** Whether the memory is the processor's: true, but for devices of graphics cards. */
    readonly isCpu: boolean
    /** Whether the tensor is on a CUDA device. */
    readonly isCuda: boolean
    /** False: PyTorch's device without memory is not here. */
    readonly isMeta: false
    /** False: tensors are dense. */
    readonly isSparse: false
    /** False: tensors are dense. */
    readonly isSparseCsr: false
    /** False: numbers are not quantised. */
    readonly isQuantized: false
    /** False: a tensor is one tensor. */
    readonly isNested: false
    /** False: there is no such device. */
    readonly isIpu: false
    /** False: there is no such device. */
    readonly isMkldnn: false
    /** False: there is no such device. */
    readonly isMps: false
    /** False: there is no such device. */
    readonly isOrt: false
    /** False: there is no such device. */
    readonly isVulkan: false
    /** False: there is no such device. */
    readonly isXpu: false
    /** The slices along the first dimension, as views. */
    [Symbol.iterator](): ArrayIterator<Tensor>
  }
}

const none = (): false => false
const properties: Readonly<Record<string, (x: Tensor) => unknown>> = {
  isCpu: ({ device }) => !/^(cuda|gpujs|webgpu)\b/.test(device),
  isCuda: ({ device }) => /^cuda\b/.test(device),
  isMeta: none,
  isSparse: none,
  isSparseCsr: none,
  isQuantized: none,
  isNested: none,
  isIpu: none,
  isMkldnn: none,
  isMps: none,
  isOrt: none,
  isVulkan: none,
  isXpu: none,
  T: (x) =>
    permute(
      x,
      x.sizes.map((_, d) => x.dim() - 1 - d),
    ),
  mT: (x) => {
    if (x.dim() === 1) {
      throw new RuntimeError('tensor.mT is only supported on matrices or batches of matrices. Got 1-D tensor.')
    }
    return x.dim() === 0 ? permute(x, []) : transpose(x, -2, -1)
  },
}

for (const [name, read] of Object.entries(properties)) {
  Object.defineProperty(Tensor.prototype, name, {
    get(this: Tensor) {
      return read(this)
    },
    configurable: true,
  })
}

Object.defineProperty(Tensor.prototype, 'length', {
  get(this: Tensor): number {
    if (this.dim() === 0) throw new TypeError('len() of a 0-d tensor', 'It is a single number: x.item().')
    return this.sizes[0]
  },
  configurable: true,
})

Object.defineProperty(Tensor.prototype, 'data', {
  get(this: Tensor): Tensor {
    effects.sink?.looks.met([this])
    const { storage, sizes, strides, offset, dtype } = this
    return new Tensor(storage.alias(), sizes, strides, offset, dtype)
  },
  set(this: Tensor, data: unknown) {
    if (!isTensor(data)) throw new TypeError(`Variable data has to be a tensor, but got ${typeName(data)}`)
    if (this.requiresGrad && !isFloat(data.dtype)) {
      throw notFloat(toFloat)
    }
    effects.sink?.refuse('x.data = y', 'Write into the memory of the tensor: noGrad(() => x.copy_(y)).')
    effects.scope?.changed(this)
    const { sizes, strides, offset, dtype, elements } = data
    const storage = data.storage.alias()
    storage.version = this.version
    const alike = dtype === this.dtype && storage.device === this.storage.device && sameShape(sizes, this.sizes)
    const accumulator = alike ? this.accumulator : null
    // The fields are read-only elsewhere: a tensor never changes its memory behind autograd's back.
    Object.assign(this, { storage, sizes, strides, offset, dtype, elements, accumulator, viewOf: null })
  },
  configurable: true,
})

Object.defineProperty(Tensor.prototype, Symbol.iterator, {
  value: function (this: Tensor) {
    if (this.dim() === 0) throw new TypeError('iteration over a 0-d tensor', 'Use x.item() to get its number.')
    return unbind(this, 0)[Symbol.iterator]()
  },
  configurable: true,
  writable: true,
})
