// Symmetric matrices that need not be positive-definite: their factorization into a unit lower triangle and blocks of one
// or two rows on the diagonal (Bunch and Kaufman, 1977), packed as LAPACK's sytrf packs it, and what solves with it.
import { dtypeName, isFloat } from '../../base/dtype.ts'
import { RuntimeError } from '../../base/errors.ts'
import { sameShape, shapeString } from '../../base/shape.ts'
import { apply, applyAll } from '../../tensor/apply.ts'
import type { OpDef } from '../../tensor/op.ts'
import { type Takes, bool, keyword, method, required, tensor } from '../../tensor/signature.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { batchElement, checkFloat, checkSquare, each, hostOp, infoOf, likeOf, sizeOf } from './host.ts'
import { results, type Three, type Two } from './results.ts'
import { expandTo } from '../define/elementwise.ts'
import { unsqueeze } from '../views/views.ts'
import { together } from './triangular.ts'

const underivable = (name: string) => (): never => {
  throw new RuntimeError(`derivative for aten::${name} is not implemented`, 'linalg.solve() has gradients.')
}

/** The place of the largest of |at(from)| to |at(to - 1)|, and its size. */
function largest(from: number, to: number, at: (i: number) => number): readonly [place: number, size: number] {
  let [place, size] = [from, 0]
  for (let i = from; i < to; i++) if (Math.abs(at(i)) > size) [place, size] = [i, Math.abs(at(i))]
  return [place, size]
}

/** Rows and columns are exchanged for a pivot of at least this times the largest element: Bunch and Kaufman's number. */
const threshold = (1 + Math.sqrt(17)) / 8

/**
 * Overwrites the lower triangle of a symmetric matrix with its factors. `pivots` gets for a block of one row the row
 * that it was exchanged with, from 1, and twice the negative for one of two rows. Returns the number of the first
 * block that is 0, from 1, or 0 if none is.
 */
function factorLDL(a: Float64Array, n: number, pivots: Float64Array): number {
  const at = (i: number, j: number): number => a[i * n + j]
  const swap = (i: number, j: number, k: number, l: number): void => {
    const x = at(i, j)
    a[i * n + j] = at(k, l)
    a[k * n + l] = x
  }
  let zero = 0
  for (let k = 0; k < n; ) {
    const size = Math.abs(at(k, k))
    const [row, column] = largest(k + 1, n, (i) => at(i, k))
    let [pivot, step] = [k, 1]
    if (Math.max(size, column) === 0 || size !== size) {
      if (zero === 0) zero = k + 1
      pivots[k] = k + 1
      k++
      continue
    }
    if (size < threshold * column) {
      const most = Math.max(largest(k, row, (j) => at(row, j))[1], largest(row + 1, n, (i) => at(i, row))[1])
      if (size < threshold * column * (column / most)) {
        pivot = row
        if (Math.abs(at(row, row)) < threshold * most) step = 2
      }
    }
    const last = k + step - 1
    if (pivot !== last) {
      for (let i = pivot + 1; i < n; i++) swap(i, last, i, pivot)
      for (let i = last + 1; i < pivot; i++) swap(i, last, pivot, i)
      swap(last, last, pivot, pivot)
      if (step === 2) swap(k + 1, k, pivot, k)
    }
    if (step === 1) {
      const d = 1 / at(k, k)
      for (let j = k + 1; j < n; j++) for (let i = j; i < n; i++) a[i * n + j] -= d * at(j, k) * at(i, k)
      for (let i = k + 1; i < n; i++) a[i * n + k] *= d
      pivots[k] = pivot + 1
    } else {
      const below = at(k + 1, k)
      const [d11, d22] = [at(k + 1, k + 1) / below, at(k, k) / below]
      const d = 1 / (d11 * d22 - 1) / below
      for (let j = k + 2; j < n; j++) {
        const first = d * (d11 * at(j, k) - at(j, k + 1))
        const second = d * (d22 * at(j, k + 1) - at(j, k))
        for (let i = j; i < n; i++) a[i * n + j] -= at(i, k) * first + at(i, k + 1) * second
        a[j * n + k] = first
        a[j * n + k + 1] = second
      }
      pivots[k] = pivots[k + 1] = -(pivot + 1)
    }
    k += step
  }
  for (let i = 0; i < n; i++) a.fill(0, i * n + i + 1, (i + 1) * n)
  return zero
}

/** Overwrites b, n x m, with the solution of A x = b, given what `factorLDL` made of A. */
function solveLDL(a: Float64Array, pivots: Float64Array, b: Float64Array, n: number, m: number): void {
  const swap = (i: number, j: number): void => {
    for (let c = 0; c < m; c++) [b[i * m + c], b[j * m + c]] = [b[j * m + c], b[i * m + c]]
  }
  /** Subtracts `factor` times row j from row i. */
  const subtract = (i: number, factor: number, j: number): void => {
    for (let c = 0; c < m; c++) b[i * m + c] -= factor * b[j * m + c]
  }
  for (let k = 0; k < n; ) {
    const step = pivots[k] > 0 ? 1 : 2
    const last = k + step - 1
    swap(last, Math.abs(pivots[k]) - 1)
    for (let i = last + 1; i < n; i++) for (let j = k; j <= last; j++) subtract(i, a[i * n + j], j)
    if (step === 1) for (let c = 0; c < m; c++) b[k * m + c] /= a[k * n + k]
    else {
      const below = a[last * n + k]
      const [d11, d22] = [a[k * n + k] / below, a[last * n + last] / below]
      for (let c = 0; c < m; c++) {
        const [p, q] = [b[k * m + c] / below, b[last * m + c] / below]
        b[k * m + c] = (d22 * p - q) / (d11 * d22 - 1)
        b[last * m + c] = (d11 * q - p) / (d11 * d22 - 1)
      }
    }
    k += step
  }
  for (let k = n - 1; k >= 0; ) {
    const step = pivots[k] > 0 ? 1 : 2
    for (let j = k; j > k - step; j--) for (let i = k + 1; i < n; i++) subtract(j, a[i * n + j], i)
    swap(k, Math.abs(pivots[k]) - 1)
    k -= step
  }
}

const factorOp: OpDef<string | null> = hostOp<string | null>({
  name: 'LdlFactor',
  label: 'linalg.ldl_factor',
  infer: ([x]) => [likeOf(x), { sizes: x.sizes.slice(0, -1), dtype: 'int32' }, infoOf(x)],
  vjp: underivable('linalg_ldl_factor_ex'),
  run: each(([a], [factors, pivots, info], label, specs, _, batch) => {
    const n = sizeOf(specs[0])
    info[0] = factorLDL(a, n, pivots)
    if (info[0] > 0 && label !== null) {
      throw new RuntimeError(
        `torch.${label}: ${batchElement(specs, batch)}The diagonal block ${info[0]} is zero: the matrix is singular.`,
        'linalg.ldlFactorEx() tells instead of throwing.',
      )
    }
    factors.set(a)
  }),
})

const hermitianParameter = keyword('hermitian', bool, false)
const factorArguments = method('linalg_ldl_factor', hermitianParameter)
const factorExArguments = method('linalg_ldl_factor_ex', hermitianParameter, keyword('checkErrors', bool, false))
interface Hermitian {
  /** For complex matrices in PyTorch; symmetric ones are hermitian. */
  readonly hermitian?: boolean
}
/**
 * The factorization of a symmetric matrix, [..., n, n], of which the lower triangle is read, into a unit triangle and
 * blocks on the diagonal, in one matrix, with the exchanged rows: what `ldlSolve` takes. It has no gradient.
 *
 * Throws a RuntimeError for a singular matrix.
 *
 * @example
 * linalg.ldlFactor(tensor([[4, 0], [2, 5]])).LD
 * // tensor([[4.0000, 0.0000],
 * //         [0.5000, 4.0000]])
 */
export function ldlFactor(x: Tensor, ...args: [options?: Hermitian]): Two<'LD' | 'pivots'> {
  factorArguments(x, args)
  checkSquare('torch.linalg.ldl_factor_ex', x)
  const [LD, pivots] = applyAll(factorOp, [x], 'linalg.ldl_factor')
  return results('linalg_ldl_factor', { LD, pivots })
}

/** What `ldlFactor` gives, and for each matrix the number of the first block that is 0, or 0; it does not throw. */
export function ldlFactorEx(
  x: Tensor,
  ...args: [options?: Hermitian & { readonly checkErrors?: boolean }]
): Three<'LD' | 'pivots' | 'info'> {
  const [, check] = factorExArguments(x, args)
  checkSquare('torch.linalg.ldl_factor_ex', x)
  const [LD, pivots, info] = applyAll(factorOp, [x], check ? 'linalg.ldl_factor_ex' : null)
  return results('linalg_ldl_factor_ex', { LD, pivots, info })
}

const solveOp: OpDef<null> = hostOp<null>({
  name: 'LdlSolve',
  label: 'linalg.ldl_solve',
  infer: ([, , b]) => [likeOf(b)],
  vjp: underivable('linalg_ldl_solve'),
  run: each(([factors, pivots, b], [x], _, specs) => {
    const [n, m] = specs[2].sizes.slice(-2)
    x.set(b)
    solveLDL(factors, pivots, x, n, m)
  }),
})
const solveArguments = method('linalg_ldl_solve', required('pivots', tensor), required('B', tensor), hermitianParameter)
/**
 * The solution X of A X = B, [..., n, k], given `ldlFactor` of A. It has no gradient; `solve` has one.
 *
 * @example
 * const { LD, pivots } = linalg.ldlFactor(tensor([[0, 2], [2, 0]]))
 * linalg.ldlSolve(LD, pivots, tensor([[2], [4]]))
 * // tensor([[2.],
 * //         [1.]])
 */
export function ldlSolve(
  factors: Tensor,
  ...args: Takes<[pivots: Tensor, B: Tensor], 'pivots B', [options?: Hermitian]>
): Tensor {
  const [pivots, b] = solveArguments(factors, args)
  const label = 'torch.linalg.ldl_solve'
  checkSquare(label, factors, 'LD')
  checkFloat(label, factors)
  if (isFloat(pivots.dtype))
    throw new RuntimeError(`${label}: Expected pivots to be integers. Got ${dtypeName[pivots.dtype]}`)
  if (b.dim() < 2) throw new RuntimeError(`${label}: B must have at least 2 dimensions.`, `It has ${b.dim()}.`)
  if (!sameShape(factors.sizes.slice(0, -1), pivots.sizes)) {
    throw new RuntimeError(
      `${label}: Expected LD.shape[:-1] and pivots.shape to be the same, but got pivots with shape ${shapeString(pivots.sizes)} instead`,
    )
  }
  if (factors.dtype !== b.dtype) {
    throw new RuntimeError(
      `Expected b and A to have the same dtype, but found b of type ${dtypeName[b.dtype]} and A of type ${dtypeName[factors.dtype]} instead.`,
    )
  }
  const [n, m] = [sizeOf(factors), b.sizes[b.dim() - 2]]
  if (n !== m) {
    throw new RuntimeError(
      `Incompatible matrix sizes for ${label}: each A matrix is ${n} by ${n} but each b matrix is ${m} by ${b.sizes[b.dim() - 1]}`,
    )
  }
  const [a, right] = together(factors, b)
  return apply(solveOp, [a, unsqueeze(expandTo(pivots, a.sizes.slice(0, -1)), -1), right], null)
}
