// The names that linear algebra has among the functions of `torch`, and as methods.
export {
  /** The Cholesky factor of a symmetric positive-definite matrix, [..., n, n]; `linalg.cholesky`. */
  choleskyOf as cholesky,
  /** The QR factorization of [..., m, n]: reduced, or without `some` complete; `linalg.qr`. */
  qrOf as qr,
  /** The singular value decomposition of [..., m, n], with V: reduced, or without `some` full; `linalg.svd`. */
  svdOf as svd,
} from './factor.ts'
export {
  /** The inverse of a matrix, given its Cholesky factor. */
  choleskyInverse,
  /** The solution X of A X = B, given the Cholesky factor of A: `B.choleskySolve(L)`. */
  choleskySolve,
  /** The determinant of a square matrix, [..., n, n]; `linalg.det`. */
  det,
  /** The inverse of a square matrix, [..., n, n]; `linalg.inv`. */
  inv as inverse,
  /** The logarithm of the determinant: NaN if that is negative. */
  logdet,
  /** The exponential of a square matrix; `linalg.matrixExp`. */
  matrixExp,
  /** The Moore-Penrose pseudoinverse of [..., m, n]; `linalg.pinv`. */
  pinv as pinverse,
  /** The sign of the determinant and the logarithm of its absolute value; `linalg.slogdet`. */
  slogdet,
} from './solve.ts'
export {
  /** The QR factorization in LAPACK's packed form: R, and below it the vectors of reflections. */
  geqrf,
  /** The columns of Q, given its reflections; `linalg.householderProduct`. */
  householderProduct as orgqr,
  /** The product of Q, given its reflections, and a matrix: `a.ormqr(tau, other)`. */
  ormqr,
} from './reflectors.ts'
