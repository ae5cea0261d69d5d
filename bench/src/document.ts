// The output of a run: its lines on the terminal, and a document in bench/results with the met targets, the machine and
// the tables, as Markdown, JSON and a chart. Runs of one name on one day add up to one document, so that a long one can
// be measured in pieces, whenever the machine is quiet.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { workloads } from '../workloads/index.ts'
import { chart } from './chart.ts'
import type { Cold } from './cold.ts'
import { describeMachine, load, type Machine, quiet } from './machine.ts'
import { isTimed, type Raced, rows } from './race.ts'
import { type Races, say } from './races.ts'
import { markdown, type Row, unheld, verdict } from './report.ts'
import { type Absent, isAbsent, isPresent, type Named, type Subject } from './subject.ts'
import { tables } from './table.ts'
import { type Section, terminal } from './terminal.ts'

/** Options of all commands. */
export interface Options {
  readonly quick: boolean
  /** Whether `vs` runs in a browser. */
  readonly browser: boolean
  /** The subjects of `vs`, with commas between their names; all if there are none. */
  readonly subjects?: string
  /** The name under which a run of some workloads is written. */
  readonly save?: string
}

export interface Run {
  /** The end of the files' names; undefined to write nothing. */
  readonly name: string | undefined
  readonly title: string
  /** Whether the run only shows that everything works, so that targets don't count. */
  readonly isQuick: boolean
  readonly measured: Races
  readonly subjects: readonly (Subject | Absent)[]
  readonly sections: readonly Section[]
}

/** A race as the JSON has it. */
interface Kept {
  readonly workload: string
  readonly busy: number
  readonly cells: Raced['cells']
  readonly rows: readonly Row[]
}

/** The JSON of a document. */
export interface Document {
  readonly date: string
  readonly machine: Machine
  readonly subjects: readonly Named[]
  readonly absent: readonly Absent[]
  readonly workloads: readonly Kept[]
  readonly cold: readonly Cold[]
  readonly benches: readonly Section[]
}

type Figures = Pick<Document, 'workloads' | 'benches'>

const percent = (share: number): string => `${(share * 100).toFixed(0)} %`

const judge = ({ workloads, benches }: Figures) => {
  const ran = benches.flatMap(({ result }) => (typeof result === 'string' ? [] : result.rows))
  const cells = workloads.flatMap(({ cells }) => Object.values(cells))
  return {
    kept: verdict([...workloads.flatMap(({ rows }) => rows), ...ran]),
    failed: benches.filter(({ result }) => typeof result === 'string').length,
    wrong: cells.filter((cell) => !isTimed(cell) && cell.wrong).length,
    busiest: Math.max(0, ...workloads.map(({ busy }) => busy)),
  }
}

/** What a reader must know first. */
function summary(figures: Figures, isQuick = false): string[] {
  const { kept, failed, wrong, busiest } = judge(figures)
  return [
    isQuick ? 'A quick run: its figures mean nothing.' : `${kept.met} of ${kept.of} targets are met.`,
    wrong > 0 ? `${wrong} times something else was computed.` : '',
    failed > 0 ? `${failed} of ${figures.benches.length} benches failed.` : '',
    busiest >= quiet ? `Others used up to ${percent(busiest)} of the machine: not to be trusted.` : '',
  ].filter((line) => line !== '')
}

/** The later of two with the same name. */
const latest = <T>(all: readonly T[], nameOf: (x: T) => string): T[] => [
  ...new Map(all.map((x) => [nameOf(x), x])).values(),
]

/** What an earlier run left, except for what a later one has measured anew. */
export const merged = (earlier: Document, later: Document): Document => ({
  ...later,
  subjects: latest([...earlier.subjects, ...later.subjects], ({ name }) => name),
  absent: latest([...earlier.absent, ...later.absent], ({ name }) => name),
  workloads: latest([...earlier.workloads, ...later.workloads], ({ workload }) => workload),
  cold: latest([...earlier.cold, ...later.cold], ({ subject }) => subject),
  benches: latest([...earlier.benches, ...later.benches], ({ bench }) => bench),
})

/** The races in the order of the workloads. */
const raced = ({ workloads: kept }: Document): Raced[] =>
  workloads.flatMap((workload) => {
    const found = kept.find((each) => each.workload === workload.name)
    return found === undefined ? [] : [{ workload, cells: found.cells }]
  })

const ofSection = ({ bench, result }: Section): string =>
  typeof result === 'string'
    ? `## ${bench}\n\n**FAILED**: ${result}`
    : [`## ${bench}`, markdown(result.rows), ...result.remarks].join('\n\n')

/** The document as Markdown; `picture` is the file of its chart. */
export function page(title: string, document: Document, picture: string): string {
  const { date, machine, subjects, absent, cold, benches } = document
  const races = raced(document)
  const facts = Object.entries({ ...machine, load: load() }).map(([key, value]) => `| ${key} | ${value} |`)
  const parts = [
    `# ${title}`,
    `Measured on ${date.slice(0, 10)}. ${summary(document).join(' ')}`,
    `| | |\n|---|---|\n${facts.join('\n')}`,
    'Medians; a spread is the range from the 10th to the 90th percentile, for ratios of single rounds.',
    `![Times](${picture})`,
    '## Workloads',
    tables({ races, cold }, subjects, absent),
    markdown(
      races.flatMap(({ workload }) => document.workloads.find((each) => each.workload === workload.name)?.rows ?? []),
    ),
    ...benches.map(ofSection),
  ]
  return `${parts.join('\n\n')}\n`
}

async function write(name: string, title: string, measured: Omit<Document, 'date' | 'machine'>): Promise<void> {
  const machine = describeMachine()
  const date = new Date().toISOString()
  const slug = `${machine.cpu.replace(/\(.*/, '')}-${machine.cores}-cores`.toLowerCase().replace(/[^a-z0-9]+/g, '-')
  const file = [date.slice(0, 10), slug, ...(name ? [name] : [])].join('-')
  const folder = new URL('../../results/', import.meta.url)
  mkdirSync(folder, { recursive: true })
  const json = new URL(`${file}.json`, folder)
  const now = { date, machine, ...measured }
  const document = existsSync(json) ? merged(JSON.parse(readFileSync(json, 'utf8')) as Document, now) : now
  writeFileSync(json, `${JSON.stringify(document, null, 2)}\n`)
  writeFileSync(new URL(`${file}.md`, folder), page(title, document, `${file}.svg`))
  writeFileSync(new URL(`${file}.svg`, folder), await chart(raced(document), document.subjects, title))
  say(`written: bench/results/${file}.md, .json and .svg`)
}

/** Prints the run and, if it has a name, writes it; returns whether everything ran and all targets are met. */
export async function leave({ name, title, isQuick, measured, subjects, sections }: Run): Promise<boolean> {
  const { races, cold } = measured
  const held = (row: Row): Row => (isQuick ? unheld(row) : row)
  const kept = races.map((race): Kept => {
    const { workload, busy, cells } = race
    return { workload: workload.name, busy, cells, rows: rows(race).map(held) }
  })
  const benches = sections.map(({ bench, result }) => ({
    bench,
    result: typeof result === 'string' ? result : { ...result, rows: result.rows.map(held) },
  }))
  const figures = { workloads: kept, benches }
  const absent = subjects.filter(isAbsent)
  const lacking = absent.map(({ name, absent: why }) => `${name} is absent: ${why}`)
  const judged = kept.flatMap(({ rows }) => rows)
  const text = [terminal(measured, judged, benches), [...lacking, ...summary(figures, isQuick)].join('\n')]
  console.log(text.filter((part) => part !== '').join('\n\n'))
  if (name !== undefined) {
    const present = subjects.filter(isPresent).map(({ name, title }) => ({ name, title }))
    await write(name, title, { subjects: present, absent, ...figures, cold })
  }
  const { kept: counted, failed, wrong } = judge(figures)
  return failed === 0 && (isQuick ? wrong === 0 : counted.met === counted.of)
}
