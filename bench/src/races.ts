// Runs many workloads on many subjects, one race after the other, in a scratch folder that is removed afterwards.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Workload } from '../workloads/workload.ts'
import { scalarGraph } from '../workloads/scalars.ts'
import { type Cold, coldStarts } from './cold.ts'
import type { Options } from './harness.ts'
import { InputFiles } from './inputs.ts'
import { quiet, untilQuiet } from './machine.ts'
import { type Race, race } from './race.ts'
import type { Subject } from './subject.ts'

/** Enough rounds for reliable medians; or just enough to see that everything runs. */
export const thorough: Options = { rounds: 31, sampleMs: 20, warmupMs: 300, budgetMs: 600 }
export const quick: Options = { rounds: 3, sampleMs: 1, warmupMs: 5, budgetMs: 20 }

/** A race, with the share of all cores that other processes used just before. */
export interface Observed extends Race {
  readonly busy: number
}

export interface Races {
  readonly races: readonly Observed[]
  readonly cold: readonly Cold[]
}

export const say = (line: string): void => void process.stderr.write(`${line}\n`)

export async function races(
  workloads: readonly Workload[],
  subjects: readonly Subject[],
  options: Options = thorough,
): Promise<Races> {
  const scratch = mkdtempSync(join(tmpdir(), 'flambeau-bench-'))
  const files = new InputFiles(scratch)
  const found: Observed[] = []
  try {
    for (const workload of workloads) {
      const busy = options === quick ? 0 : await untilQuiet(5)
      if (busy >= quiet)
        say(`OTHERS USE ${(busy * 100).toFixed(0)} % OF THIS MACHINE: what follows is not to be trusted.`)
      say(`${workload.name} …`)
      found.push({ busy, ...(await race(workload, subjects, files, scratch, options)) })
    }
    // A cold start ends with the scalar graph, so it belongs to that workload.
    if (!workloads.includes(scalarGraph)) return { races: found, cold: [] }
    say('cold start …')
    return { races: found, cold: await coldStarts(subjects, await files.of(scalarGraph), options === quick ? 1 : 5) }
  } finally {
    rmSync(scratch, { recursive: true })
  }
}
