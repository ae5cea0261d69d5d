// The tests of CUDA under faults in kernels (tools/cuda/mutate.mjs). All test files are loaded once, and the functions of
// their tests run again and again: first each by itself, to know which lines of which texts it runs, and then for each
// fault those that run a line of it, fastest first, until one fails. The driver for tests puts the faults in
// (FAKECUDA_MUTATE), so device, compiled texts and the code of all tests are kept from fault to fault.
import { appendFileSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { beforeAll, TestRunner, test } from 'vitest'
import { openCuda } from '../../src/cuda/index.ts'

interface Mutant {
  readonly number: number
  readonly kernel: string
  readonly limit: number
  readonly lines: readonly { readonly digest: string; readonly line: number; readonly is: string }[]
  /** The names of tests that run it, in the order in which they are tried. */
  readonly tests: readonly string[]
}

interface State {
  /** The file to which the driver appends what ran: then tests are noted with what they run, and no fault is tried. */
  readonly coverage?: string
  readonly mutants: readonly Mutant[]
  /** The file of the fault that is tried. */
  readonly fault: string
  /** The file that gets a line for each test or fault. */
  readonly results: string
}
const state: State = JSON.parse(readFileSync(process.env.FLAMBEAU_MUTANTS as string, 'utf8'))

interface Task {
  readonly name: string
  run(): Promise<void>
}

/** The tests of all files; each runs in the environment that its file has made for itself. */
async function collected(): Promise<Map<string, Task>> {
  const tasks = new Map<string, Task>()
  const suite = TestRunner.getCurrentSuite()
  for (const file of ['sizes', 'lines', 'vectors', 'products', 'library', 'random', 'programs', 'blocks']) {
    delete process.env.FAKECUDA_BLOCKS
    const before = suite.tasks.length
    await import(`./${file}.test.ts`)
    const blocks = process.env.FAKECUDA_BLOCKS
    for (const task of suite.tasks.slice(before)) {
      if (task.type !== 'test') continue
      // Long names are cut short, and then not the only ones.
      let name = `${file}: ${task.name}`
      while (tasks.has(name)) name += ' again'
      const run = async (): Promise<void> => {
        if (blocks === undefined) delete process.env.FAKECUDA_BLOCKS
        else process.env.FAKECUDA_BLOCKS = blocks
        await TestRunner.getTestFn(task)()
        // Finalizers, and the answers that vitest waits for.
        await new Promise((done) => setImmediate(done))
      }
      tasks.set(name, { name, run })
    }
  }
  return tasks
}
const tasks = await collected()
const device = openCuda(0)
const tell = (file: string, what: object): void => appendFileSync(file, `${JSON.stringify(what)}\n`)

/** Runs each test by itself and notes its time, and where the driver's lines about it begin and end. */
async function makeIndex(coverage: string): Promise<void> {
  for (const [name, { run }] of tasks) {
    const from = statSync(coverage, { throwIfNoEntry: false })?.size ?? 0
    const start = performance.now()
    await run()
    const time = performance.now() - start
    // The driver writes what ran when it is asked for its memory.
    device.gpu.memory()
    tell(state.results, { name, time, from, to: statSync(coverage, { throwIfNoEntry: false })?.size ?? 0 })
  }
}

const failing = async ({ run }: Task): Promise<string | undefined> => {
  try {
    await run()
    return undefined
  } catch (error) {
    return (error as Error).message.split('\n')[0].slice(0, 200)
  }
}

async function tryAll(mutants: readonly Mutant[]): Promise<void> {
  /** The tests that noticed the last faults of a kernel. */
  const noticed = new Map<string, string[]>()
  for (const [turn, { number, kernel, limit, lines, tests }] of mutants.entries()) {
    const file = `${state.fault}.${number}`
    writeFileSync(file, `${limit}\n${lines.map(({ digest, line, is }) => `${digest} ${line} ${is}\n`).join('')}`)
    const last = noticed.get(kernel) ?? []
    const order = [...last.filter((name) => tests.includes(name)), ...tests.filter((name) => !last.includes(name))]
    const start = performance.now()
    let by: string | undefined
    let error: string | undefined
    let ran = 0
    process.env.FAKECUDA_MUTATE = file
    for (const name of order) {
      ran++
      error = await failing(tasks.get(name) as Task)
      if (error === undefined) continue
      by = name
      break
    }
    process.env.FAKECUDA_MUTATE = ''
    rmSync(file)
    const time = performance.now() - start
    if (by !== undefined) {
      noticed.set(kernel, [by, ...last.filter((name) => name !== by)].slice(0, 3))
      // A fault may leave behind memory with which no other is tried: another process goes on, and tries this one
      // again if it was not the first.
      if ((await failing(tasks.get(by) as Task)) !== undefined) {
        if (turn === 0) tell(state.results, { number, by, error, ran, time })
        return
      }
    }
    tell(state.results, { number, by, error, ran, time })
  }
}

beforeAll(async () => {
  if (state.coverage !== undefined) await makeIndex(state.coverage)
  else await tryAll(state.mutants)
  // The tests do not run once more.
  for (const task of TestRunner.getCurrentSuite().tasks) if (task.type === 'test') task.mode = 'skip'
}, 0)
test('faults', () => {})
