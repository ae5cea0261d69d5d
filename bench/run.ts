// `pnpm bench`: the commands by name, and their arguments.
import { parseArgs } from 'node:util'
import { all, known } from './commands/all.ts'
import { compare } from './commands/compare.ts'
import { vs } from './commands/vs.ts'
import { workloads } from './workloads/index.ts'

const usage = `pnpm bench                          everything; writes bench/results/<date>-<machine>.{md,json,svg}
pnpm bench NAME...                  some workloads and benches; prints, writes nothing
pnpm bench vs [WORKLOAD...]         beside other libraries
pnpm bench compare A B [NAME...]    two revisions or checkouts

Workloads  ${workloads.map(({ name }) => name).join(' ')}
Benches    ${known.map((name) => (name.includes(' ') ? `'${name}'` : name)).join(' ')}

  --save NAME  writes the run to bench/results under that name, beside what runs of the name have left there today
  --browser    runs vs in a worker of headless Chromium, with those that run there
  --subjects A,B
               runs vs with these subjects only
  --quick      takes the few samples that show that everything runs: its figures mean nothing, and it writes nothing
  --help       prints this`

/** Returns the exit code: 0 if everything ran and all targets are met. */
const run = async (): Promise<number> => {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      save: { type: 'string' },
      browser: { type: 'boolean', default: false },
      subjects: { type: 'string' },
      quick: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) {
    console.log(usage)
    return 0
  }
  const commands: Readonly<Record<string, typeof all>> = { vs, compare }
  const [first, ...rest] = positionals
  return (await (Object.hasOwn(commands, first) ? commands[first](rest, values) : all(positionals, values))) ? 0 : 1
}

/** Misuse is reported in one line. */
const isMisuse = (error: unknown): error is Error =>
  error instanceof RangeError || (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS') === true

try {
  process.exitCode = await run()
} catch (error) {
  if (!isMisuse(error)) throw error
  console.error(`${error.message.split(/\. |\n/)[0]} (pnpm bench --help)`)
  process.exitCode = 2
}
