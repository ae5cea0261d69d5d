// Steps that are functions of real numbers. For float32 some have a separate version with the accuracy that float32
// needs (math.ts).
import type { Expr, s } from '../expr.ts'
import { type Binary, floating, inline, maths, own, type Unary } from '../step.ts'

export const exp: Unary = {
  ...floating,
  arity: 1,
  slope: (s, dy, _, y) => [s.mul(dy, y)],
  real: maths('exp', Math.exp),
  single: own('expf'),
}

export const expm1: Unary = {
  ...floating,
  arity: 1,
  slope: (s, dy, _, y) => [s.mul(dy, s.add(y, 1))],
  real: maths('expm1', Math.expm1),
  single: own('expm1f'),
}

export const log: Unary = {
  ...floating,
  arity: 1,
  slope: (s, dy, [x]) => [s.div(dy, x)],
  real: maths('log', Math.log),
  single: own('logf'),
}

export const log1p: Unary = {
  ...floating,
  arity: 1,
  slope: (s, dy, [x]) => [s.div(dy, s.add(x, 1))],
  real: maths('log1p', Math.log1p),
  single: own('log1pf'),
}

export const sin: Unary = {
  ...floating,
  arity: 1,
  slope: (s, dy, [x]) => [s.mul(dy, s.cos(x))],
  real: maths('sin', Math.sin),
}

export const cos: Unary = {
  ...floating,
  arity: 1,
  slope: (s, dy, [x]) => [s.neg(s.mul(dy, s.sin(x)))],
  real: maths('cos', Math.cos),
}

export const tanh: Unary = {
  ...floating,
  arity: 1,
  slope: (s, dy, _, y) => [s.mul(dy, s.sub(1, s.mul(y, y)))],
  real: maths('tanh', Math.tanh),
  single: own('tanhf'),
}

export const erf: Unary = {
  ...floating,
  arity: 1,
  slope: (s, dy, [x]) => [s.mul(dy, s.mul(s.exp(s.neg(s.mul(x, x))), 2 / Math.sqrt(Math.PI)))],
  real: own('erf'),
  single: own('erff'),
}

// ---- trigonometric and hyperbolic functions and their inverses ----

export const tan: Unary = {
  ...floating,
  arity: 1,
  slope: (s, dy, _, y) => [s.mul(dy, s.add(1, s.mul(y, y)))],
  real: maths('tan', Math.tan),
}

export const sinh: Unary = {
  ...floating,
  arity: 1,
  slope: (s, dy, [x]) => [s.mul(dy, s.cosh(x))],
  real: maths('sinh', Math.sinh),
}

export const cosh: Unary = {
  ...floating,
  arity: 1,
  slope: (s, dy, [x]) => [s.mul(dy, s.sinh(x))],
  real: maths('cosh', Math.cosh),
}

/** 1 - x * x, without cancellation near 1. */
const below = (build: typeof s, x: Expr): Expr => build.mul(build.sub(1, x), build.add(1, x))

export const asin: Unary = {
  ...floating,
  arity: 1,
  slope: (s, dy, [x]) => [s.div(dy, s.sqrt(below(s, x)))],
  real: maths('asin', Math.asin),
}

export const acos: Unary = {
  ...floating,
  arity: 1,
  slope: (s, dy, [x]) => [s.neg(s.div(dy, s.sqrt(below(s, x))))],
  real: maths('acos', Math.acos),
}

export const atan: Unary = {
  ...floating,
  arity: 1,
  slope: (s, dy, [x]) => [s.div(dy, s.add(s.mul(x, x), 1))],
  real: maths('atan', Math.atan),
}

export const asinh: Unary = {
  ...floating,
  arity: 1,
  slope: (s, dy, [x]) => [s.div(dy, s.sqrt(s.add(s.mul(x, x), 1)))],
  real: maths('asinh', Math.asinh),
}

export const acosh: Unary = {
  ...floating,
  arity: 1,
  slope: (s, dy, [x]) => [s.div(dy, s.sqrt(s.sub(0, below(s, x))))],
  real: maths('acosh', Math.acosh),
}

export const atanh: Unary = {
  ...floating,
  arity: 1,
  slope: (s, dy, [x]) => [s.div(dy, below(s, x))],
  real: maths('atanh', Math.atanh),
}

/** The angle of the point (b, a). */
export const atan2: Binary = {
  ...floating,
  arity: 2,
  slope: (s, dy, [a, b]) => {
    const square = s.add(s.mul(a, a), s.mul(b, b))
    return [s.div(s.mul(dy, b), square), s.div(s.neg(s.mul(dy, a)), square)]
  },
  real: maths('atan2', (a, b) => Math.atan2(a, b)),
}

/** The length of (a, b), without overflow in intermediate results. */
export const hypot: Binary = {
  ...floating,
  arity: 2,
  slope: (s, dy, [a, b], y) => [s.mul(dy, s.div(a, y)), s.mul(dy, s.div(b, y))],
  real: maths('hypot', (a, b) => Math.hypot(a, b)),
}

// ---- powers and logarithms to other bases ----

export const exp2: Unary = {
  ...floating,
  arity: 1,
  slope: (s, dy, _, y) => [s.mul(dy, s.mul(y, Math.LN2))],
  real: inline(
    ([a]) => `2 ** ${a}`,
    (a) => 2 ** a,
  ),
}

export const log2: Unary = {
  ...floating,
  arity: 1,
  slope: (s, dy, [x]) => [s.div(dy, s.mul(x, Math.LN2))],
  real: maths('log2', Math.log2),
}

export const log10: Unary = {
  ...floating,
  arity: 1,
  slope: (s, dy, [x]) => [s.div(dy, s.mul(x, Math.LN10))],
  real: maths('log10', Math.log10),
}

// ---- special functions ----

export const lgamma: Unary = {
  ...floating,
  arity: 1,
  slope: (s, dy, [x]) => [s.mul(dy, s.digamma(x))],
  real: own('lgamma'),
}

export const digamma: Unary = {
  ...floating,
  arity: 1,
  slope: (s, dy, [x]) => [s.mul(dy, s.polygamma(1, x))],
  real: own('digamma'),
}

/** The derivative of digamma of order `n`, an integer. */
export const polygamma: Binary = {
  ...floating,
  arity: 2,
  slope: (s, dy, [n, x]) => [undefined, s.mul(dy, s.polygamma(n.step === 'const' ? n.value + 1 : s.add(n, 1), x))],
  real: own('polygamma'),
}

export const erfinv: Unary = {
  ...floating,
  arity: 1,
  slope: (s, dy, [x]) => {
    // Recomputed, so that the result may be overwritten, as in PyTorch.
    const y = s.erfinv(x)
    return [s.mul(s.mul(dy, Math.sqrt(Math.PI) / 2), s.exp(s.mul(y, y)))]
  },
  real: own('erfinv'),
}

export const i0: Unary = {
  ...floating,
  arity: 1,
  slope: (s, dy, [x]) => [s.mul(dy, s.i1(x))],
  real: own('besselI0'),
}

export const i1: Unary = {
  ...floating,
  arity: 1,
  slope: (s, dy, [x], y) => [s.mul(dy, s.select(s.eq(x, 0), 0.5, s.sub(s.i0(x), s.div(y, x))))],
  real: own('besselI1'),
}
