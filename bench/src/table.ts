// The table over all backends as Markdown: a row for each workload, a column for each subject.
import type { Workload } from '../workloads/workload.ts'
import { type Cell, isTimed, type Raced, type Timed } from './race.ts'
import { type Cold, coldTable } from './cold.ts'
import type { Absent, Named } from './subject.ts'
import { duration, figure, megabytes } from './units.ts'

type Rest = [subjects: readonly Named[], text: Text, last?: (race: Raced) => string]
type Text = (cell: Timed, workload: Workload) => string

export const rate: Text = ({ median }, { flops, bytes }) =>
  flops !== undefined
    ? `${figure(flops / median)} GFLOP/s`
    : bytes !== undefined
      ? `${figure(bytes / median)} GB/s`
      : ''

/** A table of races with the subjects that compute at least one of them, right or wrong. */
function grid(races: readonly Raced[], ...[subjects, text, last]: Rest): string {
  const names = subjects
    .map(({ name }) => name)
    .filter((name) => races.some(({ cells: { [name]: cell } }) => cell !== undefined && (isTimed(cell) || cell.wrong)))
  const head = ['', 'one', ...names, ...(last ? ['fastest'] : [])]
  const lines = races.map((race) => {
    const { workload } = race
    const cells = names.map((name) => {
      const cell: Cell | undefined = race.cells[name]
      return isTimed(cell) ? text(cell, workload) : cell === undefined ? '' : cell.wrong ? '**wrong**' : '–'
    })
    return [`${workload.name} (${workload.id})`, workload.unit, ...cells, ...(last ? [last(race)] : [])]
  })
  const rule = ['---', '---', ...names.map(() => '---:'), ...(last ? ['---'] : [])]
  return [head, rule, ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

/** A table for the workloads of one thread, and one for those of more. */
const grids = (races: readonly Raced[], ...rest: Rest): string =>
  [...new Set(races.map(({ workload: { threads } }) => threads))]
    .map((threads) =>
      grid(
        races.filter(({ workload }) => workload.threads === threads),
        ...rest,
      ),
    )
    .join('\n\n')

const fastest = ({ cells }: Raced): string => {
  const timed = Object.entries(cells).filter(([, cell]) => isTimed(cell)) as [string, Timed][]
  return timed.sort(([, a], [, b]) => a.median - b.median)[0]?.[0] ?? ''
}

/** Why a time is missing: a line for each subject and reason. */
function reasons(races: readonly Raced[]): string {
  const lines = new Map<string, string[]>()
  for (const { workload, cells } of races) {
    for (const [name, cell] of Object.entries(cells)) {
      if (isTimed(cell)) continue
      const reason = `${name}, ${cell.why.split('\n')[0]}`
      lines.set(reason, [...(lines.get(reason) ?? []), workload.name])
    }
  }
  return [...lines].map(([reason, names]) => `- ${reason}: ${names.join(', ')}`).join('\n')
}

export interface Measured {
  readonly races: readonly Raced[]
  readonly cold: readonly Cold[]
}

/** Everything known about some races: times, rates, memory, and reasons for missing times. */
export function tables({ races, cold }: Measured, subjects: readonly Named[], absent: readonly Absent[]): string {
  const rated = races.filter(({ workload }) => (workload.flops ?? workload.bytes) !== undefined)
  const parts = [
    subjects.map(({ name, title }) => `- \`${name}\`: ${title}`).join('\n'),
    absent.map(({ name, title, absent: why }) => `- \`${name}\` is absent (${title}): ${why}`).join('\n'),
    '### Time',
    grids(races, subjects, ({ median }) => duration(median), fastest),
    reasons(races),
    rated.length > 0 ? '### Rate\n\nOperations of the products alone; or the bytes that must be moved at least.' : '',
    rated.length > 0 ? grids(rated, subjects, rate) : '',
    '### Memory\n\nMB, the most that the process held, its language and the inputs included.',
    grids(races, subjects, ({ peak }) => megabytes(peak)),
    cold.length > 0 ? coldTable(cold) : '',
  ]
  return parts.filter((part) => part !== '').join('\n\n')
}
