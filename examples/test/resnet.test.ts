// The lesson on residuals: ResNet-20's first steps are PyTorch's, and the four networks train in turn.
import { native } from '@flambeau/backend-native'
import { js, useDevice } from 'flambeau'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { nativeMissing, testWith } from '../../tools/test/machine.ts'
import type { Seen } from '../src/lesson.ts'
import { resnetOf } from '../src/resnet/index.ts'
import { imagesOf } from './images.ts'
import { expectSteps, firstSteps, type ImageTranscript, transcripts } from './transcripts.ts'

describe('the lesson on residuals, on native', () => {
  beforeAll(async () => {
    if (nativeMissing === undefined) useDevice(await native())
  })
  afterAll(() => void useDevice(js()))
  const it = (name: string, body: () => void) => testWith('native', nativeMissing, name, body)

  it('takes PyTorch’s first five steps with ResNet-20, for three seeds', () => {
    const all = transcripts<ImageTranscript>('resnet')
    expect(all).toHaveLength(3)
    const images = imagesOf('FashionMNIST')
    // Eager, because five steps would only be recorded; compiled they are the same bits.
    const lesson = resnetOf({ width: 1, batchSize: 32, lr: 1e-4 })
    for (const { seed, runs } of all) {
      const { steps = [] } = runs.FashionMNIST ?? {}
      const losses = firstSteps(lesson({ seed, compiled: false, images, print: () => {} }), 5)
      expect(losses).toHaveLength(5)
      expectSteps(losses, steps, 1e-5)
    }
  })

  it('trains four networks, and draws a curve of each', () => {
    const lines: string[] = []
    const images = imagesOf('FashionMNIST', { train: 8, test: 4 })
    const options = { images, epochs: 1, compiled: false, print: (text: unknown) => void lines.push(String(text)) }
    let last: Seen | undefined
    for (last of resnetOf({ width: 0.25, batchSize: 4, lr: 0.03 })(options));
    const names = ['residual, 20 layers', 'residual, 56 layers', 'plain, 20 layers', 'plain, 56 layers']
    expect(last?.points.map(({ name }) => name)).toEqual(names)
    expect(lines[0]).toBe('Epoch 1')
    names.forEach((name, i) => {
      expect(lines[1 + i]).toMatch(new RegExp(`^  ${name}: loss=\\d\\.\\d{4}e\\+00$`))
      expect(lines[5 + i]).toMatch(new RegExp(`^Test accuracy, ${name}: [01]\\.\\d{4}$`))
    })
  })
})
