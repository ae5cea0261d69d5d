// Histograms of elements, and of points of several coordinates. None has a gradient.
import { cName, isFloat } from '../../base/dtype.ts'
import { RuntimeError } from '../../base/errors.ts'
import { sameShape, type Shape, shapeString } from '../../base/shape.ts'
import { s } from '../../expr/expr.ts'
import { apply, operand } from '../../tensor/apply.ts'
import { effects } from '../../tensor/effects.ts'
import { type NamedPair, namedPair } from '../../tensor/named-tuple.ts'
import {
  type Takes,
  type Arguments,
  bool,
  either,
  int,
  isTensor,
  type Kind,
  keyword,
  list,
  method,
  nullable,
  number,
  optional,
  required,
  signature,
  tensor,
  tensors,
} from '../../tensor/signature.ts'
import { detached, type Tensor } from '../../tensor/tensor.ts'
import { linspace } from '../create/create.ts'
import { notImplemented } from '../define/arguments.ts'
import { elementwise } from '../define/elementwise.ts'
import { filled, toDType } from '../define/fill.ts'
import { reshapeOp } from '../define/views.ts'
import { div, sub } from '../pointwise/arithmetic.ts'
import { sum } from '../reduce/reduce.ts'
import { narrow, select } from '../views/views.ts'
import { counted, search } from './counting.ts'

/** The limits of the data, which are read. */
function limitsOfData(name: string, how: string, x: Tensor): readonly [number, number] {
  effects.sink?.refuse(`${name} without limits, which reads the data,`, `Give it ${how}.`)
  return [x.min().item(), x.max().item()]
}

function checkLimits(limits: readonly number[], sentence: (range: string) => string): void {
  if (limits.every(Number.isFinite)) return
  throw new RuntimeError(
    `${sentence(`[${limits.join(', ')}]`.replaceAll('Infinity', 'inf').replaceAll('NaN', 'nan'))} is not finite`,
  )
}

const binOf = elementwise('where', (x, low, high, bins) => {
  const place = s.min(s.floor(s.div(s.mul(s.sub(x, low), bins), s.sub(high, low))), s.sub(bins, 1))
  return s.select(s.and(s.ge(x, low), s.le(x, high)), place, bins)
})
const histcArguments = method(
  'histc',
  optional('bins', int, 100),
  optional('min', number, 0),
  optional('max', number, 0),
)
interface HistcOptions {
  readonly bins?: number
  readonly min?: number
  readonly max?: number
}
/**
 * How many elements are in each of `bins` (100) equal intervals from `min` to `max`, by default the limits of the data.
 * Others are left out. Floats only, and of the dtype of the input.
 *
 * @example
 * histc(tensor([1, 2, 1]), 4, 0, 3) // tensor([0., 2., 1., 0.])
 */
export function histc(x: Tensor, ...args: Arguments<[bins: number, min: number, max: number], HistcOptions>): Tensor {
  const [bins, min, max] = histcArguments(x, args)
  if (bins <= 0) throw new RuntimeError(`torch.histogram(): bins must be > 0, but got ${bins} for dimension 0`)
  if (!isFloat(x.dtype)) throw notImplemented('histogram_cpu', x.dtype)
  const flat = apply(reshapeOp, [detached(x)], [x.elements])
  if (min > max) throw new RuntimeError('torch.histc: max must be larger than min')
  let [low, high] = [min, max]
  if (low === high && flat.elements > 0) [low, high] = limitsOfData('histc()', 'min and max', flat)
  if (low === high) [low, high] = [low - 1, high + 1]
  checkLimits([low, high], (range) => `torch.histc: range of ${range}`)
  const at = toDType(apply(binOf, [flat, operand(low), operand(high), operand(bins)], null), 'int32')
  return counted(at, filled(flat.sizes, x.dtype, 1, x.storage.device), bins)
}

const binBetween = elementwise('where', (x, place, low, high, bins) =>
  s.select(s.and(s.ge(x, low), s.le(x, high)), s.min(s.sub(place, 1), s.sub(bins, 1)), bins),
)
/** A point's place goes on by a coordinate's; what lies in no bin stays at the end. */
const placed = elementwise('where', (place, at, bins, end) =>
  s.select(s.or(s.ge(place, end), s.ge(at, bins)), end, s.add(s.mul(place, bins), at)),
)

/** The edges of each coordinate, in order; `limits` has two numbers for each, or is null. */
function edgesOf(points: Tensor, bins: readonly (number | Tensor)[], limits: readonly number[] | null): Tensor[] {
  const { dtype, device } = points
  bins.forEach((bin, d) => {
    if (isTensor(bin) && bin.dtype !== dtype) {
      throw new RuntimeError(
        'torch.histogramdd: input tensor and bins tensors should have the same dtype, but got input with dtype ' +
          `${cName[dtype]} and bins for dimension ${d} with dtype ${cName[bin.dtype]}`,
      )
    }
    if (isTensor(bin) && bin.dim() !== 1) {
      throw new RuntimeError(
        `torch.histogramdd: bins tensor should have one dimension, but got ${bin.dim()} dimensions in the bins tensor for dimension ${d}`,
      )
    }
    if (isTensor(bin) ? bin.elements === 0 : bin <= 0) {
      throw new RuntimeError(
        isTensor(bin)
          ? `torch.histogramdd: bins tensor should have at least 1 element, but got 0 elements in the bins tensor for dimension ${d}`
          : `torch.histogram(): bins must be > 0, but got ${bin} for dimension ${d}`,
      )
    }
  })
  return bins.map((bin, d) => {
    if (isTensor(bin)) return detached(bin)
    const own = limits?.slice(2 * d, 2 * d + 2) ?? null
    if (own !== null && own[0] > own[1])
      throw new RuntimeError(
        `torch.histogramdd: min should not exceed max, but got min ${own[0]} max ${own[1]} for dimension ${d}`,
      )
    let [low, high] =
      own ?? (points.elements === 0 ? [0, 1] : limitsOfData('histogram()', 'a range', select(points, 1, d)))
    checkLimits([low, high], (range) => `torch.histogramdd: dimension ${d}'s range ${range}`)
    if (low === high) [low, high] = [low - 0.5, high + 0.5]
    return linspace(low, high, bin + 1, { dtype, device })
  })
}

/** How many of the points, the rows of a matrix, are in each bin, or the sums of their weights. */
function countedIn(points: Tensor, edges: readonly Tensor[], weights: Tensor | null, density: boolean): Tensor {
  const { dtype } = points
  const { device } = points.storage
  const count = points.sizes[0]
  const sizes: Shape = edges.map((edge) => edge.elements - 1)
  const end = sizes.reduce((n, size) => n * size, 1)
  if (edges.length === 0) return filled([], dtype, 0, device)
  let place = filled([count], 'int32', 0, device)
  edges.forEach((edge, d) => {
    const n = sizes[d]
    const column = select(points, 1, d)
    const found = toDType(search(edge, column, true, null), dtype)
    const [low, high] = [narrow(edge, 0, 0, 1), narrow(edge, 0, n, 1)]
    const at = toDType(apply(binBetween, [column, found, low, high, operand(n)], null), 'int32')
    place = apply(placed, [place, at, operand(n), operand(end)], null)
  })
  let hist = apply(reshapeOp, [counted(place, weights ?? filled([count], dtype, 1, device), end)], sizes)
  if (!density) return hist
  hist = div(hist, sum(hist))
  edges.forEach((edge, d) => {
    const widths = sub(narrow(edge, 0, 1, sizes[d]), narrow(edge, 0, 0, sizes[d]))
    hist = div(
      hist,
      apply(
        reshapeOp,
        [widths],
        sizes.map((size, i) => (i === d ? size : 1)),
      ),
    )
  })
  return hist
}

function checkWeight(x: Tensor, weight: Tensor | null, wanted: Shape, shape: Shape, own: Shape): void {
  if (weight === null) return
  if (!sameShape(weight.sizes, wanted)) {
    throw new RuntimeError(
      `torch.histogramdd: if weight tensor is provided it should have the same shape as the input tensor excluding its innermost dimension, but got input with shape ${shapeString(shape)} and weight with shape ${shapeString(own)}`,
    )
  }
  if (weight.dtype === x.dtype) return
  throw new RuntimeError(
    `torch.histogramdd: if weight tensor is provided, input tensor and weight tensor should have the same dtype, but got input(${cName[x.dtype]}), and weight(${cName[weight.dtype]})`,
  )
}
const flatten = (x: Tensor | null): Tensor | null => (x === null ? null : apply(reshapeOp, [detached(x)], [x.elements]))

const histogramArguments = method(
  'histogram',
  optional('bins', either(int, tensor), 100),
  keyword('range', nullable(list(number)), null),
  keyword('weight', nullable(tensor), null),
  keyword('density', bool, false),
)
export interface HistogramOptions {
  /** The limits of equal bins; by default those of the data. */
  readonly range?: readonly number[] | null
  /** The weight of each element. */
  readonly weight?: Tensor | null
  /** Divide by the sum and the widths, so that the integral is 1. */
  readonly density?: boolean
}
/**
 * How many elements are in each bin: `bins` equal ones, or those between the elements of a sorted vector, the last one
 * with its end. The counts, `hist`, and the edges, `binEdges`. Floats only.
 *
 * @example
 * histogram(tensor([1, 2, 1]), 4, { range: [0, 4] }).hist // tensor([0., 2., 1., 0.])
 */
export function histogram(
  x: Tensor,
  ...args: Arguments<[bins: number | Tensor], HistogramOptions & { readonly bins?: number | Tensor }>
): NamedPair<'hist', 'binEdges'> {
  const [bins, range, weight, density] = histogramArguments(x, args)
  if (!isFloat(x.dtype)) throw notImplemented('histogramdd', x.dtype)
  const points = apply(reshapeOp, [detached(x)], [x.elements, 1])
  if (range !== null && range.length !== 2)
    throw new RuntimeError('histogramdd: range should have 2 elements', `It has ${range.length}.`)
  checkWeight(x, weight, x.sizes, points.sizes, [weight?.elements ?? 0])
  const [binEdges] = edgesOf(points, [bins], range)
  return namedPair('histogram', { hist: countedIn(points, [binEdges], flatten(weight), density), binEdges })
}

/** The number of bins of all dimensions, or for each dimension that or the edges. */
const binsKind = either(int, either(list(int), tensors)) as Kind<number | readonly number[] | readonly Tensor[]>
const histogramddArguments = signature(
  'histogramdd',
  required('input', tensor),
  required('bins', binsKind),
  optional('range', nullable(list(number)), null),
  optional('weight', nullable(tensor), null),
  optional('density', bool, false),
)
/**
 * How many points are in each bin, where the last dimension of `input` has the coordinates of a point. `bins` are a number of
 * equal ones, or for each coordinate such a number or the sorted edges. The counts, `hist`, of shape [bins, bins, ...], and
 * the edges of each coordinate, `binEdges`. `range` has two limits for each coordinate. Floats only.
 *
 * @example
 * histogramdd(tensor([[0, 1], [1, 0], [2, 2]]), [2, 2]).hist
 * // tensor([[0., 1.],
 * //         [1., 1.]])
 */
export function histogramdd(
  ...args: [
    input: Tensor,
    ...Takes<
      [bins: number | readonly number[] | readonly Tensor[]],
      'bins',
      Arguments<[range: readonly number[] | null, weight: Tensor | null, density: boolean], HistogramOptions>
    >,
  ]
): NamedPair<'hist', never> & { readonly binEdges: readonly Tensor[]; readonly 1: readonly Tensor[] } {
  const [x, given, range, weight, density] = histogramddArguments(args)
  const rank = x.dim()
  if (rank < 2)
    throw new RuntimeError('torch.histogramdd: input tensor should have at least 2 dimensions', `It has ${rank}.`)
  if (!isFloat(x.dtype)) throw notImplemented('histogramdd', x.dtype)
  const size = x.sizes[rank - 1]
  const bins: readonly (number | Tensor)[] = typeof given === 'number' ? new Array<number>(size).fill(given) : given
  const lead = x.sizes.slice(0, -1)
  checkWeight(x, weight, lead, x.sizes, weight?.sizes ?? [])
  if (bins.length !== size) {
    throw new RuntimeError(
      `torch.histogramdd: expected ${size} sequences of bin edges for a ${size}-dimensional histogram but got ${bins.length}`,
    )
  }
  if (range !== null && range.length !== 2 * size) {
    throw new RuntimeError(
      `torch.histogramdd: for a ${size}-dimensional histogram range should have ${2 * size} elements, but got ${range.length}`,
    )
  }
  const points = apply(reshapeOp, [detached(x)], [lead.reduce((n, size) => n * size, 1), size])
  const binEdges = edgesOf(points, bins, range)
  const hist = countedIn(points, binEdges, flatten(weight), density)
  return namedPair('histogramdd', { hist, binEdges }) as never
}
