import { describe, expect, it, vi } from 'vitest'
import { parts, shallowNetwork } from '../src/shallow-network/index.ts'
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

const network: Tolerance = (epoch) => (epoch <= 10 ? 1e-5 : 1e-3)
const all = transcripts('shallow-network')

describeWays('shallow networks learn as PyTorch’s do', ({ compiled, device }) => {
  it('for at least five seeds', () => expect(all.length).toBeGreaterThanOrEqual(5))

  describe.each(enough(all, { compiled, device }).map((t) => [t.seed, t] as const))(
    'seed %i',
    (seed, { parts: expected }) => {
      it.each(Object.entries(parts))('%s', (name, run) => {
        const transcript: Transcript = { ...(expected as Record<string, Transcript>)[name], seed }
        const { lines, losses, correct, oneHotLosses } = record(run, transcript, { compiled })
        const last = Math.max(...losses.keys())
        expectLosses(losses, transcript.losses, last, network)
        if (transcript.oneHotLosses !== undefined) expectLosses(oneHotLosses, transcript.oneHotLosses, last, network)
        // At epoch 1,000 of these networks one row is within 1e-4 of one half, so it may fall on either side.
        const isEdge = name === 'binary' && (seed === 0 || seed === 3)
        expectCounts(correct, transcript.correct ?? {}, isEdge ? 1000 : undefined)
        const wanted = isEdge ? transcript.lines.slice(0, -1) : transcript.lines
        expectLines(isEdge ? lines.slice(0, -1) : lines, wanted, network)
        expect(lines).toHaveLength(transcript.lines.length)
      })
    },
  )

  it('gives one-hot and index labels the same loss', () => {
    for (const name of ['iris', 'digits'] as const) {
      const transcript = { ...(all[0].parts as Record<string, Transcript>)[name], seed: all[0].seed }
      const { losses, oneHotLosses } = record(parts[name], transcript, { compiled, epochs: 10 })
      expect(losses.size).toBe(10)
      for (const [epoch, loss] of losses) {
        expect(Math.abs((oneHotLosses.get(epoch) as number) / loss - 1)).toBeLessThan(1e-6)
      }
    }
  })

  it('runs all parts one after the other', () => {
    const lines: string[] = []
    const print = (text: unknown) => void lines.push(...String(text).split('\n'))
    const epochs = [...shallowNetwork({ epochs: 1, seed: 0, compiled, print })]
    expect(epochs).toHaveLength(5)
    expect(lines.filter((line) => line.startsWith('Epoch 1: '))).toHaveLength(5)
    expect(lines.filter((line) => line === 'Sequential(')).toHaveLength(5)
  })
})

const expectCounts = (
  actual: ReadonlyMap<number, number>,
  expected: Readonly<Record<string, number>>,
  edge: number | undefined,
): void => {
  expect([...actual.keys()].map(String)).toEqual(Object.keys(expected))
  for (const [epoch, count] of actual) {
    const allowed = epoch === edge ? 1 : 0
    expect(Math.abs(count - expected[epoch]), `epoch ${epoch}: ${count}, not ${expected[epoch]}`).toBeLessThanOrEqual(
      allowed,
    )
  }
}
