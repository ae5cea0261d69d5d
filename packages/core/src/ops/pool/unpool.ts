// The reverse of a maximum over windows: values go back to the places that they were taken from, into zeros.
import { RuntimeError, ValueError } from '../../base/errors.ts'
import { dtypeName } from '../../base/dtype.ts'
import { numelOf, type Shape, shapeString } from '../../base/shape.ts'
import { apply } from '../../tensor/apply.ts'
import type { OpDef } from '../../tensor/op.ts'
import {
  type Arguments,
  type Takes,
  dims,
  ints,
  nullable,
  optional,
  required,
  signature,
  tensor,
} from '../../tensor/signature.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { filled } from '../define/fill.ts'
import { reshapeOp } from '../define/views.ts'
import { checkedIndices, type OutOfBounds } from '../indexing/advanced.ts'
import { gatherAlongDim, scatterAlongDim } from '../indexing/gather.ts'
import { expanded, type PerDim } from '../product/conv.ts'
import { checkDType } from './geometry.ts'

const shaped = (x: Tensor, sizes: Shape): Tensor => apply(reshapeOp, [x], sizes)
/** The last dimensions, as many as `rank`, in one. */
const flatly = (x: Tensor, rank: number): Tensor => {
  const lead = x.sizes.slice(0, x.dim() - rank)
  return shaped(x, [...lead, numelOf(x.sizes.slice(lead.length))])
}

/** One function for each size of the output. */
const invalid = new Map<string, OutOfBounds>()
function invalidIn(output: Shape): OutOfBounds {
  const volume = (output.length === 1 ? [...output, 1] : output).join('x')
  let error = invalid.get(volume)
  if (error === undefined) {
    error = (index) =>
      new RuntimeError(
        `Found an invalid max index${index === null ? '' : `: ${index}`} (output volumes are of size ${volume}`,
        'Give the size that was pooled: { outputSize }.',
      )
    invalid.set(volume, error)
  }
  return error
}

/** Inputs: values and their places in an output of the attributes' sizes. Of equal places the last value stays. */
const unpoolOp = (name: string): OpDef<Shape> => ({
  name,
  infer: ([x], output) => [{ sizes: [...x.sizes.slice(0, -output.length), ...output], dtype: x.dtype }],
  saves: () => ({ inputs: [1] }),
  vjp: (ctx) => {
    const places = ctx.input(1)
    const taken = flatly(ctx.dy, ctx.attrs.length)
    return [shaped(gatherAlongDim(taken, taken.dim() - 1, flatly(places, ctx.attrs.length)), places.sizes)]
  },
  to: {
    kind: 'compose',
    compose: ([x, places], output) => {
      const [source, given] = [x, places].map((t) => flatly(t as Tensor, output.length))
      const size = numelOf(output)
      const index = checkedIndices(given, size, invalidIn(output))
      const lead = source.sizes.slice(0, -1)
      const zeros = filled([...lead, size], source.dtype, 0, source.storage.device)
      return [shaped(scatterAlongDim(zeros, lead.length, index, source), [...lead, ...output])]
    },
  },
})

/** The size of the output; the one that is given must be less than a stride from it. */
function outputOf(x: Tensor, kernel: Shape, stride: Shape, padding: Shape, given: Shape | null): Shape {
  const rank = kernel.length
  const usual = kernel.map((n, i) => ((x.sizes[x.dim() - rank + i] ?? 1) - 1) * stride[i] + n - 2 * padding[i])
  if (given === null) return usual
  const wanted = given.length === rank + 2 ? given.slice(2) : given
  if (wanted.length !== rank) {
    throw new ValueError(
      `output_size should be a sequence containing ${rank} or ${rank + 2} elements, but it has a length of '${wanted.length}'`,
    )
  }
  wanted.forEach((size, i) => {
    const [least, most] = [usual[i] - stride[i], usual[i] + stride[i]]
    if (size > least && size < most) return
    throw new ValueError(`invalid output_size "${shapeString(wanted)}" (dim ${i} must be between ${least} and ${most})`)
  })
  return wanted
}

/** PyTorch's checks; it unpools one dimension as two, of which the second has size 1. */
function checkInputs(x: Tensor, indices: Tensor, rank: number, stride: Shape): void {
  const name = `max_unpooling${Math.max(rank, 2)}d`
  const sizesOf = ({ sizes }: Tensor): Shape => (rank === 1 ? [...sizes, 1] : sizes)
  const sizes = sizesOf(x)
  if (indices.dtype !== 'int32') {
    throw new RuntimeError(
      `elements in indices should be type int64${rank < 3 ? ` but got: ${dtypeName[indices.dtype]}` : ''}`,
      "int32 takes int64's place here: indices.int().",
    )
  }
  if (x.dim() !== rank + 1 && x.dim() !== rank + 2) {
    const least = Math.max(rank, 2) + 1
    throw new RuntimeError(
      `Input to ${name} should be a ${least}d or ${least + 1}d Tensor, but got a tensor with ${sizes.length} dimensions.`,
    )
  }
  if (shapeString(x.sizes) !== shapeString(indices.sizes)) {
    throw new RuntimeError(
      `Expected shape of indices to be same as that of the input tensor (${shapeString(sizes)}) but got indices tensor with shape: ${shapeString(sizesOf(indices))}`,
    )
  }
  if (rank === 3 && stride.some((n) => n <= 0))
    throw new RuntimeError(`strides should be greater than zero, but got stride: ${shapeString(stride)}`)
  const empty = sizes.findIndex((n, i) => i > 0 && n === 0)
  if (empty < 0) return
  throw new RuntimeError(
    `${name}_forward_out_cpu(): Expected input to have non-zero size for non-batch dimensions, but got ${shapeString(sizes)} with dimension ${empty} being empty.`,
  )
}

export interface MaxUnpoolOptions {
  /** The distance between the windows; null for the kernel's size. */
  readonly stride?: PerDim | null
  readonly padding?: PerDim
  /** The size of the output, with or without batch and channels: windows may have left some elements out. */
  readonly outputSize?: readonly number[] | null
}
export type MaxUnpoolArguments = Takes<
  [indices: Tensor, kernelSize: PerDim],
  'indices kernelSize',
  Arguments<[stride: PerDim | null, padding: PerDim, outputSize: readonly number[] | null], MaxUnpoolOptions>
>

const nodes = ['SqueezeBackward1', 'maxUnpool2D', 'maxUnpool3D']
const kernels = ['max_unpool2d', 'max_unpool2d', 'max_unpool3d']

function unpooling(rank: number): (args: readonly unknown[]) => Tensor {
  const op = unpoolOp(nodes[rank - 1])
  const read = signature(
    `max_unpool${rank}d`,
    required('input', tensor),
    required('indices', tensor),
    required('kernelSize', dims),
    optional('stride', nullable(dims), null),
    optional('padding', dims, 0),
    optional('outputSize', nullable(ints), null),
  )
  return (args) => {
    const [x, indices, kernelSize, strides, paddings, outputSize] = read(args)
    const kernel = expanded('kernel_size', kernelSize, rank, rank)
    const stride = strides === null ? kernel : expanded('stride', strides, rank, rank)
    const output = outputOf(x, kernel, stride, expanded('padding', paddings, rank, rank), outputSize)
    checkInputs(x, indices, rank, stride)
    const negative = output.find((n) => n < 0)
    if (negative !== undefined) {
      const made = [...x.sizes.slice(0, -rank), ...output]
      throw new RuntimeError(`Trying to create tensor with negative dimension ${negative}: ${shapeString(made)}`)
    }
    checkDType(kernels[rank - 1], x.dtype, ['float32', 'float64'])
    return apply(op, [x, indices], output)
  }
}
const [unpool1, unpool2, unpool3] = [1, 2, 3].map(unpooling)

/**
 * Puts the values of `maxPool1d` back to their places in zeros: [N, C, L] or [C, L] and int32 indices of the same shape.
 * Float only. The size of the output follows from the windows, unless `outputSize` gives one that they cover too.
 *
 * @example
 * const [values, indices] = F.maxPool1d(tensor([[1, 3, 2, 4]]), { kernelSize: 2, returnIndices: true })
 * F.maxUnpool1d(values, indices, 2) // tensor([[0., 3., 0., 4.]])
 */
export const maxUnpool1d = (input: Tensor, ...args: MaxUnpoolArguments): Tensor => unpool1([input, ...args])
/**
 * Puts the values of `maxPool2d` back to their places in zeros: [N, C, H, W] or [C, H, W] and int32 indices of the same
 * shape. An index outside of the output is an error.
 *
 * @example
 * const [values, indices] = F.maxPool2d(ones(1, 1, 5, 5), { kernelSize: 2, returnIndices: true })
 * F.maxUnpool2d(values, indices, 2, { outputSize: [5, 5] }).shape // [1, 1, 5, 5]
 */
export const maxUnpool2d = (input: Tensor, ...args: MaxUnpoolArguments): Tensor => unpool2([input, ...args])
/** Puts the values of `maxPool3d` back to their places in zeros, as `maxUnpool2d`. */
export const maxUnpool3d = (input: Tensor, ...args: MaxUnpoolArguments): Tensor => unpool3([input, ...args])
