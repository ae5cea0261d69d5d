// LeNet-5 takes PyTorch's first steps: the same batches, weights and losses, for each data set. On gpu.js it does so in
// switch.test.ts.
import { expect, it } from 'vitest'
import { lenet5 } from '../src/lenet5/index.ts'
import type { ImageSet } from '../src/lesson.ts'
import { imagesOf } from './images.ts'
import { describeWays, expectSteps, firstSteps, type ImageTranscript, transcripts } from './transcripts.ts'

const all = transcripts<ImageTranscript>('lenet5')

const steps = (set: ImageSet, { seed, runs }: ImageTranscript, compiled: boolean, count: number) => {
  const lines: string[] = []
  const print = (text: unknown) => void lines.push(...String(text).split('\n'))
  const losses = firstSteps(lenet5({ seed, compiled, print, images: imagesOf(set) }), count)
  expect(losses).toHaveLength(count)
  expectSteps(losses, runs[set]?.steps ?? [], 1e-5)
  expect(lines).toEqual(all[0].runs[set]?.lines?.slice(0, lines.length))
}

describeWays('LeNet-5 takes PyTorch’s first 20 steps', ({ compiled, device }) => {
  it('for at least three seeds', () => expect(all.length).toBeGreaterThanOrEqual(3))
  // Eager steps on js are those of the compiled ones, bit for bit.
  const count = device === 'js' && !compiled ? 4 : 20
  it.each((compiled ? all : all.slice(0, 1)).map((t) => [t.seed, t] as const))('on digits, seed %i', (_, t) =>
    steps('MNIST', t, compiled, count),
  )
  if (device === 'native' && compiled) it('on clothes', () => steps('FashionMNIST', all[0], compiled, count))
})
