// The inverse of erf in float32 as PyTorch's CPU kernel computes it: a rational function, then two steps of Newton's
// method with the C library's erf and exp. It follows them step by step, so that truncated normal numbers have PyTorch's
// bits: 7 in 100,000 differ in the last one, where the C library rounds the logarithm the other way.
import { fma32 } from './fma.ts'

const f = Math.fround
const word = new Float32Array(1)
const bits = new Int32Array(word.buffer)

/** The C library computes it in double precision, too. */
const expf = (x: number): number => f(Math.exp(x))

// The C library's rational functions, which Sun Microsystems published in fdlibm. Each step rounds twice, and they are
// written out, because V8 then computes them in float32.

/** erf(x) / x - 1 for |x| below 0.84375, of x * x. */
function near(z: number): number {
  let p = f(-0.0000237630166)
  p = f(f(p * z) + f(-0.0057702703))
  p = f(f(p * z) + f(-0.0284817496))
  p = f(f(p * z) + f(-0.325042107))
  p = f(f(p * z) + f(0.128379167))
  let q = f(-0.00000396022828)
  q = f(f(q * z) + f(0.000132494738))
  q = f(f(q * z) + f(0.00508130628))
  q = f(f(q * z) + f(0.06502225))
  q = f(f(q * z) + f(0.397917224))
  q = f(f(q * z) + f(1))
  return f(p / q)
}

/** erf(x) less its rounded value at 1, of x - 1, for x to 1.25. */
function middle(s: number): number {
  let p = f(-0.00216637559)
  p = f(f(p * s) + f(0.0354783043))
  p = f(f(p * s) + f(-0.110894694))
  p = f(f(p * s) + f(0.31834662))
  p = f(f(p * s) + f(-0.372207876))
  p = f(f(p * s) + f(0.414856119))
  p = f(f(p * s) + f(-0.00236211856))
  let q = f(0.0119844998)
  q = f(f(q * s) + f(0.0136370839))
  q = f(f(q * s) + f(0.12617122))
  q = f(f(q * s) + f(0.0718286544))
  q = f(f(q * s) + f(0.540397918))
  q = f(f(q * s) + f(0.10642088))
  q = f(f(q * s) + f(1))
  return f(p / q)
}

/** What corrects the exponent of erfc(x), of 1 / (x * x), for x to 2.86. */
function far(s: number): number {
  let p = f(-9.81432934)
  p = f(f(p * s) + f(-81.2874355))
  p = f(f(p * s) + f(-184.605093))
  p = f(f(p * s) + f(-162.396669))
  p = f(f(p * s) + f(-62.3753325))
  p = f(f(p * s) + f(-10.5586262))
  p = f(f(p * s) + f(-0.693858573))
  p = f(f(p * s) + f(-0.00986494403))
  let q = f(-0.0604244152)
  q = f(f(q * s) + f(6.57024977))
  q = f(f(q * s) + f(108.635006))
  q = f(f(q * s) + f(429.00814))
  q = f(f(q * s) + f(645.387272))
  q = f(f(q * s) + f(434.565877))
  q = f(f(q * s) + f(137.657754))
  q = f(f(q * s) + f(19.6512717))
  q = f(f(q * s) + f(1))
  return f(p / q)
}

/** The same beyond. */
function end(s: number): number {
  let p = f(-483.519192)
  p = f(f(p * s) + f(-1025.09513))
  p = f(f(p * s) + f(-637.566443))
  p = f(f(p * s) + f(-160.636385))
  p = f(f(p * s) + f(-17.7579549))
  p = f(f(p * s) + f(-0.799283238))
  p = f(f(p * s) + f(-0.00986494292))
  let q = f(-22.4409525)
  q = f(f(q * s) + f(474.528541))
  q = f(f(q * s) + f(2553.0504))
  q = f(f(q * s) + f(3199.85822))
  q = f(f(q * s) + f(1536.72959))
  q = f(f(q * s) + f(325.792513))
  q = f(f(q * s) + f(30.3380607))
  q = f(f(q * s) + f(1))
  return f(p / q)
}

function erff(x: number): number {
  const a = Math.abs(x)
  if (a < 0.84375) return f(x + f(x * near(f(x * x))))
  if (a < 1.25) {
    const y = f(f(0.845062911) + middle(f(a - 1)))
    return x < 0 ? -y : y
  }
  const s = f(1 / f(a * a))
  word[0] = a
  const ratio = bits[0] < 0x4036db6e ? far(s) : end(s)
  // The square of the first bits is exact.
  bits[0] &= 0xfffff000
  const z = word[0]
  const r = f(expf(f(f(-z * z) - 0.5625)) * expf(f(f(f(z - a) * f(z + a)) + ratio)))
  const y = f(1 - f(r / a))
  return x < 0 ? -y : y
}

const SLOPE = f(2 / f(Math.sqrt(Math.PI)))

/** Numbers that take one step together: a function that V8 inlines into a loop returns no number on the heap. */
const together = 256
const targets = new Float32Array(together)

/**
 * Replaces float32 numbers in [-1, 1] by their inverses of erf. The rational functions round once a step, as PyTorch is
 * compiled.
 */
export function erfinv32(out: Float32Array): void {
  for (let at = 0; at < out.length; at += together) {
    const x = out.subarray(at, at + together)
    targets.set(x)
    begin(x)
    for (let step = 0; step < 2; step++) improve(x)
  }
}

function begin(x: Float32Array): void {
  for (let i = 0; i < x.length; i++) {
    const y = x[i]
    const a = Math.abs(y)
    if (a === 1) x[i] = y * Infinity
    else x[i] = a <= f(0.7) ? inner(y) : y < 0 ? -outer(a) : outer(a)
  }
}

/** A step of Newton's method towards the targets. */
function improve(x: Float32Array): void {
  for (let i = 0; i < x.length; i++) {
    const z = x[i]
    if (Math.abs(z) < Infinity) x[i] = f(z - f(f(erff(z) - targets[i]) / f(SLOPE * expf(f(-z * z)))))
  }
}

function inner(y: number): number {
  const z = f(y * y)
  let p = f(-0.140543331)
  p = fma32(p, z, f(0.914624893))
  p = fma32(p, z, f(-1.645349621))
  p = fma32(p, z, f(0.886226899))
  let q = f(0.012229801)
  q = fma32(q, z, f(-0.329097515))
  q = fma32(q, z, f(1.442710462))
  q = fma32(q, z, f(-2.118377725))
  q = fma32(q, z, f(1))
  return f(f(y * p) / q)
}

function outer(a: number): number {
  const z = f(Math.sqrt(-f(Math.log(f(f(1 - a) / 2)))))
  let p = f(1.641345311)
  p = fma32(p, z, f(3.429567803))
  p = fma32(p, z, f(-1.624906493))
  p = fma32(p, z, f(-1.970840454))
  let q = f(1.6370678)
  q = fma32(q, z, f(3.5438892))
  q = fma32(q, z, f(1))
  return f(p / q)
}
