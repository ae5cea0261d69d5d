// The document of a run: which targets are met, the machine, the tables; as Markdown, JSON and a chart in bench/results.
import { mkdirSync, writeFileSync } from 'node:fs'
import { chart } from './chart.ts'
import { describeMachine, load, quiet } from './machine.ts'
import { rows } from './race.ts'
import { type Races, say } from './races.ts'
import type { Kept } from './report.ts'
import type { Subject } from './subject.ts'

export interface Document {
  /** What the files' names end with; undefined where nothing is written. */
  readonly name: string | undefined
  readonly title: string
  readonly kept: Kept
  readonly parts: readonly string[]
  readonly measured: Races
  readonly subjects: readonly Subject[]
  readonly sections: readonly unknown[]
}

const percent = (share: number): string => `${(share * 100).toFixed(0)} %`

/** Prints the document and, where it has a name, writes it. */
export async function write({ name, title, kept, parts, measured, subjects, sections }: Document): Promise<void> {
  const { races, cold } = measured
  const machine = describeMachine()
  const date = new Date().toISOString()
  const busiest = Math.max(0, ...races.map(({ busy }) => busy))
  const slug = `${machine.cpu.replace(/\(.*/, '')}-${machine.cores}-cores`.toLowerCase().replace(/[^a-z0-9]+/g, '-')
  const file = [date.slice(0, 10), slug, ...(name ? [name] : [])].join('-')
  const head = [
    `# ${title}`,
    `Measured on ${date.slice(0, 10)}. ${kept.met} of ${kept.of} targets are met.`,
    busiest >= quiet ? `**Others used up to ${percent(busiest)} of the machine: not to be trusted.**` : '',
    `| | |\n|---|---|\n${Object.entries({ ...machine, load: load() })
      .map(([key, value]) => `| ${key} | ${value} |`)
      .join('\n')}`,
    'Medians; a spread is the range from the 10th to the 90th percentile, for ratios of single rounds.',
    name === undefined ? '' : `![Times](${file}.svg)`,
  ]
  const text = `${[...head, ...parts].filter((part) => part !== '').join('\n\n')}\n`
  console.log(text)
  if (name === undefined) return
  const folder = new URL('../../results/', import.meta.url)
  const json = {
    date,
    machine,
    subjects: subjects.map(({ name, title }) => ({ name, title })),
    workloads: races.map((race) => ({ ...race, workload: race.workload.name, measured: undefined, rows: rows(race) })),
    cold,
    benches: sections,
  }
  mkdirSync(folder, { recursive: true })
  writeFileSync(new URL(`${file}.md`, folder), text)
  writeFileSync(new URL(`${file}.json`, folder), `${JSON.stringify(json, null, 2)}\n`)
  writeFileSync(new URL(`${file}.svg`, folder), await chart(races, subjects, title))
  say(`written: bench/results/${file}.md, .json and .svg`)
}
