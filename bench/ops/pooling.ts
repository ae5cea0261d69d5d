// Pooling and normalisation on native and on js, beside PyTorch's: LeNet-5's pooling, that of ResNet's and GoogLeNet's stems,
// global means, and norms, forward and with all gradients, on one thread and on two. Each figure is also given as a
// multiple of an elementwise pass over the same memory on the same device, and in proportion to the passes that it needs. Medians of 9 rounds in which each takes its
// turn, after their results were compared. By hand, `node dist/ops/pooling.js batch` does those whose rows begin so, and
// `node dist/ops/pooling.js '' js` those of one device.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { measure } from '../src/harness.ts'
import { InputFiles } from '../src/inputs.ts'
import { difference } from '../src/race.ts'
import { report, type Row } from '../src/report.ts'
import { isPresent, Process } from '../src/subject.ts'
import { flambeau } from '../src/subjects.ts'
import { torch, torchVersion } from '../src/torch.ts'
import { type Direction, inputsOf, type Layer, nameOf, passesOf } from '../workloads/pooling.ts'

const layers: Readonly<Record<string, Layer>> = {
  'maximum, LeNet-5': { kind: 'max', sizes: [64, 6, 28, 28], windows: [2, 2, 0] },
  'maximum, LeNet-5, second': { kind: 'max', sizes: [64, 16, 10, 10], windows: [2, 2, 0] },
  'maximum of 3 x 3 by 2, a stem': { kind: 'max', sizes: [4, 64, 112, 112], windows: [3, 2, 1] },
  'mean, LeNet-5': { kind: 'avg', sizes: [64, 6, 28, 28], windows: [2, 2, 0] },
  'mean, LeNet-5, second': { kind: 'avg', sizes: [64, 16, 10, 10], windows: [2, 2, 0] },
  'global mean 8 x 8': { kind: 'mean', sizes: [32, 64, 8, 8] },
  'global mean 7 x 7': { kind: 'mean', sizes: [4, 512, 7, 7] },
  'batch norm 16 of 32 x 32': { kind: 'batch', sizes: [32, 16, 32, 32] },
  'batch norm 64 of 8 x 8': { kind: 'batch', sizes: [32, 64, 8, 8] },
  'batch norm 64 of 56 x 56': { kind: 'batch', sizes: [4, 64, 56, 56] },
  'batch norm in evaluation': { kind: 'evaluation', sizes: [32, 16, 32, 32] },
  'instance norm': { kind: 'instance', sizes: [32, 16, 32, 32] },
  'group norm': { kind: 'group', sizes: [32, 16, 32, 32] },
  'layer norm': { kind: 'layer', sizes: [2048, 512] },
}

const scratch = mkdtempSync(join(tmpdir(), 'flambeau-pooling-'))
const files = new InputFiles(scratch)
const [, , chosen = '', only] = process.argv

async function row(
  device: string,
  what: string,
  layer: Layer,
  direction: Direction,
  threads: number,
  processes: readonly Process[],
): Promise<Row[]> {
  const inputs = await files.of({ name: nameOf(layer, direction), inputs: inputsOf(layer) } as Parameters<
    InputFiles['of']
  >[0])
  let reference: Float32Array[] | undefined
  for (const child of processes) {
    const pass = child.subject.name === 'pass'
    await child.load(pass ? nameOf({ kind: 'pass', sizes: layer.sizes }, 'forward') : nameOf(layer, direction), inputs)
    await child.run(8)
    if (pass) continue
    const results = await child.results(join(scratch, 'result'))
    const wrong = difference(results, (reference ??= results), 1e-3)
    if (wrong !== undefined) throw new Error(`${what} on ${child.subject.name}: ${wrong}`)
  }
  const samples = processes.map((child) => [child.subject.name, (n: number) => child.run(n)] as const)
  const measured = await measure(Object.fromEntries(samples), { rounds: 9, sampleMs: 10, warmupMs: 20 })
  const beside = processes.map(({ subject: { name } }) => {
    const { median, min } = measured.statistics(name)
    return `${name} ${(median / 1e3).toFixed(0)} µs (best ${(min / 1e3).toFixed(0)})`
  })
  const own = `${device} compiled`
  const passes = measured.ratio(own, 'pass')
  const needed = passesOf(layer, direction)
  const other = torchVersion() === null ? 'pass' : 'torch'
  const ratio = measured.ratio(other, own)
  const note = `of ${other}; ${passes.median.toFixed(1)} passes; ${beside.join(', ')}`
  const all = `${device}, ${what}, ${direction}, ${threads} thread${threads === 1 ? '' : 's'}`
  const isNative = device === 'native'
  return [
    { what: all, value: ratio.median, unit: 'x', note, ...(isNative ? { atLeast: 1 } : {}) },
    {
      what: `${all}, speed in a pass's`,
      value: needed / passes.median,
      unit: 'x',
      note: `${needed} passes are needed`,
      ...(isNative ? { atLeast: 0.7 } : {}),
    },
  ]
}

const rows: Row[] = []
try {
  for (const [device, threads] of [
    ['native', 1],
    ['native', 2],
    ['js', 1],
  ] as const) {
    if (only !== undefined && only !== device) continue
    const [eager, compiled] = flambeau(device, undefined, ['eager', 'compiled'])
    const subjects = [eager, compiled, { ...compiled, name: 'pass' }, torch()].filter(isPresent)
    const processes = subjects.map((subject) => new Process({ ...subject, threads }))
    for (const [what, layer] of Object.entries(layers)) {
      if (!what.startsWith(chosen)) continue
      for (const direction of ['forward', 'training'] as const)
        rows.push(...(await row(device, what, layer, direction, threads, processes)))
    }
    for (const process of processes) process.close()
  }
} finally {
  rmSync(scratch, { recursive: true })
}
report(rows, [
  `Programs, beside ${torchVersion() === null ? 'nothing else' : `PyTorch ${torchVersion()}`}, the device eagerly, and an elementwise pass over the same memory. A ratio above 1 says how many times as fast as the other the program is. Speed in a pass's: the passes over the input's memory that the algorithm needs, in the time of as many, as a part of the program's own. Maxima of rows of few windows, and gradients of overlapping ones, have more to compute than a pass has time for (decision 0113).`,
])
