// How well kernels use memory and instructions, counted by the driver for tests: for each op of a usual shape the sectors of
// global memory and the passes over the banks of shared memory, each beside the least that could be, and the instructions
// of lanes for a floating-point operation. lint.json has what they may be; FLAMBEAU_CUDA_LINT=write writes it anew.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import { testWith } from '../../../../tools/test/machine.ts'
import { cudaMissing } from './driver.ts'

interface Figures {
  readonly sectors: number
  readonly banks: number
  readonly perFlop: number
}
type Bounds = Readonly<Record<string, Readonly<Record<string, Figures>>>>

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

/** The figures of each kernel of each op; the largest where an op runs a kernel of one name several times. */
function measured(): Bounds {
  const folder = mkdtempSync(join(tmpdir(), 'flambeau-lint-'))
  try {
    const env = { ...process.env, FAKECUDA_COVERAGE: join(folder, 'lines.jsonl') }
    const output = execFileSync(process.execPath, [here('lint.mjs')], { env, encoding: 'utf8' })
    const ops: Readonly<Record<string, readonly (Figures & { kernel: string })[]>> = JSON.parse(output)
    const found: Record<string, Record<string, Figures>> = {}
    for (const [op, kernels] of Object.entries(ops)) {
      const all: Record<string, Figures> = (found[op] = {})
      for (const { kernel, ...own } of kernels) {
        const known = all[kernel] ?? own
        const larger = (key: keyof Figures): number => Number(Math.max(known[key], own[key]).toFixed(2))
        all[kernel] = { sectors: larger('sectors'), banks: larger('banks'), perFlop: larger('perFlop') }
      }
    }
    return found
  } finally {
    rmSync(folder, { recursive: true })
  }
}

testWith('native', cudaMissing, 'kernels touch no more memory and take no more instructions than their bounds', () => {
  const found = measured()
  if (process.env.FLAMBEAU_CUDA_LINT === 'write')
    writeFileSync(here('lint.json'), `${JSON.stringify(found, null, 2)}\n`)
  const bounds: Bounds = JSON.parse(readFileSync(here('lint.json'), 'utf8'))
  expect(Object.keys(found)).toEqual(Object.keys(bounds))
  const worse: string[] = []
  for (const [op, kernels] of Object.entries(found)) {
    expect(Object.keys(kernels).length, `${op} runs kernels`).toBeGreaterThan(0)
    for (const [kernel, figures] of Object.entries(kernels)) {
      const bound = bounds[op][kernel]
      for (const key of ['sectors', 'banks', 'perFlop'] as const) {
        if (figures[key] <= (bound?.[key] ?? 0) * 1.02 + 0.01) continue
        worse.push(`${op}, ${kernel}: ${key} ${figures[key]}, at most ${bound?.[key] ?? 'nothing is known'}`)
      }
    }
  }
  expect(worse).toEqual([])
})
