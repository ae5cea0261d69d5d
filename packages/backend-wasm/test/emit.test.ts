// Emitted functions against the interpreter in the same module: bit for bit, for every step and dtype, in any layout, and
// for random expressions.
import { type DType, type Expr, s, stepDef } from '@flambeau/core/backend'
import { codeWords, compile, opcodes, reductions, steps } from '@flambeau/stream'
import { describe, expect, it } from 'vitest'
import { emit } from '../src/emit/emit.ts'
import { emitOf } from '../src/emit/steps.ts'
import { Machine } from './machine.ts'
import {
  type Dice,
  dice,
  dtypes,
  expressions,
  mapWords,
  numberOf,
  type Placed,
  type Result,
  sizeOf,
  wordsOf,
} from './random.ts'

type Codes = NonNullable<ReturnType<typeof compile>>
const machine = new Machine()

/** A row of hostile numbers. */
function rowOf(dtype: DType, count: number, roll: Dice): Uint8Array {
  const bytes = new Uint8Array(Math.ceil((count * sizeOf[dtype]) / 8 + 1) * 8)
  const view = new DataView(bytes.buffer)
  for (let i = 0; i < count; i++) {
    const x = numberOf(dtype, roll)
    if (dtype === 'float32') view.setFloat32(4 * i, x, true)
    else if (dtype === 'int32') view.setInt32(4 * i, x, true)
    else view.setUint8(i, x)
  }
  return bytes
}

const elementsOf = (dtype: DType, { buffer }: Uint8Array): ArrayLike<number> =>
  dtype === 'float32' ? new Float32Array(buffer) : dtype === 'int32' ? new Int32Array(buffer) : new Uint8Array(buffer)

/** Where two rows differ first, as text; undefined if nowhere. NaN has no sign and no payload. */
function difference(dtype: DType, found: Uint8Array, expected: Uint8Array): string | undefined {
  const [a, b] = [elementsOf(dtype, found), elementsOf(dtype, expected)]
  for (let i = 0; i < b.length; i++) {
    if (!Object.is(a[i], b[i])) return `element ${i} is ${a[i]}, the interpreter's ${b[i]}`
  }
  return undefined
}

/** Runs words both ways and returns the first difference; undefined if there is none. Throws if nothing is emitted. */
function compare(words: readonly number[], rows: readonly { dtype: DType; bytes: Uint8Array }[], numbers: number[]) {
  const run = (emitted: boolean) =>
    machine.run(
      Int32Array.from(words),
      rows.map(({ bytes }) => bytes),
      numbers,
      emitted,
    )
  const [expected, found] = [run(false), run(true)]
  if (expected === undefined || found === undefined) throw new Error('nothing was emitted')
  if (found.kind !== expected.kind || found.tag !== expected.tag)
    return `it ended with ${found.kind} at ${found.tag}, the interpreter with ${expected.kind} at ${expected.tag}`
  if (found.kind !== 0) return undefined
  return rows.flatMap(({ dtype }, r) => difference(dtype, found.rows[r], expected.rows[r]) ?? [])[0]
}

const float = (strides: readonly number[], ref: number, offset = 0): Placed => ({
  dtype: 'float32',
  ref,
  offset,
  strides,
})
const [x, y] = [s.input(0, 'float32'), s.input(1, 'float32')]
const floats = (count: number, seed = 1) => ({ dtype: 'float32' as const, bytes: rowOf('float32', count, dice(seed)) })

/** The steps that are emitted, with the dtypes of their operands and results. */
const emitted = Object.keys(steps).flatMap((step) =>
  step === 'const'
    ? []
    : dtypes.flatMap((of) =>
        dtypes
          .filter((dtype) => {
            const { rule } = stepDef(step as 'add')
            const fits = rule === 'cast' || dtype === (rule === 'comparison' ? 'bool' : of)
            const isReal = rule === 'floating' || rule === 'rounding'
            return fits && (!isReal || of === 'float32') && emitOf({ step, dtype, of }) !== undefined
          })
          .map((dtype) => ({ step, of, dtype })),
      ),
)
const names = new Set(emitted.map(({ step }) => step))

describe('every emitted step gives the bits of the interpreter', () => {
  it('there are steps of every kind', () => {
    expect(names.size).toBeGreaterThan(45)
  })
  for (const { step, of, dtype } of emitted) {
    it(`${step} of ${of} to ${dtype}`, () => {
      const roll = dice(1)
      const n = 4001
      const { arity, rule } = stepDef(step as 'add')
      const kinds = Array.from({ length: arity }, (_, i): DType => (rule === 'select' && i === 0 ? 'bool' : of))
      const args = kinds.map((kind, i) => s.input(i, kind))
      const expr: Expr = { step: step as 'add', dtype, args, value: 0 }
      const place = (dtype: DType, ref: number): Placed => ({ dtype, ref, offset: 0, strides: [1] })
      const stored = { expr, to: place(dtype, arity) }
      const most: Result = { expr, reduce: 'max', to: { dtype, ref: arity + 1, offset: 0, strides: [0] } }
      const rows = [...kinds, dtype, dtype].map((dtype) => ({ dtype, bytes: rowOf(dtype, n, roll) }))
      // By a function of its own, and by one of blocks, if there is anything to compute.
      for (const results of step === 'cast' && of === dtype ? [[stored]] : [[stored], [stored, most]]) {
        const words = mapWords([n], kinds.map(place), results)
        expect(compare(words as number[], rows, [])).toBe(undefined)
      }
    })
  }
})

describe('powers', () => {
  for (const exponent of [2, 3, 0.5, -0.5, -1, 0, 1, 1.7, -2.5, 1e9, 3e9, -16777217, Number.NaN, Infinity, -Infinity]) {
    it(`to ${exponent}, as a constant and as a number`, () => {
      const rows = [floats(4001), floats(4001, 2)]
      for (const by of [s.constant(exponent, 'float32'), s.input(1, 'float32')]) {
        const words = mapWords([4001], [float([1], 0), float([0], -1)], [{ expr: s.pow(x, by), to: float([1], 1) }])
        expect(compare(words as number[], rows, [exponent])).toBe(undefined)
      }
    })
  }
})

it('atan2 of random bits, of numbers that are nearly equal, and of small integers', () => {
  const roll = dice(1)
  const n = 50_000
  const random = () => Uint32Array.from({ length: n }, () => roll(65_536) * 65_536 + roll(65_536))
  const row = (bits: Uint32Array) => ({ dtype: 'float32' as const, bytes: new Uint8Array(bits.buffer) })
  const integers = () => row(new Uint32Array(Float32Array.from({ length: n }, () => roll(41) - 20).buffer))
  const [a, b] = [random(), random()]
  const beside = a.map((bits) => (bits ^ (roll(2) << 31)) + roll(64) - 32)
  for (const rows of [
    [row(a), row(b)],
    [row(a), row(beside)],
    [integers(), integers()],
  ]) {
    const words = mapWords([n], [float([1], 0), float([1], 1)], [{ expr: s.atan2(x, y), to: float([1], 1) }])
    expect(compare(words as number[], rows, [])).toBe(undefined)
  }
})

const hostile = [0, -0, Number.NaN, Infinity, -Infinity, 1, -1, 1e-45]

describe('maxima and minima beside NaN, infinities and both zeros', () => {
  const all = hostile
  for (const name of ['max', 'min'] as const) {
    it(`${name} of elements, of a column or a row, of numbers, of constants, in either order`, () => {
      const bytes = (values: readonly number[]) => ({
        dtype: 'float32' as const,
        bytes: new Uint8Array(Float32Array.from(values).buffer),
      })
      const n = 8 * all.length
      const rows = [bytes(Array.from({ length: n * n }, (_, i) => all[i % 8])), bytes(all), floats(n * n)]
      const seconds = [
        bytes(Array.from({ length: n * n }, (_, i) => all[(i >> 3) % 8])),
        bytes(Array.from({ length: n }, (_, i) => all[i >> 3])),
      ]
      const run = (b: Placed, exprs: readonly Expr[], numbers: number[] = [], second = seconds[0]): void => {
        for (const expr of exprs) {
          const words = mapWords([n, n], [float([n, 1], 0), b], [{ expr, to: float([n, 1], 2) }]) as number[]
          expect(compare(words, [rows[0], second, rows[2]], numbers), `${numbers}`).toBe(undefined)
        }
      }
      const both = [s[name](x, y), s[name](y, x)]
      run(float([n, 1], 1), both)
      run(float([1, 0], 1), both, [], seconds[1])
      run(float([0, 1], 1), both, [], seconds[1])
      for (const value of all) {
        run(float([0, 0], -1), both, [value])
        const constant = s.constant(value, 'float32')
        run(float([0, 0], -1), [s[name](x, constant), s[name](constant, x)], [value])
      }
    })
  }
})

it('between two numbers, of which any may be NaN, infinite or a zero', () => {
  const rows = [floats(70), floats(70, 2)]
  const [low, high] = [s.input(1, 'float32'), s.input(2, 'float32')]
  const inputs = [float([1], 0), float([0], -1), float([0], -2)]
  for (const expr of [s.min(s.max(x, low), high), s.max(s.min(x, low), high), s.add(s.max(x, low), s.min(x, high))]) {
    const words = mapWords([70], inputs, [{ expr, to: float([1], 1) }]) as number[]
    for (const from of hostile)
      for (const to of hostile) expect(compare(words, rows, [from, to]), `${from} ${to}`).toBe(undefined)
  }
})

/** Strides of a dense tensor, with some loops broadcast, with gaps, or in another order. */
function stridesOf(sizes: readonly number[], roll: Dice, isOutput: boolean): number[] {
  const way = isOutput ? [0, 2, 3][roll(3)] : roll(4)
  const strides: number[] = []
  const order = sizes.map((_, loop) => loop)
  if (way !== 3) order.reverse()
  let step = way === 2 ? 2 : 1
  for (const loop of order) {
    strides[loop] = step
    step *= sizes[loop]
  }
  return strides.map((stride) => (way === 1 && roll(2) === 0 ? 0 : stride))
}

const lengths = [1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 33]

/** A random map of one result or several, stored or reduced, and its memory. */
function random(seed: number) {
  const roll = dice(seed)
  const depth = roll(4)
  const sizes =
    roll(12) === 0 ? [[1000], [3, 1000], [600, 3]][roll(3)] : Array.from({ length: depth }, () => lengths[roll(11)])
  const n = sizes.reduce((product, size) => product * size, 1)
  const numbers: number[] = []
  const inputs = Array.from({ length: 1 + roll(5) }, (_, ref): Placed => {
    const dtype = dtypes[[3, 3, 3, 2, 1, 0][roll(6)]]
    if (roll(6) > 0) return { dtype, ref, offset: roll(3), strides: stridesOf(sizes, roll, false) }
    return { dtype, ref: -numbers.push(numberOf(dtype, roll)), offset: 0, strides: sizes.map(() => 0) }
  })
  const made = expressions(
    roll,
    inputs.map(({ dtype }, i) => s.input(i, dtype)),
    // The sign of NaN is not defined.
    new Set([...names, 'pow'].filter((name) => name !== 'copysign')),
    2 + roll(14),
  )
  if (made.length === 0) return undefined
  const reduces = roll(3) === 0 && sizes.length > 0
  const kept = sizes.map(() => roll(2) === 0)
  const results = Array.from({ length: 1 + roll(3) }, (_, k): Result => {
    const expr = k === 0 ? made[made.length - 1] : made[roll(made.length)]
    const to = { dtype: expr.dtype, ref: inputs.length + k, offset: roll(3) }
    if (!reduces || roll(3) === 0) return { expr, to: { ...to, strides: stridesOf(sizes, roll, true) } }
    const fn = (Object.keys(reductions) as (keyof typeof reductions)[])[roll(4)]
    const within = stridesOf(
      sizes.map((size, loop) => (kept[loop] ? size : 1)),
      roll,
      true,
    )
    return { expr, reduce: fn, to: { ...to, strides: within.map((stride, loop) => (kept[loop] ? stride : 0)) } }
  })
  const words = mapWords(sizes, inputs, results)
  if (words === undefined) return undefined
  const rows = [...inputs, ...results.map(({ to }) => to)].map(({ dtype }) => ({
    dtype,
    bytes: rowOf(dtype, 2 * n + 8, roll),
  }))
  const text = `seed ${seed}, [${sizes}], ${inputs.map(({ dtype, strides }) => `${dtype} [${strides}]`).join(', ')}`
  return { words, rows, numbers, text }
}

it('random expressions over random layouts give the bits of the interpreter', () => {
  let compared = 0
  const count = Number(process.env.FLAMBEAU_RANDOM ?? 300)
  for (let seed = 1; seed <= count; seed++) {
    const it = random(seed)
    if (it === undefined || emit(Int32Array.from(it.words)) === undefined) continue
    compared++
    expect(compare(it.words, it.rows, it.numbers), it.text).toBe(undefined)
  }
  expect(compared / count).toBeGreaterThan(0.8)
})

describe('layouts and sizes', () => {
  for (const n of [0, 1, 3, 4, 5, 15, 16, 17, 255, 256, 257, 1000, 70_001]) {
    it(`${n} elements: stored, in place, reversed, every other one, reduced`, () => {
      const chain = s.mul(s.add(s.mul(x, 1.5), y), s.tanh(x))
      const hostile = [floats(2 * n + 1), floats(4, 2), floats(2 * n + 1), floats(2 * n + 1)]
      const run = (results: readonly Result[], inputs = [float([1], 0), float([0], 1)], rows = hostile) => {
        const words = mapWords([n], inputs, results) as number[]
        if (n === 0) return expect(emit(Int32Array.from(words))).toBe(undefined)
        expect(compare(words, rows, [])).toBe(undefined)
      }
      run([{ expr: chain, to: float([1], 2) }])
      run([{ expr: chain, to: float([1], 0) }])
      run([{ expr: chain, to: float([-1], 2, n) }], [float([-1], 0, n), float([1], 3)])
      run([{ expr: chain, to: float([2], 2) }], [float([2], 0), float([0], 1)])
      run([
        { expr: s.add(x, y), to: float([1], 0) },
        { expr: s.sub(x, y), to: float([1], 2) },
      ])
      // The first output overwrites what the second reads.
      run(
        [
          { expr: s.neg(x), to: float([1], 2) },
          { expr: s.neg(y), to: float([1], 3) },
        ],
        [float([1], 0), float([1], 2)],
      )
      for (const reduce of ['sum', 'prod', 'max', 'min'] as const) {
        run([
          { expr: s.mul(x, y), reduce, to: float([0], 2) },
          { expr: s.sub(x, y), to: float([1], 0) },
          { expr: chain, reduce: 'sum', to: float([0], 3) },
        ])
      }
      // Nothing but sums, whose runs the function adds, of numbers around 0, so that the order decides the last bits.
      const around0 = Float32Array.from({ length: 2 * n + 1 }, (_, i) => ((i * 7919) % 10_007) / 10_007 - 0.5)
      const tame = { dtype: 'float32' as const, bytes: new Uint8Array(around0.buffer) }
      const sums = [s.mul(x, x), s.sub(y, s.mul(x, 3))].map((expr, k): Result => {
        return { expr, reduce: 'sum', to: float([0], 2 + k) }
      })
      for (const step of [1, -1, 2, 0]) {
        const inputs = [float([step], 0, step < 0 ? n : 1), float([1], 1)]
        const rows = [tame, tame, floats(1), floats(1)]
        run(sums, inputs, rows)
        run([sums[0]], inputs, rows)
      }
    })
  }

  for (const sizes of [
    [1000, 3],
    [3, 1000],
    [257, 65],
    [9, 8, 7],
    [2, 40_000],
  ]) {
    it(`rows and columns of [${sizes}] are reduced`, () => {
      const n = sizes.reduce((product, size) => product * size, 1)
      const dense = sizes.map((_, loop) => sizes.slice(loop + 1).reduce((product, size) => product * size, 1))
      const inputs = [
        float(dense, 0),
        float(
          sizes.map((_, loop) => (loop === sizes.length - 1 ? 1 : 0)),
          1,
        ),
      ]
      for (let kept = 0; kept < 1 << sizes.length; kept++) {
        const within = sizes.map((size, loop) => (kept & (1 << loop) ? size : 1))
        const strides = sizes.map((_, loop) =>
          kept & (1 << loop) ? within.slice(loop + 1).reduce((product, size) => product * size, 1) : 0,
        )
        for (const [reduce, expr] of [
          ['sum', s.mul(x, s.exp(y))],
          ['sum', s.mul(x, y)],
          ['max', s.mul(x, s.exp(y))],
        ] as const) {
          const words = mapWords(sizes, inputs, [{ expr, reduce, to: float(strides, 2) }])
          expect(compare(words as number[], [floats(n), floats(n, 2), floats(n, 3)], [])).toBe(undefined)
        }
      }
    })
  }
})

describe('minima and maxima of columns', () => {
  const denseOf = (sizes: readonly number[]): number[] =>
    sizes.map((_, l) => sizes.slice(l + 1).reduce((a, b) => a * b, 1))
  const ints = (count: number, seed: number) => ({ dtype: 'int32' as const, bytes: rowOf('int32', count, dice(seed)) })
  const cases: [sizes: number[], kept: number[]][] = [
    [[2, 64], [1]],
    [[3, 65], [1]],
    [[8, 1000], [1]],
    [[101, 1003], [1]],
    [
      [5, 7, 70],
      [0, 2],
    ],
    [[3, 5, 130], [2]],
    [[4, 6, 70], [2]],
    [
      [4, 5, 4, 20],
      [2, 3],
    ],
    [[3, 1, 70], [2]],
  ]
  for (const [sizes, kept] of cases) {
    it(`of [${sizes}] to its loops ${kept.join(' and ')}: of floats with NaN and both zeros, of integers, of expressions`, () => {
      const n = sizes.reduce((product, size) => product * size, 1)
      const within = denseOf(sizes.map((size, l) => (kept.includes(l) ? size : 1)))
      const to = (ref: number): Placed =>
        float(
          within.map((stride, l) => (kept.includes(l) ? stride : 0)),
          ref,
        )
      // With a gap after each row, so that loops stay apart.
      const gaps = denseOf([...sizes.slice(0, -1), (sizes.at(-1) as number) + 3])
      const own = sizes.map((_, l) => (l === sizes.length - 1 ? 1 : 0))
      const inputs = [float(gaps, 0), float(own, 1)]
      const rows = [floats(4 * n), floats(n, 2), floats(n, 3), floats(n, 4)]
      const few = Float32Array.from({ length: 4 * n }, (_, i) => hostile[(i * 7 + (i >> 5)) % 8])
      const zeros = { dtype: 'float32' as const, bytes: new Uint8Array(few.buffer) }
      for (const memory of [rows, [zeros, ...rows.slice(1)]]) {
        for (const expr of [x, s.mul(s.sub(x, y), 0.5)]) {
          for (const results of [
            [{ expr, reduce: 'min', to: to(2) }],
            [{ expr, reduce: 'max', to: to(2) }],
            [
              { expr, reduce: 'max', to: to(2) },
              { expr: s.abs(y), reduce: 'min', to: to(3) },
            ],
          ] as const) {
            const words = mapWords(sizes, inputs, results) as number[]
            expect(compare(words, memory, [])).toBe(undefined)
          }
        }
      }
      const whole = (place: Placed): Placed => ({ ...place, dtype: 'int32' })
      for (const reduce of ['min', 'max'] as const) {
        const expr = s.mul(s.input(0, 'int32'), s.input(1, 'int32'))
        const words = mapWords(sizes, inputs.map(whole), [{ expr, reduce, to: whole(to(2)) }]) as number[]
        expect(compare(words, [ints(4 * n, 1), ints(n, 2), ints(n, 3)], [])).toBe(undefined)
      }
    })
  }
})

describe('long loops', () => {
  const n = 100_003
  const run = (words: number[], rows: readonly { bytes: Uint8Array }[]): Float32Array => {
    const ran = machine.run(
      Int32Array.from(words),
      rows.map(({ bytes }) => bytes),
      [],
      true,
    )
    return new Float32Array((ran as NonNullable<typeof ran>).rows[rows.length - 1].buffer)
  }

  it('go forwards and backwards in turn: each stretch adds to what the one before it has written, or to zeros', () => {
    const stretch = 16_384
    const row = { bytes: new Uint8Array(4 * (n + stretch)) }
    const words = mapWords([n], [float([1], 0)], [{ expr: s.add(x, 1), to: float([1], 0, stretch) }]) as number[]
    const seen = Array.from({ length: 4 }, () => run(words, [row])[n - 4])
    expect(seen).toEqual(seen[0] === 1 ? [1, 6, 1, 6] : [6, 1, 6, 1])
  })

  const shapes: [string, readonly number[], readonly number[], readonly number[]][] = [
    ['one loop', [n], [1], [1]],
    ['rows', [301, 333], [335, 1], [0, 1]],
    ['columns beside rows', [301, 333], [1, 301], [1, 0]],
    ['few long rows', [3, 70_001], [70_002, 1], [0, 1]],
    ['three loops', [41, 43, 57], [2500, 58, 1], [0, 1, 0]],
    ['every other element', [n], [2], [0]],
  ]
  for (const [name, sizes, strides, others] of shapes) {
    it(`${name}: the same bits in both directions, stored and copied`, () => {
      const dense = sizes.map((_, l) => sizes.slice(l + 1).reduce((a, b) => a * b, 1))
      const rows = [floats(2 * n + 8 * 70_002), floats(n, 2), floats(3 * n, 3)]
      const inputs = [float(strides, 0, 1), float(others, 1)]
      for (const expr of [s.sub(s.mul(x, y), x), x]) {
        const words = mapWords(sizes, inputs, [{ expr, to: float(dense, 2, 1) }]) as number[]
        for (let turn = 0; turn < 2; turn++) expect(compare(words, rows, [])).toBe(undefined)
      }
      const bytes = (place: Placed): Placed => ({ ...place, dtype: 'uint8' })
      const copied = mapWords(sizes, [bytes(inputs[0])], [{ expr: s.input(0, 'uint8'), to: bytes(float(dense, 1)) }])
      const memory = (count: number, seed: number) => ({
        dtype: 'uint8' as const,
        bytes: rowOf('uint8', count, dice(seed)),
      })
      for (let turn = 0; turn < 2; turn++)
        expect(compare(copied as number[], [memory(8 * n, 1), memory(3 * n, 2)], [])).toBe(undefined)
    })
  }
})

describe('programs', () => {
  const add = (from: number, to: number, tag: number) =>
    mapWords([5], [float([1], from)], [{ expr: s.add(x, 1), to: float([1], to) }], opcodes.map, tag) as number[]
  const check = (row: number, limit: number, tag: number) =>
    mapWords(
      [5],
      [float([1], row)],
      [{ expr: s.gt(x, limit), reduce: 'max', to: { dtype: 'bool', ref: -1, offset: 0, strides: [0] } }],
      opcodes.check,
      tag,
    ) as number[]
  const scan = [opcodes.scan, 16, 9, 0, 0, 5, 0, 0, 5, 0, 3, 1, 1, 0, 5, 0, 3, 1].flat()
  scan[1] = scan.length

  it('consecutive maps are one function, others stay where they are', () => {
    const words = [...add(0, 1, 0), ...add(1, 2, 1), ...scan, ...add(1, 0, 3)]
    const made = emit(Int32Array.from(words))
    expect(made?.functions).toBe(2)
    const rows = [floats(6), floats(6, 2), floats(6, 3)]
    expect(compare(words, rows, [])).toBe(undefined)
  })

  it('a check ends a function with its tag, before what comes after it', () => {
    for (const limit of [0, Infinity]) {
      const words = [...add(0, 1, 0), ...check(1, limit, 7), ...add(0, 0, 8)]
      expect(emit(Int32Array.from(words))?.functions).toBe(1)
      expect(compare(words, [floats(6), floats(6, 2)], [])).toBe(undefined)
      const ran = machine.run(
        Int32Array.from(words),
        [floats(6), floats(6, 2)].map(({ bytes }) => bytes),
        [],
        true,
      )
      expect([ran?.kind, ran?.tag]).toEqual(limit === 0 ? [2, 7] : [0, 0])
    }
  })

  it('bodies of repetitions are emitted', () => {
    const body = [...add(0, 1, 1), ...add(1, 0, 2)]
    const place = (ref: number) => [ref, 0, 100, 0, 3, 1]
    const words = [opcodes.repeat, 0, 0, 3, 2, 0, 0, body.length, ...body, ...place(0), ...place(1)]
    words[1] = words.length
    const program = [...words, ...add(0, 2, 5)]
    expect(emit(Int32Array.from(program))?.functions).toBe(2)
    expect(compare(program, [floats(100), floats(100, 2), floats(6, 3)], [])).toBe(undefined)
  })

  it('the same words give the same bytes', () => {
    const words = Int32Array.from([...add(0, 1, 0), ...check(1, 3, 7)])
    expect(emit(words)?.module).toEqual(emit(words)?.module)
  })

  it('long chains of instructions are cut into several loops, short ones and short loops are not', () => {
    const loops = (n: number, expr: Parameters<typeof s.exp>[0]): number => {
      const made = emit(Int32Array.from(mapWords([n], [float([1], 0)], [{ expr, to: float([1], 1) }]) as number[]))
      const bytes = Array.from(made?.module ?? [])
      return bytes.filter((byte, at) => byte === 0x03 && bytes[at + 1] === 0x40).length
    }
    expect(loops(64, s.exp(x))).toBeGreaterThan(3)
    expect(loops(64, s.add(x, x))).toBe(1)
    expect(loops(16, s.exp(x))).toBe(1)
  })

  it('float64 and steps without an instruction are left to the interpreter', () => {
    const results = [s.cast(x, 'float64'), s.fmod(x, y), s.lgamma(x), s.pow(x, y), s.hypot(x, y)]
    for (const expr of results) {
      const words = mapWords(
        [5],
        [float([1], 0), float([1], 1)],
        [{ expr, to: { ...float([1], 2), dtype: expr.dtype } }],
      )
      expect(emit(Int32Array.from(words as number[]))).toBe(undefined)
    }
  })
})

describe('expressions after products', () => {
  const sized = [
    [1, 1, 4],
    [5, 3, 2],
    [506, 10, 13],
    [64, 1, 9],
    [1, 30, 569],
    [33, 70, 8],
    [3, 700, 5],
  ]
  const bordered = [3, 3, 1, 1, 1, 1, 0]
  for (const [rows, columns, sum] of sized) {
    it(`[${rows}, ${sum}] times [${sum}, ${columns}], of float32, over a row, a number and all elements`, () => {
      const exprs = [
        s.select(s.gt(s.add(x, y), 0), s.add(x, y), s.mul(s.add(x, y), 0.01)),
        s.mul(s.tanh(s.add(x, s.input(2, 'float32'))), s.input(3, 'float32')),
      ]
      for (const expr of exprs) {
        const codes = compile([expr], 1) as Codes
        const inputs = [float([0, 1], 3), float([0, 0], -1), float([columns, 1], 4)]
        const strides = [
          [sum, 1],
          [columns, 1],
        ]
        const words = [
          ...[opcodes.contract, 0, 5, 3, 0, 1, 1, 1, codes.inputs.length - 1, codes.words.length / codeWords],
          ...[codes.from[0], rows, columns, sum],
          ...strides.flatMap((steps, ref) => wordsOf(float(steps, ref))),
          ...wordsOf(float([], 2)),
          ...codes.inputs.slice(1).flatMap(({ position }) => wordsOf(inputs[position - 1])),
          ...codes.words,
        ]
        words[1] = words.length
        const lengths = [rows * sum, sum * columns, rows * columns, columns, rows * columns]
        const memory = lengths.map((length, seed) => floats(length, seed))
        expect(compare(words, memory, [0.3])).toBe(undefined)
      }
    })
  }

  it('with zeros around planes that are not in memory', () => {
    // Windows of 3 x 3 over one plane of 3 x 3 with a border of 1: sums of neighbours, plus a number.
    const codes = compile([s.mul(s.add(x, y), y)], 1) as Codes
    const words = [
      ...[opcodes.bordered, 0, 5, ...bordered, 3, 0, 1, 2, 2, 1, codes.words.length / codeWords],
      ...[codes.from[0], 1, 3, 3, 3, 3],
      ...wordsOf(float([9, 3, 1], 0)),
      ...wordsOf(float([5, 1, 5, 1], 1)),
      ...wordsOf(float([], 2)),
      ...wordsOf(float([0, 0, 0], -1)),
      ...codes.words,
    ]
    words[1] = words.length
    expect(compare(words, [floats(9), floats(9, 2), floats(9, 3)], [0.5])).toBe(undefined)
  })
})
