// Sequences of different lengths as rows without padding, one step of time after the other: nn.utils.rnn's packed
// sequences.
import { RuntimeError, ValueError } from '../base/errors.ts'
import { fromArray } from '../ops/create/create.ts'
import { argsort } from '../ops/order/sort.ts'
import { indexSelect } from '../ops/indexing/select.ts'
import { cat, stack } from '../ops/views/join.ts'
import { pad } from '../ops/views/pad.ts'
import { narrow, select, transpose } from '../ops/views/views.ts'
import {
  type Arguments,
  type Takes,
  bool,
  either,
  instance,
  int,
  ints,
  isTensor,
  nullable,
  number,
  optional,
  required,
  signature,
  tensor,
  tensors,
} from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { padSequence, unpadSequence } from './sequences.ts'

/** The steps of several sequences, longest first: of each step the rows of those that are not over. */
export class PackedSequence {
  /** [rows, ...]. */
  readonly data: Tensor
  /** How many sequences each step has, int32. */
  readonly batchSizes: Tensor
  /** The places of the sequences in their first order, or null if they were in order. */
  readonly sortedIndices: Tensor | null
  readonly unsortedIndices: Tensor | null

  constructor(
    ...args: [data: Tensor, batchSizes: Tensor, sortedIndices?: Tensor | null, unsortedIndices?: Tensor | null]
  ) {
    const [data, batchSizes, sorted, unsorted] = readPacked(args)
    this.data = data
    this.batchSizes = batchSizes
    this.sortedIndices = sorted
    this.unsortedIndices = unsorted ?? (sorted === null ? null : invertPermutation(sorted))
  }

  toString(): string {
    const [sorted, unsorted] = [this.sortedIndices, this.unsortedIndices].map((x) => (x === null ? 'None' : String(x)))
    return `PackedSequence(data=${this.data}, batch_sizes=${this.batchSizes}, sorted_indices=${sorted}, unsorted_indices=${unsorted})`
  }
}
const maybe = nullable(tensor)
const readPacked = signature(
  'PackedSequence',
  required('data', tensor),
  required('batchSizes', tensor),
  optional('sortedIndices', maybe, null),
  optional('unsortedIndices', maybe, null),
)

const readInvert = signature('invert_permutation', required('permutation', maybe))
/**
 * The permutation that undoes another one; null for null.
 *
 * @example
 * nn.utils.rnn.invertPermutation(tensor([2, 0, 1], { dtype: 'int32' })) // tensor([1, 2, 0])
 */
export function invertPermutation<T extends Tensor | null>(...args: [permutation: T]): T {
  const [permutation] = readInvert(args)
  return (permutation === null ? null : argsort(permutation)) as T
}

const lengthsKind = either(tensor, ints)
const readPack = signature(
  'pack_padded_sequence',
  required('input', tensor),
  required('lengths', lengthsKind),
  optional('batchFirst', bool, false),
  optional('enforceSorted', bool, true),
)
export interface PackOptions {
  /** Whether sequences are [batch, time, ...]; otherwise they are [time, batch, ...]. */
  readonly batchFirst?: boolean
  /** The lengths descend; otherwise the sequences are sorted first. */
  readonly enforceSorted?: boolean
}
/**
 * Packs sequences that are padded, [time, batch, ...], given their lengths.
 *
 * Throws a RuntimeError for lengths that do not fit.
 *
 * @example
 * nn.utils.rnn.packPaddedSequence(tensor([[1, 2], [3, 0]]), [2, 1]).data // tensor([1., 2., 3.])
 */
export function packPaddedSequence(
  ...args: [
    input: Tensor,
    ...Takes<
      [lengths: Tensor | readonly number[]],
      'lengths',
      Arguments<[batchFirst: boolean, enforceSorted: boolean], PackOptions>
    >,
  ]
): PackedSequence {
  const [given, list, batchFirst, enforceSorted] = readPack(args)
  const lengths = isTensor(list) ? Array.from(list.toArray()) : [...list]
  const padded = batchFirst ? transpose(given, 0, 1) : given
  const batch = padded.sizes[1]
  if (lengths.length !== batch) {
    throw new RuntimeError(
      `Expected \`len(lengths)\` to be equal to batch_size, but got ${lengths.length} (batch_size=${batch})`,
    )
  }
  if (lengths.some((n) => n <= 0)) {
    throw new RuntimeError(
      "Length of all samples has to be greater than 0, but found an element in 'lengths' that is <= 0",
    )
  }
  const order = lengths.map((_, i) => i)
  if (!enforceSorted) order.sort((a, b) => lengths[b] - lengths[a])
  const sizes = order.map((i) => lengths[i])
  if (sizes.some((n, i) => i > 0 && n > sizes[i - 1])) {
    throw new RuntimeError(
      '`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You can pass `enforce_sorted=False` to pack_padded_sequence and/or pack_sequence to sidestep this requirement if you do not need ONNX exportability.',
    )
  }
  if (sizes[0] > padded.sizes[0])
    throw new RuntimeError(`start (0) + length (${sizes[0]}) exceeds dimension size (${padded.sizes[0]}).`)
  const { device } = given
  const whole = (values: readonly number[]): Tensor => fromArray(Int32Array.from(values), [values.length], { device })
  const sorted = enforceSorted ? null : whole(order)
  const rows = sorted === null ? padded : indexSelect(padded, 1, sorted)
  const counts = Array.from({ length: sizes[0] }, (_, step) => sizes.filter((n) => n > step).length)
  const data = cat(counts.map((count, step) => narrow(select(rows, 0, step), 0, 0, count)))
  return new PackedSequence(data, whole(counts), sorted)
}

const readPackSequence = signature(
  'pack_sequence',
  required('sequences', tensors),
  optional('enforceSorted', bool, true),
)
/**
 * Packs sequences [length, ...].
 *
 * @example
 * nn.utils.rnn.packSequence([tensor([1, 2]), tensor([3])]).data // tensor([1., 3., 2.])
 */
export function packSequence(
  ...args: [sequences: readonly Tensor[], enforceSorted?: boolean | Pick<PackOptions, 'enforceSorted'>]
): PackedSequence {
  const [sequences, enforceSorted] = readPackSequence(args)
  return packPaddedSequence(
    padSequence(sequences),
    sequences.map((x) => x.sizes[0]),
    false,
    enforceSorted,
  )
}

const packedKind = instance(PackedSequence, 'PackedSequence')
const readPad = signature(
  'pad_packed_sequence',
  required('sequence', packedKind),
  optional('batchFirst', bool, false),
  optional('paddingValue', number, 0),
  optional('totalLength', nullable(int), null),
)
export interface PadPackedOptions {
  readonly batchFirst?: boolean
  readonly paddingValue?: number
  /** Pad to this length. */
  readonly totalLength?: number | null
}
/**
 * The sequences of a packed one, padded, [time, batch, ...], and their lengths, int32.
 *
 * Throws a ValueError for a total length below the longest.
 *
 * @example
 * const { packSequence, padPackedSequence } = nn.utils.rnn
 * padPackedSequence(packSequence([tensor([1, 2]), tensor([3])]), true)[0]
 * // tensor([[1., 2.],
 * //         [3., 0.]])
 */
export function padPackedSequence(
  ...args: [
    sequence: PackedSequence,
    ...Arguments<[batchFirst: boolean, paddingValue: number, totalLength: number | null], PadPackedOptions>,
  ]
): [padded: Tensor, lengths: Tensor] {
  const [packed, batchFirst, value, total] = readPad(args)
  const counts = Array.from(packed.batchSizes.toArray())
  const [steps, batch] = [counts.length, counts[0]]
  if (total !== null && total < steps) {
    throw new ValueError(
      `Expected total_length to be at least the length of the longest sequence in input, but got total_length=${total} and max sequence length being ${steps}`,
    )
  }
  let at = 0
  const rest = packed.data.sizes.slice(1).flatMap(() => [0, 0])
  const rows = counts.map((count) => {
    at += count
    return pad(narrow(packed.data, 0, at - count, count), [...rest, 0, batch - count], { value })
  })
  const stacked = stack(rows, 0)
  const longer =
    total === null || total === steps ? stacked : pad(stacked, [...rest, 0, 0, 0, total - steps], { value })
  const { unsortedIndices: order } = packed
  const lengths = fromArray(
    Int32Array.from({ length: batch }, (_, i) => counts.filter((count) => count > i).length),
    [batch],
    { device: packed.data.device },
  )
  const padded = order === null ? longer : indexSelect(longer, 1, order)
  return [batchFirst ? transpose(padded, 0, 1) : padded, order === null ? lengths : indexSelect(lengths, 0, order)]
}

const readUnpack = signature('unpack_sequence', required('packedSequences', packedKind))
/** The sequences of a packed one, [length, ...] each. */
export function unpackSequence(...args: [packedSequences: PackedSequence]): Tensor[] {
  const [packed] = readUnpack(args)
  const [padded, lengths] = padPackedSequence(packed, true)
  return unpadSequence(padded, lengths, true)
}
