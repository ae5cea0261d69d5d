// Layers that pad: with a constant, or with elements of the input.
import { pad } from '../ops/views/pad.ts'
import { type Takes, constructing, dims, number, required } from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { Module } from './module.ts'
import { pythonRepr } from './names.ts'

type Amounts = number | readonly number[]
type PaddingArguments = Takes<[padding: Amounts], 'padding'>
type ConstantArguments = [padding: Amounts | ConstantPadOptions, value?: number | ConstantPadOptions]
export interface ConstantPadOptions {
  readonly padding?: Amounts
  readonly value?: number
}
const padding = required('padding', dims)

/** Padding of the last `rank` dimensions by the same amount, or by two amounts for each, the last one first. */
abstract class Pad extends Module {
  padding: readonly number[]

  constructor(rank: number, amounts: Amounts) {
    super()
    this.padding = typeof amounts === 'number' ? Array.from({ length: 2 * rank }, () => amounts) : [...amounts]
  }

  abstract override forward(x: Tensor): Tensor

  override extraRepr(): string {
    return pythonRepr(this.padding)
  }
}

abstract class ConstantPad extends Pad {
  value: number

  constructor(name: string, rank: number, args: ConstantArguments) {
    const [amounts, value] = constructing(name, padding, required('value', number))(args)
    super(rank, amounts)
    this.value = value
  }

  override forward(x: Tensor): Tensor {
    return pad(x, this.padding, 'constant', this.value)
  }

  override extraRepr(): string {
    return `padding=${super.extraRepr()}, value=${pythonRepr(this.value)}`
  }
}

abstract class ReflectionPad extends Pad {
  constructor(name: string, rank: number, args: PaddingArguments) {
    super(rank, constructing(name, padding)(args)[0])
  }

  override forward(x: Tensor): Tensor {
    return pad(x, this.padding, 'reflect')
  }
}

abstract class ReplicationPad extends Pad {
  constructor(name: string, rank: number, args: PaddingArguments) {
    super(rank, constructing(name, padding)(args)[0])
  }

  override forward(x: Tensor): Tensor {
    return pad(x, this.padding, 'replicate')
  }
}

/**
 * Adds `value` around signals [..., L]: `padding` elements on both sides, or [left, right].
 *
 * @example
 * new nn.ConstantPad1d(1, 5).forward(ones(1, 2)) // tensor([[5., 1., 1., 5.]])
 */
export class ConstantPad1d extends ConstantPad {
  constructor(...args: ConstantArguments) {
    super('ConstantPad1d', 1, args)
  }
}
/** Adds `value` around images [..., H, W]: `padding` elements on all sides, or [left, right, top, bottom]. */
export class ConstantPad2d extends ConstantPad {
  constructor(...args: ConstantArguments) {
    super('ConstantPad2d', 2, args)
  }
}
/** Adds `value` around volumes [..., D, H, W]: `padding` elements on all sides, or two amounts for each dimension. */
export class ConstantPad3d extends ConstantPad {
  constructor(...args: ConstantArguments) {
    super('ConstantPad3d', 3, args)
  }
}
/**
 * Adds zeros around images [..., H, W]: `padding` elements on all sides, or [left, right, top, bottom].
 *
 * @example
 * new nn.ZeroPad2d([1, 0, 0, 1]).forward(ones(1, 2)) // tensor([[0., 1., 1.],
 *                                                   //         [0., 0., 0.]])
 */
export class ZeroPad2d extends Pad {
  constructor(...args: PaddingArguments) {
    super(2, constructing('ZeroPad2d', padding)(args)[0])
  }

  override forward(x: Tensor): Tensor {
    return pad(x, this.padding)
  }
}
/**
 * Mirrors signals [N, C, L] or [C, L] at their first and last element.
 *
 * @example
 * new nn.ReflectionPad1d(2).forward(tensor([[1, 2, 3]])) // tensor([[3., 2., 1., 2., 3., 2., 1.]])
 */
export class ReflectionPad1d extends ReflectionPad {
  constructor(...args: PaddingArguments) {
    super('ReflectionPad1d', 1, args)
  }
}
/** Mirrors images [N, C, H, W] or [C, H, W] at their edges. */
export class ReflectionPad2d extends ReflectionPad {
  constructor(...args: PaddingArguments) {
    super('ReflectionPad2d', 2, args)
  }
}
/** Mirrors volumes [N, C, D, H, W] or [C, D, H, W] at their faces. */
export class ReflectionPad3d extends ReflectionPad {
  constructor(...args: PaddingArguments) {
    super('ReflectionPad3d', 3, args)
  }
}
/**
 * Repeats the first and last element of signals [N, C, L] or [C, L].
 *
 * @example
 * new nn.ReplicationPad1d([1, 2]).forward(tensor([[1, 2, 3]])) // tensor([[1., 1., 2., 3., 3., 3.]])
 */
export class ReplicationPad1d extends ReplicationPad {
  constructor(...args: PaddingArguments) {
    super('ReplicationPad1d', 1, args)
  }
}
/** Repeats the edges of images [N, C, H, W] or [C, H, W]. */
export class ReplicationPad2d extends ReplicationPad {
  constructor(...args: PaddingArguments) {
    super('ReplicationPad2d', 2, args)
  }
}
/** Repeats the faces of volumes [N, C, D, H, W] or [C, D, H, W]. */
export class ReplicationPad3d extends ReplicationPad {
  constructor(...args: PaddingArguments) {
    super('ReplicationPad3d', 3, args)
  }
}
