// Parameters and buffers of lazy layers before their first input. They have a dtype and a device but no sizes, and
// whatever would use their memory throws.
import { RuntimeError, ValueError } from '../base/errors.ts'
import type { Shape } from '../base/shape.ts'
import { empty, type TensorOptions } from '../ops/create/create.ts'
import { effects } from '../tensor/effects.ts'
import { Tensor } from '../tensor/tensor.ts'
import { Parameter } from './parameter.ts'

const used = (): never => {
  throw new ValueError(
    'Attempted to use an uninitialized parameter. This error happens when you are using a `LazyModule` or explicitly manipulating `torch.nn.parameter.UninitializedParameter` objects. When using LazyModules Call `forward` with a dummy batch to initialize the parameters before calling torch functions',
  )
}
const withoutSizes = (): never => {
  throw new RuntimeError(
    "Can't access the shape of an uninitialized parameter or buffer. This error usually happens in `load_state_dict` when trying to load an uninitialized parameter into an initialized one. Call `forward` to initialize the parameters before accessing their attributes.",
  )
}

type LayerOptions = Pick<TensorOptions, 'dtype' | 'device'>

/** A tensor whose memory is gone, so that every use of it calls `used`. */
function nothing(options: LayerOptions): Tensor {
  const x = empty([0], options)
  x.storage.free(used)
  return x
}

/** A parameter that a lazy layer initialises when it sees its first input. */
export class UninitializedParameter extends Parameter {
  constructor(options: LayerOptions) {
    super(nothing(options))
  }

  override get shape(): Shape {
    return withoutSizes()
  }

  override numel(): number {
    return used()
  }

  override toString(): string {
    return '<UninitializedParameter>'
  }
}

/** The same for a buffer. */
export class UninitializedBuffer extends Tensor {
  constructor(options: LayerOptions) {
    const { storage, sizes, strides, offset, dtype } = nothing(options)
    super(storage, sizes, strides, offset, dtype)
  }

  override get shape(): Shape {
    return withoutSizes()
  }

  override numel(): number {
    return used()
  }

  override toString(): string {
    return '<UninitializedBuffer>'
  }
}

export const isUninitialized = (x: unknown): boolean =>
  x instanceof UninitializedParameter || x instanceof UninitializedBuffer

/** Another one like it. */
export function uninitializedLike({ dtype, device, requiresGrad }: Tensor, parameter: boolean): Tensor {
  const options = { dtype, device }
  return parameter
    ? new UninitializedParameter(options).setRequiresGrad(requiresGrad)
    : new UninitializedBuffer(options)
}

/**
 * Gives it sizes and memory; it stays the same object, so that an optimizer may hold it already. The result takes them
 * away again.
 */
export function materialize(x: Tensor, of: Shape): () => void {
  const { storage, sizes, strides, offset, elements } = x
  const before = { storage, sizes, strides, offset, elements }
  const type: object = Object.getPrototypeOf(x)
  const set = ({ storage, sizes, strides, offset, elements }: typeof before, prototype: object): void => {
    effects.scope?.changed(x)
    Object.setPrototypeOf(x, prototype)
    Object.assign(x, { storage, sizes, strides, offset, elements, accumulator: null, viewOf: null })
  }
  set(
    empty([...of], { dtype: x.dtype, device: x.device }),
    x instanceof Parameter ? Parameter.prototype : Tensor.prototype,
  )
  return () => set(before, type)
}
