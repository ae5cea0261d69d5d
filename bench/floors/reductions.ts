// Sum, mean and maximum of three axes over one of them, reading memory in order: over the first axis, a few rows at a
// time are added to a row of sums; over the second, a row of sums stays in registers; over the last, the elements are
// unrolled.
import { type Floor, floats, repeat, written } from './lib.ts'

interface Fn {
  readonly start: string
  /** A statement that combines one more value `v` into `m`. */
  readonly take: (m: string, v: string) => string
  readonly finish: (m: string, size: number) => string
}

const sum: Fn = { start: '0', take: (m, v) => `${m} += ${v}`, finish: (m) => m }
/** The mean of the sum as eager stores it. */
const mean: Fn = { ...sum, finish: (m, size) => `fround(${m}) / ${size}` }
/** NaN persists: it is not below or equal to anything, so nothing replaces it. */
const max: Fn = {
  start: '-Infinity',
  take: (m, v) => `{ const v = ${v}; if (!(v <= ${m})) ${m} = ${m} === ${m} ? v : ${m} }`,
  finish: (m) => m,
}

type Loops = (shape: readonly number[], fn: Fn) => string

const overFirst: Loops = ([n, a, b], { start, take, finish }) => {
  const row = a * b
  const block = (rows: number): string => `
    for (let j = 0; j < ${row}; j++) {
      let m = sums[j]
      ${repeat(rows, (r) => take('m', `x[(p + j + ${r * row}) | 0]`))}
      sums[j] = m
    }`
  const together = 8
  return `
    sums.fill(${start})
    let p = 0
    for (; p < ${row * (n - (n % together))}; p += ${row * together}) { ${block(together)} }
    for (; p < ${row * n}; p += ${row}) { ${block(1)} }
    for (let j = 0; j < ${row}; j++) out[j] = ${finish('sums[j]', n)}`
}

const overSecond: Loops = ([n, a, b], { start, take, finish }) => `
  let p = 0
  for (let i = 0; i < ${n}; i++) {
    ${repeat(b, (k) => `let m${k} = ${start}`)}
    for (let j = 0; j < ${a}; j++, p += ${b}) { ${repeat(b, (k) => take(`m${k}`, `x[(p + ${k}) | 0]`))} }
    const q = Math.imul(i, ${b})
    ${repeat(b, (k) => `out[(q + ${k}) | 0] = ${finish(`m${k}`, a)}`)}
  }`

const overLast: Loops = ([n, a, b], { take, finish }) => `
  for (let q = 0, p = 0; q < ${n * a}; q++, p += ${b}) {
    let m = x[p]
    ${repeat(b - 1, (k) => take('m', `x[(p + ${k + 1}) | 0]`))}
    out[q] = ${finish('m', b)}
  }`

/**
 * Branches on random numbers are mispredicted; comparing bits as integers needs none. The bits of a negative number are
 * inverted, so that they sort as the numbers do; a sum detects NaN.
 */
const maxOverLast = ([n, a, b]: readonly number[]): string => `
  for (let q = 0, p = 0; q < ${n * a}; q++, p += ${b}) {
    let sum = 0
    let m = -0x80000000
    ${repeat(
      b,
      (k) => `{
        sum += x[(p + ${k}) | 0]
        const bits = words[(p + ${k}) | 0]
        const key = bits ^ ((bits >> 31) & 0x7fffffff)
        m ^= (m ^ key) & -((key > m) | 0)
      }`,
    )}
    outWords[q] = m ^ ((m >> 31) & 0x7fffffff)
    if (sum !== sum) for (let k = 0; k < ${b}; k++) if (x[p + k] !== x[p + k]) out[q] = NaN
  }`

const loops = [overFirst, overSecond, overLast]

const reduction =
  (fn: Fn, dim: number): Floor =>
  (inputs) => {
    const x = floats(inputs, 'x')
    const { shape } = inputs.x
    const out = new Float32Array(x.length / shape[dim])
    const sums = new Float64Array(dim === 0 ? out.length : 0)
    const source = fn === max && dim === 2 ? maxOverLast(shape) : loops[dim](shape, fn)
    const arrays = {
      x,
      words: new Int32Array(x.buffer),
      out,
      outWords: new Int32Array(out.buffer),
      sums,
      fround: Math.fround,
    }
    const step = written<() => void>(arrays, `() => { ${source} }`)
    return { step, results: () => [out] }
  }

export const reductions: Readonly<Record<string, Floor>> = Object.fromEntries(
  Object.entries({ sum, mean, max }).flatMap(([name, fn]) =>
    [0, 1, 2].map((dim) => [`${name}-${dim}`, reduction(fn, dim)]),
  ),
)
