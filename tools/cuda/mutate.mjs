// Measures whether the tests notice faults in kernels: removes barriers, and changes comparisons and arithmetic, one at a
// time, through the driver for tests (FAKECUDA_MUTATE), runs the tests that run the changed line until one fails, and
// prints the faults that none noticed. It is no part of the tests; docs/internals/cuda.md has the figures, equivalent.mjs
// the changes that change no result.
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, openSync, readFileSync, readSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root, say } from '../lib.mjs'
import { dice, faultLine, percent, sampled } from '../sample.mjs'
import { faultsOf } from './changes.mjs'
import { equivalent } from './equivalent.mjs'

const folder = join(root, 'native', 'build', 'cuda', 'mutants')
const coverage = join(folder, 'lines.jsonl')
const index = join(folder, 'index.jsonl')
/** Tests of drawn expressions: places that only they run are draws, not parts of a plan. */
const draws = /^random: \d+ /
/** Milliseconds in which a worker must get on with a fault. */
const patience = 300_000

const linesOf = (file) =>
  existsSync(file)
    ? readFileSync(file, 'utf8')
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line))
    : []

/** Runs mutants.ts in a process of its own until it ends, or tells nothing for too long. */
const worker = (results, state, environment = {}) =>
  new Promise((done) => {
    const file = `${results}.state`
    writeFileSync(file, JSON.stringify({ fault: join(folder, 'fault'), results, mutants: [], ...state }))
    const log = openSync(`${results}.log`, 'w')
    const args = ['node_modules/vitest/vitest.mjs', 'run', '--config', 'tools/cuda/mutants.config.mjs']
    const env = { ...process.env, ...environment, FLAMBEAU_MUTANTS: file }
    // The head of a process group, so that processes of vitest end with it.
    const child = spawn(process.execPath, args, { cwd: root, env, stdio: ['ignore', log, log], detached: true })
    const end = () => {
      try {
        process.kill(-child.pid, 'SIGKILL')
      } catch {
        // It has ended.
      }
    }
    process.once('exit', end)
    const start = Date.now()
    const watch = setInterval(() => {
      const heard = statSync(results, { throwIfNoEntry: false })?.mtimeMs ?? 0
      if (Date.now() - Math.max(heard, start) > patience) end()
    }, 1000)
    child.once('exit', () => {
      clearInterval(watch)
      process.off('exit', end)
      done()
    })
  })

/** Runs all tests by themselves: their times, and the lines that each of them runs. */
async function makeIndex() {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  await worker(index, { coverage }, { FLAMBEAU_CUDA_COVERAGE: folder })
  if (!existsSync(index)) throw new Error(`no test ran:\n${readFileSync(`${index}.log`, 'utf8')}`)
}

/**
 * The tests, with the most instructions of warps that a kernel took; by digest and line the numbers of those that run it;
 * and the digests of the texts in which faults are tried.
 */
function readIndex() {
  const tests = linesOf(index)
  const file = openSync(coverage)
  const runs = new Map()
  const digests = new Set()
  for (const [number, test] of tests.entries()) {
    const bytes = Buffer.alloc(test.to - test.from)
    readSync(file, bytes, 0, bytes.length, test.from)
    test.most = 0
    for (const text of bytes.toString().split('\n')) {
      if (text === '') continue
      const { digest, instructions, lines } = JSON.parse(text)
      if (!draws.test(test.name)) digests.add(digest)
      test.most = Math.max(test.most, instructions)
      for (const { line, warps } of lines) {
        if (warps === 0) continue
        const key = `${digest} ${line}`
        const known = runs.get(key)
        if (known === undefined) runs.set(key, [number])
        else if (known.at(-1) !== number) known.push(number)
      }
    }
  }
  return { tests, runs, digests: [...digests].sort() }
}

const classes = ['barrier', 'comparison', 'arithmetic']
const kinds = ['written', 'function', 'library']

/** All barriers, and so many of the other classes of each kind. */
const chosen = (faults, each, seed) =>
  kinds.flatMap((kind) =>
    classes.flatMap((one) => {
      const all = faults.filter((fault) => fault.kind === kind && fault.class === one)
      return one === 'barrier' ? all : sampled(all, each, seed)
    }),
  )

/** The fastest tests that run a fault, as many as the budget in milliseconds allows. */
function testsOf({ lines }, { tests, runs }, budget) {
  const numbers = new Set(lines.flatMap(({ digest, line }) => runs.get(`${digest} ${line}`) ?? []))
  const all = [...numbers].map((number) => tests[number]).sort((a, b) => a.time - b.time)
  let spent = 0
  const count = all.findIndex(({ time }, i) => i > 0 && (spent += time) > budget)
  return { all, some: count < 0 ? all : all.slice(0, count) }
}

/** Tries faults, by a process after the other where one leaves something behind; returns what came of each. */
async function tryAll(mutants, name) {
  const results = join(folder, `${name}.jsonl`)
  rmSync(results, { force: true })
  const waiting = new Map(mutants.map((mutant) => [mutant.number, mutant]))
  const outcomes = new Map()
  while (waiting.size > 0) {
    const before = waiting.size
    const asked = [...waiting.values()]
    await worker(results, { mutants: asked, fault: join(folder, `${name}.fault`) })
    for (const outcome of linesOf(results)) {
      outcomes.set(outcome.number, outcome)
      waiting.delete(outcome.number)
    }
    if (waiting.size < before) continue
    // It ended, or had to be ended, by the first fault.
    outcomes.set(asked[0].number, { by: 'the process', error: 'it ended', ran: 1, time: 0 })
    waiting.delete(asked[0].number)
  }
  return outcomes
}

/** What came of faults, as lines: the survivors, and the counts of each kind and class. */
function* report(faults, outcomes) {
  const counts = new Map(kinds.flatMap((kind) => classes.map((one) => [`${kind} ${one}`, {}])))
  for (const fault of faults) {
    const { site, kind, was, is, number, reached } = fault
    const outcome = outcomes.get(number)
    const isRefused = outcome?.error?.includes('PTX') ?? false
    const what =
      reached === 0
        ? 'never run'
        : isRefused
          ? 'refused'
          : outcome.by !== undefined
            ? 'noticed'
            : equivalent.some((entry) => entry.place.test(site) && entry.code.test(was))
              ? 'equivalent'
              : 'survived'
    const count = counts.get(`${kind} ${fault.class}`)
    count[what] = (count[what] ?? 0) + 1
    const ran = outcome === undefined ? '' : `, ${outcome.ran} of ${reached} tests`
    if (what !== 'noticed' && what !== 'refused') yield faultLine(`${what}: ${kind}: ${site}${ran}`, was, is)
  }
  for (const [name, count] of counts) {
    const { noticed = 0, survived = 0, equivalent = 0, refused = 0, 'never run': never = 0 } = count
    if (noticed + survived + equivalent + refused + never === 0) continue
    yield `${name}: ${noticed} of ${noticed + survived} noticed (${percent(noticed, noticed + survived)}); ${equivalent} change nothing, ${never} are never run, ${refused} are no PTX`
  }
}

export async function mutate({ each = '400', seed = '0', only = '', budget = '10', again }) {
  if (!again || !existsSync(index)) await makeIndex()
  const known = readIndex()
  const texts = known.digests.map((name) => [name, readFileSync(join(folder, 'texts', `${name}.ptx`), 'utf8')])
  const all = faultsOf(texts, dice(Number(seed))).filter(({ kind, site }) => new RegExp(only).test(`${kind}: ${site}`))
  const faults = chosen(all, Number(each), Number(seed)).map((fault, number) => {
    const { all, some } = testsOf(fault, known, 1000 * Number(budget))
    const most = some.reduce((most, test) => Math.max(most, test.most), 0)
    return { ...fault, number, reached: all.length, tests: some.map(({ name }) => name), limit: 100_000 + 2 * most }
  })
  say(`${known.tests.length} tests, ${texts.length} texts, ${all.length} faults, of which ${faults.length} are tried`)
  const start = performance.now()
  const tried = faults.filter(({ reached }) => reached > 0)
  const outcomes = await tryAll(tried, `tried-${process.pid}`)
  for (const line of report(faults, outcomes)) say(line)
  say(`${((performance.now() - start) / 1000 / tried.length).toFixed(2)} s for a fault`)
  return 0
}
