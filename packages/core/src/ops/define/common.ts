// The dtype in which the operands of an elementwise op meet.
import type { Spec } from '../../backend/backend.ts'
import { categoryOf, type DType, rankOf } from '../../base/dtype.ts'
import { resultType } from '../../base/promotion.ts'
import type { Input } from '../../tensor/op.ts'

/** The dtype in which the operands meet. */
export function commonType(inputs: readonly Input[], target: Spec | null = null): DType {
  const a = inputs[0]
  // A number alone, filled into a given dtype, is rounded to that dtype and no other.
  if (inputs.length === 1) return a.wrapped === true && target !== null ? target.dtype : a.dtype
  if (inputs.length === 0) return 'float32'
  // What resultType gives, sooner: tensors of one dtype, a tensor and a number.
  if (uniformRank(inputs) >= 0) return a.dtype
  const b = inputs[1]
  const besideNumber = inputs.length === 2 && a.wrapped !== true && b.wrapped === true
  return besideNumber && categoryOf(b.dtype) <= categoryOf(a.dtype) ? a.dtype : resultType(inputs)
}

/** The dtype's rank when all operands are tensors of that dtype, else -1. */
export function uniformRank(inputs: readonly Input[]): number {
  if (inputs.length === 0 || inputs[0].wrapped === true) return -1
  const { dtype } = inputs[0]
  for (let i = 1; i < inputs.length; i++) if (inputs[i].dtype !== dtype || inputs[i].wrapped === true) return -1
  return rankOf(dtype)
}
