// How close is close enough: one table by dtype, and the ops that need more with the reason why.
import type { DType } from './sample.ts'

/** Relative and absolute: |a - b| <= absolute + relative * |b|. */
export type Tolerance = readonly [relative: number, absolute: number]

interface Row {
  readonly values: Tolerance
  readonly gradients: Tolerance
}

const exact: Tolerance = [0, 0]

export const byDType: Readonly<Record<DType, Row>> = {
  // PyTorch sums float32 in float32 along its vector width, the js backend in float64: some last bits differ.
  float32: { values: [1e-6, 1e-6], gradients: [5e-6, 2e-6] },
  float64: { values: [1e-12, 1e-12], gradients: [1e-11, 1e-12] },
  int32: { values: exact, gradients: exact },
  uint8: { values: exact, gradients: exact },
  bool: { values: exact, gradients: exact },
}

export const byOp: Readonly<Record<string, Partial<Row> & { readonly why: string }>> = {
  rand: { values: exact, why: 'a stream of random numbers is the same bit for bit or it is another stream' },
  randLike: { values: exact, why: 'as rand' },
  digamma: { gradients: [5e-6, 2e-6], why: "PyTorch's trigamma is exact to 1e-10 only, in double precision" },
}

export const toleranceOf = (op: string, dtype: DType, kind: keyof Row, own?: Tolerance): Tolerance =>
  own ?? byOp[op]?.[kind] ?? byDType[dtype][kind]
