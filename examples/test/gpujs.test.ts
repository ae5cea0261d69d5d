// The examples in gpu.js's modes: in every mode PyTorch's losses within a thousandth and its counts exactly, with
// nothing run elsewhere.
import { type Gpujs, gpujs } from '@flambeau/backend-gpujs'
import { js, setStrict, useDevice } from 'flambeau'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { testWith } from '../../tools/test/machine.ts'
import { boston } from '../src/boston/index.ts'
import { breastCancer } from '../src/breast-cancer/index.ts'
import { parts } from '../src/shallow-network/index.ts'
import { modes } from './modes.ts'
import { expectLines, expectLosses, record, type Transcript, transcripts } from './transcripts.ts'

// Some seconds alone, more beside other tests.
vi.setConfig({ testTimeout: 180_000 })

const lessons = { boston, 'breast-cancer': breastCancer, ...parts }
const shallow = transcripts('shallow-network')[0]
const transcriptOf = (name: string): Transcript =>
  name in parts ? { ...(shallow.parts as Record<string, Transcript>)[name], seed: shallow.seed } : transcripts(name)[0]

/**
 * Epochs of each example when compiled; eager runs take a tenth of them. WebGL takes a quarter of all, because software
 * takes some ms a step.
 */
const epochs: Readonly<Record<keyof typeof lessons, number>> = {
  boston: 2000,
  'breast-cancer': 10_000,
  regression: 2000,
  // At epoch 1,000 one row is within 1e-4 of one half, so it may fall on either side.
  binary: 900,
  binarySoftmax: 500,
  iris: 200,
  digits: 20,
}

const close = () => 1e-3

const trains = (name: keyof typeof lessons, compiled: boolean, n: number): void => {
  const transcript = transcriptOf(name)
  const { lines, losses, correct } = record(lessons[name], transcript, { compiled, epochs: n })
  expectLosses(losses, transcript.losses, n, close)
  for (const [epoch, count] of correct) expect(count, `epoch ${epoch}`).toBe(transcript.correct?.[epoch])
  if (n === Math.max(...Object.keys(transcript.losses).map(Number))) expectLines(lines, transcript.lines, close)
}

for (const { mode, missing } of modes) {
  if (missing !== undefined) {
    testWith('gpujs', missing, `examples on ${mode}`, () => {})
    continue
  }
  describe(`on ${mode}`, () => {
    let device: Gpujs
    beforeAll(async () => {
      device = await gpujs({ mode })
      useDevice(device)
      setStrict(true)
    })
    afterAll(() => {
      setStrict(false)
      useDevice(js())
    })
    it('is the requested mode', () => expect(device.report()).toMatchObject({ mode, tried: [{ mode }] }))
    for (const name of Object.keys(lessons) as (keyof typeof lessons)[]) {
      const n = mode === 'webgl2' ? epochs[name] / 4 : epochs[name]
      it(`${name} learns as PyTorch does, compiled, ${n} epochs`, () => trains(name, true, n))
      const few = Math.ceil(n / 10)
      it(`${name} learns as PyTorch does, eager, ${few} epochs`, () => trains(name, false, few))
    }
  })
}
