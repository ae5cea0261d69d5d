// Orthogonal polynomials of degree n, which may differ from element to element: by their recurrences, and Chebyshev's
// between -1 and 1 by trigonometric functions, as PyTorch has them. They run in JavaScript (host.ts) and have no gradients,
// as in PyTorch.
import { binary, type Overloaded, type TensorLike } from '../define/overloads.ts'
import { hostFunction } from './host.ts'

type Polynomial = Overloaded<[x: TensorLike, n: TensorLike]>
/** P(1), and P(k + 1) from P(k) and P(k - 1); P(0) is 1. */
interface Recurrence {
  first(x: number): number
  next(x: number, k: number, now: number, before: number): number
}

/** The polynomial of degree n, which is truncated; 0 for a degree below 0. */
function evaluate({ first, next }: Recurrence, x: number, n: number): number {
  const degree = Math.trunc(n)
  if (!(degree >= 0 && degree < 2 ** 53)) return 0
  if (degree === 0) return 1
  let [before, now] = [1, first(x)]
  for (let k = 1; k < degree; k++) [before, now] = [now, next(x, k, now, before)]
  return now
}

const polynomial = (name: string, of: (x: number, n: number) => number): Polynomial =>
  binary(hostFunction(name, `special_${name}`, of), `special_${name}`)
const recurring = (name: string, recurrence: Recurrence): Polynomial =>
  polynomial(name, (x, n) => evaluate(recurrence, x, n))

type Angular = (n: number, angle: number) => number
/** A polynomial of Chebyshev, and the same of 2 x - 1. */
function chebyshev(kind: string, shift: number, least: number, wave: Angular): readonly [Polynomial, Polynomial] {
  const recurrence: Recurrence = {
    first: (x) => (kind === 't' ? x : 2 * x + shift),
    next: (x, _, now, before) => 2 * x * now - before,
  }
  const of = (x: number, n: number): number => {
    const degree = Math.trunc(n)
    return degree > least && Math.abs(x) < 1 ? wave(degree, Math.acos(x)) : evaluate(recurrence, x, degree)
  }
  return [
    polynomial(`chebyshev_polynomial_${kind}`, of),
    polynomial(`shifted_chebyshev_polynomial_${kind}`, (x, n) => of(x + x - 1, n)),
  ]
}
const [t, shiftedT] = chebyshev('t', 0, 6, (n, angle) => Math.cos(n * angle))
const [u, shiftedU] = chebyshev('u', 0, 8, (n, angle) => Math.sin((n + 1) * angle) / Math.sin(angle))
const [v, shiftedV] = chebyshev('v', -1, 8, (n, angle) => Math.cos((n + 0.5) * angle) / Math.cos(angle / 2))
const [w, shiftedW] = chebyshev('w', 1, 8, (n, angle) => Math.sin((n + 0.5) * angle) / Math.sin(angle / 2))

/**
 * Chebyshev's polynomial of the first kind, of degree n. No gradients, as for all of these polynomials.
 *
 * @example
 * special.chebyshevPolynomialT(tensor([0.5, 2]), 2) // tensor([-0.5000,  7.0000])
 */
export const chebyshevPolynomialT: Polynomial = t
/** Chebyshev's polynomial of the second kind, of degree n. */
export const chebyshevPolynomialU: Polynomial = u
/** Chebyshev's polynomial of the third kind, of degree n. */
export const chebyshevPolynomialV: Polynomial = v
/** Chebyshev's polynomial of the fourth kind, of degree n. */
export const chebyshevPolynomialW: Polynomial = w
/** `chebyshevPolynomialT` of 2 x - 1, which is for x from 0 to 1. */
export const shiftedChebyshevPolynomialT: Polynomial = shiftedT
/** `chebyshevPolynomialU` of 2 x - 1. */
export const shiftedChebyshevPolynomialU: Polynomial = shiftedU
/** `chebyshevPolynomialV` of 2 x - 1. */
export const shiftedChebyshevPolynomialV: Polynomial = shiftedV
/** `chebyshevPolynomialW` of 2 x - 1. */
export const shiftedChebyshevPolynomialW: Polynomial = shiftedW
/**
 * The physicists' polynomial of Hermite, of degree n.
 *
 * @example
 * special.hermitePolynomialH(tensor([1, 2]), 2) // tensor([ 2., 14.])
 */
export const hermitePolynomialH: Polynomial = recurring('hermite_polynomial_h', {
  first: (x) => 2 * x,
  next: (x, k, now, before) => 2 * x * now - 2 * k * before,
})
/** The probabilists' polynomial of Hermite, of degree n. */
export const hermitePolynomialHe: Polynomial = recurring('hermite_polynomial_he', {
  first: (x) => x,
  next: (x, k, now, before) => x * now - k * before,
})
/** Laguerre's polynomial of degree n. */
export const laguerrePolynomialL: Polynomial = recurring('laguerre_polynomial_l', {
  first: (x) => 1 - x,
  next: (x, k, now, before) => ((k + k + (1 - x)) * now - k * before) / (k + 1),
})
/** Legendre's polynomial of degree n. */
export const legendrePolynomialP: Polynomial = recurring('legendre_polynomial_p', {
  first: (x) => x,
  next: (x, k, now, before) => ((k + k + 1) * x * now - k * before) / (k + 1),
})
