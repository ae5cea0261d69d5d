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

/**
 * Statements that put the largest of the first `n` float32 of `cells` into `cells[0]`, by their bits in `words`. Among
 * a few elements a branch would be mispredicted every other time, so there is none: the bits become integers that are
 * ordered like the elements, with -0 before 0, and NaN of either sign after Infinity, because subtracting what is below
 * -Infinity wraps around.
 */
export function largestOfCells(n: number, { words }: Cells): string[] {
  const flipped = (bits: string): string => `${bits} ^ ${bits} >> 31 >>> 1`
  const keys = Array.from({ length: n }, (_, j) => [
    `const b${j} = ${words}[${j}]`,
    `const k${j} = (${flipped(`b${j}`)}) - ${nanWords} | 0`,
    j === 0 ? 'let m = k0' : `m = m + Math.imul(k${j} - m | 0, k${j} > m | 0) | 0`,
  ])
  return [...keys.flat(), `m = m + ${nanWords} | 0`, `${words}[0] = ${flipped('m')}`]
}
/** The number of NaN patterns of each sign. */
const nanWords = 0x7fffff

/** The names of a float32 array and of its memory as int32. */
export interface Cells {
  readonly floats: string
  readonly words: string
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

const cells: { readonly floats: Float32Array; readonly words: Int32Array }[] = []
/** Memory for `largestOfCells`. */
export function cellsAt(position: number): { readonly floats: Float32Array; readonly words: Int32Array } {
  if (cells[position] === undefined) {
    const floats = new Float32Array(unrolled)
    cells[position] = { floats, words: new Int32Array(floats.buffer) }
  }
  return cells[position]
}

const scratch: Float64Array[] = []
/** Double-precision accumulators for an output that cannot be finished in registers. */
export function accumulators(position: number, n: number): Float64Array {
  if (scratch[position] === undefined || scratch[position].length < n) scratch[position] = new Float64Array(n)
  return scratch[position]
}
