// Sequences of different lengths as one tensor: nn.utils.rnn.
import { RuntimeError } from '../base/errors.ts'
import { typeName } from '../base/python.ts'
import { stack, unbind } from '../ops/views/join.ts'
import { pad } from '../ops/views/pad.ts'
import { narrow, select } from '../ops/views/views.ts'
import {
  type Arguments,
  type Takes,
  bool,
  either,
  ints,
  isTensor,
  iterable,
  type Kind,
  number,
  optional,
  required,
  signature,
  tensor,
} from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { tensorsOf } from './vectors.ts'

const sequencesKind: Kind<Iterable<Tensor>> = {
  expected: 'iterable',
  accepts: (x) => iterable.accepts(x) || isTensor(x),
  refuse: (x) =>
    new RuntimeError(
      `pad_sequence: Expected iterable for input sequences, but got arg of type: <class '${typeName(x)}'>`,
    ),
}
const readPadSequence = signature(
  'pad_sequence',
  required('sequences', sequencesKind),
  optional('batchFirst', bool, false),
  optional('paddingValue', number, 0),
)
export interface PadSequenceOptions {
  /** Whether the result is [batch, time, ...]; otherwise it is [time, batch, ...]. */
  readonly batchFirst?: boolean
  readonly paddingValue?: number
}
/**
 * Sequences [length, ...] of different lengths as one tensor, filled up behind their ends: [time, batch, ...].
 *
 * Throws a RuntimeError without sequences.
 *
 * @example
 * nn.utils.rnn.padSequence([ones(2), ones(3)], true) // tensor([[1., 1., 0.],
 *                                                   //         [1., 1., 1.]])
 */
export function padSequence(
  ...args: [
    sequences: Iterable<Tensor> | Tensor,
    ...Arguments<[batchFirst: boolean, paddingValue: number], PadSequenceOptions>,
  ]
): Tensor {
  const [given, batchFirst, paddingValue] = readPadSequence(args)
  const sequences = isTensor(given) ? unbind(given, 0) : tensorsOf(given)
  if (sequences.length === 0) throw new RuntimeError('received an empty list of sequences')
  const longest = Math.max(...sequences.map((x) => x.sizes[0] ?? 0))
  const padded = sequences.map((x) => {
    if (x.dim() === 0) throw new RuntimeError('pad_sequence: sequences have at least one dimension')
    const amounts = x.sizes.map((_, d) => (d === 0 ? longest - x.sizes[0] : 0)).reverse()
    return pad(
      x,
      amounts.flatMap((n) => [0, n]),
      { value: paddingValue },
    )
  })
  return stack(padded, batchFirst ? 0 : 1)
}

const readUnpad = signature(
  'unpad_sequence',
  required('paddedSequences', tensor),
  required('lengths', either(tensor, ints)),
  optional('batchFirst', bool, false),
)
/**
 * The sequences of a tensor that `padSequence` made, given their lengths.
 *
 * Throws a RuntimeError for lengths that do not fit.
 *
 * @example
 * nn.utils.rnn.unpadSequence(ones(3, 2), [1, 3]).map((x) => x.shape) // [[1], [3]]
 */
export function unpadSequence(
  ...args: [
    paddedSequences: Tensor,
    ...Takes<
      [lengths: Tensor | readonly number[]],
      'lengths',
      [batchFirst?: boolean | Pick<PadSequenceOptions, 'batchFirst'>]
    >,
  ]
): Tensor[] {
  const [padded, given, batchFirst] = readUnpad(args)
  const lengths = isTensor(given) ? Array.from(given.toArray()) : given
  const dim = batchFirst ? 0 : 1
  if (padded.dim() < 2 || padded.sizes[dim] !== lengths.length)
    throw new RuntimeError(`lengths must be of size batch_size`, `There are ${padded.sizes[dim] ?? 0} sequences.`)
  return lengths.map((length, i) => narrow(select(padded, dim, i), 0, 0, length))
}
