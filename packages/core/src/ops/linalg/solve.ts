// Inverses, determinants, systems of linear equations and what is built on them, as `torch.linalg` has them.
import { dtypeName, isFloat } from '../../base/dtype.ts'
import { LinAlgError, RuntimeError } from '../../base/errors.ts'
import { numelOf, sameShape } from '../../base/shape.ts'
import { apply, applyAll } from '../../tensor/apply.ts'
import type { OpDef, Vjp } from '../../tensor/op.ts'
import {
  type Arguments,
  type Takes,
  bool,
  either,
  int,
  ints,
  keyword,
  method,
  nullable,
  number,
  optional,
  real,
  required,
  str,
  tensor,
} from '../../tensor/signature.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { eye } from '../create/create.ts'
import { filled, toDType } from '../define/fill.ts'
import { add, div, mul, neg, sub } from '../pointwise/arithmetic.ts'
import { eq } from '../pointwise/comparison.ts'
import { where } from '../pointwise/where.ts'
import { matmul } from '../product/matmul.ts'
import { cat } from '../views/join.ts'
import { tril } from '../views/triangles.ts'
import { narrow, permute, reshape, select, squeeze, unsqueeze } from '../views/views.ts'
import { sum } from '../reduce/reduce.ts'
import { determinantOf, exponential, factorLU, product, transposed, zeros } from './factorizations.ts'
import { factorSVD } from './orthogonal.ts'
import { eigvalsh, singular, singularValues } from './factor.ts'
import {
  checkDims,
  checkFloat,
  checkMatrix,
  checkSides,
  checkSquare,
  each,
  extentsOf,
  hostOp,
  infoOf,
  likeOf,
  matricesOf,
  refuse,
  sizeOf,
} from './host.ts'
import { results, type Two } from './results.ts'
import { checkSameDType, checkSystem, mT, together, triangleSolved } from './triangular.ts'

// ---- inverse ----

/** null: tell instead of throwing. */
type Label = string | null

const invOp: OpDef<Label> = hostOp<Label>({
  name: 'LinalgInvExBackward0',
  label: 'linalg.inv',
  infer: ([x]) => [likeOf(x), infoOf(x)],
  saves: () => ({ outputs: [0] }),
  vjp: (ctx: Vjp<Label>) => {
    const turned = mT(ctx.output())
    return [neg(matmul(turned, matmul(ctx.dy, turned)))]
  },
  run([a], label, specs, call) {
    const [count, n] = extentsOf(specs[0])
    const [inverse, info] = [zeros(a.length), zeros(count)]
    call('invert', count, [n], [inverse, zeros(count * n), info, a])
    refuse(
      LinAlgError,
      label,
      specs,
      info,
      (zero) =>
        `The diagonal element ${zero} is zero, the inversion could not be completed because the input matrix is singular.`,
    )
    return [inverse, info]
  },
})

const invArguments = method('linalg_inv')
/**
 * The inverse of a square matrix, [..., n, n].
 *
 * Throws a LinAlgError for a singular matrix.
 *
 * @example
 * linalg.inv(tensor([[2, 0], [0, 4]]))
 * // tensor([[0.5000, 0.0000],
 * //         [0.0000, 0.2500]])
 */
export function inv(x: Tensor, ...none: []): Tensor {
  invArguments(x, none)
  checkSquare('linalg.inv', x)
  return apply(invOp, [x], 'linalg.inv')
}

const invExArguments = method('linalg_inv_ex', keyword('checkErrors', bool, false))
/** The inverse, and for each matrix the number of the first pivot that is 0, or 0: the inverse is one where that is 0. */
export function invEx(x: Tensor, ...args: [options?: { readonly checkErrors?: boolean }]): Two<'inverse' | 'info'> {
  const [check] = invExArguments(x, args)
  checkSquare('linalg.inv_ex', x)
  const [inverse, info] = applyAll(invOp, [x], check ? 'linalg.inv_ex' : null)
  return results('linalg_inv_ex', { inverse, info })
}

// ---- determinants ----

const wide = (x: Tensor): Tensor => unsqueeze(unsqueeze(x, -1), -1)

/** The matrix of cofactors, also of a singular matrix: the gradient of the determinant. */
const cofactorOp: OpDef<null> = hostOp<null>({
  name: 'cofactor',
  label: 'linalg.det',
  infer: ([x]) => [likeOf(x)],
  saves: () => ({ inputs: [0], outputs: [0] }),
  // Of regular matrices; a singular one has none in this form.
  vjp: (ctx: Vjp<null>) => {
    const [x, y] = [ctx.input(0), ctx.output()]
    const along = mul(wide(sum(mul(ctx.dy, y), [-2, -1])), y)
    return [div(sub(along, matmul(y, matmul(mT(ctx.dy), y))), wide(apply(determinantOp, [x], null)))]
  },
  run: each(([a], [out], _, [spec], call) => {
    const n = sizeOf(spec)
    const determinant = (lu: Float64Array): number => determinantOf(lu, factorLU(call, lu, 1, n, n)[0], n)
    const lu = transposed(a, n, n)
    const [pivots] = factorLU(call, lu, 1, n, n)
    const size = determinantOf(lu, pivots, n)
    if (size !== 0) {
      for (let i = 0; i < n; i++) out[i * (n + 1)] = size
      return call('solve', 1, [n, n], [out, lu, pivots])
    }
    const { ut, s, vt } = factorSVD(call, a, n, n, 'reduced')
    const turn = Math.sign(determinant(ut.slice()) * determinant(vt.slice()))
    for (let k = 0; k < n; k++) {
      const rest = s.reduce((product, value, i) => (i === k ? product : product * value), turn)
      for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) out[i * n + j] += rest * ut[k * n + i] * vt[k * n + j]
    }
  }),
})

const determinantOp: OpDef<null> = hostOp<null>({
  name: 'LinalgDetBackward0',
  label: 'linalg.det',
  infer: ([x]) => [matricesOf(x)],
  saves: () => ({ inputs: [0] }),
  vjp: (ctx: Vjp<null>) => [mul(wide(ctx.dy), apply(cofactorOp, [ctx.input(0)], null))],
  run([a], _, specs, call) {
    const [count, n] = extentsOf(specs[0])
    const [pivots, info] = factorLU(call, a, count, n, n)
    return [info.map((_, batch) => determinantOf(a, pivots, n, batch))]
  },
})

const detArguments = method('linalg_det')
/**
 * The determinant of a square matrix.
 *
 * @example
 * linalg.det(tensor([[1, 2], [3, 4]])) // tensor(-2.)
 */
export function det(x: Tensor, ...none: []): Tensor {
  detArguments(x, none)
  checkSquare('linalg.det', x)
  return apply(determinantOp, [x], null)
}

const slogdetOp: OpDef<null> = hostOp<null>({
  name: 'LinalgSlogdetBackward0',
  label: 'linalg.slogdet',
  infer: ([x]) => [matricesOf(x), matricesOf(x)],
  saves: () => ({ inputs: [0] }),
  vjp: (ctx: Vjp<null>) => {
    const dy = ctx.dys[1]
    if (dy === null) return [null]
    const turned = mT(apply(invOp, [ctx.input(0)], 'linalg.slogdet'))
    return [mul(unsqueeze(unsqueeze(dy, -1), -1), turned)]
  },
  run([a], _, specs, call) {
    const [count, n] = extentsOf(specs[0])
    const [pivots] = factorLU(call, a, count, n, n)
    const [sign, log] = [zeros(count).fill(1), zeros(count)]
    for (let i = 0; i < count * n; i++) {
      const [batch, pivot] = [Math.floor(i / n), a[i * n + (i % n)]]
      sign[batch] *= Math.sign(pivots[i] === i % n ? pivot : -pivot)
      log[batch] += Math.log(Math.abs(pivot))
    }
    return [sign, log]
  },
})

const slogdetArguments = method('linalg_slogdet')
/**
 * The sign of the determinant and the logarithm of its absolute value, which neither overflow nor underflow.
 *
 * @example
 * linalg.slogdet(tensor([[1, 2], [3, 4]])).logabsdet // tensor(0.6931)
 */
export function slogdet(x: Tensor, ...none: []): Two<'sign' | 'logabsdet'> {
  slogdetArguments(x, none)
  checkSquare('linalg.slogdet', x)
  const [sign, logabsdet] = applyAll(slogdetOp, [x], null)
  return results('linalg_slogdet', { sign, logabsdet })
}

const logdetArguments = method('logdet')
/** The logarithm of the determinant: NaN if that is negative. */
export function logdet(x: Tensor, ...none: []): Tensor {
  logdetArguments(x, none)
  checkSquare('logdet', x)
  const [sign, log] = applyAll(slogdetOp, [x], null)
  // -1 makes NaN of a finite logarithm; a sign of 0 leaves minus infinity.
  return where(eq(sign, -1), filled(log.sizes, log.dtype, Number.NaN, log.storage.device), log)
}

// ---- systems of equations ----

const solveOp: OpDef<Label> = hostOp<Label>({
  name: 'LinalgSolveExBackward0',
  label: 'linalg.solve',
  infer: ([a, b]) => [likeOf(b), infoOf(a)],
  saves: () => ({ inputs: [0], outputs: [0] }),
  vjp: (ctx: Vjp<Label>) => {
    const db = apply(solveOp, [mT(ctx.input(0)), ctx.dy], ctx.attrs)
    return [ctx.needs(0) ? neg(matmul(db, mT(ctx.output()))) : null, db]
  },
  run([a, b], label, specs, call) {
    const [count, n, k] = extentsOf(specs[1])
    const [pivots, info] = factorLU(call, a, count, n, n)
    refuse(LinAlgError, label, specs, info, () => 'The solver failed because the input matrix is singular.')
    call('solve', count, [n, k], [b, a, pivots])
    return [b, info]
  },
})

/** Whether B holds vectors: it has one dimension, or the sizes of A without its last. */
const holdsVectors = (a: Tensor, b: Tensor): boolean =>
  b.dim() === 1 || (b.dim() === a.dim() - 1 && sameShape(b.sizes, a.sizes.slice(0, -1)))

const solveArguments = method('linalg_solve', required('B', tensor), keyword('left', bool, true))
/**
 * The solution X of A X = B for A [..., n, n] and B [..., n, k] or [n], or with `left: false` of X A = B.
 *
 * Throws a LinAlgError if A is singular.
 *
 * @example
 * linalg.solve(tensor([[2, 0], [0, 4]]), tensor([1, 2])) // tensor([0.5000, 0.5000])
 */
export function solve(a: Tensor, ...args: Takes<[B: Tensor], 'B', [options?: { readonly left?: boolean }]>): Tensor {
  const [b, left] = solveArguments(a, args)
  return solved('linalg.solve', a, b, left, true)[0]
}

/** The solution, and for each matrix the number of the first pivot that is 0, or 0. */
function solved(label: string, a: Tensor, b: Tensor, left: boolean, check: boolean): readonly [Tensor, Tensor] {
  checkSquare(label, a)
  checkFloat(label, b)
  checkSameDType(label, a, b)
  const isVector = holdsVectors(a, b)
  if (!isVector && b.dim() < 2) checkMatrix(label, b, 'B')
  const matrix = isVector ? unsqueeze(b, -1) : b
  checkSystem(label, a, isVector && !left ? mT(matrix) : matrix, left)
  const [p, q] = left ? [a, matrix] : [mT(a), isVector ? matrix : mT(matrix)]
  const [x, info] = applyAll(solveOp, together(p, q), check ? `torch.${label}` : null)
  return [isVector ? squeeze(x, -1) : left ? x : mT(x), info]
}

const solveExArguments = method(
  'linalg_solve_ex',
  required('B', tensor),
  keyword('left', bool, true),
  keyword('checkErrors', bool, false),
)
/**
 * The solution as `solve` gives it, and for each matrix the number of the first pivot that is 0, or 0: the solution is
 * one where that is 0.
 */
export function solveEx(
  a: Tensor,
  ...args: Takes<[B: Tensor], 'B', [options?: { readonly left?: boolean; readonly checkErrors?: boolean }]>
): Two<'result' | 'info'> {
  const [b, left, check] = solveExArguments(a, args)
  const [result, info] = solved('linalg.solve_ex', a, b, left, check)
  return results('linalg_solve_ex', { result, info })
}

const choleskySolveArguments = method('cholesky_solve', required('L', tensor), optional('upper', bool, false))
/** The solution X of A X = B, given the Cholesky factor of A: `choleskySolve(B, L)`. */
export function choleskySolve(
  b: Tensor,
  ...args: Takes<[L: Tensor], 'L', [upper?: boolean | { readonly upper?: boolean }]>
): Tensor {
  const [factor, upper] = choleskySolveArguments(b, args)
  checkMatrix('cholesky_solve', b, 'b')
  checkSquare('cholesky_solve', factor, 'u')
  checkSameDType('cholesky_solve', factor, b)
  checkSystem('cholesky_solve', factor, b, true)
  const l = upper ? mT(factor) : factor
  const half = triangleSolved(l, b, { upper: false, left: true, unitriangular: false })
  return triangleSolved(mT(l), half, { upper: true, left: true, unitriangular: false })
}

const choleskyInverseArguments = method('cholesky_inverse', optional('upper', bool, false))
/** The inverse of a matrix, given its Cholesky factor. */
export function choleskyInverse(l: Tensor, ...args: [upper?: boolean | { readonly upper?: boolean }]): Tensor {
  const [upper] = choleskyInverseArguments(l, args)
  checkSquare('cholesky_inverse', l)
  return choleskySolve(eye(sizeOf(l), { dtype: l.dtype, device: l.device }), l, upper)
}

// ---- pseudoinverse, rank, least squares ----

interface Tolerances {
  readonly atol: number
  readonly rtol: number
}

const pinvOp: OpDef<Tolerances> = hostOp<Tolerances>({
  name: 'LinalgPinvBackward0',
  label: 'linalg.pinv',
  // The singular values come with it, for least squares; no gradient flows to them.
  infer: ([x]) => {
    const [m, n] = x.sizes.slice(-2)
    return [matricesOf(x, n, m), matricesOf(x, Math.min(m, n))]
  },
  saves: () => ({ inputs: [0], outputs: [0] }),
  vjp: (ctx: Vjp<Tolerances>) => {
    const [a, p] = [ctx.input(0), ctx.output()]
    const [m, n] = a.sizes.slice(-2)
    const [dyT, pT] = [mT(ctx.dy), mT(p)]
    if (m <= n) {
      const k = matmul(dyT, p)
      const kp = matmul(k, pT)
      const first = sub(kp, mT(matmul(p, k)))
      const second = sub(matmul(matmul(pT, p), sub(dyT, matmul(k, a))), matmul(matmul(a, p), kp))
      return [add(first, second)]
    }
    const k = matmul(p, dyT)
    const pk = matmul(pT, k)
    const first = sub(matmul(matmul(sub(dyT, matmul(a, k)), p), pT), mT(matmul(k, p)))
    return [add(first, sub(pk, matmul(matmul(pk, p), a)))]
  },
  run: each(([a], [out, values], { atol, rtol }, specs, call, batch) => {
    const [m, n] = specs[0].sizes.slice(-2)
    const { ut, s, vt } = singular(call, a, specs, batch, 'reduced')
    values.set(s)
    const least = Math.max(atol, rtol * (s[0] ?? 0))
    const rank = s.reduce((count, x) => count + (x <= least ? 0 : 1), 0)
    for (let k = 0; k < rank; k++) for (let i = 0; i < m; i++) ut[k * m + i] /= s[k]
    out.set(product(call, transposed(vt.subarray(0, rank * n), rank, n), ut, n, rank, m))
  }),
})

const epsilon = (x: Tensor): number => (x.dtype === 'float64' ? 2 ** -52 : 2 ** -23)

/** The tolerances of PyTorch: a relative one by default, unless there is an absolute one. */
function tolerances(x: Tensor, atol: number | null, rtol: number | null): Tolerances {
  const usual = atol === null || atol === 0 ? epsilon(x) * Math.max(...x.sizes.slice(-2)) : 0
  return { atol: atol ?? 0, rtol: rtol ?? usual }
}

export interface ToleranceOptions {
  /** Singular values up to this count as 0. */
  readonly atol?: number | null
  /** Singular values up to this times the largest count as 0; by default the larger size times the dtype's epsilon. */
  readonly rtol?: number | null
  /** The matrix is symmetric; only its lower triangle is read. */
  readonly hermitian?: boolean
}
const nullableNumber = nullable(real)
const toleranceParameters = [
  optional('hermitian', bool, false),
  keyword('atol', nullableNumber, null),
  keyword('rtol', nullableNumber, null),
] as const
const pinvArguments = method('linalg_pinv', optional('rcond', nullableNumber, null), ...toleranceParameters)

const lowerMirrored = (x: Tensor): Tensor => add(tril(x), mT(tril(x, -1)))

/**
 * The Moore-Penrose pseudoinverse of [..., m, n], of shape [..., n, m].
 *
 * @example
 * linalg.pinv(tensor([[2, 0], [0, 0]]))
 * // tensor([[0.5000, 0.0000],
 * //         [0.0000, 0.0000]])
 */
export function pinv(
  x: Tensor,
  ...args: [rcond?: number | null | (ToleranceOptions & { readonly rcond?: number | null }), options?: ToleranceOptions]
): Tensor {
  const [rcond, hermitian, atol, rtol] = pinvArguments(x, args)
  if (x.dim() < 2 || !isFloat(x.dtype)) {
    throw new RuntimeError(
      `linalg.pinv(${dtypeName[x.dtype]}{[${x.sizes.join(', ')}]}): expected a tensor with 2 or more dimensions of float, double, cfloat or cdouble types`,
    )
  }
  if (hermitian) checkSquare('linalg.pinv', x)
  return apply(pinvOp, [hermitian ? lowerMirrored(x) : x], tolerances(x, atol, rtol ?? rcond))
}

const rankArguments = method('linalg_matrix_rank', optional('tol', nullableNumber, null), ...toleranceParameters)
/**
 * The number of singular values of a matrix above the tolerance, int32.
 *
 * @example
 * linalg.matrixRank(tensor([[1, 2], [2, 4]])) // tensor(1)
 */
export function matrixRank(
  x: Tensor,
  ...args: [tol?: number | null | (ToleranceOptions & { readonly tol?: number | null }), options?: ToleranceOptions]
): Tensor {
  const [tol, hermitian, atol, rtol] = rankArguments(x, args)
  const label = 'torch.linalg.matrix_rank'
  checkDims(label, x, 'input')
  checkFloat(label, x)
  const own = x.detach()
  const s = hermitian ? eigvalsh(own).abs() : singularValues(own)
  return countAbove(s, tolerances(x, tol ?? atol, tol === null ? rtol : 0))
}

/** How many singular values count as more than 0. */
function countAbove(s: Tensor, { atol, rtol }: Tolerances): Tensor {
  if (s.elements === 0) return filled(s.sizes.slice(0, -1), 'int32', 0, s.storage.device)
  const least = s.amax(-1, true).mul(rtol).clamp({ min: atol })
  return toDType(s.gt(least).sum(-1), 'int32')
}

type Order = number | 'fro' | 'nuc' | null
const condArguments = method('linalg_cond', optional('p', nullable(either(number, str)), null))
/**
 * The condition number of a matrix in a norm of `linalg.matrixNorm`; by default the ratio of its largest and its smallest
 * singular value.
 *
 * @example
 * linalg.cond(tensor([[4, 0], [0, 2]])) // tensor(2.)
 */
export function cond(x: Tensor, ...args: [p?: Order | { readonly p?: Order }]): Tensor {
  const [p] = condArguments(x, args)
  if (x.dim() < 2) throw new RuntimeError('linalg.cond: The input tensor must have at least 2 dimensions.')
  if (p === null || p === 2 || p === -2) {
    const s = singularValues(x)
    if (x.elements === 0) return filled(x.sizes.slice(0, -2), x.dtype, 0, x.storage.device)
    const [largest, smallest] = [select(s, -1, 0), select(s, -1, sizeOf(s) - 1)]
    return p === -2 ? div(smallest, largest) : div(largest, smallest)
  }
  const isRows = typeof p === 'number' && (Math.abs(p) === 1 || Math.abs(p) === Infinity)
  if (!isRows && typeof p === 'number') throw new RuntimeError(`linalg.cond got an invalid norm type: ${p}`)
  checkFloat('linalg.cond', x)
  checkSides(`linalg.cond(ord=${p})`, x)
  const norm = (m: Tensor): Tensor => {
    if (p === 'nuc') return sum(singularValues(m), -1)
    if (p === 'fro') return m.square().sum([-2, -1]).sqrt()
    if (typeof p === 'string') throw new RuntimeError(`linalg.cond got an invalid norm type: ${p}`)
    const sums = m.abs().sum(Math.abs(p) === 1 ? -2 : -1)
    return p > 0 ? sums.amax(-1) : sums.amin(-1)
  }
  return mul(norm(x), norm(apply(invOp, [x], null)))
}

export interface LstsqOptions {
  /** Singular values up to this times the largest count as 0. */
  readonly rcond?: number | null
  /** LAPACK's drivers 'gelsy', 'gels', 'gelsd' and 'gelss' differ in what they return besides the solution. */
  readonly driver?: 'gelsy' | 'gels' | 'gelsd' | 'gelss' | null
}
const lstsqArguments = method(
  'linalg_lstsq',
  required('b', tensor),
  optional('rcond', nullableNumber, null),
  keyword('driver', nullable(str), null),
)
const drivers = ['gelsy', 'gels', 'gelsd', 'gelss']
/**
 * The least-squares solution X of A X = B for A [..., m, n] and B [..., m, k] or [m]: of the solutions with the smallest
 * |A X - B| the shortest. Residuals are the sums of squares of A X - B, as far as LAPACK's driver gives them; 'gelsy',
 * the default, does not.
 *
 * @example
 * linalg.lstsq(tensor([[1, 1], [1, 2], [1, 3]]), tensor([[1], [2], [2]])).solution
 * // tensor([[0.6667],
 * //         [0.5000]])
 */
export function lstsq(
  a: Tensor,
  ...args: Takes<[b: Tensor], 'b', Arguments<[rcond: number | null], LstsqOptions>>
): {
  readonly solution: Tensor
  readonly residuals: Tensor
  readonly rank: Tensor
  readonly singularValues: Tensor
} & readonly [Tensor, Tensor, Tensor, Tensor] {
  const [b, rcond, given] = lstsqArguments(a, args)
  const label = 'torch.linalg.lstsq'
  if (a.dim() < 2) throw new RuntimeError(`${label}: input must have at least 2 dimensions.`)
  if (b.dim() < 1) throw new RuntimeError(`${label}: other must have at least 1 dimension.`)
  checkFloat(label, a)
  if (a.dtype !== b.dtype) {
    throw new RuntimeError(
      `${label}: Expected input and other to have the same dtype, but got input's dtype ${dtypeName[a.dtype]} and other's dtype ${dtypeName[b.dtype]}`,
    )
  }
  const driver = given ?? 'gelsy'
  if (!drivers.includes(driver))
    throw new RuntimeError(`${label}: parameter \`driver\` should be one of (gels, gelsy, gelsd, gelss)`)
  const isVector = b.dim() === 1 || (a.dim() - 1 === b.dim() && sameShape(a.sizes.slice(0, -1), b.sizes))
  const [m, n] = a.sizes.slice(-2)
  if (b.sizes[b.dim() - (isVector ? 1 : 2)] !== m)
    throw new RuntimeError(`${label}: input.size(-2) should match other.size(${isVector ? -1 : -2})`)
  const matrix = isVector ? unsqueeze(b, -1) : b
  const found = tolerances(a, null, rcond)
  const [inverse, values] = applyAll(pinvOp, [a], found)
  const all = matmul(inverse, matrix)
  const rank = countAbove(values.detach(), found)
  const none = filled([0], a.dtype, 0, a.storage.device)
  const isFull = driver !== 'gelsy' && m > n && rank.eq(n).all().item() === 1
  const left = isFull ? matmul(a, all).sub(matrix).square().sum(-2) : none
  return results('linalg_lstsq', {
    solution: isVector ? squeeze(all, -1) : all,
    residuals: isVector && isFull ? squeeze(left, -1) : left,
    rank: driver === 'gels' ? filled([0], 'int32', 0, a.storage.device) : rank,
    singularValues: driver === 'gelsd' || driver === 'gelss' ? values.detach() : none,
  })
}

// ---- functions of matrices ----

const expOp: OpDef<null> = hostOp<null>({
  name: 'LinalgMatrixExpBackward0',
  label: 'linalg.matrix_exp',
  infer: ([x]) => [likeOf(x)],
  saves: () => ({ inputs: [0] }),
  // The exponential of [[A', dy], [0, A']] has the gradient in its corner (Al-Mohy and Higham, 2009).
  vjp: (ctx: Vjp<null>) => {
    const x = mT(ctx.input(0))
    const n = sizeOf(x)
    const zero = filled(x.sizes, x.dtype, 0, x.storage.device)
    const block = cat([cat([x, ctx.dy], -1), cat([zero, x], -1)], -2)
    return [narrow(narrow(apply(expOp, [block], null), -2, 0, n), -1, n, n)]
  },
  run: each(([a], [out], _, [spec], call) => void out.set(exponential(call, a, sizeOf(spec)))),
})

const expArguments = method('linalg_matrix_exp')
/**
 * The exponential of a square matrix, the sum of its powers over factorials.
 *
 * @example
 * linalg.matrixExp(tensor([[0, 1], [0, 0]]))
 * // tensor([[1., 1.],
 * //         [0., 1.]])
 */
export function matrixExp(x: Tensor, ...none: []): Tensor {
  expArguments(x, none)
  checkSquare('linalg.matrix_exp', x)
  return apply(expOp, [x], null)
}

// ---- tensors as matrices ----

/** Throws PyTorch's error unless both parts of a tensor's dimensions, from `at` on and before, have as many elements. */
function checkProducts(before: number, after: number, at: string): void {
  if (before === after) return
  throw new RuntimeError(
    `Expected self to satisfy the requirement prod(self.shape[${at}:]) == prod(self.shape[:${at}]), but got ${after} != ${before}`,
  )
}

const tensorinvArguments = method('linalg_tensorinv', optional('ind', int, 2))
/** The inverse of a tensor as a matrix from its dimensions from `ind` on to those before. */
export function tensorinv(x: Tensor, ...args: [ind?: number | { readonly ind?: number }]): Tensor {
  const [ind] = tensorinvArguments(x, args)
  if (ind <= 0) throw new RuntimeError("Expected a strictly positive integer for 'ind'")
  const [rows, columns] = [x.sizes.slice(0, ind), x.sizes.slice(ind)]
  const [m, n] = [numelOf(rows), numelOf(columns)]
  checkProducts(m, n, 'ind')
  return reshape(inv(reshape(x, [m, n])), [...columns, ...rows])
}

const tensorsolveArguments = method('linalg_tensorsolve', required('B', tensor), optional('dims', nullable(ints), null))
/** The solution X of tensordot(A, X, X.ndim) = B. */
export function tensorsolve(
  a: Tensor,
  ...args: Takes<[B: Tensor], 'B', [dims?: readonly number[] | null | { readonly dims?: readonly number[] | null }]>
): Tensor {
  const [b, dims] = tensorsolveArguments(a, args)
  const moved = (dims ?? []).map((d) => (d < 0 ? d + a.dim() : d))
  const order = [...a.sizes.keys()].filter((d) => !moved.includes(d))
  const turned = moved.length === 0 ? a : permute(a, [...order, ...moved])
  const unknowns = turned.sizes.slice(b.dim())
  const [m, n] = [numelOf(turned.sizes.slice(0, b.dim())), numelOf(unknowns)]
  checkProducts(m, n, 'other.ndim')
  return reshape(solve(reshape(turned, [m, n]), reshape(b, [-1])), unknowns)
}
