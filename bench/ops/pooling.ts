// Pooling and normalisation on native and on js, forward and with all gradients: LeNet-5's pooling, that of ResNet's and
// GoogLeNet's stems, global means, and norms. Native is timed on one thread and on two, on a network's own batch and on one that
// no cache holds, beside PyTorch and beside bare loops in C++ over the memory that the layer has to read and write. Medians of
// rounds in which each takes its turn, after results were compared. By hand, `node dist/ops/pooling.js batch` does those
// whose rows begin so, `node dist/ops/pooling.js '' js` those of one device, and `node dist/ops/pooling.js '' native 2 memory` those of
// a number of threads and of one kind of batches.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { compiled, fastest } from '../src/cpp.ts'
import { measure } from '../src/harness.ts'
import { InputFiles } from '../src/inputs.ts'
import { difference } from '../src/race.ts'
import { report, type Row } from '../src/report.ts'
import { isPresent, Process } from '../src/subject.ts'
import { flambeau, here } from '../src/subjects.ts'
import { torch, torchVersion } from '../src/torch.ts'
import { type Direction, enlarged, inputsOf, type Layer, nameOf, smallest } from '../workloads/pooling.ts'

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

/**
 * Elements of an input that no cache holds, 128 MB. Caches of servers are shared, so their size says little: where this was
 * chosen the last level has 480 MB, and a copy takes as long for each byte from 64 MB on, with two threads from 128 MB on.
 */
const large = 2 ** 25

const [, , chosen = '', onDevice, onThreads, onBatch] = process.argv
const source = here('../../floors/cpp/memory.cpp')
const bare = compiled('bare', 'bare loops in C++', source, [...fastest, '-pthread'])

/** Loads what each process does, and compares results of the layer with those of the first. */
async function prepare(processes: readonly Process[], layer: Layer, direction: Direction): Promise<void> {
  const scratch = mkdtempSync(join(tmpdir(), 'flambeau-pooling-'))
  try {
    const files = new InputFiles(scratch)
    const [inputs, few] = [layer, smallest(layer)].map((of) => ({ name: nameOf(of, direction), inputs: inputsOf(of) }))
    let reference: Float32Array[] | undefined
    for (const child of processes) {
      const its = child.subject.name === 'call' ? few : inputs
      await child.load(its.name, await files.of(its))
      await child.run(2)
      const results = its === few ? [] : await child.results(join(scratch, 'result'))
      if (results.length === 0) continue
      const wrong = difference(results, (reference ??= results), 1e-3)
      if (wrong !== undefined) throw new Error(`${its.name} on ${child.subject.name}: ${wrong}`)
    }
  } finally {
    rmSync(scratch, { recursive: true })
  }
}

/** Rows of a layer on a network's batch. */
async function rows(
  what: string,
  own: string,
  processes: readonly Process[],
  layer: Layer,
  direction: Direction,
): Promise<Row[]> {
  await prepare(processes, layer, direction)
  const samples = processes.map((child) => [child.subject.name, (n: number) => child.run(n)] as const)
  const measured = await measure<string>(Object.fromEntries(samples), { rounds: 9, sampleMs: 10, warmupMs: 20 })
  const note = processes.map(({ subject: { name } }) => {
    const { median, min } = measured.statistics(name)
    const digits = median < 1e4 ? 1 : 0
    return `${name} ${(median / 1e3).toFixed(digits)} µs (best ${(min / 1e3).toFixed(digits)})`
  })
  const speed = (than: string, parts: readonly string[], atLeast: number): Row => {
    const row = { what: `${what}, speed in ${than}`, unit: 'x', note: note.join(', ') }
    const missing = parts.find((name) => !measured.has(name))
    if (missing !== undefined) return { ...row, value: Number.NaN, skipped: `${missing} is not here` }
    const value = parts.reduce((sum, name) => sum + measured.ratio(name, own).median, 0)
    return { ...row, value, ...(own === 'native compiled' ? { atLeast } : {}) }
  }
  // On js, a bare loop in C++ says nothing.
  if (own !== 'native compiled') return [speed("PyTorch's", ['torch'], 1)]
  const isLarge = !measured.has('call')
  return [
    ...(isLarge ? [] : [speed("PyTorch's", ['torch'], 1)]),
    speed(isLarge ? "bare loops'" : "bare loops' and a call's", isLarge ? ['bare'] : ['bare', 'call'], 0.7),
  ]
}

const all: Row[] = []
for (const [device, threads, batch] of [
  ['native', 1, 'network'],
  ['native', 2, 'network'],
  ['native', 1, 'memory'],
  ['native', 2, 'memory'],
  ['js', 1, 'network'],
] as const) {
  if ((onDevice ?? device) !== device || (onBatch ?? batch) !== batch) continue
  if (Number(onThreads ?? threads) !== threads) continue
  const [eager, program] = flambeau(device, undefined, ['eager', 'compiled'])
  const isNative = device === 'native'
  const others =
    batch === 'memory' ? [bare] : [eager, torch(), ...(isNative ? [{ ...program, name: 'call' }, bare] : [])]
  const processes = [program, ...others].filter(isPresent).map((subject) => new Process({ ...subject, threads }))
  for (const [name, layer] of Object.entries(layers)) {
    if (!name.startsWith(chosen)) continue
    const of = batch === 'memory' ? enlarged(layer, large) : layer
    const what = `${device}, ${name}, ${threads} thread${threads === 1 ? '' : 's'}${batch === 'memory' ? ', in memory' : ''}`
    for (const direction of ['forward', 'training'] as const)
      all.push(...(await rows(`${what}, ${direction}`, `${device} compiled`, processes, of, direction)))
  }
  for (const process of processes) process.close()
}
report(all, [
  `Compiled steps, beside ${torchVersion() === null ? 'nothing else' : `PyTorch ${torchVersion()}`}, eager ones, and bare loops in C++. Above 1, a ratio says how many times as fast as the other a step is. Bare loops read and write the memory that the layer has to, one after the other, with one operation for each vector (decision 0130). A call is a step of the same layer on hardly any elements. "In memory": batches that no cache holds.`,
])
