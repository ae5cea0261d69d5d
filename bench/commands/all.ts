// Every workload on every backend present, eager and compiled, beside PyTorch and the floors; then the benches, each in a
// process of its own. Prints all of it and writes it to bench/results with a description of the machine and a chart.
import { runBench } from '../src/run-bench.ts'
import { write } from '../src/document.ts'
import { floors } from '../src/floors.ts'
import { untilQuiet } from '../src/machine.ts'
import { rows } from '../src/race.ts'
import { quick, races, say, thorough } from '../src/races.ts'
import { markdown, type Result, verdict } from '../src/report.ts'
import { devices, here, isAbsent, isPresent } from '../src/subjects.ts'
import { tables } from '../src/table.ts'
import { torch } from '../src/torch.ts'
import { workloadNamed, workloads } from '../workloads/index.ts'

const benches = [
  'ops/overhead',
  'ops/matmul',
  'ops/elementwise',
  'ops/record',
  'ops/gpujs',
  'import',
  'soak/breast-cancer',
  'soak/replays',
  'soak/breast-cancer native',
  'soak/replays native',
]

/** They take minutes, and run when they are asked for. */
const long = ['ops/gemm']
const known = [...benches, ...long]

/** Whether the device that a bench names, if it does, is there. */
const isRunnable = (bench: string, names: readonly string[]): boolean => {
  const [, device] = bench.split(' ')
  return device === undefined || names.includes(device)
}

interface Section {
  readonly bench: string
  readonly result: Result | string
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

const text = ({ bench, result }: Section): string =>
  typeof result === 'string'
    ? `## ${bench}\n\n**FAILED**: ${result}`
    : [`## ${bench}`, markdown(result.rows), ...result.remarks].join('\n\n')

/** What is asked for by name; everything where nothing is. */
export async function all(names: readonly string[], options: { readonly quick: boolean }): Promise<boolean> {
  const everything = names.length === 0
  const chosen = everything
    ? workloads
    : names.filter((name) => !known.includes(name)).map((name) => workloadNamed(name, known))
  const subjects = [...(await devices()), ...floors(), torch()]
  const present = subjects.filter(isPresent)
  const measured = await races(chosen, present, options.quick ? quick : thorough)
  const wanted = known.filter((name) => names.includes(name) || (everything && !options.quick && !long.includes(name)))
  const there = present.map(({ name }) => name)
  const found = await sections(wanted.filter((name) => names.includes(name) || isRunnable(name, there)))
  const verdicts = [
    ...measured.races.flatMap(rows),
    ...found.flatMap(({ result }) => (typeof result === 'string' ? [] : result.rows)),
  ]
  const absent = subjects.filter(isAbsent)
  const parts = [
    ...(chosen.length > 0
      ? ['## Workloads', tables(measured, present, absent), markdown(measured.races.flatMap(rows))]
      : []),
    ...found.map(text),
  ]
  const kept = verdict(verdicts)
  const broken = found.some(({ result }) => typeof result === 'string')
  await write({
    name: everything && !options.quick ? '' : undefined,
    title: 'Time of every workload on every backend',
    kept,
    parts,
    measured,
    subjects: present,
    sections: found,
  })
  return kept.met === kept.of && !broken
}
