// atan2 of float32 vectors: the float that is nearest to the C library's result in double precision, which the interpreter
// gives, too. The smaller number divided by the larger one, or their difference by their sum, is the tangent of at most
// pi / 8; then multiples of pi / 4 are added.
import * as w from './code.ts'
import type { Code } from './code.ts'
import { exactly, high, join, low, maddDoubles, type Maker, polynomialDoubles } from './math.ts'

/** The minimax polynomial p of z = q^2 up to tan(pi / 8)^2: q + q z p is the angle of the tangent q, to 2^-40.2 of its size. */
const angles = [
  -0.037924740768769026, 0.0699124014396244, -0.08996844838134906, 0.11104004352859402, -0.14285423647625747,
  0.19999994327035645, -0.33333333295733825,
] as const
const angleError = 2 ** -39

/**
 * The C library's result in double precision, as a float. Ours is not as exact, so it is rounded twice, from the least and from
 * the largest that the exact one may be. Where these are not one float, which NaN is not either, the library is called.
 */
export function atan2(m: Maker, y: Code, x: Code): Code {
  const [a, b] = [m.keep(w.abs(y)), m.keep(w.abs(x))]
  // If there is a NaN, one of them is NaN.
  const [small, large] = [m.keep(w.smallerOf(a, b)), m.keep(w.largerOf(b, a))]
  const [isSteep, isBehind] = [m.keep(w.gt(a, b)), m.keep(w.lt(x, m.float(0)))]
  const minus = m.float(-0)
  const one = w.and(w.gt(small, w.mul(large, m.float(Math.SQRT2 - 1))), m.float(1))
  /** Eighths of a turn from an axis: that of y instead of x, and on its other side. */
  const from = (mask: Code, axis: number, eighths: Code): Code =>
    m.keep(w.add(w.xor(eighths, w.and(mask, minus)), w.and(mask, m.float(axis))))
  const near = m.keep(one)
  const eighths = from(isBehind, 4, from(isSteep, 2, near))
  const sign = m.keep(w.and(w.xor(isSteep, isBehind), minus))
  const [signedSmall, signedNear] = [m.keep(w.xor(small, sign)), m.keep(w.xor(near, sign))]
  const half = (part: typeof low): readonly [Code, Code] => {
    const [s, l, n] = [part(m, signedSmall), part(m, large), part(m, signedNear)]
    const q = m.keep(w.divDoubles(w.subDoubles(s, w.mulDoubles(n, l)), w.addDoubles(l, w.mulDoubles(n, s))))
    const z = m.keep(w.mulDoubles(q, q))
    const [first, ...rest] = angles
    const angle = maddDoubles(w.mulDoubles(q, z), polynomialDoubles(m, z, first, ...rest), q)
    const r = m.keep(w.addDoubles(angle, w.mulDoubles(part(m, eighths), m.double(Math.PI / 4))))
    return [w.mulDoubles(r, m.double(1 - angleError)), w.mulDoubles(r, m.double(1 + angleError))]
  }
  const [[least, most], [highLeast, highMost]] = [half(low), half(high)]
  const [result, other] = [m.keep(join(least, highLeast)), join(most, highMost)]
  const isOpen = m.keep(w.ne(result, other))
  return exactly(m, isOpen, w.or(result, w.and(y, minus)), 'atan2', y, x)
}
