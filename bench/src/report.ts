// The result of a bench: rows of figures with their targets and whether they are met. A bench that runs alone prints
// its rows; one that run.ts started also sends them there.
import { figure } from './units.ts'

export interface Row {
  /** What was measured. */
  readonly what: string
  /** The figure and its unit for readers: `µs`, `ns`, `GFLOP/s`, `x`, `MB`. */
  readonly value: number
  readonly unit: string
  /** The spread, or what it was compared with. */
  readonly note?: string
  /** The target of the figure: an upper or lower bound. */
  readonly atMost?: number
  readonly atLeast?: number
  /** Why there is no figure; the value means nothing then. */
  readonly skipped?: string
}

export const passes = ({ value, atMost, atLeast, skipped }: Row): boolean | undefined => {
  if (skipped !== undefined || (atMost === undefined && atLeast === undefined)) return undefined
  return value <= (atMost ?? Number.POSITIVE_INFINITY) && value >= (atLeast ?? Number.NEGATIVE_INFINITY)
}

/** Rounds a bound to four digits before comparing, so that a third counts as the displayed 0.3333. */
const bound = (x: number): number => Number(x.toPrecision(4))

/** The bound as displayed. */
export const target = ({ atMost, atLeast, unit }: Row): string =>
  atMost !== undefined ? `≤ ${bound(atMost)} ${unit}` : atLeast !== undefined ? `≥ ${bound(atLeast)} ${unit}` : ''

/** The figure with its unit, whether it meets its target, and what is noted, as displayed. */
export function shown(row: Row): { readonly found: string; readonly judged: string; readonly noted: string } {
  const { value, unit, note, skipped } = row
  if (skipped !== undefined) return { found: '–', judged: 'skipped', noted: skipped }
  const passed = passes(row)
  const judged = passed === undefined ? '' : passed ? 'pass' : 'FAIL'
  return { found: `${figure(value)} ${unit}`, judged, noted: note ?? '' }
}

/** The row without its target. */
export const unheld = ({ atMost: _most, atLeast: _least, ...row }: Row): Row => row

export interface Kept {
  readonly met: number
  readonly of: number
}

/** Counts the rows that have a target, and those that meet it. */
export function verdict(rows: readonly Row[]): Kept {
  const verdicts = rows.map(passes).filter((passed) => passed !== undefined)
  return { met: verdicts.filter((passed) => passed).length, of: verdicts.length }
}

export const markdown = (rows: readonly Row[]): string =>
  [
    '| | figure | target | | spread, beside |',
    '|---|---:|---:|---|---|',
    ...rows.map((row) => {
      const { found, judged, noted } = shown(row)
      return `| ${row.what} | ${found} | ${target(row)} | ${judged === 'FAIL' ? '**FAIL**' : judged} | ${noted} |`
    }),
  ].join('\n')

export interface Result {
  readonly rows: readonly Row[]
  /** What a reader must know to judge the rows: for example that something was absent. */
  readonly remarks: readonly string[]
}

/** Prints a result; under run.ts also sends it. */
export function report(rows: readonly Row[], remarks: readonly string[] = []): void {
  const result: Result = { rows, remarks }
  if (process.send !== undefined) {
    process.send(result)
    process.disconnect()
    return
  }
  console.log(markdown(rows))
  for (const remark of remarks) console.log(`\n${remark}`)
}
