// Two revisions side by side: the same bench is run from two checkouts in turn, A B B A, in fresh processes, and every
// figure of the second is given in the first's. Differences inside the spread are no differences.
//
//   git worktree add /tmp/before main && (cd /tmp/before && pnpm install && node tools/build.mjs bench)
//   node bench/dist/compare.js /tmp/before . ops/overhead --rounds 5
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { median } from './src/harness.ts'
import { figure } from './src/report.ts'
import { runBench } from './src/run-bench.ts'

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '5' } },
})
const [base, head, ...benches] = positionals
const rounds = Number(values.rounds)
if (benches.length === 0 || !(rounds >= 1)) {
  console.error('usage: compare.js BASE HEAD BENCH... [--rounds N]; BASE and HEAD are checkouts with bench built')
  process.exit(2)
}

interface Figures {
  readonly unit: string
  readonly base: number[]
  readonly head: number[]
}

for (const bench of benches) {
  const figures = new Map<string, Figures>()
  for (let round = 0; round < rounds; round++) {
    const sides = [
      ['base', base],
      ['head', head],
    ] as const
    for (const [side, folder] of round % 2 === 0 ? sides : [...sides].reverse()) {
      const result = await runBench(pathToFileURL(resolve(folder, 'bench/dist', `${bench}.js`)))
      if (typeof result === 'string') throw new Error(`${bench} in ${folder}: ${result}`)
      for (const { what, value, unit } of result.rows) {
        const found: Figures = figures.get(what) ?? { unit, base: [], head: [] }
        found[side].push(value)
        figures.set(what, found)
      }
    }
  }
  console.log(`\n## ${bench}\n\n| | base | head | head / base | from | to |\n|---|---:|---:|---:|---:|---:|`)
  for (const [what, { unit, base: before, head: after }] of figures) {
    if (before.length !== after.length) continue
    const ratios = after.map((value, round) => value / before[round])
    const cells = [median(before), median(after)].map((value) => `${figure(value)} ${unit}`)
    const spread = [median(ratios), Math.min(...ratios), Math.max(...ratios)].map(figure)
    console.log(`| ${[what, ...cells, ...spread].join(' | ')} |`)
  }
}
