// Convolutions on native, which are contractions over windows of the padded images, beside PyTorch's, beside the same
// windows unrolled into memory and multiplied, and beside kernels written for one shape each (convolution.cpp): the layers
// of LeNet-5, ResNet-18 and ResNet-20, forward, by data and by weight, on one thread and on two, and both gradients in
// native's own time forward. What is timed has the
// padding in it. Medians of 9 rounds in which each takes its turn, after their results were compared. It takes
// minutes, so it runs only by its name. By hand, `node dist/ops/contraction.js lenet` does those whose rows begin so.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { compiled, fastest } from '../src/cpp.ts'
import { measure } from '../src/harness.ts'
import { InputFiles } from '../src/inputs.ts'
import { difference } from '../src/race.ts'
import { report, type Row } from '../src/report.ts'
import { CannotRun, isPresent, Process } from '../src/subject.ts'
import { flambeau, here } from '../src/subjects.ts'
import { torch, torchVersion } from '../src/torch.ts'
import { type Convolution, type Direction, inputsOf, nameOf, outerOf } from '../workloads/convolution.ts'

const square = { stride: 1, padding: 0, groups: 1 }
const lenet = { ...square, images: 64, kernel: 5 }
const resnet18 = { ...square, images: 4, kernel: 3, padding: 1 }
const resnet20 = { ...resnet18, images: 32 }
const layers: Readonly<Record<string, Convolution>> = {
  'lenet conv1': { ...lenet, channels: 1, size: 28, kernels: 6, padding: 2 },
  'lenet conv2': { ...lenet, channels: 6, size: 14, kernels: 16 },
  'resnet18 64': { ...resnet18, channels: 64, size: 56, kernels: 64 },
  'resnet18 128': { ...resnet18, channels: 128, size: 28, kernels: 128 },
  'resnet18 256': { ...resnet18, channels: 256, size: 14, kernels: 256 },
  'resnet18 512': { ...resnet18, channels: 512, size: 7, kernels: 512 },
  'resnet18 64 to 128, stride 2': { ...resnet18, channels: 64, size: 56, kernels: 128, stride: 2 },
  'resnet18 first': { ...resnet18, channels: 3, size: 224, kernels: 64, kernel: 7, stride: 2, padding: 3 },
  'one by one 64 to 256': { ...resnet18, channels: 64, size: 56, kernels: 256, kernel: 1, padding: 0 },
  'one by one, stride 2': { ...resnet18, channels: 256, size: 56, kernels: 512, kernel: 1, padding: 0, stride: 2 },
  'groups of 4': { ...resnet18, channels: 128, size: 56, kernels: 128, groups: 32 },
  'depthwise, stride 2': { ...resnet18, channels: 96, size: 56, kernels: 96, groups: 96, stride: 2 },
  depthwise: { ...resnet18, channels: 96, size: 56, kernels: 96, groups: 96 },
  'resnet20 16': { ...resnet20, channels: 16, size: 32, kernels: 16 },
  'resnet20 16 to 32, stride 2': { ...resnet20, channels: 16, size: 32, kernels: 32, stride: 2 },
  'resnet20 32': { ...resnet20, channels: 32, size: 16, kernels: 32 },
  'resnet20 32 to 64, stride 2': { ...resnet20, channels: 32, size: 16, kernels: 64, stride: 2 },
  'resnet20 64': { ...resnet20, channels: 64, size: 8, kernels: 64 },
}

const scratch = mkdtempSync(join(tmpdir(), 'flambeau-contraction-'))
const files = new InputFiles(scratch)
const native = flambeau('native', undefined, ['eager'])[0]
const direct = compiled('direct', '', here('../../ops/convolution.cpp'), fastest)
const subjects = [
  { ...native, name: 'native' },
  { ...native, name: 'unrolled' },
  ...[torch(), direct].filter(isPresent),
]

async function row(
  layer: string,
  direction: Direction,
  threads: number,
  processes: readonly Process[],
  forward: { ns: number },
): Promise<Row[]> {
  const what = `${layer}, ${direction === 'forward' ? '' : 'by '}${direction}, ${threads} thread${threads === 1 ? '' : 's'}`
  if (!what.startsWith(process.argv[2] ?? '')) return []
  const of = layers[layer]
  const names = { contraction: nameOf({ ...of, direction, way: 'contraction' }) }
  const inputs = await files.of({ name: names.contraction, inputs: inputsOf(of) } as Parameters<InputFiles['of']>[0])
  const there = new Map<string, Process>()
  let reference: Float32Array[] | undefined
  for (const child of processes) {
    const way = child.subject.name === 'unrolled' ? 'unrolled' : 'contraction'
    try {
      await child.load(nameOf({ ...of, direction, way }), inputs)
    } catch (error) {
      if (error instanceof CannotRun) continue
      throw error
    }
    await child.run(2)
    const results = await child.results(join(scratch, 'result'))
    const wrong = difference(results, (reference ??= results), 1e-3)
    if (wrong !== undefined) throw new Error(`${what} on ${child.subject.name}: ${wrong}`)
    there.set(child.subject.name, child)
  }
  const samples = [...there].map(([who, process]) => [who, (n: number) => process.run(n)] as const)
  const measured = await measure(Object.fromEntries(samples), { rounds: 9, sampleMs: 10, warmupMs: 20 })
  const side = outerOf(of)
  const flops = (2 * of.images * of.kernels * side * side * of.channels * of.kernel * of.kernel) / of.groups
  const beside = [...there.keys()].map((who) => {
    const { median, min } = measured.statistics(who)
    return `${who} ${(median / 1e3).toFixed(0)} µs (best ${(min / 1e3).toFixed(0)}, ${(flops / min).toFixed(0)} GF/s)`
  })
  const other = there.has('torch') ? 'torch' : 'unrolled'
  const ratio = measured.ratio(other, 'native')
  const { min } = measured.statistics('native')
  if (direction === 'forward') forward.ns = min
  const row: Row = { what, value: ratio.median, unit: 'x', note: `of ${other}; ${beside.join(', ')}`, atLeast: 1 }
  if (direction === 'forward' || forward.ns === 0) return [row]
  const own = {
    what: `${what}, time in forward's`,
    value: min / forward.ns,
    unit: 'x',
    note: 'the best of each',
    atMost: 1.5,
  }
  return [row, own]
}

const rows: Row[] = []
try {
  for (const threads of [1, 2]) {
    const processes = subjects.map((subject) => new Process({ ...subject, threads }))
    for (const layer of Object.keys(layers)) {
      const forward = { ns: 0 }
      for (const direction of ['forward', 'data', 'weight'] as const)
        rows.push(...(await row(layer, direction, threads, processes, forward)))
    }
    for (const process of processes) process.close()
  }
} finally {
  rmSync(scratch, { recursive: true })
}
report(rows, [
  `Native eagerly, beside ${torchVersion() === null ? 'nothing else' : `PyTorch ${torchVersion()}`}, windows unrolled on native, and kernels in C++ of one shape (direct). A ratio above 1 says how many times as fast as the other native is.`,
])
