// Routines of linear algebra in the module beside JavaScript's, over all sizes around those of blocks and vectors, and what
// they leave to it. The C++ tests multiply the factors again.
import { linalg, tensor, useDevice } from '@flambeau/core'
import type { MatrixRun } from '@flambeau/core/backend'
import { moved, routines } from '@flambeau/stream'
import { expect, it, vi } from 'vitest'
import { floats, withRoom } from '../../core/src/base/room.ts'
import { inJavaScript } from '../../core/src/ops/linalg/in-javascript.ts'
import type { Routines } from '../../core/src/ops/linalg/routines.ts'
import { wasm } from '../src/index.ts'
import type { Exports } from '../src/exports.ts'
import { load } from '../src/load.ts'
import { Heap } from '../src/heap.ts'
import { matricesOf } from '../src/matrices.ts'

const { exports } = await load()
const heap = new Heap(exports)
const { run } = matricesOf(heap)

let state = 1
const drawn = (length: number): Float64Array =>
  Float64Array.from({ length }, () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 1_073_741_823.5 - 1
  })
/** Matrices with a heavy diagonal, so that results depend little on roundings. */
const heavy = (count: number, n: number): Float64Array => {
  const a = drawn(count * n * n)
  for (let i = 0; i < a.length; i++) if (Math.floor((i % (n * n)) / n) === i % n) a[i] += 2 * n
  return a
}

const zeros = (length: number): Float64Array => new Float64Array(length)
const symmetric = (count: number, n: number): Float64Array => {
  const a = drawn(count * n * n)
  const turned = (at: number): number => Math.floor(at / n) + (at % n) * n
  return a.map((x, i) => x + a[i - (i % (n * n)) + turned(i % (n * n))])
}
/** Rotations down and up rows, of which the last spans leave some alone. */
const rotation = (n: number): Given => {
  const rows = n + 1
  const angles = drawn(2 * n + Math.floor(n / 2)).map((x) => 4 * x)
  const spans = Float64Array.of(0, 1, n, n, -1, n, 0, 1, Math.floor(n / 2))
  return ['rotate', 1, [n], [drawn(rows * n), angles.map(Math.cos), angles.map(Math.sin), spans]]
}

type Arrays = readonly Float64Array[]
/** A call: how many matrices, sizes and arrays. */
type Given = readonly [name: keyof Routines, count: number, sizes: readonly number[], arrays: Arrays]
const lengths = [1, 2, 3, 7, 8, 9, 15, 16, 17, 24, 33, 64]
const callsOf = (n: number, count: number): readonly Given[] => {
  const k = n + 3
  const lu = heavy(count, n)
  const pivots = Float64Array.from({ length: count * n }, (_, i) => (i % n) + ((i * 7) % (n - (i % n))))
  return [
    ['lu', count, [n, k, 1], [drawn(count * n * k), zeros(count * n), zeros(count)]],
    ['lu', count, [k, n, 1], [drawn(count * n * k), zeros(count * n), zeros(count)]],
    ['lu', count, [n, n, 0], [heavy(count, n), zeros(count * n), zeros(count)]],
    ['cholesky', count, [n], [heavy(count, n), zeros(count)]],
    ...[0, 1, 2, 3].map(
      (i): Given => [
        'triangle',
        count,
        [n, k, i & 1, i >> 1],
        [drawn(count * n * k), i < 2 ? lu : lu.map((x) => x / 99)],
      ],
    ),
    ['solve', count, [n, k], [drawn(count * n * k), lu, pivots]],
    ['subtract', count, [n, k, n + 1], [drawn(count * n * k), drawn(count * n * (n + 1)), drawn(count * (n + 1) * k)]],
    ['invert', count, [n], [zeros(count * n * n), zeros(count * n), zeros(count), heavy(count, n)]],
    ['qr', count, [n, k], [drawn(count * n * k), zeros(count * n)]],
    ['qr', count, [k, n], [drawn(count * n * k), zeros(count * n)]],
    ['reflected', count, [k, n, 0, n, 1], [zeros(count * k * n), drawn(count * k * n), drawn(count * n)]],
    ['reflected', count, [k, k, 1, 1, k], [zeros(count * k * k), drawn(count * k * k), drawn(count * n)]],
    [
      'tridiagonal',
      count,
      [n],
      [symmetric(count, n), ...[n, n, Math.max(n - 2, 0)].map((size) => zeros(count * size))],
    ],
    [
      'bidiagonal',
      count,
      [k, n],
      [drawn(count * k * n), ...[n, n, n, Math.max(n - 2, 0)].map((size) => zeros(count * size))],
    ],
    ...(count === 1 ? [rotation(n)] : []),
  ]
}

/** Runs copies of the arrays on both; returns what the module found, or null where it left them to JavaScript. */
function compared([name, count, sizes, arrays]: Given, runs: MatrixRun = run): Arrays | null {
  const [found, expected] = [0, 1].map(() => arrays.map((x) => x.slice()))
  if (!runs(name, count, sizes, found)) {
    expect(found).toEqual(arrays)
    return null
  }
  inJavaScript(name, count, sizes, expected)
  for (const [i, own] of found.entries()) {
    // What is spoilt is nobody's.
    if (i >= routines[name]) {
      expect(own).toEqual(arrays[i])
      continue
    }
    // What is left of a matrix without a factor is nothing in particular.
    if (name === 'cholesky' && i === 0 && expected[1].some((minor) => minor > 0)) continue
    // Each reflection depends on all before it.
    const bound = name.endsWith('diagonal') ? 1e-9 : 1e-12
    const largest = expected[i].reduce((most, x) => Math.max(most, Math.abs(x)), 1)
    const far = own.findIndex(
      (x, k) => !Object.is(x, expected[i][k]) && !(Math.abs(x - expected[i][k]) <= bound * largest),
    )
    const what = `${name} of ${count} x ${sizes}, element ${far} of array ${i}: ${own[far]}, not ${expected[i][far]}`
    expect(far, what).toBe(-1)
  }
  return found
}

it.each([1, 3, 40])('%i matrices are computed as in JavaScript', (count) => {
  const names = new Set<string>()
  for (const n of lengths) {
    if (count * n > 400) continue
    for (const given of callsOf(n, count)) {
      const isWorthIt = given[3][0].length >= 256
      expect(compared(given) !== null).toBe(isWorthIt)
      if (isWorthIt) names.add(given[0])
    }
  }
  const all = Object.keys(routines).filter((name) => count === 1 || name !== 'rotate')
  expect(all.filter((name) => !names.has(name))).toEqual([])
})

it('a factor of more rows than are subtracted at once is as in JavaScript', () => {
  for (const n of [129, 150, 262])
    expect(compared(['cholesky', 1, [n], [heavy(1, n), zeros(1)]])?.[1]).toEqual(zeros(1))
})

it('what does not fit is refused', () => {
  const a = drawn(400)
  for (const name of Object.keys(routines)) expect(run(name, 1, [20, 20, 20], [a, a, a, a, a])).toBe(false)
  expect(run('none', 1, [20], [a])).toBe(false)
  for (const sizes of [[21], [65_536], [20, 20], []])
    expect(run('cholesky', 1, sizes, [a.slice(), new Float64Array(1)])).toBe(false)
  expect(run('cholesky', 1, [20], [a.slice()])).toBe(false)
  expect(run('cholesky', 3, [20], [a.slice(), new Float64Array(3)])).toBe(false)
  expect(run('cholesky', 0, [0], [new Float64Array(0), new Float64Array(0)])).toBe(false)
})

it('matrices without an inverse, without a factor and with NaN', () => {
  const n = 20
  const info = (name: 'lu' | 'cholesky' | 'invert', a: Float64Array): number => {
    const [pivots, own] = [zeros(n), zeros(1)]
    const given: Given =
      name === 'lu'
        ? [name, 1, [n, n, 1], [a, pivots, own]]
        : name === 'invert'
          ? [name, 1, [n], [zeros(n * n), pivots, own, a]]
          : [name, 1, [n], [a, own]]
    const at = given[3].indexOf(own)
    return compared(given)?.[at][0] ?? -1
  }
  const without = heavy(1, n)
  for (let i = 0; i < n; i++) without[i * n + 11] = 0
  expect(info('lu', without)).toBe(12)
  expect(info('invert', without)).toBe(20)
  const negative = heavy(1, n)
  negative[9 * n + 9] = -50
  expect(info('cholesky', negative)).toBe(10)
  const unknown = heavy(1, n)
  unknown[13 * n + 4] = Number.NaN
  expect(info('cholesky', unknown)).toBe(14)
  expect(info('lu', unknown)).toBe(0)
  expect(info('invert', unknown)).toBe(0)
  // Exchanges may be a user's.
  const pivots = Float64Array.from({ length: n }, (_, i) => i)
  for (const row of [-1, n, 1e300, Number.NaN]) {
    pivots[3] = row
    const b = drawn(n * n)
    expect(run('solve', 1, [n, n], [b, heavy(1, n), pivots])).toBe(true)
    expect(b[3 * n]).toBeNaN()
  }
})

it('memory that has grown for a call is the module’s from then on, and without memory JavaScript computes', () => {
  const before = heap.bytes.length
  const count = Math.ceil((before + 2 ** 24) / 8 / 1024)
  const [a, b, info] = [heavy(1, 32), new Float64Array(count * 1024), new Float64Array(count)]
  for (let i = 0; i < count; i++) b.set(a, i * 1024)
  expect(run('cholesky', count, [32], [b, info])).toBe(true)
  inJavaScript('cholesky', 1, [32], [a, new Float64Array(1)])
  expect(heap.bytes.length).toBeGreaterThan(before)
  expect(Math.abs(b[b.length - 1] - a[1023])).toBeLessThan(1e-12)
  vi.spyOn(heap, 'allocate').mockReturnValueOnce(0)
  expect(compared(['cholesky', 1, [32], [heavy(1, 32), new Float64Array(1)]])).toBeNull()
  vi.restoreAllMocks()
})

/** Makes memory grow by a page. */
const grow = ({ memory }: Exports): void => void (memory as unknown as { grow(pages: number): number }).grow(1)

it('arrays of a computation lie in linear memory, from the second one of its size on, and are not copied', () => {
  const { room, run } = matricesOf(heap)
  const [a, last] = [heavy(1, 32), zeros(1)]
  const places: boolean[] = []
  const blocks = vi.spyOn(heap, 'allocate')
  for (let i = 0; i < 3; i++) {
    withRoom(() => {
      const [x, found] = [floats(1024), floats(1).fill(0)]
      x.set(a)
      places.push(x.buffer === heap.bytes.buffer && found.buffer === heap.bytes.buffer)
      blocks.mockClear()
      expect(run('cholesky', 1, [32], [x, found])).toBe(true)
      expect(blocks).toHaveBeenCalledTimes(places[i] ? 0 : 1)
      if (i === 0) last.set(x.subarray(1023))
      expect(x[1023]).toBe(last[0])
    }, room)
  }
  expect(places).toEqual([false, true, true])
  // Without a computation in between, room stays.
  expect(room?.(1000)).toBe(room?.(10))
  // Without memory for it, arrays are JavaScript's.
  blocks.mockReturnValueOnce(0)
  expect(room?.(2 ** 20).length).toBeLessThan(2 ** 20)
  vi.restoreAllMocks()
})

it('a call that makes memory grow leaves the computation, whose arrays have lost their elements, to begin again', () => {
  const { room, run } = matricesOf(heap)
  withRoom(() => {
    const allocate = vi.spyOn(heap, 'allocate').mockImplementationOnce((bytes) => {
      grow(exports)
      return exports.allocate(bytes)
    })
    const [x, others] = [floats(400), new Float64Array(400)]
    expect(() => run('cholesky', 1, [20], [others, x])).toThrow(moved)
    expect([x.length, allocate.mock.calls.length]).toEqual([0, 1])
  }, room)
  vi.restoreAllMocks()
  withRoom(() => expect(floats(400).fill(3).buffer).toBe(heap.bytes.buffer), room)
})

it('numbers are rounded to float32 as JavaScript rounds them, wherever they are', () => {
  const { set } = matricesOf(heap)
  const special = [Number.NaN, Infinity, -Infinity, 1e300, -1e300, 1e-300, -0, 1 + 2 ** -24, 1 + 3 * 2 ** -24, 1e-45]
  for (const n of [special.length, 255, 256, 301, 4096]) {
    const given = Float64Array.from({ length: n }, (_, i) => special[i] ?? Math.tan(i))
    const there = heap.numbers(n + 1).array.subarray(1)
    there.set(given)
    for (const [from, to] of [
      [there, new Float32Array(heap.numbers(n).array.buffer, heap.allocate(4 * n + 32), n + 8)],
      [given, new Float32Array(n + 8)],
    ]) {
      to.fill(7)
      set?.(to, from, 3)
      expect(to).toEqual(Float32Array.from([7, 7, 7, ...given, 7, 7, 7, 7, 7]))
    }
    const words = new Int32Array(n)
    set?.(words, there, 0)
    expect(words).toEqual(Int32Array.from(given))
  }
})

it('an op begins again when memory has grown in the middle of it', async () => {
  const n = 730
  useDevice(await wasm())
  const x = tensor(heavy(1, n), { dtype: 'float32' }).view(n, n)
  const lastRows = (): unknown =>
    linalg
      .inv(x)
      .narrow(0, n - 2, 2)
      .toArray()
  // The first matrix finds room, the second none.
  const expected = [lastRows(), lastRows()]
  const block = 8 * (n * n + n + 1)
  const sizes: number[] = []
  vi.spyOn(Heap.prototype, 'allocate').mockImplementation(function (this: Heap, bytes) {
    if (bytes === block && sizes.length === 0) grow(this.exports)
    if (bytes === block) sizes.push(bytes)
    return this.exports.allocate(bytes) >>> 0
  })
  const again = lastRows()
  vi.restoreAllMocks()
  expect(sizes).toEqual([block, block])
  expect([again, again]).toEqual(expected)
  expect(lastRows()).toEqual(again)
})
