// Unfolding: the windows of an image as columns of a matrix; and folding, which adds columns up to an image. Each is the
// gradient of the other. (The method `x.unfold`, windows along one dimension, is another function of PyTorch's.)
import { RuntimeError } from '../../base/errors.ts'
import { numelOf, type Shape, shapeString } from '../../base/shape.ts'
import { apply } from '../../tensor/apply.ts'
import type { OpDef } from '../../tensor/op.ts'
import { type Arguments, type Takes, dims, optional, required, signature, tensor } from '../../tensor/signature.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { cloneOp } from '../define/elementwise.ts'
import { permuteOp, reshapeOp } from '../define/views.ts'
import type { PerDim } from '../product/conv.ts'
import { checkDType } from './geometry.ts'
import { leading, taps, untaps, type Windows } from './taps.ts'

/** The axes [lead..., ...output, ...kernel] with the kernel before the output, or back. */
const swapped = (x: Tensor, rank: number): Tensor => {
  const lead = x.dim() - 2 * rank
  const order = x.sizes.map((_, i) => (i < lead ? i : i < lead + rank ? i + rank : i - rank))
  return apply(permuteOp, [x], order)
}

/** [..., C, ...input] to [..., C * kernel, output]. */
const unfoldOp: OpDef<Windows> = {
  name: 'im2Col',
  infer: ([x], windows) => [{ sizes: columnsOf(x, windows), dtype: x.dtype }],
  vjp: ({ dy, attrs }) => [apply(foldOp, [dy], attrs)],
  to: {
    kind: 'compose',
    compose: ([x], windows) => {
      const own = apply(cloneOp, [swapped(taps(x as Tensor, windows, 0), windows.kernel.length)], null)
      return [apply(reshapeOp, [own], columnsOf(x, windows))]
    },
  },
}
const columnsOf = (x: { readonly sizes: Shape }, windows: Windows): Shape => {
  const lead = leading(x, windows)
  const channels = lead[lead.length - 1]
  return [...lead.slice(0, -1), channels * numelOf(windows.kernel), numelOf(windows.output)]
}

/** [..., C * kernel, output] to [..., C, ...input]. */
const foldOp: OpDef<Windows> = {
  name: 'col2Im',
  infer: ([y], windows) => [{ sizes: [...channelsOf(y, windows), ...windows.input], dtype: y.dtype }],
  vjp: ({ dy, attrs }) => [apply(unfoldOp, [dy], attrs)],
  to: {
    kind: 'compose',
    compose: ([columns], windows) => {
      const y = columns as Tensor
      const apart = apply(reshapeOp, [y], [...channelsOf(y, windows), ...windows.kernel, ...windows.output])
      const x = untaps(swapped(apart, windows.kernel.length), windows)
      return [x.storage === y.storage ? apply(cloneOp, [x], null) : x]
    },
  },
}
const channelsOf = ({ sizes }: { readonly sizes: Shape }, { kernel }: Windows): Shape => [
  ...sizes.slice(0, -2),
  sizes[sizes.length - 2] / numelOf(kernel),
]

// ---- the calls ----

/** Two numbers, or PyTorch's error. */
function pair(name: string, given: PerDim): Shape {
  if (typeof given === 'number') return [given, given]
  if (given.length !== 2) throw new RuntimeError(`It is expected ${name} equals to 2, but got size ${given.length}`)
  return [...given]
}

const sides = (name: string, [height, width]: Shape): string => `${name}_height: ${height} ${name}_width: ${width}`
type Check = (lists: Numbers) => void
type Numbers = Readonly<Record<'kernel' | 'stride' | 'padding' | 'dilation', Shape>>
const positive =
  (what: 'kernel' | 'stride' | 'dilation'): Check =>
  (lists) => {
    if (lists[what].every((n) => n > 0)) return
    const words = what === 'kernel' ? 'kernel size' : what
    throw new RuntimeError(`${words} should be greater than zero, but got ${sides(what, lists[what])}`)
  }
const checkPadding: Check = ({ padding }) => {
  if (padding.some((n) => n < 0))
    throw new RuntimeError(`padding should be non-negative, but got ${sides('pad', padding)}`)
}
const inUnfold: readonly Check[] = [positive('kernel'), positive('dilation'), checkPadding, positive('stride')]
const inFold: readonly Check[] = [positive('kernel'), positive('stride'), positive('dilation'), checkPadding]

/** How many windows fit into each dimension. */
const blocksIn = (input: Shape, { kernel, stride, padding, dilation }: Numbers): Shape =>
  input.map((n, i) => Math.floor((n + 2 * padding[i] - dilation[i] * (kernel[i] - 1) - 1) / stride[i]) + 1)
const windowsOf = (input: Shape, output: Shape, { kernel, stride, padding, dilation }: Numbers): Windows => ({
  ...{ input, output, kernel, stride, dilation },
  low: padding,
})
const tuple = (list: Shape): string => `(${list.join(', ')})`

export interface UnfoldOptions {
  /** The distance between the elements of a window. */
  readonly dilation?: PerDim
  /** Zeros on both sides. */
  readonly padding?: PerDim
  /** The distance between windows. */
  readonly stride?: PerDim
}
export type UnfoldArguments = Takes<
  [kernelSize: PerDim],
  'kernelSize',
  Arguments<[dilation: PerDim, padding: PerDim, stride: PerDim], UnfoldOptions>
>
export const windowParameters = [
  required('kernelSize', dims),
  optional('dilation', dims, 1),
  optional('padding', dims, 0),
  optional('stride', dims, 1),
] as const
const unfoldArguments = signature('unfold', required('input', tensor), ...windowParameters)
const numbersOf = (kernel: PerDim, dilation: PerDim, padding: PerDim, stride: PerDim): Numbers => ({
  kernel: pair('kernel_size', kernel),
  dilation: pair('dilation', dilation),
  padding: pair('padding', padding),
  stride: pair('stride', stride),
})

/**
 * The windows of images as columns: [N, C, H, W] or [C, H, W] to [N, C * KH * KW, L] or [C * KH * KW, L], where L is the
 * number of windows. Kernel, dilation, padding and stride are numbers or lists of two. Float only.
 *
 * @example
 * F.unfold(tensor([[[1, 2, 3], [4, 5, 6]]]), 2) // tensor([[1., 2.],
 *                                              //         [2., 3.],
 *                                              //         [4., 5.],
 *                                              //         [5., 6.]])
 */
export function unfold(input: Tensor, ...args: UnfoldArguments): Tensor {
  const [x, ...rest] = unfoldArguments([input, ...args])
  const numbers = numbersOf(...rest)
  for (const check of inUnfold) check(numbers)
  if ((x.dim() !== 3 && x.dim() !== 4) || x.sizes.slice(-3).includes(0)) {
    throw new RuntimeError(
      `Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero dimensions for input, but got: ${shapeString(x.sizes)}`,
    )
  }
  const spatial = x.sizes.slice(-2)
  const blocks = blocksIn(spatial, numbers)
  if (blocks.some((n) => n < 1)) {
    const { kernel, dilation, padding } = numbers
    // PyTorch prints the height twice.
    throw new RuntimeError(
      `Given input with spatial size (${spatial[0]}, ${spatial[0]}), kernel_size=${tuple(kernel)}, dilation=${tuple(dilation)}, padding=${tuple(padding)}, calculated shape of the array of sliding blocks as ${tuple(blocks)}, but its components must be at least one.`,
    )
  }
  checkDType('im2col_out_cpu', x.dtype, ['float32', 'float64'])
  return apply(unfoldOp, [x], windowsOf(spatial, blocks, numbers))
}

export type FoldArguments = Takes<
  [outputSize: PerDim, kernelSize: PerDim],
  'outputSize kernelSize',
  Arguments<[dilation: PerDim, padding: PerDim, stride: PerDim], UnfoldOptions>
>
const foldArguments = signature('fold', required('input', tensor), required('outputSize', dims), ...windowParameters)

/**
 * Adds columns up to images, each element where `unfold` would have taken it from: [N, C * KH * KW, L] or [C * KH * KW,
 * L] to [N, C, H, W] or [C, H, W], where `outputSize` gives H and W. Float only.
 *
 * @example
 * F.fold(ones(4, 2), [2, 3], 2) // tensor([[[1., 2., 1.],
 *                               //          [1., 2., 1.]]])
 */
export function fold(input: Tensor, ...args: FoldArguments): Tensor {
  const [x, outputSize, ...rest] = foldArguments([input, ...args])
  const output = pair('output_size', outputSize)
  const numbers = numbersOf(...rest)
  for (const check of inFold) check(numbers)
  const { kernel, dilation, padding, stride } = numbers
  if ((x.dim() !== 2 && x.dim() !== 3) || x.sizes.slice(-2).includes(0)) {
    throw new RuntimeError(
      `Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and non-zero dimensions for input, but got: ${shapeString(x.sizes)}`,
    )
  }
  const [rows, columns] = x.sizes.slice(-2)
  if (rows % numelOf(kernel) !== 0) {
    throw new RuntimeError(
      `Expected size of input's dimension 1 to be divisible by the product of kernel_size, but got input.size(1)=${rows} and kernel_size=${tuple(kernel)}.`,
    )
  }
  const blocks = blocksIn(output, numbers)
  if (blocks[0] * blocks[1] !== columns || blocks.some((n) => n < 1)) {
    throw new RuntimeError(
      `Given output_size=${tuple(output)}, kernel_size=${tuple(kernel)}, dilation=${tuple(dilation)}, padding=${tuple(padding)}, stride=${tuple(stride)}, expected size of input's dimension 2 to match the calculated number of sliding blocks ${blocks[0]} * ${blocks[1]} = ${blocks[0] * blocks[1]}, but got input.size(2)=${columns}.`,
    )
  }
  checkDType('col2im_out_cpu', x.dtype, ['float32', 'float64'])
  return apply(foldOp, [x], windowsOf(output, blocks, numbers))
}
