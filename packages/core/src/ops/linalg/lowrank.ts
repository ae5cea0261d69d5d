// Approximate factorizations of large matrices of low rank, from products with a few random vectors (Halko et al., 2009).
import { defaults } from '../../base/default-dtype.ts'
import { AssertionError, ValueError } from '../../base/errors.ts'
import { isFloat } from '../../base/dtype.ts'
import { type Arguments, bool, int, method, nullable, optional, tensor } from '../../tensor/signature.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { sub } from '../pointwise/arithmetic.ts'
import { matmul } from '../product/matmul.ts'
import { randn } from '../random/random.ts'
import { mean } from '../reduce/reduce.ts'
import { formatSize } from '../../tensor/print.ts'
import { qr, svd } from './factor.ts'
import { mT } from './triangular.ts'

/** U [..., m, q], S [..., q] and V [..., n, q]. */
type Factors = [U: Tensor, S: Tensor, V: Tensor]

function approximate(a: Tensor, q: number, niter: number, shift: Tensor | null): Factors {
  if (a.dim() < 2) throw new ValueError(`not enough values to unpack (expected 2, got ${a.dim()})`, 'A is a matrix.')
  const [m, n] = a.sizes.slice(-2)
  // The products with the narrower of A and its transpose.
  const turned = m < n || n > q
  const columns = turned ? m : n
  const least = Math.min(m, n)
  if (q > least) throw new AssertionError(`(${formatSize([least, least])}, ${q})`, 'q is larger than the matrix.')
  const product = (transposed: boolean, x: Tensor): Tensor => {
    const of = (y: Tensor): Tensor => matmul(transposed === turned ? y : mT(y), x)
    return shift === null ? of(a) : sub(of(a), of(shift))
  }
  const orthogonal = (x: Tensor): Tensor => qr(x).Q
  const dtype = isFloat(a.dtype) ? a.dtype : defaults.float
  let basis = orthogonal(product(false, randn(columns, q, { dtype, device: a.device })))
  for (let i = 0; i < niter; i++) basis = orthogonal(product(false, orthogonal(product(true, basis))))
  const small = product(true, basis)
  const { U, S, Vh } = svd(turned ? small : mT(small), { fullMatrices: false })
  return turned ? [U, S, matmul(basis, mT(Vh))] : [matmul(basis, U), S, mT(Vh)]
}

const svdArguments = method(
  'svd_lowrank',
  optional('q', nullable(int), 6),
  optional('niter', int, 2),
  optional('M', nullable(tensor), null),
)
interface SvdLowrankOptions {
  /** The number of singular values: somewhat more than the rank that is wanted. */
  readonly q?: number | null
  /** Iterations that sharpen the approximation. */
  readonly niter?: number
  /** A matrix that is subtracted first, without being written out. */
  readonly M?: Tensor | null
}
/**
 * The largest `q` (6) singular values of [..., m, n], approximately, with their vectors: [U, S, V]. It draws random
 * numbers.
 *
 * Throws an AssertionError for a matrix with fewer than q rows or columns.
 *
 * @example
 * const [U, S, V] = svdLowrank(tensor([[3, 0], [0, 4]]), 2)
 * S // tensor([4., 3.])
 */
export function svdLowrank(
  x: Tensor,
  ...args: Arguments<[q: number | null, niter: number, M: Tensor | null], SvdLowrankOptions>
): Factors {
  const [q, niter, shift] = svdArguments(x, args)
  return approximate(x, q ?? 6, niter, shift)
}

const pcaArguments = method(
  'pca_lowrank',
  optional('q', nullable(int), null),
  optional('center', bool, true),
  optional('niter', int, 2),
)
interface PcaLowrankOptions {
  readonly q?: number | null
  /** Subtract the means of the columns first; otherwise they are taken to be 0. */
  readonly center?: boolean
  readonly niter?: number
}
/**
 * The first `q` principal components of rows of data, [m, n], approximately: [U, S, V], where the columns of V are the
 * directions. It draws random numbers.
 *
 * Throws a ValueError for a `q` beyond the sizes.
 *
 * @example
 * const [, S] = pcaLowrank(tensor([[1, 2], [3, 4], [5, 6]]), 1)
 * S // tensor([4.])
 */
export function pcaLowrank(
  x: Tensor,
  ...args: Arguments<[q: number | null, center: boolean, niter: number], PcaLowrankOptions>
): Factors {
  const [given, center, niter] = pcaArguments(x, args)
  if (x.dim() < 2) throw new ValueError(`not enough values to unpack (expected 2, got ${x.dim()})`, 'A is a matrix.')
  const least = Math.min(...x.sizes.slice(-2))
  const q = given ?? Math.min(6, least)
  if (!(q >= 0 && q <= least))
    throw new ValueError(`q(=${q}) must be non-negative integer and not greater than min(m, n)=${least}`)
  if (niter < 0) throw new ValueError(`niter(=${niter}) must be non-negative integer`)
  return approximate(center ? sub(x, mean(x, -2, true)) : x, q, niter, null)
}
