// What a bench says: rows of a figure, what it is held against, and whether that is kept. A bench that is run alone
// prints its rows; one that run.ts started also sends them there.
import { figure } from './units.ts'

export interface Row {
  /** What was done. */
  readonly what: string
  /** The figure and its unit, as people read it; `µs`, `ns`, `GFLOP/s`, `x`, `MB`. */
  readonly value: number
  readonly unit: string
  /** How it spreads, or what it was compared with. */
  readonly note?: string
  /** The bound that the figure is held to: at most, or at least. */
  readonly atMost?: number
  readonly atLeast?: number
}

export const passes = ({ value, atMost, atLeast }: Row): boolean | undefined => {
  if (atMost === undefined && atLeast === undefined) return undefined
  return value <= (atMost ?? Number.POSITIVE_INFINITY) && value >= (atLeast ?? Number.NEGATIVE_INFINITY)
}

/** A bound that is a third is held to a third, and read as 0.3333. */
const bound = (x: number): number => Number(x.toPrecision(4))

/** The bound as it is read. */
export const target = ({ atMost, atLeast, unit }: Row): string =>
  atMost !== undefined ? `≤ ${bound(atMost)} ${unit}` : atLeast !== undefined ? `≥ ${bound(atLeast)} ${unit}` : ''

const judged = (row: Row): string => {
  const passed = passes(row)
  return passed === undefined ? '' : passed ? 'pass' : '**FAIL**'
}

/** The row as a figure that is held to nothing. */
export const unheld = ({ atMost: _most, atLeast: _least, ...row }: Row): Row => row

export interface Kept {
  readonly met: number
  readonly of: number
}

/** How many of the rows have a target, and how many meet theirs. */
export function verdict(rows: readonly Row[]): Kept {
  const verdicts = rows.map(passes).filter((passed) => passed !== undefined)
  return { met: verdicts.filter((passed) => passed).length, of: verdicts.length }
}

export const markdown = (rows: readonly Row[]): string =>
  [
    '| | figure | target | | spread, beside |',
    '|---|---:|---:|---|---|',
    ...rows.map(
      (row) =>
        `| ${row.what} | ${figure(row.value)} ${row.unit} | ${target(row)} | ${judged(row)} | ${row.note ?? ''} |`,
    ),
  ].join('\n')

export interface Result {
  readonly rows: readonly Row[]
  /** What a reader must know to judge the rows: that something was absent, that results were compared. */
  readonly remarks: readonly string[]
}

/** Prints a result; under run.ts sends it. */
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
