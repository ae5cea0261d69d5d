// The common dtype of the operands of an elementwise op.
import type { Spec } from '../../backend/backend.ts'
import { categoryOf, type DType, rankOf } from '../../base/dtype.ts'
import { resultType } from '../../base/promotion.ts'
import type { Input } from '../../tensor/op.ts'

/** The common dtype of the operands. */
export function commonType(inputs: readonly Input[], target: Spec | null = null): DType {
  const a = inputs[0]
  // A single number that fills a given dtype is rounded to that dtype and to no other.
  if (inputs.length === 1) return a.wrapped === true && target !== null ? target.dtype : a.dtype
  if (inputs.length === 0) return 'float32'
  // A fast way to the result of resultType for tensors of one dtype, or a tensor and a number.
  if (uniformRank(inputs) >= 0) return a.dtype
  const b = inputs[1]
  const besideNumber = inputs.length === 2 && a.wrapped !== true && b.wrapped === true
  return besideNumber && categoryOf(b.dtype) <= categoryOf(a.dtype) ? a.dtype : resultType(inputs)
}

/** The rank of the dtype if all operands are tensors of that dtype, otherwise -1. */
export function uniformRank(inputs: readonly Input[]): number {
  if (inputs.length === 0 || inputs[0].wrapped === true) return -1
  const { dtype } = inputs[0]
  for (let i = 1; i < inputs.length; i++) if (inputs[i].dtype !== dtype || inputs[i].wrapped === true) return -1
  return rankOf(dtype)
}
