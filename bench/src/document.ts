// The output of a run: its lines on the terminal, and a document in bench/results with the met targets, the machine and
// the tables, as Markdown, JSON and a chart.
import { mkdirSync, writeFileSync } from 'node:fs'
import { chart } from './chart.ts'
import { describeMachine, load, quiet } from './machine.ts'
import { isTimed, rows } from './race.ts'
import { type Races, say } from './races.ts'
import { markdown, type Row, unheld, verdict } from './report.ts'
import { type Absent, isAbsent, isPresent, type Subject } from './subject.ts'
import { tables } from './table.ts'
import { type Section, terminal } from './terminal.ts'

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

const percent = (share: number): string => `${(share * 100).toFixed(0)} %`

const ofSection = ({ bench, result }: Section): string =>
  typeof result === 'string'
    ? `## ${bench}\n\n**FAILED**: ${result}`
    : [`## ${bench}`, markdown(result.rows), ...result.remarks].join('\n\n')

/** Prints the run and, if it has a name, writes it; returns whether everything ran and all targets are met. */
export async function leave({ name, title, isQuick, measured, subjects, sections }: Run): Promise<boolean> {
  const { races, cold } = measured
  const present = subjects.filter(isPresent)
  const absent = subjects.filter(isAbsent)
  const judge = (row: Row): Row => (isQuick ? unheld(row) : row)
  const judged = races.flatMap(rows).map(judge)
  const benches = sections.map(({ bench, result }) => ({
    bench,
    result: typeof result === 'string' ? result : { ...result, rows: result.rows.map(judge) },
  }))
  const kept = verdict([...judged, ...benches.flatMap(({ result }) => (typeof result === 'string' ? [] : result.rows))])
  const failed = benches.filter(({ result }) => typeof result === 'string').length
  const wrong = races.flatMap(({ cells }) => Object.values(cells)).filter((cell) => !isTimed(cell) && cell.wrong).length
  const busiest = Math.max(0, ...races.map(({ busy }) => busy))
  const summary = [
    isQuick ? 'A quick run: its figures mean nothing.' : `${kept.met} of ${kept.of} targets are met.`,
    wrong > 0 ? `${wrong} times something else was computed.` : '',
    failed > 0 ? `${failed} of ${benches.length} benches failed.` : '',
    busiest >= quiet ? `Others used up to ${percent(busiest)} of the machine: not to be trusted.` : '',
  ].filter((line) => line !== '')
  const lacking = absent.map(({ name, absent: why }) => `${name} is absent: ${why}`)
  const text = [terminal(measured, judged, benches), [...lacking, ...summary].join('\n')]
  console.log(text.filter((part) => part !== '').join('\n\n'))

  if (name !== undefined) {
    const machine = describeMachine()
    const date = new Date().toISOString()
    const slug = `${machine.cpu.replace(/\(.*/, '')}-${machine.cores}-cores`.toLowerCase().replace(/[^a-z0-9]+/g, '-')
    const file = [date.slice(0, 10), slug, ...(name ? [name] : [])].join('-')
    const facts = Object.entries({ ...machine, load: load() }).map(([key, value]) => `| ${key} | ${value} |`)
    const parts = [
      `# ${title}`,
      `Measured on ${date.slice(0, 10)}. ${summary.join(' ')}`,
      `| | |\n|---|---|\n${facts.join('\n')}`,
      'Medians; a spread is the range from the 10th to the 90th percentile, for ratios of single rounds.',
      `![Times](${file}.svg)`,
      '## Workloads',
      tables(measured, present, absent),
      markdown(judged),
      ...benches.map(ofSection),
    ]
    const json = {
      date,
      machine,
      subjects: present.map(({ name, title }) => ({ name, title })),
      workloads: races.map((race) => ({
        ...race,
        workload: race.workload.name,
        measured: undefined,
        rows: rows(race),
      })),
      cold,
      benches: sections,
    }
    const folder = new URL('../../results/', import.meta.url)
    mkdirSync(folder, { recursive: true })
    writeFileSync(new URL(`${file}.md`, folder), `${parts.join('\n\n')}\n`)
    writeFileSync(new URL(`${file}.json`, folder), `${JSON.stringify(json, null, 2)}\n`)
    writeFileSync(new URL(`${file}.svg`, folder), await chart(races, present, title))
    say(`written: bench/results/${file}.md, .json and .svg`)
  }
  return failed === 0 && (isQuick ? wrong === 0 : kept.met === kept.of)
}
