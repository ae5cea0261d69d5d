// The names that linear algebra has among the functions of `torch`, and as methods.
export {
  choleskyOf as cholesky,
  qrOf as qr,
  svdOf as svd,
} from './factor.ts'
export {
  choleskyInverse,
  choleskySolve,
  det,
  /** The inverse of a square matrix, [..., n, n]; `linalg.inv`. */
  inv as inverse,
  logdet,
  matrixExp,
  /** The Moore-Penrose pseudoinverse of [..., m, n]; `linalg.pinv`. */
  pinv as pinverse,
  slogdet,
} from './solve.ts'
