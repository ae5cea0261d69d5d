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

// Polynomials, highest power first.
const LOG = Float64Array.of(
  7.0376836292e-2,
  -1.151461031e-1,
  1.167699874e-1,
  -1.2420140846e-1,
  1.4249322787e-1,
  -1.6668057665e-1,
  2.0000714765e-1,
  -2.4999993993e-1,
  3.3333331174e-1,
).map(f)
const SIN = Float64Array.of(-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1).map(f)
const COS = Float64Array.of(2.443315711809948e-5, -0.001388731625493765, 0.04166664568298827).map(f)
// ln 2 and -pi / 4 in parts short enough for exact multiples.
const LN2_LOW = f(-2.1219444e-4)
const LN2_HIGH = f(0.693359375)
const QUARTER_PI = Float64Array.of(-0.78515625, -0.00024187564849853516, -3.774894977445941e-8).map(f)

const SQRT_HALF = f(Math.SQRT1_2)
const FOUR_OVER_PI = f(1.27323954473516)
const TWO_PI = f(2 * Math.PI)
const UNIT = 2 ** 24
const SCALES = Float64Array.from({ length: 26 }, (_, bits) => 2 ** -bits)

const radius = new Float64Array(8)

/**
 * Turns the uniforms at `data[at]` into normals of `mean` and `std`: eight radii, eight angles, then eight cosines and
 * eight sines. All of them are float32 values, the uniforms multiples of 2^-24.
 *
 * Where a fused step's product is exact in float32, a plain sum in double precision rounds the same.
 * In loops rather than written out: the engine inlines fused steps into one function up to some ten, and a step that is
 * called instead costs several times as much.
 */
export const boxMuller16 = (data: Float32Array, at: number, mean: number, std: number): void => {
  for (let j = 0; j < 8; j++) {
    // The logarithm of 1 - u; mantissa in [0.5, 1), a whole number of at most 2^24 over a power of two.
    const count = UNIT - data[at + j] * UNIT
    const bits = 32 - Math.clz32(count)
    let exponent = bits - 24
    let x = count * SCALES[bits]
    if (x < SQRT_HALF) {
      exponent--
      x = f(x + x - 1)
    } else x = f(x - 1)
    let y = LOG[0]
    for (let k = 1; k < 9; k++) y = fma32(y, x, LOG[k])
    const z = f(x * x)
    y = fma32(f(y * x), z, f(exponent * LN2_LOW))
    y = f(y - z * 0.5)
    radius[j] = f(Math.sqrt(-2 * f(exponent * LN2_HIGH + f(x + y))))
  }
  for (let j = 0; j < 8; j++) {
    // The octant of 2 pi u, and the angle's distance from it.
    let x = f(TWO_PI * data[at + j + 8])
    const octant = ((f(x * FOUR_OVER_PI) | 0) + 1) & ~1
    x = f(x + octant * QUARTER_PI[0])
    x = f(x + octant * QUARTER_PI[1])
    x = fma32(octant, QUARTER_PI[2], x)
    const z = f(x * x)
    let even = COS[0]
    let odd = SIN[0]
    for (let k = 1; k < 3; k++) {
      even = fma32(even, z, COS[k])
      odd = fma32(odd, z, SIN[k])
    }
    even = f(fma32(f(even * z), z, -f(z * 0.5)) + 1)
    odd = fma32(f(odd * z), x, x)
    const swap = (octant & 2) !== 0
    const sin = swap ? even : odd
    const cos = swap ? odd : even
    data[at + j] = f(radius[j] * ((~(octant - 2) & 4) !== 0 ? -cos : cos))
    data[at + j + 8] = f(radius[j] * ((octant & 4) !== 0 ? -sin : sin))
  }
  for (let i = at; i < at + 16; i++) data[i] = fma32(data[i], std, mean)
}
