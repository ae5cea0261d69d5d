// More functions of float32 numbers for kernels, like math.ts: inverse trigonometric and hyperbolic functions,
// logarithms to other bases, and special functions, by formulas without cancellation. Polynomials are in fits.ts.
import * as fits from './fits.ts'

/** The largest float32: a larger number is infinite; no mode folds this comparison. */
export const LARGEST = '3.4028234663852886e+38'

/** A polynomial in a variable, with the lowest power first. */
const polynomial = (c: readonly number[], x: string): string =>
  c.reduceRight((sum, a) => (sum === '' ? `${a}` : `${a < 0 ? `(${a})` : a} + ${x} * (${sum})`), '')

const HALF_PI = '1.5707963267948966'
const PI = '3.141592653589793'

export const texts = [
  // 1 if x is negative, or a negative 0 if the mode keeps its sign.
  `function isNegative(x) {
  let r = 0;
  if (x < 0) { r = 1; }
  if (x === 0) { if (1 / x < 0) { r = 1; } }
  return r;
}`,
  `function copysignf(x, y) { return isNegative(y) === 1 ? -Math.abs(x) : Math.abs(x); }`,

  // ---- trigonometric and hyperbolic functions ----

  `function tanf(x) {
  if (x === 0) { return x; }
  return sinf(x) / cosf(x);
}`,
  // From 20 on the smaller exponential vanishes; multiplying by half an exponential twice does not overflow before the
  // result does.
  `function sinhf(x) {
  if (x === 0) { return x; }
  const a = Math.abs(x);
  let y = 0;
  if (a > 20) { const h = expf(0.5 * a); y = (0.5 * h) * h; }
  else { const m = expm1f(a); y = 0.5 * (m + m / (m + 1)); }
  return x < 0 ? -y : y;
}`,
  `function coshf(x) {
  const a = Math.abs(x);
  const h = expf(0.5 * a);
  if (a > 20) { return (0.5 * h) * h; }
  const e = expf(a);
  return 0.5 * (e + 1 / e);
}`,
  // asin for |x| up to 0.5, by a minimax polynomial in z = x * x, published in Cephes (asinf).
  `function asinNear(x) {
  const z = x * x;
  return x + x * z * (0.16666752422 + z * (0.074953002686 + z * (0.045470025998 + z * (0.024181311049 + z * 0.042166308016))));
}`,
  `function asinf(x) {
  const a = Math.abs(x);
  if (a <= 0.5) { return asinNear(x); }
  if (a > 1) { return Math.sqrt(1 - a); }
  const y = ${HALF_PI} - 2 * asinNear(Math.sqrt(0.5 * (1 - a)));
  return x < 0 ? -y : y;
}`,
  `function acosf(x) {
  const a = Math.abs(x);
  if (a <= 0.5) { return ${HALF_PI} - asinNear(x); }
  if (a > 1) { return Math.sqrt(1 - a); }
  const y = 2 * asinNear(Math.sqrt(0.5 * (1 - a)));
  return x < 0 ? ${PI} - y : y;
}`,
  // atan for |x| up to tan(pi / 8), published in Cephes (atanf).
  `function atanNear(x) {
  const z = x * x;
  return x + x * z * (-0.333329491539 + z * (0.199777106478 + z * (-0.138776856032 + z * 0.0805374449538)));
}`,
  `function atanf(x) {
  if (x === 0) { return x; }
  const a = Math.abs(x);
  if (a <= 0.4142135623730951) { return atanNear(x); }
  let y = 0;
  if (a > 2.414213562373095) { y = ${HALF_PI} - atanNear(1 / a); }
  else { y = 0.7853981633974483 + atanNear((a - 1) / (a + 1)); }
  return x < 0 ? -y : y;
}`,
  `function atan2f(y, x) {
  if (isNaNf(x) === 1) { return x; }
  if (isNaNf(y) === 1) { return y; }
  const a = Math.abs(x);
  const b = Math.abs(y);
  let r = 0;
  if (a > ${LARGEST} && b > ${LARGEST}) { r = 0.7853981633974483; }
  else if (b > a) { r = ${HALF_PI} - atanf(a / b); }
  else if (a > 0) { r = atanf(b / a); }
  if (isNegative(x) === 1) { r = ${PI} - r; }
  return isNegative(y) === 1 ? -r : r;
}`,
  `function hypotf(x, y) {
  const a = Math.max(Math.abs(x), Math.abs(y));
  const b = Math.min(Math.abs(x), Math.abs(y));
  if (Math.abs(x) > ${LARGEST}) { return Math.abs(x); }
  if (Math.abs(y) > ${LARGEST}) { return Math.abs(y); }
  if (a === 0) { return a; }
  const r = b / a;
  return a * Math.sqrt(1 + r * r);
}`,
  // asinh a = log(1 + a + a² / (1 + sqrt(1 + a²))); for large a, log(2 a).
  `function asinhf(x) {
  if (x === 0) { return x; }
  const a = Math.abs(x);
  let y = 0;
  if (a > 10000) { y = logf(a) + 0.6931471805599453; }
  else { y = log1pf(a + a * a / (1 + Math.sqrt(1 + a * a))); }
  return x < 0 ? -y : y;
}`,
  `function acoshf(x) {
  if (x > 10000) { return logf(x) + 0.6931471805599453; }
  const t = x - 1;
  return log1pf(t + Math.sqrt(2 * t + t * t));
}`,
  `function atanhf(x) {
  if (x === 0) { return x; }
  const a = Math.abs(x);
  if (a > 1) { return Math.sqrt(1 - a); }
  const y = 0.5 * log1pf(2 * a / (1 - a));
  return x < 0 ? -y : y;
}`,

  // ---- powers and logarithms to other bases ----

  `function exp2f(x) {
  if (x > 129) { return x * exp2i(127); }
  if (x < -151) { return 0; }
  const k = Math.floor(x + 0.5);
  return scaled(1 + expRest((x - k) * 0.6931471805599453, 0), k);
}`,
  `function log2f(x) {
  if (x <= 0 || x > ${LARGEST}) { return logf(x); }
  const k = Math.floor(Math.log2(x) + 0.5);
  return k + logRest(0, scaled(x, -k) - 1) * 1.4426950408889634;
}`,
  `function log10f(x) { return logf(x) * 0.4342944819032518; }`,

  // ---- special functions ----

  // Between 0.5 and 2.5 by polynomials, up to 8 by recurrence to that range, then by Stirling's series.
  `function lgammaUp(x) {
  if (x > ${LARGEST}) { return x; }
  if (x >= 8) {
    const v = 1 / x;
    return (x - 0.5) * (logf(x) - 1) + (0.4189385332046727 + v * (0.08333333333333333 - v * v * (0.002777777777777778 - v * v * 0.0007936507936507937)));
  }
  if (x < 1.5) {
    const y = x < 0.5 ? x : x - 1;
    const low = x < 0.5 ? logf(x) + log1pf(x) : logf(x);
    return y * lgammaFit(y) - low;
  }
  let z = x;
  let p = 1;
  for (let k = 0; k < 6; k++) { if (z > 2.5) { z = z - 1; p = p * z; } }
  return (z - 2) * lgammaFit(z - 2) + logf(p);
}`,
  `function lgammaFit(x) { return ${polynomial(fits.lgamma, 'x')}; }`,
  // The sine of pi times x, for x >= 0.
  `function sinPi(x) {
  const r = x - 2 * Math.floor(x * 0.5);
  const h = r > 1 ? r - 1 : r;
  const y = sinf(${PI} * (h > 0.5 ? 1 - h : h));
  return r > 1 ? -y : y;
}`,
  `function lgammaf(x) {
  if (x > 0) { return lgammaUp(x); }
  if (isNaNf(x) === 1) { return x; }
  if (x < -${LARGEST}) { return -x; }
  if (x === Math.floor(x)) { return 1 / (x - x); }
  return logf(${PI} / Math.abs(x * sinPi(-x))) - lgammaUp(-x);
}`,
  `function digammaFit(x) { return ${polynomial(fits.digamma, 'x')}; }`,
  `function digammaUp(x) {
  if (x > ${LARGEST}) { return x; }
  if (x >= 10) {
    const v = 1 / (x * x);
    return logf(x) - 0.5 / x - v * (0.08333333333333333 - v * (0.008333333333333333 - v * 0.003968253968253968));
  }
  let z = x;
  let sum = 0;
  if (z < 1) { sum = -1 / z; z = z + 1; }
  for (let k = 0; k < 9; k++) { if (z > 2) { z = z - 1; sum = sum + 1 / z; } }
  return sum + ((z - ${fits.digammaRoot[0]}) - ${fits.digammaRoot[1]}) * digammaFit(z - 1.5);
}`,
  `function digammaf(x) {
  if (x > 0) { return digammaUp(x); }
  if (x === 0) { return -1 / x; }
  const r = x - Math.floor(x);
  if (r === 0) { return Math.sqrt(x); }
  const h = r > 0.5 ? r - 1 : r;
  return digammaUp(1 - x) - ${PI} / tanf(${PI} * h);
}`,
  `function erfinvf(x) {
  const a = Math.abs(x);
  if (a > 1) { return Math.sqrt(1 - a); }
  if (a === 1) { return x / (1 - a); }
  const w = -logf((1 - a) * (1 + a));
  if (w < 6.25) { const u = w - 3.125; return x * (${polynomial(fits.erfinvNear, 'u')}); }
  const q = Math.sqrt(w);
  if (q < 4) { const v = q - 3.25; return x * (${polynomial(fits.erfinvFar, 'v')}); }
  const t = q - 5.05;
  return x * (${polynomial(fits.erfinvEnd, 't')});
}`,
  // The power series up to 8, all of whose terms are positive; beyond, e^a / sqrt(a) in two halves, times a polynomial
  // in 1 / a.
  `function besselSeries(a, order) {
  const z = 0.25 * a * a;
  let t = 1;
  let sum = 1;
  for (let k = 1; k < 24; k++) { t = t * z / (k * (k + order)); sum = sum + t; }
  return sum;
}`,
  `function besselBeyond(a, y) {
  const h = expf(0.5 * a);
  return h * (h * (y / Math.sqrt(a)));
}`,
  `function i0f(x) {
  const a = Math.abs(x);
  if (a < 8) { return besselSeries(a, 0); }
  const u = 1 / a - 0.0625;
  return besselBeyond(a, ${polynomial(fits.i0, 'u')});
}`,
  `function i1f(x) {
  const a = Math.abs(x);
  if (a < 8) { return 0.5 * x * besselSeries(a, 1); }
  const u = 1 / a - 0.0625;
  const y = besselBeyond(a, ${polynomial(fits.i1, 'u')});
  return x < 0 ? -y : y;
}`,
]
