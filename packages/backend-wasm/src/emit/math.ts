// Functions of float32 vectors, operation by operation as native/src/cpu/math.inl has them for vectors without a fused
// multiply-add, so that emitted code gives the interpreter's bits.
import * as w from './code.ts'
import type { Code } from './code.ts'

/** Functions of C that the compiled module exports, and how many doubles they take. */
export const exacts = { sin: 1, cos: 1, tan: 1, atan2: 2 } as const
export type Exact = keyof typeof exacts

/** Where the code of a function goes. An operand of a function is code that may be repeated, such as a local. */
export interface Maker {
  /** Computes a value here and now; the result reads it. */
  keep(value: Code): Code
  /** Vectors of a constant. */
  float(value: number): Code
  int(value: number): Code
  double(value: number): Code
  long(high: number, low: number): Code
  /** Calls a function of doubles. */
  call(name: Exact, ...args: readonly Code[]): Code
  /** Adds instructions that run if a lane of the mask is set. */
  ifAny(mask: Code, then: () => void): void
  /** Keeps a value that may be set again; the result sets it. */
  variable(value: Code): { readonly get: Code; set(value: Code): void }
}

type Fn = (m: Maker, x: Code) => Code

const signBit = -0x80000000
/** a * b + c, rounded twice. */
const madd = (a: Code, b: Code, c: Code): Code => w.add(w.mul(a, b), c)
export const maddDoubles = (a: Code, b: Code, c: Code): Code => w.addDoubles(w.mulDoubles(a, b), c)
export const copySign = (m: Maker, x: Code, sign: Code): Code => w.select(m.int(signBit), sign, x)

/** Horner's rule, the highest power first. Every sum is kept, so that a loop may be cut there (stages.ts). */
function polynomial(m: Maker, x: Code, first: number, ...rest: readonly number[]): Code {
  return rest.reduce<Code>((sum, c) => m.keep(madd(sum, x, m.float(c))), m.float(first))
}
export function polynomialDoubles(m: Maker, x: Code, first: number, ...rest: readonly number[]): Code {
  return rest.reduce<Code>((sum, c) => m.keep(maddDoubles(sum, x, m.double(c))), m.double(first))
}

/** The integer nearest to x / step, as a float and in the low bits of an int32. */
interface Whole {
  readonly n: Code
  readonly k: Code
}
function nearest(m: Maker, x: Code, inverse: number): Whole {
  const shift = m.float(12582912)
  const t = m.keep(madd(x, m.float(inverse), shift))
  return { n: m.keep(w.sub(t, shift)), k: m.keep(w.subInts(t, m.int(0x4b400000))) }
}

/** x * 2^k, rounded once; k from -252 to 254. */
function scale(m: Maker, x: Code, k: Code): Code {
  const half = m.keep(w.shiftRight(k, 1))
  const power = (k: Code): Code => w.shiftLeft(w.addInts(k, m.int(127)), 23)
  return w.mul(w.mul(x, power(half)), power(w.subInts(k, half)))
}

const log2e = Math.LOG2E
const ln2High = 0.693359375
const ln2Low = -2.1219444e-4
const exponents = [1.98756915e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1]

/** x - n log(2) */
const restOf = (m: Maker, x: Code, n: Code): Code => m.keep(madd(n, m.float(-ln2Low), madd(n, m.float(-ln2High), x)))
/** e^r - 1 */
function grown(m: Maker, r: Code): Code {
  const [first, ...rest] = exponents
  return madd(polynomial(m, r, first, ...rest), w.mul(r, r), r)
}
const exponential = (m: Maker, x: Code, { n, k }: Whole): Code =>
  scale(m, w.add(grown(m, restOf(m, x, n)), m.float(1)), k)

const exp: Fn = (m, x) => {
  const c = m.keep(w.largerOf(w.smallerOf(x, m.float(88.9)), m.float(-104)))
  return exponential(m, c, nearest(m, c, log2e))
}

const expm1: Fn = (m, x) => {
  const c = m.keep(w.largerOf(w.smallerOf(x, m.float(89)), m.float(-18)))
  const { n, k } = nearest(m, c, log2e)
  const r = restOf(m, c, n)
  const half = m.keep(w.shiftLeft(w.addInts(k, m.int(126)), 23))
  const y = w.mul(madd(grown(m, r), half, w.sub(half, m.float(0.5))), m.float(2))
  return w.select(w.lt(w.abs(x), m.float(2.98e-8)), x, y)
}

/** log((1 + f) 2^k), with 1 + f between sqrt(1/2) and sqrt(2); n is k as a float. */
function logarithm(m: Maker, f: Code, n: Code): Code {
  const z = m.keep(w.mul(f, f))
  const p = polynomial(
    m,
    f,
    7.0376836292e-2,
    -1.151461031e-1,
    1.167699874e-1,
    -1.2420140846e-1,
    1.4249322787e-1,
    -1.6668057665e-1,
    2.0000714765e-1,
    -2.4999993993e-1,
    3.3333331174e-1,
  )
  const y = madd(z, m.float(-0.5), madd(n, m.float(ln2Low), w.mul(w.mul(p, f), z)))
  return madd(n, m.float(ln2High), w.add(f, y))
}
const exponentOf = (m: Maker, x: Code): Code => m.keep(w.shiftRight(w.subInts(x, m.int(0x3f3504f3)), 23))
/** x 2^-k */
const reduced = (x: Code, k: Code): Code => w.subInts(x, w.shiftLeft(k, 23))

/** `y` where a logarithm is defined; `least` is where it is -infinity. */
function whereDefined(m: Maker, y: Code, x: Code, least: number): Code {
  const finite = w.select(w.lt(x, m.float(Infinity)), y, x)
  const bound = m.float(least)
  return w.select(w.gt(x, bound), finite, w.select(w.eq(x, bound), m.float(-Infinity), m.float(NaN)))
}

/** x = 2^k (1 + f). */
function split(m: Maker, x: Code): { readonly k: Code; readonly f: Code } {
  const tiny = m.keep(w.lt(x, m.float(1.17549435e-38)))
  const normal = m.keep(w.select(tiny, w.mul(x, m.float(8388608)), x))
  const k = exponentOf(m, normal)
  const f = m.keep(w.sub(reduced(normal, k), m.float(1)))
  return { k: m.keep(w.toFloats(w.addInts(k, w.and(tiny, m.int(-23))))), f }
}
const log: Fn = (m, x) => {
  const { k, f } = split(m, x)
  return whereDefined(m, logarithm(m, f, k), x, 0)
}

const log1p: Fn = (m, x) => {
  const k = exponentOf(m, w.add(x, m.float(1)))
  const down = m.keep(w.negInts(k))
  const f = m.keep(w.add(scale(m, x, down), w.sub(scale(m, m.float(1), down), m.float(1))))
  return copySign(m, whereDefined(m, logarithm(m, f, w.toFloats(k)), x, -1), x)
}

const tanh: Fn = (m, x) => {
  const a = m.keep(w.abs(x))
  const s = m.keep(w.mul(x, x))
  const p = polynomial(
    m,
    s,
    -5.70498872745e-3,
    2.06390887954e-2,
    -5.37397155531e-2,
    1.33314422036e-1,
    -3.33332819422e-1,
  )
  const near = m.keep(madd(w.mul(p, s), a, a))
  const c = m.keep(w.select(w.gt(a, m.float(10)), m.float(20), w.add(a, a)))
  const e = exponential(m, c, nearest(m, c, log2e))
  const far = w.sub(m.float(1), w.div(m.float(2), w.add(e, m.float(1))))
  return copySign(m, w.select(w.lt(a, m.float(0.625)), near, far), x)
}

const erf: Fn = (m, x) => {
  const a = m.keep(w.abs(x))
  const t = m.keep(w.smallerOf(a, m.float(4)))
  const s = m.keep(w.mul(t, t))
  const start = madd(m.float(-1.7285347e-5), t, m.float(3.83197126e-4))
  const next = madd(start, s, madd(m.float(-3.88396438e-3), t, m.float(2.42546219e-2)))
  const horner = [-1.06777877e-1, -6.34846687e-1, -1.28717512e-1].reduce<Code>(
    (sum, c) => madd(sum, t, m.float(c)),
    next,
  )
  const power = m.keep(madd(horner, t, w.neg(t)))
  const far = m.keep(w.sub(m.float(1), exponential(m, power, nearest(m, power, log2e))))
  const p = polynomial(
    m,
    s,
    -5.96761703e-4,
    4.99119423e-3,
    -2.67681349e-2,
    1.12819925e-1,
    -3.76125336e-1,
    1.28379166e-1,
  )
  return copySign(m, w.select(w.gt(a, m.float(0.927734375)), far, madd(p, a, a)), x)
}

const exp2: Fn = (m, x) => {
  const c = m.keep(w.largerOf(w.smallerOf(x, m.float(128.5)), m.float(-151)))
  const { n, k } = nearest(m, c, 1)
  const r = m.keep(w.mul(w.sub(c, n), m.float(0.693147182)))
  return scale(m, w.add(grown(m, r), m.float(1)), k)
}

const log2: Fn = (m, x) => {
  const { k, f } = split(m, x)
  const y = m.keep(logarithm(m, f, m.float(0)))
  return whereDefined(m, w.add(k, madd(y, m.float(Math.LOG2E), w.mul(y, m.float(1.92596299e-8)))), x, 0)
}
const log10: Fn = (m, x) => {
  const { k, f } = split(m, x)
  const low = madd(k, m.float(-2.48745663e-6), w.mul(logarithm(m, f, m.float(0)), m.float(Math.LOG10E)))
  return whereDefined(m, madd(k, m.float(0.301032484), low), x, 0)
}

/** e^a / 2, for a >= 0; it overflows where the hyperbolic functions do. */
function halfExp(m: Maker, a: Code): Code {
  const c = m.keep(w.smallerOf(a, m.float(89.5)))
  const { n, k } = nearest(m, c, log2e)
  const e = w.add(grown(m, restOf(m, c, n)), m.float(1))
  return m.keep(scale(m, e, m.keep(w.subInts(k, m.int(1)))))
}
const sinh: Fn = (m, x) => {
  const a = m.keep(w.abs(x))
  const z = m.keep(w.mul(a, a))
  const p = polynomial(m, z, 2.50521084e-8, 2.75573192e-6, 1.98412698e-4, 8.33333333e-3, 1.66666667e-1)
  const near = m.keep(madd(w.mul(a, z), p, a))
  const h = halfExp(m, a)
  const far = w.sub(h, w.div(m.float(0.25), h))
  return copySign(m, w.select(w.lt(a, m.float(1)), near, far), x)
}
const cosh: Fn = (m, x) => {
  const h = halfExp(m, m.keep(w.abs(x)))
  return w.add(h, w.div(m.float(0.25), h))
}

const asinh: Fn = (m, x) => {
  const a = m.keep(w.abs(x))
  const large = m.keep(w.gt(a, m.float(1e4)))
  const c = m.keep(w.select(large, m.float(0), a))
  const root = w.sqrt(madd(c, c, m.float(1)))
  const near = m.keep(log1p(m, m.keep(w.add(c, w.div(w.mul(c, c), w.add(m.float(1), root))))))
  const far = w.add(log(m, a), m.float(0.693147182))
  return copySign(m, w.select(large, far, w.select(w.eq(a, a), near, a)), x)
}
const acosh: Fn = (m, x) => {
  const large = m.keep(w.gt(x, m.float(1e4)))
  const t = m.keep(w.sub(w.select(large, m.float(1), x), m.float(1)))
  const near = m.keep(log1p(m, m.keep(w.add(t, w.sqrt(w.mul(t, w.add(t, m.float(2))))))))
  const far = w.add(log(m, x), m.float(0.693147182))
  return w.select(large, far, w.select(w.lt(x, m.float(1)), m.float(NaN), near))
}
const atanh: Fn = (m, x) => {
  const a = m.keep(w.abs(x))
  const t = m.keep(w.div(w.add(a, a), w.sub(m.float(1), a)))
  return copySign(m, w.mul(log1p(m, t), m.float(0.5)), x)
}

/** For |x| up to a half. */
function asinNear(m: Maker, x: Code): Code {
  const z = m.keep(w.mul(x, x))
  const p = polynomial(m, z, 4.2163199048e-2, 2.4181311049e-2, 4.5470025998e-2, 7.4953002686e-2, 1.6666752422e-1)
  return m.keep(madd(w.mul(x, z), p, x))
}
const halved = (m: Maker, a: Code): Code => w.sqrt(w.mul(w.sub(m.float(1), a), m.float(0.5)))
const lowOfPi = -4.37113883e-8
const asin: Fn = (m, x) => {
  const a = m.keep(w.abs(x))
  const large = m.keep(w.gt(a, m.float(0.5)))
  const y = asinNear(m, m.keep(w.select(large, halved(m, a), a)))
  const far = w.add(w.sub(m.float(1.57079637), w.mul(m.float(2), y)), m.float(lowOfPi))
  return copySign(m, w.select(large, far, y), x)
}
const acos: Fn = (m, x) => {
  const a = m.keep(w.abs(x))
  const large = m.keep(w.gt(a, m.float(0.5)))
  const y = asinNear(m, m.keep(w.select(large, halved(m, a), x)))
  const twice = m.keep(w.mul(m.float(2), y))
  const negative = w.add(w.sub(m.float(3.14159274), twice), m.float(-8.74227766e-8))
  const far = w.select(w.lt(x, m.float(0)), negative, twice)
  return w.select(large, far, w.add(w.sub(m.float(1.57079637), y), m.float(lowOfPi)))
}

// In double precision, two lanes at a time.

export const low = (m: Maker, x: Code): Code => m.keep(w.promoteLow(x))
export const high = (m: Maker, x: Code): Code => m.keep(w.promoteLow(w.shuffle(x, x, [2, 3, 0, 1])))
export const join = (a: Code, b: Code): Code => w.shuffle(w.demoteLow(a), w.demoteLow(b), [0, 1, 4, 5])

function atanOf(m: Maker, x: Code): Code {
  const a = m.keep(w.absDoubles(x))
  const far = m.keep(w.gtDoubles(a, m.double(2.414213562373095)))
  const middle = m.keep(w.gtDoubles(a, m.double(0.4142135623730951)))
  const one = m.double(1)
  const t = m.keep(
    w.select(
      far,
      w.divDoubles(m.double(-1), a),
      w.select(middle, w.divDoubles(w.subDoubles(a, one), w.addDoubles(a, one)), a),
    ),
  )
  const z = m.keep(w.mulDoubles(t, t))
  const p = polynomialDoubles(m, z, 8.05374449538e-2, -1.38776856032e-1, 1.99777106478e-1, -3.33329491539e-1)
  const shift = w.select(far, m.double(1.5707963267948966), w.select(middle, m.double(0.7853981633974483), m.double(0)))
  return m.keep(w.addDoubles(maddDoubles(w.mulDoubles(t, z), p, t), shift))
}
const atan: Fn = (m, x) => copySign(m, join(atanOf(m, low(m, x)), atanOf(m, high(m, x))), x)

/** a * b + c, rounded once: the product is exact in a double. */
export function fma(m: Maker, a: Code, b: Code, c: Code): Code {
  const half = (part: typeof low): Code => maddDoubles(part(m, a), part(m, b), part(m, c))
  return join(half(low), half(high))
}

// sin, cos and tan: x - n pi/2 in double precision, accurate enough for |x| below 2^20; the C library handles the rest.

interface Quarter {
  readonly r: Code
  /** In the low halves of both lanes. */
  readonly k: Code
}
function quarter(m: Maker, x: Code): Quarter {
  const shift = m.double(6755399441055744)
  const t = m.keep(maddDoubles(x, m.double(0.6366197723675814), shift))
  const n = m.keep(w.subDoubles(t, shift))
  const r = maddDoubles(n, m.double(-6.077100506506192e-11), maddDoubles(n, m.double(-1.5707963267341256), x))
  return { r: m.keep(r), k: t }
}
const evenWords = [0, 2, 4, 6]

function sinOf(m: Maker, r: Code, k: Code): Code {
  const z = m.keep(w.mul(r, r))
  const p = polynomial(m, z, -1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1)
  const s = copySign(m, madd(w.mul(r, z), p, r), r)
  const even = polynomial(m, z, 2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2)
  const c = madd(w.mul(z, z), even, madd(z, m.float(-0.5), m.float(1)))
  const y = w.select(w.neInts(w.and(k, m.int(1)), m.int(0)), c, s)
  return w.xor(y, w.shiftLeft(w.and(k, m.int(2)), 30))
}

/** `y`, and the C library's result in the lanes of a mask. */
export function exactly(m: Maker, lanes: Code, y: Code, exact: Exact, ...args: readonly Code[]): Code {
  const result = m.variable(y)
  m.ifAny(lanes, () => {
    for (let lane = 0; lane < 4; lane++) {
      const value = w.demote(m.call(exact, ...args.map((x) => w.promote(w.floatOf(x, lane)))))
      const single = w.choose(value, w.floatOf(result.get, lane), w.intOf(lanes, lane))
      result.set(w.withFloat(result.get, single, lane))
    }
  })
  return result.get
}

const isFar = (m: Maker, x: Code): Code => m.keep(w.gt(w.abs(x), m.float(1048576)))

const turned =
  (by: number, exact: Exact): Fn =>
  (m, x) => {
    const [a, b] = [quarter(m, low(m, x)), quarter(m, high(m, x))]
    const k = w.shuffle(a.k, b.k, evenWords)
    const r = m.keep(join(a.r, b.r))
    return exactly(m, isFar(m, x), sinOf(m, r, m.keep(by === 0 ? k : w.addInts(k, m.int(by)))), exact, x)
  }

/** Of r, or of r plus a quarter turn if k is odd; in double precision, because it is steep. */
function tanOf(m: Maker, { r, k }: Quarter): Code {
  const z = m.keep(w.mulDoubles(r, r))
  const p = polynomialDoubles(m, z, -1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1)
  const s = m.keep(w.mulDoubles(r, maddDoubles(z, p, m.double(1))))
  const even = polynomialDoubles(m, z, 2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2)
  const c = m.keep(maddDoubles(w.mulDoubles(z, z), even, maddDoubles(z, m.double(-0.5), m.double(1))))
  const odd = m.keep(w.shiftRightLongs(w.shiftLeftLongs(k, 63), 63))
  return w.divDoubles(w.select(odd, w.negDoubles(c), s), w.select(odd, s, c))
}
const tan: Fn = (m, x) => {
  const of = (part: typeof low): Code => tanOf(m, quarter(m, part(m, x)))
  return exactly(m, isFar(m, x), join(of(low), of(high)), 'tan', x)
}

// pow: 2^(p log2 |x|) in double precision.

function log2Of(m: Maker, x: Code): Code {
  const k = m.keep(w.shiftRightLongs(w.subLongs(x, m.long(0x3fe6a09e, 0x667f3bcd)), 52))
  const f = m.keep(w.subDoubles(w.subLongs(x, w.shiftLeftLongs(k, 52)), m.double(1)))
  const s = m.keep(w.divDoubles(f, w.addDoubles(f, m.double(2))))
  const z = m.keep(w.mulDoubles(s, s))
  // 2 / log(2) times the series of atanh.
  const p = polynomialDoubles(
    m,
    z,
    0.19235933878519512,
    0.22195308321368667,
    0.2623081892525388,
    0.3205988979753252,
    0.41219858311113244,
    0.5770780163555854,
    0.9617966939259756,
    2.8853900817779268,
  )
  return maddDoubles(s, p, w.doublesOf(w.shuffle(k, k, [0, 2, 0, 2])))
}

function exp2Of(m: Maker, x: Code): Code {
  const c = m.keep(w.maxDoubles(w.minDoubles(x, m.double(200)), m.double(-200)))
  const shift = m.double(6755399441055744)
  const t = m.keep(w.addDoubles(c, shift))
  const r = m.keep(w.subDoubles(c, w.subDoubles(t, shift)))
  const p = polynomialDoubles(
    m,
    r,
    1.0178086009239699e-7,
    1.3215486790144307e-6,
    1.525273380405984e-5,
    0.0001540353039338161,
    0.0013333558146428443,
    0.009618129107628477,
    5.550410866482158e-2,
    0.24022650695910072,
    Math.LN2,
    1,
  )
  return w.addLongs(p, w.shiftLeftLongs(t, 52))
}

/** Like C's pow. */
export function pow(m: Maker, x: Code, p: Code): Code {
  const [zero, one, infinity] = [m.float(0), m.float(1), m.float(Infinity)]
  const a = m.keep(w.abs(x))
  const finite = m.keep(w.lt(a, infinity))
  const safe = m.keep(w.select(w.and(w.gt(a, zero), finite), a, one))
  const of = (part: typeof low): Code => exp2Of(m, w.mulDoubles(log2Of(m, part(m, safe)), part(m, p)))
  const usual = m.keep(w.eqInts(safe, a))
  const limit = m.keep(w.mul(w.select(w.eq(a, zero), m.float(-Infinity), a), p))
  const end = w.select(w.gt(limit, zero), infinity, w.select(w.lt(limit, zero), zero, limit))
  const y = m.keep(w.select(usual, join(of(low), of(high)), end))
  const size = m.keep(w.abs(p))
  const half = m.keep(w.mul(p, m.float(0.5)))
  const large = m.keep(w.ge(size, m.float(16777216)))
  const whole = m.keep(w.or(large, w.eq(w.toFloats(w.toInts(p)), p)))
  const odd = w.and(w.without(whole, large), w.ne(w.toFloats(w.toInts(half)), half))
  const signed = w.select(odd, w.xor(y, w.and(x, m.int(signBit))), y)
  const undefined_ = w.without(w.and(w.and(w.lt(x, zero), finite), w.eq(p, p)), whole)
  const defined = w.select(undefined_, m.float(NaN), signed)
  const isOne = w.or(w.or(w.eq(p, zero), w.eq(x, one)), w.and(w.eq(a, one), w.eq(size, infinity)))
  return w.select(isOne, one, defined)
}

/** JavaScript's ToInt32 of floats: modulo 2^32, and 0 for infinities and NaN. */
export function toInt32(m: Maker, x: Code): Code {
  const result = m.variable(w.toInts(x))
  m.ifAny(w.not(w.lt(w.abs(x), m.float(2147483648))), () => {
    // From 2^63 on a float is a multiple of 2^32; NaN is truncated to 0.
    for (let lane = 0; lane < 4; lane++) {
      const whole = w.wrap(w.truncateFloat(w.floatOf(x, lane)))
      const near = w.lessFloat(w.absFloat(w.floatOf(x, lane)), w.single(2 ** 63))
      result.set(w.withInt(result.get, w.choose(whole, w.int(0), near), lane))
    }
  })
  return result.get
}

/** By the name of the step. */
export const functions: Readonly<Record<string, Fn>> = {
  exp,
  expm1,
  log,
  log1p,
  tanh,
  erf,
  exp2,
  log2,
  log10,
  sinh,
  cosh,
  asinh,
  acosh,
  atanh,
  asin,
  acos,
  atan,
  sin: turned(0, 'sin'),
  cos: turned(1, 'cos'),
  tan,
}
