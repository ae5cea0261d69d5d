// How exact the functions of math.ts are on every mode: units in the last place against double precision, at random points
// of ranges where they are used and where they are hard. `FLAMBEAU_ACCURACY=1` prints what was found, and how far every op
// is from PyTorch, as docs/internals/gpujs.md has it.
import { worstOf } from '@flambeau/backend-conformance'
import { type Expr, interpret, s } from '@flambeau/core/backend'
import { js, useDevice } from 'flambeau'
import { afterAll, describe, expect, it } from 'vitest'
import { gpujs, type Mode } from '../src/index.ts'
import { Dice } from './drawn.ts'
import { found, glModes } from './each-mode.ts'
import { onBackend } from './running.ts'

type Draw = (dice: Dice) => number

const unit = (dice: Dice): number => dice.int(0, 2 ** 24) / 2 ** 24
const between =
  (low: number, high: number): Draw =>
  (dice) =>
    low + (high - low) * unit(dice)
/** Of every size between two positive ones alike, of both signs. */
const sizes =
  (low: number, high: number, negative = true): Draw =>
  (dice) =>
    low * (high / low) ** unit(dice) * (negative && dice.int(0, 1) === 0 ? -1 : 1)
const positive = (low: number, high: number): Draw => sizes(low, high, false)
const tenths: Draw = (dice) => dice.int(-50, 50) / 10

interface Row {
  readonly name: string
  readonly build: (x: Expr, y: Expr) => Expr
  readonly x: Draw
  readonly y?: Draw
  /** Units in the last place. */
  readonly most: number
  /** What is added to a draw of x. */
  readonly from?: number
}

const row = (name: string, build: Row['build'], x: Draw, most: number, y?: Draw): Row => ({ name, build, x, y, most })
const near = (name: string, build: Row['build'], from: number, x: Draw, most: number): Row => ({
  ...row(name, build, x, most),
  from,
})

const rows: readonly Row[] = [
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
  row('rint', (x) => s.rint(x), tenths, 0),
  row('mod', s.mod, tenths, 0, (dice) => dice.int(1, 20) / 10),
  row('floorDiv', s.floorDiv, tenths, 0, (dice) => dice.int(1, 20) / 10),
]

const floats = new Float32Array(1)
const words = new Int32Array(floats.buffer)
/** Where a float32 is among all of them. */
function placeOf(x: number): number {
  floats[0] = x
  return words[0] < 0 ? -(words[0] & 0x7fffffff) : words[0]
}

const table = new Map<string, string[]>()
const note = (name: string, cell: string): void => void table.set(name, [...(table.get(name) ?? []), cell])
const printing = process.env.FLAMBEAU_ACCURACY !== undefined

afterAll(() => {
  if (!printing) return
  const lines = [...table].map(([name, cells]) => `| ${name} | ${cells.join(' | ')} |`)
  console.log([`| | ${found.join(' | ')} |`, `|---|${found.map(() => '---').join('|')}|`, ...lines].join('\n'))
})

describe.each(found)('on %s', (mode) => {
  const count = (glModes as readonly string[]).includes(mode) ? 4096 : 20000
  it.each(rows)('$name within $most units', async ({ name, build, x, y, most, from = 0 }) => {
    const dice = new Dice(name.length * 7919)
    const [a, b] = [x, y ?? x].map((draw) => Float32Array.from({ length: count }, () => from + draw(dice)))
    const [p, q] = [0, 1].map((position) => s.input(position, 'float64'))
    const exact = interpret(build(p, q))
    const [result] = onBackend(await gpujs({ mode }), {
      kind: 'map',
      attrs: { outs: [{ expr: build(s.input(0, 'float32'), s.input(1, 'float32')) }] },
      inputs: [a, b].map((data) => ({
        data,
        view: { shape: [count], strides: [1], offset: 0, dtype: 'float32' as const },
      })),
      outputs: [{ shape: [count], dtype: 'float32' }],
    })
    let worst = 0
    for (let i = 0; i < count; i++) {
      const wanted = Math.fround(exact([a[i], b[i]]))
      const off = Math.abs(placeOf(result[i]) - placeOf(wanted))
      if (off > worst) worst = off
      if (off > most || Number.isNaN(result[i]) !== Number.isNaN(wanted)) {
        expect({ x: a[i], y: b[i], value: result[i] }).toEqual({ x: a[i], y: b[i], value: wanted })
      }
    }
    note(name, String(worst))
  })

  if (printing) it('and every op from PyTorch', () => noteOps(mode), 300_000)
})

async function noteOps(mode: Mode): Promise<void> {
  for (const { op, values, gradients } of await worstOf(await gpujs({ mode }))) {
    note(`\`${op}\``, [values, gradients].map((x) => (x === 0 ? '0' : x.toExponential(0))).join(', '))
  }
  useDevice(js())
}
