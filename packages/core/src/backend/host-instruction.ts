// The instruction for what no kernel computes, and what a host may do of it.
import type { TypedArray } from '../base/dtype.ts'
import type { Spec } from './backend.ts'

/**
 * What only JavaScript computes, such as a factorization. A backend whose memory is the host's may run it; on any other it
 * runs elsewhere, as everything that is not supported.
 */
export interface HostAttrs {
  host: {
    /** PyTorch's name of the op. */
    readonly op: string
    readonly name: string
    readonly attrs: unknown
    /** It computes in float64: elements may come so. */
    readonly wide?: true
    /**
     * The elements of the outputs, maybe wider than their dtypes, from copies of those of the inputs, all in row-major order.
     * It may throw. `host` may compute its routines.
     */
    compute(
      data: readonly TypedArray[],
      inputs: readonly Spec[],
      outputs: readonly Spec[],
      host?: MatrixRun,
    ): readonly TypedArray[]
  }
}

/**
 * Runs a routine (ops/linalg/routines.ts) over `count` matrices, of which every array has equal parts. A host returns whether
 * it did.
 */
export type MatrixRun = (
  routine: string,
  count: number,
  sizes: readonly number[],
  arrays: readonly Float64Array[],
) => boolean
