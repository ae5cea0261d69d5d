// The first contact with a GPU, tried without one: the driver for tests stands in for it, with few of everything. Every
// step runs, also where nothing can pass, and a difference is found.
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect } from 'vitest'
import { fakeCublas } from '../../../../tools/native.mjs'
import { testWith } from '../../../../tools/test/machine.ts'
import { compare } from './contact/numbers.ts'
import { cudaMissing } from './driver.ts'

const folder = mkdtempSync(join(tmpdir(), 'flambeau-contact-test-'))
afterAll(() => rmSync(folder, { recursive: true }))
const names = 'driver numbers conformance lessons soak memory workers fault products bench sanitizer'.split(' ')

interface Report {
  readonly outcomes: readonly { name: string; faults: string[]; skipped?: string; lines: string[] }[]
}

/** The exit code and the report. */
function contact(args: readonly string[], environment: NodeJS.ProcessEnv): Promise<{ code: number } & Report> {
  const out = join(folder, `report${args.length}`)
  const tool = fileURLToPath(new URL('../../../../tools/cuda.mjs', import.meta.url))
  return new Promise((done) => {
    const env = { ...process.env, FLAMBEAU_CUDA_CACHING: '1', ...environment }
    execFile(process.execPath, [tool, 'contact', '--out', out, ...args], { env }, (error) => {
      const report = JSON.parse(readFileSync(join(out, 'report.json'), 'utf8')) as Report
      expect(readFileSync(join(out, 'report.md'), 'utf8')).toMatch(/^# First contact: /)
      done({ code: (error?.code as number | undefined) ?? 0, ...report })
    })
  })
}

testWith(
  'native',
  cudaMissing,
  'every step of the first contact passes on the driver for tests',
  async () => {
    const args = ['--scale', '0.0005', '--blas', fakeCublas]
    const { code, outcomes } = await contact(args, { FAKECUDA_MEMORY: '64M', PYTHON: '/nowhere/python3' })
    expect(outcomes.flatMap(({ faults }) => faults)).toEqual([])
    expect(outcomes.map(({ name }) => name)).toEqual(names)
    expect(outcomes.flatMap(({ name, skipped }) => (skipped === undefined ? [] : name))).toEqual(['sanitizer'])
    expect(code).toBe(0)
    const lines = Object.fromEntries(outcomes.map((each) => [each.name, each.lines.join('\n')]))
    expect(lines.numbers).toMatch(/^[1-9]\d* cases, ([1-9]\d*) elements, \1 with the same bits/)
    expect(lines.conformance).toMatch(/^[1-9]\d* cells of [1-9]\d*, 0 failed$/)
    expect(lines.memory).toContain('CUDA out of memory. Tried to allocate 4.00 MiB')
    expect(lines.fault).toContain('CUDA_ERROR_ILLEGAL_ADDRESS')
    expect(lines.bench).toContain('PyTorch')
  },
  120_000,
)

testWith(
  'native',
  cudaMissing,
  'every step of the first contact runs where there is no driver, and fails',
  async () => {
    const only = ['driver', 'soak', 'fault']
    const nowhere = { FLAMBEAU_CUDA_DRIVER: '/nowhere/libcuda.so.1' }
    const { code, outcomes } = await contact(['--scale', '0.0005', '--only', only.join()], nowhere)
    expect(code).toBe(1)
    expect(outcomes.map(({ name }) => name)).toEqual(only)
    for (const { faults } of outcomes) expect(faults.join()).toMatch(/no NVIDIA driver|does not open/)
  },
  60_000,
)

testWith('native', undefined, 'other bits of another driver are found', () => {
  const bits = (...values: number[]): string => Buffer.from(new Float32Array(values).buffer).toString('base64')
  const made = (approximated: boolean, single: boolean, ...values: number[]) => [
    { number: 0, name: 'x', single, approximated, results: [{ dtype: 'float32' as const, bits: bits(...values) }] },
  ]
  const next = 1 + 2 ** -23
  const faults = (approximated: boolean, single: boolean, value: number): readonly string[] =>
    compare(made(approximated, single, 1, value), made(approximated, single, 1, 1)).faults
  expect(faults(false, false, 1)).toEqual([])
  expect(faults(false, false, next)).toEqual(['x: bits differ, by 1 units at most'])
  expect(faults(true, true, next)).toEqual([])
  expect(faults(true, true, 1.001)).toHaveLength(1)
  expect(faults(true, false, 1.001)).toEqual([])
  expect(compare(made(false, false, -0), made(false, false, 0)).faults).toHaveLength(1)
  expect(compare(made(false, false, Number.NaN), made(false, false, Number.NaN)).faults).toEqual([])
  expect(compare(made(false, false, 1), [...made(false, false, 1), ...made(false, false, 1)]).faults).toHaveLength(1)
})
