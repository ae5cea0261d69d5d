// Kernels of the library, and those that begin and end a run of a program, by themselves, each with all that its
// parameters can say: planners choose large tiles for many blocks alone, and tables for few layouts, so ops would take
// minutes to reach the same instructions.
import { type DType, dtypeSize, newArray, type TypedArray } from '@flambeau/core/backend'
import { expect } from 'vitest'
import { testWith } from '../../../../tools/test/machine.ts'
import type { CudaAddon, Handle, Opened } from '../../src/cuda/addon.ts'
import { put } from '../../src/cuda/launches.ts'
import { loadCuda } from '../../src/cuda/loader.ts'
import { planCount, planMoves } from '../../src/cuda/plans/runs.ts'
import { PtxWriter } from '../../src/cuda/text/ptx.ts'
import { cudaMissing } from './driver.ts'

const it = (name: string, body: () => void): void => testWith('native', cudaMissing, name, body, 120_000)

type Grid = readonly [x: number, y: number, z: number]
/** An address, or an int. */
type Word = { readonly address: number } | number

/** A device whose memory and launches the test makes itself. */
class Bench {
  readonly #addon: CudaAddon
  readonly #device: Handle
  readonly #functions = new Map<string, number>()
  readonly #modules = new Map<string, number>()
  /** The record of failures. */
  readonly flag: Word

  constructor() {
    this.#addon = loadCuda().addon
    const { failure } = this.#addon.open(process.env.FLAMBEAU_CUDA_DRIVER as string) as Opened
    const device = this.#addon.device(0)
    if (failure !== undefined || typeof device === 'number') throw new Error(`no device: ${failure}`)
    this.#device = device
    this.flag = this.holding(Int32Array.of(0, 0))
  }

  #check(code: number): void {
    if (code !== 0) throw new Error(this.#addon.describe(code))
  }

  /** New memory, that nothing has written. */
  room(bytes: number): { readonly address: number } {
    return { address: this.#addon.allocate(this.#device, bytes) }
  }

  holding(data: TypedArray): { readonly address: number } {
    const { address } = this.room(data.byteLength)
    this.#check(this.#addon.write(this.#device, address, data))
    return { address }
  }

  release({ address }: { readonly address: number }): void {
    this.#check(this.#addon.release(this.#device, address))
  }

  read<T extends TypedArray>(data: T, { address }: { readonly address: number }): T {
    this.#check(this.#addon.read(this.#device, data, address))
    return data
  }

  launch(text: string, name: string, grid: Grid, block: number, params: readonly Word[]): void {
    const addon = this.#addon
    const module = this.#modules.get(text) ?? (addon.load(this.#device, text) as number)
    this.#modules.set(text, module)
    const kernel = this.#functions.get(name) ?? addon.function(this.#device, module, name)
    this.#functions.set(name, kernel)
    const words = new Int32Array(8 + 2 * params.length)
    words.set([kernel, ...grid, block, 0, params.length, 0])
    params.forEach((param, i) => {
      put(words, 8 + 2 * i, typeof param === 'number' ? param : param.address)
    })
    this.#check(addon.submit(this.#device, words, words.length))
    this.#check(addon.synchronize(this.#device))
  }
}
let opened: Bench | undefined
const bench = (): Bench => (opened ??= new Bench())
const nowhere = { address: 0 }

// ---- products ----

const kernels = [
  ['float32', 128, 8],
  ['float32', 64, 16],
  ['float32', 32, 32],
  ['float64', 64, 8],
  ['float64', 32, 16],
  ['int32', 64, 16],
  ['int32', 32, 32],
] as const

/** How a factor lies in memory: neighbours along the sum or along its lines, by vectors, by tables. */
interface Form {
  readonly along: boolean
  readonly vectors: boolean
  readonly lineTable: boolean
  readonly sumTable: boolean
  /** Its first element, where vectors need one that is aligned. */
  readonly shift: number
}
const both = [false, true]
const forms: readonly Form[] = both.flatMap((along) => [
  ...both.flatMap((lineTable) => both.map((sumTable) => ({ along, vectors: false, lineTable, sumTable, shift: 1 }))),
  ...both.map((table) => ({ along, vectors: true, lineTable: along && table, sumTable: !along && table, shift: 0 })),
  { along, vectors: true, lineTable: false, sumTable: false, shift: 1 },
])

/** Offsets of the elements of a class of loops: by a step, or by a table that goes backwards. */
interface Walk {
  readonly at: (i: number) => number
  readonly params: readonly [Word, number]
}
function walk(count: number, step: number, byTable: boolean): Walk {
  if (!byTable) return { at: (i) => i * step, params: [nowhere, step] }
  const table = Int32Array.from({ length: count }, (_, i) => (count - 1 - i) * step)
  return { at: (i) => table[i], params: [bench().holding(table), 0] }
}

interface Factor {
  readonly address: Word
  readonly lines: Walk
  readonly sum: Walk
  readonly batch: Walk
}
/** A factor with the elements of `value` in memory as its form says. */
function factor(
  dtype: DType,
  form: Form,
  [batches, lines, terms]: Grid,
  batchTable: boolean,
  value: (batch: number, line: number, term: number) => number,
): Factor {
  const { along, vectors, lineTable, sumTable, shift } = form
  const width = 16 / dtypeSize[dtype]
  /** Steps of vectors are whole, those of others are odd. */
  const apart = (count: number): number => (vectors ? Math.ceil(count / width) * width : count | 1)
  const inner = apart(along ? terms : lines)
  const sum = walk(terms, along ? 1 : inner, sumTable)
  const row = walk(lines, along ? inner : 1, lineTable)
  const size = apart(inner * (along ? lines : terms))
  const batch = walk(batches, size, batchTable)
  // What lies between the elements spoils every sum.
  const data = newArray(dtype, shift + batches * size).fill(Number.NaN)
  for (let b = 0; b < batches; b++)
    for (let i = 0; i < lines; i++)
      for (let d = 0; d < terms; d++) data[shift + batch.at(b) + row.at(i) + sum.at(d)] = value(b, i, d)
  const { address } = bench().holding(data)
  return { address: { address: address + shift * dtypeSize[dtype] }, lines: row, sum, batch }
}

const small = (seed: number) => (b: number, i: number, d: number) => ((b * 7 + i * 5 + d * 3 + seed) % 11) - 5

/** Lines beyond a whole tile: each of the first eight of a thread is the last one of some. */
const edges = [5, 8, 34, 19, 1, 22, 35, 2, 20, 33, 3, 17, 36, 18]
/** Whole tiles and such with edges: of lines that are no vectors, of vectors, of terms. */
for (const [dtype, side, depth] of kernels)
  it(`product_${dtype}_${side}: every layout of both factors, by steps and tables, with every edge`, () => {
    forms.forEach((form, i) => {
      const other = forms[(i * 5 + 3) % forms.length]
      const [batches, parts] = i % 3 === 0 ? [3, 1] : i % 3 === 1 ? [1, 2] : [1, 1]
      const [m, n] = [side + edges[i % edges.length], side + edges[(i * 3 + 1) % edges.length]]
      const k = 2 * depth + (i % 4 === 3 ? 0 : 3)
      const span = parts === 1 ? k : 2 * depth
      // Products that vanish below 0 add up to 0, not to -0.
      const tiny = i === 11 && dtype !== 'int32' ? { float32: 1e-30, float64: 1e-200 }[dtype] : undefined
      const [x, y] = tiny === undefined ? [small(i), small(i + 4)] : [() => tiny, () => -tiny]
      const a = factor(dtype, form, [batches, m, k], i % 2 === 0, x)
      const b = factor(dtype, other, [batches, n, k], i % 4 < 2, y)
      const { length } = newArray(dtype, 0)
      const result = newArray(dtype, batches * parts * m * n + length)
      const to = bench().room(result.byteLength)
      const turns = batches * parts
      const bits = (of: (x: Form) => boolean): number => (of(form) ? 1 : 0) + (of(other) ? 2 : 0)
      const params = [
        bench().flag,
        a.address,
        b.address,
        to,
        m,
        n,
        k,
        ...[a.lines, a.sum, b.sum, b.lines, a.batch, b.batch].flatMap(({ params }) => params),
        batches,
        parts,
        span,
        bits(({ along }) => along),
        bits(({ vectors }) => vectors),
      ]
      const tiles = Math.ceil(m / side) * Math.ceil(n / side)
      // More blocks than there are products, as a grid of two dimensions has.
      const grid = [tiles, Math.min(2, turns), Math.ceil(turns / 2)] as const
      bench().launch(loadCuda().texts.contract, `product_${dtype}_${side}`, grid, 256, params)
      bench().read(result, to)
      let wrong: unknown
      for (let part = 0; part < parts; part++)
        for (let q = 0; q < batches; q++)
          for (let r = 0; r < m; r++)
            for (let s = 0; s < n; s++) {
              let total = 0
              for (let d = part * span; d < Math.min(k, (part + 1) * span); d++) total += x(q, r, d) * y(q, s, d)
              const found = result[((part * batches + q) * m + r) * n + s]
              const wanted = tiny === undefined ? total : 0
              if (!Object.is(found, wanted)) wrong ??= { part, batch: q, row: r, column: s, found, wanted }
            }
      expect(wrong, JSON.stringify({ form, other })).toBe(undefined)
    })
  })

it('tables of offsets: of one loop to eight', () => {
  const sizes = [2, 3, 1, 2, 3, 2, 2, 3]
  for (let depth = 1; depth <= sizes.length; depth++) {
    const own = sizes.slice(0, depth)
    const steps = own.map((_, i) => (i % 2 === 0 ? 100 - i : -7 * i))
    const count = own.reduce((product, size) => product * size, 1)
    const to = bench().room(4 * count)
    const padded = (list: readonly number[], by: number) => Array.from({ length: 8 }, (_, i) => list[i] ?? by)
    const params = [bench().flag, to, count, depth, ...padded(own, 1), ...padded(steps, 0)]
    bench().launch(loadCuda().texts.contract, 'offsets', [1, 1, 1], 128, params)
    const wanted = Array.from({ length: count }, (_, i) => {
      let [rest, at] = [i, 0]
      for (let l = depth - 1; l >= 0; l--) {
        at += (rest % own[l]) * steps[l]
        rest = Math.floor(rest / own[l])
      }
      return at
    })
    expect([...bench().read(new Int32Array(count), to)], `${depth} loops`).toEqual(wanted)
  }
})

// ---- programs ----

it('moves of programs: by vectors, words and bytes, to places that advance, for so many runs', () => {
  const writer = (): PtxWriter => new PtxWriter(loadCuda().texts.prelude)
  // Of each width more and fewer than threads, from places that are not aligned, and a number of bytes that is not whole.
  const moves = [
    { bytes: 16 * 1500, shift: 0, runs: 2 },
    { bytes: 8 * 301, shift: 8, runs: 2 },
    { bytes: 4 * 301, shift: 4, runs: 2 },
    { bytes: 301, shift: 1, runs: 2 },
    { bytes: 64, shift: 0, runs: 1 },
    { bytes: 24, shift: 8, runs: 1 },
    { bytes: 20, shift: 4, runs: 1 },
    { bytes: 7, shift: 1, runs: 1 },
  ].map((move) => ({
    ...move,
    data: Uint8Array.from({ length: move.bytes }, (_, i) => (i * 31 + move.bytes) % 251),
    to: bench().room(2 * move.bytes + 16),
  }))
  const table = new BigInt64Array(1 + 6 * moves.length)
  moves.forEach(({ bytes, shift, runs, data, to }, i) => {
    const words = [bench().holding(data).address, 0, to.address + shift, bytes, bytes, runs]
    table.set(words.map(BigInt), 1 + 6 * i)
  })
  const at = bench().holding(new Int32Array(table.buffer))
  const sizes = moves.map(({ bytes }) => bytes)
  const launches = [...planMoves(writer(), at.address, 0, sizes), planCount(writer(), at.address)]
  for (let run = 0; run < 2; run++)
    for (const { kernel, grid, block, params } of launches) {
      const words = params.map((param): Word => {
        if (param.is === 'flag') return bench().flag
        const { is, value } = param as { is: 'int' | 'long'; value: number }
        return is === 'int' ? value : { address: value }
      })
      bench().launch(kernel.text, kernel.name, grid, block, words)
    }
  expect([...bench().read(new Int32Array(2), at)]).toEqual([2, 0])
  for (const { bytes, shift, runs, data, to } of moves) {
    const found = bench().read(new Uint8Array(runs * bytes), { address: to.address + shift })
    expect([...found]).toEqual(Array.from({ length: runs }, () => [...data]).flat())
  }
})

it('after a failure no kernel of the library does anything', () => {
  const { contract, sort } = loadCuda().texts
  const failed = bench().holding(Int32Array.of(1, 0))
  for (const text of [contract, sort])
    for (const [, name, params] of text.matchAll(/\.entry (\w+)\(([^)]*)\)/g)) {
      // Any access but that to the record would be one to nobody's memory.
      const count = params.split(',').length
      bench().launch(text, name, [1, 1, 1], 32, [failed, ...Array.from({ length: count - 1 }, () => nowhere)])
    }
})
