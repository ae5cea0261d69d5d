// What reductions have in common, generated or interpreted: where they start, how two values combine, and where partial
// results live. The order of additions follows from shape and axes alone, so every path gives the same bits.
import { type DType, isFloat, type ReduceFn } from '@flambeau/core/backend'

/** What a reduction starts from. */
export const identities: Readonly<Record<ReduceFn, number>> = { sum: 0, prod: 1, max: -Infinity, min: Infinity }

/** The identity as a value of the dtype: what a reduction of no elements gives, and whole numbers start from. */
export function identityOf(fn: ReduceFn, dtype: DType): number {
  if (isFloat(dtype) || fn === 'sum' || fn === 'prod') return identities[fn]
  const [least, most] = dtype === 'bool' ? [0, 1] : dtype === 'uint8' ? [0, 255] : [-2147483648, 2147483647]
  return fn === 'max' ? least : most
}

export const combineSource = (fn: ReduceFn, { dtype }: { dtype: DType }, a: string, b: string): string => {
  if (dtype === 'bool' && (fn === 'max' || fn === 'min')) return `${a} ${fn === 'max' ? '|' : '&'} ${b}`
  if (fn === 'sum') return `${a} + ${b}`
  if (fn === 'prod') return isFloat(dtype) ? `${a} * ${b}` : `Math.imul(${a}, ${b})`
  return `Math.${fn}(${a}, ${b})`
}

export const combineCall = (fn: ReduceFn, dtype: DType): ((a: number, b: number) => number) => {
  if (fn === 'sum') return (a, b) => a + b
  if (fn === 'prod') return isFloat(dtype) ? (a, b) => a * b : Math.imul
  return Math[fn]
}

const scratch: Float64Array[] = []
/** Double-precision accumulators for an output that cannot be finished in registers. */
export function accumulators(position: number, n: number): Float64Array {
  if (scratch[position] === undefined || scratch[position].length < n) scratch[position] = new Float64Array(n)
  return scratch[position]
}
