// Resampling to other sizes. Along each dimension a result is a weighted sum of a few elements, its taps: their indices
// and weights follow from the sizes alone. The taps are gathered and summed, dimension by dimension.
import { isFloat, newArray, type TypedArray } from '../../base/dtype.ts'
import { NotImplementedError, RuntimeError, ValueError } from '../../base/errors.ts'
import { type Shape, shapeString } from '../../base/shape.ts'
import { s } from '../../expr/expr.ts'
import { apply } from '../../tensor/apply.ts'
import type { OpDef } from '../../tensor/op.ts'
import {
  type Arguments,
  bool,
  dims,
  either,
  list,
  nullable,
  finite,
  optional,
  required,
  signature,
  str,
  tensor,
} from '../../tensor/signature.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { fromArray } from '../create/create.ts'
import { notImplemented } from '../define/arguments.ts'
import { elementwise, expandTo } from '../define/elementwise.ts'
import { ownView, reshapeOp } from '../define/views.ts'
import { gatherAlongDim } from '../indexing/gather.ts'
import { adaptiveAvgPool1d, adaptiveAvgPool2d, adaptiveAvgPool3d } from '../pool/adaptive.ts'

// ---- taps ----

/** The taps of the elements of a result along one dimension: `count` for each, one element after the other. */
interface Taps {
  readonly count: number
  readonly indices: TypedArray
  /** Null for weights of 1. */
  readonly weights: TypedArray | null
}
/** A dimension to resample. */
interface Line {
  readonly input: number
  readonly output: number
  /** The distance of two output elements, in input elements. */
  readonly step: number
  readonly alignCorners: boolean
  /** Rounds to the dtype that positions and weights are computed in. */
  readonly round: (value: number) => number
}

/** The taps of each element of the result, which `tap` gives one after the other. */
function tapsOf(
  { output }: Line,
  count: number,
  tap: (i: number, put: (index: number, weight: number) => void) => void,
): Taps {
  const indices = newArray('int32', output * count)
  const weights = newArray('float64', output * count)
  let at = 0
  const put = (index: number, weight: number): void => {
    indices[at] = index
    weights[at++] = weight
  }
  for (let i = 0; i < output; i++) tap(i, put)
  return { count, indices, weights }
}

/** Where in the input an element of the result lies. */
function positionOf(i: number, { step, alignCorners, round }: Line): number {
  return alignCorners ? round(step * i) : round(round(step * round(i + 0.5)) - 0.5)
}

function nearest(line: Line, exact: boolean): Taps {
  const { input, output, step, round } = line
  const indices = newArray('int32', output)
  for (let i = 0; i < output; i++) {
    const at = exact ? round(Math.max(positionOf(i, line), 0) + 0.5) : round(step * i)
    indices[i] = Math.min(Math.floor(Math.fround(at)), input - 1)
  }
  return { count: 1, indices, weights: null }
}

function linear(line: Line): Taps {
  const { input, output, round } = line
  return tapsOf(line, 2, (i, put) => {
    const at = input === output ? i : Math.max(positionOf(i, line), 0)
    const low = Math.min(Math.trunc(at), input - 1)
    const share = round(at - low)
    put(low, round(1 - share))
    put(Math.min(low + 1, input - 1), share)
  })
}

/** The cubic convolution kernel at a distance below 1, and from 1 to 2. */
const near = (a: number, x: number): number => ((a + 2) * x - (a + 3)) * x * x + 1
const far = (a: number, x: number): number => ((a * x - 5 * a) * x + 8 * a) * x - 4 * a

function cubic(line: Line): Taps {
  const { input } = line
  return tapsOf(line, 4, (i, put) => {
    const at = positionOf(i, line)
    const low = Math.floor(at)
    const share = line.round(at - low)
    const weights = [far(-0.75, share + 1), near(-0.75, share), near(-0.75, 1 - share), far(-0.75, 2 - share)]
    for (const [k, weight] of weights.entries()) put(Math.min(Math.max(low + k - 1, 0), input - 1), weight)
  })
}

const triangle = (x: number): number => Math.max(1 - Math.abs(x), 0)
const cubicFilter = (x: number): number => {
  const d = Math.abs(x)
  return d < 1 ? near(-0.5, d) : d < 2 ? far(-0.5, d) : 0
}
/** A filter of a width, stretched over the step if that is longer, as Pillow does it. */
function smoothed(line: Line, width: number, filter: (x: number) => number): Taps {
  const { input, step, round } = line
  const stretch = Math.max(step, 1)
  const reach = round(width * 0.5 * stretch)
  const count = Math.ceil(reach) * 2 + 1
  return tapsOf(line, count, (i, put) => {
    const center = round(step * (i + 0.5))
    const first = Math.max(Math.trunc(round(center - reach) + 0.5), 0)
    const n = Math.min(Math.trunc(round(center + reach) + 0.5), input) - first
    const own = Array.from({ length: n }, (_, k) => filter((k + first - center + 0.5) / stretch))
    const total = own.reduce((a, b) => a + b, 0)
    for (let k = 0; k < count; k++) put(Math.min(first + k, input - 1), k < n ? own[k] / total : 0)
  })
}

// ---- resampling ----

const weighted = elementwise('mul', (x, weight) => s.mul(x, weight))
const reshaped = (x: Tensor, sizes: Shape): Tensor => apply(reshapeOp, [x], sizes)
const endings = new Map<string, OpDef<Shape>>()
function endingOf(name: string): OpDef<Shape> {
  const op = endings.get(name) ?? ownView(name)
  endings.set(name, op)
  return op
}

function along(x: Tensor, dim: number, { count, indices, weights }: Taps): Tensor {
  const before = x.sizes.slice(0, dim)
  const after = x.sizes.slice(dim + 1)
  const ones = after.map(() => 1)
  const { device } = x
  const index = fromArray(indices, [indices.length, ...ones], { dtype: 'int32', device })
  const taken = gatherAlongDim(x, dim, expandTo(index, [...before, indices.length, ...after]))
  if (weights === null) return taken
  const output = count === 0 ? 0 : indices.length / count
  const weight = fromArray(weights, [output, count, ...ones], { dtype: x.dtype, device })
  const apart = reshaped(taken, [...before, output, count, ...after])
  const summed = apply(weighted, [apart, weight], { sizes: [...before, output, 1, ...after], dtype: x.dtype })
  return reshaped(summed, [...before, output, ...after])
}

interface Mode {
  /** The number of spatial dimensions that it takes. */
  readonly ranks: readonly number[]
  readonly taps: (line: Line) => Taps
  /** The name of PyTorch's kernel in messages, and of the node, which ends with the number of dimensions. */
  readonly kernel: string
  readonly node: string
  readonly smooth?: (line: Line) => Taps
}
const modes: Readonly<Record<string, Mode>> = {
  nearest: {
    ranks: [1, 2, 3],
    taps: (line) => nearest(line, false),
    kernel: 'compute_indices_weights_nearest',
    node: 'UpsampleNearest',
  },
  'nearest-exact': {
    ranks: [1, 2, 3],
    taps: (line) => nearest(line, true),
    kernel: 'compute_indices_weights_nearest',
    node: 'UpsampleNearestExact',
  },
  linear: { ranks: [1], taps: linear, kernel: 'compute_indices_weights_linear', node: 'UpsampleLinear' },
  bilinear: {
    ranks: [2],
    taps: linear,
    kernel: 'compute_indices_weights_linear',
    node: 'UpsampleBilinear',
    smooth: (line) => smoothed(line, 2, triangle),
  },
  trilinear: { ranks: [3], taps: linear, kernel: 'compute_indices_weights_linear', node: 'UpsampleTrilinear' },
  bicubic: {
    ranks: [2],
    taps: cubic,
    kernel: 'compute_indices_weights_cubic',
    node: 'UpsampleBicubic',
    smooth: (line) => smoothed(line, 4, cubicFilter),
  },
}

const meansOf = [adaptiveAvgPool1d, adaptiveAvgPool2d, adaptiveAvgPool3d]

export interface InterpolateOptions {
  /** The sizes of the result, or one for all dimensions. */
  readonly size?: number | readonly number[] | null
  /** The sizes of the result as multiples of the input's. */
  readonly scaleFactor?: number | readonly number[] | null
  readonly mode?: string
  /** The corner elements of input and result have the same centers, instead of the same outer edges. */
  readonly alignCorners?: boolean | null
  /** Compute the factor again from the whole size of the result. */
  readonly recomputeScaleFactor?: boolean | null
  /** Smooth what gets smaller; for 'bilinear' and 'bicubic'. */
  readonly antialias?: boolean
}
const factors = either(finite, list(finite))
const read = signature(
  'interpolate',
  required('input', tensor),
  optional('size', nullable(dims), null),
  optional('scaleFactor', nullable(factors), null),
  optional('mode', str, 'nearest'),
  optional('alignCorners', nullable(bool), null),
  optional('recomputeScaleFactor', nullable(bool), null),
  optional('antialias', bool, false),
)

/** One value for each dimension, or PyTorch's error. */
function forEach(x: Tensor, given: number | readonly number[], what: string, list: string, format: string): Shape {
  const spatial = x.sizes.slice(2)
  if (typeof given === 'number') return spatial.map(() => given)
  if (given.length === spatial.length) return given
  const [short] = format
  throw new ValueError(
    `Input and ${what} must have the same number of spatial dimensions, but got input with spatial dimensions of ${shapeString(spatial)} and ${list} ${shapeString(given)}. Please provide input tensor in (N, C, d1, d2, ...,dK) format and ${format} in (${short}1, ${short}2, ...,${short}K) format.`,
  )
}

const noMode = (x: Tensor, mode: string): NotImplementedError => {
  const needs: Readonly<Record<string, number>> = { linear: 3, bilinear: 4, trilinear: 5 }
  return x.dim() >= 3 && x.dim() <= 5 && Object.hasOwn(needs, mode)
    ? new NotImplementedError(`Got ${x.dim()}D input, but ${mode} mode needs ${needs[mode]}D input`)
    : new NotImplementedError(
        `Input Error: Only 3D, 4D and 5D input Tensors supported (got ${x.dim()}D) for the modes: nearest | linear | bilinear | bicubic | trilinear | area | nearest-exact (got ${mode})`,
      )
}

function checkSizes(x: Tensor, output: Shape): void {
  const input = x.sizes.slice(2)
  if ([...input, ...output].some((n) => n <= 0)) {
    const sizes = (list: Shape): string => `(${list.map((n, i) => `${'DHW'[i + 3 - list.length]}: ${n}`).join(', ')})`
    const and = output.length === 1 ? 'and ' : ''
    throw new RuntimeError(
      `Input and output sizes should be greater than 0, but got input ${sizes(input)} ${and}output ${sizes(output)}`,
    )
  }
  if (x.sizes[1] === 0) {
    throw new RuntimeError(
      `Non-empty ${x.dim()}D data tensor expected but got a tensor with sizes ${shapeString(x.sizes)}`,
    )
  }
}

/**
 * Resamples [N, C, ...] of one to three spatial dimensions to `size`, or by `scaleFactor`. Modes are 'nearest' and
 * 'nearest-exact', which rounds as other libraries do; 'linear', 'bilinear' and 'trilinear' for one, two and three
 * dimensions; 'bicubic'; and 'area', means of windows.
 *
 * @example
 * F.interpolate(tensor([[[1, 2]]]), 4) // tensor([[[1., 1., 2., 2.]]])
 * F.interpolate(tensor([[[1, 2]]]), { scaleFactor: 2, mode: 'linear' }) // tensor([[[1.0000, 1.2500, 1.7500, 2.0000]]])
 */
export function interpolate(
  input: Tensor,
  ...args: Arguments<
    [
      size: number | readonly number[] | null,
      scaleFactor: number | readonly number[] | null,
      mode: string,
      alignCorners: boolean | null,
      recomputeScaleFactor: boolean | null,
      antialias: boolean,
    ],
    InterpolateOptions
  >
): Tensor {
  const [x, size, scaleFactor, name, aligned, recompute, antialias] = read([input, ...args])
  const mode = Object.hasOwn(modes, name) ? modes[name] : null
  const area = name === 'area'
  if (aligned !== null && (name === 'nearest' || area || name === 'nearest-exact')) {
    throw new ValueError(
      'align_corners option can only be set with the interpolating modes: linear | bilinear | bicubic | trilinear',
    )
  }
  if (size !== null && scaleFactor !== null) throw new ValueError('only one of size or scale_factor should be defined')
  const asked = size === null ? null : forEach(x, size, 'output', 'output size of', 'output size')
  const scales =
    scaleFactor === null ? null : forEach(x, scaleFactor, 'scale_factor', 'scale_factor of shape', 'scale_factor')
  if (asked === null && scales === null) throw new ValueError('either size or scale_factor should be defined')
  if (recompute === true && asked !== null)
    throw new ValueError('recompute_scale_factor is not meaningful with an explicit size.')
  const smooth = antialias && x.dim() === 4 ? mode?.smooth : undefined
  if (antialias && smooth === undefined)
    throw new ValueError('Anti-alias option is only supported for bilinear and bicubic modes')
  const rank = x.dim() - 2
  const means = area ? meansOf[rank - 1] : undefined
  if (means === undefined && !mode?.ranks.includes(rank)) throw noMode(x, name)
  const sizeOf = recompute === true || area ? Math.floor : Math.trunc
  const output = asked ?? x.sizes.slice(2).map((n, i) => sizeOf(n * (scales as Shape)[i]))
  if (!output.every(Number.isSafeInteger))
    throw new RuntimeError('Overflow when unpacking long', `The sizes are ${output}.`)
  if (means !== undefined) return means(x, output)
  const { taps, node, kernel } = mode as Mode
  checkSizes(x, output)
  if (!isFloat(x.dtype) && !(x.dtype === 'uint8' && kernel.endsWith('nearest')))
    throw notImplemented(smooth === undefined ? kernel : 'compute_indices_weights_aa', x.dtype)
  const round = x.dtype === 'float64' ? (value: number) => value : Math.fround
  const factor = recompute === true ? null : scales
  const y = output.reduceRight((done, n, i) => {
    const input = x.sizes[i + 2]
    const given = factor !== null && factor[i] > 0 ? 1 / factor[i] : input / n
    const step = round(aligned === true ? (n > 1 ? (input - 1) / (n - 1) : 0) : given)
    const line = { input, output: n, step, alignCorners: aligned === true, round }
    return along(done, i + 2, (smooth ?? taps)(line))
  }, x)
  return apply(endingOf(`${node}${rank}D${smooth === undefined ? '' : 'Aa'}Backward1`), [y], y.sizes)
}
