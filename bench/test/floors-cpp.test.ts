// The floors in C++ compute what the other floors compute: with this machine's vectors and with the narrowest, their
// results equal those of the floors in JavaScript, which floors.test.ts compares with flambeau's.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { tensor } from 'flambeau'
import { afterAll, describe, expect, test } from 'vitest'
import { floors } from '../floors/index.ts'
import { inC } from '../src/floors.ts'
import { InputFiles } from '../src/inputs.ts'
import { difference } from '../src/race.ts'
import type { Numbers } from '../src/answering.ts'
import { Process, type Subject } from '../src/subject.ts'
import { isAbsent } from '../src/subject.ts'
import { workloadNamed } from '../workloads/index.ts'
import type { Inputs, Workload } from '../workloads/workload.ts'

const scratch = mkdtempSync(join(tmpdir(), 'flambeau-floors-test-'))
afterAll(() => rmSync(scratch, { recursive: true }))
const files = new InputFiles(scratch)

const { NaN: nan, POSITIVE_INFINITY: inf } = Number

const sources = fileURLToPath(new URL('../floors/cpp/', import.meta.url))
const machines = ['native', ...(process.arch === 'x64' ? ['x86-64'] : [])]
const subjects = machines.map((machine) => [machine, inC(sources, ['-O1', `-march=${machine}`])] as const)

const numbersOf = (inputs: Inputs): Record<string, Numbers> =>
  Object.fromEntries(
    Object.entries(inputs).map(([name, x]) => [name, { data: x.toArray() as Float32Array, shape: [...x.shape] }]),
  )

/** Both results after some steps. */
async function both(
  name: string,
  inputs: Workload['inputs'],
  subject: Subject,
  steps: number,
): Promise<Float32Array[][]> {
  const floor = floors[name](numbersOf(await inputs()))
  let last: unknown
  for (let i = 0; i < steps; i++) last = floor.step()
  const process = new Process(subject)
  try {
    await process.load(name, await files.of({ ...workloadNamed(name), inputs }))
    await process.run(steps)
    return [await process.results(join(scratch, 'result')), floor.results(last).map((x) => new Float32Array(x))]
  } finally {
    process.close()
  }
}

describe.each(subjects)('with -march=%s', (_, subject) => {
  if (isAbsent(subject)) {
    console.warn(`floors in C++ are not tested: ${subject.absent}`)
    test.skip(subject.absent)
    return
  }
  const names = Object.keys(floors).filter((name) => !/^(matmul-(512|1024)|(sum|mean|max)-\d)$/.test(name))
  test.each(names)('%s', async (name) => {
    const { inputs, tolerance = 1e-4 } = workloadNamed(name)
    const [found, expected] = await both(name, inputs, subject, 5)
    expect(difference(found, expected, tolerance)).toBeUndefined()
  })

  const data = Float32Array.from({ length: 1e7 }, (_, i) => ((i * 37) % 101) - 50)
  for (const [at, value] of [nan, inf, -inf].entries()) data[at * 3_010_070 + 1003] = value
  const cube = { x: tensor(data).view(1000, 1000, 10) }
  const inputs = (): Inputs => cube
  test.each(['sum-0', 'sum-1', 'sum-2', 'max-0', 'max-1', 'max-2'])('%s, NaN and infinities included', async (name) => {
    const [[found], [expected]] = await both(name, inputs, subject, 1)
    const wrong = found.findIndex(
      (value, i) => !Object.is(value, expected[i]) && !(Math.abs(value - expected[i]) <= 1e-2),
    )
    expect(wrong).toBe(-1)
  })
})
