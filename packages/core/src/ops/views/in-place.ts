// The in-place forms of views: the tensor itself gets the other sizes and strides, over the same memory.
import { RuntimeError } from '../../base/errors.ts'
import { apply } from '../../tensor/apply.ts'
import { effects, touch } from '../../tensor/effects.ts'
import { checkGraph } from '../../tensor/in-place.ts'
import { enableGrad, mode } from '../../tensor/mode.ts'
import type { OpDef } from '../../tensor/op.ts'
import { type Arguments, type Takes, int, ints, method, nullable, optional, required } from '../../tensor/signature.ts'
import { Tensor, type ViewOf, wasReshaped } from '../../tensor/tensor.ts'
import type { DimOption } from '../define/arguments.ts'
import { asStrided, type Strided } from './strided.ts'
import { squeeze, t, transpose, unsqueeze } from './views.ts'

/** The op under the name that PyTorch gives to the node of its in-place form. */
const renamed = new Map<OpDef<unknown>, OpDef<unknown>>()
function inPlaceOp(op: OpDef<unknown>, name: string): OpDef<unknown> {
  const known = renamed.get(op)
  if (known !== undefined) return known
  const made = { ...op, name }
  renamed.set(op, made)
  return made
}

/** Gives a tensor the layout of a view of it, and the view's place in the graph. */
function become(self: Tensor, call: string, node: string, view: (x: Tensor) => Tensor): Tensor {
  checkGraph(self, [], mode.grad)
  if (effects.sink?.looks.isOutside(self) === true)
    effects.sink.refuse(`${call}()`, `Use the form without the trailing underscore, ${call.slice(0, -1)}().`)
  const { storage, sizes, strides, offset, dtype, viewOf } = self
  // What the tensor was; its history goes on from there, also inside noGrad.
  const before = new Tensor(storage, sizes, strides, offset, dtype)
  Object.assign(before, { node: self.node, outIndex: self.outIndex, viewOf })
  const { op, attrs } = view(before).viewOf as ViewOf
  const place = (): Tensor => apply(inPlaceOp(op, node), [before], attrs)
  const after = self.node === null ? place() : enableGrad(place)
  effects.scope?.changed(self)
  touch(storage)
  wasReshaped(self)
  // The fields are read-only elsewhere: only here does a tensor change its shape.
  Object.assign(self, { sizes: after.sizes, strides: after.strides, offset: after.offset, accumulator: null })
  if (viewOf !== null) self.viewOf = { ...(after.viewOf as ViewOf), version: storage.version }
  if (after.node !== null) self.rebase(after.node, after.outIndex)
  return self
}

const unsqueezeArguments = method('unsqueeze_', required('dim', int))
/** Adds a dimension of size 1 at `dim`, in place. */
export function unsqueeze_(x: Tensor, ...args: Takes<[dim: number], 'dim'>): Tensor {
  const [dim] = unsqueezeArguments(x, args)
  return become(x, 'unsqueeze_', 'UnsqueezeBackward1', (before) => unsqueeze(before, dim))
}
const squeezeArguments = method('squeeze_', optional('dim', int, undefined))
/** Removes dimensions of size 1, in place: all of them, or `dim` if it has size 1. */
export function squeeze_(x: Tensor, ...args: Arguments<[dim: number], DimOption>): Tensor {
  const [dim] = squeezeArguments(x, args)
  return become(x, 'squeeze_', dim === undefined ? 'SqueezeBackward2' : 'SqueezeBackward3', (before) =>
    dim === undefined ? squeeze(before) : squeeze(before, dim),
  )
}
const tArguments = method('t_')
/** Transposes a matrix in place; vectors and scalars stay as they are. */
export function t_(x: Tensor, ...none: []): Tensor {
  tArguments(x, none)
  if (x.dim() > 2) {
    throw new RuntimeError(
      `t_() expects a tensor with <= 2 dimensions, but self is ${x.dim()}D`,
      'Use transpose_(dim0, dim1).',
    )
  }
  return become(x, 't_', 'TBackward1', t)
}
/** An in-place swap of two dimensions; `names` are PyTorch's of the arguments. */
const swapping = <N extends string>(call: string, names: N) => {
  const [first, second] = names.split(' ')
  const read = method(call, required(first, int), required(second, int))
  return (x: Tensor, ...dims: Takes<[dim0: number, dim1: number], N>): Tensor => {
    const [a, b] = read(x, dims)
    return become(x, call, 'TransposeBackward1', (before) => transpose(before, a, b))
  }
}
/** Swaps two dimensions in place. */
export const transpose_ = swapping('transpose_', 'dim0 dim1')
/** `transpose_` by NumPy's name. */
export const swapaxes_ = swapping('swapaxes_', 'axis0 axis1')
/** `transpose_` by another name. */
export const swapdims_ = swapping('swapdims_', 'dim0 dim1')
const stridedArguments = method(
  'as_strided_',
  required('size', ints),
  required('stride', ints),
  optional('storageOffset', nullable(int), null),
)
/**
 * Gives a tensor other sizes and strides over its elements, in place; see `asStrided`.
 *
 * Throws a RuntimeError for a tensor that is not contiguous, and for sizes that reach beyond it.
 */
export function asStrided_(x: Tensor, ...args: Strided): Tensor {
  const [size, stride, at] = stridedArguments(x, args)
  return become(x, 'as_strided_', 'AsStridedBackward1', (before) => {
    const after = asStrided(before, size, stride, at)
    if (after.viewOf?.parent === before) return after
    throw new RuntimeError(
      'as_strided_: the tensor is not contiguous, or the view would reach beyond it',
      'Use the form without the trailing underscore, asStrided().',
    )
  })
}
