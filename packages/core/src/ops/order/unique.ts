// Different elements: unique and uniqueConsecutive. The shapes of the results depend on the data, so they are found in
// JavaScript (groups.ts).
import { RuntimeError } from '../../base/errors.ts'
import { dimIn, numelOf, type Shape } from '../../base/shape.ts'
import { apply } from '../../tensor/apply.ts'
import { effects } from '../../tensor/effects.ts'
import { type Arguments, bool, int, method, nullable, optional } from '../../tensor/signature.ts'
import { read } from '../../tensor/read.ts'
import { detached, type Tensor } from '../../tensor/tensor.ts'
import { fromArray } from '../create/create.ts'
import { reshapeOp } from '../define/views.ts'
import { transpose } from '../views/views.ts'
import { type Groups, groupsOf, lexicographic, runsOf } from './groups.ts'
import { sortedAlong } from './sort.ts'

interface Found {
  readonly values: Tensor
  readonly inverse: () => Tensor
  readonly counts: () => Tensor
}

const refused = (name: string): void =>
  effects.sink?.refuse(`${name}(), whose shape depends on the data,`, 'Call it outside of the compiled step.')

const found = ({ values, inverse, counts }: Groups, x: Tensor, slice: Shape, shape: Shape): Found => {
  const { dtype, device } = x
  const whole = (data: Int32Array, sizes: Shape): Tensor => fromArray(data, sizes, { device })
  return {
    values: fromArray(values, [counts.length, ...slice], { dtype, device }),
    inverse: () => whole(inverse(), shape),
    counts: () => whole(counts, [counts.length]),
  }
}

function along(name: string, x: Tensor, dim: number, sorts: boolean): Found {
  const d = dimIn(x.sizes, dim)
  if (x.sizes.some((size, i) => size === 0 && i !== d)) {
    throw new RuntimeError("There are 0 sized dimensions, and they aren't selected, so unique cannot be applied")
  }
  refused(name)
  const rows = transpose(x, 0, d)
  const [n, ...slice] = rows.sizes
  const width = numelOf(slice)
  const data = rows.toArray()
  const groups = runsOf(data, n, width, sorts ? lexicographic(data, n, width) : undefined)
  const { values, ...others } = found(groups, x, slice, [n])
  return { values: transpose(values, 0, d).contiguous(), ...others }
}

function ofAll(name: string, x: Tensor, sorts: boolean, inverse: boolean): Found {
  refused(name)
  // The inverse is found after the values have been stored.
  const data = read(x, !inverse)
  const sorted = (): Groups => {
    const [, order] = sortedAlong(apply(reshapeOp, [x], [x.elements]), 0)
    return runsOf(read(x), x.elements, 1, order.toArray())
  }
  return found(sorts ? (groupsOf(data) ?? sorted()) : runsOf(data, x.elements, 1), x, [], x.sizes)
}

/** The values alone, or with what was asked for. */
function asked({ values, inverse, counts }: Found, wantsInverse: boolean, wantsCounts: boolean): Tensor | Tensor[] {
  if (!wantsInverse && !wantsCounts) return values
  return [values, ...(wantsInverse ? [inverse()] : []), ...(wantsCounts ? [counts()] : [])]
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
type Dim = number | null
/** Nothing but the values is asked for. */
type Alone = { readonly returnInverse?: false; readonly returnCounts?: false }
type UniqueArguments<F, O> = Arguments<
  [sorted: boolean, returnInverse: F, returnCounts: F, dim: Dim],
  UniqueOptions & O
>
type ConsecutiveArguments<F, O> = Arguments<[returnInverse: F, returnCounts: F, dim: Dim], Wanted & O>
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
export function unique(x: Tensor, ...args: UniqueArguments<false, Alone>): Tensor
export function unique(x: Tensor, ...args: UniqueArguments<boolean, unknown>): Tensor[]
export function unique(x: Tensor, ...args: readonly unknown[]): Tensor | Tensor[] {
  const [, inverse, counts, dim] = uniqueArguments(x, args)
  const plain = detached(x)
  return asked(
    dim === null ? ofAll('unique', plain, true, inverse) : along('unique', plain, dim, true),
    inverse,
    counts,
  )
}

const consecutiveArguments = method('unique_consecutive', ...wanted)
/**
 * The first of every run of equal elements, or with `dim` of equal slices; otherwise as `unique`.
 *
 * @example
 * uniqueConsecutive(tensor([1, 1, 3, 1])) // tensor([1., 3., 1.])
 */
export function uniqueConsecutive(x: Tensor, ...args: ConsecutiveArguments<false, Alone>): Tensor
export function uniqueConsecutive(x: Tensor, ...args: ConsecutiveArguments<boolean, unknown>): Tensor[]
export function uniqueConsecutive(x: Tensor, ...args: readonly unknown[]): Tensor | Tensor[] {
  const [inverse, counts, dim] = consecutiveArguments(x, args)
  const name = 'uniqueConsecutive'
  const plain = detached(x)
  return asked(dim === null ? ofAll(name, plain, false, inverse) : along(name, plain, dim, false), inverse, counts)
}

// Methods derived from the table have one form; these have two.
declare module '../../tensor/tensor.ts' {
  interface Tensor {
    /** The different elements in order, or the different slices. */
    unique(...args: UniqueArguments<false, Alone>): Tensor
    /** The different elements in order, with their positions and numbers if asked for. */
    unique(...args: UniqueArguments<boolean, unknown>): Tensor[]
    /** The first of every run of equal elements, or of equal slices. */
    uniqueConsecutive(...args: ConsecutiveArguments<false, Alone>): Tensor
    /** The first of every run of equal elements, with their positions and numbers if asked for. */
    uniqueConsecutive(...args: ConsecutiveArguments<boolean, unknown>): Tensor[]
  }
}
