import { rmSync } from 'node:fs'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { autogradBasics } from '../src/autograd-basics/index.ts'
import { boston } from '../src/boston/index.ts'
import { breastCancer } from '../src/breast-cancer/index.ts'
import { bundled, bundleFolder } from './bundle.ts'
import {
  describeWays,
  enough,
  expectLines,
  expectLosses,
  record,
  type Tolerance,
  type Transcript,
  transcripts,
} from './transcripts.ts'

// Some seconds alone, more beside other tests.
vi.setConfig({ testTimeout: 180_000 })

const tutorial: Tolerance = (epoch) => (epoch <= 10 ? 1e-6 : epoch < 200_000 ? 1e-4 : 5e-4)

describe('autograd-basics prints what PyTorch prints', () => {
  it('line for line', () => {
    const lines: string[] = []
    autogradBasics({ print: (text) => lines.push(...String(text).split('\n')) })
    expect(lines).toEqual(transcripts('autograd-basics')[0].lines)
  })
})

describeWays('boston learns as PyTorch does, all 2,000 epochs', ({ compiled, device }) => {
  const all = transcripts('boston')
  it('for at least five seeds', () => expect(all.length).toBeGreaterThanOrEqual(5))

  it.each(enough(all, { compiled, device }).map((t) => [t.seed, t] as const))('seed %i', (_, transcript) => {
    const { lines, losses } = record(boston, transcript, { compiled })
    expectLosses(losses, transcript.losses, 2000, tutorial)
    expectLines(lines, transcript.lines, tutorial)
  })
})

describeWays('breast-cancer learns as PyTorch does', ({ compiled, device }) => {
  const all = transcripts('breast-cancer')
  const folder = bundleFolder()
  afterAll(() => rmSync(folder, { recursive: true }))

  it('for at least five seeds', () => expect(all.length).toBeGreaterThanOrEqual(5))

  it.each(enough(all, { compiled, device }).map((t) => [t.seed, t] as const))(
    'seed %i, the first 10,000 epochs',
    (_, transcript) => {
      const { lines, losses, correct } = record(breastCancer, transcript, { compiled, epochs: 10_000 })
      expectLosses(losses, transcript.losses, 10_000, tutorial)
      expect(Object.fromEntries(correct)).toEqual(only(transcript.correct, 10_000))
      expectLines(lines.slice(0, 1), transcript.lines.slice(0, 1), tutorial)
    },
  )

  const inFull = async (): Promise<void> => {
    const transcript = all[0]
    // A bundle finds no addon, and has a device of its own.
    const full =
      device === 'js'
        ? await bundled<{ breastCancer: typeof breastCancer }>(folder, 'breast-cancer/index.ts')
        : { breastCancer }
    const { lines, losses, correct } = record(full.breastCancer, transcript, { compiled })
    expectLosses(losses, transcript.losses, 200_000, tutorial)
    expect(Object.fromEntries(correct)).toEqual(transcript.correct)
    const { frame } = transcript as Required<Transcript>
    const height = frame.text.split('\n').length
    expectLines(lines.slice(0, -height), transcript.lines.slice(0, -height), tutorial)
    expectFrame(lines.slice(-height), frame.text.split('\n'))
  }
  if (compiled) it('all 200,000 epochs, with the accuracy and the data frame', inFull)
  // Eager they would take as long as everything else here, and give the bits of the compiled ones.
  else if (device === 'js')
    it('eager and compiled give the same bits, and print the same', () => {
      const both = [true, false].map((compiled) => record(breastCancer, all[0], { compiled, epochs: 2000 }))
      expect(both[1].losses.size).toBeGreaterThan(5)
      expect(both[1]).toEqual(both[0])
    })
})

const only = (values: Readonly<Record<string, number>> = {}, epochs: number) =>
  Object.fromEntries(Object.entries(values).filter(([epoch]) => Number(epoch) <= epochs))

const ROW = /^(\d+) {2,}(\d\.0) +(\d\.\d{6}e[+-]\d\d)$/

/** The frame as pandas prints it. A probability may differ by one in its last digit, or by 1e-4 of its logit. */
const expectFrame = (actual: readonly string[], expected: readonly string[]): void => {
  const masked = (lines: readonly string[]) => lines.map((line) => (ROW.test(line) ? line.slice(0, -12) : line))
  expect(masked(actual)).toEqual(masked(expected))
  const logit = (p: number): number => Math.log(p) - Math.log1p(-p)
  const rows = expected.map((line, i) => ({ line, p: probability(line), own: probability(actual[i]) }))
  expect(rows.filter(({ p }) => !Number.isNaN(p))).toHaveLength(10)
  const far = rows.filter(({ p, own }) => {
    const lastDigit = 10 ** (Math.floor(Math.log10(p)) - 6)
    return Math.abs(own - p) > 1.001 * lastDigit && Math.abs(logit(own) / logit(p) - 1) > 1e-4
  })
  expect(far).toEqual([])
}

const probability = (line: string): number => Number(ROW.exec(line)?.[3] ?? Number.NaN)
