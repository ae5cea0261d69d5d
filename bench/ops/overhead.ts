// The cost of one small operation: on one-element tensors all time is overhead. Also a graph of twenty scalar
// operations, forward and backward. Both again after hundreds of different kernels have run in the process.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DType, type Tensor, tensor } from 'flambeau'
import { consume, measure, type Sample, timed } from '../src/harness.ts'
import { generatedBy, runManyKernels } from '../src/kernels.ts'
import { InputFiles } from '../src/inputs.ts'
import { report, type Row } from '../src/report.ts'
import { isPresent, Process } from '../src/subject.ts'
import { torch } from '../src/torch.ts'
import { scalarGraph } from '../workloads/scalars.ts'

const leaf = (value: number): Tensor => tensor([value], { requiresGrad: true })
const xs = [leaf(0.5), leaf(-1.5), leaf(2.5), leaf(3.5)]
const ys = [tensor([0.25]), tensor([1.25]), tensor([2.25]), tensor([-3.25])]

/** One operation `n` times, on alternating tensors; every result has a node. */
const often = (op: (x: Tensor, y: Tensor) => Tensor) =>
  timed((n) => {
    let out = xs[0]
    for (let i = 0; i < n; i++) {
      out = op(xs[i & 3], ys[(i >> 1) & 3])
      consume(out)
    }
    return out
  })

const graph = (await scalarGraph.program(await scalarGraph.inputs())).step

function graphs(n: number): unknown {
  let last: unknown
  for (let i = 0; i < n; i++) last = graph()
  return last
}

/** The same with numbers, for the check. */
function byHand(x: number, y: number): readonly number[] {
  let [z, dx, dy] = [x, 1, 0]
  for (let i = 0; i < 10; i++) [z, dx, dy] = [z * y + x, dx * y + 1, dy * y + z]
  return [z, dx, dy]
}

function check(): void {
  const found = [graph()].flat().map((tensor) => tensor.item())
  for (const [i, expected] of byHand(1, 0.99).entries()) {
    if (!(Math.abs(found[i] / expected - 1) < 1e-5)) throw new Error(`value ${i} is ${found[i]}, not ${expected}`)
  }
}

/** Operations that users write, and those that gradient rules use most. */
const ops = {
  'x.mul(y)': often((x, y) => x.mul(y)),
  'x.add(y)': often((x, y) => x.add(y)),
  'x.mul(2)': often((x) => x.mul(2)),
  'x.exp()': often((x) => x.exp()),
  'x.sigmoid()': often((x) => x.sigmoid()),
  'x.sum()': often((x) => x.sum()),
}

const pytorch = torch()
const folder = mkdtempSync(join(tmpdir(), 'flambeau-bench-'))
const beside = isPresent(pytorch) ? new Process(pytorch) : undefined
await beside?.load(scalarGraph.name, await new InputFiles(folder).of(scalarGraph))

/** Without targets, the rows are only information. */
async function rows(when: string, targets = true): Promise<Row[]> {
  const subjects: Record<string, Sample> = { ...ops, graph: timed((n) => graphs(n)) }
  if (beside !== undefined) subjects.torch = (n) => beside.run(n)
  const measured = await measure(subjects, { rounds: 51, sampleMs: 10, warmupMs: 200 })
  const found: Row[] = Object.keys(ops).map((name) => {
    const { median, min, p10, p90 } = measured.statistics(name)
    const note = `min ${min.toFixed(0)}, ${p10.toFixed(0)} to ${p90.toFixed(0)}`
    return {
      what: `\`${name}\`, one element, recorded, ${when}`,
      value: median,
      unit: 'ns',
      note,
      ...(targets ? { atMost: 500 } : {}),
    }
  })
  const { median, min, p10, p90 } = measured.statistics('graph')
  const us = (ns: number): string => (ns / 1000).toFixed(2)
  let note = `min ${us(min)}, ${us(p10)} to ${us(p90)}`
  if (beside !== undefined) {
    const ratio = measured.ratio('graph', 'torch').median
    note += `; PyTorch ${us(measured.statistics('torch').median)} µs, ratio ${ratio.toFixed(3)}`
  }
  const what = `20 scalar operations, forward and backward, ${when}`
  return [...found, { what, value: median / 1000, unit: 'µs', note, ...(targets ? { atMost: 20 } : {}) }]
}

check()
const before = await rows('fresh process')
/** Runs operations of many kinds; returns how many functions were generated for them. */
const generate = (dtypes: readonly DType[]): number =>
  generatedBy(() => {
    for (let i = 0; i < 20; i++) runManyKernels(dtypes)
  })
const some = generate(['float32'])
if (some < 200) throw new Error(`only ${some} different kernels ran`)
check()
const after = await rows(`after ${some} kernels`)
const all = some + generate(['float32', 'float64', 'int32'])
check()
const later = await rows(`after ${all} kernels`, false)
beside?.close()
rmSync(folder, { recursive: true })
report([...before, ...after, ...later], isPresent(pytorch) ? [] : [`PyTorch is absent: ${pytorch.absent}.`])
