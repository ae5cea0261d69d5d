// Functions that kernels call, on float32 numbers, as gpu.js source. The modes' own exp, log, sin, tanh and pow are
// wrong in too many places (expm1 near 0, pow of a negative base, a sine off by 2e-4), so every mode gets these. They
// use only + - * /, floor, log2 to half a unit and comparisons of a mode, stay within a few units in the last place,
// and return infinities and NaN if the mode has them. Shader compilers may merge and reorder algebra, so numbers are
// split by floor, never by adding and subtracting.
import type { KernelFunction } from './plan.ts'
import { LARGEST, texts as special } from './special.ts'

const texts = [
  ...special,

  // ---- integers ----

  // The quotient of integers rounded down, for b > 0 and up to 2^24, even if a division is off by a unit.
  `function divided(a, b) {
  let q = Math.floor(a / b);
  const r = a - q * b;
  if (r < 0) { q = q - 1; }
  if (r >= b) { q = q + 1; }
  return q;
}`,
  // 0 / 0 as for JavaScript integers.
  `function floorDivInt(a, b) {
  if (b > 0) { return divided(a, b); }
  if (b < 0) { return divided(-a, -b); }
  return 0;
}`,
  `function truncDivInt(a, b) {
  if (b === 0) { return 0; }
  const q = divided(Math.abs(a), Math.abs(b));
  return ((a < 0) !== (b < 0)) ? -q : q;
}`,
  `function modInt(a, b) {
  if (b === 0) { return 0; }
  return a - floorDivInt(a, b) * b;
}`,
  `function fmodInt(a, b) {
  if (b === 0) { return 0; }
  return a - truncDivInt(a, b) * b;
}`,
  // A base above 1 in size has at most 24 factors; other bases stay themselves or change their sign.
  `function powInt(x, p) {
  if (Math.abs(x) <= 1) { return (p === 0 || (x < 0 && p - 2 * Math.floor(p / 2) === 0)) ? 1 : ((x === 0 && p < 0) ? 0 : x); }
  if (p < 0) { return 0; }
  let r = 1;
  for (let k = 0; k < 24; k++) { if (k < p) { r = r * x; } }
  return r;
}`,
  // A power of bytes, which wraps at every step: a single power could exceed the integers that a float represents.
  `function powByte(x, p) {
  let r = 1;
  let b = x;
  let e = p;
  for (let k = 0; k < 8; k++) {
    const h = Math.floor(e / 2);
    if (e - 2 * h > 0) { r = r * b - 256 * Math.floor(r * b / 256); }
    b = b * b - 256 * Math.floor(b * b / 256);
    e = h;
  }
  return r;
}`,
  // The result of `x | 0`.
  `function toInt(x) {
  if (Math.abs(x) < 2147483648) { return Math.trunc(x); }
  if (Math.abs(x) <= ${LARGEST}) { return x - 4294967296 * Math.floor(x / 4294967296 + 0.5); }
  return 0;
}`,

  // ---- NaN ----

  `function isNaNf(x) {
  let r = 1;
  if (x >= 0) { r = 0; }
  if (x < 0) { r = 0; }
  return r;
}`,
  `function isFinitef(x) {
  let r = 0;
  if (Math.abs(x) <= ${LARGEST}) { r = 1; }
  return r;
}`,

  // ---- rounding and remainders ----

  // Rounds halves to even; from 2^23 on every number is whole. A result of 0 keeps the sign, here and below: a minus
  // before an absolute value also applies to 0.
  `function rintf(x) {
  if (x === 0 || Math.abs(x) >= 8388608) { return x; }
  let r = Math.floor(x + 0.5);
  const d = r - x;
  if (d > 0.5) { r = r - 1; }
  if (d === 0.5 && r - 2 * Math.floor(r * 0.5) !== 0) { r = r - 1; }
  return x < 0 ? -Math.abs(r) : r;
}`,
  // 2^k for integers k between -127 and 127.
  `function exp2i(k) {
  let r = 1;
  let n = Math.abs(k);
  if (n >= 64) { r = 18446744073709551616; n = n - 64; }
  if (n >= 32) { r = r * 4294967296; n = n - 32; }
  if (n >= 16) { r = r * 65536; n = n - 16; }
  if (n >= 8) { r = r * 256; n = n - 8; }
  if (n >= 4) { r = r * 16; n = n - 4; }
  if (n >= 2) { r = r * 4; n = n - 2; }
  if (n >= 1) { r = r * 2; }
  return k < 0 ? 1 / r : r;
}`,
  // x 2^k, up to infinity and down to subnormal numbers.
  `function scaled(x, k) {
  let y = x;
  let n = k;
  if (n < -126) { y = y * 5.9604644775390625e-8; n = n + 24; }
  if (n > 126) { y = y * 4; n = n - 2; }
  return y * exp2i(n);
}`,
  // x with 12 bits: products of two such numbers are exact.
  `function highBits(x) {
  if (x === 0) { return 0; }
  const s = exp2i(11 - Math.floor(Math.log2(Math.abs(x))));
  return Math.floor(x * s) / s;
}`,
  // x - q y, exact for an integer q of at most 12 bits; then corrected to the sign of x.
  `function remainderStep(x, y) {
  const q = Math.trunc(x / y);
  const high = highBits(y);
  let r = (x - q * high) - q * (y - high);
  if (x < 0) { r = -r; }
  const a = Math.abs(y);
  if (r < 0) { r = r + a; }
  if (r >= a) { r = r - a; }
  return x < 0 ? -r : r;
}`,
  // C's fmod, for quotients up to 2^24.
  `function fmodf(x, y) {
  if (Math.abs(x) < Math.abs(y)) { return x; }
  let r = x;
  const wide = y * 4096;
  if (Math.abs(x) >= Math.abs(wide)) { r = remainderStep(x, wide); }
  r = Math.abs(remainderStep(r, y));
  return x < 0 ? -r : r;
}`,
  // The remainder with the divisor's sign.
  `function floorModf(x, y) {
  const r = fmodf(x, y);
  return (r !== 0 && (r < 0) !== (y < 0)) ? r + y : r;
}`,
  `function floorDivf(a, b) {
  if (b === 0) { return a / b; }
  const m = fmodf(a, b);
  let d = (a - m) / b;
  if (m !== 0 && (b < 0) !== (m < 0)) { d = d - 1; }
  const q = a / b;
  if (q === 0) { return d === 0 ? q : d; }
  d = Math.abs(rintf(d));
  return q < 0 ? -d : d;
}`,

  // ---- exponentials ----

  // e^x = 2^k e^r: r is the remainder of x after multiples of log(2), which is split into 9 bits, whose product with k
  // is exact, and the rest. This returns e^r - 1.
  `function expRest(x, k) {
  const r = x - k * 0.693359375 + k * 0.00021219444005469059;
  return r + r * r * (0.5000000055294268 + r * (0.1666666629464518 + r * (0.041666311211187634 + r * (0.008333398617504421 + r * (0.00139446856969478 + r * 0.0001984619286265817)))));
}`,
  `function expf(x) {
  if (x > 89) { return x * exp2i(127); }
  if (x < -104) { return 0; }
  const k = Math.floor(x * 1.4426950408889634 + 0.5);
  return scaled(1 + expRest(x, k), k);
}`,
  `function expm1f(x) {
  if (x === 0) { return x; }
  if (x > 89) { return x * exp2i(127); }
  if (x < -18) { return -1; }
  const k = Math.floor(x * 1.4426950408889634 + 0.5);
  return scaled(expRest(x, k) + (1 - exp2i(-k)), k);
}`,
  // m / (m + 2) with m = e^(2x) - 1; at 10 it is 1.
  `function tanhf(x) {
  if (x === 0) { return x; }
  if (x > 10) { return 1; }
  if (x < -10) { return -1; }
  const m = expm1f(2 * x);
  return m / (m + 2);
}`,

  // ---- logarithms ----

  // k log(2) + log(1 + f), f between the roots of 1/2 and of 2, less 1; s = f / (2 + f) and its odd powers.
  `function logRest(k, f) {
  const s = f / (2 + f);
  const z = s * s;
  const h = 0.5 * f * f;
  const rest = s * (h + z * (0.6666681375493532 + z * (0.39972664354628884 + z * 0.3000761575142898)));
  return k * 0.693359375 + (f - (h - (rest - k * 0.00021219444005469059)));
}`,
  // If k is off by one near the middle between two powers, the polynomial is still accurate.
  `function logf(x) {
  if (x <= 0) { return x < 0 ? Math.sqrt(x) : -1 / Math.abs(x); }
  if (x > ${LARGEST}) { return x; }
  const k = Math.floor(Math.log2(x) + 0.5);
  return logRest(k, scaled(x, -k) - 1);
}`,
  `function log1pf(x) {
  if (x === 0) { return x; }
  const u = 1 + x;
  if (u <= 0) { return u < 0 ? Math.sqrt(u) : -1 / Math.abs(u); }
  if (u > ${LARGEST}) { return u; }
  const k = Math.floor(Math.log2(u) + 0.5);
  const p = exp2i(-k);
  return logRest(k, x * p - (1 - p));
}`,

  // ---- powers ----

  // |x|^p = 2^(p log2|x|), the logarithm in two numbers: k + a of few bits, and b. What is multiplied exactly has 12 bits.
  `function powf(x, p) {
  if (p === 0 || x === 1) { return 1; }
  if (p === 1) { return x; }
  if (p === 2) { return x * x; }
  let q = p;
  if (q > 1e+30) { q = 1e+30; }
  if (q < -1e+30) { q = -1e+30; }
  let sign = 1;
  if (x < 0) {
    if (Math.floor(q) !== q) { return Math.sqrt(x); }
    if (q - 2 * Math.floor(q * 0.5) !== 0) { sign = -1; }
  }
  const y = Math.abs(x);
  if (y === 0) { return p > 0 ? 0 : (p < 0 ? sign / y : p); }
  if (y > ${LARGEST}) { return p > 0 ? sign * y : (p < 0 ? 0 : p); }
  const k = Math.floor(Math.log2(y) + 0.5);
  const m = scaled(y, -k);
  const n = m - 1;
  const s = n / (m + 1);
  const z = s * s;
  const sh = Math.floor(s * 4096 + 0.5) / 4096;
  const mh = Math.floor(m * 2048) / 2048;
  const sl = (((n - sh) - sh * mh) - sh * (m - mh)) / (m + 1);
  const a = 2.88525390625 * sh;
  const b = 0.00013617552792671473 * sh + (2.885390081777927 * sl + s * z * (0.9617966721511442 + z * (0.577084506244568 + z * (0.41159884586858825 + z * 0.3422853789324599))));
  const h = Math.floor((k + a) * 16 + 0.5) / 16;
  const qh = highBits(q);
  const high = qh * h;
  const low = (q - qh) * h + q * (((k - h) + a) + b);
  if (high + low > 200) { return sign * scaled(1, 200); }
  if (high + low < -200) { return 0; }
  const e = Math.floor(high + low + 0.5);
  return sign * scaled(expf(((high - e) + low) * 0.6931471805599453), e);
}`,

  // ---- sine and cosine ----

  // The remainder of x after k quarter turns: half pi in three parts, whose first two products are exact.
  `function quarterRest(x, k) {
  return ((x - k * 1.5703125) - k * 0.00048351287841796875) - k * 3.1391647865048132e-7;
}`,
  // The sine of r plus j quarter turns.
  `function wave(r, j) {
  const z = r * r;
  const q = j - 4 * Math.floor(j / 4);
  let y = r + r * z * (-0.16666653579600657 + z * (0.008332090303980948 + z * -0.000195052389507883));
  if (q === 1 || q === 3) { y = 1 - 0.5 * z + z * z * (0.04166664318260776 + z * (-0.0013887194218770748 + z * 0.000024419195674063447)); }
  return q >= 2 ? -y : y;
}`,
  // Beyond 2^15 the products are no longer exact, so the mode's own function is used.
  `function sinf(x) {
  if (x === 0) { return x; }
  if (Math.abs(x) <= 32768) {
    const k = Math.floor(x * 0.6366197723675814 + 0.5);
    return wave(quarterRest(x, k), k);
  }
  return Math.sin(x);
}`,
  `function cosf(x) {
  if (Math.abs(x) <= 32768) {
    const k = Math.floor(x * 0.6366197723675814 + 0.5);
    return wave(quarterRest(x, k), k + 1);
  }
  return Math.cos(x);
}`,

  // A rational minimax function of x² times x; from 3.95 on, where it is 1 in float32, 1.
  `function erff(x) {
  if (x >= 3.95) { return 1; }
  if (x <= -3.95) { return -1; }
  const z = x * x;
  const above = 1.1283791672234544 + z * (0.1851708104694266 + z * (0.05427485652458588 + z * (0.0038434244650492567 + z * (0.0003779319774806762 + z * (4.6402579935996475e-6 + z * -1.2966255130344246e-8)))));
  const below = 1 + z * (0.4974367670787215 + z * (0.11391159819865511 + z * (0.015443807779632557 + z * (0.0013040671775268976 + z * 6.269086018709625e-5))));
  return x * above / below;
}`,
]

const head = /^function (\w+)\(([^)]*)\)/

const library: ReadonlyMap<string, KernelFunction> = new Map(
  texts.map((source) => {
    const [, name, parameters] = head.exec(source) as RegExpExecArray
    return [name, { name, parameters: parameters.split(',').length, source }]
  }),
)

/** The functions that a text calls, and those that these call in turn. */
export function functionsIn(text: string): readonly KernelFunction[] {
  const found = new Map<string, KernelFunction>()
  const visit = (source: string): void => {
    for (const [, name] of source.matchAll(/(?<!\.)\b(\w+)\(/g)) {
      const known = library.get(name)
      if (known === undefined || found.has(name)) continue
      found.set(name, known)
      visit(known.source)
    }
  }
  visit(text)
  return [...found.values()]
}
