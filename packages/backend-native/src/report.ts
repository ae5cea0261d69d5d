/** What the addon found on this machine and chose for it. */
export interface Report {
  /** The kernels: v2, avx2, avx512 or neon. */
  readonly isa: string
  /** The features of the processor. */
  readonly features: string
  /** The BLAS that computes products; '' means the addon itself. */
  readonly blas: string
  readonly threads: number
  /** The cores that this process may use. */
  readonly cores: number
}

/** What the driver says of a GPU. */
export interface CudaReport {
  readonly name: string
  /** The compute capability. */
  readonly major: number
  readonly minor: number
  readonly bytes: number
  readonly multiprocessors: number
  /** The version of CUDA that the driver has, 12040 for 12.4. */
  readonly driver: number
  /** The file of the BLAS that computes products; '' means kernels of flambeau. */
  readonly blas: string
}
