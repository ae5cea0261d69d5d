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
export {
  /** Alias of `chunk`. */
  chunk as unsafeChunk,
  /** Alias of `split`. */
  split as unsafeSplit,
  /** Alias of `splitWithSizes`. */
  splitWithSizes as unsafeSplitWithSizes,
} from '../views/join.ts'
