// Elements by their place in the order along a dimension: median, kthvalue, mode and quantiles. NaN counts as the
// largest; the values come from a sort.
import { isFloat } from '../../base/dtype.ts'
import { RuntimeError } from '../../base/errors.ts'
import { toInt } from '../../base/remedies.ts'
import { normalizeDim, reducedShape } from '../../base/shape.ts'
import { s } from '../../expr/expr.ts'
import { apply, applyAll } from '../../tensor/apply.ts'
import type { OpDef } from '../../tensor/op.ts'
import {
  type Takes,
  type Arguments,
  either,
  int,
  keyword,
  method,
  nullable,
  number,
  optional,
  required,
  str,
  tensor,
} from '../../tensor/signature.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { counted, fromArray } from '../create/create.ts'
import { type DimOption, keepdimParameter, type KeepdimOption, notImplemented } from '../define/arguments.ts'
import { elementwise } from '../define/elementwise.ts'
import { filled, toDType } from '../define/fill.ts'
import { ownView, reshapeOp } from '../define/views.ts'
import { gatherAlongDim } from '../indexing/gather.ts'
import { mul, sub } from '../pointwise/arithmetic.ts'
import { lerp } from '../pointwise/combined.ts'
import { ceil, floor } from '../pointwise/elementary.ts'
import { round } from '../pointwise/parts.ts'
import { type Reduction, reduction, sum } from '../reduce/reduce.ts'
import { where } from '../pointwise/where.ts'
import { cummax } from '../reduce/scans.ts'
import { cat } from '../views/join.ts'
import { maskedFill } from '../indexing/select.ts'
import { isnan, lt, ne } from '../pointwise/comparison.ts'
import { flatten, narrow, transpose, unsqueeze } from '../views/views.ts'
import { type Along, argmax, checkReduced, putBack, sharing } from './extremes.ts'
import { sortedAlong, valuesAt } from './sort.ts'
import { ValuesAndIndices } from './values-and-indices.ts'

interface Chosen extends Along {
  readonly k: number
}
/** A place in the order that does not depend on the elements, or a place for each row of sorted ones. */
interface Place {
  readonly at?: (n: number, k: number) => number
  readonly of?: (sorted: Tensor, dim: number) => Tensor
  /** Whether a NaN is chosen instead, the first one. */
  readonly nan?: true
}

const choosing = (name: string, place: Place): OpDef<Chosen> => ({
  name,
  infer: ([x], { dim, keepdim }) => {
    const sizes = reducedShape(x.sizes, [dim], keepdim)
    return [
      { sizes, dtype: x.dtype },
      { sizes, dtype: 'int32' },
    ]
  },
  saves: () => ({ outputs: [1] }),
  vjp: putBack,
  to: {
    kind: 'compose',
    compose: ([input], { dim, keepdim, k }) => {
      const x = input as Tensor
      const row = x.dim() === 0 ? apply(reshapeOp, [x], [1]) : x
      const at = place.at?.(row.sizes[dim], k)
      let found = sortedAlong(row, dim, at === undefined ? undefined : [[at, at + 1]])
      if (place.of !== undefined) {
        const places = place.of(found[0], dim)
        found = found.map((y) => gatherAlongDim(y, dim, places))
      }
      if (place.nan && isFloat(x.dtype)) {
        // NaN is the largest.
        const last = argmax(row, dim, true)
        const largest = gatherAlongDim(row, dim, last)
        const isMissing = isnan(largest)
        found = [where(isMissing, largest, found[0]), where(isMissing, last, found[1])]
      }
      const shape = reducedShape(x.sizes, [dim], keepdim)
      return found.map((y) => apply(reshapeOp, [y], shape))
    },
  },
})

const presentOp = reduction('count', 'sum', (x) => s.not(s.isnan(x)), {})
const middleOfPresent = elementwise('where', (n) => s.max(s.floorDiv(s.sub(n, 1), 2), 0))
const middle: Place = { at: (n) => (n - 1) >> 1, nan: true }
const middlePresent: Place = {
  of: (x, dim) => apply(middleOfPresent, [apply(presentOp, [x], { dims: [dim], keepdim: true, dtype: 'int32' })], null),
}

interface DimAndKeep extends DimOption<number | null>, KeepdimOption {}
interface Median {
  (x: Tensor): Tensor
  (x: Tensor, dim: number, keepdim?: boolean | KeepdimOption): ValuesAndIndices
  (x: Tensor, options: DimAndKeep): ValuesAndIndices
}
function medianOf(name: string, place: Place) {
  const read = method(name, optional('dim', nullable(int), null), keepdimParameter)
  const some = choosing(`${name[0].toUpperCase()}${name.slice(1)}Backward1`, place)
  const { saves, vjp } = sharing
  const all: OpDef<Reduction> = {
    name,
    infer: ([x]) => [{ sizes: [], dtype: x.dtype }],
    saves,
    vjp,
    to: {
      kind: 'compose',
      compose: ([input]) => {
        const x = input as Tensor
        const [value] = applyAll(some, [apply(reshapeOp, [x], [x.elements])], { dim: 0, keepdim: false, k: 0 })
        return [value]
      },
    },
  }
  return (x: Tensor, ...args: readonly unknown[]): Tensor | ValuesAndIndices => {
    const [dim, keepdim] = read(x, args)
    if (x.dtype === 'bool') throw notImplemented(dim === null ? 'median_cpu' : 'median_out', 'bool', toInt)
    if (dim === null) {
      if (x.elements === 0) return filled([], x.dtype, Number.NaN, x.storage.device)
      return apply(all, [x], { dims: x.sizes.map((_, d) => d), keepdim: false, dtype: x.dtype })
    }
    const d = normalizeDim(dim, x.dim())
    checkReduced(x, 'median', d)
    const [values, indices] = applyAll(some, [x], { dim: d, keepdim, k: 0 })
    return new ValuesAndIndices(name, values, indices)
  }
}
/**
 * The median: of all elements, or over `dim` with its indices. Of an even number of elements the lower one of the two in
 * the middle; NaN if any element is.
 *
 * @example
 * median(tensor([3, 1, 4, 2])) // tensor(2.)
 */
export const median = medianOf('median', middle) as Median
/**
 * The median of the elements that are not NaN: of all, or over `dim` with its indices.
 *
 * @example
 * nanmedian(tensor([3, NaN, 1])) // tensor(1.)
 */
export const nanmedian = medianOf('nanmedian', middlePresent) as Median

// Methods derived from the table have one form; these have two.
declare module '../../tensor/tensor.ts' {
  interface Tensor {
    /** The median of all elements. */
    median(): Tensor
    /** The medians over a dimension, and their indices. */
    median(dim: number | DimAndKeep, keepdim?: boolean | KeepdimOption): ValuesAndIndices
    /** The median of all elements that are not NaN. */
    nanmedian(): Tensor
    /** The medians over a dimension, NaN left out, and their indices. */
    nanmedian(dim: number | DimAndKeep, keepdim?: boolean | KeepdimOption): ValuesAndIndices
  }
}

const kthvalueOp = choosing('kthvalue', { at: (_, k) => k - 1 })
interface KeepOptions extends DimOption, KeepdimOption {}
const kthvalueArguments = method('kthvalue', required('k', int), optional('dim', int, -1), keepdimParameter)
/**
 * The `k`-th smallest element along `dim` (-1), counted from 1, and its index.
 *
 * @example
 * kthvalue(tensor([3, 1, 4]), 2).values // tensor(3.)
 */
export function kthvalue(
  x: Tensor,
  ...args: Takes<[k: number], 'k', Arguments<[dim: number, keepdim: boolean], KeepOptions>>
): ValuesAndIndices {
  const [k, dim, keepdim] = kthvalueArguments(x, args)
  const d = normalizeDim(dim, x.dim())
  checkReduced(x, 'kthvalue', d)
  const n = x.sizes[d] ?? 1
  if (k < 1 || k > n) {
    throw new RuntimeError(
      'kthvalue(): selected number k out of range for dimension ' + String(d),
      `k is ${k}; there are ${n} elements.`,
    )
  }
  if (x.dtype === 'bool' && x.dim() > 0) throw notImplemented('kthvalue_cpu', 'bool', toInt)
  const [values, indices] = applyAll(kthvalueOp, [x], { dim: d, keepdim, k })
  return new ValuesAndIndices('kthvalue', values, indices)
}

const startOfRun = elementwise('where', (differs, i) => s.select(s.ne(differs, 0), i, 0))
const modeOp = choosing('mode', {
  of: (x, dim) => {
    const n = x.sizes[dim]
    const places = counted(n, 'int32', x.device)
    const column = apply(reshapeOp, [places], [n, ...x.sizes.slice(dim + 1).fill(1)])
    const differs = ne(narrow(x, dim, 1, n - 1), narrow(x, dim, 0, n - 1))
    const first = filled(
      x.sizes.map((size, d) => (d === dim ? 1 : size)),
      'bool',
      0,
      x.storage.device,
    )
    const starts = apply(startOfRun, [cat([first, differs], dim), column], null)
    // The end of the first of the longest runs, less one.
    return argmax(sub(column, cummax(starts, dim).values), dim, true)
  },
})
const modeArguments = method('mode', optional('dim', int, -1), keepdimParameter)
/**
 * The most frequent element along `dim` (-1), the smallest of several, and the last index at which it is.
 *
 * @example
 * mode(tensor([3, 1, 3, 2])).values // tensor(3.)
 */
export function mode(x: Tensor, ...args: Arguments<[dim: number, keepdim: boolean], KeepOptions>): ValuesAndIndices {
  const [dim, keepdim] = modeArguments(x, args)
  const d = normalizeDim(dim, x.dim())
  checkReduced(x, 'mode', d)
  const [values, indices] = applyAll(modeOp, [x], { dim: d, keepdim, k: 0 })
  return new ValuesAndIndices('mode', values, indices)
}

// ---- quantiles ----

type Interpolation = 'linear' | 'lower' | 'higher' | 'midpoint' | 'nearest'
export interface QuantileOptions extends DimAndKeep {
  /** How to choose between two elements: 'linear', 'lower', 'higher', 'midpoint' or 'nearest'. */
  readonly interpolation?: Interpolation
}
type QuantileArguments = Takes<
  [q: number | Tensor],
  'q',
  Arguments<[dim: number | null, keepdim: boolean], QuantileOptions>
>
const modes: Readonly<Record<string, (rank: Tensor) => Tensor>> = {
  linear: (rank) => rank,
  midpoint: (rank) => rank,
  lower: floor,
  higher: ceil,
  nearest: round,
}
const inRange = elementwise('toCopy', (q) => q, {
  check: ([q]) => ({
    expr: s.not(s.and(s.ge(q, 0), s.le(q, 1))),
    error: () => new RuntimeError('quantile() q values must be in the range [0, 1]'),
  }),
})
const squeezed = ownView('SqueezeBackward3')

function quantileOf(name: string, ignoresNaN: boolean) {
  const read = method(
    name,
    required('q', either(number, tensor)),
    optional('dim', nullable(int), null),
    keepdimParameter,
    keyword('interpolation', str, 'linear'),
  )
  return (x: Tensor, ...args: QuantileArguments): Tensor => {
    const [q, dim, keepdim, interpolation] = read(x, args)
    const adjust = Object.hasOwn(modes, interpolation) ? modes[interpolation] : undefined
    if (x.elements === 0) throw new RuntimeError('quantile() input tensor must be non-empty')
    if (typeof q === 'number') {
      if (!(q >= 0 && q <= 1)) throw new RuntimeError(`quantile() q must be in the range [0, 1] but got ${q}`)
    } else if (q.dim() > 1) {
      throw new RuntimeError(`quantile() q must be a scalar or 1D tensor`)
    }
    if (x.dtype !== 'float32' && x.dtype !== 'float64') {
      throw new RuntimeError('quantile() input tensor must be either float or double dtype', 'Convert it: x.float().')
    }
    if (typeof q !== 'number' && q.dtype !== x.dtype) {
      throw new RuntimeError(
        'quantile() q tensor must be same dtype as the input tensor',
        `Convert it: q.to('${x.dtype}').`,
      )
    }
    if (adjust === undefined) {
      throw new RuntimeError(
        `quantile() interpolation must be one of linear, lower, higher, midpoint or nearest, but got ${interpolation}`,
      )
    }
    const d = dim === null ? 0 : normalizeDim(dim, x.dim())
    const line = dim === null ? flatten(x) : x.dim() === 0 ? apply(reshapeOp, [x], [1]) : x
    const kept = dim === null ? x.sizes.map(() => 1) : x.sizes.map((n, i) => (i === d ? 1 : n))
    const sizes = keepdim ? kept : dim === null ? [] : x.sizes.filter((_, i) => i !== d)
    const rows = d === line.dim() - 1 ? line : transpose(unsqueeze(line, -1), d, -1)
    const n = rows.sizes[rows.dim() - 1]
    const last = sizes.length
    // Of one rank that is known, the elements around it are found and the largest, which is NaN if one is.
    const round = x.dtype === 'float32' ? Math.fround : (rank: number) => rank
    const known = typeof q === 'number' && !ignoresNaN ? Math.min(round(round(q) * round(n - 1)), n - 1) : undefined
    // Their number must be even, because half of an odd one is rounded up.
    const from = known === undefined ? 0 : known - (known % 2)
    const end = known === undefined ? n : Math.ceil(known) + 1
    const values = valuesAt(
      rows,
      rows.dim() - 1,
      end >= n - 1
        ? [[from, n]]
        : [
            [from, end],
            [n - 1, n],
          ],
    )
    const m = values.sizes[values.dim() - 1]
    const sorted = apply(reshapeOp, [values], [...sizes, m])
    const quantiles =
      typeof q === 'number'
        ? fromArray([known === undefined ? q : known - from], [1], { dtype: x.dtype, device: x.device })
        : apply(reshapeOp, [apply(inRange, [q], null)], [q.elements])
    const ranks = ignoresNaN
      ? maskedNegative(mul(quantiles, sub(sum(toDType(isnan(sorted), 'int32').neg().add(1), last, true), 1)))
      : maskedFill(
          (known === undefined ? mul(quantiles, n - 1) : quantiles).expand(...sizes, quantiles.elements),
          isnan(narrow(sorted, last, m - 1, 1)),
          m - 1,
        )
    const rank = adjust(ranks)
    const below = gatherAlongDim(sorted, last, toDType(floor(rank), 'int32'))
    let found = below
    if (interpolation === 'linear' || interpolation === 'midpoint') {
      const above = gatherAlongDim(sorted, last, toDType(ceil(rank), 'int32'))
      found = lerp(below, above, interpolation === 'linear' ? sub(rank, floor(rank)) : 0.5)
    }
    if (typeof q === 'number' || q.dim() === 0) return apply(squeezed, [found], sizes)
    return apply(squeezed, [transpose(unsqueeze(found, 0), 0, -1)], [q.elements, ...sizes])
  }
}
const maskedNegative = (ranks: Tensor): Tensor => maskedFill(ranks, lt(ranks, 0), 0)
/**
 * The quantiles `q`, a number or a vector of numbers from 0 to 1, of all elements or over `dim`; between two elements by
 * linear interpolation, or as `interpolation` says. A vector puts its own dimension first. Floats only; NaN if any
 * element is.
 *
 * @example
 * quantile(tensor([1, 2, 3, 5]), 0.75) // tensor(3.5000)
 */
export const quantile: (x: Tensor, ...args: QuantileArguments) => Tensor = quantileOf('quantile', false)
/**
 * The quantiles of the elements that are not NaN, as `quantile`.
 *
 * @example
 * nanquantile(tensor([1, NaN, 3]), 0.5) // tensor(2.)
 */
export const nanquantile: (x: Tensor, ...args: QuantileArguments) => Tensor = quantileOf('nanquantile', true)
