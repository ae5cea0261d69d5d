// PyTorch's other names of elementwise functions, with their methods and in-place forms: `clip` for `clamp`, `x.clip_()`
// for `x.clamp_()`. A line here, with its comment, is all that an alias takes: it is the very function, so every test of
// that function holds for it.
export {
  /** Alias of `div`. */
  div as divide,
  /** Alias of `mul`. */
  mul as multiply,
  /** Alias of `neg`. */
  neg as negative,
  /** Alias of `sub`. */
  sub as subtract,
  /** Alias of `div`. */
  div as trueDivide,
} from '../pointwise/arithmetic.ts'
export {
  /** Alias of `clamp`. */
  clamp as clip,
} from '../pointwise/choice.ts'
export {
  /** Alias of `gt`. */
  gt as greater,
  /** Alias of `ge`. */
  ge as greaterEqual,
  /** Alias of `lt`. */
  lt as less,
  /** Alias of `le`. */
  le as lessEqual,
  /** Alias of `ne`. */
  ne as notEqual,
} from '../pointwise/comparison.ts'
export {
  /** Alias of `abs`. */
  abs as absolute,
  /** Alias of `trunc`. */
  trunc as fix,
} from '../pointwise/elementary.ts'
export {
  /** Alias of `acos`. */
  acos as arccos,
  /** Alias of `acosh`. */
  acosh as arccosh,
  /** Alias of `asin`. */
  asin as arcsin,
  /** Alias of `asinh`. */
  asinh as arcsinh,
  /** Alias of `atan`. */
  atan as arctan,
  /** Alias of `atan2`. */
  atan2 as arctan2,
  /** Alias of `atanh`. */
  atanh as arctanh,
} from '../pointwise/functions.ts'
