// Bessel and Airy functions as ops, which run in JavaScript (host.ts) and have no gradients, as in PyTorch.
import type { Tensor } from '../../tensor/tensor.ts'
import { type Overloaded, unary } from '../define/overloads.ts'
import { airyAi as airy, besselJ, besselK, besselY, scaledK, sphericalJ0 } from './bessel.ts'
import { hostFunction } from './host.ts'

type Unary = Overloaded<[x: Tensor]>
const of = (name: string, fn: (x: number) => number): Unary =>
  unary(hostFunction(name, `special_${name}`, fn), `special_${name}`)

/**
 * The Airy function Ai.
 *
 * @example
 * special.airyAi(tensor([0, 1])) // tensor([0.3550, 0.1353])
 */
export const airyAi: Unary = of('airy_ai', airy)
/**
 * The Bessel function of the first kind, of order 0.
 *
 * @example
 * special.besselJ0(tensor([0, 1])) // tensor([1.0000, 0.7652])
 */
export const besselJ0: Unary = of('bessel_j0', besselJ(0))
/** The Bessel function of the first kind, of order 1. */
export const besselJ1: Unary = of('bessel_j1', besselJ(1))
/** The Bessel function of the second kind, of order 0: minus infinity at 0, NaN below. */
export const besselY0: Unary = of('bessel_y0', besselY(0))
/** The Bessel function of the second kind, of order 1: minus infinity at 0, NaN below. */
export const besselY1: Unary = of('bessel_y1', besselY(1))
/** The modified Bessel function of the second kind, of order 0: infinite at 0, NaN below. */
export const modifiedBesselK0: Unary = of('modified_bessel_k0', besselK(0))
/** The modified Bessel function of the second kind, of order 1: infinite at 0, NaN below. */
export const modifiedBesselK1: Unary = of('modified_bessel_k1', besselK(1))
/** `exp(x)` times the modified Bessel function of the second kind, of order 0. */
export const scaledModifiedBesselK0: Unary = of('scaled_modified_bessel_k0', scaledK(0))
/** `exp(x)` times the modified Bessel function of the second kind, of order 1. */
export const scaledModifiedBesselK1: Unary = of('scaled_modified_bessel_k1', scaledK(1))
/** The spherical Bessel function of the first kind, of order 0: `sin(x) / x`, 1 at 0. */
export const sphericalBesselJ0: Unary = of('spherical_bessel_j0', sphericalJ0)
