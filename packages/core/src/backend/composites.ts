// The compositions that a backend may have kernels for, with one definition each: operands, results and attributes. The
// types of instructions, their checks, core's ops (ops/define/composite.ts), the encoder and the decoder of the native
// backend follow from it. The comment at a composition says what its kernel computes; without a kernel, core composes
// the same from other kinds.
import type { Shape } from '../base/shape.ts'
import type { Instr } from './backend.ts'

// `all`; `row`: one element per row, that is per [outer, inner], with 1 along the axis; `rowOrOne`: the same or a single
// element; `index`: one int32 per row; `each`: one element per index of the axes from this one on, with 1 for the others;
// `slice`: one per [outer]; `channel`: one per index of the axis and the one before; `one`: one; `plane`: as all, with
// the attribute `plane` for the sizes of the axis and the one after; `planes`: the same, with `channels` in each of `groups`
// for the size before; `weight`: as many as all has channels, each with `channels` windows of the size `kernel`.
/**
 * How much of [outer, n, inner] an operand covers, where n is the axis and the first operand covers all. All but an index
 * have one float dtype, and there is at least one element.
 */
export type Extent =
  | 'all'
  | 'row'
  | 'rowOrOne'
  | 'index'
  | 'each'
  | 'slice'
  | 'channel'
  | 'one'
  | 'plane'
  | 'weight'
  | 'planes'

export interface Composite {
  /** Names and extents, in the order of the instruction's inputs. */
  readonly inputs: readonly [readonly [name: string, extent: 'all'], ...(readonly [name: string, extent: Extent])[]]
  readonly outputs: readonly (readonly [name: string, extent: Extent])[]
  /** Names of the attributes besides the axis; int32. */
  readonly numbers?: readonly string[]
  /** Names of attributes of two numbers, for the axis and the one after; they come before the others. */
  readonly pairs?: readonly string[]
}

/** A norm whose statistics cover `S`, and weights and biases `C`. */
interface Norm<S extends Extent, C extends Extent, More extends Composite['outputs'] = []> {
  inputs: [['x', 'all'], ['weight', C], ['bias', C], ['eps', 'one']]
  outputs: [['y', 'all'], ['mean', S], ['invStd', S], ...More]
}
interface NormBackward<S extends Extent, C extends Extent> {
  inputs: [['dy', 'all'], ['x', 'all'], ['mean', S], ['invStd', S], ['weight', C]]
  outputs: [['dx', 'all'], ['dWeight', C], ['dBias', C]]
}
/** Softmax or its logarithm. */
interface Soft {
  inputs: [['x', 'all']]
  outputs: [['y', 'all']]
}
interface SoftBackward {
  inputs: [['dy', 'all'], ['y', 'all']]
  outputs: [['dx', 'all']]
}
/**
 * Windows over planes of float32, of at most nine taps, one or two elements apart along the last axis; `low`: how many
 * elements before the input they cover.
 */
interface OverWindows {
  pairs: readonly ('plane' | 'kernel' | 'stride' | 'low')[]
}
interface OfWindows extends OverWindows {
  inputs: [['x', 'all']]
  outputs: [['y', 'plane']]
}
/**
 * `divisor`: of all sums, or 0 for the number of elements; `around`: 1 if that includes those that windows cover before the
 * input, and as many behind it.
 */
interface MeanOfWindows extends OfWindows {
  numbers: readonly ('divisor' | 'around')[]
}
/** The types of the definitions, which would be three times as long if they were inferred. */
interface Composites {
  softmax: Soft
  logSoftmax: Soft
  softmaxBackward: SoftBackward
  logSoftmaxBackward: SoftBackward
  crossEntropy: {
    inputs: [['x', 'all'], ['target', 'index']]
    outputs: [['loss', 'row'], ['most', 'row'], ['logSum', 'row']]
    numbers: ['ignore']
  }
  crossEntropyBackward: {
    inputs: [['x', 'all'], ['target', 'index'], ['most', 'row'], ['logSum', 'row'], ['dy', 'rowOrOne']]
    outputs: [['dx', 'all']]
    numbers: ['ignore']
  }
  moments: {
    inputs: [['x', 'all']]
    outputs: [['mean', 'each'], ['squares', 'each']]
  }
  sliceNorm: Norm<'slice', 'channel'>
  sliceNormBackward: NormBackward<'slice', 'channel'>
  batchNorm: Norm<'each', 'each', [['squares', 'each']]>
  batchNormBackward: NormBackward<'each', 'each'>
  maxPool: OfWindows
  maxPoolWinners: OverWindows & {
    inputs: [['x', 'all']]
    outputs: [['y', 'plane'], ['winner', 'plane']]
  }
  maxPoolBackward: OverWindows & {
    inputs: [['dy', 'all'], ['winner', 'all']]
    outputs: [['dx', 'plane']]
  }
  avgPool: MeanOfWindows
  avgPoolBackward: MeanOfWindows
  convolutionByInput: OverWindows & {
    inputs: [['dy', 'all'], ['weight', 'weight']]
    outputs: [['dx', 'planes']]
    numbers: ['channels', 'groups']
  }
}

const norm = <S extends Extent, C extends Extent, More extends Composite['outputs']>(
  statistic: S,
  channel: C,
  ...more: More
): Norm<S, C, More> => ({
  inputs: [
    ['x', 'all'],
    ['weight', channel],
    ['bias', channel],
    ['eps', 'one'],
  ],
  outputs: [['y', 'all'], ['mean', statistic], ['invStd', statistic], ...more],
})
const normBackward = <S extends Extent, C extends Extent>(statistic: S, channel: C): NormBackward<S, C> => ({
  inputs: [
    ['dy', 'all'],
    ['x', 'all'],
    ['mean', statistic],
    ['invStd', statistic],
    ['weight', channel],
  ],
  outputs: [
    ['dx', 'all'],
    ['dWeight', channel],
    ['dBias', channel],
  ],
})

const soft: Soft = { inputs: [['x', 'all']], outputs: [['y', 'all']] }
const softBackward: SoftBackward = {
  inputs: [
    ['dy', 'all'],
    ['y', 'all'],
  ],
  outputs: [['dx', 'all']],
}

const pairs: OverWindows['pairs'] = ['plane', 'kernel', 'stride', 'low']
const ofWindows: OfWindows = { inputs: [['x', 'all']], outputs: [['y', 'plane']], pairs }
const meanOfWindows: MeanOfWindows = { ...ofWindows, numbers: ['divisor', 'around'] }

export const composites: Readonly<Composites> = {
  // The exponentials of a row minus its largest element, divided by their sum.
  softmax: soft,
  // The logarithm of softmax.
  logSoftmax: soft,
  // (dy - the row's sum of dy y) y
  softmaxBackward: softBackward,
  // dy - exp(y) times the row's sum of dy
  logSoftmaxBackward: softBackward,
  // loss: logSum - (x[target] - most), or 0 if the target is `ignore`; most: the largest element of the row; logSum:
  // the logarithm of the sum of exp(x - most).
  crossEntropy: {
    inputs: [
      ['x', 'all'],
      ['target', 'index'],
    ],
    outputs: [
      ['loss', 'row'],
      ['most', 'row'],
      ['logSum', 'row'],
    ],
    numbers: ['ignore'],
  },
  // (exp(x - most - logSum) - 1 at the target) dy; for the target `ignore`, 0 times the rest without dy.
  crossEntropyBackward: {
    inputs: [
      ['x', 'all'],
      ['target', 'index'],
      ['most', 'row'],
      ['logSum', 'row'],
      ['dy', 'rowOrOne'],
    ],
    outputs: [['dx', 'all']],
    numbers: ['ignore'],
  },
  // For each index along the axis, over all other axes: the mean, and the sum of squared distances from it.
  moments: {
    inputs: [['x', 'all']],
    outputs: [
      ['mean', 'each'],
      ['squares', 'each'],
    ],
  },
  // Of each slice: shifted and scaled to mean 0 and variance 1, then by channel; the mean; 1 / sqrt(variance + eps).
  sliceNorm: norm('slice', 'channel'),
  // The gradients of x, weight and bias.
  sliceNormBackward: normBackward('slice', 'channel'),
  // The same of each channel over all samples; squares: the sum of squared distances from the mean.
  batchNorm: norm('each', 'each', ['squares', 'each']),
  batchNormBackward: normBackward('each', 'each'),
  // The largest element of each window, the first of those that are equal; the last NaN if there is one.
  maxPool: ofWindows,
  // The same, and its place in the window in row-major order; if nothing is larger than -infinity, the first in the input.
  maxPoolWinners: {
    inputs: [['x', 'all']],
    outputs: [
      ['y', 'plane'],
      ['winner', 'plane'],
    ],
    pairs,
  },
  // Zeros, to which the gradients of windows are added at their winners, in order.
  maxPoolBackward: {
    inputs: [
      ['dy', 'all'],
      ['winner', 'all'],
    ],
    outputs: [['dx', 'plane']],
    pairs,
  },
  // The sum of the elements of each window that are in the input, in order and in their own precision, divided.
  avgPool: meanOfWindows,
  // Zeros, to which each x, divided, is added at all elements of its window, in the order of windows.
  avgPoolBackward: meanOfWindows,
  // The gradient of a convolution by its input, with steps of 1 and 2: each window of the weights, scaled, is added to zeros.
  convolutionByInput: {
    inputs: [
      ['dy', 'all'],
      ['weight', 'weight'],
    ],
    outputs: [['dx', 'planes']],
    pairs,
    numbers: ['channels', 'groups'],
  },
}

export type CompositeKind = keyof Composites

type Names<K extends CompositeKind, L extends 'numbers' | 'pairs'> = Composites[K] extends {
  readonly [N in L]: readonly (infer N)[]
}
  ? N & string
  : never
/** The attributes of an instruction of each of these kinds. */
export type CompositeAttrs = {
  readonly [K in CompositeKind]: { readonly axis: number } & { readonly [A in Names<K, 'numbers'>]: number } & {
    readonly [A in Names<K, 'pairs'>]: Shape
  }
}
/** A tuple as long as a list. */
type Each<List extends readonly unknown[], T> = { readonly [I in keyof List]: T }
export type InputsOf<K extends CompositeKind, T> = Each<Composites[K]['inputs'], T>
export type OutputsOf<K extends CompositeKind, T> = Each<Composites[K]['outputs'], T>

/** Whether an instruction has one of these kinds. */
export const isComposite = (instr: Instr): instr is Instr<CompositeKind> => Object.hasOwn(composites, instr.kind)

/** The sizes of an operand whose first operand has `sizes`; for `rowOrOne`, those of rows. */
export function sizesOf(
  extent: Extent,
  sizes: Shape,
  {
    axis,
    plane = [],
    kernel = [],
    channels = 0,
    groups = 0,
  }: Partial<CompositeAttrs['convolutionByInput']> & { readonly axis: number },
): Shape {
  if (extent === 'all') return sizes
  if (extent === 'weight') return [sizes[axis - 1], channels, ...kernel]
  if (extent === 'planes') return [...sizes.slice(0, axis - 1), channels * groups, ...plane]
  if (extent === 'plane') return [...sizes.slice(0, axis), ...plane]
  if (extent === 'each') return sizes.slice(axis).map((n, i) => (i === 0 ? n : 1))
  const keeps = (i: number): boolean =>
    extent === 'slice' ? i < axis : extent === 'channel' ? i === axis || i === axis - 1 : extent !== 'one' && i !== axis
  return sizes.map((n, i) => (keeps(i) ? n : 1))
}
