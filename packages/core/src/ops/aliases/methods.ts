// PyTorch's other names of functions that are methods without an in-place form.
export {
  /** Alias of `nonzero`. */
  nonzero as argwhere,
} from '../indexing/select.ts'
export {
  /** Alias of `outer`. */
  outer as ger,
} from '../product/products.ts'
export {
  /** Alias of `dot`. */
  dot as vdot,
} from '../product/matmul.ts'
