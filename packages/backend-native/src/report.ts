/** What the addon found of this machine and chose for it. */
export interface Report {
  /** The kernels: v2, avx2, avx512 or neon. */
  readonly isa: string
  /** Of the processor. */
  readonly features: string
  /** The BLAS that products go to; '' is the addon's own. */
  readonly blas: string
  readonly threads: number
  /** That this process may use. */
  readonly cores: number
}
