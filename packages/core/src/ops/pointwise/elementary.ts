// Elementary functions, each a scalar expression, from which dtypes, broadcasting, kernels and gradients follow
// (define/elementwise.ts). Every export of this file is an op with a method, an in-place form and cells in the
// conformance suite: write a new op only here, and its samples there.
import { s } from '../../expr/expr.ts'
import { noBool } from '../define/arguments.ts'
import { elementwise } from '../define/elementwise.ts'
import { unary } from '../define/overloads.ts'

/** The absolute value. The gradient at 0 is 0. */
export const abs = unary(elementwise('abs', (x) => s.abs(x), noBool('abs_cpu')))
/** -1, 0 or 1. */
export const sign = unary(elementwise('sign', (x) => s.sign(x)))
/** The square root. */
export const sqrt = unary(elementwise('sqrt', (x) => s.sqrt(x), { out: 'float', gradName: 'div' }))
/** `1 / sqrt(x)`. */
export const rsqrt = unary(
  elementwise('rsqrt', (x) => s.div(1, s.sqrt(x)), {
    out: 'float',
    grad: ({ dy, y }) => [s.mul(s.mul(dy, -0.5), s.mul(s.mul(y, y), y))],
  }),
)
/** `1 / x`. */
export const reciprocal = unary(
  elementwise('reciprocal', (x) => s.div(1, x), { out: 'float', grad: ({ dy, y }) => [s.mul(s.neg(dy), s.mul(y, y))] }),
)
/** e to the power x. */
export const exp = unary(elementwise('exp', (x) => s.exp(x), { out: 'float' }))
/** `exp(x) - 1`, exact near 0. */
export const expm1 = unary(elementwise('expm1', (x) => s.expm1(x), { out: 'float' }))
/** The natural logarithm. */
export const log = unary(elementwise('log', (x) => s.log(x), { out: 'float', gradName: 'div' }))
/** `log(1 + x)`, exact near 0. */
export const log1p = unary(
  elementwise('Log1PBackward0', (x) => s.log1p(x), { out: 'float', gradName: 'div' }),
  'log1p',
)
/** The sine of radians. */
export const sin = unary(elementwise('sin', (x) => s.sin(x), { out: 'float' }))
/** The cosine of radians. */
export const cos = unary(elementwise('cos', (x) => s.cos(x), { out: 'float' }))
/** The hyperbolic tangent. */
export const tanh = unary(elementwise('tanh', (x) => s.tanh(x), { out: 'float', gradName: 'tanhBackward' }))
/** The error function, the integral of `2 / sqrt(pi) * exp(-t * t)` from 0 to x. */
export const erf = unary(elementwise('erf', (x) => s.erf(x), { out: 'float' }))
/** The largest integer not greater than x. */
export const floor = unary(elementwise('floor', (x) => s.floor(x), noBool('floor_vml_cpu')))
/** The smallest integer not less than x. */
export const ceil = unary(elementwise('ceil', (x) => s.ceil(x), noBool('ceil_vml_cpu')))
/** The integer part of x. */
export const trunc = unary(elementwise('trunc', (x) => s.trunc(x), noBool('trunc_vml_cpu')))
