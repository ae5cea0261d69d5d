// A run for a terminal: under each workload one line per subject, the fastest first, and under each bench one line per
// figure. The document in bench/results has the same as tables.
import type { Cold } from './cold.ts'
import { isTimed, type Raced } from './race.ts'
import { type Result, type Row, shown, target } from './report.ts'
import { type Measured, rate } from './table.ts'
import { duration, figure, megabytes } from './units.ts'

/** Columns as wide as their longest cell; the first and the last are flush left, those between flush right. */
export function aligned(lines: readonly (readonly string[])[]): string {
  const widths = (lines[0] ?? []).map((_, i) => Math.max(...lines.map((cells) => cells[i].length)))
  return lines
    .map((cells) =>
      cells
        .map((cell, i) => (i === 0 || i === cells.length - 1 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])))
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `  ${line}`)
    .join('\n')
}

function ofRace({ workload, cells }: Raced): string {
  const all = Object.entries(cells)
  const timed = all.flatMap(([name, cell]) => (isTimed(cell) ? [{ name, cell }] : []))
  timed.sort((a, b) => a.cell.median - b.cell.median)
  const fastest = timed[0]?.cell.median
  const lines = timed.map(({ name, cell }) => [
    name,
    duration(cell.median),
    `x ${figure(cell.median / fastest)}`,
    `${megabytes(cell.peak)} MB`,
    rate(cell, workload),
  ])
  const without = all.flatMap(([name, cell]) =>
    isTimed(cell) ? [] : [[name, `${cell.wrong ? 'WRONG: ' : ''}${cell.why.split('\n')[0]}`]],
  )
  return [`${workload.name}, one ${workload.unit}`, aligned(lines), aligned(without)].filter(Boolean).join('\n')
}

/** One line per row: whether its target is met, its name, the figure, the target, the spread. */
export const ofRows = (rows: readonly Row[]): string =>
  aligned(
    rows.map((row) => {
      const { found, judged, noted } = shown(row)
      return [row.what, found, target(row), judged, noted]
    }),
  )

const ofBench = (bench: string, result: Result | string): string =>
  typeof result === 'string'
    ? `${bench}\n  FAILED: ${result}`
    : [bench, ofRows(result.rows), ...result.remarks.map((remark) => `  ${remark}`)].join('\n')

export interface Section {
  readonly bench: string
  readonly result: Result | string
}

const ofCold = (found: readonly Cold[]): string =>
  aligned(
    [...found]
      .sort((a, b) => a.median - b.median)
      .map(({ subject, median, from, to, peak, installed }) => [
        subject,
        `${median.toFixed(0)} ms`,
        `${from.toFixed(0)} to ${to.toFixed(0)}`,
        `${megabytes(peak)} MB`,
        installed === undefined ? '' : `${figure(installed / 1e6)} MB installed`,
      ]),
  )

/** Everything that was measured; the rows are the workloads' targets. */
export const terminal = ({ races, cold }: Measured, rows: readonly Row[], sections: readonly Section[]): string =>
  [
    ...races.map(ofRace),
    cold.length > 0 ? `A fresh process to its first gradient\n${ofCold(cold)}` : '',
    rows.length > 0 ? `Beside each other\n${ofRows(rows)}` : '',
    ...sections.map(({ bench, result }) => ofBench(bench, result)),
  ]
    .filter((part) => part !== '')
    .join('\n\n')
