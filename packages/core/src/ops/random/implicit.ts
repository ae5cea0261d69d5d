// How a number drawn from a gamma or Dirichlet distribution moves with its parameter: -(dF / d alpha) / density, the
// implicit derivative of a sample. There is no closed form. These are the approximations that PyTorch publishes (BSD
// licence), region by region: series near 0, expansions around a saddle point for large parameters, fitted rational
// functions in between. Their error of up to 1 in 1,000 is part of PyTorch's gradients, so it is reproduced.
import { digamma } from '../../expr/special.ts'

const orZero = (x: number): number => (Number.isNaN(x) ? 0 : x)

/** A polynomial by its coefficients, lowest power first. */
const polynomial = (x: number, coefficients: readonly number[]): number =>
  coefficients.reduceRight((sum, c) => sum * x + c, 0)

// ---- gamma ----

/** Numerator and denominator in powers of log alpha; each coefficient is a polynomial in log(x / alpha). */
const GAMMA_FIT = [
  [
    [0.16009398, 0.53487893, 0.040121004],
    [-0.094634809, 0.1298071, -0.0065914022],
    [0.025146376, 0.065735949, -0.0026286047],
    [-0.0030648343, -0.0015649758, -0.0013441777],
  ],
  [
    [1, 0.16639465, 0.017050642],
    [0.32668115, 0.020070113, -0.0021309326],
    [0.10406089, -0.0035938915, 0.00085092367],
    [0.0014179084, -0.00058392623, -1.5247877e-7],
  ],
] as const

function gammaNearZero(x: number, alpha: number): number {
  let term = 1
  let sum = 1 / alpha
  let squares = 1 / alpha ** 2
  for (let i = 1; i <= 5; i++) {
    term *= -x / i
    sum += term / (alpha + i)
    squares += term / (alpha + i) ** 2
  }
  const power = x ** alpha
  const slope = (Math.log(x) - digamma(alpha)) * power * sum - power * squares
  return orZero(-slope / (x ** (alpha - 1) * Math.exp(-x)))
}

function gammaOfLarge(x: number, alpha: number): number {
  if (Math.fround(0.9) * alpha <= x && x <= Math.fround(1.1) * alpha) {
    const first = 1 + 24 * alpha * (1 + 12 * alpha)
    const second = 1440 * alpha ** 2 + 6 * x * (53 - 120 * x) - (65 * x * x) / alpha + alpha * (107 + 3600 * x)
    return (first * second) / (1244160 * alpha ** 4)
  }
  const root = Math.sqrt(8 * alpha)
  const ratio = Math.log(x / alpha)
  const side = (x - alpha - alpha * ratio) ** -1.5
  const bracket = root / (alpha - x) + (x < alpha ? -side : side)
  const inner = ratio * bracket - (Math.sqrt(2 / alpha) * (alpha + x)) / (alpha - x) ** 2
  const stirling = 1 + (1 / (12 * alpha)) * (1 + 1 / (24 * alpha))
  return (-stirling * x * inner) / root
}

/** The derivative of a number x of the gamma distribution with rate 1 by its shape. */
export function gammaSlope(x: number, alpha: number): number {
  if (x < Math.fround(0.8)) return gammaNearZero(x, alpha)
  if (alpha > 8) return gammaOfLarge(x, alpha)
  const u = Math.log(x / alpha)
  const [p, q] = GAMMA_FIT.map((rows) =>
    polynomial(
      Math.log(alpha),
      rows.map((row) => polynomial(u, row)),
    ),
  )
  return Math.exp(p / q)
}

// ---- beta and Dirichlet ----

/** Numerator and denominator by powers of log x and of log(alpha / x); each coefficient is a polynomial. */
const BETA_FIT = [
  [
    [
      [1.003668233, -0.01061107488, -0.0657888334, 0.01201642863],
      [0.6336835991, -0.3557432599, 0.05486251648, -0.001465281033],
      [-0.03276231906, 0.004474107445, 0.002429354597, -0.0001557569013],
    ],
    [
      [0.221950385, -0.3187676331, 0.01799915743, 0.01074823814],
      [-0.2951249643, 0.06219954479, 0.01535556598, 0.001550077057],
      [0.02155310298, 0.004170831599, 0.001292462449, 6.976601077e-5],
    ],
    [
      [-0.05980841433, 0.008441916499, 0.01085618172, 0.002319392565],
      [0.02911413504, 0.01400243777, -0.002721828457, 0.000751041181],
      [0.005900514878, -0.001936558688, -9.495446725e-6, 5.385558597e-5],
    ],
  ],
  [
    [
      [1, -0.02924021934, -0.04438342661, 0.007285809825],
      [0.6357567472, -0.3473456711, 0.05454656494, -0.002407477521],
      [-0.03301322327, 0.004845219414, 0.00231480583, -0.0002307248149],
    ],
    [
      [0.5925320577, -0.1757678135, 0.01505928619, 0.000564515273],
      [0.1014815858, -0.06589186703, 0.01272886114, -0.0007316646956],
      [-0.007258481865, 0.001096195486, 0.0003934994223, -4.12701925e-5],
    ],
    [
      [0.06469649321, -0.0236701437, 0.002902096474, -5.896963079e-5],
      [0.001925008108, -0.002869809258, 0.0008000589141, -6.063713228e-5],
      [-0.0003477407336, 6.959756487e-5, 1.097287507e-5, -1.650964693e-6],
    ],
  ],
] as const

/** By alpha, for x near 0. */
function betaByFirst(x: number, alpha: number, beta: number): number {
  const factor = digamma(alpha) - digamma(alpha + beta) - Math.log(x)
  let term = 1
  let sum = (factor + 1 / alpha) / alpha
  for (let i = 1; i <= 10; i++) {
    term *= ((i - beta) * x) / i
    sum += (term / (alpha + i)) * (factor + 1 / (alpha + i))
  }
  return orZero(x * (1 - x) ** -beta * sum)
}

/** By beta, for x near 0. */
function betaBySecond(x: number, alpha: number, beta: number): number {
  const factor = digamma(alpha + beta) - digamma(beta)
  let [term, product, slope, sum] = [1, 1, 0, factor / alpha]
  for (let i = 1; i <= 8; i++) {
    term *= -x / i
    slope = slope * (beta - i) + product
    product *= beta - i
    sum += (term / (alpha + i)) * (slope + factor * product)
  }
  return orZero(-((1 - x) ** (1 - beta)) * sum)
}

const stirling = (n: number): number => 1 + 1 / (12 * n) + 1 / (288 * n * n)

function betaOfLarge(x: number, alpha: number, beta: number): number {
  const total = alpha + beta
  const mean = alpha / total
  const deviation = Math.sqrt((alpha * beta) / (total + 1)) / total
  // The expansion has a pole at the mean.
  if (Math.abs(x - mean) <= 0.1 * deviation) {
    const sum = polynomial(alpha, [
      47 * x * beta ** 4,
      (43 + 20 * (16 + 27 * beta) * x) * beta ** 3,
      3 * (59 + 180 * beta - 90 * x) * beta ** 2,
      (453 + 1620 * beta * (1 - x) - 455 * x) * beta,
      8 * (1 - x) * (135 * beta - 11),
    ])
    const above = ((1 + 12 * alpha) * (1 + 12 * beta)) / total ** 2
    return ((above / (1 - x)) * sum) / (12960 * alpha ** 3 * beta ** 2 * (1 + 12 * total))
  }
  const distance = alpha * (x - 1) + beta * x
  const first =
    (2 * alpha ** 2 * (x - 1) + alpha * beta * (x - 1) - x * beta ** 2) /
    (Math.sqrt((2 * alpha) / beta) * total ** 1.5 * distance ** 2)
  const ratio = Math.log(alpha / (total * x))
  const side = (beta * Math.log(beta / (total * (1 - x))) + alpha * ratio) ** -1.5
  const bracket = Math.sqrt((8 * alpha * beta) / total) / distance + (x < mean ? side : -side)
  const scale = -x / Math.sqrt((2 * alpha * beta) / total)
  const correction = (stirling(alpha) * stirling(beta)) / stirling(total)
  return correction * scale * (first + 0.5 * ratio * bracket)
}

/**
 * The derivative of a number x of the beta distribution with parameters `alpha` and `total - alpha` by alpha, divided by
 * 1 - x: the part of Dirichlet's that depends on one element alone.
 */
export function betaSlope(x: number, alpha: number, total: number): number {
  const beta = total - alpha
  const boundary = total * x * (1 - x)
  if (x <= 0.5 && boundary < 2.5) return betaByFirst(x, alpha, beta)
  if (x >= 0.5 && boundary < 0.75) return -betaBySecond(1 - x, beta, alpha)
  if (alpha > 6 && beta > 6) return betaOfLarge(x, alpha, beta)
  const u = Math.log(x)
  const a = Math.log(alpha) - u
  const b = Math.log(total) - a
  const [p, q] = BETA_FIT.map((table) =>
    polynomial(
      u,
      table.map((rows) =>
        polynomial(
          a,
          rows.map((row) => polynomial(b, row)),
        ),
      ),
    ),
  )
  return ((p / q) * x * (digamma(total) - digamma(alpha))) / beta
}
