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
     * It may throw. `run` may compute its routines.
     */
    compute(
      data: readonly TypedArray[],
      inputs: readonly Spec[],
      outputs: readonly Spec[],
      run?: MatrixRun,
    ): readonly TypedArray[]
  }
}

/** Makes sixteens of random words normal numbers times `std`, with the bits of core's. */
export type BoxMuller = (words: Float32Array, std: number) => void

/** What a host has for that. */
export interface HostMatrices {
  run: MatrixRun
  /** Where arrays of so many elements in all lie: where the last ones did if they fit. */
  room?(length: number): Float64Array
  /** `to.set(from, at)` */
  set?(to: TypedArray, from: TypedArray, at: number): void
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
