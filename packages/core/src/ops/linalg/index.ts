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
export { matrixNorm, norm, vectorNorm } from './norms.ts'
export { ldlFactor, ldlFactorEx, ldlSolve } from './indefinite.ts'
export { luFactor, luFactorEx, luSolve } from './lu.ts'
export * from './products.ts'
export { householderProduct } from './reflectors.ts'
export { powersOf as vander } from '../views/grids.ts'
export {
  cond,
  det,
  inv,
  invEx,
  lstsq,
  matrixExp,
  matrixRank,
  pinv,
  slogdet,
  solve,
  solveEx,
  tensorinv,
  tensorsolve,
} from './solve.ts'
export { solveTriangular } from './triangular.ts'
