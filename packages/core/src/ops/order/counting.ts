// Places in sorted sequences, and how many elements there are of each kind: searchsorted, bucketize, isin and bincount.
// None has a gradient.
import { defaults } from '../../base/default-dtype.ts'
import { dtypeName, isFloat } from '../../base/dtype.ts'
import { RuntimeError, TypeError } from '../../base/errors.ts'
import { toInt } from '../../base/remedies.ts'
import { resultType } from '../../base/promotion.ts'
import { sameShape, shapeString } from '../../base/shape.ts'
import { s } from '../../expr/expr.ts'
import { apply, operand } from '../../tensor/apply.ts'
import { effects } from '../../tensor/effects.ts'
import { Num, type OpDef } from '../../tensor/op.ts'
import {
  type Takes,
  type Arguments,
  bool,
  either,
  int,
  isTensor,
  keyword,
  method,
  nullable,
  number,
  optional,
  required,
  signature,
  str,
  tensor,
} from '../../tensor/signature.ts'
import { read } from '../../tensor/read.ts'
import { detached, type Tensor } from '../../tensor/tensor.ts'
import { fromArray } from '../create/create.ts'
import { notImplemented } from '../define/arguments.ts'
import { elementwise } from '../define/elementwise.ts'
import { filled, toDType } from '../define/fill.ts'
import { reshapeOp } from '../define/views.ts'
import { gatherAlongDim, scatterAddAlongDim } from '../indexing/gather.ts'
import { logicalNot } from '../pointwise/comparison.ts'
import { narrow } from '../views/views.ts'
import { countFours, countsUpTo, integers } from './groups.ts'
import { goesBelow, goesLeft, goesRight } from './places.ts'
import { sortedAlong } from './sort.ts'

// ---- places in sorted sequences ----

/** For rows of sorted elements and rows of values: how many elements come before each value. */
const placesIn = (sorted: Tensor, values: Tensor, places: OpDef<null>): Tensor =>
  sorted.elements === 0 || values.elements === 0
    ? filled(values.sizes, 'int32', 0, values.storage.device)
    : apply(places, [sorted, values], null)

interface SearchOptions {
  /** int32 is the only kind of integer here. */
  readonly outInt32?: boolean
  /** Give the last suitable place instead of the first. */
  readonly right?: boolean
}
export interface SearchsortedOptions extends SearchOptions {
  /** 'left' or 'right', as `right`. */
  readonly side?: 'left' | 'right'
  /** Indices that sort the sequence, if it is not sorted. */
  readonly sorter?: Tensor
}
const searchOptions = [keyword('outInt32', bool, false), keyword('right', bool, false)] as const
const searchArguments = signature(
  'searchsorted',
  required('sortedSequence', tensor),
  required('input', either(tensor, number)),
  ...searchOptions,
  keyword('side', nullable(str), null),
  keyword('sorter', nullable(tensor), null),
)

export function search(sequence: Tensor, given: Tensor | number, right: boolean, sorter: Tensor | null): Tensor {
  const { dtype, device } = sequence
  const values = isTensor(given)
    ? given
    : fromArray([given], [], { dtype: isFloat(dtype) ? dtype : defaults.float, device })
  const what = 'torch.searchsorted()'
  if (sequence.dim() === 0)
    throw new RuntimeError(
      `${what}: input value can be a scalar only when boundaries tensor dimension is 1, but we got boundaries tensor dim(0) and input value's dim(${values.dim()}) numel(${values.elements})`,
    )
  const lead = sequence.sizes.slice(0, -1)
  if (sequence.dim() > 1 && !sameShape(lead, values.sizes.slice(0, -1))) {
    throw values.dim() === 0
      ? new RuntimeError(
          `${what}: input value can be a scalar only when boundaries tensor dimension is 1, but we got boundaries tensor dim(${sequence.dim()}) and input value's dim(0) numel(1)`,
        )
      : new RuntimeError(
          `${what}: boundaries tensor should be 1 dimension or the first N-1 dimensions of boundaries tensor and input value tensor must match, but we got boundaries tensor ${shapeString(sequence.sizes)} and input value tensor ${shapeString(values.sizes)}`,
        )
  }
  if (dtype === 'bool') throw notImplemented('searchsorted_out_cpu', 'bool', toInt)
  const n = sequence.sizes[sequence.dim() - 1]
  const rows = lead.reduce((a, b) => a * b, 1)
  const m = rows === 0 ? 0 : values.elements / rows
  const ordered = sorter === null ? sequence : gatherAlongDim(detached(sequence), sequence.dim() - 1, sorter)
  const places = placesIn(
    apply(reshapeOp, [detached(ordered)], [rows, n]),
    apply(reshapeOp, [detached(values)], [rows, m]),
    right ? goesRight : goesLeft,
  )
  return apply(reshapeOp, [places], values.sizes)
}
/**
 * Where values belong in a sorted vector, or in the last dimension of a tensor with the same leading sizes: the number of
 * elements less than each value, or with `right` not more than it. int32.
 *
 * @example
 * searchsorted(tensor([1, 3, 5]), tensor([0, 3, 9])) // tensor([0, 1, 3])
 */
export function searchsorted(
  ...args: [sortedSequence: Tensor, ...Takes<[input: Tensor | number], 'input', [options?: SearchsortedOptions]>]
): Tensor {
  const [sequence, input, , right, side, sorter] = searchArguments(args)
  if (side !== null && side !== 'left' && side !== 'right') {
    throw new RuntimeError(`torch.searchsorted(): side can only be 'left' or 'right' but got ${side}`)
  }
  if (side === 'left' && right) {
    throw new RuntimeError(
      "torch.searchsorted(): side and right can't be set to opposites, got side of left while right was True",
    )
  }
  if (sorter !== null) {
    if (!sameShape(sorter.sizes, sequence.sizes)) {
      throw new RuntimeError(
        `torch.searchsorted(): boundary and sorter must have the same size, but got boundary tensor ${shapeString(sequence.sizes)}and got sorter tensor ${shapeString(sorter.sizes)}`,
      )
    }
    if (sorter.dtype !== 'int32') {
      throw new RuntimeError(
        `torch.searchsorted(): sorter must be a tensor of long dtype but got dtype ${dtypeName[sorter.dtype]}`,
      )
    }
  }
  return search(sequence, input, right || side === 'right', sorter)
}

const bucketizeArguments = signature(
  'bucketize',
  required('input', either(tensor, number)),
  required('boundaries', tensor),
  ...searchOptions,
)
/**
 * The bucket of each element: the number of `boundaries`, a sorted vector, that are less than it, or with `right` not
 * more than it. int32.
 *
 * @example
 * bucketize(tensor([0, 3, 9]), tensor([1, 3, 5])) // tensor([0, 1, 3])
 */
export function bucketize(
  ...args: [input: Tensor | number, ...Takes<[boundaries: Tensor], 'boundaries', [options?: SearchOptions]>]
): Tensor {
  const [input, boundaries, , right] = bucketizeArguments(args)
  if (boundaries.dim() !== 1) {
    throw new RuntimeError(`boundaries tensor must be 1 dimension, but got dim(${boundaries.dim()})`)
  }
  return search(boundaries, input, right, null)
}

const same = elementwise('eq', (x, y, at, n) => s.and(s.eq(x, y), s.lt(at, n)), { out: 'bool' })
const least = elementwise('where', (at, n) => s.min(at, s.sub(n, 1)))
const isinArguments = signature(
  'isin',
  required('elements', either(tensor, number)),
  required('testElements', either(tensor, number)),
  keyword('assumeUnique', bool, false),
  keyword('invert', bool, false),
)
/**
 * Whether each element is among the test elements, or with `invert` whether it is not. Either may be a number. NaN is
 * not equal to NaN.
 *
 * @example
 * isin(tensor([1, 2, 3]), tensor([2, 9])) // tensor([False,  True, False])
 */
export function isin(
  ...args: [
    elements: Tensor | number,
    ...Takes<
      [testElements: Tensor | number],
      'testElements',
      [options?: { readonly assumeUnique?: boolean; readonly invert?: boolean }]
    >,
  ]
): Tensor {
  const [elements, tests, , invert] = isinArguments(args)
  if (!isTensor(elements) && !isTensor(tests)) {
    throw new TypeError('isin() received an invalid combination of arguments - got (int, int)', 'One must be a tensor.')
  }
  const [a, b] = [elements, tests].map((x) => operand(x))
  for (const { dtype } of [a, b])
    if (dtype === 'bool') throw new RuntimeError('Unsupported input type encountered for isin(): Bool')
  const dtype = resultType([a, b])
  const { device } = (isTensor(elements) ? elements : tests) as Tensor
  const [x, y] = [elements, tests].map((z) =>
    isTensor(z) ? detached(toDType(z, dtype)) : fromArray([z], [], { dtype, device }),
  )
  const n = y.elements
  const found =
    n === 0
      ? filled(x.sizes, 'bool', 0, x.storage.device)
      : amongSorted(x, sortedAlong(apply(reshapeOp, [y], [n]), 0)[0])
  return invert ? logicalNot(found) : found
}
function amongSorted(x: Tensor, sorted: Tensor): Tensor {
  const n = sorted.elements
  const flat = apply(reshapeOp, [x], [1, x.elements])
  const row = apply(reshapeOp, [sorted], [1, n])
  const at = placesIn(row, flat, goesBelow)
  const near = gatherAlongDim(row, 1, apply(least, [at, new Num(n, 'int32')], null))
  return apply(reshapeOp, [apply(same, [flat, near, at, new Num(n, 'int32')], null)], x.sizes)
}

// ---- counts ----

/** Adds weights, or ones, at positions from 0 to n - 1; what is at n is left out. */
export function counted(at: Tensor, weights: Tensor, n: number): Tensor {
  const base = filled([n + 1], weights.dtype, 0, at.storage.device)
  return detached(narrow(scatterAddAlongDim(base, 0, at, weights), 0, 0, n)).clone()
}

/** How often each number occurs; zeros may follow. */
function countsOf(data: Int32Array, length: number): Int32Array {
  let counts = countsUpTo(Math.max(length - 1, 1023))
  for (let i = countFours(data, 0, counts, 0); i < data.length; i++) {
    const value = data[i]
    const isNew = value >>> 0 >= counts.length
    if (isNew) {
      if (value < 0) throw new RuntimeError(oneKind)
      const more = countsUpTo(value)
      more.set(counts)
      counts = more
    }
    counts[value]++
    if (isNew) i = countFours(data, i + 1, counts, 0) - 1
  }
  return counts
}
const oneKind = 'bincount only supports 1-d non-negative integral inputs.'

const bincountArguments = method('bincount', optional('weights', nullable(tensor), null), optional('minlength', int, 0))
interface BincountOptions {
  readonly weights?: Tensor | null
  readonly minlength?: number
}
/**
 * How often each number from 0 to the largest occurs in a vector of integers that are not negative, or the sums of their
 * `weights`; at least `minlength` elements. The largest number is read.
 *
 * @example
 * bincount(tensor([0, 2, 2], { dtype: 'int32' })) // tensor([1, 0, 2])
 */
export function bincount(
  x: Tensor,
  ...args: Arguments<[weights: Tensor | null, minlength: number], BincountOptions>
): Tensor {
  const [weights, minlength] = bincountArguments(x, args)
  if (isFloat(x.dtype) || x.dtype === 'bool') throw notImplemented('bincount_cpu', x.dtype, toInt)
  if (minlength < 0) throw new RuntimeError('minlength should be >= 0')
  effects.sink?.refuse('bincount(), whose shape depends on the data,', 'Use scatterAdd() into zeros of a fixed size.')
  if (x.dim() === 1 && x.elements === 0) return filled([minlength], 'int32', 0, x.storage.device)
  if (x.dim() !== 1) throw new RuntimeError(oneKind)
  const counts = countsOf(integers(read(x, true)), minlength)
  let n = counts.length
  while (n > minlength && counts[n - 1] === 0) n--
  if (weights === null) return fromArray(counts.subarray(0, n), [n], { device: x.device })
  if (weights.dim() !== 1 || weights.elements !== x.elements)
    throw new RuntimeError('weights should be 1-d and have the same length as input')
  const added = detached(toDType(weights, weights.dtype === 'float32' ? 'float32' : 'float64'))
  return counted(toDType(x, 'int32'), added, n)
}
