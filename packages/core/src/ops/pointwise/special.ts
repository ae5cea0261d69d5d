// Special functions: logarithms of sums and products, the normal distribution function and its relatives, Bessel
// functions, and the gamma function's derivatives. As in all files of this folder, every export is an op with an
// in-place form and cells in the conformance suite. The value of each is an expression over the steps that exist, so
// that every backend computes it, and so are its gradients.
import { isFloat } from '../../base/dtype.ts'
import { RuntimeError } from '../../base/errors.ts'
import { type Expr, s } from '../../expr/expr.ts'
import { apply, operand } from '../../tensor/apply.ts'
import type { Input } from '../../tensor/op.ts'
import {
  type Takes,
  type Arguments,
  int,
  method,
  nullable,
  number,
  optional,
  required,
  signature,
  tensor,
} from '../../tensor/signature.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { notImplemented } from '../define/arguments.ts'
import { type Elementwise, elementwise } from '../define/elementwise.ts'
import { binary, named, type Overloaded, overloaded, type TensorLike, unary } from '../define/overloads.ts'

type Operands = [x: TensorLike, y: TensorLike]
const float = { out: 'float' } as const

// ---- sums of exponentials ----

const logOfSum = (name: string, exp: (x: Expr) => Expr, rest: (x: Expr) => Expr): Overloaded<Operands> =>
  binary(
    elementwise(
      name,
      (x, y) => {
        const same = s.and(s.eq(x, y), s.not(s.isfinite(x)))
        return s.select(same, x, s.add(s.max(x, y), rest(exp(s.neg(s.abs(s.sub(x, y)))))))
      },
      {
        accepts: (dtype) => {
          if (!isFloat(dtype)) throw notImplemented(`${name}_cpu`, dtype)
        },
        grad: ({ dy, x: [x, y] }) => [s.div(dy, s.add(1, exp(s.sub(y, x)))), s.div(dy, s.add(1, exp(s.sub(x, y))))],
      },
    ),
  )
/**
 * `log(exp(x) + exp(y))`, without overflow. Floats only.
 *
 * @example
 * logaddexp(tensor([0, 1000]), tensor([0, 1000])) // tensor([6.9315e-01, 1.0007e+03])
 */
export const logaddexp: Overloaded<Operands> = logOfSum('logaddexp', s.exp, s.log1p)
/**
 * `log2(2 ** x + 2 ** y)`, without overflow. Floats only.
 *
 * @example
 * logaddexp2(tensor([1, 3]), tensor([1, 3])) // tensor([2., 4.])
 */
export const logaddexp2: Overloaded<Operands> = logOfSum('logaddexp2', s.exp2, (x) => s.mul(s.log1p(x), Math.LOG2E))

// ---- products with logarithms ----

/** PyTorch names the nodes of these functions by which operand is a number. */
function bySides(name: string, op: Elementwise, node: string): Overloaded<Operands> {
  const { resolve } = binary(op, name)
  const [numberFirst, numberSecond] = [1, 2].map((i) => named(`${node}Backward${i}`, op))
  return overloaded((...args: Operands) => {
    const [both, inputs] = resolve(...args)
    return [typeof args[0] !== 'object' ? numberFirst : typeof args[1] === 'object' ? both : numberSecond, inputs]
  })
}
function logProduct(name: string, log: (y: Expr) => Expr, inside: (y: Expr) => Expr): Elementwise {
  const product = (x: Expr, y: Expr): Expr => s.select(s.isnan(y), y, s.select(s.eq(x, 0), 0, s.mul(x, log(y))))
  return elementwise(name, (x, y) => product(x, y), {
    out: 'float',
    grad: ({ dy, x: [x, y] }) => [
      s.select(s.and(s.eq(x, 0), s.le(inside(y), 0)), 0, product(dy, y)),
      s.mul(dy, s.div(x, inside(y))),
    ],
  })
}
/**
 * `x * log(y)`, which is 0 where x is 0. Integers give float32.
 *
 * @example
 * xlogy(tensor([0, 2]), tensor([0, 1])) // tensor([0., 0.])
 */
export const xlogy: Overloaded<Operands> = bySides(
  'xlogy',
  logProduct('xlogy', s.log, (y) => y),
  'Xlogy',
)
/**
 * `x * log(1 + y)`, which is 0 where x is 0. Integers give float32.
 *
 * @example
 * special.xlog1py(tensor([0, 2]), tensor([-1, 0])) // tensor([0., 0.])
 */
export const xlog1py: Overloaded<Operands> = bySides(
  'xlog1py',
  logProduct('SpecialXlog1PyBackward0', s.log1p, (y) => s.add(y, 1)),
  'SpecialXlog1Py',
)
/**
 * `-x * log(x)`: 0 at 0, -Infinity below.
 *
 * @example
 * special.entr(tensor([0, 0.5, -1])) // tensor([0.0000, 0.3466,   -inf])
 */
export const entr = unary(
  elementwise(
    'specialEntr',
    (x) =>
      s.select(
        s.isnan(x),
        x,
        s.select(s.gt(x, 0), s.neg(s.mul(x, s.log(x))), s.select(s.eq(x, 0), 0, Number.NEGATIVE_INFINITY)),
      ),
    { ...float, grad: ({ dy, x: [x] }) => [s.mul(dy, s.neg(s.add(1, s.log(x))))] },
  ),
  'special_entr',
)

// ---- logit and sinc ----

const odds = (x: Expr): Expr => s.log(s.div(x, s.sub(1, x)))
const oddsSlope = (dy: Expr, x: Expr): Expr => s.div(dy, s.mul(x, s.sub(1, x)))
const logitOp = elementwise('logit', odds, {
  ...float,
  grad: ({ dy, x: [x] }) => {
    const edge = s.or(s.eq(x, 0), s.eq(x, 1))
    const outside = s.or(s.lt(x, 0), s.gt(x, 1))
    return [s.select(outside, Number.NaN, s.select(edge, s.mul(dy, Number.POSITIVE_INFINITY), oddsSlope(dy, x)))]
  },
})
const logitWithin = elementwise(
  'logit',
  (x, eps) => {
    const high = s.sub(1, eps)
    return odds(s.select(s.lt(x, eps), eps, s.select(s.gt(x, high), high, x)))
  },
  {
    ...float,
    grad: ({ dy, x: [x, eps] }) => [
      s.select(s.or(s.lt(x, eps), s.gt(x, s.sub(1, eps))), 0, oddsSlope(dy, x)),
      s.constant(0, dy.dtype),
    ],
  },
)
const logitArguments = method('logit', optional('eps', nullable(number), null))
/**
 * `log(x / (1 - x))`, the inverse of `sigmoid`; with `eps`, of x limited to [eps, 1 - eps]. NaN outside of [0, 1].
 *
 * @example
 * logit(tensor([0.5, 0.75])) // tensor([0.0000, 1.0986])
 */
export const logit = overloaded((x: Tensor, ...args: Arguments<[eps: number | null], { readonly eps?: number }>) => {
  const [eps] = logitArguments(x, args)
  return eps === null ? [logitOp, [x]] : [logitWithin, [x, operand(eps)]]
})

/**
 * `sin(pi x) / (pi x)`, 1 at 0.
 *
 * @example
 * sinc(tensor([0, 0.5])) // tensor([1.0000, 0.6366])
 */
export const sinc = unary(
  elementwise(
    'sinc',
    (x) => {
      const angle = s.mul(x, Math.PI)
      return s.select(s.eq(x, 0), 1, s.div(s.sin(angle), angle))
    },
    {
      ...float,
      grad: ({ dy, x: [x] }) => {
        const angle = s.mul(x, Math.PI)
        const square = s.mul(s.mul(x, x), Math.PI)
        const slope = s.div(s.sub(s.mul(angle, s.cos(angle)), s.sin(angle)), square)
        return [s.select(s.eq(square, 0), 0, s.mul(dy, slope))]
      },
    },
  ),
)

// ---- the normal distribution ----

/** Lowest power first. */
const polynomial = (c: readonly number[], u: Expr): Expr =>
  c.slice(0, -1).reduceRight<Expr>((sum, a) => s.add(s.mul(sum, u), a), s.constant(c[c.length - 1], u.dtype))
/** The Chebyshev interpolant of `exp(z * z) * erfc(z) * (3 + z) / 3` in `(3 - z) / (3 + z)`, for all z from 0 on. */
const erfcxFit = [
  ...[0.3580023023627799, 0.294464817723293, 0.19674278570136905, 0.10348908730032487, 0.039842587095677014],
  ...[0.008942411537958437, -0.00040413887411009487, -0.0010113539579816233, -0.00018276991291403435],
  ...[9.225899997789508e-5, 3.585391740464576e-5, -1.0131578675156923e-5, -5.823839277695447e-6],
  ...[1.5801189369395156e-6, 9.225490949004146e-7, -3.2798388174368307e-7, -1.3718778405338225e-7],
  ...[7.241314802770536e-8, 1.662235757595342e-8, -1.3174436327282527e-8, -1.176637834482961e-9],
  1.3433763579088608e-9,
]
/** `exp(z * z) * erfc(z)`, for z from 0 on. */
const scaledTail = (z: Expr): Expr => {
  const ratio = s.div(3, s.add(z, 3))
  return s.mul(ratio, polynomial(erfcxFit, s.sub(s.mul(ratio, 2), 1)))
}
const complement = (x: Expr): Expr => {
  const a = s.abs(x)
  const far = s.mul(s.exp(s.neg(s.mul(a, a))), scaledTail(a))
  return s.select(s.lt(a, 0.5), s.sub(1, s.erf(x)), s.select(s.lt(x, 0), s.sub(2, far), far))
}
/**
 * `1 - erf(x)`, with all digits also where it is small.
 *
 * @example
 * erfc(tensor([0, 5])) // tensor([1.0000e+00, 1.5375e-12])
 */
export const erfc = unary(
  elementwise('erfc', complement, {
    ...float,
    grad: ({ dy, x: [x] }) => [s.mul(s.mul(dy, -2 / Math.sqrt(Math.PI)), s.exp(s.neg(s.mul(x, x))))],
  }),
)
/**
 * `exp(x * x) * erfc(x)`, which neither underflows nor loses digits for large x.
 *
 * @example
 * special.erfcx(tensor([0, 30])) // tensor([1.0000, 0.0188])
 */
export const erfcx = unary(
  elementwise(
    'specialErfcx',
    (x) => {
      const far = scaledTail(s.abs(x))
      return s.select(s.lt(x, 0), s.sub(s.mul(s.exp(s.mul(x, x)), 2), far), far)
    },
    { ...float, grad: ({ dy, x: [x], y }) => [s.mul(dy, s.sub(s.mul(s.mul(x, 2), y), 2 / Math.sqrt(Math.PI)))] },
  ),
  'special_erfcx',
)

const density = (x: Expr): Expr => s.mul(s.exp(s.mul(s.mul(x, x), -0.5)), 1 / Math.sqrt(2 * Math.PI))
/**
 * The standard normal distribution function.
 *
 * @example
 * special.ndtr(tensor([0, 1])) // tensor([0.5000, 0.8413])
 */
export const ndtr = unary(
  elementwise('MulBackward1', (x) => s.mul(complement(s.mul(x, -Math.SQRT1_2)), 0.5), {
    ...float,
    grad: ({ dy, x: [x] }) => [s.mul(dy, density(x))],
  }),
  'special_ndtr',
)
/**
 * The logarithm of the standard normal distribution function, with all digits also where that is small.
 *
 * @example
 * special.logNdtr(tensor([0, -40])) // tensor([-6.9315e-01, -8.0461e+02])
 */
export const logNdtr = unary(
  elementwise(
    'specialLogNdtr',
    (x) => {
      const t = s.mul(x, Math.SQRT1_2)
      const low = s.sub(s.log(s.mul(scaledTail(s.max(s.neg(t), 0)), 0.5)), s.mul(t, t))
      return s.select(s.lt(x, -1), low, s.log1p(s.mul(complement(t), -0.5)))
    },
    {
      ...float,
      grad: ({ dy, x: [x], y }) => [
        s.mul(s.mul(dy, s.exp(s.sub(s.mul(s.mul(x, x), -0.5), y))), 1 / Math.sqrt(2 * Math.PI)),
      ],
    },
  ),
  'special_log_ndtr',
)
/**
 * The z for which the normal distribution function is q, less than 0.1, is -z: a rational approximation, and two of
 * Halley's steps for the logarithm.
 */
const tail = (q: Expr): Expr => {
  const logQ = s.log(q)
  const t = s.sqrt(s.mul(logQ, -2))
  const ratio = s.div(polynomial([2.515517, 0.802853, 0.010328], t), polynomial([1, 1.432788, 0.189269, 0.001308], t))
  let z = s.sub(t, ratio)
  for (let i = 0; i < 2; i++) {
    const scaled = scaledTail(s.mul(z, Math.SQRT1_2))
    const off = s.sub(s.sub(s.log(s.mul(scaled, 0.5)), s.mul(s.mul(z, z), 0.5)), logQ)
    const slope = s.div(Math.sqrt(2 / Math.PI), scaled)
    z = s.add(z, s.div(off, s.add(slope, s.mul(off, s.mul(s.sub(slope, z), 0.5)))))
  }
  return z
}
/**
 * The inverse of `ndtr`: infinite at 0 and 1, NaN beyond.
 *
 * @example
 * special.ndtri(tensor([0.5, 0.975])) // tensor([0.0000, 1.9600])
 */
export const ndtri = unary(
  elementwise(
    'specialNdtri',
    (p) => {
      const low = s.lt(p, 0.5)
      const q = s.select(low, p, s.sub(1, p))
      const z = s.select(s.eq(q, 0), Number.POSITIVE_INFINITY, tail(q))
      const middle = s.mul(s.erfinv(s.sub(s.mul(p, 2), 1)), Math.SQRT2)
      return s.select(s.lt(s.abs(s.sub(p, 0.5)), 0.4), middle, s.select(low, s.neg(z), z))
    },
    {
      ...float,
      grad: ({ dy, y }) => [s.mul(s.mul(dy, Math.sqrt(2 * Math.PI)), s.exp(s.mul(s.mul(y, y), 0.5)))],
    },
  ),
  'special_ndtri',
)

// ---- Bessel functions ----

/** The terms of the asymptotic series of `exp(-x) * sqrt(2 pi x) * I(x)` in 1 / x, from 30 on. */
const seriesOf = (order: number): number[] => {
  const terms = [1]
  for (let k = 1; k < 17; k++) terms.push((-terms[k - 1] * (4 * order * order - (2 * k - 1) ** 2)) / (8 * k))
  return terms
}
const [series0, series1] = [0, 1].map(seriesOf)
const scaledBessel = (x: Expr, near: (x: Expr) => Expr, series: readonly number[]): Expr => {
  const a = s.abs(x)
  const inverse = s.div(1, s.max(a, 30))
  const far = s.mul(polynomial(series, inverse), s.sqrt(s.mul(inverse, 1 / (2 * Math.PI))))
  return s.select(s.gt(a, 30), far, s.mul(s.exp(s.neg(a)), near(s.min(a, 30))))
}
const scaled0 = (x: Expr): Expr => scaledBessel(x, s.i0, series0)
const oddly = (x: Expr, size: Expr): Expr => s.select(s.lt(x, 0), s.neg(size), size)
const scaled1 = (x: Expr): Expr => oddly(x, scaledBessel(x, s.i1, series1))
/**
 * `exp(-|x|)` times the modified Bessel function of order 0.
 *
 * @example
 * special.i0e(tensor([0, 1])) // tensor([1.0000, 0.4658])
 */
export const i0e = unary(
  elementwise('SpecialI0EBackward0', scaled0, {
    ...float,
    grad: ({ dy, x: [x], y }) => [s.mul(dy, s.sub(scaled1(x), s.mul(s.sign(x), y)))],
  }),
  'special_i0e',
)
/**
 * The modified Bessel function of the first kind, of order 1.
 *
 * @example
 * special.i1(tensor([0, 1])) // tensor([0.0000, 0.5652])
 */
export const i1 = unary(
  elementwise('specialI1', (x) => oddly(x, s.i1(s.abs(x))), {
    ...float,
    // Of NaN the slope at 0, as in PyTorch.
    grad: ({ dy, x: [x], y }) => [s.mul(dy, s.select(s.gt(s.abs(x), 0), s.sub(s.i0(x), s.div(y, x)), 0.5))],
  }),
  'special_i1',
)
/**
 * `exp(-|x|)` times the modified Bessel function of order 1.
 *
 * @example
 * special.i1e(tensor([0, 1])) // tensor([0.0000, 0.2079])
 */
export const i1e = unary(
  elementwise('SpecialI1EBackward0', scaled1, {
    ...float,
    grad: ({ dy, x: [x], y }) => [
      s.mul(dy, s.select(s.gt(s.abs(x), 0), s.sub(scaled0(x), s.mul(y, s.add(s.sign(x), s.div(1, x)))), 0.5)),
    ],
  }),
  'special_i1e',
)

// ---- the gamma function ----

const gammaOps: Elementwise[] = []
/** The logarithm of the gamma function of `p` dimensions: a sum of `p` logarithms. */
function multivariate(p: number): Elementwise {
  if (gammaOps[p] !== undefined) return gammaOps[p]
  const sumOf = (fn: (x: Expr) => Expr, first: Expr): Expr => {
    let sum = fn(first)
    for (let j = 1; j < p; j++) sum = s.add(sum, fn(s.sub(first, j / 2)))
    return sum
  }
  const constant = (p * (p - 1) * Math.log(Math.PI)) / 4
  gammaOps[p] = elementwise('mvlgamma', (x) => s.add(sumOf(s.lgamma, x), constant), {
    ...float,
    // The slope at 0 is that from above, whatever its sign.
    grad: ({ dy, x: [x] }) => [s.mul(dy, sumOf(s.digamma, s.select(s.eq(x, 0), s.constant(0, x.dtype), x)))],
  })
  return gammaOps[p]
}
const mvlgammaArguments = method('mvlgamma', required('p', int))
/**
 * The logarithm of the multivariate gamma function of dimension `p`, 1 or more, for x above (p - 1) / 2.
 *
 * @example
 * mvlgamma(tensor([2, 3]), 2) // tensor([0.4516, 1.5502])
 */
export const mvlgamma = overloaded((x: Tensor, ...args: Takes<[p: number], 'p'>) => {
  const [p] = mvlgammaArguments(x, args)
  if (p < 1) throw new RuntimeError('p has to be greater than or equal to 1', `It is ${p}.`)
  if (p > 1000) throw new RuntimeError('p has to be at most 1000', `It is ${p}.`)
  return [multivariate(p), [x]]
})

const polygammaOp = elementwise('polygamma', (n, x) => s.polygamma(n, x), float)
const polygammaArguments = signature('polygamma', required('n', int), required('input', tensor))
/** The op of `x.polygamma(n)`, which is the method of `polygamma(n, x)`. */
export const polygammaOf = overloaded((x: Tensor, ...args: Takes<[n: number], 'n'>) => {
  const [n] = polygammaMethod(x, args)
  return resolvePolygamma(n, x)
})
const polygammaMethod = method('polygamma', required('n', int))
function resolvePolygamma(n: number, x: Tensor): readonly [Elementwise, readonly Input[]] {
  if (n < 0) throw new RuntimeError('polygamma(n, x) does not support negative n.', `n is ${n}.`)
  return [polygammaOp, [operand(n), x]]
}
/**
 * The derivative of `digamma` of order `n`: `polygamma(1, x)` is the first one. `x.polygamma(n)` as a method.
 *
 * @example
 * polygamma(1, tensor([1, 2])) // tensor([1.6449, 0.6449])
 */
export function polygamma(...args: [n: number, input: Tensor | { readonly input: Tensor }]): Tensor {
  const [n, x] = polygammaArguments(args)
  return apply(...resolvePolygamma(n, x), null)
}
