// PyTorch's type promotion: tensors with dimensions decide, and 0-d tensors and then numbers only raise the category
// (bool < integer < float).
import { defaults } from './default-dtype.ts'
import { type DType, dtypeCategory, dtypeName, dtypeRank, dtypes, isFloat } from './dtype.ts'
import { RuntimeError } from './errors.ts'

/** Whether an in-place result fits: a category may rise, not fall. */
export const canCast = (from: DType, to: DType): boolean => dtypeCategory[from] <= dtypeCategory[to]

/** An operand for promotion: a tensor (its rank counts), or a number (`wrapped`). */
export interface Promotable {
  readonly dtype: DType
  readonly sizes: readonly number[]
  readonly wrapped?: boolean
}

const combine = (higher: number, lower: number): number => {
  if (higher < 0) return lower
  if (lower < 0) return higher
  if (dtypeCategory[dtypes[higher]] >= dtypeCategory[dtypes[lower]] && higher !== 0) return higher
  return Math.max(higher, lower)
}

/** The dtype in which an elementwise op of these operands computes. */
export function resultType(operands: readonly Promotable[]): DType {
  let dims = -1
  let zeros = -1
  let numbers = -1
  for (let i = 0; i < operands.length; i++) {
    const x = operands[i]
    const rank = dtypeRank[x.dtype]
    if (x.wrapped === true) numbers = Math.max(numbers, rank)
    else if (x.sizes.length === 0) zeros = Math.max(zeros, rank)
    else dims = Math.max(dims, rank)
  }
  const tensors = combine(dims, zeros)
  const rank = combine(tensors, numbers)
  // A number without a dtype of its own has the default one, whatever the number is.
  return rank === tensors || !isFloat(dtypes[rank]) ? dtypes[rank] : defaults.float
}

/** The dtype of a float op such as exp or division: the default dtype for integer and bool operands. */
export const floatType = (dtype: DType): DType => (isFloat(dtype) ? dtype : defaults.float)

/** The error of an op that takes one dtype and got two. The remedy is the default dtype, or else the wider one. */
export function mixed(
  a: DType,
  b: DType,
  sentence = `expected scalar type ${dtypeName[a]} but found ${dtypeName[b]}`,
): RuntimeError {
  const to = [a, b].includes(defaults.float) ? defaults.float : dtypes[Math.max(dtypeRank[a], dtypeRank[b])]
  return new RuntimeError(sentence, `Convert one of them: .to('${to}').`)
}
