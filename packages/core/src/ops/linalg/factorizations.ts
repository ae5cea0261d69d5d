// The factorizations of one matrix, in float64: textbook algorithms (Golub and Van Loan, Matrix Computations, 4th
// edition), with LAPACK's signs and order where it defines them. A matrix is row-major, m x n; what a function
// overwrites, it says.

/** The transpose of an m x n matrix. */
export function transposed(a: Float64Array, m: number, n: number): Float64Array {
  const out = new Float64Array(m * n)
  for (let i = 0; i < m; i++) for (let j = 0; j < n; j++) out[j * m + i] = a[i * n + j]
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
 * Overwrites a matrix with its LU factorization, where rows are exchanged for the largest pivot. `pivots` gets for each
 * step the row that it was exchanged with. Returns the number of the first pivot that is 0, from 1, or 0 if none is.
 */
export function factorLU(a: Float64Array, m: number, n: number, pivots: Int32Array, exchanges = true): number {
  let singular = 0
  const steps = Math.min(m, n)
  for (let k = 0; k < steps; k++) {
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
      if (factor !== 0) for (let j = k + 1; j < n; j++) a[i * n + j] -= factor * a[k * n + j]
    }
  }
  return singular
}

/** The sign of a permutation given by its exchanges. */
export const signOf = (pivots: Int32Array): number => pivots.reduce((sign, p, k) => (p === k ? sign : -sign), 1)

/** Overwrites a symmetric matrix, of which the lower triangle is read, with its Cholesky factor; returns as `factorLU`. */
export function factorCholesky(a: Float64Array, n: number): number {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = a[i * n + j]
      for (let k = 0; k < j; k++) sum -= a[i * n + k] * a[j * n + k]
      if (i > j) a[i * n + j] = sum / a[j * n + j]
      else if (sum > 0) a[i * n + i] = Math.sqrt(sum)
      else return i + 1
    }
  }
  for (let i = 0; i < n; i++) a.fill(0, i * n + i + 1, (i + 1) * n)
  return 0
}

/** Overwrites b, n x k, with the solution of T x = b for a triangular n x n matrix, of which only the triangle is read. */
export function solveTriangle(
  t: Float64Array,
  b: Float64Array,
  n: number,
  k: number,
  upper: boolean,
  unit: boolean,
): void {
  for (let step = 0; step < n; step++) {
    const i = upper ? n - 1 - step : step
    for (let l = upper ? i + 1 : 0; l < (upper ? n : i); l++) {
      const factor = t[i * n + l]
      if (factor !== 0) for (let j = 0; j < k; j++) b[i * k + j] -= factor * b[l * k + j]
    }
    if (!unit) for (let j = 0; j < k; j++) b[i * k + j] /= t[i * n + i]
  }
}

/** Overwrites b, n x k, with the solution of A x = b, given the LU factorization of the transposed A. */
export function solveTransposedLU(lu: Float64Array, pivots: Int32Array, b: Float64Array, n: number, k: number): void {
  const t = transposed(lu, n, n)
  solveTriangle(t, b, n, k, false, false)
  solveTriangle(t, b, n, k, true, true)
  for (let i = n - 1; i >= 0; i--) if (pivots[i] !== i) swapRows(b, k, i, pivots[i])
}

/** Overwrites b, n x k, with the solution of A x = b, given the LU factorization of A. */
export function solveLU(lu: Float64Array, pivots: Int32Array, b: Float64Array, n: number, k: number): void {
  for (let i = 0; i < n; i++) if (pivots[i] !== i) swapRows(b, k, i, pivots[i])
  solveTriangle(lu, b, n, k, false, true)
  solveTriangle(lu, b, n, k, true, false)
}

/**
 * Overwrites an m x n matrix with the R of its QR factorization, and below that with the vectors of the Householder
 * reflections whose product is Q, without their first element, which is 1. Returns the factors of the reflections.
 */
export function packQR(a: Float64Array, m: number, n: number): Float64Array {
  const taus = new Float64Array(Math.min(m, n))
  for (let k = 0; k < taus.length; k++) {
    const alpha = a[k * n + k]
    let squares = 0
    for (let i = k + 1; i < m; i++) squares += a[i * n + k] ** 2
    if (squares === 0) continue
    const beta = -Math.sign(alpha === 0 ? 1 : alpha) * Math.hypot(alpha, Math.sqrt(squares))
    taus[k] = (beta - alpha) / beta
    for (let i = k + 1; i < m; i++) a[i * n + k] /= alpha - beta
    reflect(a, n, k + 1, k, taus[k], a, m, n)
    a[k * n + k] = beta
  }
  return taus
}

/** (I - tau v v') on the columns from `from` on of a matrix with `width` columns; v is column k of `packed`, m x n. */
function reflect(
  x: Float64Array,
  width: number,
  from: number,
  k: number,
  tau: number,
  packed: Float64Array,
  m: number,
  n: number,
): void {
  for (let j = from; j < width; j++) {
    let sum = x[k * width + j]
    for (let i = k + 1; i < m; i++) sum += packed[i * n + k] * x[i * width + j]
    sum *= tau
    x[k * width + j] -= sum
    for (let i = k + 1; i < m; i++) x[i * width + j] -= sum * packed[i * n + k]
  }
}

/** The QR factorization of a matrix: overwrites `a` with R, and returns the first `columns` columns of Q, m x columns. */
export function factorQR(a: Float64Array, m: number, n: number, columns: number): Float64Array {
  const taus = packQR(a, m, n)
  const q = new Float64Array(m * columns)
  for (let i = 0; i < columns; i++) q[i * columns + i] = 1
  for (let k = taus.length - 1; k >= 0; k--) if (taus[k] !== 0) reflect(q, columns, 0, k, taus[k], a, m, n)
  for (let i = 1; i < m; i++) a.fill(0, i * n, i * n + Math.min(i, n))
  return q
}

/**
 * Overwrites a symmetric matrix, of which the lower triangle is read, with its eigenvectors as columns; returns the
 * eigenvalues, ascending. Cyclic Jacobi rotations, which find small eigenvalues to high relative accuracy.
 */
export function eigenSymmetric(a: Float64Array, n: number): Float64Array {
  const s = new Float64Array(n * n)
  const v = new Float64Array(n * n)
  for (let i = 0; i < n; i++) {
    v[i * n + i] = 1
    for (let j = 0; j <= i; j++) s[i * n + j] = s[j * n + i] = a[i * n + j]
  }
  for (let sweep = 0; sweep < 60; sweep++) {
    let rotated = false
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        const spq = s[p * n + q]
        if (Math.abs(spq) <= 1e-17 * Math.sqrt(Math.abs(s[p * n + p] * s[q * n + q])) || Math.abs(spq) < 1e-300)
          continue
        rotated = true
        const theta = (s[q * n + q] - s[p * n + p]) / (2 * spq)
        const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1))
        const c = 1 / Math.sqrt(t * t + 1)
        const sin = t * c
        for (let k = 0; k < n; k++) {
          const [x, y] = [s[k * n + p], s[k * n + q]]
          s[k * n + p] = c * x - sin * y
          s[k * n + q] = sin * x + c * y
        }
        for (let k = 0; k < n; k++) {
          const [x, y] = [s[p * n + k], s[q * n + k]]
          s[p * n + k] = c * x - sin * y
          s[q * n + k] = sin * x + c * y
        }
        s[p * n + q] = s[q * n + p] = 0
        for (let k = 0; k < n; k++) {
          const [x, y] = [v[k * n + p], v[k * n + q]]
          v[k * n + p] = c * x - sin * y
          v[k * n + q] = sin * x + c * y
        }
      }
    }
    if (!rotated) break
  }
  const order = Array.from({ length: n }, (_, i) => i).sort((i, j) => s[i * n + i] - s[j * n + j])
  order.forEach((from, to) => {
    for (let k = 0; k < n; k++) a[k * n + to] = v[k * n + from]
  })
  return Float64Array.from(order, (i) => s[i * n + i])
}

/** The factors of `factorSVD`: u is m x k, s has k values, v is n x k, where k is the smaller of m and n. */
export interface SVD {
  readonly u: Float64Array
  readonly s: Float64Array
  readonly v: Float64Array
}

/**
 * The singular value decomposition of a matrix, by one-sided Jacobi rotations of the rows of the transposed R of its QR
 * factorization. Singular values descend.
 */
export function factorSVD(a: Float64Array, m: number, n: number): SVD {
  if (m < n) {
    const { u, s, v } = factorSVD(transposed(a, m, n), n, m)
    return { u: v, s, v: u }
  }
  const r = Float64Array.from(a)
  const q = factorQR(r, m, n, n)
  // Row j of `w` is column j of R, and row j of `z` column j of V.
  const w = transposed(r.subarray(0, n * n), n, n)
  const z = new Float64Array(n * n)
  for (let i = 0; i < n; i++) z[i * n + i] = 1
  const dot = (p: number, q: number): number => {
    let sum = 0
    for (let k = 0; k < n; k++) sum += w[p * n + k] * w[q * n + k]
    return sum
  }
  const rotate = (x: Float64Array, p: number, q: number, c: number, sin: number): void => {
    for (let k = 0; k < n; k++) {
      const [a, b] = [x[p * n + k], x[q * n + k]]
      x[p * n + k] = c * a - sin * b
      x[q * n + k] = sin * a + c * b
    }
  }
  for (let sweep = 0; sweep < 60; sweep++) {
    let rotated = false
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        const [pp, qq, pq] = [dot(p, p), dot(q, q), dot(p, q)]
        if (Math.abs(pq) <= 1e-16 * Math.sqrt(pp * qq) || Math.abs(pq) < 1e-300) continue
        rotated = true
        const theta = (qq - pp) / (2 * pq)
        const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1))
        const c = 1 / Math.sqrt(t * t + 1)
        rotate(w, p, q, c, t * c)
        rotate(z, p, q, c, t * c)
      }
    }
    if (!rotated) break
  }
  const lengths = Float64Array.from({ length: n }, (_, j) => Math.sqrt(dot(j, j)))
  const order = Array.from({ length: n }, (_, i) => i).sort((i, j) => lengths[j] - lengths[i])
  const most = n === 0 ? 0 : lengths[order[0]]
  const s = Float64Array.from(order, (j) => lengths[j])
  const v = new Float64Array(n * n)
  const inner = new Float64Array(n * n)
  order.forEach((from, to) => {
    const isZero = lengths[from] <= 1e-15 * most
    for (let k = 0; k < n; k++) {
      v[k * n + to] = z[from * n + k]
      inner[k * n + to] = isZero ? 0 : w[from * n + k] / lengths[from]
    }
  })
  complete(inner, n, n)
  const u = new Float64Array(m * n)
  for (let i = 0; i < m; i++) {
    for (let k = 0; k < n; k++) {
      const x = q[i * n + k]
      if (x !== 0) for (let j = 0; j < n; j++) u[i * n + j] += x * inner[k * n + j]
    }
  }
  return { u, s, v }
}

/** Replaces the columns of an m x n matrix that are 0 by ones that are orthogonal to all others, of length 1. */
export function complete(x: Float64Array, m: number, n: number): void {
  const dot = (f: (i: number) => number): number => {
    let sum = 0
    for (let i = 0; i < m; i++) sum += f(i)
    return sum
  }
  let axis = 0
  for (let j = 0; j < n; j++) {
    if (dot((i) => x[i * n + j] ** 2) > 0) continue
    for (; axis < m; axis++) {
      for (let i = 0; i < m; i++) x[i * n + j] = i === axis ? 1 : 0
      for (let pass = 0; pass < 2; pass++) {
        for (let k = 0; k < n; k++) {
          if (k === j) continue
          const part = dot((i) => x[i * n + j] * x[i * n + k])
          for (let i = 0; i < m; i++) x[i * n + j] -= part * x[i * n + k]
        }
      }
      const length = Math.sqrt(dot((i) => x[i * n + j] ** 2))
      if (length < 0.5 / Math.sqrt(m)) continue
      for (let i = 0; i < m; i++) x[i * n + j] /= length
      break
    }
  }
}

/** The product of an m x k and a k x n matrix. */
function product(a: Float64Array, b: Float64Array, m: number, k: number, n: number): Float64Array {
  const out = new Float64Array(m * n)
  for (let i = 0; i < m; i++) {
    for (let l = 0; l < k; l++) {
      const x = a[i * k + l]
      if (x !== 0) for (let j = 0; j < n; j++) out[i * n + j] += x * b[l * n + j]
    }
  }
  return out
}

const pade = [
  64764752532480000, 32382376266240000, 7771770303897600, 1187353796428800, 129060195264000, 10559470521600,
  670442572800, 33522128640, 1323241920, 40840800, 960960, 16380, 182, 1,
]

/** The exponential of an n x n matrix: scaling and squaring with a Padé approximant (Higham, 2005). */
export function exponential(a: Float64Array, n: number): Float64Array {
  let norm = 0
  for (let j = 0; j < n; j++) {
    let sum = 0
    for (let i = 0; i < n; i++) sum += Math.abs(a[i * n + j])
    norm = Math.max(norm, sum)
  }
  if (!Number.isFinite(norm)) return new Float64Array(n * n).fill(Number.NaN)
  const squarings = Math.max(0, Math.ceil(Math.log2(norm / 5.371920351148152)))
  const x = a.map((value) => value / 2 ** squarings)
  const x2 = product(x, x, n, n, n)
  const [odd, even] = [new Float64Array(n * n), new Float64Array(n * n)]
  let power: Float64Array = new Float64Array(n * n)
  for (let i = 0; i < n; i++) power[i * n + i] = 1
  for (let k = 0; k < pade.length; k += 2) {
    for (let i = 0; i < n * n; i++) {
      even[i] += pade[k] * power[i]
      odd[i] += pade[k + 1] * power[i]
    }
    if (k + 2 < pade.length) power = product(power, x2, n, n, n)
  }
  const u = product(x, odd, n, n, n)
  const [above, below] = [even.map((value, i) => value + u[i]), even.map((value, i) => value - u[i])]
  const pivots = new Int32Array(n)
  factorLU(below, n, n, pivots)
  solveLU(below, pivots, above, n, n)
  let result: Float64Array = above
  for (let k = 0; k < squarings; k++) result = product(result, result, n, n, n)
  return result
}
