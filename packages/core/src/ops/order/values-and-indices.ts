// PyTorch's `torch.return_types.max` and similar: the values that an op selected, and their indices.
import { inspect } from '../../base/inspect.ts'
import { formatReturnType } from '../../tensor/print.ts'
import type { Tensor } from '../../tensor/tensor.ts'

/**
 * Values and their int32 indices: `const { values, indices } = x.max(1)` or `const [values, indices] = x.max(1)`; `x.max(1)[0]`.
 */
export class ValuesAndIndices implements Iterable<Tensor> {
  readonly values: Tensor
  readonly indices: Tensor
  readonly #op: string

  constructor(op: string, values: Tensor, indices: Tensor) {
    this.#op = op
    this.values = values
    this.indices = indices
  }

  get 0(): Tensor {
    return this.values
  }

  get 1(): Tensor {
    return this.indices
  }

  get length(): 2 {
    return 2
  }

  *[Symbol.iterator](): Iterator<Tensor> {
    yield this.values
    yield this.indices
  }

  toString(): string {
    return formatReturnType(this.#op, { values: String(this.values), indices: String(this.indices) })
  }

  [Symbol.for(inspect)](): string {
    return this.toString()
  }
}
