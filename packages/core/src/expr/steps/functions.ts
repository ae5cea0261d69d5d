// Steps that are functions of real numbers. In float32 some have a form of their own, as exact as a float32 needs them
// (math.ts).
import { floating, maths, own, type Unary } from '../step.ts'

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
