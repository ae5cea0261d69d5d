// The table as a chart: a line for each workload, a mark for each subject, at its ratio to the fastest.
import { parse, View } from 'vega'
import { compile, type TopLevelSpec } from 'vega-lite'
import { isTimed, type Raced } from './race.ts'
import type { Named } from './subject.ts'

interface Mark {
  readonly workload: string
  readonly subject: string
  readonly times: number
}

function marks({ workload, cells }: Raced): Mark[] {
  const timed = Object.entries(cells).flatMap(([subject, cell]) =>
    isTimed(cell) ? [{ subject, median: cell.median }] : [],
  )
  const fastest = Math.min(...timed.map(({ median }) => median))
  return timed.map(({ subject, median }) => ({ workload: workload.name, subject, times: median / fastest }))
}

const spec = (races: readonly Raced[], subjects: readonly Named[], title: string): TopLevelSpec => ({
  $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
  title,
  background: 'white',
  width: 560,
  height: { step: 18 },
  data: { values: races.flatMap(marks) },
  encoding: {
    y: { field: 'workload', type: 'nominal', sort: races.map(({ workload }) => workload.name), title: null },
    x: { field: 'times', type: 'quantitative', scale: { type: 'log' }, title: "time in the fastest's (logarithmic)" },
  },
  layer: [
    {
      mark: { type: 'rule', color: '#ddd' },
      encoding: { x: { aggregate: 'min', field: 'times' }, x2: { aggregate: 'max', field: 'times' } },
    },
    {
      mark: { type: 'point', filled: true, size: 70, opacity: 0.9 },
      encoding: {
        color: { field: 'subject', type: 'nominal', sort: subjects.map(({ name }) => name), title: null },
        shape: { field: 'subject', type: 'nominal', sort: subjects.map(({ name }) => name), title: null },
      },
    },
  ],
})

/** The chart as SVG text. */
export const chart = (races: readonly Raced[], subjects: readonly Named[], title: string): Promise<string> =>
  new View(parse(compile(spec(races, subjects, title)).spec), { renderer: 'none' }).toSVG()
