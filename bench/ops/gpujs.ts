// gpu.js's modes: counts of what a training step asks of one, and the cost of an operation on resident tensors beside a
// bare call of a gpu.js kernel with the same source.
import { createRequire } from 'node:module'
import { type Gpujs, gpujs } from '@flambeau/backend-gpujs'
import { compile, noGrad, tensor, useDevice } from 'flambeau'
import { measure, type Sample, timed } from '../src/harness.ts'
import { report, type Row } from '../src/report.ts'
import { gpujsModes } from '../src/subjects.ts'
import { workloadNamed } from '../workloads/index.ts'

type Mode = (typeof gpujsModes)[number]
const require = createRequire(import.meta.url)

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0)

/** Kernel calls per step, and how often anything else was done in ten steps. */
async function counted(device: Gpujs, name: string, compiled: boolean): Promise<Row[]> {
  const workload = workloadNamed(name)
  const { step: train } = await workload.program(await workload.inputs())
  const step = compiled ? compile(train) : train
  for (let i = 0; i < 20; i++) step()
  const steps = 10
  const before = device.report()
  for (let i = 0; i < steps; i++) step()
  const after = device.report()
  const others = ['compilations', 'uploads', 'readbacks', 'spills'] as const
  const made = others.map((what) => after[what] - before[what])
  const what = `\`${name}\`, ${compiled ? 'compiled' : 'eager'}, ${before.mode}`
  return [
    { what: `${what}: kernels called in a step`, value: (after.calls - before.calls) / steps, unit: 'calls' },
    {
      what: `${what}: other work in ${steps} steps`,
      value: sum(made),
      unit: 'times',
      atMost: 0,
      note: others.map((other, i) => `${made[i]} ${other}`).join(', '),
    },
  ]
}

type Values = Float32Array | { toArray(): Float32Array; delete(): void }
interface Gpu {
  createKernel(source: string, settings: object): (...args: readonly Values[]) => Values
  destroy(): void
}

/** Only gpu.js. It does not know WebGL in Node, which is a canvas. */
function bare(mode: Mode): Gpu {
  if (mode === 'webgl2') {
    const createGl = require('gl')
    const canvas = class {
      width = 2
      height = 2
      readonly #gl = createGl(2, 2, { createWebGL2Context: true, preserveDrawingBuffer: true })
      getContext = (kind: string): unknown => (kind === 'webgl2' ? this.#gl : null)
    }
    Object.assign(globalThis, { WebGL2RenderingContext: createGl.WebGL2RenderingContext, OffscreenCanvas: canvas })
  }
  const { GPU } = require('gpu.js')
  return new GPU({ mode }) as Gpu
}

const free = (x: Values): void => {
  if (!(x instanceof Float32Array)) x.delete()
}
const read = (x: Values): Float32Array => (x instanceof Float32Array ? x : x.toArray())

async function overhead(mode: Mode, size: number): Promise<Row> {
  const numbers = Float32Array.from({ length: size }, (_, i) => (i % 7) / 7)
  const [x, y] = [tensor(numbers), tensor(numbers)]
  const gpu = bare(mode)
  const settings = { output: [size], precision: 'single', pipeline: true, immutable: true }
  const source = (text: string, type: string) => gpu.createKernel(text, { ...settings, argumentTypes: [type, type] })
  const up = gpu.createKernel('function (t0) { return t0[this.thread.x]; }', { ...settings, argumentTypes: ['Array'] })
  const [a, b] = [up(numbers), up(numbers)]
  const times = source(
    'function (t0, t1) { return t0[this.thread.x] * t1[this.thread.x]; }',
    mode === 'webgl2' ? 'ArrayTexture(1)' : 'Array',
  )
  // Both free each result at once and read at the end of a sample, because a GPU may do its work later.
  const subjects: Record<'flambeau' | 'gpu.js', Sample> = {
    flambeau: timed((n) =>
      noGrad(() => {
        for (let i = 1; i < n; i++) x.mul(y).dispose()
        const out = x.mul(y)
        const elements = out.toArray()
        out.dispose()
        return elements
      }),
    ),
    'gpu.js': timed((n) => {
      let out: Values | undefined
      for (let i = 0; i < n; i++) {
        if (out !== undefined) free(out)
        out = times(a, b)
      }
      const values = read(out as Values)
      free(out as Values)
      return values
    }),
  }
  const measured = await measure(subjects, { rounds: 31, sampleMs: 20, warmupMs: 300 })
  gpu.destroy()
  const { median, p10, p90 } = measured.ratio('flambeau', 'gpu.js')
  const us = (name: 'flambeau' | 'gpu.js'): string => (measured.statistics(name).median / 1000).toFixed(1)
  return {
    what: `x.mul(y), ${size.toLocaleString('en')} elements, ${mode}, beside a bare call`,
    value: median,
    unit: '×',
    atMost: 1.3,
    note: `${p10.toFixed(2)} to ${p90.toFixed(2)}; ${us('flambeau')} and ${us('gpu.js')} µs`,
  }
}

const rows: Row[] = []
const remarks: string[] = []
for (const mode of gpujsModes) {
  try {
    const device = await gpujs({ mode })
    useDevice(device)
    for (const name of ['boston', 'breast-cancer', 'boston-mlp', 'mlp']) {
      for (const compiled of [false, true]) rows.push(...(await counted(device, name, compiled)))
    }
    for (const size of [1000, 100_000]) rows.push(await overhead(mode, size))
  } catch (error) {
    remarks.push(`gpujs ${mode} is absent: ${(error as Error).message.replace('\n', ' ')}`)
  }
}
report(rows, remarks)
