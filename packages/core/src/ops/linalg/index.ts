// The namespace `linalg`, like `torch.linalg`.
export {
  cholesky,
  choleskyEx,
  eigh,
  eigvalsh,
  lu,
  qr,
  svd,
  svdvals,
} from './factor.ts'
export { LinAlgError } from '../../base/errors.ts'
export * from './norms.ts'
export * from './products.ts'
export {
  cond,
  det,
  inv,
  invEx,
  lstsq,
  luFactor,
  luSolve,
  matrixExp,
  matrixRank,
  pinv,
  slogdet,
  solve,
  tensorinv,
  tensorsolve,
} from './solve.ts'
export { solveTriangular } from './triangular.ts'
