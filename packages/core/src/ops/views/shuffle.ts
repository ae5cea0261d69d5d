// Pixels and channels in another order: channels become pixels and pixels channels, and channels of several groups
// alternate. Each is a permutation of a reshaped view, copied.
import { RuntimeError } from '../../base/errors.ts'
import { type Shape, shapeString } from '../../base/shape.ts'
import { apply } from '../../tensor/apply.ts'
import type { OpDef } from '../../tensor/op.ts'
import { type Takes, int, method, required } from '../../tensor/signature.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { cloneOp } from '../define/elementwise.ts'
import { ownView, permuteOp, reshapeOp } from '../define/views.ts'

/** The dimensions of `parts` in the order of `order`, as new memory of another shape. */
function rearranged(x: Tensor, parts: Shape, order: readonly number[], sizes: Shape, ending: OpDef<Shape>): Tensor {
  const moved = apply(permuteOp, [apply(reshapeOp, [x], parts)], order)
  return apply(ending, [apply(cloneOp, [moved], null)], sizes)
}
/** The positions of the dimensions before the last three, and those three and what they are split into. */
const dimsOf = (x: Tensor): [batch: Shape, first: readonly number[], sizes: Shape] => {
  const batch = x.sizes.slice(0, -3)
  return [batch, batch.map((_, i) => i), x.sizes.slice(-3)]
}

function check(name: string, x: Tensor, factor: number, what: string): void {
  if (x.dim() < 3) {
    throw new RuntimeError(
      `${name} expects input to have at least 3 dimensions, but got input with ${x.dim()} dimension(s)`,
    )
  }
  if (factor <= 0) throw new RuntimeError(`${name} expects a positive ${what}, but got ${factor}`)
}

const shuffleArguments = method('pixel_shuffle', required('upscaleFactor', int))
const shuffled = ownView('pixelShuffle')
/**
 * The elements of [..., C r², H, W] as [..., C, H r, W r]: r² channels become squares of r by r pixels.
 *
 * @example
 * F.pixelShuffle(tensor([[[1]], [[2]], [[3]], [[4]]]), 2) // tensor([[[1., 2.],
 *                                                         //          [3., 4.]]])
 */
export function pixelShuffle(x: Tensor, ...args: Takes<[upscaleFactor: number], 'upscaleFactor'>): Tensor {
  const [r] = shuffleArguments(x, args)
  check('pixel_shuffle', x, r, 'upscale_factor')
  const [batch, first, [channels, height, width]] = dimsOf(x)
  if (channels % (r * r) !== 0) {
    throw new RuntimeError(
      `pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of upscale_factor, but input.size(-3)=${channels} is not divisible by ${r * r}`,
    )
  }
  const made = channels / (r * r)
  const at = first.length
  const order = [...first, at, at + 3, at + 1, at + 4, at + 2]
  return rearranged(x, [...batch, made, r, r, height, width], order, [...batch, made, height * r, width * r], shuffled)
}

const unshuffleArguments = method('pixel_unshuffle', required('downscaleFactor', int))
const unshuffled = ownView('pixelUnshuffle')
/**
 * The elements of [..., C, H r, W r] as [..., C r², H, W]: squares of r by r pixels become channels.
 *
 * @example
 * F.pixelUnshuffle(ones(1, 4, 6), 2).shape // [4, 2, 3]
 */
export function pixelUnshuffle(x: Tensor, ...args: Takes<[downscaleFactor: number], 'downscaleFactor'>): Tensor {
  const [r] = unshuffleArguments(x, args)
  check('pixel_unshuffle', x, r, 'downscale_factor')
  const [batch, first, [channels, height, width]] = dimsOf(x)
  for (const [name, dim, n] of [
    ['height', -2, height],
    ['width', -1, width],
  ] as const) {
    if (n % r === 0) continue
    throw new RuntimeError(
      `pixel_unshuffle expects ${name} to be divisible by downscale_factor, but input.size(${dim})=${n} is not divisible by ${r}`,
    )
  }
  const at = first.length
  const [down, across] = [height / r, width / r]
  const order = [...first, at, at + 2, at + 4, at + 1, at + 3]
  return rearranged(
    x,
    [...batch, channels, down, r, across, r],
    order,
    [...batch, channels * r * r, down, across],
    unshuffled,
  )
}

const channelArguments = method('channel_shuffle', required('groups', int))
const alternated = ownView('channelShuffle')
/**
 * The channels of [N, C, ...] in another order: the first of each of `groups` groups, then the second of each, and so
 * on.
 *
 * @example
 * F.channelShuffle(tensor([[[1], [2], [3], [4]]]), 2) // tensor([[[1.],
 *                                                     //          [3.],
 *                                                     //          [2.],
 *                                                     //          [4.]]])
 */
export function channelShuffle(x: Tensor, ...args: Takes<[groups: number], 'groups'>): Tensor {
  const [groups] = channelArguments(x, args)
  if (x.dim() < 3) {
    throw new RuntimeError(
      `channel_shuffle expects input with > 2 dims, but got input with sizes ${shapeString(x.sizes)}`,
    )
  }
  if (groups <= 0)
    throw new RuntimeError(`Number of groups to divide channels in must be positive. Value of groups:${groups}`)
  const [n, channels, ...rest] = x.sizes
  if (channels % groups !== 0)
    throw new RuntimeError(
      `Number of channels must be divisible by groups. Got ${channels} channels and ${groups} groups.`,
    )
  const order = [0, 2, 1, ...rest.map((_, i) => i + 3)]
  return rearranged(x, [n, groups, channels / groups, ...rest], order, x.sizes, alternated)
}
