// Layer and group normalisation as one op: slices of a tensor [n, groups, channels, elements], of all channels and
// elements of a group, are shifted and scaled to mean 0 and variance 1, then each channel by its weight and bias.
// Layers are groups whose channels have one element.
import type { Shape } from '../base/shape.ts'
import { s } from '../expr/expr.ts'
import { composite } from '../ops/define/composite.ts'
import { elementwise } from '../ops/define/elementwise.ts'
import { sums } from '../ops/define/sums.ts'
import { ownView, reshapeOp } from '../ops/define/views.ts'
import { apply, applyAll, operand } from '../tensor/apply.ts'
import type { Input, OpDef } from '../tensor/op.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { asTensor, channelSums, inverseStd, moments, operandsOf, saves, withStatistics } from './batch-norm.ts'

const shaped = (x: Tensor, sizes: Shape): Tensor => apply(reshapeOp, [x], sizes)
/** The sizes of statistics, and those of a weight. */
const ofSlices = ([n, groups]: Shape): Shape => [n, groups, 1, 1]
const ofChannels = ([, groups, channels]: Shape): Shape => [1, groups, channels, 1]
const countOf = ([, , channels, elements]: Shape): number => channels * elements

const shiftOf = elementwise('sub', (mean, invStd) => s.neg(s.mul(mean, invStd)))
const affine = elementwise('nativeNorm', (x, invStd, shift, weight, bias) =>
  s.add(s.mul(s.add(s.mul(x, invStd), shift), weight), bias),
)

/** The gradients of the bias and the weight. */
const parameterSums = sums(
  'sum',
  (sum) => sum,
  (_, product, invStd) => s.mul(product, invStd),
)
const parameterSumsOf = sums(
  'sum',
  (dy) => dy,
  (dy, x, mean, invStd) => s.mul(s.mul(dy, s.sub(x, mean)), invStd),
)
/** For each slice, the sums of weighted gradients. */
const sliceSums = sums(
  'sum',
  (sum, _, weight) => s.mul(sum, weight),
  (_, product, weight) => s.mul(product, weight),
)
const sliceSumsOf = sums(
  'sum',
  (dy, _x, _mean, weight) => s.mul(dy, weight),
  (dy, x, mean, weight) => s.mul(s.mul(dy, weight), s.sub(x, mean)),
)
const slopeOf = elementwise('mul', (productSum, invStd, inverse) =>
  s.neg(s.mul(s.mul(productSum, inverse), s.mul(invStd, s.mul(invStd, invStd)))),
)
const levelOf = elementwise('mul', (sum, invStd, inverse) => s.neg(s.mul(s.mul(sum, inverse), invStd)))
const inputGradient = elementwise('nativeNormBackward', (dy, x, mean, weight, invStd, slope, level) =>
  s.add(s.mul(s.mul(dy, weight), invStd), s.add(s.mul(s.sub(x, mean), slope), level)),
)

/** The gradients of x, and of the weight and the bias where these are wanted. */
function gradients(dy: Tensor, x: Tensor, mean: Tensor, invStd: Tensor, weight: Input, wants: readonly boolean[]) {
  const { sizes } = x
  const inverse = operand(1 / countOf(sizes))
  // Channels of several elements, or of none, are summed once, for everything that follows.
  const channel = sizes[3] !== 1 ? channelSums([dy, x, mean], [...sizes.slice(0, 3), 1]) : undefined
  let dx: Tensor | null = null
  if (wants[0]) {
    const [sum, product] =
      channel === undefined
        ? sliceSumsOf([dy, x, mean, weight], mean.sizes)
        : sliceSums([...channel, weight], mean.sizes)
    const slope = apply(slopeOf, [product, invStd, inverse], null)
    const level = apply(levelOf, [sum, invStd, inverse], null)
    dx = apply(inputGradient, [dy, x, mean, weight, invStd, slope, level], null)
  }
  if (!wants[1]) return [dx]
  const [dBias, dWeight] =
    channel === undefined
      ? parameterSumsOf([dy, x, mean, invStd], ofChannels(sizes))
      : parameterSums([...channel, invStd], ofChannels(sizes))
  return [dx as Tensor, dWeight, dBias]
}
const attrs = () => ({ axis: 2 })
const backward = composite<'sliceNormBackward', null>({
  name: 'nativeNormBackward',
  kind: 'sliceNormBackward',
  attrs,
  compose: ([dy, x, mean, invStd, weight]) =>
    gradients(dy as Tensor, x as Tensor, mean as Tensor, invStd as Tensor, weight, [true, true]) as Tensor[],
})

const rules: Pick<OpDef<number>, 'saves' | 'vjp'> = {
  saves,
  vjp(ctx) {
    const [dy] = ctx.dys
    const x = ctx.input(0)
    const weight = ctx.operand(1)
    const [mean, invStd] = [ctx.output(1), ctx.output(2)]
    const wants = [ctx.needs(0), ctx.needs(1) || ctx.needs(2)]
    const [dx, dWeight = null, dBias = null] =
      dy === null
        ? [null]
        : // Where channels are summed for x, the sums for the weight are nearly free.
          wants[0] && (wants[1] || x.sizes[3] !== 1)
          ? applyAll(backward, [dy, x, mean, invStd, asTensor(weight, ofChannels(x.sizes), x)], null)
          : gradients(dy, x, mean, invStd, weight, wants)
    return [withStatistics(ctx, dx, countOf(x.sizes)), ctx.needs(1) ? dWeight : null, ctx.needs(2) ? dBias : null]
  },
}

/** Inputs: x, weight and bias or the numbers 1 and 0. Outputs: the result, and of slices the mean and 1 / deviation. */
const sliceNormOp = composite<'sliceNorm', number>({
  name: 'nativeNorm',
  kind: 'sliceNorm',
  attrs,
  ...rules,
  compose([input, weight, bias], eps) {
    const x = input as Tensor
    const [n, groups] = x.sizes
    const statistics = applyAll(moments, [shaped(x, [1, n * groups, countOf(x.sizes)])], null)
    const [mean, squares] = statistics.map((y) => shaped(y, ofSlices(x.sizes)))
    const invStd = apply(inverseStd, [squares, operand(countOf(x.sizes)), operand(eps)], null)
    const shift = apply(shiftOf, [mean, invStd], null)
    return [apply(affine, [x, invStd, shift, weight, bias], null), mean, invStd]
  },
  whole: {
    ...rules,
    around: (inputs, eps, kernel) => kernel(operandsOf(inputs, eps, ofChannels((inputs[0] as Tensor).sizes))),
  },
})

export type SliceNorm = (x: Tensor, slices: Shape, weight: Tensor | null, bias: Tensor | null, eps: number) => Tensor
/** Normalises a tensor seen as [n, groups, channels, elements]. `name` is that of the node. */
export function sliceNorm(name: string): SliceNorm {
  const back = ownView(name)
  return (x, slices, weight, bias, eps) => {
    const ofEach = (value: Tensor | null, none: number): Input =>
      value === null ? operand(none) : shaped(value, ofChannels(slices))
    const y = applyAll(sliceNormOp, [shaped(x, slices), ofEach(weight, 1), ofEach(bias, 0)], eps)[0]
    return apply(back, [y], x.sizes)
  }
}
