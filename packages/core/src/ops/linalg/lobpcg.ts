// A few eigenpairs of a large symmetric matrix: the locally optimal block preconditioned conjugate gradient method, plain
// (Knyazev, 2001) and with an orthogonal basis (Duersch, Shao, Yang and Gu, A Robust and Efficient Implementation of
// LOBPCG, 2018). Steps and what stops them are PyTorch's. An op of the host, because its number of steps depends on values.
import { AssertionError, IndexError, LinAlgError, RuntimeError, ValueError } from '../../base/errors.ts'
import { dtypeName, isFloat } from '../../base/dtype.ts'
import { sameShape } from '../../base/shape.ts'
import { applyAll } from '../../tensor/apply.ts'
import type { OpDef, Vjp } from '../../tensor/op.ts'
import { formatSize } from '../../tensor/print.ts'
import { type Arguments, bool, int, method, nullable, number, optional, str, tensor } from '../../tensor/signature.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { expandTo } from '../define/elementwise.ts'
import { add, div, mul, sub } from '../pointwise/arithmetic.ts'
import { matmul } from '../product/matmul.ts'
import { randn } from '../random/random.ts'
import { stack } from '../views/join.ts'
import { narrow, reshape, unsqueeze } from '../views/views.ts'
import { betweenPairs, eigh } from './factor.ts'
import { factorCholesky, indefinite, product, transposed, zeros } from './factorizations.ts'
import { eigenSymmetric, factorQR } from './orthogonal.ts'
import { each, hostOp, matricesOf, sizeOf } from './host.ts'
import { inJavaScript } from './in-javascript.ts'
import { mT } from './triangular.ts'

/** A matrix, row by row. */
class Matrix {
  readonly rows: number
  readonly columns: number
  readonly data: Float64Array

  constructor(rows: number, columns: number, data: Float64Array = zeros(rows * columns)) {
    this.rows = rows
    this.columns = columns
    this.data = data
  }

  get t(): Matrix {
    return new Matrix(this.columns, this.rows, transposed(this.data, this.rows, this.columns))
  }

  times(other: Matrix): Matrix {
    const out = new Matrix(this.rows, other.columns)
    out.data.set(product(inJavaScript, this.data, other.data, this.rows, this.columns, other.columns))
    return out
  }

  map(f: (x: number, row: number, column: number) => number): Matrix {
    const { rows, columns } = this
    return new Matrix(
      rows,
      columns,
      this.data.map((x, i) => f(x, Math.floor(i / columns), i % columns)),
    )
  }

  minus(other: Matrix): Matrix {
    return new Matrix(
      this.rows,
      this.columns,
      this.data.map((x, i) => x - other.data[i]),
    )
  }

  /** The columns from `from` to before `to`. */
  part(from: number, to = this.columns): Matrix {
    const out = new Matrix(this.rows, to - from)
    for (let i = 0; i < this.rows; i++)
      out.data.set(this.data.subarray(i * this.columns + from, i * this.columns + to), i * out.columns)
    return out
  }

  /** The rows from `from` to before `to`. */
  band(from: number, to = this.rows): Matrix {
    return new Matrix(to - from, this.columns, this.data.slice(from * this.columns, to * this.columns))
  }

  get diagonal(): Float64Array {
    return Float64Array.from({ length: this.rows }, (_, i) => this.data[i * this.columns + i])
  }

  get norm(): number {
    return Math.sqrt(this.data.reduce((sum, x) => sum + x * x, 0))
  }
}

const beside = (...parts: readonly Matrix[]): Matrix => {
  const out = new Matrix(
    parts[0].rows,
    parts.reduce((sum, { columns }) => sum + columns, 0),
  )
  let at = 0
  for (const { rows, columns, data } of parts) {
    for (let i = 0; i < rows; i++) out.data.set(data.subarray(i * columns, (i + 1) * columns), i * out.columns + at)
    at += columns
  }
  return out
}

/** The eigenvalues, ascending or descending, and the eigenvectors of a symmetric matrix, whose upper triangle is read. */
function eigenpairs({ t, rows }: Matrix, descending = false): [values: Float64Array, vectors: Matrix] {
  const values = eigenSymmetric(inJavaScript, t.data, rows, true)
  if (!descending) return [values, t]
  return [values.reverse(), t.map((_, i, j) => t.data[i * rows + rows - 1 - j])]
}

interface Search {
  readonly niter: number
  readonly tol: number
  readonly largest: boolean
  readonly basic: boolean
  readonly weighted: boolean
  readonly preconditioned: boolean
}

/** The search in one matrix; `B` and `K` undefined stand for the identity. */
class LOBPCG {
  private E: Float64Array
  private X: Matrix
  private R: Matrix
  /** The directions of the step before, and the residuals of what has not converged. */
  private P: Matrix
  private W: Matrix
  private converged = 0
  private readonly A: Matrix
  private readonly B: Matrix | undefined
  private readonly K: Matrix | undefined
  private readonly how: Search
  private readonly norms: { readonly a: number; readonly b: number }

  constructor(A: Matrix, X: Matrix, B: Matrix | undefined, K: Matrix | undefined, how: Search) {
    this.A = A
    this.B = B
    this.K = K
    this.how = how
    if (X.norm === 0) throw new RuntimeError('0.0 cannot be raised to a negative power', 'X is 0 everywhere.')
    this.norms = { a: A.times(X).norm / X.norm, b: this.weigh(X).norm / X.norm }
    const R = this.ritz(X)
    const [values, Z] = eigenpairs(R.t.times(this.inner(A, X)).times(R), how.largest)
    this.X = X.times(R.times(Z))
    // PyTorch leaves the values for the next step.
    this.E = how.basic ? values : zeros(X.columns)
    this.P = new Matrix(X.rows, 0)
    this.R = this.residual()
    this.W = this.next()
  }

  /** Until `k` pairs have converged, or for `niter` steps, of which the first has been done. */
  run(k: number): [Float64Array, Matrix] {
    for (let left = this.how.niter - 1; left !== 0 && this.converged < k; left--) this.step()
    return [this.E, this.X]
  }

  private step(): void {
    const { A, X, how, converged } = this
    const open = X.columns - converged
    const S = beside(X.part(converged), this.P, this.W)
    const R = how.basic ? this.ritz(S) : undefined
    const inner = this.inner(A, S)
    const [values, Z] = eigenpairs(R === undefined ? inner : R.t.times(inner).times(R), how.largest)
    const basis = R === undefined ? S : S.times(R)
    this.X = beside(X.part(0, converged), basis.times(Z.part(0, open)))
    this.E = this.E.map((value, i) => (i < converged ? value : values[i - converged]))
    this.P = basis.times(
      how.basic
        ? Z.part(Math.min(X.columns, Z.columns), Math.min(X.columns + open, Z.columns))
        : this.directions(Z, open),
    )
    this.R = this.residual()
    this.W = this.next()
  }

  /** Orthonormal directions beyond the first `open` of eigenvectors. */
  private directions(Z: Matrix, open: number): Matrix {
    const { t } = Z.band(0, open).part(open)
    const columns = Math.min(t.rows, t.columns)
    const Q = factorQR(inJavaScript, t.data, t.rows, t.columns, columns)
    return Z.part(open).times(new Matrix(t.rows, columns, Q))
  }

  /** Counts what has converged, and returns the new directions of the others. */
  private next(): Matrix {
    const { E, X, R, P, norms, how } = this
    const before = this.converged
    const size = (x: Matrix, j: number): number => x.part(j, j + 1).norm
    let count = 0
    while (count < E.length && size(R, count) / (size(X, count) * (norms.a + E[count] * norms.b)) < how.tol) count++
    if (count < before)
      throw new AssertionError(
        `the number of converged eigenpairs (was ${before}, got ${count}) cannot decrease`,
        'Give a larger tol, or fewer eigenpairs.',
      )
    this.converged = count
    const rest = R.part(count)
    if (how.basic) return this.K === undefined ? rest : this.K.times(rest)
    return this.orthogonal(rest, beside(X, P))
  }

  private residual(): Matrix {
    const { A, X, E } = this
    const BX = this.weigh(X)
    return A.times(X).minus(BX.map((x, _, j) => x * E[j]))
  }

  private weigh(x: Matrix): Matrix {
    return this.B === undefined ? x : this.B.times(x)
  }

  /** x' a x. */
  private inner(a: Matrix | undefined, x: Matrix): Matrix {
    return x.t.times(a === undefined ? x : a.times(x))
  }

  /** R with R' S' B S R = 1, upper triangular. */
  private ritz(S: Matrix): Matrix {
    const SBS = this.inner(this.B, S)
    const n = SBS.rows
    const d = SBS.diagonal.map((x) => x ** -0.5)
    const scaled = SBS.map((x, i, j) => x * d[i] * d[j])
    const lower = scaled.data
    const [minor] = factorCholesky(inJavaScript, lower, 1, n)
    if (minor > 0)
      throw new LinAlgError(
        `linalg.cholesky: ${indefinite(minor)}`,
        "The directions are dependent: method 'ortho' removes such.",
      )
    const inverse = new Matrix(n, n).map((_, i, j) => (i === j ? 1 : 0))
    inJavaScript('triangle', 1, [n, n, 0, 0], [inverse.data, lower])
    return inverse.t.map((x, i) => x * d[i])
  }

  /** Columns that span what those of U do, orthonormal as `B` measures. */
  private orthonormal(U: Matrix): Matrix {
    const found = this.inner(this.B, U).diagonal
    const kept = [...found.keys()].filter((j) => found[j] !== 0)
    const V = kept.length === U.columns ? U : beside(new Matrix(U.rows, 0), ...kept.map((j) => U.part(j, j + 1)))
    if (V.columns === 0) return V
    const UBU = this.inner(this.B, V)
    const d = UBU.diagonal.map((x) => x ** -0.5)
    const [values, Z] = eigenpairs(UBU.map((x, i, j) => x * d[i] * d[j]))
    const least = this.how.tol * values.reduce((most, x) => Math.max(most, Math.abs(x)), 0)
    return V.map((x, _, j) => x * d[j]).times(Z.map((z, _, j) => z * Math.max(values[j], least) ** -0.5))
  }

  /** Orthonormal columns from those of U, orthogonal to those of V. */
  private orthogonal(start: Matrix, V: Matrix): Matrix {
    const { tol } = this.how
    const size = this.weigh(V).norm
    let U = start
    for (let i = 0; i < 3; i++) {
      U = U.minus(V.times(V.t.times(this.weigh(U))))
      for (let j = 0; j < 3; j++) {
        U = this.orthonormal(U)
        if (U.columns === 0) return U
        const BU = this.weigh(U)
        const gap = U.t.times(BU).map((x, row, column) => (row === column ? x - 1 : x))
        if (gap.norm / (BU.norm * U.norm) < tol) break
      }
      if (V.t.times(this.weigh(U)).norm / (size * U.norm) < tol) break
    }
    return U
  }
}

const lobpcgOp: OpDef<Search & { readonly k: number }> = hostOp<Search & { readonly k: number }>({
  name: 'LOBPCGAutogradFunctionBackward',
  label: 'lobpcg',
  infer: ([a, x], { k }) => {
    const count = Math.min(k, sizeOf(x))
    return [{ sizes: [...a.sizes.slice(0, -2), count], dtype: a.dtype }, matricesOf(a, sizeOf(a), count)]
  },
  saves: () => ({ inputs: [0], outputs: [0, 1] }),
  vjp: (ctx) => {
    if (ctx.attrs.weighted)
      throw new ValueError('lobpcg.backward does not support backward with B != I yet.', 'Detach A and B.')
    return [gradient(ctx)]
  },
  run: each((inputs, [values, vectors], { k, weighted, ...how }, specs) => {
    const matrices = inputs.map((data, i) => {
      const [rows, columns] = specs[i].sizes.slice(-2)
      return new Matrix(rows, columns, data)
    })
    const [A, X] = matrices
    const B = weighted ? matrices[2] : undefined
    const K = how.preconditioned ? matrices[matrices.length - 1] : undefined
    const [E, V] = new LOBPCG(A, X, B, K, { ...how, weighted }).run(k)
    values.set(E.subarray(0, values.length))
    vectors.set(V.part(0, values.length).data)
  }),
})

/** Of a symmetric matrix: within the space of the found vectors as `eigh`, and from what is orthogonal to them. */
function gradient(ctx: Vjp<Search & { readonly k: number }>): Tensor | null {
  const [dl, dv] = ctx.dys
  const [a, l, v] = [ctx.input(0), ctx.output(0), ctx.output(1)]
  const [m, k] = v.sizes.slice(-2)
  const values = dl === null ? null : matmul(v, mul(unsqueeze(dl, -1), mT(v)))
  if (dv === null) return values
  const gaps = (x: Tensor): Tensor => sub(unsqueeze(l, -2), unsqueeze(x, -1))
  const own = matmul(v, betweenPairs(gaps(l), matmul(mT(v), dv)))
  const all = eigh(a)
  const from = ctx.attrs.largest ? 0 : k
  const others = narrow(all.eigenvectors, -1, from, m - k)
  const rest = matmul(others, div(matmul(mT(others), dv), gaps(narrow(all.eigenvalues, -1, from, m - k))))
  const vectors = matmul(add(own, rest), mT(v))
  return values === null ? vectors : add(values, vectors)
}

const lobpcgArguments = method(
  'lobpcg',
  optional('k', nullable(int), null),
  optional('B', nullable(tensor), null),
  optional('X', nullable(tensor), null),
  optional('n', nullable(int), null),
  optional('iK', nullable(tensor), null),
  optional('niter', nullable(int), null),
  optional('tol', nullable(number), null),
  optional('largest', nullable(bool), null),
  optional('method', nullable(str), null),
)
interface LobpcgOptions {
  /** The number of eigenpairs; by default that of X's columns, or 1. */
  readonly k?: number | null
  /** The matrix on the right of A x = λ B x, positive-definite. */
  readonly B?: Tensor | null
  /** Vectors to begin with, [..., m, n]; by default random ones. */
  readonly X?: Tensor | null
  /** The number of random vectors, by default k. */
  readonly n?: number | null
  /** A preconditioner [m, m], roughly the inverse of A; only 'basic' uses it. */
  readonly iK?: Tensor | null
  /** The most steps, by default 1000; negative for any number. */
  readonly niter?: number | null
  /** How small the residuals have to be, by default the root of the dtype's precision. */
  readonly tol?: number | null
  /** The largest eigenvalues, by default, or the smallest. */
  readonly largest?: boolean | null
  /** 'ortho', by default, or 'basic', whose steps are cheaper and may fail. */
  readonly method?: 'ortho' | 'basic' | null
}
/**
 * The `k` largest or smallest eigenvalues [..., k] of large symmetric matrices [..., m, m] and their eigenvectors [..., m,
 * k], by LOBPCG. Gradients are those of a symmetric matrix, and need `B` to be absent.
 *
 * Throws a ValueError for m < 3 n, and an AssertionError for matrices that are not square.
 *
 * @example
 * manualSeed(0)
 * const [E] = lobpcg(diag(tensor([1, 2, 3, 4])), 1)
 * E // tensor([4.])
 */
export function lobpcg(
  A: Tensor,
  ...args: Arguments<
    [
      k: number | null,
      B: Tensor | null,
      X: Tensor | null,
      n: number | null,
      iK: Tensor | null,
      niter: number | null,
      tol: number | null,
      largest: boolean | null,
      method: 'ortho' | 'basic' | null,
    ],
    LobpcgOptions
  >
): [eigenvalues: Tensor, eigenvectors: Tensor] {
  const [count, B, given, width, iK, niter, tol, largest, name] = lobpcgArguments(A, args)
  if (name !== null && name !== 'ortho' && name !== 'basic')
    throw new ValueError(`method must be 'ortho' or 'basic', but got '${name}'`)
  if (A.dim() < 2)
    throw new IndexError('tuple index out of range', `A is a matrix, not a tensor of ${A.dim()} dimensions.`)
  const [m, columns] = A.sizes.slice(-2)
  if (m !== columns) throw new AssertionError(formatSize(A.sizes), 'A has to be square.')
  if (B !== null && !sameShape(A.sizes, B.sizes))
    throw new AssertionError(`(${formatSize(A.sizes)}, ${formatSize(B.sizes)})`, 'A and B have the same shape.')
  if (!isFloat(A.dtype))
    throw new RuntimeError(`expected scalar type ${dtypeName[A.dtype]} but found Float`, 'Convert A first: A.float().')
  const k = count ?? (given === null ? 1 : given.sizes[given.dim() - 1])
  const n = given === null ? (width ?? k) : given.sizes[given.dim() - 1]
  if (m < 3 * n)
    throw new ValueError(
      `LPBPCG algorithm is not applicable when the number of A rows (=${m}) is smaller than 3 x the number of requested eigenpairs (=${n})`,
      'linalg.eigh finds all of them.',
    )
  const lead = A.sizes.slice(0, -2)
  const batch = lead.reduce((product, size) => product * size, 1)
  const random = (): Tensor => randn(m, n, { dtype: A.dtype, device: A.device })
  const drawn = (): Tensor =>
    lead.length === 0 ? random() : reshape(stack(Array.from({ length: batch }, random)), [...lead, m, n])
  const X = given ?? drawn()
  if (!sameShape(X.sizes, [...lead, m, n]))
    throw new AssertionError(`(${formatSize(X.sizes)}, (${[...lead, m, n].join(', ')}))`, 'X has a row for each of A.')
  for (const x of [X, B, iK])
    if (x !== null && x.dtype !== A.dtype)
      throw new RuntimeError(`expected scalar type ${dtypeName[A.dtype]} but found ${dtypeName[x.dtype]}`)
  const symmetric = (x: Tensor): Tensor => mul(add(x, mT(x)), 0.5)
  const isLeaf = A.requiresGrad || B?.requiresGrad === true
  const inputs = [A, B].flatMap((x) => (x === null ? [] : [isLeaf ? symmetric(x) : x]))
  const all = [inputs[0], X, ...inputs.slice(1), ...(iK === null ? [] : [expandTo(iK, A.sizes)])]
  const [E, V] = applyAll(lobpcgOp, all, {
    k,
    niter: niter ?? 1000,
    tol: tol ?? Math.sqrt(A.dtype === 'float64' ? 2.23e-16 : 1.2e-7),
    largest: largest ?? true,
    basic: name === 'basic',
    weighted: B !== null,
    preconditioned: iK !== null,
  })
  return [E, V]
}
