// Convolutions over any number of dimensions. A convolution is a contraction of the weight with windows, a strided view
// of the padded input. So are its gradients by the input and by the weight; they are ops here, and each other's
// gradients. No windows are copied to memory.
import { cloneOp, elementwise } from '../define/elementwise.ts'
import { adjoint, reshapeOp, viewOp } from '../define/views.ts'
import { type DType, dtypeName } from '../../base/dtype.ts'
import { RuntimeError } from '../../base/errors.ts'
import { contiguousStrides } from '../../base/layout.ts'
import { type Shape, shapeString } from '../../base/shape.ts'
import { s } from '../../expr/expr.ts'
import { apply } from '../../tensor/apply.ts'
import type { OpDef } from '../../tensor/op.ts'
import { dims, either, int, nullable, optional, required, signature, str, tensor } from '../../tensor/signature.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { notImplemented } from '../define/arguments.ts'
import { sum } from '../reduce/reduce.ts'
import { padOp } from '../views/pad.ts'
import { narrow, squeeze, unsqueeze } from '../views/views.ts'
import { contraction, counts, factors, from, toInt } from './contraction.ts'

// ---- windows ----

/** An axis of a view: `size` steps of `step` along dimension `dim` of the tensor; for `dim` -1 the elements repeat. */
export interface Axis {
  readonly size: number
  readonly dim: number
  readonly step: number
}
interface Window {
  readonly axes: readonly Axis[]
  /** Where the view begins in each dimension of the tensor; 0 in those that are not given. */
  readonly start?: Shape
}

/**
 * Any axes over the dimensions of a tensor, of which several may go along one dimension: sliding windows, groups,
 * repeats, reversals. The gradient adds up what was read from each element.
 */
export const windowOp: OpDef<Window> = viewOp<Window>('window', ({ strides, offset }, { axes, start = [] }) => ({
  sizes: axes.map(({ size }) => size),
  strides: axes.map(({ dim, step }) => (dim < 0 ? 0 : step * strides[dim])),
  offset: start.reduce((at, n, d) => at + n * strides[d], offset),
}))

const axis = (size: number, dim: number, step = 1): Axis => ({ size, dim, step })
const window = (x: Tensor, axes: readonly Axis[], start?: Shape): Tensor =>
  apply(windowOp, [x], start ? { axes, start } : { axes })

// ---- the three ops ----

/** The parameters of a convolution besides its tensors, by spatial dimension. */
interface Geometry {
  readonly groups: number
  readonly stride: Shape
  readonly dilation: Shape
  /** Zeros before the input. */
  readonly low: Shape
  readonly input: Shape
  readonly kernel: Shape
  readonly output: Shape
}

const product = contraction('convolution', 'slow_conv2d_cpu')

/** Pads positive amounts with zeros. For negative ones the windows begin later (`skipped`). */
function padded(x: Tensor, low: Shape, high: Shape): Tensor {
  if (low.every((n) => n <= 0) && high.every((n) => n <= 0)) return x
  const all = (amounts: Shape): number[] => [0, 0, ...amounts.map((n) => Math.max(n, 0))]
  return apply(padOp, [x], { low: all(low), high: all(high), value: 0 })
}
const skipped = (low: Shape): Shape => [0, 0, ...low.map((n) => Math.max(-n, 0))]

/** The axis of groups. There is none for a single group. */
const grouped = ({ groups }: Geometry, dim: number, step: number): Axis[] =>
  groups === 1 ? [] : [axis(groups, dim, step)]

/**
 * The zero-padded input in windows: for each spatial dimension an axis of the kernel (`taps`) and one of the output
 * (`places`).
 */
function inputWindows(
  x: Tensor,
  { stride, dilation, low, input, kernel, output }: Geometry,
): {
  readonly x: Tensor
  readonly taps: readonly Axis[]
  readonly places: readonly Axis[]
} {
  const high = input.map((n, i) => stride[i] * (output[i] - 1) + dilation[i] * (kernel[i] - 1) + 1 - n - low[i])
  return {
    x: padded(x, low, high),
    taps: kernel.map((n, i) => axis(n, i + 2, dilation[i])),
    places: output.map((n, i) => axis(n, i + 2, stride[i])),
  }
}

const reshaped = (x: Tensor, sizes: Shape): Tensor => (x.dim() === sizes.length ? x : apply(reshapeOp, [x], sizes))

/** [N, C, ...] by weights [O, C / groups, ...kernel] and a bias [O]: [N, O, ...]. */
const forwardOp: OpDef<Geometry> = {
  name: 'convolution',
  infer: ([x, w], { output }) => [{ sizes: [x.sizes[0], w.sizes[0], ...output], dtype: x.dtype }],
  saves: factors,
  vjp: (ctx) => [
    ctx.needs(0) ? apply(byInputOp, [ctx.dy, ctx.input(1)], ctx.attrs) : null,
    ctx.needs(1) ? apply(byWeightOp, [ctx.input(0), ctx.dy], ctx.attrs) : null,
    ctx.needs(2) ? sum(ctx.dy, [0, ...from(2, ctx.attrs.output.length)]) : null,
  ],
  to: {
    kind: 'compose',
    compose: ([x, w, bias], g) => {
      const [n] = x.sizes
      const [rows, channels] = w.sizes
      const own = rows / g.groups
      const windows = inputWindows(x as Tensor, g)
      const weights = window(w as Tensor, [
        axis(n, -1),
        ...grouped(g, 0, own),
        axis(own, 0),
        axis(channels, 1),
        ...g.kernel.map((k, i) => axis(k, i + 2)),
      ])
      const taken = window(windows.x, [
        axis(n, 0),
        ...grouped(g, 1, channels),
        axis(channels, 1),
        ...windows.taps,
        ...windows.places,
      ])
      const added =
        bias === undefined
          ? []
          : [window(bias as Tensor, [...grouped(g, 0, own), axis(own, 0), ...g.output.map(() => axis(1, -1))])]
      const batch = g.groups === 1 ? 1 : 2
      const y = apply(product, [weights, taken, ...added], counts(batch, 1 + g.kernel.length))
      return [reshaped(y, [n, rows, ...g.output])]
    },
  },
}

/** Elements of one spatial dimension of the input as sums, phase by phase of the stride. */
interface Phases {
  /** The number of phases that have taps, the first one, and the number of elements in each. */
  readonly count: number
  readonly first: number
  readonly length: number
  /** Element q of a phase adds up `taps` elements q - low, q - low + step, ... of the output. */
  readonly taps: number
  readonly step: number
  readonly low: number
  /**
   * The weight of the first tap of the first phase. It may be outside, in the zeros around. It moves by `-weightStep`
   * from tap to tap.
   */
  readonly weight: number
  readonly weightStep: number
}

/**
 * Element s q + r of the input is the sum over u of the output at q + u times the weight at r + p - s u, where p is the
 * number of leading zeros. For stride 1, u advances in steps of the dilation.
 */
function phasesOf(stride: number, dilation: number, p: number, input: number, kernel: number): Phases {
  const reach = dilation * (kernel - 1)
  if (stride === 1)
    return {
      count: 1,
      first: 0,
      length: input,
      taps: kernel,
      step: dilation,
      low: reach - p,
      weight: kernel - 1,
      weightStep: 1,
    }
  const length = Math.ceil(input / stride)
  const start = ((-p % stride) + stride) % stride
  const [first, count] = start + kernel <= stride ? [start, kernel] : [0, stride]
  const most = Math.floor((first + count - 1 + p) / stride)
  const least = Math.ceil((first + p - (kernel - 1)) / stride)
  return {
    count,
    first,
    length,
    taps: most - least + 1,
    step: 1,
    low: -least,
    weight: first + p - stride * least,
    weightStep: stride,
  }
}

/** Weights with zeros between them, for a dilation of 1. */
function spread(w: Tensor, dilation: Shape): Tensor {
  const sizes = [w.sizes[0], w.sizes[1], ...dilation.map((d, i) => d * (w.sizes[i + 2] - 1) + 1)]
  const strides = contiguousStrides(sizes).map((st, i) => (i < 2 ? st : st * dilation[i - 2]))
  return adjoint(w, { sizes: w.sizes, strides, offset: 0 }, sizes)
}

/**
 * [N, O, ...] by weights [O, C / groups, ...kernel]: [N, C, ...], each output element added to the input elements that
 * it was computed from. This is the gradient of a convolution by its input, and a transposed convolution.
 */
const byInputOp: OpDef<Geometry> = {
  name: 'ConvolutionBackwardBackward0',
  infer: ([dy, w], { input, groups }) => [{ sizes: [dy.sizes[0], w.sizes[1] * groups, ...input], dtype: dy.dtype }],
  saves: factors,
  vjp: (ctx) => [
    ctx.needs(0) ? apply(forwardOp, [ctx.dy, ctx.input(1)], ctx.attrs) : null,
    ctx.needs(1) ? apply(byWeightOp, [ctx.dy, ctx.input(0)], ctx.attrs) : null,
  ],
  to: {
    kind: 'compose',
    compose: ([dy, weight], g) => {
      const [n, rows] = dy.sizes
      const own = rows / g.groups
      const channels = weight.sizes[1]
      const both = g.stride.some((s, i) => s > 1 && g.dilation[i] > 1)
      const dilation = both ? g.dilation.map(() => 1) : g.dilation
      const w = both ? spread(weight as Tensor, g.dilation) : (weight as Tensor)
      const phases = g.input.map((size, i) => phasesOf(g.stride[i], dilation[i], g.low[i], size, w.sizes[i + 2]))
      const stepped = g.stride.some((s) => s > 1)

      const lowest = phases.map(({ weight, weightStep, taps }) => Math.min(weight - weightStep * (taps - 1), 0))
      const highest = phases.map(({ weight, count }, i) => Math.max(weight + count - w.sizes[i + 2], 0))
      const around = padded(
        w,
        lowest.map((at) => -at),
        highest,
      )
      const weights = window(
        around,
        [
          axis(n, -1),
          ...grouped(g, 0, own),
          axis(channels, 1),
          ...(stepped ? phases.map(({ count }, i) => axis(count, i + 2)) : []),
          axis(own, 0),
          ...phases.map(({ taps, weightStep }, i) => axis(taps, i + 2, -weightStep)),
        ],
        [0, 0, ...phases.map(({ weight }, i) => weight - lowest[i])],
      )
      const low = phases.map((phase) => phase.low)
      const high = phases.map(({ length, taps, step }, i) => length + step * (taps - 1) - low[i] - g.output[i])
      const taken = window(
        padded(dy as Tensor, low, high),
        [
          axis(n, 0),
          ...grouped(g, 1, own),
          axis(own, 1),
          ...phases.map(({ taps, step }, i) => axis(taps, i + 2, step)),
          ...phases.map(({ length }, i) => axis(length, i + 2)),
        ],
        skipped(low),
      )
      const y = apply(product, [weights, taken], counts(g.groups === 1 ? 1 : 2, 1 + phases.length))
      const all = [n, channels * g.groups]
      if (!stepped) return [reshaped(y, [...all, ...g.input])]
      // The elements of each phase are one stride apart; those beyond the input are cut off.
      const full = [...all, ...phases.map(({ length }, i) => length * g.stride[i])]
      const apart = [...all, ...phases.map(({ count }) => count), ...phases.map(({ length }) => length)]
      const strides = contiguousStrides(full)
      const spatial = strides.slice(2)
      const layout = {
        sizes: apart,
        strides: [...strides.slice(0, 2), ...spatial, ...spatial.map((st, i) => st * g.stride[i])],
        offset: phases.reduce((at, { first }, i) => at + first * spatial[i], 0),
      }
      const dx = adjoint(reshaped(y, apart), layout, full)
      const cut = g.input.reduce((x, size, i) => (x.sizes[i + 2] === size ? x : narrow(x, i + 2, 0, size)), dx)
      return [cut === dx ? dx : apply(cloneOp, [cut], null)]
    },
  },
}

/** [N, C, ...] by [N, O, ...]: [O, C / groups, ...kernel], the gradient of a convolution by its weight. */
const byWeightOp: OpDef<Geometry> = {
  name: 'ConvolutionBackwardBackward0',
  infer: ([x, dy], { kernel, groups }) => [{ sizes: [dy.sizes[1], x.sizes[1] / groups, ...kernel], dtype: x.dtype }],
  saves: factors,
  vjp: (ctx) => [
    ctx.needs(0) ? apply(byInputOp, [ctx.input(1), ctx.dy], ctx.attrs) : null,
    ctx.needs(1) ? apply(forwardOp, [ctx.input(0), ctx.dy], ctx.attrs) : null,
  ],
  to: {
    kind: 'compose',
    compose: ([x, dy], g) => {
      const [n, rows] = dy.sizes
      const own = rows / g.groups
      const channels = x.sizes[1] / g.groups
      const windows = inputWindows(x as Tensor, g)
      const above = window(dy as Tensor, [
        ...grouped(g, 1, own),
        axis(own, 1),
        axis(n, 0),
        ...g.output.map((size, i) => axis(size, i + 2)),
      ])
      const taken = window(windows.x, [
        ...grouped(g, 1, channels),
        axis(n, 0),
        ...windows.places,
        axis(channels, 1),
        ...windows.taps,
      ])
      const dw = apply(product, [above, taken], counts(g.groups === 1 ? 0 : 1, 1 + g.kernel.length))
      return [reshaped(dw, [rows, channels, ...g.kernel])]
    },
  },
}

// ---- what a call may say ----

type PerDim = number | readonly number[]

/** A number for each spatial dimension, or PyTorch's error. */
function expanded(name: string, given: PerDim, rank: number, spatial: number): Shape {
  const list = typeof given === 'number' ? from(0, rank).map(() => given) : given
  if (list.length === 1) return from(0, spatial).map(() => list[0])
  if (list.length === spatial) return [...list]
  throw new RuntimeError(
    `expected ${name} to be a single integer value or a list of ${spatial} values to match the convolution dimensions, but got ${name}=${shapeString(list)}`,
  )
}

interface Call {
  readonly x: Tensor
  readonly weight: Tensor
  readonly bias: Tensor | null
  readonly transposed: boolean
  readonly groups: number
}

const cName: Readonly<Record<DType, string>> = {
  float32: 'float',
  float64: 'double',
  int32: 'long int',
  uint8: 'unsigned char',
  bool: 'bool',
}

function checkDTypes({ x, weight: w, bias, transposed }: Call, kernel: string): void {
  const hint = `Convert one of them: x.to('${x.dtype}').`
  if (x.dtype !== w.dtype) {
    throw new RuntimeError(
      x.dtype === 'float32' && !transposed
        ? `Input type (torch.FloatTensor) and weight type (torch.${dtypeName[w.dtype]}Tensor) should be the same or input should be a MKLDNN tensor and weight is a dense tensor`
        : `expected scalar type ${dtypeName[x.dtype]} but found ${dtypeName[w.dtype]}`,
      hint,
    )
  }
  if (bias !== null && bias.dtype !== x.dtype) {
    throw new RuntimeError(
      `Input type (${cName[x.dtype]}) and bias type (${cName[bias.dtype]}) should be the same`,
      hint,
    )
  }
  if (x.dtype === 'bool') throw notImplemented(kernel, 'bool', toInt)
}

/** The sizes of a kernel. */
function kernelOf(weight: Tensor): Shape {
  if (weight.dim() < 3) throw new RuntimeError('weight should have at least three dimensions')
  return weight.sizes.slice(2)
}

/** PyTorch's checks of sizes, in its order. */
function checkSizes({ x, weight, bias, transposed, groups }: Call): void {
  const { sizes } = weight
  const rank = sizes.length
  const asks = transposed ? 'transposed=1' : `groups=${groups}`
  if (x.dim() !== rank) {
    throw new RuntimeError(
      `Expected ${rank}-dimensional input for ${rank}-dimensional weight ${shapeString(sizes)}, but got ${x.dim()}-dimensional input of size ${shapeString(x.sizes)} instead`,
    )
  }
  if (sizes[0] < groups) {
    throw new RuntimeError(
      `Given groups=${groups}, expected weight to be at least ${groups} at dimension 0, but got weight of size ${shapeString(sizes)} instead`,
    )
  }
  if (sizes[0] % groups !== 0) {
    throw new RuntimeError(
      `Given groups=${groups}, expected weight to be divisible by ${groups} at dimension 0, but got weight of size [${shapeString(sizes)}] instead`,
    )
  }
  const channels = transposed ? sizes[0] : sizes[1] * groups
  if (x.sizes[1] !== channels) {
    throw new RuntimeError(
      `Given ${asks}, weight of size ${shapeString(sizes)}, expected input${shapeString(x.sizes)} to have ${channels} channels, but got ${x.sizes[1]} channels instead`,
    )
  }
  const made = transposed ? sizes[1] * groups : sizes[0]
  if (bias !== null && (bias.dim() !== 1 || bias.sizes[0] !== made)) {
    throw new RuntimeError(
      `Given ${transposed ? 'transposed=1, ' : ''}weight of size ${shapeString(sizes)}, expected bias to be 1-dimensional with ${made} elements, but got bias of size ${shapeString(bias.sizes)} instead`,
    )
  }
  if (sizes.slice(2).includes(0))
    throw new RuntimeError(
      `kernel size should be greater than zero, but got kernel size ${shapeString(sizes.slice(2))}`,
    )
}

function checkPositive(what: string, list: Shape): void {
  if (list.some((n) => n <= 0)) throw new RuntimeError(`non-positive ${what} is not supported`)
}
function checkNotNegative(what: string, list: Shape): void {
  if (list.some((n) => n < 0)) throw new RuntimeError(`negative ${what} is not supported`)
}

/** Adds a batch dimension for the call if there is none. */
function batched(name: string, rank: number, x: Tensor, call: (x: Tensor) => Tensor): Tensor {
  if (x.dim() === rank + 2) return call(x)
  if (x.dim() === rank + 1) return squeeze(call(unsqueeze(x, 0)), 0)
  throw new RuntimeError(
    `Expected ${rank + 1}D (unbatched) or ${rank + 2}D (batched) input to ${name}, but got input of size: ${shapeString(x.sizes)}`,
  )
}

const by = (sizes: Shape): string => `(${sizes.join(' x ')})`

/** The padding before and after each dimension, given by numbers or by name. */
function paddingOf(
  padding: PerDim | string,
  rank: number,
  stride: Shape,
  dilation: Shape,
  kernel: Shape,
): [Shape, Shape] {
  if (typeof padding !== 'string') {
    const list = expanded('padding', padding, rank, kernel.length)
    checkNotNegative('padding', list)
    return [list, list]
  }
  const none = kernel.map(() => 0)
  if (padding === 'valid') return [none, none]
  if (padding !== 'same') throw new RuntimeError(`Invalid padding string: '${padding}'`, "Use 'same' or 'valid'.")
  if (stride.some((n) => n !== 1)) throw new RuntimeError("padding='same' is not supported for strided convolutions")
  const total = kernel.map((n, i) => dilation[i] * (n - 1))
  return [total.map((n) => Math.floor(n / 2)), total.map((n) => Math.ceil(n / 2))]
}

export interface ConvOptions {
  readonly bias?: Tensor | null
  readonly stride?: PerDim
  /** Numbers, `'same'` for an output of the input's size, or `'valid'` for no padding. */
  readonly padding?: PerDim | 'same' | 'valid'
  readonly dilation?: PerDim
  readonly groups?: number
}
export type ConvArguments = [
  weight: Tensor,
  bias?: Tensor | null | ConvOptions,
  stride?: PerDim | ConvOptions,
  padding?: PerDim | 'same' | 'valid' | ConvOptions,
  dilation?: PerDim | ConvOptions,
  groups?: number | ConvOptions,
]

function convolution(rank: number): (args: readonly unknown[]) => Tensor {
  const name = `conv${rank}d`
  const read = signature(
    name,
    required('input', tensor),
    required('weight', tensor),
    optional('bias', nullable(tensor), null),
    optional('stride', dims, 1),
    optional('padding', either(dims, str), 0),
    optional('dilation', dims, 1),
    optional('groups', int, 1),
  )
  return (args) => {
    const [input, weight, bias, strides, paddings, dilations, groups] = read(args)
    return batched(name, rank, input, (x) => {
      const kernel = kernelOf(weight)
      const stride = expanded('stride', strides, rank, kernel.length)
      const dilation = expanded('dilation', dilations, rank, kernel.length)
      const [low, high] = paddingOf(paddings, rank, stride, dilation, kernel)
      checkPositive('stride', stride)
      checkPositive('dilation', dilation)
      checkPositive('groups', [groups])
      const call = { x, weight, bias, transposed: false, groups }
      checkSizes(call)
      const around = kernel.map((_, i) => x.sizes[i + 2] + low[i] + high[i])
      const reach = kernel.map((n, i) => dilation[i] * (n - 1) + 1)
      if (reach.some((n, i) => n > around[i])) {
        throw new RuntimeError(
          `Calculated padded input size per channel: ${by(around)}. Kernel size: ${by(reach)}. Kernel size can't be greater than actual input size`,
        )
      }
      const spatial = x.sizes.slice(2)
      if (spatial.includes(0)) {
        throw new RuntimeError(
          `Only zero batch or zero channel inputs are supported, but got input shape: ${shapeString(x.sizes)}`,
        )
      }
      checkDTypes(call, rank === 3 ? 'compute_columns3d' : 'slow_conv2d_cpu')
      const output = around.map((n, i) => Math.floor((n - reach[i]) / stride[i]) + 1)
      const geometry = { groups, stride, dilation, low, input: spatial, kernel, output }
      return apply(forwardOp, bias === null ? [x, weight] : [x, weight, bias], geometry)
    })
  }
}

export interface ConvTransposeOptions {
  readonly bias?: Tensor | null
  readonly stride?: PerDim
  readonly padding?: PerDim
  /** Added to one side of the output, because outputs of several sizes have an input of the same size. */
  readonly outputPadding?: PerDim
  readonly groups?: number
  readonly dilation?: PerDim
}
export type ConvTransposeArguments = [
  weight: Tensor,
  bias?: Tensor | null | ConvTransposeOptions,
  stride?: PerDim | ConvTransposeOptions,
  padding?: PerDim | ConvTransposeOptions,
  outputPadding?: PerDim | ConvTransposeOptions,
  groups?: number | ConvTransposeOptions,
  dilation?: PerDim | ConvTransposeOptions,
]

/** A transposed convolution is the gradient by the input. */
const transposedOp: OpDef<Geometry> = { ...byInputOp, name: 'convolution' }

function transposedConvolution(rank: number): (args: readonly unknown[]) => Tensor {
  const name = `conv_transpose${rank}d`
  const read = signature(
    name,
    required('input', tensor),
    required('weight', tensor),
    optional('bias', nullable(tensor), null),
    optional('stride', dims, 1),
    optional('padding', dims, 0),
    optional('outputPadding', dims, 0),
    optional('groups', int, 1),
    optional('dilation', dims, 1),
  )
  return (args) => {
    const [input, weight, bias, strides, paddings, outputPaddings, groups, dilations] = read(args)
    return batched(name, rank, input, (x) => {
      const kernel = kernelOf(weight)
      const stride = expanded('stride', strides, rank, kernel.length)
      const low = expanded('padding', paddings, rank, kernel.length)
      const dilation = expanded('dilation', dilations, rank, kernel.length)
      const more = expanded('output_padding', outputPaddings, rank, kernel.length)
      checkNotNegative('padding', low)
      checkNotNegative('output_padding', more)
      checkPositive('stride', stride)
      checkPositive('dilation', dilation)
      checkPositive('groups', [groups])
      const call = { x, weight, bias, transposed: true, groups }
      checkSizes(call)
      if (more.some((n, i) => n >= stride[i] && n >= dilation[i])) {
        const names = ['depth', 'height', 'width'].slice(-Math.max(rank, 2))
        const all = (what: string, list: Shape, otherwise: number): string =>
          names.map((side, i) => `${what}_${side}: ${list[i - names.length + list.length] ?? otherwise}`).join(' ')
        throw new RuntimeError(
          `output padding must be smaller than either stride or dilation, but got ${all('output_padding', more, 0)} ${all('stride', stride, 1)} ${all('dilation', dilation, 1)}`,
        )
      }
      const output = x.sizes.slice(2)
      const made = output.map((n, i) => (n - 1) * stride[i] - 2 * low[i] + dilation[i] * (kernel[i] - 1) + more[i] + 1)
      if (made.some((n) => n < 1)) {
        throw new RuntimeError(
          `Given input size per channel: ${by(output)}. Calculated output size per channel: ${by(made)}. Output size is too small`,
        )
      }
      checkDTypes(call, rank === 3 ? 'slow_conv_transpose3d_out_cpu' : 'slow_conv_transpose2d_out_cpu')
      const geometry = { groups, stride, dilation, low, input: made, kernel, output }
      const y = apply(transposedOp, [x, weight], geometry)
      if (bias === null) return y
      return apply(biasedOp, [y, window(bias, [axis(bias.sizes[0], 0), ...kernel.map(() => axis(1, -1))])], null)
    })
  }
}

/** The bias is part of the convolution to PyTorch, which names the node. */
const biasedOp = elementwise('convolution', (x, bias) => s.add(x, bias))

const [conv1, conv2, conv3] = [1, 2, 3].map(convolution)
const [transposed1, transposed2, transposed3] = [1, 2, 3].map(transposedConvolution)

/**
 * The convolution (without reversal) of signals [N, C, L] or [C, L] with weights [O, C / groups, K] and a bias [O] or
 * null: [N, O, L'] or [O, L'], where L' is (L + 2 padding - dilation (K - 1) - 1) / stride + 1, rounded down. Stride,
 * padding and dilation are numbers; the padding may also be `'same'` or `'valid'`.
 *
 * @example
 * F.conv1d(ones(1, 1, 5), ones(1, 1, 3)) // tensor([[[3., 3., 3.]]])
 */
export const conv1d = (input: Tensor, ...args: ConvArguments): Tensor => conv1([input, ...args])
/**
 * The convolution of images [N, C, H, W] or [C, H, W] with weights [O, C / groups, KH, KW] and a bias [O] or null: [N,
 * O, H', W'] or [O, H', W']. Stride, padding and dilation are numbers or lists of two; the padding may also be `'same'`
 * or `'valid'`.
 *
 * @example
 * F.conv2d(ones(2, 3, 8, 8), ones(4, 3, 3, 3), null, 2, 1).shape // [2, 4, 4, 4]
 * F.conv2d(ones(1, 2, 5, 5), ones(2, 1, 3, 3), { padding: 'same', groups: 2 }).shape // [1, 2, 5, 5]
 */
export const conv2d = (input: Tensor, ...args: ConvArguments): Tensor => conv2([input, ...args])
/**
 * The convolution of volumes [N, C, D, H, W] or [C, D, H, W] with weights [O, C / groups, KD, KH, KW] and a bias [O] or null.
 *
 * @example
 * F.conv3d(ones(1, 1, 3, 3, 3), ones(1, 1, 2, 2, 2)).shape // [1, 1, 2, 2, 2]
 */
export const conv3d = (input: Tensor, ...args: ConvArguments): Tensor => conv3([input, ...args])
/**
 * The transposed convolution of signals [N, C, L] or [C, L] with weights [C, O / groups, K] and a bias [O] or null,
 * which computes the gradient of a convolution by its input. The result is [N, O, (L - 1) stride - 2 padding + dilation
 * (K - 1) + outputPadding + 1].
 *
 * @example
 * F.convTranspose1d(ones(1, 1, 2), ones(1, 1, 3)) // tensor([[[1., 2., 2., 1.]]])
 */
export const convTranspose1d = (input: Tensor, ...args: ConvTransposeArguments): Tensor => transposed1([input, ...args])
/**
 * The transposed convolution of images [N, C, H, W] or [C, H, W] with weights [C, O / groups, KH, KW] and a bias [O] or null.
 *
 * @example
 * F.convTranspose2d(ones(1, 2, 4, 4), ones(2, 3, 3, 3), { stride: 2, padding: 1, outputPadding: 1 }).shape // [1, 3, 8, 8]
 */
export const convTranspose2d = (input: Tensor, ...args: ConvTransposeArguments): Tensor => transposed2([input, ...args])
/**
 * The transposed convolution of volumes [N, C, D, H, W] or [C, D, H, W] with weights [C, O / groups, KD, KH, KW].
 *
 * @example
 * F.convTranspose3d(ones(1, 1, 2, 2, 2), ones(1, 1, 2, 2, 2)).shape // [1, 1, 3, 3, 3]
 */
export const convTranspose3d = (input: Tensor, ...args: ConvTransposeArguments): Tensor => transposed3([input, ...args])
