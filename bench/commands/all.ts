// Runs every workload on every available backend, eager and compiled, beside PyTorch and the floors; then the benches,
// each in a process of its own. Prints the results and writes them to bench/results with a description of the machine
// and a chart.
import { leave, type Options } from '../src/document.ts'
import { floors } from '../src/floors.ts'
import { untilQuiet } from '../src/machine.ts'
import { quick, races, say, thorough } from '../src/races.ts'
import { runBench } from '../src/run-bench.ts'
import { isPresent, onThreads } from '../src/subject.ts'
import { devices, here } from '../src/subjects.ts'
import type { Section } from '../src/terminal.ts'
import { torch } from '../src/torch.ts'
import { workloadNamed, workloads } from '../workloads/index.ts'

const benches = [
  'ops/overhead',
  'ops/matmul',
  'ops/elementwise',
  'ops/record',
  'ops/initial',
  'ops/loading',
  'ops/gpujs',
  'ops/cuda',
  'ops/peak',
  'ops/files',
  'import',
  'soak/breast-cancer',
  'soak/replays',
  'soak/breast-cancer native',
  'soak/replays native',
  'soak/breast-cancer wasm',
  'soak/replays wasm',
]

/** Benches that take minutes and run only by name. */
const long = ['ops/gemm', 'ops/contraction', 'ops/contraction-js', 'ops/families', 'ops/pooling', 'ops/never-freed']
export const known = [...benches, ...long]

/** Whether the device that a bench names, if any, is available. */
const isRunnable = (bench: string, names: readonly string[]): boolean => {
  const [, device] = bench.split(' ')
  return device === undefined || names.includes(device)
}

async function sections(names: readonly string[]): Promise<Section[]> {
  const found: Section[] = []
  for (const bench of names) {
    await untilQuiet(5)
    say(`${bench} …`)
    const [file, ...args] = bench.split(' ')
    found.push({ bench, result: await runBench(here(`../${file}.js`), args) })
  }
  return found
}

/** Runs the named workloads and benches, or by default everything. */
export async function all(names: readonly string[], options: Options): Promise<boolean> {
  const everything = names.length === 0
  const chosen = everything
    ? workloads
    : names.filter((name) => !known.includes(name)).map((name) => workloadNamed(name, known))
  const subjects = onThreads([...(await devices()), ...floors(), torch()], chosen)
  const present = subjects.filter(isPresent)
  const measured = await races(chosen, present, options.quick ? quick : thorough)
  const wanted = known.filter((name) => names.includes(name) || (everything && !options.quick && !long.includes(name)))
  const there = present.map(({ name }) => name)
  return leave({
    name: everything && !options.quick ? '' : options.save,
    title: 'Time of every workload on every backend',
    isQuick: options.quick,
    measured,
    subjects,
    sections: await sections(wanted.filter((name) => names.includes(name) || isRunnable(name, there))),
  })
}
