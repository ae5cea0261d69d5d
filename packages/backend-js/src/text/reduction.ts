// The parts that generated and interpreted reductions share: the start value, how two values combine, and where partial
// results are kept. The order of additions follows from shape and axes alone, so every path gives the same bits.
import {
  type DType,
  emitJs,
  identityOf,
  interpret,
  isFloat,
  type MapOut,
  newArray,
  type ReduceFn,
  roundSource,
  s,
} from '@flambeau/core/backend'

/** An innermost loop of at most this many turns is unrolled. */
export const unrolled = 16

export const combineSource = (fn: ReduceFn, { dtype }: { dtype: DType }, a: string, b: string): string => {
  if (dtype === 'bool' && (fn === 'max' || fn === 'min')) return `${a} ${fn === 'max' ? '|' : '&'} ${b}`
  if (fn === 'sum') return `${a} + ${b}`
  if (fn === 'prod') return isFloat(dtype) ? `${a} * ${b}` : `Math.imul(${a}, ${b})`
  // Long chains rarely meet a new extreme, so one predictable comparison is faster than the three of Math.max.
  return `${b} ${fn === 'max' ? '<' : '>'} ${a} ? ${a} : Math.${fn}(${a}, ${b})`
}

export const combineCall = (fn: ReduceFn, dtype: DType): ((a: number, b: number) => number) => {
  if (fn === 'sum') return (a, b) => a + b
  if (fn === 'prod') return isFloat(dtype) ? (a, b) => a * b : Math.imul
  return Math[fn]
}

/** Statements that turn a reduced element into the output's element, and the name of that. */
export function finishSource({ expr, reduce }: MapOut, reduced: string): { lines: readonly string[]; result: string } {
  if (reduce?.post === undefined) return { lines: [], result: reduced }
  const name = `${reduced.replaceAll(/\W/g, '')}_`
  const { lines, results } = emitJs([s.rounded(reduce.post)], () => name, `${name}t`)
  return { lines: [`const ${name} = ${roundSource[expr.dtype](reduced)}`, ...lines], result: results[0] }
}

/** The same as a function. */
export function finishCall({ expr, reduce }: MapOut): (reduced: number) => number {
  if (reduce?.post === undefined) return (reduced) => reduced
  const of = interpret(reduce.post)
  const rounded = newArray(expr.dtype, 1)
  return (reduced) => {
    rounded[0] = reduced
    return of(rounded)
  }
}

/** The result of a reduction of no elements. */
export const reducedOfNone = (out: MapOut): number =>
  finishCall(out)(identityOf((out.reduce as NonNullable<MapOut['reduce']>).fn, out.expr.dtype))

const scratch: Float64Array[] = []
/** Double-precision accumulators for an output that cannot be finished in registers. */
export function accumulators(position: number, n: number): Float64Array {
  if (scratch[position] === undefined || scratch[position].length < n) scratch[position] = new Float64Array(n)
  return scratch[position]
}
