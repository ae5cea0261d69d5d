// Damaged files: the readers of pictures and of IDX files return what the header says, or throw an error that names the
// file. FUZZ=1000000 FUZZ_SEED=7 tries more of them, and says what happened and what it took.
import { readFileSync } from 'node:fs'
import { crc32, gzipSync } from 'node:zlib'
import { RuntimeError } from '@flambeau/core'
import { encode } from 'fast-png'
import { expect, it } from 'vitest'
import 'flambeau'
import { datasets, io } from '../src/index.ts'

const asked = process.env.FUZZ
const COUNT = Number(asked ?? 20_000)
let seed = Number(process.env.FUZZ_SEED ?? 1)
const random = (n: number): number => {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
  return Math.floor((seed / 2 ** 32) * n)
}
const pick = <T>(list: readonly T[]): T => list[random(list.length)]

// ---- damages ----

type Damage = (bytes: Uint8Array) => Uint8Array
const changed = (change: (bytes: Uint8Array, view: DataView) => void): Damage => {
  return (bytes) => {
    const result = bytes.slice()
    if (result.length >= 8) change(result, new DataView(result.buffer))
    return result
  }
}
/** Sizes that would be absurd, or that overflow. */
const absurd = [0, 1, 255, 256, 60_000, 65_535, 2 ** 16, 2 ** 28, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1]
/** Headers are at the beginning, so half of the places are. */
const place = (bytes: Uint8Array, size = 1): number => {
  const most = Math.max(1, bytes.length - size + 1)
  return random(random(2) === 0 ? Math.min(most, 64) : most)
}
const damages: readonly Damage[] = [
  (bytes) => bytes.slice(0, random(bytes.length)),
  (bytes) => bytes.slice(random(bytes.length)),
  changed((bytes) => void (bytes[place(bytes)] ^= 1 << random(8))),
  changed((bytes) => void (bytes[place(bytes)] = random(256))),
  changed((bytes, view) => view.setUint32(place(bytes, 4), pick(absurd))),
  changed((bytes, view) => view.setUint16(place(bytes, 2), pick(absurd))),
  changed((bytes) => void bytes.copyWithin(place(bytes), place(bytes), place(bytes))),
  // A stretch twice: chunks, scans, headers.
  (bytes) => {
    const [from, to] = [place(bytes), place(bytes)].sort((a, b) => a - b)
    return new Uint8Array(Buffer.concat([bytes.subarray(0, to), bytes.subarray(from)]))
  },
  () => Uint8Array.from({ length: random(60) }, () => random(256)),
]

/** The checksums of the chunks of a PNG as they should be, so that damages reach what is behind them. */
const mended = changed((bytes, view) => {
  for (let at = 8; at + 12 <= bytes.length; ) {
    const end = at + 12 + view.getUint32(at)
    if (end > bytes.length) return
    view.setUint32(end - 4, crc32(bytes.subarray(at + 4, end - 4)))
    at = end
  }
})
/** A damaged file, which mostly still begins as files of its kind do. */
const damaged = (bytes: Uint8Array): Uint8Array => {
  let result = bytes
  for (let n = random(3); n >= 0; n--) result = pick(damages)(result)
  const begin = bytes.subarray(0, bytes[0] === 0 ? 2 : 8)
  if (random(8) > 0 && result.length > begin.length) result.set(begin)
  return random(2) === 0 && result[0] === 137 ? mended(result) : result
}

// ---- files ----

const golden = JSON.parse(readFileSync(new URL('golden/images.json', import.meta.url), 'utf8')) as Record<
  'pngs' | 'jpegs',
  { file: string }[]
>
const data = Uint8Array.from({ length: 9 * 7 * 3 }, (_, i) => (i * 37) % 256)
const pictures = [
  ...[...golden.pngs, ...golden.jpegs].map(({ file }) => new Uint8Array(Buffer.from(file, 'base64'))),
  encode({ width: 9, height: 7, channels: 3, data }, { interlace: 'Adam7' }),
]
const idx = (type: number, sizes: readonly number[], bytes: number): Uint8Array =>
  Uint8Array.from([
    ...[0, 0, type, sizes.length],
    ...sizes.flatMap((size) => [size >>> 24, (size >> 16) & 255, (size >> 8) & 255, size & 255]),
    ...Array.from({ length: bytes }, (_, i) => (i * 29) % 10),
  ])
const tables = [idx(8, [3, 2, 4], 24), idx(8, [3], 3), idx(9, [2, 2], 4), idx(13, [2], 8), idx(14, [2, 1, 1], 16)]
const cifar = new Uint8Array(2 * 3073)

// ---- readers ----

interface Reader {
  readonly share: number
  readonly name: string
  input(): Uint8Array
  read(bytes: Uint8Array): void
}
const table = (): Uint8Array => {
  const packed = random(3)
  if (packed === 0) return damaged(gzipSync(pick(tables)))
  return packed === 1 ? gzipSync(damaged(pick(tables))) : damaged(pick(tables))
}
const readers: readonly Reader[] = [
  {
    share: 0.3,
    name: 'some.png',
    input: () => damaged(pick(pictures)),
    read(bytes) {
      const image = io.imageFrom(bytes, { file: 'some.png' })
      expect(image.data.length).toBe(image.width * image.height * image.channels)
    },
  },
  {
    share: 0.5,
    name: 'some-idx',
    input: table,
    read: (bytes) => void io.decodeIdx(bytes, 'some-idx'),
  },
  {
    share: 0.15,
    name: 'MNIST/raw/t10k-',
    input: table,
    read(bytes) {
      const labels = idx(8, [3], 3)
      const [a, b] = random(2) === 0 ? [bytes, labels] : [tables[0], bytes]
      const files = { 'MNIST/raw/t10k-images-idx3-ubyte': a, 'MNIST/raw/t10k-labels-idx1-ubyte': b }
      const set = new datasets.MNIST(files, false)
      expect(set.at(set.length - 1)[0].data.length).toBeGreaterThan(0)
    },
  },
  {
    share: 0.05,
    name: 'cifar-10-batches-bin/test_batch.bin',
    input: () => damaged(cifar),
    read(bytes) {
      const set = new datasets.CIFAR10({ 'cifar-10-batches-bin/test_batch.bin': bytes }, false)
      expect(set.at(0)[0].size).toEqual([32, 32])
    },
  },
]

it(`survive: ${COUNT} damaged files`, { timeout: 0 }, () => {
  const started = process.memoryUsage().arrayBuffers
  for (const { share, name, input, read } of readers) {
    let [refused, slowest, most] = [0, 0, 0]
    let last = new Uint8Array()
    const messages = new Map<string, number>()
    for (let k = Math.round(share * COUNT); k > 0; k--) {
      last = input() as Uint8Array<ArrayBuffer>
      const begun = performance.now()
      try {
        read(last)
      } catch (error) {
        const isOurs = error instanceof RuntimeError && error.message.startsWith(name)
        if (!isOurs) throw new Error(`${name}: ${Buffer.from(last).toString('base64')}`, { cause: error })
        refused++
        const text = error.message
          .slice(name.length)
          .replace(/bytes .*|[0-9a-f]*\d[0-9a-f]*/g, '#')
          .slice(0, 60)
        if (asked !== undefined) messages.set(text, (messages.get(text) ?? 0) + 1)
      }
      slowest = Math.max(slowest, performance.now() - begun)
      if (k % 64 === 0) most = Math.max(most, process.memoryUsage().arrayBuffers - started)
    }
    expect(refused).toBeGreaterThan(share * COUNT * 0.5)
    if (asked === undefined) continue
    const sorted = [...messages].sort((a, b) => b[1] - a[1])
    console.log(name, { inputs: Math.round(share * COUNT), refused, slowest, most })
    for (const [text, count] of sorted.slice(0, 15)) console.log(count, JSON.stringify(text))
  }
  if (asked !== undefined) console.log(`most memory of the process: ${process.resourceUsage().maxRSS >> 10} MB`)
})
