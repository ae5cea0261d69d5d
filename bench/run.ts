// Runs every bench in a process of its own, prints the tables and writes them to bench/results with a description of the
// machine. `pnpm bench`; `pnpm bench ops/matmul import` runs some of them and writes nothing.
import { mkdirSync, writeFileSync } from 'node:fs'
import { describeMachine, load, quiet, untilQuiet } from './src/machine.ts'
import { markdown, passes, type Result } from './src/report.ts'
import { runBench } from './src/run-bench.ts'

const benches = [
  'ops/overhead',
  'models/boston',
  'models/breast-cancer',
  'ops/matmul',
  'ops/elementwise',
  'import',
  'soak/breast-cancer',
]

const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !benches.includes(name))
if (unknown.length > 0) {
  console.error(`no bench is called ${unknown.join(', ')}; there are ${benches.join(', ')}`)
  process.exit(2)
}

interface Section {
  readonly bench: string
  /** The share of all cores that others used just before. */
  readonly busy: number
  readonly seconds: number
  readonly result: Result | string
}

const machine = describeMachine()
const percent = (share: number): string => `${(share * 100).toFixed(0)} %`
const say = (line: string): void => void process.stderr.write(`${line}\n`)

const sections: Section[] = []
for (const bench of wanted.length > 0 ? wanted : benches) {
  const busy = await untilQuiet(20)
  if (busy >= quiet) say(`OTHERS USE ${percent(busy)} OF THIS MACHINE: what follows is not to be trusted.`)
  const start = Date.now()
  say(`${bench} …`)
  sections.push({
    bench,
    busy,
    result: await runBench(new URL(`./${bench}.js`, import.meta.url)),
    seconds: (Date.now() - start) / 1000,
  })
}

const busiest = Math.max(...sections.map(({ busy }) => busy))
const sectionText = ({ bench, busy, seconds, result }: Section): string => {
  const head = `## ${bench}\n\n`
  const foot = `\n\nTook ${seconds.toFixed(0)} s; before it others used ${percent(busy)} of the machine.\n`
  if (typeof result === 'string') return `${head}**FAILED**: ${result}${foot}`
  return head + [markdown(result.rows), ...result.remarks].join('\n\n') + foot
}
const rows = sections.flatMap(({ result }) => (typeof result === 'string' ? [] : result.rows))
const verdicts = rows.map(passes).filter((passed) => passed !== undefined)
const kept = verdicts.filter((passed) => passed).length
const broken = sections.filter(({ result }) => typeof result === 'string').length

const date = new Date().toISOString()
const text = `# Measured on ${date.slice(0, 10)}

${kept} of ${verdicts.length} targets are met${broken > 0 ? `; ${broken} benches failed` : ''}.${
  busiest >= quiet ? `\n\n**Others used up to ${percent(busiest)} of the machine: not to be trusted.**` : ''
}

| | |
|---|---|
${Object.entries(machine)
  .map(([key, value]) => `| ${key} | ${value} |`)
  .join('\n')}
| load | ${load()} |

Medians; the spread is the range from the 10th to the 90th percentile, for ratios of single rounds.

${sections.map(sectionText).join('\n')}`

console.log(text)
if (wanted.length === 0) {
  const folder = new URL('../results/', import.meta.url)
  const slug = `${machine.cpu.replace(/\(.*/, '')}-${machine.cores}-cores`.toLowerCase().replace(/[^a-z0-9]+/g, '-')
  const file = `${date.slice(0, 10)}-${slug}`
  mkdirSync(folder, { recursive: true })
  writeFileSync(new URL(`${file}.md`, folder), text)
  writeFileSync(new URL(`${file}.json`, folder), `${JSON.stringify({ date, machine, sections }, null, 2)}\n`)
  say(`written: bench/results/${file}.md and .json`)
}
process.exitCode = broken > 0 || kept < verdicts.length ? 1 : 0
