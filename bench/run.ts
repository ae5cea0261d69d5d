// `pnpm bench`: the commands by name.
//
//   pnpm bench                          everything; writes bench/results/<date>-<machine>.{md,json,svg}
//   pnpm bench boston ops/overhead      some workloads and benches; prints, writes nothing
//   pnpm bench vs [WORKLOAD...]         beside other libraries
//   pnpm bench compare A B [NAME...]    two revisions or checkouts
//
// `--quick` takes the few samples that show that everything runs: its figures mean nothing, and it writes nothing.
import { parseArgs } from 'node:util'
import { all } from './commands/all.ts'
import { compare } from './commands/compare.ts'
import { vs } from './commands/vs.ts'

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean', default: false } },
})
const commands: Readonly<Record<string, typeof all>> = { vs, compare }
const [first, ...rest] = positionals
try {
  const met = await (first in commands ? commands[first](rest, values) : all(positionals, values))
  process.exitCode = met ? 0 : 1
} catch (error) {
  if (!(error instanceof RangeError)) throw error
  console.error(error.message)
  process.exitCode = 2
}
