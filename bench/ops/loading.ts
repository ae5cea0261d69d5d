// What loading costs beside a training step: MNIST's images through ToTensor, Normalize and a DataLoader, and JPEG files
// through ImageFolder, beside the decoder alone; with a worker, how long a step waits for its batch. Images are counted
// by processor time, which other programs on the machine don't change.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DataLoader } from '@flambeau/data'
import { mnist } from '@flambeau/data-mnist'
import { datasets, io, transforms } from '@flambeau/vision'
import { setDevice } from 'flambeau'
import { report, type Row } from '../src/report.ts'

const { Compose, Lambda, Normalize, ToTensor } = transforms

const seconds = (): number => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

/** Images a second, of the fastest of some passes. */
function rate(passes: number, pass: () => number): number {
  let best = 0
  for (let k = 0; k < passes; k++) {
    const start = seconds()
    const images = pass()
    best = Math.max(best, images / (seconds() - start))
  }
  return best
}

const rows: Row[] = []
const steps = [new ToTensor(), new Normalize([0.1307], [0.3081])]
const digits = await mnist({ transform: new Compose(steps) })
// A function keeps a loader from transforming a batch at once.
const each = await mnist({ transform: new Compose([...steps, new Lambda((x) => x)]) })
const absent: string[] = []
for (const name of ['js', 'native'] as const) {
  try {
    await setDevice(name)
  } catch (error) {
    absent.push(`${name} is absent: ${(error as Error).message}`)
    continue
  }
  const pass = (set: typeof digits | typeof each, size: number) => () => {
    let images = 0
    for (const [x] of new DataLoader(set, { batchSize: size, shuffle: true })) images += x.shape[0]
    return images
  }
  const what = `images of 28 x 28 a second through ToTensor, Normalize and a DataLoader, batches of 64, ${name}`
  const alone = rate(4, pass(each as never, 64))
  const note = `${Math.round(alone / 1000)} thousand where each is transformed alone`
  rows.push({ what, value: rate(12, pass(digits, 64)) / 1000, unit: 'thousand', note, atLeast: 100 })
}

const vision = createRequire(fileURLToPath(import.meta.resolve('@flambeau/vision')))
const decoder = vision('jpeg-js') as { decode(bytes: Uint8Array, options: object): { width: number } }
const [side, count] = [224, 64]
const folder = mkdtempSync(join(tmpdir(), 'flambeau-loading-'))
try {
  const files = Array.from({ length: count }, (_, i) => {
    const wave = (k: number) => 128 + 60 * Math.sin(k / (900 + 10 * i)) + 60 * Math.cos(k / 37)
    const pixels = Uint8Array.from({ length: side * side * 3 }, (_, k) => wave(k))
    return io.encodeJpeg(new io.Image(side, side, 'RGB', pixels), { quality: 90 })
  })
  mkdirSync(join(folder, 'class'))
  for (const [i, bytes] of files.entries()) writeFileSync(join(folder, 'class', `${i}.jpg`), bytes)
  const set = new datasets.ImageFolder(folder, { transform: new ToTensor() })
  const loaded = (numWorkers: number) =>
    new DataLoader(set, { batchSize: 8, ...(numWorkers > 0 ? { numWorkers } : {}) })
  const options = { useTArray: true, formatAsRGBA: false, tolerantDecoding: false }
  const bare = rate(6, () => files.reduce((images, bytes) => images + +(decoder.decode(bytes, options).width > 0), 0))
  const read = rate(6, () => files.reduce((images, bytes) => images + +(io.imageFrom(bytes).width > 0), 0))
  const all = rate(6, () => [...loaded(0)].length * 8)
  rows.push({
    what: `JPEG files of ${side} x ${side} decoded, beside the decoder alone`,
    value: read / bare,
    unit: 'x',
    note: `${bare.toFixed(0)} a second alone, ${read.toFixed(0)} by io.imageFrom, ${all.toFixed(0)} by ImageFolder, ToTensor and a DataLoader`,
    atLeast: 0.9,
  })
  // A step that takes as long as its batch takes to decode.
  const step = (8 / bare) * 1000
  const waits = async (numWorkers: number): Promise<number> => {
    let waited = 0
    let since = performance.now()
    let batches = 0
    for await (const _ of loaded(numWorkers)) {
      // The first batch has nothing to be ahead of.
      if (batches++ > 0) waited += performance.now() - since
      for (const end = performance.now() + step; performance.now() < end; );
      // Threads answer between turns.
      await new Promise((done) => setImmediate(done))
      since = performance.now()
    }
    return waited / (batches - 1)
  }
  const without = await waits(0)
  await waits(2)
  const ahead = Math.min(await waits(2), await waits(2), await waits(2))
  rows.push({
    what: `a step of ${step.toFixed(0)} ms waits for a batch of 8 JPEG files, 2 workers`,
    value: ahead,
    unit: 'ms',
    note: `${without.toFixed(1)} ms without workers`,
    atMost: 0.5 * without,
  })
} finally {
  rmSync(folder, { recursive: true })
}
report(rows, absent)
