// The inverse of erf in float32 as PyTorch's CPU kernel computes it: a rational function, then two steps of Newton's
// method with the C library's erf, exp and log. It follows them step by step, so that truncated normal numbers have
// PyTorch's bits.
//
// Numbers take each step together, and those that need the same formula are collected first, because loops that branch
// on random numbers take three times as long.
const f = Math.fround

/** How many numbers take a step together. */
const together = 256
const targets = new Float32Array(together)
const found = new Float32Array(together)
const erfs = new Float32Array(together)
const work = new Float32Array(together)
const others = new Float32Array(together)
const [targetBits, foundBits, workBits] = [targets, found, work].map((x) => new Int32Array(x.buffer))

/** Indices of numbers that need the same formula. */
const [nearest, middles, farthest] = [0, 1, 2].map(() => new Int32Array(together))
/** 1 if the bits of a positive float32 are above those of a bound, and 0 otherwise. */
const isAbove = (bits: number, bound: number): number => (bound - bits) >>> 31
// Of 0.7, and of the last numbers below 0.84375, below 1.25, and below infinity.
const BITS_INSIDE = 0x3f333333
const BITS_NEAR = 0x3f57ffff
const BITS_MIDDLE = 0x3f9fffff
const BITS_FINITE = 0x7f7fffff
const BOUND_FAR = f(1 / 0.35)

// ---- the GNU C library's exp and log: a table and a short polynomial in float64 ----

const E0 = 1.6938359250920212e-6
const E1 = 0.00023459809789509004
const E2 = 0.021660849396613134
const PARTS_PER_E = 46.16624130844683
/** Adding and subtracting it rounds to a whole number. */
const WHOLE = 1.5 * 2 ** 52
const roots = Float64Array.from({ length: 32 }, (_, i) => 2 ** (i / 32))
/** Powers of two from -160 on. */
const LEAST = 160
const powers = Float64Array.from({ length: LEAST + 1 }, (_, i) => 2 ** (i - LEAST))

/** Replaces the first `n` numbers, from -104 to 0, by their exponentials. */
function exponentials(x: Float32Array, n: number): void {
  for (let i = 0; i < n; i++) {
    const z = x[i] * PARTS_PER_E
    const whole = z + WHOLE - WHOLE
    const r = z - whole
    const k = whole | 0
    x[i] = ((E0 * r + E1) * (r * r) + (E2 * r + 1)) * (roots[k & 31] * powers[(k >> 5) + LEAST])
  }
}

const L0 = -0.25089342214237154
const L1 = 0.333456765744066
const L2 = -0.4999997485802103
/** Inverses of sixteen numbers between 0.7 and 1.4, and minus the logarithms of these. */
const inverses = Float64Array.of(
  1.398907162146528,
  1.3403141896637998,
  1.286432210124115,
  1.2367150214269895,
  1.1906977166711752,
  1.1479821020556429,
  1.1082251448272158,
  1.0711297413057381,
  1.036437278977283,
  1,
  0.9492859795739057,
  0.8951049428609004,
  0.8476821620351103,
  0.8050314851692001,
  0.7664671008843108,
  0.731428603316328,
)
const logarithmsOf = inverses.map((inverse) => -Math.log(inverse))

/** Replaces the first `n` numbers of `work`, positive and not subnormal, by their logarithms. */
function logarithms(n: number): void {
  for (let i = 0; i < n; i++) {
    const above = workBits[i] - 0x3f330000
    const k = (above >> 19) & 15
    workBits[i] -= above & 0xff800000
    const r = work[i] * inverses[k] - 1
    const y = logarithmsOf[k] + (above >> 23) * Math.LN2
    work[i] = (L0 * (r * r) + (L1 * r + L2)) * (r * r) + (y + r)
  }
}

// ---- erf ----

// The C library's rational functions, which Sun Microsystems published in fdlibm. Each step rounds twice, and they are
// written out, because V8 then computes them in float32.

/** Two more coefficients of a polynomial of s, the higher power first. */
const two = (p: number, s: number, a: number, b: number): number => f(f(f(f(p * s) + f(a)) * s) + f(b))

/** What corrects the exponent of erfc(x), of 1 / (x * x), for x to 2.86. */
function far(s: number): number {
  let p = two(0, s, -9.81432934, -81.2874355)
  p = two(p, s, -184.605093, -162.396669)
  p = two(p, s, -62.3753325, -10.5586262)
  p = two(p, s, -0.693858573, -0.00986494403)
  let q = two(f(-0.0604244152), s, 6.57024977, 108.635002)
  q = two(q, s, 429.00814, 645.387272)
  q = two(q, s, 434.565877, 137.657754)
  q = two(q, s, 19.6512717, 1)
  return f(p / q)
}

/** The same beyond. */
function end(s: number): number {
  let p = two(f(-483.519192), s, -1025.09513, -637.566443)
  p = two(p, s, -160.636385, -17.7579549)
  p = two(p, s, -0.799283238, -0.00986494292)
  let q = two(0, s, -22.4409525, 474.528541)
  q = two(q, s, 2553.0504, 3199.85822)
  q = two(q, s, 1536.72959, 325.792513)
  q = two(q, s, 30.3380607, 1)
  return f(p / q)
}

// Each formula has a loop of its own, because the engine inlines only so much into one function.

/** erf(x) = x + x R(x * x) for |x| below 0.84375. */
function findNear(count: number): void {
  for (let k = 0; k < count; k++) {
    const x = found[nearest[k]]
    const z = f(x * x)
    let p = two(f(-0.0000237630166), z, -0.0057702703, -0.0284817496)
    p = two(p, z, -0.325042107, 0.128379167)
    let q = two(0, z, -0.00000396022828, 0.000132494738)
    q = two(q, z, 0.00508130628, 0.06502225)
    q = two(q, z, 0.397917224, 1)
    erfs[nearest[k]] = f(x + f(x * f(p / q)))
  }
}

/** erf(x) = 0.845 + R(x - 1) from there to 1.25. */
function findMiddle(count: number): void {
  for (let k = 0; k < count; k++) {
    const x = found[middles[k]]
    const s = f(Math.abs(x) - 1)
    let p = two(f(-0.00216637559), s, 0.0354783043, -0.110894694)
    p = two(p, s, 0.31834662, -0.372207876)
    p = two(p, s, 0.414856119, -0.00236211856)
    let q = two(f(0.0119844998), s, 0.0136370839, 0.12617122)
    q = two(q, s, 0.0718286544, 0.540397918)
    q = two(q, s, 0.10642088, 1)
    const y = f(f(0.845062911) + f(p / q))
    erfs[middles[k]] = x < 0 ? -y : y
  }
}

function findFar(count: number): void {
  for (let k = 0; k < count; k++) {
    const a = Math.abs(found[farthest[k]])
    const s = f(1 / f(a * a))
    others[k] = a < BOUND_FAR ? far(s) : end(s)
  }
  for (let k = 0; k < count; k++) {
    const a = Math.abs(found[farthest[k]])
    work[k] = a
    // The square of the first bits is exact.
    workBits[k] &= 0xfffff000
    const z = work[k]
    work[k] = f(f(-z * z) - 0.5625)
    others[k] = f(f(f(z - a) * f(z + a)) + others[k])
  }
  exponentials(work, count)
  exponentials(others, count)
  for (let k = 0; k < count; k++) {
    const x = found[farthest[k]]
    const y = f(1 - f(f(work[k] * others[k]) / Math.abs(x)))
    erfs[farthest[k]] = x < 0 ? -y : y
  }
}

/** Writes the erf of the first `n` of `found` to `erfs`, but for infinite ones. */
function findErfs(n: number): void {
  let nears = 0
  let mids = 0
  let fars = 0
  for (let i = 0; i < n; i++) {
    const bits = foundBits[i] & 0x7fffffff
    const isFar = isAbove(bits, BITS_MIDDLE)
    const isNear = 1 - isAbove(bits, BITS_NEAR)
    nearest[nears] = i
    middles[mids] = i
    farthest[fars] = i
    nears += isNear
    mids += 1 - isNear - isFar
    fars += isFar - isAbove(bits, BITS_FINITE)
  }
  findNear(nears)
  findMiddle(mids)
  findFar(fars)
}

// ---- its inverse ----

// The rational functions of Giles. A step is fused: it rounds once. Here it rounds twice, in float64 and then to float32,
// which gives the same for every z that there is, but for one in one step, where the next one rounds the difference away.

function beginInside(count: number): void {
  for (let k = 0; k < count; k++) {
    const y = targets[nearest[k]]
    const z = f(y * y)
    let p = f(-0.140543331)
    p = f(p * z + f(0.914624893))
    p = f(p * z + f(-1.645349621))
    p = f(p * z + f(0.886226899))
    let q = f(0.012229801)
    q = f(q * z + f(-0.329097515))
    q = f(q * z + f(1.442710462))
    q = f(q * z + f(-2.118377725))
    q = f(q * z + f(1))
    found[nearest[k]] = f(f(y * p) / q)
  }
}

function beginOutside(count: number): void {
  for (let k = 0; k < count; k++) work[k] = f(f(1 - Math.abs(targets[farthest[k]])) / 2)
  logarithms(count)
  for (let k = 0; k < count; k++) {
    const y = targets[farthest[k]]
    const z = f(Math.sqrt(-work[k]))
    let p = f(1.641345311)
    p = f(p * z + f(3.429567803))
    p = f(p * z + f(-1.624906493))
    p = f(p * z + f(-1.970840454))
    let q = f(1.6370678)
    q = f(q * z + f(3.5438892))
    q = f(q * z + f(1))
    const x = Math.abs(y) === 1 ? Infinity : f(p / q)
    found[farthest[k]] = y < 0 ? -x : x
  }
}

/** Writes the rational function of the first `n` targets to `found`. */
function begin(n: number): void {
  let inners = 0
  let outers = 0
  for (let i = 0; i < n; i++) {
    const isOuter = isAbove(targetBits[i] & 0x7fffffff, BITS_INSIDE)
    nearest[inners] = i
    farthest[outers] = i
    inners += 1 - isOuter
    outers += isOuter
  }
  beginInside(inners)
  beginOutside(outers)
}

const SLOPE = f(2 / f(Math.sqrt(Math.PI)))

/** A step of Newton's method towards the first `n` targets. */
function improve(n: number): void {
  findErfs(n)
  for (let i = 0; i < n; i++) work[i] = f(-found[i] * found[i])
  exponentials(work, n)
  for (let i = 0; i < n; i++) {
    const x = found[i]
    if (Math.abs(x) < Infinity) found[i] = f(x - f(f(erfs[i] - targets[i]) / f(SLOPE * work[i])))
  }
}

/**
 * Replaces float32 numbers in [-1, 1] by their inverses of erf. The rational functions round once a step, as PyTorch is
 * compiled.
 */
export function erfinv32(out: Float32Array): void {
  for (let at = 0; at < out.length; at += together) {
    const n = Math.min(together, out.length - at)
    targets.set(out.subarray(at, at + n))
    begin(n)
    improve(n)
    improve(n)
    out.set(found.subarray(0, n), at)
  }
}
