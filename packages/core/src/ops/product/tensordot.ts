// Sums of products over given dimensions: tensordot, which is one contraction, and bilinear, which is two.
import { dimIn } from '../../base/shape.ts'
import { RuntimeError, ValueError } from '../../base/errors.ts'
import { typeName } from '../../base/python.ts'
import { apply } from '../../tensor/apply.ts'
import {
  type Arguments,
  type Takes,
  ints,
  type Kind,
  nullable,
  optional,
  refused,
  required,
  signature,
  tensor,
} from '../../tensor/signature.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { ownView } from '../define/views.ts'
import { add } from '../pointwise/arithmetic.ts'
import { sum } from '../reduce/reduce.ts'
import { contraction, counts, from, permuted } from './contraction.ts'

const reshaped = ownView('reshapeAlias')
const dotted = contraction('mm', 'addmm_impl_cpu_')

type Summed = number | readonly [readonly number[], readonly number[]]
const pairs: Kind<Summed> = {
  expected: 'int',
  accepts: (x) => Number.isSafeInteger(x) || Array.isArray(x),
  refuse: (x) =>
    new RuntimeError(
      `tensordot expects dims to be int or Tuple[List[int], List[int]] or List[List[int]] containing two lists, but got dims=${x === null ? 'None' : typeof x === 'string' || typeof x === 'number' ? x : typeName(x)}`,
    ),
}
const tensordotArguments = signature(
  'tensordot',
  required('input', tensor),
  required('other', tensor),
  optional('dims', pairs, 2),
)

/** The dimensions of both factors to sum over, as given. */
function summedDims(dims: Summed): readonly [readonly number[], readonly number[]] {
  if (typeof dims === 'number') {
    if (dims < 0) throw new RuntimeError(`tensordot expects dims >= 0, but got dims=${dims}`)
    return [from(-dims, dims), from(0, dims)]
  }
  const lists: readonly unknown[] = dims
  if (lists.length !== 2) {
    const few = lists.length < 2
    throw new ValueError(
      few ? `not enough values to unpack (expected 2, got ${lists.length})` : 'too many values to unpack (expected 2)',
      'Give a list for each tensor: [[0], [1]].',
    )
  }
  for (let i = 0; i < 2; i++) {
    const name = i === 0 ? 'dimsSelf' : 'dimsOther'
    if (!ints.accepts(lists[i])) throw refused('tensordot', required(name, ints), 3 + i, lists[i])
  }
  return dims
}

function checkDistinct(dims: readonly number[]): void {
  const twice = dims.find((d, i) => dims.indexOf(d) !== i)
  if (twice !== undefined) throw new RuntimeError(`dim ${twice} appears multiple times in the list of dims`)
}

/**
 * The sum of products over some dimensions of two tensors of one dtype: the last `dims` (2) of the first and the first
 * `dims` of the second, or the dimensions of two lists, paired in order. The other dimensions stay, those of the first
 * tensor first.
 *
 * Throws a RuntimeError if paired sizes differ and neither is 1.
 *
 * @example
 * tensordot(ones(2, 3, 4), ones(3, 4, 5)).shape // [2, 5]
 * tensordot(ones(2, 3), ones(4, 2), [[0], [1]]).shape // [3, 4]
 */
export function tensordot(
  ...args: [a: Tensor, ...Takes<[other: Tensor], 'other', [dims?: Summed | { readonly dims?: Summed }]>]
): Tensor {
  const [a, b, dims] = tensordotArguments(args)
  const [first, second] = summedDims(dims)
  if (first.length !== second.length) throw new RuntimeError('both dimension lists should have same length')
  let [left, right] = [a, b]
  const [dimsA, dimsB] = [first.map((d) => dimIn(a.sizes, d)), second.map((d) => dimIn(b.sizes, d))]
  dimsA.forEach((d, i) => {
    const [n, m] = [a.sizes[d], b.sizes[dimsB[i]]]
    if (m === 1) left = sum(left, d, true)
    else if (n === 1) right = sum(right, dimsB[i], true)
    else if (n !== m) {
      throw new RuntimeError(
        `contracted dimensions need to match, but first has size ${n} in dim ${first[i]} and second has size ${m} in dim ${second[i]}`,
      )
    }
  })
  checkDistinct(dimsA)
  checkDistinct(dimsB)
  const free = (x: Tensor, taken: readonly number[]): number[] => from(0, x.dim()).filter((d) => !taken.includes(d))
  const [rows, columns] = [free(a, dimsA), free(b, dimsB)]
  const product = apply(
    dotted,
    [permuted(left, [...rows, ...dimsA]), permuted(right, [...dimsB, ...columns])],
    counts(0, dimsA.length),
  )
  return apply(reshaped, [product], product.sizes)
}

// ---- bilinear ----

const trilinear = contraction('trilinear', 'bmm')
const bilinearArguments = signature(
  'bilinear',
  required('input1', tensor),
  required('input2', tensor),
  required('weight', tensor),
  optional('bias', nullable(tensor), null),
)

/**
 * `x1 @ weight[o] @ x2 + bias[o]` for each o: input1 [..., i], input2 [..., j], weight [out, i, j], bias [out] or null.
 * The result is [..., out] in their dtype.
 *
 * @example
 * F.bilinear(ones(5, 3), ones(5, 4), ones(2, 3, 4)).shape // [5, 2]
 */
export function bilinear(
  ...args: [
    input1: Tensor,
    ...Takes<
      [input2: Tensor, weight: Tensor],
      'input2 weight',
      Arguments<[bias: Tensor | null], { readonly bias?: Tensor | null }>
    >,
  ]
): Tensor {
  const [first, second, weight, bias] = bilinearArguments(args)
  const rank = first.dim()
  const unequal = (what: string, got: number, expected: number): void => {
    if (got !== expected)
      throw new RuntimeError(`bilinear(): ${what} does not match weight size: got ${got} but expected ${expected}`)
  }
  if (rank !== second.dim())
    throw new RuntimeError(`bilinear(): input dimensions do not match: got ${rank} and ${second.dim()}`)
  dimIn(first.sizes, -1)
  first.sizes.slice(0, -1).forEach((n, i) => {
    if (n !== second.sizes[i])
      throw new RuntimeError(
        `bilinear(): input batch dimensions do not match at dim ${i}: got ${n} and ${second.sizes[i]}`,
      )
  })
  const size = (x: Tensor, dim: number): number => x.sizes[dimIn(x.sizes, dim)]
  unequal('input1 size', size(first, -1), size(weight, 1))
  unequal('input2 size', size(second, -1), size(weight, 2))
  if (bias !== null) unequal('bias size', size(bias, 0), size(weight, 0))
  if (weight.dim() !== 3)
    throw new RuntimeError('number of dimensions must match', 'The weight must have 3: [out, in1, in2].')
  // [..., i] by [i, out, j], then [..., out, j] by [..., j].
  const turned = permuted(weight, [1, 0, 2])
  const half = apply(trilinear, [first, turned], counts(0, 1))
  const whole = apply(trilinear, [half, second], counts(rank - 1, 1))
  const y = apply(reshaped, [whole], whole.sizes)
  return bias === null ? y : add(y, bias)
}
