// PyTorch's torch.special: mathematical functions by the names of SciPy, the same functions as those of the index.
export {
  /** Alias of `sigmoid`. */
  sigmoid as expit,
} from '../pointwise/activation.ts'
export {
  erf,
  expm1,
  log1p,
  round,
} from '../pointwise/elementary.ts'
export {
  digamma,
  erfinv,
  exp2,
  /** Alias of `lgamma`. */
  lgamma as gammaln,
  i0,
  /** Alias of `digamma`. */
  digamma as psi,
} from '../pointwise/functions.ts'
export {
  logSoftmax,
  logsumexp,
  softmax,
} from '../reduce/softmax.ts'
