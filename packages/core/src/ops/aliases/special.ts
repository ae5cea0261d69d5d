// PyTorch's torch.special: mathematical functions by the names of SciPy, the same functions as those of the index, and
// some that are only here.
export {
  /** Alias of `sigmoid`. */
  sigmoid as expit,
} from '../pointwise/activation.ts'
export {
  erf,
  expm1,
  log1p,
} from '../pointwise/elementary.ts'
export {
  digamma,
  erfinv,
  exp2,
  /** Alias of `lgamma`. */
  lgamma as gammaln,
  i0,
  /** Alias of `i0`. */
  i0 as modifiedBesselI0,
  /** Alias of `digamma`. */
  digamma as psi,
} from '../pointwise/functions.ts'
export { round } from '../pointwise/parts.ts'
export {
  entr,
  erfc,
  erfcx,
  i0e,
  i1,
  /** Alias of `i1`. */
  i1 as modifiedBesselI1,
  i1e,
  logit,
  logNdtr,
  /** Alias of `mvlgamma`. */
  mvlgamma as multigammaln,
  ndtr,
  ndtri,
  polygamma,
  sinc,
  xlog1py,
  xlogy,
} from '../pointwise/special.ts'
export {
  logSoftmax,
  logsumexp,
  softmax,
} from '../reduce/softmax.ts'
export * from '../special/functions.ts'
export {
  /** Alias of `igamma`. */
  igamma as gammainc,
  /** Alias of `igammac`. */
  igammac as gammaincc,
  zeta,
} from '../special/incomplete.ts'
export * from '../special/polynomials.ts'
