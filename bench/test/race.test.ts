// A race compares results before it times, and gives the reason if a subject has no time.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { tensor } from 'flambeau'
import { afterAll, expect, test } from 'vitest'
import { chart } from '../src/chart.ts'
import { type Document, merged, page } from '../src/document.ts'
import { InputFiles } from '../src/inputs.ts'
import { difference, isTimed, race, rows } from '../src/race.ts'
import { quick } from '../src/races.ts'
import { isPresent, named, onThreads, Process, type Subject } from '../src/subject.ts'
import { unheld } from '../src/report.ts'
import { tables } from '../src/table.ts'
import { terminal } from '../src/terminal.ts'
import type { Workload } from '../workloads/workload.ts'

const folder = mkdtempSync(join(tmpdir(), 'flambeau-bench-test-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** A subject that implements the protocol and doubles its input; `answers` overrides its answers. */
function subject(name: string, answers: string): Subject {
  const file = join(folder, `${name}.mjs`)
  writeFileSync(
    file,
    `import { readFileSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
let x
const load = ({ inputs }) => { x = new Float32Array(new Uint8Array(readFileSync(inputs.x.file)).buffer); return {} }
const run = (n) => ({ ns: 1000 * n, peak: 5e6 })
const results = (file) => { writeFileSync(file + '.0', x.map((v) => 2 * v)); return { results: 1 } }
const answers = { load, run, results, ...${answers} }
for await (const line of createInterface({ input: process.stdin })) {
  const question = JSON.parse(line)
  const answer = 'load' in question ? answers.load(question) : 'run' in question ? answers.run(question.run) : answers.results(question.results)
  console.log(JSON.stringify(answer))
}`,
  )
  return { name, title: name, command: process.execPath, args: [file] }
}

const doubling: Workload = {
  name: 'doubling',
  id: 'T',
  title: 'doubling',
  unit: 'step',
  units: 2,
  inputs: () => ({ x: tensor([1, 2, 3]) }),
  program: ({ x }) => ({ step: () => x.mul(2) }),
  expected: { after: 3, sum: 12 },
  bytes: 1000,
  targets: [
    { subject: 'right', atMost: 500 },
    { subject: 'slow', than: 'right', atMost: 2 },
    { subject: 'right', than: 'absent', atMost: 1 },
  ],
}

test('only subjects with equal results are timed; targets use the same rounds', async () => {
  const subjects = [
    subject('right', '{}'),
    subject('slow', '{ run: (n) => ({ ns: 3000 * n, peak: 7e6 }) }'),
    subject(
      'other',
      `{ results: (file) => { writeFileSync(file + '.0', x.map((v) => 3 * v)); return { results: 1 } } }`,
    ),
    subject('lacking', `{ load: () => ({ cannot: 'it has no double' }) }`),
    subject('broken', `{ run: () => { throw new Error('broken') } }`),
    subject('part', '{ results: () => ({ results: 0 }) }'),
    subject('endless', '{ run: (n) => ({ ns: 11e9 * n, peak: 0 }) }'),
  ]
  const raced = await race(doubling, subjects, new InputFiles(folder), folder, quick)
  expect(raced.cells.right).toMatchObject({ median: 500, peak: 5e6 })
  expect(raced.cells.slow).toMatchObject({ median: 1500 })
  expect(raced.cells.part).toMatchObject({ median: 500 })
  expect(raced.cells.other).toEqual({ why: 'computes something else: the sum is 18, not 12', wrong: true })
  expect(raced.cells.lacking).toEqual({ why: 'it has no double', wrong: false })
  expect(raced.cells.endless).toEqual({ why: 'over: 11.00 s a step', wrong: false })
  expect(isTimed(raced.cells.broken)).toBe(false)
  expect(rows(raced).map(({ value, atMost }) => [value, atMost])).toEqual([
    [500, 500],
    [3, 2],
  ])
  const cold = [{ subject: 'right', median: 75.4, from: 70, to: 80, peak: 5e6, installed: 1.5e6 }]
  const text = tables({ races: [raced], cold }, subjects, [{ name: 'gpu', title: 'a GPU', absent: 'none is here' }])
  expect(text).toContain('| doubling (T) | step | 500.0 ns | 1.500 µs | **wrong** | **wrong** | 500.0 ns | right |')
  expect(text).toContain('2.000 GB/s')
  expect(text).toContain('- `gpu` is absent (a GPU): none is here')
  expect(text).toContain('| right | 75 | 70 to 80 | 5 | 1.500 |')
  expect(text).toContain('- lacking, it has no double: doubling')
  const [tooSlow, inTime] = [
    { what: 'a', value: 3, unit: 'x', atMost: 2 },
    { what: 'b', value: 1, unit: 's' },
  ]
  // On a terminal one line per subject, the fastest first, then those without a time.
  expect(
    terminal({ races: [raced], cold }, [tooSlow, inTime], [{ bench: 'ops/none', result: 'ended with 1' }]).split('\n'),
  ).toEqual([
    'doubling, one step',
    '  right  500.0 ns  x 1.000  5 MB  2.000 GB/s',
    '  part   500.0 ns  x 1.000  5 MB  2.000 GB/s',
    '  slow   1.500 µs  x 3.000  7 MB  0.667 GB/s',
    '  other    WRONG: computes something else: the sum is 18, not 12',
    '  lacking  it has no double',
    expect.stringMatching(/^ {2}broken {3}WRONG: broken ended with 1/),
    '  endless  over: 11.00 s a step',
    '',
    'A fresh process to its first gradient',
    '  right  75 ms  70 to 80  5 MB  1.500 MB installed',
    '',
    'Beside each other',
    '  a  3.000 x  ≤ 2 x  FAIL',
    '  b  1.000 s',
    '',
    'ops/none',
    '  FAILED: ended with 1',
  ])
  expect(terminal({ races: [], cold: [] }, [tooSlow].map(unheld), [])).toBe('Beside each other\n  a  3.000 x')
  const svg = await chart([raced], subjects, 'Doubling')
  expect(svg).toMatch(/^<svg/)
  expect(svg).toContain('doubling')
})

test('a subject is timed on more threads where the workload asks for them, and not waited for without end', async () => {
  const threaded = `{ run: (n) => ({ ns: 1e6 * n / process.env.FLAMBEAU_THREADS, peak: 5e6 }) }`
  const stuck = subject('stuck', '{ run: () => { for (;;); } }')
  const workload = { ...doubling, threads: 2, units: 1, targets: [] }
  const subjects = onThreads([{ ...subject('one', threaded), scales: true }, stuck], [workload]).filter(isPresent)
  const options = { ...quick, patienceMs: 500 }
  const both = await race(workload, subjects, new InputFiles(folder), folder, options)
  expect(both.cells).toMatchObject({
    one: { median: 1e6 },
    'one 2 threads': { median: 5e5 },
    stuck: { why: 'did not finish in 0.5 s', wrong: false },
  })
  const single = await race({ ...workload, threads: 1 }, subjects, new InputFiles(folder), folder, options)
  expect(Object.keys(single.cells).sort()).toEqual(['one', 'stuck'])
  // Each gets a table with the subjects that compute it.
  const text = tables({ races: [both, single], cold: [] }, subjects, [])
  expect(text).toMatch(/\| {2}\| one \| one \| one 2 threads \| fastest \|[\s\S]*\| {2}\| one \| one \| fastest \|/)
})

test('runs of one name on a day add up to one document', () => {
  const of = (workload: string, median: number): Document => {
    const cell = { median, min: 1, p10: 1, p90: 1, samples: 3, peak: 5e6 }
    const row = { what: workload, value: median, unit: 'ns', atMost: 2 }
    return {
      date: '2026-11-30T00:00:00Z',
      machine: {} as Document['machine'],
      subjects: [{ name: 'js', title: 'flambeau on js' }],
      absent: [],
      workloads: [{ workload, busy: 0, cells: { js: cell }, rows: [row] }],
      cold: [],
      benches: [],
    }
  }
  const document = merged(merged(of('operation', 3), of('boston', 1)), of('operation', 2))
  expect(document.workloads.map(({ workload, cells: { js } }) => [workload, js])).toMatchObject([
    ['operation', { median: 2 }],
    ['boston', { median: 1 }],
  ])
  const text = page('Title', document, 'picture.svg')
  expect(text).toContain('2 of 2 targets are met.')
  expect(text).toMatch(
    /\| boston [\s\S]*\| operation [\s\S]*\| boston \| 1.000 ns \| ≤ 2 ns[\s\S]*\| operation \| 2.000 ns/,
  )
})

test('a workload that must not train forever restarts outside the timing', async () => {
  const counting = `{
    load: (question) => { globalThis.done = 0; return load(question) },
    run: (n) => ({ ns: (globalThis.done += n) > 60 ? 1e9 : 2e6 * n, peak: 5e6 }),
  }`
  const workload = { ...doubling, anew: 60, targets: [] }
  const { cells, measured } = await race(workload, [subject('counting', counting)], new InputFiles(folder), folder, {
    rounds: 20,
    repeat: 4,
    warmupMs: 1,
  })
  expect(measured.statistics('counting').samples).toBe(20)
  expect(cells.counting).toMatchObject({ median: 1e6, p90: 1e6 })
})

test('a turn ends when threads that look for work have stopped', async () => {
  // A thread that goes on for 20 ms after each step, on a clock of its own.
  const searching = `await (async () => {
    const { Worker } = await import('node:worker_threads')
    const flags = new Int32Array(new SharedArrayBuffer(12))
    const search = (flags) => {
      for (let seen = 0; ; ) {
        Atomics.wait(flags, 0, seen)
        seen = Atomics.load(flags, 0)
        Atomics.store(flags, 1, 1)
        Atomics.store(flags, 2, seen)
        for (const end = performance.now() + 20; performance.now() < end; );
        Atomics.store(flags, 1, 0)
      }
    }
    const worker = new Worker('(' + search + ')(require("node:worker_threads").workerData)', { eval: true, workerData: flags })
    worker.unref()
    return {
      run: (n) => {
        const step = Atomics.add(flags, 0, 1) + 1
        Atomics.notify(flags, 0)
        // Not until it is seen to look, which it may have done before this thread gets a processor again.
        while (Atomics.load(flags, 2) < step);
        return { ns: n, peak: 0 }
      },
      results: () => ({ results: Atomics.load(flags, 1) }),
    }
  })()`
  const child = new Process(subject('searching', searching))
  try {
    // Of several turns, because a way to look that misses the thread finds it sometimes.
    for (let turn = 0; turn < 8; turn++) {
      await child.run(1)
      expect(await child.results(join(folder, 'none'))).toEqual([])
    }
  } finally {
    child.close()
  }
})

test('differences are relative to the largest element', () => {
  const a = [new Float32Array([1, 1000])]
  expect(difference([new Float32Array([1.05, 1000])], a, 1e-4)).toBeUndefined()
  expect(difference([new Float32Array([1.2, 1000])], a, 1e-4)).toMatch(/^element 0 of result 0 is 1.2/)
  expect(difference([new Float32Array([Number.NaN, 1000])], a, 1e-4)).toMatch(/NaN/)
  expect(difference([new Float32Array(1)], a, 1e-4)).toBe('result 0 has 1 elements, not 2')
  expect(difference([], a, 1e-4)).toBe('0 results, not 1')
})

test('subjects are chosen by name, in their own order, and an unknown name lists them', () => {
  const all = ['js', 'wasm', 'torch'].map((name) => ({ name, title: name }))
  expect(named(all, ['torch', 'js']).map(({ name }) => name)).toEqual(['js', 'torch'])
  expect(() => named(all, ['js', 'wsam'])).toThrow('no subject is called wsam; there are js, wasm, torch')
})
