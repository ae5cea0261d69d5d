// The types that values have in kernels, and those of a tensor's elements.
import type { DType } from '@flambeau/core/backend'

/** Types of values in a kernel. bool, uint8 and int32 are i32 there, bools 0 or 1; a predicate is what branches take. */
export type Type = 'pred' | 'i32' | 'i64' | 'f32' | 'f64'

export interface Value {
  readonly type: Type
  readonly text: string
}

/** The type of the elements of a dtype. */
export const typeOf: Readonly<Record<DType, Type>> = {
  bool: 'i32',
  uint8: 'i32',
  int32: 'i32',
  float32: 'f32',
  float64: 'f64',
}
