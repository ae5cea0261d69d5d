// PyTorch's other names of functions that are no methods. A line here is all that an alias takes.
export {
  /** Alias of `cat`. */
  cat as concat,
  /** Alias of `cat`. */
  cat as concatenate,
} from '../views/join.ts'
