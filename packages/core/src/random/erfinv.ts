// The inverse of erf in float32 as PyTorch's CPU kernel computes it: a rational function, then two steps of Newton's
// method with the C library's erf and exp. It follows them step by step, so that truncated normal numbers have PyTorch's
// bits: 7 in 100,000 differ in the last one, where the C library rounds the logarithm the other way.
import { fma32 } from './fma.ts'

const f = Math.fround
const floats = (...values: number[]): Float32Array => new Float32Array(values)

/** c[0] + c[1] x + ..., each step of which rounds twice, as in the C library. */
function polynomial(c: Float32Array, x: number): number {
  let sum = c[c.length - 1]
  for (let i = c.length - 2; i >= 0; i--) sum = f(f(sum * x) + c[i])
  return sum
}

/** The same with one rounding a step, as PyTorch's kernels are compiled. */
function fused(c: Float32Array, x: number): number {
  let sum = c[c.length - 1]
  for (let i = c.length - 2; i >= 0; i--) sum = fma32(sum, x, c[i])
  return sum
}

// The C library's rational functions, which Sun Microsystems published in fdlibm: of erf near 0 and near 1, and of erfc
// beyond.
const near = {
  p: floats(0.128379167, -0.325042107, -0.0284817496, -0.0057702703, -0.0000237630166),
  q: floats(1, 0.397917224, 0.06502225, 0.00508130628, 0.000132494738, -0.00000396022828),
}
const middle = {
  p: floats(-0.00236211856, 0.414856119, -0.372207876, 0.31834662, -0.110894694, 0.0354783043, -0.00216637559),
  q: floats(1, 0.10642088, 0.540397918, 0.0718286544, 0.12617122, 0.0136370839, 0.0119844998),
}
const far = {
  p: floats(-0.00986494403, -0.693858573, -10.5586262, -62.3753325, -162.396669, -184.605093, -81.2874355, -9.81432934),
  q: floats(1, 19.6512717, 137.657754, 434.565877, 645.387272, 429.00814, 108.635006, 6.57024977, -0.0604244152),
}
const end = {
  p: floats(-0.00986494292, -0.799283238, -17.7579549, -160.636385, -637.566443, -1025.09513, -483.519192),
  q: floats(1, 30.3380607, 325.792513, 1536.72959, 3199.85822, 2553.0504, 474.528541, -22.4409525),
}
/** erf(1), rounded to a few bits. */
const ONE = f(0.845062911)

const word = new Float32Array(1)
const bits = new Int32Array(word.buffer)

/** The C library computes it in double precision, too. */
const expf = (x: number): number => f(Math.exp(x))

function erff(x: number): number {
  const a = Math.abs(x)
  if (a < 0.84375) {
    if (a < 2 ** -28) return f(x + f(near.p[0] * x))
    const z = f(x * x)
    return f(x + f(x * f(polynomial(near.p, z) / polynomial(near.q, z))))
  }
  if (a < 1.25) {
    const s = f(a - 1)
    const y = f(ONE + f(polynomial(middle.p, s) / polynomial(middle.q, s)))
    return x < 0 ? -y : y
  }
  const s = f(1 / f(a * a))
  word[0] = a
  const { p, q } = bits[0] < 0x4036db6e ? far : end
  const ratio = f(polynomial(p, s) / polynomial(q, s))
  // The square of the first bits is exact.
  bits[0] &= 0xfffff000
  const z = word[0]
  const r = f(expf(f(f(-z * z) - 0.5625)) * expf(f(f(f(z - a) * f(z + a)) + ratio)))
  const y = f(1 - f(r / a))
  return x < 0 ? -y : y
}

const inner = {
  p: floats(0.886226899, -1.645349621, 0.914624893, -0.140543331),
  q: floats(1, -2.118377725, 1.442710462, -0.329097515, 0.012229801),
}
const outer = { p: floats(-1.970840454, -1.624906493, 3.429567803, 1.641345311), q: floats(1, 3.5438892, 1.6370678) }
const SLOPE = f(2 / f(Math.sqrt(Math.PI)))

/** The inverse of erf of a float32 in [-1, 1]. */
export function erfinv32(y: number): number {
  const a = Math.abs(y)
  if (a === 1) return y * Infinity
  let x: number
  if (a <= f(0.7)) {
    const z = f(y * y)
    x = f(f(y * fused(inner.p, z)) / fused(inner.q, z))
  } else {
    const z = f(Math.sqrt(-f(Math.log(f(f(1 - a) / 2)))))
    const numerator = fused(outer.p, z)
    x = f((y < 0 ? -Math.abs(numerator) : Math.abs(numerator)) / fused(outer.q, z))
  }
  for (let i = 0; i < 2; i++) x = f(x - f(f(erff(x) - y) / f(SLOPE * expf(f(-x * x)))))
  return x
}
