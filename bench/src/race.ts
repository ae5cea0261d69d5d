// Runs one workload on several subjects: each in a process of its own, with results compared before any time counts,
// then sampled alternately. If a subject lacks the workload, computes something else or takes too long, its cell says
// so.
import { join } from 'node:path'
import type { Target, Workload } from '../workloads/workload.ts'
import { type Measurement, measure, type Options, type Sample, type Statistics } from './harness.ts'
import type { InputFiles } from './inputs.ts'
import type { Row } from './report.ts'
import { CannotRun, Process, type Subject } from './subject.ts'
import { duration } from './units.ts'

/** Nanoseconds per unit, and the peak memory of the process. */
export interface Timed extends Statistics {
  readonly peak: number
}
/** A reason in place of a time; `wrong` if the subject should have had one. */
export interface Untimed {
  readonly why: string
  readonly wrong: boolean
}
export type Cell = Timed | Untimed
/** What a table shows of a race. */
export type Raced = Pick<Race, 'workload' | 'cells'>
export const isTimed = (cell: Cell | undefined): cell is Timed => cell !== undefined && 'median' in cell

export interface Race {
  readonly workload: Workload
  /** By subject. */
  readonly cells: Readonly<Record<string, Cell>>
  /** Measurements of the subjects that were timed. */
  readonly measured: Measurement
}

/** A subject whose step takes longer is not timed. */
const tooLong = 10e9

/** Describes how results differ; undefined if they are equal within rounding. */
export function difference(
  found: readonly Float32Array[],
  reference: readonly Float32Array[],
  tolerance: number,
): string | undefined {
  if (found.length !== reference.length) return `${found.length} results, not ${reference.length}`
  for (const [k, expected] of reference.entries()) {
    const values = found[k]
    if (values.length !== expected.length) return `result ${k} has ${values.length} elements, not ${expected.length}`
    let largest = 0
    for (const x of expected) largest = Math.max(largest, Math.abs(x))
    const bound = tolerance * largest
    const at = values.findIndex((x, i) => !(Math.abs(x - expected[i]) <= bound))
    if (at >= 0) return `element ${at} of result ${k} is ${values[at]}, not ${expected[at]}`
  }
  return undefined
}

const sumOf = (values: Float32Array): number => {
  let sum = 0
  for (const x of values) sum += x
  return sum
}

/**
 * Does the steps after which results are compared with those of the first subject and with PyTorch's committed sum. A
 * subject that does only a part of the work, as a limit for it, has no results.
 */
async function check(
  process: Process,
  workload: Workload,
  scratch: string,
  reference: readonly Float32Array[] | undefined,
  patienceMs: number,
): Promise<readonly Float32Array[] | undefined> {
  const { expected, tolerance = 1e-4 } = workload
  const first = await process.run(1, patienceMs)
  if (first > tooLong) throw new CannotRun(`over: ${duration(first)} a ${workload.unit}`)
  if (expected.after > 1) await process.run(expected.after - 1)
  const results = await process.results(scratch)
  if (results.length === 0) return undefined
  const sum = sumOf(results[0])
  const off = Math.abs(sum - expected.sum) > tolerance * Math.max(Math.abs(expected.sum), 1)
  const wrong = off ? `the sum is ${sum}, not ${expected.sum}` : difference(results, reference ?? results, tolerance)
  if (wrong !== undefined) throw new Error(`computes something else: ${wrong}`)
  return results
}

/** Warm-up steps after a restart. */
const warmSteps = 50

/**
 * Samples a process that has already done steps; a workload that must not train forever restarts, outside the measured
 * time.
 */
function sampled(process: Process, load: () => Promise<void>, { anew = Infinity, expected }: Workload): Sample {
  let done = expected.after
  return async (n) => {
    if (done + n > anew) {
      await load()
      done = Math.min(warmSteps, anew)
      await process.run(done)
    }
    done += n
    return process.run(n)
  }
}

/** The row of a target; none if one of its subjects was not timed. */
function row({ workload, measured }: Race, { subject, than, atMost }: Target): Row[] {
  const { name, unit, units = 1 } = workload
  if (!measured.has(subject) || (than !== undefined && !measured.has(than))) return []
  const { median, p10, p90 } = measured.statistics(subject)
  if (than === undefined) {
    const note = `${duration(p10 / units)} to ${duration(p90 / units)}`
    return [{ what: `${name}, ${subject}, one ${unit}`, value: median / units, unit: 'ns', note, atMost }]
  }
  const ratio = measured.ratio(subject, than)
  const times = [median, measured.statistics(than).median].map((ns) => duration(ns / units))
  const note = `${ratio.p10.toFixed(3)} to ${ratio.p90.toFixed(3)}; ${times.join(' and ')}`
  return [{ what: `${name}, ${subject}, time in ${than}'s`, value: ratio.median, unit: 'x', note, atMost }]
}

/** The workload's targets whose subjects were timed. */
export const rows = (race: Race): Row[] => (race.workload.targets ?? []).flatMap((target) => row(race, target))

export interface Patience {
  /** How long the first step, which may compile, is waited for. */
  readonly patienceMs?: number
}

/** Times a workload. `scratch` is a folder for files that processes exchange. */
export async function race(
  workload: Workload,
  subjects: readonly Subject[],
  files: InputFiles,
  scratch: string,
  { patienceMs = 20e3, ...options }: Options & Patience,
): Promise<Race> {
  const cells: Record<string, Cell> = {}
  const running = new Map<string, Process>()
  const samples: Record<string, Sample> = {}
  const { units = 1 } = workload
  try {
    let reference: readonly Float32Array[] | undefined
    for (const subject of subjects) {
      if ((subject.threads ?? 1) > (workload.threads ?? 1)) continue
      const process = new Process(subject)
      try {
        const inputs = await files.of(workload)
        const load = () => process.load(workload.name, inputs)
        await load()
        const results = await check(process, workload, join(scratch, 'result'), reference, patienceMs)
        reference ??= results
        running.set(subject.name, process)
        samples[subject.name] = sampled(process, load, workload)
      } catch (error) {
        process.close()
        cells[subject.name] = { why: (error as Error).message, wrong: !(error instanceof CannotRun) }
      }
    }
    const measured = await measure(samples, options)
    for (const [name, { peak }] of running) {
      const { median, min, p10, p90, samples: count } = measured.statistics(name)
      cells[name] = {
        median: median / units,
        min: min / units,
        p10: p10 / units,
        p90: p90 / units,
        samples: count,
        peak,
      }
    }
    return { workload, cells, measured }
  } finally {
    for (const process of running.values()) process.close()
  }
}
