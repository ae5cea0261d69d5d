// Steps that ask the tools and libraries of a machine with a GPU: compute-sanitizer, cuBLAS, PyTorch.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randn, scope, useDevice } from '@flambeau/core'
import { gpuRows } from '../../../../../bench/src/cuda.ts'
import { markdown, passes } from '../../../../../bench/src/report.ts'
import { openCuda } from '../../../src/cuda/index.ts'
import type { Step } from './step.ts'

export const sanitizer: Step = {
  name: 'sanitizer',
  about: "NVIDIA's compute-sanitizer over a few kernels",
  limit: 120,
  async run(setting) {
    if (spawnSync('compute-sanitizer', ['--version']).status !== 0)
      return { lines: [], faults: [], skipped: 'compute-sanitizer is not on the path' }
    const faults: string[] = []
    const lines: string[] = []
    const folder = mkdtempSync(join(tmpdir(), 'flambeau-sanitizer-'))
    try {
      for (const tool of ['memcheck', 'racecheck', 'initcheck', 'synccheck']) {
        const small = JSON.stringify({ ...setting, scale: Math.min(setting.scale, 0.02) })
        const args = ['--tool', tool, '--error-exitcode', '9', process.execPath, setting.program]
        const { status, stdout, error } = spawnSync(
          'compute-sanitizer',
          [...args, '--compute', join(folder, tool), '--setting', small],
          // Tensors share allocations otherwise, and what lies beyond one is another.
          {
            encoding: 'utf8',
            timeout: 1000 * Math.max(1, setting.seconds / 4 - 2),
            env: { ...process.env, FLAMBEAU_CUDA_CACHING: '0' },
          },
        )
        const summary = stdout
          ?.split('\n')
          .filter((line) => line.includes('SUMMARY'))
          .at(-1)
        // It is slow, and what it has not come to is no fault.
        const isLate = (error as NodeJS.ErrnoException | undefined)?.code === 'ETIMEDOUT'
        lines.push(`${tool}: ${isLate ? 'not done in its time' : (summary ?? 'no summary').replace(/=+/g, '').trim()}`)
        if (!isLate && (status !== 0 || summary === undefined))
          faults.push(`${tool} ended with ${status}: ${summary ?? 'no summary'}`)
      }
    } finally {
      rmSync(folder, { recursive: true })
    }
    return { lines, faults }
  },
}

/** Products of many shapes, own and by cuBLAS. */
export const products: Step = {
  name: 'products',
  about: 'own products beside cuBLAS',
  limit: 60,
  async run(setting) {
    const backend = openCuda(0)
    useDevice(backend)
    const quick = setting.interpreted || setting.scale < 1
    const full: [batch: number, m: number, k: number, n: number][] = [
      ...[256, 512, 1024, 2048, 4096, 8192].map((n): [number, number, number, number] => [1, n, n, n]),
      [1, 64, 784, 256],
      [1, 128, 4096, 32_000],
      [64, 128, 64, 128],
      [1, 32, 65_536, 32],
      [1, 1, 4096, 4096],
      [1, 4096, 4096, 1],
    ]
    const shapes = quick ? full.map((shape) => shape.map((size) => Math.min(size, 24))) : full
    const timed = (): number[] =>
      shapes.map(([batch, m, k, n]) =>
        scope(() => {
          // A row again and again: numbers are drawn by the host.
          const [a, b] = [randn(k).expand(batch, m, k), randn(n).expand(batch, k, n)].map((x) => x.contiguous())
          const { clock } = backend.gpu
          const run = (count: number): number => {
            const from = clock.mark()
            for (let i = 0; i < count; i++) scope(() => void a.matmul(b))
            const took = clock.between(from, clock.mark())
            clock.reset()
            return took / count
          }
          run(2)
          return quick ? run(1) : Math.min(run(5), run(20), run(20))
        }),
      )
    const own = timed()
    try {
      backend.useBlas(setting.blas)
    } catch (error) {
      const rows = shapes.map((shape, i) => `${shape.join(' x ')}: ${own[i].toFixed(1)} µs`)
      return { lines: rows, faults: [], skipped: `cuBLAS: ${(error as Error).message.split('\n')[0]}` }
    }
    const theirs = timed()
    const lines = shapes.map(
      ([batch, m, k, n], i) =>
        `${batch} of ${m} x ${k} x ${n}: own ${own[i].toFixed(1)} µs, cuBLAS ${theirs[i].toFixed(1)} µs, ${(theirs[i] / own[i]).toFixed(2)} of its speed`,
    )
    return { lines, faults: [], data: { shapes, own, theirs } }
  },
}

export const bench: Step = {
  name: 'bench',
  about: 'the bench of GPUs, beside PyTorch where it is',
  limit: 120,
  async run({ blas, script, scale, interpreted }) {
    const { rows, remarks } = await gpuRows({ blas, script, quick: interpreted || scale < 1 })
    // A missed target is a figure to work on, not a fault of the backend.
    const missed = rows.filter((row) => passes(row) === false).length
    return {
      lines: [...remarks, `${missed} targets missed`, '', ...markdown(rows).split('\n')],
      faults: [],
      data: { rows, remarks },
    }
  },
}
