// The shipped images for tests, read as texts: importing modules of megabytes would take a test runner seconds.
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { datasets } from '@flambeau/vision'
import type { Images, ImageSet } from '../src/lesson.ts'

const folder = new URL('../../packages/data-mnist/src/sets/', import.meta.url)
const prefix = { MNIST: 'mnist', FashionMNIST: 'fashion' } as const

const read = (name: string): Uint8Array => {
  const text = /`([^`]*)`/.exec(readFileSync(new URL(name, folder), 'utf8'))?.[1] ?? ''
  return gunzipSync(Buffer.from(text, 'base64'))
}

/** The first samples of an IDX file. */
const cut = (bytes: Uint8Array, count: number): Uint8Array => {
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  const rank = bytes[3]
  const size = Array.from({ length: rank - 1 }, (_, i) => view.getUint32(8 + 4 * i)).reduce((a, b) => a * b, 1)
  const few = bytes.slice(0, 4 + 4 * rank + count * size)
  new DataView(few.buffer).setUint32(4, count)
  return few
}

/** A data set, or the first samples of both of its parts. */
export const imagesOf = (set: ImageSet, count?: Count): Images => {
  if (count !== undefined) return make(set, count)
  whole[set] ??= make(set)
  return whole[set]
}

interface Count {
  readonly train: number
  readonly test: number
}
const whole: Partial<Record<ImageSet, Images>> = {}

const make = (set: ImageSet, count?: Count): Images => {
  const root: Record<string, Uint8Array> = {}
  for (const [part, own] of [
    ['train', 'train'],
    ['t10k', 'test'],
  ] as const) {
    for (const kind of ['images', 'labels'] as const) {
      const bytes = read(`${prefix[set]}-${own}-${kind}.gz.ts`)
      const file = `${set}/raw/${part}-${kind}-idx${kind === 'images' ? 3 : 1}-ubyte`
      root[file] = count === undefined ? bytes : cut(bytes, count[own])
    }
  }
  return { dataset: datasets[set] as Images['dataset'], root }
}
