// The Box-Muller step of PyTorch's AVX2 kernel for float32 normals: Cephes' logarithm, sine and cosine in float32, with
// a fused multiply-add wherever the compiler made one there. An altered version of avx_mathfun.h, in TypeScript:
//
// Copyright (C) 2012 Giovanni Garberoglio, Interdisciplinary Laboratory for Computational Science (LISC), Fondazione
// Bruno Kessler and University of Trento, via Sommarive, 18, I-38123 Trento (Italy); based on "sse_mathfun.h" by Julien
// Pommier. This software is provided 'as-is', without any express or implied warranty. In no event will the authors be
// held liable for any damages arising from the use of this software. Permission is granted to anyone to use this
// software for any purpose, including commercial applications, and to alter it and redistribute it freely, subject to
// the following restrictions: 1. The origin of this software must not be misrepresented; you must not claim that you
// wrote the original software. If you use this software in a product, an acknowledgment in the product documentation
// would be appreciated but is not required. 2. Altered source versions must be plainly marked as such, and must not be
// misrepresented as being the original software. 3. This notice may not be removed or altered from any source
// distribution. (This is the zlib license.)
import { fma32 } from './fma.ts'

const f = Math.fround

const SQRT_HALF = f(Math.SQRT1_2)
const LOG_P0 = f(7.0376836292e-2)
const LOG_P1 = f(-1.151461031e-1)
const LOG_P2 = f(1.167699874e-1)
const LOG_P3 = f(-1.2420140846e-1)
const LOG_P4 = f(1.4249322787e-1)
const LOG_P5 = f(-1.6668057665e-1)
const LOG_P6 = f(2.0000714765e-1)
const LOG_P7 = f(-2.4999993993e-1)
const LOG_P8 = f(3.3333331174e-1)
const LOG_Q1 = f(-2.1219444e-4)
const LOG_Q2 = f(0.693359375)

const FOUR_OVER_PI = f(1.27323954473516)
const DP1 = f(-0.78515625)
const DP2 = f(-0.00024187564849853516)
const DP3 = f(-3.774894977445941e-8)
const SIN_P0 = f(-1.9515295891e-4)
const SIN_P1 = f(8.3321608736e-3)
const SIN_P2 = f(-1.6666654611e-1)
const COS_P0 = f(2.443315711809948e-5)
const COS_P1 = f(-0.001388731625493765)
const COS_P2 = f(0.04166664568298827)
const TWO_PI = f(2 * Math.PI)

const UNIT = 2 ** 24

/** The logarithm of `count` * 2^-24, for whole counts from 1 to 2^24. */
const logOfUnits = (count: number): number => {
  const bits = 32 - Math.clz32(count)
  let exponent = bits - 24
  // The mantissa in [0.5, 1): a whole number below 2^24 over a power of two, so nothing is rounded.
  let x = count / 2 ** bits
  if (x < SQRT_HALF) {
    exponent--
    x = f(x + x - 1)
  } else x = f(x - 1)
  const z = f(x * x)
  let y = fma32(LOG_P0, x, LOG_P1)
  y = fma32(y, x, LOG_P2)
  y = fma32(y, x, LOG_P3)
  y = fma32(y, x, LOG_P4)
  y = fma32(y, x, LOG_P5)
  y = fma32(y, x, LOG_P6)
  y = fma32(y, x, LOG_P7)
  y = fma32(y, x, LOG_P8)
  y = fma32(f(y * x), z, f(exponent * LOG_Q1))
  y = fma32(-z, 0.5, y)
  return fma32(exponent, LOG_Q2, f(x + y))
}

/**
 * Turns the sixteen uniforms at `data[at]` into normals of `mean` and `std`: eight radii, eight angles, then eight
 * cosines and eight sines. All of them are float32 values, the uniforms multiples of 2^-24.
 */
export const boxMuller16 = (data: Float32Array, at: number, mean: number, std: number): void => {
  for (let j = at; j < at + 8; j++) {
    const radius = f(Math.sqrt(-2 * logOfUnits(UNIT - data[j] * UNIT)))
    const theta = f(TWO_PI * data[j + 8])
    // The octant, and the angle's distance from it in three fused steps.
    const octant = ((f(theta * FOUR_OVER_PI) | 0) + 1) & ~1
    let x = fma32(octant, DP1, theta)
    x = fma32(octant, DP2, x)
    x = fma32(octant, DP3, x)
    const z = f(x * x)
    let even = fma32(COS_P0, z, COS_P1)
    even = fma32(even, z, COS_P2)
    even = f(even * z)
    even = f(fma32(even, z, -f(z * 0.5)) + 1)
    let odd = fma32(SIN_P0, z, SIN_P1)
    odd = fma32(odd, z, SIN_P2)
    odd = fma32(f(odd * z), x, x)
    const swap = (octant & 2) !== 0
    const sin = swap ? even : odd
    const cos = swap ? odd : even
    data[j] = fma32(f(radius * ((~(octant - 2) & 4) !== 0 ? -cos : cos)), std, mean)
    data[j + 8] = fma32(f(radius * ((octant & 4) !== 0 ? -sin : sin)), std, mean)
  }
}
