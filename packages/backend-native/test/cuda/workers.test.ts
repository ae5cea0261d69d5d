// Workers on one device at the same time, each with a stream of its own: each trains as it does alone.
// FLAMBEAU_CUDA_WORKERS=8 starts as many.
import { Worker } from 'node:worker_threads'
import { expect } from 'vitest'
import { testWith } from '../../../../tools/test/machine.ts'
import { bundledWorker } from '../bundled-worker.ts'
import { cudaMissing } from './driver.ts'

const count = Number(process.env.FLAMBEAU_CUDA_WORKERS ?? 2)

testWith('native', cudaMissing, `${count} workers train at the same time as each does alone`, async () => {
  const program = await bundledWorker(new URL('worker.ts', import.meta.url), 'cuda-worker')
  const train = (workerData: number) =>
    new Promise<number[]>((resolve, reject) => {
      const worker = new Worker(program, { workerData })
      worker.once('message', resolve)
      worker.once('error', reject)
    })
  const numbers = Array.from({ length: count }, (_, i) => i + 1)
  const together = await Promise.all(numbers.map(train))
  const alone: number[][] = []
  for (const i of numbers) alone.push(await train(i))
  expect(together).toEqual(alone)
  expect(new Set(together.map(([first]) => first)).size).toBe(count)
  for (const [first, second, last] of together) expect(last < second && second < first).toBe(true)
})
