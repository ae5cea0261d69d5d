// What a bench says: rows of a figure, what it is held against, and whether that is kept. A bench that is run alone
// prints its rows; one that run.ts started also sends them there.

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

export const figure = (x: number): string => {
  if (!Number.isFinite(x)) return String(x)
  const size = Math.abs(x)
  return size >= 1000 ? x.toFixed(0) : size >= 100 ? x.toFixed(1) : size >= 10 ? x.toFixed(2) : x.toFixed(3)
}

const target = ({ atMost, atLeast, unit }: Row): string =>
  atMost !== undefined ? `≤ ${atMost} ${unit}` : atLeast !== undefined ? `≥ ${atLeast} ${unit}` : ''

const verdict = (row: Row): string => {
  const passed = passes(row)
  return passed === undefined ? '' : passed ? 'pass' : '**FAIL**'
}

export const markdown = (rows: readonly Row[]): string =>
  [
    '| | figure | target | | spread, beside |',
    '|---|---:|---:|---|---|',
    ...rows.map(
      (row) =>
        `| ${row.what} | ${figure(row.value)} ${row.unit} | ${target(row)} | ${verdict(row)} | ${row.note ?? ''} |`,
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
