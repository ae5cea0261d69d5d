// Orthogonal factorizations of one matrix, in float64: QR, eigenvalues of a symmetric matrix, and singular values. One
// Householder reflection serves all three; eigenvalues and singular values are then found by implicit shifted iterations
// on a tridiagonal or bidiagonal matrix (Golub and Van Loan, Matrix Computations, 4th edition, chapters 5 and 8). A matrix
// is row-major, m x n; what a function overwrites, it says.
import { transposed, zeros } from './factorizations.ts'
import type { Call, Routines } from './routines.ts'

const epsilon = 2 ** -53

/**
 * Makes the reflection I - tau v v' that leaves only the first of n elements, which start at `at` and are `step` apart.
 * Overwrites them with what it leaves and with v without its first element, which is 1; v gets all of it. Returns tau.
 */
function reflection(a: Float64Array, at: number, step: number, n: number, v: Float64Array): number {
  let squares = 0
  v[0] = 1
  for (let i = 1, p = at + step; i < n; i++, p += step) {
    const x = a[p]
    v[i] = x
    squares += x * x
  }
  if (squares === 0) return 0
  const alpha = a[at]
  const beta = alpha < 0 ? Math.hypot(alpha, Math.sqrt(squares)) : -Math.hypot(alpha, Math.sqrt(squares))
  for (let i = 1, p = at + step; i < n; i++, p += step) a[p] = v[i] /= alpha - beta
  a[at] = beta
  return (beta - alpha) / beta
}

/**
 * Overwrites `count` vectors of n elements with (I - tau v v') times each. The first vector starts at `at`; vectors are
 * `across` apart, and their elements `along`: so both the columns and the rows of a block can be reflected. Six vectors
 * at a time have their products with v in registers.
 */
function reflect(
  a: Float64Array,
  at: number,
  across: number,
  along: number,
  count: number,
  n: number,
  v: Float64Array,
  tau: number,
): void {
  if (tau === 0) return
  const whole = count - (count % 6)
  for (let k = 0; k < whole; k += 6) {
    const p0 = (at + k * across) | 0
    let s0 = 0
    let s1 = 0
    let s2 = 0
    let s3 = 0
    let s4 = 0
    let s5 = 0
    for (let i = 0, p = p0; i < n; i++, p = (p + along) | 0) {
      const x = v[i]
      s0 += x * a[p]
      s1 += x * a[(p + across) | 0]
      s2 += x * a[(p + 2 * across) | 0]
      s3 += x * a[(p + 3 * across) | 0]
      s4 += x * a[(p + 4 * across) | 0]
      s5 += x * a[(p + 5 * across) | 0]
    }
    s0 *= tau
    s1 *= tau
    s2 *= tau
    s3 *= tau
    s4 *= tau
    s5 *= tau
    for (let i = 0, p = p0; i < n; i++, p = (p + along) | 0) {
      const x = v[i]
      a[p] -= x * s0
      a[(p + across) | 0] -= x * s1
      a[(p + 2 * across) | 0] -= x * s2
      a[(p + 3 * across) | 0] -= x * s3
      a[(p + 4 * across) | 0] -= x * s4
      a[(p + 5 * across) | 0] -= x * s5
    }
  }
  for (let k = whole; k < count; k++) {
    const p0 = at + k * across
    let sum = 0
    for (let i = 0, p = p0; i < n; i++, p += along) sum += v[i] * a[p]
    sum *= tau
    for (let i = 0, p = p0; i < n; i++, p += along) a[p] -= sum * v[i]
  }
}

/** Overwrites m x n matrices with the R of their QR factorizations and reflections below; returns their factors. */
export function packQR(call: Call, a: Float64Array, count: number, m: number, n: number): Float64Array {
  const taus = zeros(count * Math.min(m, n))
  call('qr', count, [m, n], [a, taus])
  return taus
}

/** The first `columns` columns, m x columns, of a product of reflections: the routine `reflected`. */
function productOf(
  call: Call,
  a: Float64Array,
  step: number,
  along: number,
  skip: number,
  taus: Float64Array,
  m: number,
  columns: number,
): Float64Array {
  const q = zeros(m * columns)
  call('reflected', 1, [m, columns, skip, step, along], [q, a, taus])
  return q
}

/** The QR factorization of a matrix: overwrites `a` with R, and returns the first `columns` columns of Q, m x columns. */
export function factorQR(call: Call, a: Float64Array, m: number, n: number, columns: number): Float64Array {
  const taus = packQR(call, a, 1, m, n)
  const q = productOf(call, a, n, 1, 0, taus, m, columns)
  for (let i = 1; i < m; i++) a.fill(0, i * n, i * n + Math.min(i, n))
  return q
}

/** What `Routines` says of each, for one matrix. */
export const reflections: Pick<Routines, 'qr' | 'reflected' | 'tridiagonal' | 'bidiagonal' | 'rotate'> = {
  qr([m, n], [a, taus]) {
    const v = zeros(m)
    for (let k = 0; k < taus.length; k++) {
      taus[k] = reflection(a, k * (n + 1), n, m - k, v)
      reflect(a, k * (n + 1) + 1, 1, n, n - k - 1, m - k, v, taus[k])
    }
  },
  reflected([m, columns, skip, step, along], [q, a, taus]) {
    const v = zeros(m)
    for (let i = 0; i < columns; i++) q[i * columns + i] = 1
    for (let k = taus.length - 1; k >= 0; k--) {
      const first = k + skip
      v[0] = 1
      for (let i = 1, p = first * step + k * along + step; i < m - first; i++, p += step) v[i] = a[p]
      reflect(q, first * (columns + 1), 1, columns, columns - first, m - first, v, taus[k])
    }
  },
  tridiagonal([n], [a, d, e, taus]) {
    const v = zeros(n)
    for (let k = 0; k < n; k++) {
      const rest = n - k - 1
      const at = (k + 1) * (n + 1)
      if (k < n - 2) {
        taus[k] = reflection(a, at - 1, n, rest, v)
        reflect(a, at, n, 1, rest, rest, v, taus[k])
        reflect(a, at, 1, n, rest, rest, v, taus[k])
      }
      d[k] = a[k * (n + 1)]
      if (rest > 0) e[k] = a[at - 1]
    }
  },
  bidiagonal([m, n], [a, d, e, left, right]) {
    const v = zeros(m)
    for (let k = 0; k < n; k++) {
      const at = k * (n + 1)
      const rest = n - k - 1
      left[k] = reflection(a, at, n, m - k, v)
      reflect(a, at + 1, 1, n, rest, m - k, v, left[k])
      if (k < n - 2) {
        right[k] = reflection(a, at + 1, 1, rest, v)
        reflect(a, at + n + 1, n, 1, m - k - 1, rest, v, right[k])
      }
      d[k] = a[at]
      if (rest > 0) e[k] = a[at + 1]
    }
  },
  rotate([n], [a, c, s, spans]) {
    // As integers, because doubles are slow indices.
    const words = Int32Array.from(spans)
    for (let i = 0, at = 0; i < words.length; at += words[i + 2], i += 3)
      rotate(a, n, words[i], words[i + 1], words[i + 2], c, s, at)
  },
}

/**
 * Rotates rows of n elements, from row `from` on each with the next one, which is `by` rows on: the first becomes
 * c x + s y, the other c y - s x, where c and s begin at `at`. Two rotations at a time read and write the row between them
 * once.
 */
function rotate(
  a: Float64Array,
  n: number,
  from: number,
  by: number,
  count: number,
  c: Float64Array,
  s: Float64Array,
  at: number,
): void {
  const step = by * n
  let p = from * n
  for (let i = at, end = at + count; i < end; i += 2, p += 2 * step) {
    const c0 = c[i]
    const s0 = s[i]
    if (i + 1 === end) {
      for (let k = p, last = p + n; k < last; k++) {
        const x = a[k]
        const y = a[k + step]
        a[k] = c0 * x + s0 * y
        a[k + step] = c0 * y - s0 * x
      }
      return
    }
    const c1 = c[i + 1]
    const s1 = s[i + 1]
    const q = p + step
    const r = q + step
    for (let k = 0; k < n; k++) {
      const x = a[p + k]
      const y = a[q + k]
      const z = a[r + k]
      const between = c0 * y - s0 * x
      a[p + k] = c0 * x + s0 * y
      a[q + k] = c1 * between + s1 * z
      a[r + k] = c1 * z - s1 * between
    }
  }
}

/** Rotations of rows, which wait until there are many. */
interface Rotations {
  readonly c: Float64Array
  readonly s: Float64Array
  /** Notes a span (`rotate` in routines.ts). Returns where its numbers go in c and s. */
  next(from: number, by: number, count: number): number
  flush(): void
}

/** Of rows of n elements, up to `most` at a time; without elements they are none. */
function rotationsOf(call: Call, rows: Float64Array, n: number, most: number): Rotations {
  // For few rows, V8 keeps the numbers in its own heap, and a call costs nothing. Those of U and of V have as much room.
  const room = most > 8 ? 16 * most : most
  const [c, s] = [zeros(room), zeros(room)]
  let spans: number[] = []
  let at = 0
  const flush = (): void => {
    if (n > 0) call('rotate', 1, [n], [rows, c, s, new Float64Array(spans)])
    spans = []
    at = 0
  }
  return {
    c,
    s,
    next(from, by, count) {
      if (at + count > room) flush()
      spans.push(from, by, count)
      at += count
      return at - count
    },
    flush,
  }
}

/** Sorts values, ascending times `sign`, and rows of n elements that belong to them. */
function sortRows(values: Float64Array, sign: number, ...matrices: (readonly [a: Float64Array, n: number])[]): void {
  const order = Array.from(values.keys()).sort((i, j) => sign * (values[i] - values[j]))
  values.set(order.map((i) => values[i]))
  for (const [a, n] of matrices) {
    const old = a.slice()
    for (const [to, from] of order.entries()) if (to !== from) a.set(old.subarray(from * n, from * n + n), to * n)
  }
}

/**
 * The power of two that the largest element is below, by which a matrix is divided so that squares neither overflow nor
 * vanish: 1 if all are 0, and NaN or Infinity if an element is.
 */
function scaleOf(a: Float64Array): number {
  let most = 0
  for (let i = 0; i < a.length; i++) {
    const x = Math.abs(a[i])
    if (!(x <= most)) most = x
    if (x !== x) return x
  }
  return most === 0 ? 1 : 2 ** Math.floor(Math.log2(most))
}

/**
 * The eigenvalues of a symmetric matrix, ascending, of which the lower triangle is read: reflections make it tridiagonal,
 * and QL iterations with implicit shifts diagonal. Overwrites it, with `vectors` with its eigenvectors as columns.
 */
export function eigenSymmetric(call: Call, a: Float64Array, n: number, vectors: boolean): Float64Array {
  for (let i = 0; i < n; i++) for (let j = i + 1; j < n; j++) a[i * n + j] = a[j * n + i]
  const scale = scaleOf(a)
  const d = zeros(n)
  if (!Number.isFinite(scale)) {
    a.fill(Number.NaN)
    return d.fill(Number.NaN)
  }
  for (let i = 0; i < n * n; i++) a[i] /= scale
  const e = zeros(n)
  const taus = zeros(Math.max(0, n - 2))
  call('tridiagonal', 1, [n], [a, d, e, taus])
  const z = vectors ? transposed(productOf(call, a, n, 1, 1, taus, n, n), n, n) : a
  const rotations = rotationsOf(call, z, vectors ? n : 0, n)
  const { c: cs, s: ss } = rotations
  for (let l = 0; l < n; ) {
    let m = l
    while (m < n - 1 && Math.abs(e[m]) > epsilon * (Math.abs(d[m]) + Math.abs(d[m + 1]))) m++
    if (m === l) {
      l++
      continue
    }
    // The eigenvalue of the leading 2 x 2 block that is nearer to d[l], subtracted from the last diagonal element.
    const half = (d[l + 1] - d[l]) / (2 * e[l])
    const root = Math.sqrt(half * half + 1)
    let g = d[m] - d[l] + e[l] / (half < 0 ? half - root : half + root)
    let s = 1
    let c = 1
    let p = 0
    let i = m - 1
    const at = rotations.next(m, -1, m - l)
    for (; i >= l; i--) {
      const f = s * e[i]
      const b = c * e[i]
      const r = Math.sqrt(f * f + g * g)
      e[i + 1] = r
      if (r === 0) {
        d[i + 1] -= p
        // No other rows are rotated.
        cs.fill(1, at + m - 1 - i, at + m - l)
        ss.fill(0, at + m - 1 - i, at + m - l)
        break
      }
      s = f / r
      c = g / r
      const x = d[i + 1] - p
      const y = (d[i] - x) * s + 2 * c * b
      p = s * y
      d[i + 1] = x + p
      g = c * y - b
      cs[at + m - 1 - i] = c
      ss[at + m - 1 - i] = s
    }
    if (i < l) {
      d[l] -= p
      e[l] = g
    }
    e[m] = 0
  }
  rotations.flush()
  for (let i = 0; i < n; i++) d[i] *= scale
  if (vectors) {
    sortRows(d, 1, [z, n])
    a.set(transposed(z, n, n))
  } else d.sort()
  return d
}

export type Vectors = 'reduced' | 'full' | 'none'
/** The factors of `factorSVD`: s has k values, the smaller of m and n; the rows of ut and vt are the vectors. */
export interface SVD {
  readonly ut: Float64Array
  readonly s: Float64Array
  readonly vt: Float64Array
}

/**
 * The singular value decomposition of a matrix, which it overwrites if all elements are finite, because otherwise all
 * factors are NaN. Singular values descend. ut is k x m and vt k x n, with 'full' m x m and n x n, with 'none' they are empty. Reflections make the matrix bidiagonal, and implicit QR
 * iterations diagonal (Demmel and Kahan, Accurate singular values of bidiagonal matrices, 1990).
 */
export function factorSVD(call: Call, a: Float64Array, m: number, n: number, vectors: Vectors): SVD {
  if (m < n) {
    const { ut, s, vt } = factorSVD(call, transposed(a, m, n), n, m, vectors)
    return { ut: vt, s, vt: ut }
  }
  const [columns, hasVectors] = [vectors === 'full' ? m : n, vectors !== 'none']
  const scale = scaleOf(a)
  const d = zeros(n)
  if (!Number.isFinite(scale)) {
    const [ut, vt] = hasVectors ? [zeros(m * columns), zeros(n * n)] : [d, d]
    return { ut: ut.fill(Number.NaN), s: d.fill(Number.NaN), vt: vt.fill(Number.NaN) }
  }
  const e = zeros(n)
  const left = zeros(n)
  const right = zeros(Math.max(0, n - 2))
  for (let i = 0; i < m * n; i++) a[i] /= scale
  call('bidiagonal', 1, [m, n], [a, d, e, left, right])
  const ut = hasVectors ? transposed(productOf(call, a, n, 1, 0, left, m, columns), m, columns) : e
  const vt = hasVectors ? transposed(productOf(call, a, 1, n, 1, right, n, n), n, n) : ut
  const [height, width] = hasVectors ? [m, n] : [0, 0]
  diagonalize(d, e, rotationsOf(call, ut, height, n), rotationsOf(call, vt, width, n))
  for (let i = 0; i < n; i++) {
    d[i] *= scale
    if (d[i] >= 0) continue
    d[i] = -d[i]
    for (let j = 0; j < width; j++) vt[i * n + j] *= -1
  }
  if (hasVectors) sortRows(d, -1, [ut, m], [vt, n])
  else d.sort().reverse()
  return { ut, s: d, vt }
}

/**
 * Makes a bidiagonal matrix, with d on its diagonal and e beside it, diagonal. Rotations of its columns also rotate rows of
 * the transposed V, and those of its rows the ones of the transposed U.
 */
function diagonalize(d: Float64Array, e: Float64Array, ofU: Rotations, ofV: Rotations): void {
  let norm = 0
  for (let i = 0; i < d.length; i++) norm = Math.max(norm, Math.abs(d[i]), Math.abs(e[i]))
  const least = epsilon * norm
  for (let hi = d.length - 1; hi > 0; ) {
    let lo = hi
    let smallest = Math.abs(d[hi])
    while (lo > 0 && Math.abs(e[lo - 1]) > least) smallest = Math.min(smallest, Math.abs(d[--lo]))
    if (lo === hi) {
      hi--
      continue
    }
    // The iteration goes from the larger end to the smaller one. From below, the block is its own transpose.
    const isDown = Math.abs(d[lo]) >= Math.abs(d[hi])
    const [by, first, last] = isDown ? [1, lo, hi] : [-1, hi, lo]
    const [columns, rows] = isDown ? [ofV, ofU] : [ofU, ofV]
    const { c: cs, s: ss } = columns
    const { c: rowCs, s: rowSs } = rows
    // The element beside d[i] and d[i + by] is e[i + beside].
    const beside = isDown ? 0 : -1
    // The smaller singular value of the last 2 x 2 block.
    const [f, g, h] = [Math.abs(d[last - by]), e[last - by + beside], Math.abs(d[last])]
    const shift = (2 * f * h) / (Math.hypot(f + h, g) + Math.hypot(f - h, g))
    const start = d[first]
    let c = 1
    let s = 0
    // Both have as many.
    let k = columns.next(first, by, hi - lo)
    rows.next(first, by, hi - lo)
    // Without a shift that would change something, in a form that brings a 0 on the diagonal to the end in one iteration.
    if (smallest <= least || (shift / start) ** 2 < epsilon) {
      let [oldC, oldS] = [1, 0]
      for (let i = first; i !== last; i += by) {
        const r = Math.hypot(d[i] * c, e[i + beside])
        s = r === 0 ? 0 : e[i + beside] / r
        c = r === 0 ? 1 : (d[i] * c) / r
        if (i !== first) e[i - by + beside] = oldS * r
        const [x, y] = [oldC * r, d[i + by] * s]
        d[i] = Math.hypot(x, y)
        oldC = d[i] === 0 ? 1 : x / d[i]
        oldS = d[i] === 0 ? 0 : y / d[i]
        cs[k] = c
        ss[k] = s
        rowCs[k] = oldC
        rowSs[k++] = oldS
      }
      c *= d[last]
      d[last] = c * oldC
      e[last - by + beside] = c * oldS
      continue
    }
    let x = (Math.abs(start) - shift) * (Math.sign(start) + shift / start)
    let y = e[first + beside]
    for (let i = first; i !== last; i += by) {
      const j = i + beside
      let r = Math.sqrt(x * x + y * y)
      c = r === 0 ? 1 : x / r
      s = r === 0 ? 0 : y / r
      if (i !== first) e[j - by] = r
      x = c * d[i] + s * e[j]
      e[j] = c * e[j] - s * d[i]
      y = s * d[i + by]
      d[i + by] *= c
      cs[k] = c
      ss[k] = s
      r = Math.sqrt(x * x + y * y)
      c = r === 0 ? 1 : x / r
      s = r === 0 ? 0 : y / r
      d[i] = r
      x = c * e[j] + s * d[i + by]
      d[i + by] = c * d[i + by] - s * e[j]
      if (i + by !== last) {
        y = s * e[j + by]
        e[j + by] *= c
      }
      rowCs[k] = c
      rowSs[k++] = s
    }
    e[last - by + beside] = x
  }
  ofU.flush()
  ofV.flush()
}
