// The lessons about the families: they take PyTorch's first steps, the same batches, weights, dropped values and losses,
// and draw their pictures. On native, where a step takes tens of milliseconds.
import { native } from '@flambeau/backend-native'
import { js, Tensor, useDevice } from 'flambeau'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { nativeMissing, testWith } from '../../tools/test/machine.ts'
import { alexnet } from '../src/alexnet/index.ts'
import { confusionChart } from '../src/draw.ts'
import { googlenet } from '../src/googlenet/index.ts'
import type { Picture } from '../src/pictures.ts'
import { vgg } from '../src/vgg/index.ts'
import { zfnet } from '../src/zfnet/index.ts'
import { imagesOf } from './images.ts'
import { expectSteps, firstSteps, type ImageTranscript, transcripts } from './transcripts.ts'

/** The lessons, the shapes of their pictures, and whether their first steps run compiled. */
const lessons = {
  alexnet: {
    run: alexnet,
    pictures: { confusion: null, filters: [3, 186, 370], maps: [3, 126, 498], 'pooled-maps': [3, 118, 466] },
    compiled: true,
  },
  zfnet: {
    run: zfnet,
    pictures: { 'layer-3': [3, 314, 418], 'layer-5': [3, 566, 754] },
    compiled: false,
  },
  vgg: { run: vgg, pictures: { depth: [3, 332, 530], style: [3, 196, 584] }, compiled: true },
  googlenet: { run: googlenet, pictures: { saliency: [3, 174, 690] }, compiled: true },
}
const names = Object.keys(lessons) as (keyof typeof lessons)[]
const whole = imagesOf('FashionMNIST')
const few = imagesOf('FashionMNIST', { train: 60, test: 20 })

if (nativeMissing !== undefined) testWith('native', nativeMissing, 'lessons about the families', () => {})
else {
  describe('lessons about the families', () => {
    beforeAll(async () => void useDevice(await native()))
    afterAll(() => void useDevice(js()))

    it.each(names)("%s takes PyTorch's first steps", (name) => {
      const { run, compiled } = lessons[name]
      const [{ seed, runs }] = transcripts<ImageTranscript>(name)
      const losses = firstSteps(run({ seed, compiled, print: () => {}, images: whole }), 3)
      expectSteps(losses, runs.FashionMNIST?.steps ?? [], 1e-5)
    })

    it.each(names)('%s runs to its end on a few pictures, and draws', (name) => {
      const lines: string[] = []
      const print = (text: unknown) => void lines.push(...String(text).split('\n'))
      const drawn = new Map<string, Picture>()
      const draw = (each: string, picture: Picture) => void drawn.set(each, picture)
      for (const _ of lessons[name].run({ epochs: 1, compiled: false, print, draw, images: few }));
      expect(lines.some((line) => /^Epoch 1: loss=\d\.\d{4}e[+-]\d\d, accuracy=/.test(line))).toBe(true)
      expect(lines.some((line) => /^Test accuracy: [01]\.\d{4}$/.test(line))).toBe(true)
      const shapes = [...drawn].map(([each, picture]) => [each, picture instanceof Tensor ? picture.shape : null])
      expect(Object.fromEntries(shapes)).toEqual(lessons[name].pictures)
      for (const picture of drawn.values()) {
        if (!(picture instanceof Tensor)) continue
        expect([picture.min().item(), picture.max().item()].every((x) => x >= 0 && x <= 1)).toBe(true)
        // Something is to be seen.
        expect(picture.std().item()).toBeGreaterThan(0.01)
      }
    })
  })
}

it('a confusion matrix is a picture with every count', async () => {
  const matrix = [
    [97, 2],
    [0, 31],
  ]
  const svg = await confusionChart('a title', { classes: ['cats', 'dogs'], matrix })
  const texts = Array.from(svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g), ([, text]) => text)
  expect(texts).toEqual(expect.arrayContaining(['a title', 'is', 'taken for', 'cats', 'dogs', '97', '2', '31']))
  expect(texts).not.toContain('0')
  expect(svg).toContain('fill="white"')
})
