// Tolerances: one table by dtype, and the ops that need larger ones, with the reason.
import type { DType } from './sample.ts'

/** Relative and absolute: |a - b| <= absolute + relative * |b|. */
export type Tolerance = readonly [relative: number, absolute: number]

interface Row {
  readonly values: Tolerance
  readonly gradients: Tolerance
}

const exact: Tolerance = [0, 0]

export const byDType: Readonly<Record<DType, Row>> = {
  // PyTorch sums float32 in float32 vectors, the js backend in float64, so some last bits differ.
  float32: { values: [1e-6, 1e-6], gradients: [5e-6, 2e-6] },
  float64: { values: [1e-12, 1e-12], gradients: [1e-11, 1e-12] },
  int32: { values: exact, gradients: exact },
  uint8: { values: exact, gradients: exact },
  bool: { values: exact, gradients: exact },
}

export const byOp: Readonly<Record<string, Partial<Row> & { readonly why: string }>> = {
  rand: { values: exact, why: 'random numbers agree bit for bit or come from another stream' },
  randLike: { values: exact, why: 'as rand' },
  digamma: { gradients: [5e-6, 2e-6], why: "PyTorch's trigamma is exact to 1e-10 only, in double precision" },
}

export const toleranceOf = (op: string, dtype: DType, kind: keyof Row, own?: Tolerance): Tolerance =>
  own ?? byOp[op]?.[kind] ?? byDType[dtype][kind]
