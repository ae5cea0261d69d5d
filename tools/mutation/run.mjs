// Mutation testing: Stryker changes one expression of the sources at a time and runs the tests that reach it; a change that no
// test notices is a hole in the tests. Takes minutes to hours, so it is called by hand, in a clone without changes of its own,
// because Stryker writes its mutants into the sources: `cd tools/mutation && npm ci && node run.mjs ops --sample 100`.
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Stryker } from '@stryker-mutator/core'
import { areas } from './areas.mjs'
import { excludedMutations, mutantsOf, sampled } from './mutants.mjs'

const usage = `node run.mjs AREA [--sample N] [--seed N] [--only FILE] [--report FILE]

  AREA      ${Object.keys(areas).join(', ')}
  --sample  tries that many mutants, spread over the area, and the smaller ones inside of them; all where it is left out
  --seed    which ones, 0 unless told otherwise
  --only    those of files whose path contains this
  --static  tries also what runs only once, when a module is loaded: each takes a run of all tests
  --report  writes what survived there, as Markdown
`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    sample: { type: 'string' },
    seed: { type: 'string', default: '0' },
    only: { type: 'string', default: '' },
    report: { type: 'string' },
    static: { type: 'boolean', default: false },
    help: { type: 'boolean' },
  },
})
const area = areas[positionals[0]]
if (values.help || area === undefined) {
  process.stdout.write(usage)
  process.exit(values.help ? 0 : 2)
}

const here = dirname(fileURLToPath(import.meta.url))
process.chdir(join(here, '../..'))
const mutants = (await mutantsOf(area.sources)).filter(({ fileName }) => fileName.includes(values.only))
const chosen = values.sample === undefined ? mutants : sampled(mutants, Number(values.sample), Number(values.seed))
process.stdout.write(`${chosen.length} of ${mutants.length} mutants\n`)

// Sources with mutants in them are slow: how long a test may take is Stryker's to say.
const config = join(here, 'vitest.generated.config.ts')
writeFileSync(
  config,
  `import base from '../../vitest.config.ts'\nexport default { ...base, test: { ...base.test, include: ${JSON.stringify(area.tests)}, reporters: ['default'], testTimeout: 0 } }\n`,
)

const rangeOf = ({ fileName, location: { start, end } }) =>
  `${fileName}:${start.line + 1}:${start.column}-${end.line + 1}:${end.column}`
const require = createRequire(import.meta.url)
const stryker = new Stryker({
  mutate: [...new Set(chosen.map(rangeOf))],
  testRunner: 'vitest',
  plugins: [require.resolve('@stryker-mutator/vitest-runner')],
  vitest: { configFile: config, related: false },
  coverageAnalysis: 'perTest',
  // What runs once, when a module is loaded, can only be tried by running every test.
  ignoreStatic: !values.static,
  mutator: { excludedMutations },
  // Packages find each other by links in node_modules, which lead into this folder and not into a copy of it.
  inPlace: true,
  concurrency: Number(process.env.MUTATION_CONCURRENCY ?? 2),
  timeoutMS: 20000,
  dryRunTimeoutMinutes: 20,
  reporters: ['dots'],
  tempDirName: join(here, 'temp'),
  allowEmpty: false,
})
const results = await stryker.runMutationTest()
rmSync(config, { force: true })
const root = process.cwd()
const relative = (fileName) => (fileName.startsWith(root) ? fileName.slice(root.length + 1) : fileName)
const counted = results.map((mutant) => ({ ...mutant, fileName: relative(mutant.fileName) }))
const by = (...states) => counted.filter(({ status }) => states.includes(status))
const dead = by('Killed', 'Timeout', 'RuntimeError', 'CompileError')
const alive = by('Survived', 'NoCoverage')
const lines = alive.map(({ fileName, location, replacement, status }) => {
  const source = readFileSync(fileName, 'utf8').split('\n')
  const { line, column } = location.start
  return `- ${fileName}:${line}:${column} ${status}: \`${source[line - 1]?.trim()}\` becomes \`${replacement}\``
})
const text = `${positionals[0]}: ${dead.length} of ${dead.length + alive.length} died, ${by('Ignored').length} are static\n\n${lines.join('\n')}\n`
process.stdout.write(`\n${text}`)
if (values.report !== undefined) writeFileSync(values.report, text)
