// The LU and Cholesky factorizations and what is solved with them, in float64. A matrix is row-major, m x n; what a function
// overwrites, it says. Columns or rows are divided in halves again and again, so most of the work is one product of blocks
// (Golub and Van Loan, Matrix Computations, 4th edition, sections 3.2 and 4.2).
import { floats } from '../../base/room.ts'
import type { Call, Routines } from './routines.ts'

export const zeros = (n: number): Float64Array => floats(n).fill(0)

/** The transposes of m x n matrices. */
export function transposed(a: Float64Array, m: number, n: number): Float64Array {
  const out = floats(a.length)
  for (let at = 0; at < a.length; at += m * n)
    for (let i = 0; i < m; i++) for (let j = 0, p = at + i; j < n; j++, p += m) out[p] = a[at + i * n + j]
  return out
}

/** Swaps two rows of n elements. */
function swapRows(a: Float64Array, n: number, i: number, j: number): void {
  for (let k = 0; k < n; k++) {
    const x = a[i * n + k]
    a[i * n + k] = a[j * n + k]
    a[j * n + k] = x
  }
}

/**
 * Subtracts from the m x n block of c at `ci` the product of an m x k block of a and a k x n block of b. A block starts at
 * an index and has rows that are `cw`, `aw` or `bw` elements apart, and the columns of b are `by` apart: 1, or a row's
 * length for a transposed block. Tiles of three rows and two columns add up in registers, of which V8 has enough for six
 * sums.
 */
function subtract(
  c: Float64Array,
  ci: number,
  cw: number,
  a: Float64Array,
  ai: number,
  aw: number,
  b: Float64Array,
  bi: number,
  bw: number,
  by: number,
  m: number,
  n: number,
  k: number,
): void {
  for (let i = 0; i < m; i += 3) {
    const row = ci + i * cw
    const first = ai + i * aw
    for (let j = 0; j < n; j += 2) {
      const at = row + j
      let q0 = bi + j * by
      if (i + 3 > m || j + 2 > n) {
        // The few rows and columns that fill no tile, element by element.
        for (let r = 0; r < 3 && i + r < m; r++) {
          for (let t = 0; t < 2 && j + t < n; t++) {
            let x = c[at + r * cw + t]
            for (let l = 0; l < k; l++) x -= a[first + r * aw + l] * b[q0 + t * by + l * bw]
            c[at + r * cw + t] = x
          }
        }
        continue
      }
      let x00 = c[at]
      let x01 = c[at + 1]
      let x10 = c[at + cw]
      let x11 = c[at + cw + 1]
      let x20 = c[at + 2 * cw]
      let x21 = c[at + 2 * cw + 1]
      let q1 = (q0 + by) | 0
      let p0 = first
      let p1 = (p0 + aw) | 0
      let p2 = (p1 + aw) | 0
      // Cut to 32 bits, sums of indices need no checks for overflow.
      for (const last = p0 + k; p0 < last; p0 = (p0 + 1) | 0) {
        const y0 = b[q0]
        const y1 = b[q1]
        const x0 = a[p0]
        x00 -= x0 * y0
        x01 -= x0 * y1
        const x1 = a[p1]
        x10 -= x1 * y0
        x11 -= x1 * y1
        const x2 = a[p2]
        x20 -= x2 * y0
        x21 -= x2 * y1
        p1 = (p1 + 1) | 0
        p2 = (p2 + 1) | 0
        q0 = (q0 + bw) | 0
        q1 = (q1 + bw) | 0
      }
      c[at] = x00
      c[at + 1] = x01
      c[at + cw] = x10
      c[at + cw + 1] = x11
      c[at + 2 * cw] = x20
      c[at + 2 * cw + 1] = x21
    }
  }
}

/** The product of an m x k and a k x n matrix. */
export function product(call: Call, a: Float64Array, b: Float64Array, m: number, k: number, n: number): Float64Array {
  const out = zeros(m * n)
  const minus = zeros(m * k)
  for (let i = 0; i < m * k; i++) minus[i] = -a[i]
  call('subtract', 1, [m, n, k], [out, minus, b])
  return out
}

/** The most columns or rows that are handled one by one. */
const few = 6
/** The middle of a range, from which on the second half is handled with what the first half gave. */
const middle = (from: number, to: number): number => from + Math.ceil((to - from) / (2 * few)) * few

/**
 * Overwrites matrices with their LU factorizations, where rows are exchanged for the largest pivot. Returns for each step the
 * row that it was exchanged with, and for each matrix the number of the first pivot that is 0, from 1, or 0 if none is.
 */
export function factorLU(
  call: Call,
  a: Float64Array,
  count: number,
  m: number,
  n: number,
  exchanges = true,
): readonly [pivots: Float64Array, info: Float64Array] {
  const found = [zeros(count * Math.min(m, n)), zeros(count)] as const
  call('lu', count, [m, n, +exchanges], [a, ...found])
  return found
}

/** The factorization of some columns, which are divided in halves. */
function columnsOfLU(
  a: Float64Array,
  m: number,
  n: number,
  pivots: Float64Array,
  exchanges: boolean,
  from: number,
  to: number,
): number {
  if (to - from > few) {
    const half = middle(from, to)
    const first = columnsOfLU(a, m, n, pivots, exchanges, from, half)
    const right = from * n + half
    solveRows(a, from * (n + 1), n, a, right, n, half - from, to - half, false, true)
    subtract(a, half * (n + 1), n, a, half * n + from, n, a, right, n, 1, m - half, to - half, half - from)
    const second = columnsOfLU(a, m, n, pivots, exchanges, half, to)
    return first === 0 ? second : first
  }
  let singular = 0
  for (let k = from; k < to; k++) {
    let best = k
    if (exchanges) for (let i = k + 1; i < m; i++) if (Math.abs(a[i * n + k]) > Math.abs(a[best * n + k])) best = i
    pivots[k] = best
    const pivot = a[best * n + k]
    if (pivot === 0) {
      if (singular === 0) singular = k + 1
      continue
    }
    if (best !== k) swapRows(a, n, k, best)
    for (let i = k + 1; i < m; i++) {
      const factor = a[i * n + k] / pivot
      a[i * n + k] = factor
      for (let j = k + 1; j < to; j++) a[i * n + j] -= factor * a[k * n + j]
    }
  }
  return singular
}

/** The determinant of matrix number `batch`, given its LU factorization. */
export function determinantOf(lu: Float64Array, pivots: Float64Array, n: number, batch = 0): number {
  let product = 1
  for (let i = 0, at = batch * n; i < n; i++) {
    const pivot = lu[(at + i) * n + i]
    product *= pivots[at + i] === i ? pivot : -pivot
  }
  return product
}

/**
 * Overwrites symmetric matrices, of which the lower triangle is read, with their Cholesky factors. Returns for each the order
 * of the first leading minor that is not positive, or 0 if all are.
 */
export function factorCholesky(call: Call, a: Float64Array, count: number, n: number): Float64Array {
  const info = zeros(count)
  call('cholesky', count, [n], [a, info])
  return info
}

/** PyTorch's sentence about a matrix without a Cholesky factor. */
export const indefinite = (minor: number): string =>
  `The factorization could not be completed because the input is not positive-definite (the leading minor of order ${minor} is not positive-definite).`

/** The factorization of some columns, which are divided in halves; returns as `factorCholesky`. */
function columnsOfCholesky(a: Float64Array, n: number, from: number, to: number): number {
  if (to - from > few) {
    const half = middle(from, to)
    const first = columnsOfCholesky(a, n, from, half)
    if (first > 0) return first
    for (let j = half; j < to; j += few) {
      const left = j * n + from
      subtract(a, j * (n + 1), n, a, left, n, a, left, 1, n, n - j, Math.min(few, to - j), half - from)
    }
    return columnsOfCholesky(a, n, half, to)
  }
  for (let j = from; j < to; j++) {
    for (let i = j; i < n; i++) {
      let x = a[i * n + j]
      for (let k = from; k < j; k++) x -= a[i * n + k] * a[j * n + k]
      if (i > j) a[i * n + j] = x / a[j * n + j]
      else if (x > 0) a[i * n + i] = Math.sqrt(x)
      else return i + 1
    }
  }
  return 0
}

/**
 * Overwrites the n x k block of b at `bi` with the solution of T x = b for the triangular n x n block of t at `ti`; rows
 * are `bw` and `tw` apart. Only the triangle is read.
 */
function solveRows(
  t: Float64Array,
  ti: number,
  tw: number,
  b: Float64Array,
  bi: number,
  bw: number,
  n: number,
  k: number,
  upper: boolean,
  unit: boolean,
): void {
  if (n > few) {
    const half = middle(0, n)
    const below = bi + half * bw
    if (upper) {
      solveRows(t, ti + half * (tw + 1), tw, b, below, bw, n - half, k, upper, unit)
      subtract(b, bi, bw, t, ti + half, tw, b, below, bw, 1, half, k, n - half)
      solveRows(t, ti, tw, b, bi, bw, half, k, upper, unit)
    } else {
      solveRows(t, ti, tw, b, bi, bw, half, k, upper, unit)
      subtract(b, below, bw, t, ti + half * tw, tw, b, bi, bw, 1, n - half, k, half)
      solveRows(t, ti + half * (tw + 1), tw, b, below, bw, n - half, k, upper, unit)
    }
    return
  }
  for (let step = 0; step < n; step++) {
    const i = upper ? n - 1 - step : step
    const [row, to] = [ti + i * tw, bi + i * bw]
    for (let l = upper ? i + 1 : 0; l < (upper ? n : i); l++) {
      const factor = t[row + l]
      const from = bi + l * bw
      for (let j = 0; j < k; j++) b[to + j] -= factor * b[from + j]
    }
    const pivot = t[row + i]
    if (!unit) for (let j = 0; j < k; j++) b[to + j] /= pivot
  }
}

/** Transposes an n x n matrix. */
function turn(a: Float64Array, n: number): void {
  for (let i = 0; i < n; i++)
    for (let j = 0, p = i * n, q = i; j < i; j++, p++, q += n) {
      const x = a[p]
      a[p] = a[q]
      a[q] = x
    }
}

/** What `Routines` says of each, for one matrix. */
export const eliminations: Pick<Routines, 'lu' | 'cholesky' | 'triangle' | 'solve' | 'subtract' | 'invert'> = {
  lu([m, n, exchanges], [a, pivots, info]) {
    const steps = Math.min(m, n)
    info[0] = columnsOfLU(a, m, n, pivots, exchanges === 1, 0, steps)
    solveRows(a, 0, n, a, steps, n, steps, n - steps, false, true)
  },
  cholesky([n], [a, info]) {
    info[0] = columnsOfCholesky(a, n, 0, n)
    for (let i = 0; i < n; i++) a.fill(0, i * n + i + 1, (i + 1) * n)
  },
  triangle([n, k, upper, unit], [b, t]) {
    solveRows(t, 0, n, b, 0, k, n, k, upper === 1, unit === 1)
  },
  solve([n, k], [b, lu, pivots]) {
    for (let i = 0; i < n; i++) if (pivots[i] !== i) swapRows(b, k, i, pivots[i])
    eliminations.triangle([n, k, 0, 1], [b, lu])
    eliminations.triangle([n, k, 1, 0], [b, lu])
  },
  subtract([m, n, k], [c, a, b]) {
    subtract(c, 0, n, a, 0, k, b, 0, n, 1, m, n, k)
  },
  invert([n], [inverse, pivots, info, a]) {
    turn(a, n)
    eliminations.lu([n, n, 1], [a, pivots, info])
    for (let i = 0; i < n; i++) inverse[i * (n + 1)] = 1
    eliminations.solve([n, n], [inverse, a, pivots])
    turn(inverse, n)
  },
}

/** Sets the elements of a permutation, m x m, which is 0, given the rows that it exchanges. */
export function permute(p: Float64Array, m: number, pivots: Float64Array): void {
  const rows = Array.from({ length: m }, (_, i) => i)
  pivots.forEach((pivot, i) => {
    const row = rows[i]
    rows[i] = rows[pivot]
    rows[pivot] = row
  })
  rows.forEach((row, i) => void (p[row * m + i] = 1))
}

const pade = [
  64764752532480000, 32382376266240000, 7771770303897600, 1187353796428800, 129060195264000, 10559470521600,
  670442572800, 33522128640, 1323241920, 40840800, 960960, 16380, 182, 1,
]

/** The exponential of an n x n matrix: scaling and squaring with a Padé approximant (Higham, 2005). */
export function exponential(call: Call, a: Float64Array, n: number): Float64Array {
  let norm = 0
  for (let j = 0; j < n; j++) {
    let sum = 0
    for (let i = 0; i < n; i++) sum += Math.abs(a[i * n + j])
    norm = Math.max(norm, sum)
  }
  if (!Number.isFinite(norm)) return zeros(n * n).fill(Number.NaN)
  const squarings = Math.max(0, Math.ceil(Math.log2(norm / 5.371920351148152)))
  const x = a.map((value) => value / 2 ** squarings)
  const x2 = product(call, x, x, n, n, n)
  const [odd, even] = [zeros(n * n), zeros(n * n)]
  let power: Float64Array = zeros(n * n)
  for (let i = 0; i < n; i++) power[i * n + i] = 1
  for (let k = 0; k < pade.length; k += 2) {
    for (let i = 0; i < n * n; i++) {
      even[i] += pade[k] * power[i]
      odd[i] += pade[k + 1] * power[i]
    }
    if (k + 2 < pade.length) power = product(call, power, x2, n, n, n)
  }
  const u = product(call, x, odd, n, n, n)
  const [above, below] = [even.map((value, i) => value + u[i]), even.map((value, i) => value - u[i])]
  const [pivots] = factorLU(call, below, 1, n, n)
  call('solve', 1, [n, n], [above, below, pivots])
  let result: Float64Array = above
  for (let k = 0; k < squarings; k++) result = product(call, result, result, n, n, n)
  return result
}
