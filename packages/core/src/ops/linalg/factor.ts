// Factorizations of matrices, as `torch.linalg` has them. They are computed in float64, and rounded to the dtype of the
// matrix. The gradients are written in ops, after Giles, Collected matrix derivative results (2008), and Townsend,
// Differentiating the singular value decomposition (2016).
import type { Spec } from '../../backend/backend.ts'
import { LinAlgError, RuntimeError } from '../../base/errors.ts'
import { apply, applyAll } from '../../tensor/apply.ts'
import type { Gradients, OpDef, Vjp } from '../../tensor/op.ts'
import { type Arguments, bool, keyword, method, optional, str } from '../../tensor/signature.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { filled } from '../define/fill.ts'
import { cat } from '../views/join.ts'
import { add, div, mul, neg, sub } from '../pointwise/arithmetic.ts'
import { matmul } from '../product/matmul.ts'
import { diagEmbed, tril, triu } from '../views/triangles.ts'
import { diagonal, narrow, unsqueeze } from '../views/views.ts'
import { eye } from '../create/create.ts'
import { factorCholesky, factorLU, indefinite, permute, transposed } from './factorizations.ts'
import { eigenSymmetric, factorQR, factorSVD, type SVD, type Vectors } from './orthogonal.ts'
import {
  batchElement,
  checkMatrix,
  checkSquare,
  each,
  extentsOf,
  hostOp,
  infoOf,
  likeOf,
  matricesOf,
  matrixSizes,
  refuse,
  sizeOf,
} from './host.ts'
import type { Call } from './routines.ts'
import { results, type Three, type Two } from './results.ts'
import { mT, triangleSolved } from './triangular.ts'

/** Copies of the diagonals, and matrices with only them. */
const diagonals = (x: Tensor): Tensor => diagonal(x, 0, -2, -1)
/** A matrix with its diagonal times `factor`. */
const scaledDiagonal = (x: Tensor, factor: number): Tensor => add(x, diagEmbed(mul(diagonals(x), factor - 1)))

// ---- Cholesky ----

interface CholeskyAttrs {
  readonly upper: boolean
  /** PyTorch's name in the error, or null for a factorization that tells instead of throwing. */
  readonly label: string | null
}

const choleskyOp = hostOp<CholeskyAttrs>({
  name: 'LinalgCholeskyExBackward0',
  label: 'linalg.cholesky',
  infer: ([x]) => [likeOf(x), infoOf(x)],
  saves: () => ({ outputs: [0] }),
  vjp: (ctx: Vjp<CholeskyAttrs>) => [choleskyGradient(ctx.dy, ctx.output(), ctx.attrs)],
  run([a], { upper, label }, specs, call) {
    const [count, n] = extentsOf(specs[0])
    const turned = (x: Float64Array): Float64Array => (upper ? transposed(x, n, n) : x)
    const lower = turned(a)
    const info = factorCholesky(call, lower, count, n)
    refuse(LinAlgError, label, specs, info, indefinite)
    return [turned(lower), info]
  },
})

function choleskyGradient(dy: Tensor, factor: Tensor, { upper }: CholeskyAttrs): Tensor {
  const [l, dl] = upper ? [mT(factor), mT(dy)] : [factor, dy]
  const phi = tril(matmul(mT(l), dl))
  const symmetric = mul(add(phi, mT(tril(phi, -1))), 0.5)
  const left = triangleSolved(mT(l), symmetric, { upper: true, left: true, unitriangular: false })
  return triangleSolved(l, left, { upper: false, left: false, unitriangular: false })
}

const choleskyArguments = method('linalg_cholesky', keyword('upper', bool, false))
/**
 * The Cholesky factor L of a symmetric positive-definite matrix, L L' = A, or with `upper` its transpose. Only the
 * triangle of that side is read. Batches: [..., n, n].
 *
 * Throws a LinAlgError if the matrix is not positive-definite.
 *
 * @example
 * linalg.cholesky(tensor([[4, 2], [2, 5]]))
 * // tensor([[2., 0.],
 * //         [1., 2.]])
 */
export function cholesky(x: Tensor, ...args: [options?: { readonly upper?: boolean }]): Tensor {
  const [upper] = choleskyArguments(x, args)
  checkSquare('linalg.cholesky', x)
  return apply(choleskyOp, [x], { upper, label: 'linalg.cholesky' })
}

const oldCholesky = method('cholesky', optional('upper', bool, false))
/** `linalg.cholesky`, with the option `upper` by position. */
export function choleskyOf(x: Tensor, ...args: [upper?: boolean | { readonly upper?: boolean }]): Tensor {
  const [upper] = oldCholesky(x, args)
  checkSquare('cholesky', x)
  return apply(choleskyOp, [x], { upper, label: 'cholesky' })
}

const choleskyExArguments = method(
  'linalg_cholesky_ex',
  keyword('upper', bool, false),
  keyword('checkErrors', bool, false),
)
/**
 * The Cholesky factor, and for each matrix the order of the first leading minor that is not positive-definite, or 0: the
 * factor is complete where that is 0.
 */
export function choleskyEx(
  x: Tensor,
  ...args: [options?: { readonly upper?: boolean; readonly checkErrors?: boolean }]
): Two<'L' | 'info'> {
  const [upper, check] = choleskyExArguments(x, args)
  checkSquare('linalg.cholesky_ex', x)
  const [L, info] = applyAll(choleskyOp, [x], { upper, label: check ? 'linalg.cholesky_ex' : null })
  return results('linalg_cholesky_ex', { L, info })
}

// ---- QR ----

type Mode = 'reduced' | 'complete' | 'r'
const qrOp = hostOp<Mode>({
  name: 'LinalgQrBackward0',
  label: 'linalg.qr',
  infer([x], mode) {
    const [m, n] = x.sizes.slice(-2)
    const k = mode === 'complete' ? m : Math.min(m, n)
    return [{ sizes: mode === 'r' ? [0] : matrixSizes(x, m, k), dtype: x.dtype }, matricesOf(x, k, n)]
  },
  saves: () => ({ outputs: [0, 1] }),
  vjp: (ctx: Vjp<Mode>) => [qrGradient(ctx)],
  run: each(([a], [q, r], mode, [{ sizes }], call) => {
    const [m, n] = sizes.slice(-2)
    const columns = mode === 'complete' ? m : Math.min(m, n)
    const found = factorQR(call, a, m, n, columns)
    if (mode !== 'r') q.set(found)
    r.set(a.subarray(0, r.length))
  }),
})

function qrGradient(ctx: Vjp<Mode>): Tensor {
  const mode = ctx.attrs
  const [dq, dr] = ctx.dys
  const [q, r] = [ctx.output(0), ctx.output(1)]
  if (mode === 'r') {
    throw new RuntimeError(
      "The derivative of linalg.qr depends on Q, which is not computed when mode='r'. Please use linalg.qr(A, mode='reduced') if you are going to differentiate through linalg.qr.",
    )
  }
  const [m, k] = q.sizes.slice(-2)
  const n = sizeOf(r)
  if (mode === 'complete' && m > n) {
    throw new RuntimeError("The QR decomposition is not differentiable when mode='complete' and nrows > ncols.")
  }
  const inner = dr === null ? null : matmul(dr, mT(r))
  const own = dq === null ? null : matmul(mT(q), dq)
  const zero = filled(matrixSizes(r, k, k), r.dtype, 0, r.storage.device)
  const difference = sub(inner ?? zero, own ?? zero)
  if (m >= n) {
    const upper = triu(difference)
    const symmetric = scaledDiagonal(add(upper, mT(upper)), 0.5)
    const left = matmul(q, symmetric)
    const all = dq === null ? left : add(left, dq)
    return triangleSolved(mT(r), all, { upper: false, left: false, unitriangular: false })
  }
  const lower = neg(difference)
  const skew = tril(sub(lower, mT(lower)))
  const first = mT(narrow(r, -1, 0, m))
  const solved = triangleSolved(first, skew, { upper: false, left: false, unitriangular: false })
  const rest = filled(matrixSizes(r, m, n - m), r.dtype, 0, r.storage.device)
  const wide = cat([solved, rest], -1)
  return matmul(q, dr === null ? wide : add(wide, dr))
}

const qrArguments = method('linalg_qr', optional('mode', str, 'reduced'))
/**
 * The QR factorization: A = Q R with orthonormal columns in Q and an upper triangular R. Of [..., m, n], with k the
 * smaller of m and n, mode 'reduced' gives Q [m, k] and R [k, n], 'complete' [m, m] and [m, n], and 'r' only R.
 *
 * @example
 * const { Q, R } = linalg.qr(tensor([[3, 1], [4, 2]]))
 * R
 * // tensor([[-5.0000, -2.2000],
 * //         [ 0.0000,  0.4000]])
 */
export function qr(x: Tensor, ...args: [mode?: Mode | { readonly mode?: Mode }]): Two<'Q' | 'R'> {
  const [mode] = qrArguments(x, args)
  if (mode !== 'reduced' && mode !== 'complete' && mode !== 'r')
    throw new RuntimeError(
      `qr received unrecognized mode '${mode}' but expected one of 'reduced' (default), 'r', or 'complete'`,
    )
  checkMatrix('linalg.qr', x)
  const [Q, R] = applyAll(qrOp, [x], mode)
  return results('linalg_qr', { Q, R })
}

const oldQr = method('qr', optional('some', bool, true))
/** `linalg.qr`: reduced, or without `some` complete. */
export function qrOf(x: Tensor, ...args: [some?: boolean | { readonly some?: boolean }]): ReturnType<typeof qr> {
  const [some] = oldQr(x, args)
  checkMatrix('linalg.qr', x)
  const [Q, R] = applyAll(qrOp, [x], some ? 'reduced' : 'complete')
  return results('qr', { Q, R })
}

// ---- eigenvalues ----

interface Symmetric {
  readonly upper: boolean
}
const eighOp = hostOp<Symmetric>({
  name: 'LinalgEighBackward0',
  label: 'linalg.eigh',
  infer: ([x]) => [{ sizes: x.sizes.slice(0, -1), dtype: x.dtype }, likeOf(x)],
  saves: () => ({ outputs: [0, 1] }),
  vjp: (ctx: Vjp<Symmetric>) => {
    const [dl, dv] = ctx.dys
    const [l, v] = [ctx.output(0), ctx.output(1)]
    let inner = dl === null ? null : diagEmbed(dl)
    if (dv !== null) {
      const gaps = sub(unsqueeze(l, -2), unsqueeze(l, -1))
      const off = betweenPairs(gaps, matmul(mT(v), dv))
      inner = inner === null ? off : add(inner, off)
    }
    return [inner === null ? null : matmul(v, matmul(inner, mT(v)))]
  },
  run: each(([a], [values, vectors], { upper }, [spec], call) => {
    const n = sizeOf(spec)
    const lower = upper ? transposed(a, n, n) : a
    values.set(eigenSymmetric(call, lower, n, true))
    vectors.set(lower)
  }),
})

/** The eigenvalues alone: the rule finds the vectors that the gradient needs. */
const eigvalshOp = hostOp<Symmetric>({
  name: 'LinalgEighBackward0',
  label: 'linalg.eigvalsh',
  infer: ([x]) => [{ sizes: x.sizes.slice(0, -1), dtype: x.dtype }],
  saves: () => ({ inputs: [0] }),
  vjp: (ctx: Vjp<Symmetric>) => {
    const v = applyAll(eighOp, [ctx.input(0)], ctx.attrs)[1]
    return [matmul(mul(v, unsqueeze(ctx.dy, -2)), mT(v))]
  },
  run: each(([a], [values], { upper }, [spec], call) => {
    const n = sizeOf(spec)
    values.set(eigenSymmetric(call, upper ? transposed(a, n, n) : a, n, false))
  }),
})

/** A square matrix with 1 on the diagonal. */
function withoutDiagonal(x: Tensor): Tensor {
  const n = sizeOf(x)
  return add(x, eye(n, { dtype: x.dtype, device: x.device }))
}

/** A square matrix divided by the gaps between eigenvalues, 0 where there is none. */
export function betweenPairs(gaps: Tensor, x: Tensor): Tensor {
  const own = div(x, withoutDiagonal(gaps))
  return sub(own, diagEmbed(diagonals(own)))
}

const eighArguments = method('linalg_eigh', optional('UPLO', str, 'L'))
function isUpper(side: string): boolean {
  const upper = side.toUpperCase()
  if (upper !== 'L' && upper !== 'U') throw new RuntimeError(`Expected UPLO argument to be 'L' or 'U', but got ${side}`)
  return upper === 'U'
}

type Side = 'L' | 'U'
/**
 * The eigenvalues of a symmetric matrix, ascending, and its eigenvectors as columns: A = V diag(L) V'. Only the lower
 * triangle is read, or with 'U' the upper one. Batches: [..., n, n]. Gradients of the vectors need distinct eigenvalues.
 *
 * @example
 * linalg.eigh(tensor([[2, 1], [1, 2]])).eigenvalues // tensor([1., 3.])
 */
export function eigh(
  x: Tensor,
  ...args: [UPLO?: Side | { readonly UPLO?: Side }]
): Two<'eigenvalues' | 'eigenvectors'> {
  const [side] = eighArguments(x, args)
  checkSquare('linalg.eigh', x)
  const [eigenvalues, eigenvectors] = applyAll(eighOp, [x], { upper: isUpper(side) })
  return results('linalg_eigh', { eigenvalues, eigenvectors })
}

const eigvalshArguments = method('linalg_eigvalsh', optional('UPLO', str, 'L'))
/** The eigenvalues of a symmetric matrix, ascending; see `eigh`. */
export function eigvalsh(x: Tensor, ...args: [UPLO?: Side | { readonly UPLO?: Side }]): Tensor {
  const [side] = eigvalshArguments(x, args)
  checkSquare('linalg.eigh', x)
  return apply(eigvalshOp, [x], { upper: isUpper(side) })
}

// ---- singular values ----

interface Full {
  readonly full: boolean
}
const svdOp: OpDef<Full> = hostOp<Full>({
  name: 'LinalgSvdBackward0',
  label: 'linalg.svd',
  infer([x], { full }) {
    const [m, n] = x.sizes.slice(-2)
    const k = Math.min(m, n)
    return [matricesOf(x, m, full ? m : k), matricesOf(x, k), matricesOf(x, full ? n : k, n)]
  },
  saves: () => ({ outputs: [0, 1, 2] }),
  vjp: (ctx: Vjp<Full>) => svdGradient(ctx),
  run: each(([a], [u, values, vh], { full }, specs, call, batch) => {
    const m = specs[0].sizes[specs[0].sizes.length - 2]
    const { ut, s, vt } = singular(call, a, specs, batch, full ? 'full' : 'reduced')
    values.set(s)
    u.set(transposed(ut, ut.length / m, m))
    vh.set(vt)
  }),
})

/** `factorSVD` of a matrix of a batch. Throws PyTorch's error if an element is NaN. */
export function singular(call: Call, a: Float64Array, specs: readonly Spec[], batch: number, vectors: Vectors): SVD {
  const [m, n] = specs[0].sizes.slice(-2)
  const found = factorSVD(call, a, m, n, vectors)
  if (Number.isNaN(found.s[0]) && a.some(Number.isNaN)) {
    throw new LinAlgError(
      `linalg.svd: ${batchElement(specs, batch)}The algorithm failed to converge because the input matrix contained non-finite values.`,
    )
  }
  return found
}

/** The singular values alone: the rule finds the vectors that the gradient needs. */
const svdvalsOp = hostOp<null>({
  name: 'LinalgSvdBackward0',
  label: 'linalg.svdvals',
  infer: ([x]) => [{ sizes: matrixSizes(x, Math.min(...x.sizes.slice(-2))), dtype: x.dtype }],
  saves: () => ({ inputs: [0] }),
  vjp: (ctx: Vjp<null>) => {
    const [u, , vh] = applyAll(svdOp, [ctx.input(0)], { full: false })
    return [matmul(mul(u, unsqueeze(ctx.dy, -2)), vh)]
  },
  run: each(([a], [values], _, specs, call, batch) => void values.set(singular(call, a, specs, batch, 'none').s)),
})

function svdGradient(ctx: Vjp<Full>): Gradients {
  const { dys } = ctx
  const s = ctx.output(1)
  const k = sizeOf(s)
  const [u, vh] = [narrow(ctx.output(0), -1, 0, k), narrow(ctx.output(2), -2, 0, k)]
  const [du, dvh] = [
    dys[0] === null ? null : narrow(dys[0], -1, 0, k),
    dys[2] === null ? null : narrow(dys[2], -2, 0, k),
  ]
  const ds = dys[1]
  let inner = ds === null ? null : diagEmbed(ds)
  const plus = (x: Tensor): void => void (inner = inner === null ? x : add(inner, x))
  const squares = mul(s, s)
  const gaps = withoutDiagonal(sub(unsqueeze(squares, -2), unsqueeze(squares, -1)))
  const skew = (x: Tensor): Tensor => sub(x, mT(x))
  if (du !== null) plus(mul(div(skew(matmul(mT(u), du)), gaps), unsqueeze(s, -2)))
  if (dvh !== null) plus(mul(unsqueeze(s, -1), div(skew(matmul(vh, mT(dvh))), gaps)))
  let dx = inner === null ? null : matmul(u, matmul(inner, vh))
  const m = u.sizes[u.sizes.length - 2]
  const n = sizeOf(vh)
  if (du !== null && m > k) {
    const scaled = div(du, unsqueeze(s, -2))
    const outside = matmul(sub(scaled, matmul(u, matmul(mT(u), scaled))), vh)
    dx = dx === null ? outside : add(dx, outside)
  }
  if (dvh !== null && n > k) {
    const scaled = div(dvh, unsqueeze(s, -1))
    const outside = matmul(u, sub(scaled, matmul(matmul(scaled, mT(vh)), vh)))
    dx = dx === null ? outside : add(dx, outside)
  }
  return [dx]
}

type FullOption = boolean | { readonly fullMatrices?: boolean }
const svdArguments = method('linalg_svd', optional('fullMatrices', bool, true))
/**
 * The singular value decomposition A = U diag(S) Vh of [..., m, n], with k the smaller of m and n: U is [m, m], S [k],
 * descending, and Vh [n, n]; with `fullMatrices: false` U is [m, k] and Vh [k, n]. Gradients of U and Vh need distinct
 * singular values.
 *
 * @example
 * linalg.svd(tensor([[3, 0], [0, 4]])).S // tensor([4., 3.])
 */
export function svd(x: Tensor, ...args: [fullMatrices?: FullOption]): Three<'U' | 'S' | 'Vh'> {
  const [full] = svdArguments(x, args)
  checkMatrix('linalg.svd', x)
  const [U, S, Vh] = applyAll(svdOp, [x], { full })
  return results('linalg_svd', { U, S, Vh })
}

/** The singular values of [..., m, n], in the order and with the checks of `svd`. */
export function singularValues(x: Tensor): Tensor {
  checkMatrix('linalg.svd', x)
  return apply(svdvalsOp, [x], null)
}

const svdvalsArguments = method('linalg_svdvals')
/**
 * The singular values of a matrix, descending.
 *
 * @example
 * linalg.svdvals(tensor([[3, 0], [0, 4]])) // tensor([4., 3.])
 */
export function svdvals(x: Tensor, ...none: []): Tensor {
  svdvalsArguments(x, none)
  return singularValues(x)
}

const oldSvd = method('svd', optional('some', bool, true), optional('computeUv', bool, true))
/** `linalg.svd` with V instead of its transpose: reduced, or without `some` full. */
export function svdOf(
  x: Tensor,
  ...args: Arguments<[some: boolean, computeUv: boolean], { readonly some?: boolean; readonly computeUv?: boolean }>
): Three<'U' | 'S' | 'V'> {
  const [some, computes] = oldSvd(x, args)
  checkMatrix('linalg.svd', x)
  const [u, S, vh] = applyAll(svdOp, [x], { full: !some })
  const zeros = (like: Tensor): Tensor => filled(like.sizes, like.dtype, 0, like.storage.device)
  return results('svd', computes ? { U: u, S, V: mT(vh) } : { U: zeros(u), S, V: zeros(mT(vh)) })
}

// ---- LU ----

interface Pivoting {
  readonly pivot: boolean
}
const luOp: OpDef<Pivoting> = hostOp<Pivoting>({
  name: 'LinalgLuBackward0',
  label: 'linalg.lu',
  infer([x]) {
    const [m, n] = x.sizes.slice(-2)
    const k = Math.min(m, n)
    return [matricesOf(x, m, m), matricesOf(x, m, k), matricesOf(x, k, n)]
  },
  saves: () => ({ outputs: [0, 1, 2] }),
  vjp: (ctx: Vjp<Pivoting>) => {
    const [, dl, du] = ctx.dys
    return [luGradient([ctx.output(0), ctx.output(1), ctx.output(2)], dl, du)]
  },
  run: each(([a], [p, l, u], { pivot }, [{ sizes }], call) => {
    const [m, n] = sizes.slice(-2)
    const k = Math.min(m, n)
    const [pivots] = factorLU(call, a, 1, m, n, pivot)
    permute(p, m, pivots)
    for (let i = 0; i < m; i++) for (let j = 0; j < k; j++) l[i * k + j] = i === j ? 1 : i > j ? a[i * n + j] : 0
    for (let i = 0; i < k; i++) for (let j = i; j < n; j++) u[i * n + j] = a[i * n + j]
  }),
})

/** The gradient of a matrix, given those of its factors L and U. */
export function luGradient([p, l, u]: readonly Tensor[], dl: Tensor | null, du: Tensor | null): Tensor {
  const [m, n] = [l.sizes[l.sizes.length - 2], sizeOf(u)]
  if (m !== n)
    throw new RuntimeError('The gradient of linalg.lu is there for square matrices only', `This one is ${m} by ${n}.`)
  const zero = filled(l.sizes, l.dtype, 0, l.storage.device)
  const inner = add(dl === null ? zero : tril(matmul(mT(l), dl), -1), du === null ? zero : triu(matmul(du, mT(u))))
  const right = triangleSolved(mT(u), inner, { upper: false, left: false, unitriangular: false })
  const left = triangleSolved(mT(l), right, { upper: true, left: true, unitriangular: true })
  return matmul(p, left)
}

const luArguments = method('linalg_lu', keyword('pivot', bool, true))
/**
 * The LU factorization with exchanged rows: A = P L U, with a permutation P [m, m], a unit lower triangle L [m, k] and an
 * upper triangle U [k, n]. The gradient is there for square matrices.
 *
 * @example
 * linalg.lu(tensor([[1, 2], [4, 4]])).U
 * // tensor([[4., 4.],
 * //         [0., 1.]])
 */
export function lu(x: Tensor, ...args: [options?: { readonly pivot?: boolean }]): Three<'P' | 'L' | 'U'> {
  const [pivot] = luArguments(x, args)
  checkMatrix('linalg.lu', x)
  const [P, L, U] = applyAll(luOp, [x], { pivot })
  return results('linalg_lu', { P, L, U })
}
