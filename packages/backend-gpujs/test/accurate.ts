// Evaluates functions at random points in ordinary and difficult ranges, and measures a device's error there in units
// in the last place: for tests in Node and in pages.
import { type Backend, type Expr, interpret, s } from '@flambeau/core/backend'
import { Dice } from './drawn.ts'
import { onBackend } from './running.ts'

type Draw = (dice: Dice) => number

const unit = (dice: Dice): number => dice.int(0, 2 ** 24) / 2 ** 24
const between =
  (low: number, high: number): Draw =>
  (dice) =>
    low + (high - low) * unit(dice)
/** Draws with uniform logarithm between two positive numbers, of both signs. */
const sizes =
  (low: number, high: number, negative = true): Draw =>
  (dice) =>
    low * (high / low) ** unit(dice) * (negative && dice.int(0, 1) === 0 ? -1 : 1)
const positive = (low: number, high: number): Draw => sizes(low, high, false)
const tenths: Draw = (dice) => dice.int(-50, 50) / 10

export interface Row {
  readonly name: string
  readonly build: (x: Expr, y: Expr) => Expr
  readonly x: Draw
  readonly y?: Draw
  /** Units in the last place. */
  readonly most: number
  /** The offset added to a draw of x. */
  readonly from?: number
}

const row = (name: string, build: Row['build'], x: Draw, most: number, y?: Draw): Row => ({ name, build, x, y, most })
const near = (name: string, build: Row['build'], from: number, x: Draw, most: number): Row => ({
  ...row(name, build, x, most),
  from,
})

export const rows: readonly Row[] = [
  row('exp, -87 to 88', (x) => s.exp(x), between(-87, 88), 1),
  row('expm1 near 0', (x) => s.expm1(x), sizes(1e-8, 1), 1),
  row('expm1, -20 to 80', (x) => s.expm1(x), between(-20, 80), 2),
  row('log', (x) => s.log(x), positive(1e-37, 1e38), 1),
  near('log near 1', (x) => s.log(x), 1, sizes(1e-6, 0.4), 1),
  row('log1p near 0', (x) => s.log1p(x), sizes(1e-8, 0.9), 2),
  near('log1p near -1', (x) => s.log1p(x), -1, positive(1e-7, 0.5), 2),
  row('sin, -10 to 10', (x) => s.sin(x), between(-10, 10), 2),
  row('cos, -10 to 10', (x) => s.cos(x), between(-10, 10), 2),
  row('tanh', (x) => s.tanh(x), sizes(1e-8, 12), 3),
  row('erf', (x) => s.erf(x), sizes(1e-8, 5), 6),
  row('sqrt', (x) => s.sqrt(x), positive(1e-37, 1e38), 1),
  row('a / b', s.div, sizes(1e-9, 1e9), 1, sizes(1e-9, 1e9)),
  row('pow, 0.1 to 10, to -10 to 10', s.pow, positive(0.1, 10), 2, between(-10, 10)),
  row('pow, -5 to 5, to whole powers', s.pow, between(-5, 5), 2, (dice) => dice.int(-12, 12)),
  row('pow near 1, to -500 to 500', s.pow, between(0.9, 1.1), 16, between(-500, 500)),
  row('tan, -10 to 10', (x) => s.tan(x), between(-10, 10), 4),
  row('sinh', (x) => s.sinh(x), sizes(1e-8, 80), 3),
  row('cosh', (x) => s.cosh(x), between(-80, 80), 3),
  row('asin', (x) => s.asin(x), between(-1, 1), 3),
  row('acos', (x) => s.acos(x), between(-1, 1), 3),
  row('atan', (x) => s.atan(x), sizes(1e-6, 1e6), 3),
  row('atan2', (x, y) => s.atan2(x, y), sizes(1e-3, 1e3), 4, sizes(1e-3, 1e3)),
  row('hypot', (x, y) => s.hypot(x, y), sizes(1e-20, 1e20), 3, sizes(1e-20, 1e20)),
  row('asinh', (x) => s.asinh(x), sizes(1e-8, 1e30), 4),
  row('acosh', (x) => s.acosh(x), positive(1.0001, 1e30), 4),
  row('atanh', (x) => s.atanh(x), sizes(1e-8, 0.999), 4),
  row('exp2', (x) => s.exp2(x), between(-125, 127), 2),
  row('log2', (x) => s.log2(x), positive(1e-37, 1e38), 2),
  near('log2 near 1', (x) => s.log2(x), 1, sizes(1e-6, 0.4), 2),
  row('log10', (x) => s.log10(x), positive(1e-37, 1e38), 2),
  row('lgamma', (x) => s.lgamma(x), positive(2.1, 1e6), 8),
  row('lgamma, 0.01 to 1', (x) => s.lgamma(x), positive(0.01, 0.9), 8),
  row('digamma', (x) => s.digamma(x), positive(1.6, 1e6), 8),
  row('digamma, 0.01 to 1.2', (x) => s.digamma(x), positive(0.01, 1.2), 8),
  row('erfinv', (x) => s.erfinv(x), between(-0.99, 0.99), 6),
  row('i0', (x) => s.i0(x), between(-60, 60), 8),
  row('i1', (x) => s.i1(x), sizes(1e-6, 60), 8),
  row(
    'fmod',
    (x, y) => s.fmod(x, y),
    tenths,
    0,
    (dice) => dice.int(1, 20) / 10,
  ),
  row('copysign', (x, y) => s.copysign(x, y), tenths, 0, tenths),
  row('rint', (x) => s.rint(x), tenths, 0),
  row('mod', s.mod, tenths, 0, (dice) => dice.int(1, 20) / 10),
  row('floorDiv', s.floorDiv, tenths, 0, (dice) => dice.int(1, 20) / 10),
]

const floats = new Float32Array(1)
const words = new Int32Array(floats.buffer)
/** The rank of a float32 among all of them. */
function placeOf(x: number): number {
  floats[0] = x
  return words[0] < 0 ? -(words[0] & 0x7fffffff) : words[0]
}

/** The error in units, and where: the arguments, the result and the expected value. */
export interface Worst {
  readonly units: number
  readonly at: readonly number[]
}

/** The largest error of a device, against double precision rounded once, and where it occurs. */
export function worstOn(device: Backend, { name, build, x, y, from = 0 }: Row, count: number): Worst {
  const dice = new Dice(name.length * 7919)
  const inputs = [x, y ?? x].map((draw) => Float32Array.from({ length: count }, () => from + draw(dice)))
  const exact = interpret(build(s.input(0, 'float64'), s.input(1, 'float64')))
  const view = { sizes: [count], strides: [1], offset: 0, dtype: 'float32' } as const
  const [values] = onBackend(device, {
    kind: 'map',
    attrs: { outs: [{ expr: build(s.input(0, 'float32'), s.input(1, 'float32')) }] },
    inputs: inputs.map((data) => ({ data, view })),
    outputs: [{ sizes: [count], dtype: 'float32' }],
  })
  let worst: Worst = { units: 0, at: [] }
  for (let i = 0; i < count; i++) {
    const at = inputs.map((data) => data[i])
    const wanted = Math.fround(exact(at))
    const numbers = Number.isNaN(values[i]) === Number.isNaN(wanted)
    const units = numbers ? Math.abs(placeOf(values[i]) - placeOf(wanted)) : Number.POSITIVE_INFINITY
    if (units > worst.units) worst = { units, at: [...at, values[i], wanted] }
  }
  return worst
}
