// The cost of a fresh process up to its first gradient: it starts, imports the library and differentiates the scalar
// graph.
import type { Stored } from './answering.ts'
import { ascending, median } from './harness.ts'
import { CannotRun, Process, type Subject } from './subject.ts'
import { figure, megabytes } from './units.ts'
import { scalarGraph } from '../workloads/scalars.ts'

export interface Cold {
  readonly subject: string
  /** Milliseconds from the start of the process to its first gradient. */
  readonly median: number
  readonly from: number
  readonly to: number
  /** The peak memory of the process until then. */
  readonly peak: number
  /** Bytes on disk, if known. */
  readonly installed?: number
}

async function once(subject: Subject, inputs: Record<string, Stored>): Promise<{ ms: number; peak: number }> {
  const start = process.hrtime.bigint()
  const child = new Process(subject)
  try {
    await child.load(scalarGraph.name, inputs)
    await child.run(1)
    return { ms: Number(process.hrtime.bigint() - start) / 1e6, peak: child.peak }
  } finally {
    child.close()
  }
}

/** Measures every subject that is a library, alternately. */
export async function coldStarts(
  subjects: readonly Subject[],
  inputs: Record<string, Stored>,
  rounds: number,
): Promise<Cold[]> {
  const libraries = subjects.filter(({ library }) => library !== undefined)
  const found = new Map(libraries.map(({ name }) => [name, [] as { ms: number; peak: number }[]]))
  for (let round = 0; round < rounds; round++) {
    for (const subject of libraries) {
      try {
        found.get(subject.name)?.push(await once(subject, inputs))
      } catch (error) {
        // A library without such a graph has no first gradient.
        if (!(error instanceof CannotRun)) throw error
        found.delete(subject.name)
      }
    }
  }
  return libraries.flatMap(({ name, library }) => {
    const starts = found.get(name)
    if (starts === undefined) return []
    const times = ascending(starts.map(({ ms }) => ms))
    const peak = Math.max(...starts.map(({ peak }) => peak))
    return [
      {
        subject: name,
        median: median(times),
        from: times[0],
        to: times[rounds - 1],
        peak,
        installed: library?.bytes(),
      },
    ]
  })
}

export const coldTable = (found: readonly Cold[]): string =>
  [
    '### Cold start',
    'A fresh process to its first gradient, in the order of the table above; a node that does nothing takes some 40 to 60 ms of it.',
    [
      '|  | ms | spread | peak MB | installed MB |',
      '|---|---:|---|---:|---:|',
      ...found.map(({ subject, median, from, to, peak, installed }) => {
        const size = installed === undefined ? '' : figure(installed / 1e6)
        return `| ${subject} | ${median.toFixed(0)} | ${from.toFixed(0)} to ${to.toFixed(0)} | ${megabytes(peak)} | ${size} |`
      }),
    ].join('\n'),
  ].join('\n\n')
