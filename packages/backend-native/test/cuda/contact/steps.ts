// The steps of the first contact with a GPU, in order.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { js } from '@flambeau/backend-js'
import {
  cuda,
  empty,
  F,
  manualSeed,
  nn,
  noGrad,
  ones,
  optim,
  rand,
  randn,
  scope,
  type Tensor,
  tensor,
  useDevice,
} from '@flambeau/core'
import { CheckedBackend } from '@flambeau/core/backend'
import { models } from '@flambeau/vision'
import { boston } from '../../../../../examples/src/boston/index.ts'
import { breastCancer } from '../../../../../examples/src/breast-cancer/index.ts'
import type { Text } from '../../../../../examples/src/lesson.ts'
import { cellsOf } from '../../../../backend-conformance/src/cells.ts'
import { openCuda } from '../../../src/cuda/index.ts'
import { watched } from './device.ts'
import { bench, products, sanitizer } from './figures.ts'
import { differential } from './numbers.ts'
import { aside, few, scaled, type Setting, type Share, type Step } from './step.ts'

const onGpu = (): void => void useDevice(openCuda(0))
const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`

/** A training step of a small model, without an await and with its results dropped. */
function training(): { readonly step: () => Tensor; readonly weights: () => number[] } {
  manualSeed(7)
  const model = new nn.Sequential(new nn.Linear(30, 16), new nn.Tanh(), new nn.Linear(16, 1))
  const optimizer = new optim.SGD(model.parameters(), { lr: 1e-2, momentum: 0.9 })
  const x = randn(64, 30)
  const y = x.select(1, 0).gt(0).float().view(-1, 1)
  return {
    step: () => {
      const loss = F.binaryCrossEntropyWithLogits(model.forward(x), y)
      optimizer.zeroGrad()
      loss.backward()
      optimizer.step()
      return loss
    },
    weights: () => [...model.parameters()].flatMap((p) => [...p.detach().toArray()]),
  }
}

const driver: Step = {
  name: 'driver',
  about: 'the driver, the device, and the cache of compiled kernels',
  limit: 60,
  async run(setting) {
    const cache = mkdtempSync(join(tmpdir(), 'flambeau-cache-'))
    try {
      const load = (): number => {
        const args = [setting.program, '--load', '-', '--setting', JSON.stringify(setting)]
        const env = { ...process.env, CUDA_CACHE_PATH: cache, CUDA_CACHE_DISABLE: '0' }
        return Number(execFileSync(process.execPath, args, { env, encoding: 'utf8' }).trim().split('\n').at(-1))
      }
      const { name, major, minor, bytes, multiprocessors, driver: version } = openCuda(0).report()
      const [cold, warm] = [load(), load()]
      const kept = readdirSync(cache, { recursive: true }).length
      return {
        lines: [
          `${name}, compute capability ${major}.${minor}, ${mib(bytes)}, ${multiprocessors} multiprocessors; driver for CUDA ${Math.floor(version / 1000)}.${(version % 1000) / 10}`,
          `${openCuda(0).gpu.all.length} devices of this kind; Node ${process.versions.node}, ${availableParallelism()} processors`,
          `texts and kernels of a training step: ${cold.toFixed(0)} ms cold, ${warm.toFixed(0)} ms with the cache, which holds ${kept} files`,
        ],
        faults: [],
        data: { name, major, minor, bytes, multiprocessors, version, cold, warm, kept },
      }
    } finally {
      rmSync(cache, { recursive: true })
    }
  },
}

/** Milliseconds to compile everything that a training step needs. */
export function load(): number {
  const { backend, loads } = watched()
  useDevice(backend)
  training().step().item()
  return loads.reduce((sum, { milliseconds }) => sum + milliseconds, 0)
}

/** What a share of the conformance suite found. */
interface Cells {
  readonly run: number
  readonly all: number
  readonly faults: readonly string[]
}

/** Runs a share of the conformance suite while there is time, and writes what it found. */
export async function runCells(file: string, setting: Setting, { part, of }: Share): Promise<void> {
  const backend = new CheckedBackend(openCuda(0))
  useDevice(backend)
  const every = Math.max(1, Math.round(1 / setting.scale))
  const cells = cellsOf(backend).filter((_, i) => i % every === 0 && (i / every) % of === part)
  const faults: string[] = []
  const until = Date.now() + 1000 * (setting.seconds - 10)
  let run = 0
  for (const { name, run: test } of cells) {
    if (Date.now() > until) {
      faults.push(`only ${run} of ${cells.length} cells were run in the time`)
      break
    }
    run++
    useDevice(backend)
    try {
      await test()
    } catch (error) {
      faults.push(`${name}: ${(error as Error).message}`)
    }
  }
  writeFileSync(file, JSON.stringify({ run, all: cells.length, faults }))
}

const conformance: Step = {
  name: 'conformance',
  about: 'the whole conformance suite, against the values of PyTorch',
  limit: 240,
  async run(setting) {
    const folder = mkdtempSync(join(tmpdir(), 'flambeau-cells-'))
    try {
      // The suite makes 15,000 texts, which a driver compiles one by one, so several processes share it.
      const of = setting.scale < 0.01 ? 1 : Math.min(4, availableParallelism())
      const parts = Array.from({ length: of }, async (_, part): Promise<Cells> => {
        const file = join(folder, `${part}.json`)
        await aside(setting, 'cells', file, { part, of })
        return JSON.parse(readFileSync(file, 'utf8'))
      })
      const found = await Promise.all(parts)
      const [run, all] = [found.reduce((sum, x) => sum + x.run, 0), found.reduce((sum, x) => sum + x.all, 0)]
      const faults = found.flatMap((x) => x.faults)
      return { lines: [`${run} cells of ${all}, ${faults.length} failed`], faults: few(faults) }
    } finally {
      rmSync(folder, { recursive: true })
    }
  },
}

/** The losses of the first epochs. */
function losses(text: Text, epochs: number): number[] {
  const found: number[] = []
  for (const { loss, batch } of text({ epochs, seed: 0, print: () => {} }) ?? [])
    if (batch === undefined) found.push(typeof loss === 'number' ? loss : loss.item())
  return found
}

/** The families as narrow as their sizes allow: scores, and the parameters after a step. */
const families: Readonly<Record<string, () => [model: nn.Module, image: number[]]>> = {
  lenet5: () => [models.lenet5(), [1, 28, 28]],
  alexnet: () => [models.alexnet({ numClasses: 10, inChannels: 1, width: 0.05 }), [1, 63, 63]],
  vgg11: () => [models.vgg11({ numClasses: 10, inChannels: 1, width: 0.05 }), [1, 32, 32]],
  resnet20: () => [models.resnet20(), [3, 32, 32]],
}
function stepOf(make: () => [model: nn.Module, image: number[]]): number[] {
  manualSeed(0)
  const [model, image] = make()
  const x = rand(2, ...image)
  const labels = tensor([3, 7], { dtype: 'int32' })
  const optimizer = new optim.SGD(model.parameters(), { lr: 0.1 })
  const scores = noGrad(() => model.eval().forward(x) as Tensor)
  F.crossEntropy(model.train().forward(x) as Tensor, labels).backward()
  optimizer.step()
  return [...scores.detach().toArray(), ...[...model.parameters()].flatMap((p) => [...p.detach().toArray()])]
}

/** How far apart two lists are, relative to the largest. */
function apart(a: readonly number[], b: readonly number[]): number {
  const largest = b.reduce((most, x) => Math.max(most, Math.abs(x)), 1e-12)
  const most = a.reduce((worst, x, i) => Math.max(worst, Math.abs(x - b[i])), 0)
  return a.length === b.length && Number.isFinite(most) ? most / largest : Number.POSITIVE_INFINITY
}

const lessons: Step = {
  name: 'lessons',
  about: 'lessons and narrow families beside js',
  limit: 90,
  async run(setting) {
    const lines: string[] = []
    const faults: string[] = []
    const check = (name: string, work: () => number[], most: number): void => {
      onGpu()
      const found = work()
      useDevice(js())
      const off = apart(found, work())
      lines.push(`${name}: ${off.toExponential(1)} from js`)
      if (!(off <= most)) faults.push(`${name} is ${off} from js, and ${most} is allowed`)
    }
    check('boston', () => losses(boston as Text, scaled(200, setting)), 1e-4)
    check('breast-cancer', () => losses(breastCancer as Text, scaled(500, setting)), 1e-4)
    const names = Object.keys(families).slice(0, setting.scale < 0.1 ? 1 : undefined)
    for (const name of names) check(name, () => stepOf(families[name]), 2e-3)
    return { lines, faults }
  },
}

const soak: Step = {
  name: 'soak',
  about: '200,000 synchronous steps in constant memory',
  limit: 120,
  async run(setting) {
    onGpu()
    const { step } = training()
    const steps = scaled(200_000, setting)
    const until = Date.now() + 1000 * (setting.seconds - 10)
    const warm = Math.max(1, Math.floor(steps / 10))
    let [before, done] = [0, 0]
    const start = performance.now()
    for (; done < steps && Date.now() < until; done++) {
      step()
      if (done === warm) before = cuda.memoryReserved()
    }
    const last = step().item()
    const after = cuda.memoryReserved()
    const faults: string[] = []
    if (done < steps) faults.push(`only ${done} steps were done in the time`)
    if (after > before + 2 ** 26) faults.push(`memory grew from ${mib(before)} to ${mib(after)}`)
    if (!Number.isFinite(last)) faults.push(`the loss is ${last}`)
    const each = (1000 * (performance.now() - start)) / done
    return {
      lines: [
        `${done} steps of ${each.toFixed(0)} µs; ${mib(before)} after a tenth, ${mib(after)} at the end; loss ${last.toExponential(3)}`,
      ],
      faults,
    }
  },
}

const memory: Step = {
  name: 'memory',
  about: 'memory that is out, and what goes on afterwards',
  limit: 30,
  async run() {
    onGpu()
    const { step, weights } = training()
    step().item()
    const before = weights()
    const [, total] = cuda.memGetInfo()
    const held: Tensor[] = []
    const lines: string[] = []
    const faults: string[] = []
    const part = Math.min(2 ** 28, Math.floor(total / 64))
    try {
      for (let i = 0; i < 4096; i++) held.push(empty([part]))
      faults.push('memory never was out')
    } catch (error) {
      const [sentence] = (error as Error).message.split('\n')
      lines.push(`after ${held.length} blocks of ${mib(4 * part)}: ${sentence}`)
      if (!/^CUDA out of memory\. Tried to allocate /.test(sentence)) faults.push(`the error is: ${sentence}`)
    }
    for (const x of held.splice(0)) x.dispose()
    cuda.emptyCache()
    if (weights().some((w, i) => !Object.is(w, before[i]))) faults.push('parameters changed')
    if (!Number.isFinite(step().item())) faults.push('nothing works afterwards')
    const sum = scope(() =>
      ones(1 << 14)
        .add(1)
        .sum()
        .item(),
    )
    if (sum !== 1 << 15) faults.push(`ones and ones add up to ${sum}`)
    lines.push('memory was there again')
    return { lines, faults }
  },
}

const workers: Step = {
  name: 'workers',
  about: 'eight workers, each with a stream of its own',
  limit: 60,
  async run(setting) {
    const steps = scaled(500, setting)
    onGpu()
    const own = trained(steps)
    const all = await Promise.all(
      Array.from(
        { length: 8 },
        () =>
          new Promise<number[] | Error>((done) => {
            const worker = new Worker(setting.program, { workerData: { steps } })
            worker.on('message', done)
            worker.on('error', done)
          }),
      ),
    )
    const faults = all.flatMap((found, i) =>
      found instanceof Error
        ? [`worker ${i}: ${found.message}`]
        : found.some((w, k) => !Object.is(w, own[k]))
          ? [`worker ${i} has other weights`]
          : [],
    )
    return { lines: [`${all.length} workers, ${steps} steps each, the same weights`], faults }
  },
}

/** The weights after some steps. */
export function trained(steps: number): number[] {
  onGpu()
  const { step, weights } = training()
  for (let i = 0; i < steps; i++) step()
  return weights()
}

/** A kernel that writes to an address which is nobody's. */
const bad = `.version 6.3
.target sm_75
.address_size 64
.visible .entry bad()
{
  .reg .b64 %rd<2>;
  mov.u64 %rd1, 64;
  st.global.u32 [%rd1], 1;
  ret;
}
`

const fault: Step = {
  name: 'fault',
  about: 'an illegal address, on purpose: the device is lost, and every call says so',
  limit: 30,
  async run() {
    const { backend, addon, handle } = watched()
    useDevice(backend)
    const x = tensor([1, 2, 3])
    x.add(1).toArray()
    const module = addon.load(handle, bad)
    if (typeof module !== 'number') return { lines: [], faults: [`the text is refused: ${module.text}`] }
    const words = new Int32Array(8)
    words.set([addon.function(handle, module, 'bad'), 1, 1, 1, 1, 0, 0, 0])
    addon.submit(handle, words, 8)
    const messages: string[] = []
    for (let i = 0; i < 2; i++) {
      try {
        x.add(1).toArray()
        messages.push('no error')
      } catch (error) {
        messages.push((error as Error).message)
      }
    }
    const faults = messages.filter((text) => !/^CUDA error: .*\n?.*The device is lost for this process/s.test(text))
    return { lines: [messages[0].split('\n')[0]], faults: few(faults.map((text) => `the error is: ${text}`)) }
  },
}

export const steps: readonly Step[] = [
  driver,
  differential,
  conformance,
  lessons,
  soak,
  memory,
  workers,
  fault,
  products,
  bench,
  // The last one has the time that the others leave.
  sanitizer,
]

export const stepNamed = (name: string): Step => {
  const found = steps.find((step) => step.name === name)
  if (found === undefined) throw new Error(`there is no step ${name}`)
  return found
}

/** Runs a step here, and writes what it finds to a file. */
export async function runStep(name: string, setting: Setting, file: string): Promise<void> {
  const finding = await stepNamed(name)
    .run(setting)
    .catch((error: Error) => ({ lines: [], faults: [error.stack ?? error.message] }))
  writeFileSync(file, JSON.stringify(finding))
}
