// The dtype of floating-point numbers that have no other: PyTorch's default dtype.
import type { DType } from './dtype.ts'

type Float = Extract<DType, `float${string}`>

/** What `setDefaultDtype` sets. An object, because it is read in many places. */
export const defaults: { float: Float } = { float: 'float32' }
