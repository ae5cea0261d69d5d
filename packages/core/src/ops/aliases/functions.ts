// PyTorch's other names of functions that are no methods. A line here is all that an alias takes.
export {
  /** Alias of `cat`. */
  cat as concat,
  /** Alias of `cat`. */
  cat as concatenate,
} from '../views/join.ts'
export {
  /** Alias of `trapezoid`. */
  trapezoid as trapz,
} from '../reduce/differences.ts'
