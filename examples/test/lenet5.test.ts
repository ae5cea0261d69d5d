// LeNet-5 takes PyTorch's first steps: the same batches, weights and losses, for each data set.
import { describe, expect, it } from 'vitest'
import { gpujs } from '@flambeau/backend-gpujs'
import { js, useDevice } from 'flambeau'
import { testWith } from '../../tools/test/machine.ts'
import { lenet5 } from '../src/lenet5/index.ts'
import type { ImageSet } from '../src/lesson.ts'
import { imagesOf } from './images.ts'
import { modes } from './modes.ts'
import { describeWays, expectSteps, firstSteps, type ImageTranscript, transcripts } from './transcripts.ts'

const all = transcripts<ImageTranscript>('lenet5')
const sets = { MNIST: imagesOf('MNIST'), FashionMNIST: imagesOf('FashionMNIST') }

const steps = (set: ImageSet, { seed, runs }: ImageTranscript, compiled: boolean, count: number, tolerance: number) => {
  const lines: string[] = []
  const print = (text: unknown) => void lines.push(...String(text).split('\n'))
  const losses = firstSteps(lenet5({ seed, compiled, print, images: sets[set] }), count)
  expect(losses).toHaveLength(count)
  expectSteps(losses, runs[set]?.steps ?? [], tolerance)
  expect(lines).toEqual(all[0].runs[set]?.lines?.slice(0, lines.length))
}

describeWays('LeNet-5 takes PyTorch’s first 20 steps', ({ compiled, device }) => {
  it('for at least three seeds', () => expect(all.length).toBeGreaterThanOrEqual(3))
  // Eager on native only, where a step takes a fraction of the time.
  const some = compiled || device === 'native' ? all : all.slice(0, 1)
  it.each(some.map((t) => [t.seed, t] as const))('on digits, seed %i', (_, t) => steps('MNIST', t, compiled, 20, 1e-5))
  if (device === 'native') it('on clothes', () => steps('FashionMNIST', all[0], compiled, 20, 1e-5))
})

describe('on gpu.js it does so too', () => {
  for (const { mode, missing } of modes) {
    testWith('gpujs', missing, `in mode ${mode}`, async () => {
      useDevice(await gpujs({ mode }))
      try {
        steps('MNIST', all[0], false, mode === 'webgl2' ? 1 : 3, 1e-3)
      } finally {
        useDevice(js())
      }
    })
  }
})
