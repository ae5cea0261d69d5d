// Whole numbers in float32: what sums and products of the narrow dtypes become when they are stored.
import type { DType } from '@flambeau/core/backend'

/** A whole number, exact in float32, as its dtype holds it. */
export const wrapped = (x: string, dtype: DType): string =>
  dtype === 'uint8' ? `(${x}) - 256 * Math.floor((${x}) / 256)` : dtype === 'bool' ? `((${x}) === 0 ? 0 : 1)` : x
