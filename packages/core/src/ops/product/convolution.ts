// Convolutions over any number of dimensions. A convolution is a contraction of the weight with windows, a strided view
// of the padded input. So are its gradients by the input and by the weight; they are ops here, and each other's
// gradients. No windows are copied to memory.
import { runsOnPlanes } from '../define/composite.ts'
import { cloneOp, elementwise } from '../define/elementwise.ts'
import { adjoint, reshapeOp } from '../define/views.ts'
import { contiguousStrides } from '../../base/layout.ts'
import { numelOf, type Shape } from '../../base/shape.ts'
import { s } from '../../expr/expr.ts'
import { apply } from '../../tensor/apply.ts'
import type { OpDef } from '../../tensor/op.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { sum } from '../reduce/reduce.ts'
import { catOp } from '../views/join.ts'
import { narrow } from '../views/views.ts'
import { type Axis, axis, padded, window } from '../views/windows.ts'
import { contraction, counts, factors, from } from './contraction.ts'

/** The parameters of a convolution besides its tensors, by spatial dimension. */
export interface Geometry {
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

/** Where windows begin in a tensor with these amounts of padding: later, for negative ones. */
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
export const forwardOp: OpDef<Geometry> = {
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

/** Elements of one spatial dimension of the input as sums, phase by phase. */
interface Phases {
  /** The number of phases that have taps, the first one, and the number of elements in each. */
  readonly count: number
  readonly first: number
  readonly length: number
  /** The distance between phases in the input, and the elements of all phases, which may be more than the input. */
  readonly apart: number
  readonly whole: number
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
      apart: 1,
      whole: input,
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
    apart: 1,
    whole: length * stride,
    taps: most - least + 1,
    step: 1,
    low: -least,
    weight: first + p - stride * least,
    weightStep: stride,
  }
}

/**
 * Tap by tap: each tap is a phase as long as the output, and phases overlap. The sums do not run over the zeros around
 * the output.
 */
const tapsApart = (dilation: number, input: number, kernel: number, output: number): Phases => ({
  count: kernel,
  first: 0,
  length: output,
  apart: dilation,
  whole: input,
  taps: 1,
  step: 1,
  low: 0,
  weight: 0,
  weightStep: 1,
})

/**
 * Whether the first spatial dimension goes tap by tap: without padding, with sums of `terms` for each tap. That writes
 * the elements of each tap and adds them up, each for as much as four terms; it must save a fifth. Three taps meet few
 * zeros, and backends have faster ways for such kernels.
 */
const goesApart = ({ stride, dilation, low, input, kernel, output }: Geometry, terms: number): boolean =>
  stride.every((n) => n === 1) &&
  low[0] === 0 &&
  kernel[0] > 3 &&
  input[0] === output[0] + dilation[0] * (kernel[0] - 1) &&
  5 * output[0] * (terms + 4) < 4 * input[0] * terms

/** What one phase of a dimension adds up: its first weight, and which of the taps of all phases is its first one. */
interface Taps {
  readonly count: number
  readonly weight: number
  readonly from: number
}

/** The taps of each phase that meet one of `kernel` weights. */
const tapsOf = ({ count, taps, weight, weightStep }: Phases, kernel: number): Taps[] =>
  Array.from({ length: count }, (_, phase) => {
    const first = weight + phase
    const from = Math.max(Math.ceil((first - kernel + 1) / weightStep), 0)
    return { count: Math.min(Math.floor(first / weightStep) + 1, taps) - from, weight: first - weightStep * from, from }
  })

/** All choices of one element of each list, the last list's elements next to each other. */
const choices = <T>(lists: readonly (readonly T[])[]): T[][] =>
  lists.reduce<T[][]>((made, list) => made.flatMap((chosen) => list.map((x) => [...chosen, x])), [[]])

/**
 * Whether each phase is a contraction of its own, because as rows of one they would mostly multiply zeros: an element
 * sums `terms` for each tap. Putting them side by side costs as much as four terms an element; that must save a fifth,
 * and as much as the further instructions take. `elements` is the number of those of a phase, of so many channels,
 * which are the rows of a contraction: a few of them do not fill the vectors of backends.
 */
function goOnTheirOwn(
  phases: readonly Phases[],
  each: readonly Taps[][],
  channels: number,
  elements: number,
  terms: number,
): boolean {
  const counts = numelOf(phases.map(({ count }) => count))
  const together = counts * numelOf(phases.map(({ taps }) => taps)) * terms
  const apart = numelOf(each.map((list) => list.reduce((sum, { count }) => sum + count, 0))) * terms + 4 * counts
  const none = each.some((list) => list.some(({ count }) => count < 1))
  return !none && channels >= 16 && 5 * apart < 4 * together && elements * (together - apart) > counts * 2 ** 17
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
      // Kernels of three elements may have faster ways with a step of 1, as above.
      const step = Math.max(...g.stride)
      if (
        (step === 2 || (step === 1 && Math.min(...g.kernel) > 3)) &&
        runsOnPlanes('convolutionByInput', dy as Tensor, g.dilation)
      )
        return [apply(phasesOp, [dy, weight], g)]
      const [n, rows] = dy.sizes
      const own = rows / g.groups
      const channels = weight.sizes[1]
      const both = g.stride.some((s, i) => s > 1 && g.dilation[i] > 1)
      const dilation = both ? g.dilation.map(() => 1) : g.dilation
      const w = both ? spread(weight as Tensor, g.dilation) : (weight as Tensor)
      const isApart = goesApart(g, own * numelOf(g.kernel.slice(1)))
      const phases = g.input.map((size, i) =>
        isApart && i === 0
          ? tapsApart(dilation[i], size, w.sizes[i + 2], g.output[i])
          : phasesOf(g.stride[i], dilation[i], g.low[i], size, w.sizes[i + 2]),
      )
      const stepped = isApart || g.stride.some((s) => s > 1)

      const low = phases.map((phase) => phase.low)
      const high = phases.map(({ length, taps, step }, i) => length + step * (taps - 1) - low[i] - g.output[i])
      const last = high.length - 1
      if (isApart && last > 0 && low[last] >= high[last]) {
        // The zeros before a row are those behind the row above, too: without padding, rows are as long as the result's.
        high[last - 1] += high[last] > 0 ? 1 : 0
        high[last] = 0
      }
      const around = padded(dy as Tensor, low, high)
      const begin = skipped(low)
      const batch = counts(g.groups === 1 ? 1 : 2, 1 + phases.length)
      /** The sums over these taps, with the axes of the weight that are phases. */
      const sums = (w: Tensor, taps: readonly Taps[], axes: readonly Axis[]): Tensor => {
        const weights = window(
          w,
          [
            axis(n, -1),
            ...grouped(g, 0, own),
            axis(channels, 1),
            ...axes,
            axis(own, 0),
            ...phases.map(({ weightStep }, i) => axis(taps[i].count, i + 2, -weightStep)),
          ],
          [0, 0, ...taps.map(({ weight }) => weight)],
        )
        const taken = window(
          around,
          [
            axis(n, 0),
            ...grouped(g, 1, own),
            axis(own, 1),
            ...phases.map(({ step }, i) => axis(taps[i].count, i + 2, step)),
            ...phases.map(({ length }, i) => axis(length, i + 2)),
          ],
          begin.map((at, i) => (i < 2 ? at : at + phases[i - 2].step * taps[i - 2].from)),
        )
        return apply(product, [weights, taken], batch)
      }
      /** The sums of all phases at once; those that have fewer taps than others meet zeros around the weight. */
      const together = (): Tensor => {
        const lowest = phases.map(({ weight, weightStep, taps }) => Math.min(weight - weightStep * (taps - 1), 0))
        const highest = phases.map(({ weight, count }, i) => Math.max(weight + count - w.sizes[i + 2], 0))
        const wide = padded(
          w,
          lowest.map((at) => -at),
          highest,
        )
        const taps = phases.map(({ taps, weight }, i): Taps => ({ count: taps, weight: weight - lowest[i], from: 0 }))
        return sums(wide, taps, stepped ? phases.map(({ count }, i) => axis(count, i + 2)) : [])
      }
      const all = [n, channels * g.groups]
      if (!stepped) return [reshaped(together(), [...all, ...g.input])]
      // The elements of each phase are one stride apart; those beyond the input are cut off.
      const full = [...all, ...phases.map(({ whole }) => whole)]
      const strides = contiguousStrides(full)
      const spatial = strides.slice(2)
      const lengths = phases.map(({ length }) => length)
      const images = strides.slice(0, 2)
      const within = spatial.map((st, i) => st * g.stride[i])
      const numbers = phases.map(({ count }) => count)
      const between = phases.map(({ apart }, i) => apart * spatial[i])
      const offset = phases.reduce((at, { first }, i) => at + first * spatial[i], 0)
      const each = phases.map((phase, i) => tapsOf(phase, w.sizes[i + 2]))
      const place = (y: Tensor, sizes: Shape, strides: Shape): Tensor =>
        adjoint(reshaped(y, sizes), { sizes, strides, offset }, full)
      let dx: Tensor
      if (!isApart && goOnTheirOwn(phases, each, channels, numelOf([...all, ...lengths]), own)) {
        const parts = choices(each).map((taps) => reshaped(sums(w, taps, []), [...all, ...lengths]))
        const y = apply(catOp, parts, { dim: 0, sizes: parts.map(() => n) })
        dx = place(y, [...numbers, ...all, ...lengths], [...between, ...images, ...within])
      } else {
        dx = place(together(), [...all, ...numbers, ...lengths], [...images, ...between, ...within])
      }
      const cut = g.input.reduce((x, size, i) => (x.sizes[i + 2] === size ? x : narrow(x, i + 2, 0, size)), dx)
      return [cut === dx ? dx : apply(cloneOp, [cut], null)]
    },
  },
}

/** The same as one kernel. */
const phasesOp: OpDef<Geometry> = {
  name: 'convolution',
  infer: byInputOp.infer,
  to: {
    kind: 'kernel',
    prim: 'convolutionByInput',
    lower: (g, [, w]) => ({ ...g, axis: 2, plane: g.input, channels: w.sizes[1] }),
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

/** A transposed convolution is the gradient by the input. */
export const transposedOp: OpDef<Geometry> = { ...byInputOp, name: 'convolution' }

/** Adds a bias to it, of [O]: to PyTorch that is part of the convolution, which names the node. */
export const biased = (y: Tensor, bias: Tensor): Tensor =>
  apply(biasedOp, [y, window(bias, [axis(bias.sizes[0], 0), ...from(2, y.dim() - 2).map(() => axis(1, -1))])], null)
const biasedOp = elementwise('convolution', (x, bias) => s.add(x, bias))
