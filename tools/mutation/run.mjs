// Mutation testing: changes one expression of the sources at a time and runs the tests that reach it; a change that no
// test notices is a gap in the tests. Stryker puts all mutants into the sources at once, each behind a switch, and one
// run of all tests records which test reaches which. It takes minutes to hours and writes into the sources, so run it
// by hand in a clone without changes of its own: `cd tools/mutation && npm ci && node run.mjs ops:100`.
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { areas } from './areas.mjs'
import { sampled } from '../sample.mjs'
import { instrumented, mutantsOf } from './mutants.mjs'
import { coverageFile, Runner } from './runner.mjs'

const usage = `node run.mjs AREA... [options]

  AREA          ${Object.keys(areas).join(', ')}
                with :N tries that many of its mutants, spread over it; all of them without
  --seed N      which ones, 0 unless told otherwise
  --only EXPR   those whose place, as src/ops/pad.ts:12, matches this regular expression
  --tests EXPR  runs the test files whose path matches this
  --static      tries what runs only when a module is loaded, by all tests, instead of what a test reaches
  --budget S    leaves out the slower tests of a mutant after so many seconds; 60 unless told otherwise
  --jobs N      so many at a time, 2 unless told otherwise
  --verbose     tells of those that died, too, and of the test that failed
  --report F    writes down there what it tells, as it goes
`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string', default: '0' },
    only: { type: 'string', default: '' },
    tests: { type: 'string', default: '' },
    static: { type: 'boolean', default: false },
    budget: { type: 'string', default: '60' },
    jobs: { type: 'string', default: '2' },
    verbose: { type: 'boolean', default: false },
    report: { type: 'string' },
    help: { type: 'boolean' },
  },
})
const wanted = positionals.map((text) => text.split(':'))
if (values.help || wanted.length === 0 || wanted.some(([name]) => areas[name] === undefined)) {
  process.stdout.write(usage)
  process.exit(values.help ? 0 : 2)
}

const report = values.report && resolve(values.report)
function say(text) {
  process.stdout.write(text)
  if (report !== undefined) appendFileSync(report, text)
}

process.chdir(join(dirname(fileURLToPath(import.meta.url)), '../..'))
const folder = mkdtempSync(join(tmpdir(), 'mutation-'))
const include = [...new Set(wanted.flatMap(([name]) => areas[name].tests))]
const packages = [...new Set(wanted.flatMap(([name]) => areas[name].packages))]

// ---- the mutants ----

const chosen = []
const areaOf = new Map()
for (const [name, number] of wanted) {
  const found = (await mutantsOf(areas[name].sources)).filter(({ fileName, location }) =>
    new RegExp(values.only).test(`${fileName}:${location.start.line + 1}`),
  )
  const some = number === undefined ? found : sampled(found, Number(number), Number(values.seed))
  say(`${name}: ${some.length} of ${found.length} mutants\n`)
  chosen.push(...some)
  for (const { fileName } of some) areaOf.set(fileName, name)
}
const { files, mutants } = await instrumented(chosen)
const originals = new Map(files.map(({ name }) => [name, readFileSync(name, 'utf8')]))

process.on('exit', () => {
  Runner.stopAll()
  for (const [name, text] of originals) writeFileSync(name, text)
  rmSync(folder, { recursive: true, force: true })
})
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130))
for (const { name, content } of files) writeFileSync(name, content)

// ---- all tests without a mutant: the time of each, and the mutants it reaches ----

const runnerOf = (index, bail) => new Runner({ include, only: values.tests, bail }, join(folder, `state-${index}.json`))
const dry = runnerOf(0, 0)
const first = await dry.ask({ state: { packages, coverage: folder } }, 600_000)
dry.stop()
if (first === undefined) throw new Error('the tests did not end')
const failed = first.tests.filter(({ state }) => state === 'failed')
for (const { file, name, error } of failed) say(`fails without a mutant: ${file} ${name}: ${error}\n`)
for (const error of first.errors) say(`fails without a mutant: ${error}\n`)
const unfit = new Set(failed.map(({ file }) => file))

/** Milliseconds by file and test. */
const times = new Map()
for (const { file, name, time, state } of first.tests)
  if (state === 'passed' && !unfit.has(file)) times.set(file, (times.get(file) ?? new Map()).set(name, time))
const allFiles = Object.fromEntries([...times.keys()].map((file) => [file, true]))

/** The tests of each file that reach a mutant, or true for all of them; and how often it is reached in total. */
const reached = new Map(mutants.map(({ id }) => [id, { tests: {}, hits: 0, loaded: false }]))
for (const [file, known] of times) {
  const path = coverageFile(folder, file)
  if (!existsSync(path)) continue
  const { static: loaded, perTest } = JSON.parse(readFileSync(path, 'utf8'))
  for (const id of Object.keys(loaded)) if (reached.has(id)) reached.get(id).loaded = true
  for (const [place, hits] of Object.entries(perTest)) {
    // Any test of a file may need what the file reaches outside its tests.
    const name = place === file ? undefined : place.slice(file.length + 1)
    if (name !== undefined && !known.has(name)) continue
    for (const [id, count] of Object.entries(hits)) {
      const mutant = reached.get(id)
      // A module that is loaded again while tests are described still counts as loaded.
      if (mutant === undefined || (name === undefined && mutant.loaded)) continue
      mutant.hits += count
      if (name === undefined) mutant.tests[file] = true
      else if (mutant.tests[file] !== true) (mutant.tests[file] ??= []).push(name)
    }
  }
}
const timeOf = (file, names) =>
  (names === true ? [...times.get(file).keys()] : names).reduce(
    (all, name) => all + (times.get(file).get(name) ?? 0),
    0,
  )
const total = Object.keys(allFiles).reduce((all, file) => all + timeOf(file, true), 0)
say(`${first.tests.length} tests of ${times.size} files, ${Math.round(total / 1000)} s\n\n`)

// ---- one mutant at a time ----

const counts = {}
function told(mutant, kind, detail) {
  const { fileName, location, replacement } = mutant
  const count = (counts[areaOf.get(fileName)] ??= {})
  count[kind] = (count[kind] ?? 0) + 1
  if ((kind === 'died' && !values.verbose) || kind === 'only loaded') return
  const { line, column } = location.start
  const source = originals.get(fileName).split('\n')[line]?.trim()
  say(`- ${fileName}:${line + 1}:${column + 1} ${kind}${detail}: \`${source}\` becomes \`${replacement}\`\n`)
}

const waiting = []
for (const mutant of mutants) {
  const { tests, hits, loaded } = reached.get(mutant.id)
  const any = Object.keys(tests).length > 0
  if (!values.static && any) waiting.push({ mutant, tests, hitLimit: Math.max(10_000, hits * 100) })
  else if (!values.static) told(mutant, loaded ? 'only loaded' : 'reached by no test', '')
  else if (loaded && !any) waiting.push({ mutant, tests: allFiles })
}

/** The files with the fastest tests, as many as the budget allows. */
function affordable(tests) {
  const order = Object.entries(tests).map(([file, names]) => ({ file, time: timeOf(file, names) }))
  order.sort((a, b) => a.time - b.time)
  let spent = 0
  const count = order.findIndex(({ time }, i) => {
    spent += time
    return i > 0 && spent > Number(values.budget) * 1000
  })
  return (count < 0 ? order : order.slice(0, count)).map(({ file }) => file)
}

async function work(index) {
  let runner
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const { mutant, tests, hitLimit } = next
    const some = affordable(tests)
    const slowest = Math.max(...some.map((file) => timeOf(file, tests[file])))
    runner ??= runnerOf(index, 1)
    const answer = await runner.ask(
      { state: { mutant: mutant.id, hitLimit, packages, tests }, files: some },
      30_000 + 3 * slowest,
    )
    if (answer === undefined) {
      runner.stop()
      runner = undefined
      told(mutant, 'did not end', '')
      continue
    }
    const failure = answer.tests.find(({ state }) => state === 'failed')
    if (failure !== undefined) told(mutant, 'died', ` of ${failure.name}: ${failure.error}`)
    else if (answer.errors.length > 0) told(mutant, 'died', ` of ${answer.errors[0]}`)
    else {
      const passed = answer.tests.filter(({ state }) => state === 'passed').length
      told(mutant, 'survived', ` ${passed} tests of ${some.length} of ${Object.keys(tests).length} files`)
    }
  }
  runner?.stop()
}
await Promise.all(Array.from({ length: Number(values.jobs) }, (_, index) => work(index)))
say(`\n${JSON.stringify(counts, null, 2)}\n`)
process.exit(0)
