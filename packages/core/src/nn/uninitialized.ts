// Parameters and buffers of lazy layers before their first input. They have a dtype and a device but no sizes, and
// whatever would use their memory throws.
import { RuntimeError, ValueError } from '../base/errors.ts'
import type { DTypeWord } from '../base/dtype.ts'
import type { Shape } from '../base/shape.ts'
import { empty, type TensorOptions } from '../ops/create/create.ts'
import { effects } from '../tensor/effects.ts'
import {
  type Arguments,
  bool,
  constructing,
  device as deviceKind,
  dims,
  dtype as dtypeKind,
  optional,
  required,
  signature,
} from '../tensor/signature.ts'
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
export interface UninitializedOptions {
  readonly requiresGrad?: boolean
  readonly device?: string
  readonly dtype?: DTypeWord
}
type UninitializedArguments = Arguments<
  [requiresGrad: boolean, device: string | undefined, dtype: DTypeWord | undefined],
  UninitializedOptions
>
const place = [optional('device', deviceKind, undefined), optional('dtype', dtypeKind, undefined)] as const
const ofParameter = constructing('UninitializedParameter', optional('requiresGrad', bool, true), ...place)
const ofBuffer = constructing('UninitializedBuffer', optional('requiresGrad', bool, false), ...place)
const materializeArguments = signature('materialize', required('shape', dims), ...place)
type MaterializeArguments = [
  shape: number | Shape,
  ...Arguments<[device: string | undefined, dtype: DTypeWord | undefined], Omit<UninitializedOptions, 'requiresGrad'>>,
]

function materialized(x: Tensor, args: MaterializeArguments): void {
  const [shape, device = x.device, dtype = x.dtype] = materializeArguments(args)
  materialize(x, typeof shape === 'number' ? [shape] : shape, { device, dtype })
}

/** A tensor whose memory is gone, so that every use of it calls `used`. */
function nothing(options: LayerOptions): Tensor {
  const x = empty([0], options)
  x.storage.free(used)
  return x
}

/**
 * A parameter without sizes and memory, which a lazy layer initialises when it sees its first input. A module of your own
 * calls `materialize` in its first `forward`.
 *
 * @example
 * const weight = new nn.UninitializedParameter()
 * weight.materialize([2, 3])
 * weight.shape // [2, 3]
 */
export class UninitializedParameter extends Parameter {
  constructor(...args: UninitializedArguments) {
    const [requiresGrad, device, dtype] = ofParameter(args)
    super(nothing({ device, dtype }), requiresGrad)
  }

  /** Gives it sizes and memory, whose elements are arbitrary, and makes it a usual parameter; it stays the same object. */
  materialize(...args: MaterializeArguments): void {
    materialized(this, args)
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

/** A buffer without sizes and memory, until `materialize` makes it a usual tensor. */
export class UninitializedBuffer extends Tensor {
  constructor(...args: UninitializedArguments) {
    const [requiresGrad, device, dtype] = ofBuffer(args)
    const { storage, sizes, strides, offset, dtype: own } = nothing({ device, dtype })
    super(storage, sizes, strides, offset, own)
    this.setRequiresGrad(requiresGrad)
  }

  /** Gives it sizes and memory, whose elements are arbitrary, and makes it a usual tensor; it stays the same object. */
  materialize(...args: MaterializeArguments): void {
    materialized(this, args)
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

/** Another one like `x`, where `of` is and of its dtype. */
export function uninitializedLike(x: Tensor, { dtype, device } = x): Tensor {
  const options = { dtype, device, requiresGrad: x.requiresGrad }
  return x instanceof Parameter ? new UninitializedParameter(options) : new UninitializedBuffer(options)
}

/**
 * Gives it sizes and memory; it stays the same object, so that an optimizer may hold it already. The result takes them
 * away again.
 */
export function materialize(
  x: Tensor,
  of: Shape,
  { dtype = x.dtype, device = x.device }: LayerOptions = {},
): () => void {
  const { storage, sizes, strides, offset, elements } = x
  const before = { storage, sizes, strides, offset, elements, dtype: x.dtype }
  const type: object = Object.getPrototypeOf(x)
  const set = ({ storage, sizes, strides, offset, elements, dtype }: typeof before, prototype: object): void => {
    effects.scope?.changed(x)
    Object.setPrototypeOf(x, prototype)
    Object.assign(x, { storage, sizes, strides, offset, elements, dtype, accumulator: null, viewOf: null })
  }
  set(empty([...of], { dtype, device }), x instanceof Parameter ? Parameter.prototype : Tensor.prototype)
  return () => set(before, type)
}
