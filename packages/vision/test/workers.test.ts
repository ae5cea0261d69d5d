// Pictures that threads read and decode ahead of a loader.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { manualSeed, rand, RuntimeError } from '@flambeau/core'
import { DataLoader, Subset } from '@flambeau/data'
import { build } from 'esbuild'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import 'flambeau'
import { datasets, io, transforms as T } from '../src/index.ts'
import { setScript } from '../src/io/pool-node.ts'

let folder = ''
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'flambeau-workers-'))
  for (let i = 0; i < 12; i++) {
    const path = join(folder, 'pictures', i % 2 === 0 ? 'a' : 'b')
    mkdirSync(path, { recursive: true })
    const data = Uint8Array.from({ length: 6 * 5 * 3 }, (_, k) => (k * 7 + i * 20) % 256)
    writeFileSync(join(path, `${i}.png`), io.encodePng(new io.Image(6, 5, 'RGB', data)))
  }
  // Threads run JavaScript, so the sources of their program are bundled.
  const outfile = join(folder, 'worker.mjs')
  await build({
    entryPoints: [fileURLToPath(new URL('../src/io/decode-worker-node.ts', import.meta.url))],
    bundle: true,
    outfile,
    format: 'esm',
    platform: 'node',
    conditions: ['@flambeau/source'],
    logLevel: 'silent',
  })
  setScript(pathToFileURL(outfile))
})
afterAll(() => rmSync(folder, { recursive: true }))

const set = (more: object = {}) =>
  new datasets.ImageFolder(join(folder, 'pictures'), {
    transform: new T.Compose([new T.RandomHorizontalFlip(), new T.RandomCrop(4), new T.ToTensor()]),
    ...more,
  })
const options = { batchSize: 5, shuffle: true }
type Batches = { toNested(): unknown }[][]
const values = (batches: unknown) => (batches as Batches).map((batch) => batch.map((x) => x.toNested()))
const ahead = async (loader: AsyncIterable<unknown>): Promise<unknown[]> => {
  const batches: unknown[] = []
  for await (const batch of loader) batches.push(batch)
  return batches
}

it('gives the batches of a loader without workers, with the same random transforms', async () => {
  manualSeed(1)
  const plain = values([...new DataLoader(set(), options)])
  const after = rand(1).item()
  for (const numWorkers of [1, 2]) {
    manualSeed(1)
    expect(values(await ahead(new DataLoader(set(), { ...options, numWorkers })))).toEqual(plain)
    expect(rand(1).item()).toBe(after)
  }
})

it('says which file and which sample cannot be read, and goes on with others', async () => {
  const path = join(folder, 'pictures', 'b', 'broken.png')
  writeFileSync(path, 'GIF89a')
  const pictures = set()
  const place = pictures.samples.findIndex(([file]) => file === 'b/broken.png')
  const loader = new DataLoader(pictures, { batchSize: 1, sampler: [0, place, 1], numWorkers: 2 })
  const error = await ahead(loader).then(
    () => undefined,
    (e: unknown) => e as Error,
  )
  rmSync(path)
  expect(error).toBeInstanceOf(RuntimeError)
  expect(error?.message).toBe(
    `${path}: cannot identify image file\nPNG and JPEG are read. This looks like a GIF: convert it first.\nThis happened at sample ${place} of the dataset.`,
  )
  const small = new DataLoader(set({ transform: new T.RandomCrop(9) }), { sampler: [3], numWorkers: 1 })
  const crop = /larger than input image size.*\n.*\nThis happened at sample 3 of the dataset, .*pictures\/a\/4\.png\.$/
  await expect(ahead(small)).rejects.toThrow(crop)
  const gone = ahead(new DataLoader(new Subset(pictures, [place]), { numWorkers: 1 }))
  await expect(gone).rejects.toThrow(`No such file or directory: '${path}'\nIt is gone since.`)
})

it('reads files with a loader of one’s own, and files in memory, without threads', () => {
  expect(set().prefetch).toBeDefined()
  expect(set({ loader: () => new io.Image(6, 5, 'RGB') }).prefetch).toBeUndefined()
  expect(new datasets.ImageFolder({ 'a/1.png': io.encodePng(new io.Image(1, 1, 'L')) }).prefetch).toBeUndefined()
  class Own extends datasets.ImageFolder {
    override at(index: number): ReturnType<datasets.ImageFolder['at']> {
      return super.at(this.length - 1 - index)
    }
  }
  expect(new Own(join(folder, 'pictures')).prefetch).toBeUndefined()
})

it('decodes here, and says so once, where threads cannot start', async () => {
  vi.resetModules()
  const warn = vi.spyOn(console, 'warn').mockReturnValue()
  const { decodeAhead, setScript: setOther } = await import('../src/io/pool-node.ts')
  setOther(pathToFileURL(join(folder, 'none.mjs')))
  const path = join(folder, 'pictures', 'a', '0.png')
  const images = await Promise.all([decodeAhead(path, 'RGB', 2), decodeAhead(path, 'L', 2)])
  expect([...images, await decodeAhead(path, 'RGBA', 2)].map(({ mode }) => mode)).toEqual(['RGB', 'L', 'RGBA'])
  await expect(decodeAhead(join(folder, 'none.png'), 'L', 2)).rejects.toThrow('none.png')
  expect(warn).toHaveBeenCalledOnce()
  expect(warn.mock.calls[0][0]).toContain('pictures are decoded without threads, which cannot start')
})
