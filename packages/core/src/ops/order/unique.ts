// Different elements: unique and uniqueConsecutive. The shapes of the results depend on the data, so one number is read.
import { RuntimeError } from '../../base/errors.ts'
import { normalizeDim } from '../../base/shape.ts'
import { apply } from '../../tensor/apply.ts'
import { effects } from '../../tensor/effects.ts'
import { bool, int, method, nullable, optional } from '../../tensor/signature.ts'
import { detached, type Tensor } from '../../tensor/tensor.ts'
import { fromArray } from '../create/create.ts'
import { filled, toDType } from '../define/fill.ts'
import { reshapeOp } from '../define/views.ts'
import { placesOf } from '../indexing/advanced.ts'
import { scatterAlongDim } from '../indexing/gather.ts'
import { indexSelect } from '../indexing/select.ts'
import { sub } from '../pointwise/arithmetic.ts'
import { ne } from '../pointwise/comparison.ts'
import { any } from '../reduce/reduce.ts'
import { cumsum } from '../reduce/scans.ts'
import { cat } from '../views/join.ts'
import { narrow, transpose } from '../views/views.ts'
import { sortedAlong } from './sort.ts'

interface Found {
  readonly values: Tensor
  readonly inverse: () => Tensor
  readonly counts: Tensor
}
const whole = (values: readonly number[], x: Tensor): Tensor =>
  fromArray(Int32Array.from(values), [values.length], { device: x.device })

/** The first of each run of equal rows, where each row's is, and how many there are. `x` has rows in dimension 0. */
function runsOf(x: Tensor, what: string): Found & { readonly starts: Tensor } {
  const n = x.sizes[0]
  if (n === 0) return { values: x, starts: whole([], x), inverse: () => whole([], x), counts: whole([], x) }
  const differs = ne(narrow(x, 0, 1, n - 1), narrow(x, 0, 0, n - 1))
  const rows = x.dim() === 1 ? differs : any(apply(reshapeOp, [differs], [n - 1, x.elements / n]), 1)
  const first = cat([filled([1], 'bool', 1, x.storage.device), rows])
  const starts = placesOf(first, what)
  const ends = cat([narrow(starts, 0, 1, starts.elements - 1), whole([n], x)])
  return {
    values: indexSelect(x, 0, starts),
    starts,
    inverse: () => sub(cumsum(toDType(first, 'int32'), 0), 1),
    counts: sub(ends, starts),
  }
}

/** Puts the results for sorted rows back to the places from which they were sorted. */
const unsorted = (inverse: Tensor, order: Tensor): Tensor =>
  scatterAlongDim(filled(order.sizes, 'int32', 0, order.storage.device), 0, order, inverse)

/** The order of rows, by their first different elements. */
function lexicographic(x: Tensor, what: string): Tensor {
  effects.sink?.refuse(`${what}, whose shape depends on the data,`, 'Call it outside of the compiled step.')
  const data = x.toArray()
  const [n] = x.sizes
  const width = n === 0 ? 0 : x.elements / n
  const order = Int32Array.from({ length: n }, (_, i) => i).sort((a, b) => {
    for (let i = 0; i < width; i++) {
      const difference = data[a * width + i] - data[b * width + i]
      if (difference !== 0) return difference
    }
    return a - b
  })
  return fromArray(order, [n], { device: x.device })
}

function along(name: string, x: Tensor, dim: number, sorts: boolean): Found {
  const d = normalizeDim(dim, x.dim())
  if (x.sizes.some((size, i) => size === 0 && i !== d)) {
    throw new RuntimeError("There are 0 sized dimensions, and they aren't selected, so unique cannot be applied")
  }
  const rows = transpose(x.dim() === 0 ? apply(reshapeOp, [x], [1]) : x, 0, d).contiguous()
  const order = sorts ? lexicographic(rows, `${name}()`) : null
  const { values, inverse, counts } = runsOf(order === null ? rows : indexSelect(rows, 0, order), `${name}()`)
  return {
    values: transpose(values, 0, d).contiguous(),
    inverse: order === null ? inverse : () => unsorted(inverse(), order),
    counts,
  }
}
function ofAll(name: string, x: Tensor, sorts: boolean): Found {
  const flat = apply(reshapeOp, [x], [x.elements])
  if (!sorts) {
    const found = runsOf(flat, `${name}()`)
    return { ...found, inverse: () => apply(reshapeOp, [found.inverse()], x.sizes) }
  }
  const [values, order] = sortedAlong(flat, 0)
  const found = runsOf(values, `${name}()`)
  return { ...found, inverse: () => apply(reshapeOp, [unsorted(found.inverse(), order)], x.sizes) }
}

/** The values alone, or with what was asked for. */
function asked({ values, inverse, counts }: Found, wantsInverse: boolean, wantsCounts: boolean): Tensor | Tensor[] {
  if (!wantsInverse && !wantsCounts) return values
  return [values, ...(wantsInverse ? [inverse()] : []), ...(wantsCounts ? [counts] : [])]
}

interface Wanted {
  /** Also give, for each element of the input, its position among the values. */
  readonly returnInverse?: boolean
  /** Also give how often each value occurs. */
  readonly returnCounts?: boolean
  /** Compare the slices along a dimension instead of elements. */
  readonly dim?: number | null
}
export interface UniqueOptions extends Wanted {
  /** The values are in order; they always are. */
  readonly sorted?: boolean
}
type More = { readonly returnInverse: true } | { readonly returnCounts: true }
const wanted = [
  optional('returnInverse', bool, false),
  optional('returnCounts', bool, false),
  optional('dim', nullable(int), null),
] as const
const uniqueArguments = method('unique', optional('sorted', bool, true), ...wanted)
/**
 * The different elements in order, or with `dim` the different slices; with `returnInverse` and `returnCounts` an array
 * of the values, the position of each element among them, and how often each occurs. No gradient.
 *
 * @example
 * unique(tensor([3, 1, 3])) // tensor([1., 3.])
 * const [values, counts] = unique(tensor([3, 1, 3]), { returnCounts: true }) // tensor([1., 3.]), tensor([1, 2])
 */
export function unique(x: Tensor, options: UniqueOptions & More): Tensor[]
export function unique(x: Tensor, options?: UniqueOptions): Tensor
export function unique(
  x: Tensor,
  sorted: boolean,
  returnInverse: true,
  returnCounts?: boolean,
  dim?: number | null,
): Tensor[]
export function unique(
  x: Tensor,
  sorted: boolean,
  returnInverse: boolean,
  returnCounts: true,
  dim?: number | null,
): Tensor[]
export function unique(
  x: Tensor,
  sorted: boolean,
  returnInverse?: false,
  returnCounts?: false,
  dim?: number | null,
): Tensor
export function unique(x: Tensor, ...args: readonly unknown[]): Tensor | Tensor[] {
  const [, inverse, counts, dim] = uniqueArguments(x, args)
  const plain = detached(x)
  return asked(dim === null ? ofAll('unique', plain, true) : along('unique', plain, dim, true), inverse, counts)
}

const consecutiveArguments = method('unique_consecutive', ...wanted)
/**
 * The first of every run of equal elements, or with `dim` of equal slices; otherwise as `unique`.
 *
 * @example
 * uniqueConsecutive(tensor([1, 1, 3, 1])) // tensor([1., 3., 1.])
 */
export function uniqueConsecutive(x: Tensor, options: Wanted & More): Tensor[]
export function uniqueConsecutive(x: Tensor, options?: Wanted): Tensor
export function uniqueConsecutive(x: Tensor, returnInverse: true, returnCounts?: boolean, dim?: number | null): Tensor[]
export function uniqueConsecutive(x: Tensor, returnInverse: boolean, returnCounts: true, dim?: number | null): Tensor[]
export function uniqueConsecutive(x: Tensor, returnInverse: false, returnCounts?: false, dim?: number | null): Tensor
export function uniqueConsecutive(x: Tensor, ...args: readonly unknown[]): Tensor | Tensor[] {
  const [inverse, counts, dim] = consecutiveArguments(x, args)
  const name = 'uniqueConsecutive'
  const plain = detached(x)
  return asked(dim === null ? ofAll(name, plain, false) : along(name, plain, dim, false), inverse, counts)
}

// Methods derived from the table have one form; these have two.
declare module '../../tensor/tensor.ts' {
  interface Tensor {
    /** The different elements in order, with their positions and numbers if asked for. */
    unique(options: UniqueOptions & More): Tensor[]
    unique(sorted: boolean, returnInverse: true, returnCounts?: boolean, dim?: number | null): Tensor[]
    unique(sorted: boolean, returnInverse: boolean, returnCounts: true, dim?: number | null): Tensor[]
    unique(sorted: boolean, returnInverse?: false, returnCounts?: false, dim?: number | null): Tensor
    /** The different elements in order, or the different slices. */
    unique(options?: UniqueOptions): Tensor
    /** The first of every run of equal elements, with their positions and numbers if asked for. */
    uniqueConsecutive(options: Wanted & More): Tensor[]
    uniqueConsecutive(returnInverse: true, returnCounts?: boolean, dim?: number | null): Tensor[]
    uniqueConsecutive(returnInverse: boolean, returnCounts: true, dim?: number | null): Tensor[]
    uniqueConsecutive(returnInverse: false, returnCounts?: false, dim?: number | null): Tensor
    /** The first of every run of equal elements, or of equal slices. */
    uniqueConsecutive(options?: Wanted): Tensor
  }
}
