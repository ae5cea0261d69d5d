// Products of all shapes, dtypes and transposes, for the table of `ops/gemm`. The name describes the product
// completely, so every subject knows it by its name alone.
import { manualSeed, randn, type Tensor } from 'flambeau'
import { type Inputs, input, type Program } from './workload.ts'

/** m by k times k by n, either of which may be transposed in memory. */
export interface Product {
  readonly dtype: 'float32' | 'float64'
  readonly turned: 'nn' | 'nt' | 'tn'
  readonly m: number
  readonly k: number
  readonly n: number
}

export const nameOf = ({ dtype, turned, m, k, n }: Product): string => `gemm ${dtype} ${turned} ${m} ${k} ${n}`

/** The product of that name; undefined for another kind of name. */
export function productNamed(name: string): Product | undefined {
  const [kind, dtype, turned, ...sizes] = name.split(' ')
  if (kind !== 'gemm') return undefined
  const [m, k, n] = sizes.map(Number)
  return { dtype: dtype as Product['dtype'], turned: turned as Product['turned'], m, k, n }
}

/** The factors in float32, as the files have them, in their memory layout. */
export const inputsOf =
  ({ turned, m, k, n }: Product) =>
  (): Inputs => {
    manualSeed(0)
    return { a: turned === 'tn' ? randn(k, m) : randn(m, k), b: turned === 'nt' ? randn(n, k) : randn(k, n) }
  }

export const programOf =
  ({ dtype, turned }: Product): ((inputs: Inputs) => Program) =>
  (inputs) => {
    const of = (name: string, isTurned: boolean): Tensor => {
      const x = input(inputs, name).to(dtype)
      return isTurned ? x.t() : x
    }
    const [a, b] = [of('a', turned === 'tn'), of('b', turned === 'nt')]
    return { step: () => a.matmul(b) }
  }
