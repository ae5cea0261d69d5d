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
