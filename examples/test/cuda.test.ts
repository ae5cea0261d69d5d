// The lessons on cuda, by the driver for tests: some epochs of each example with PyTorch's losses and counts, and narrow
// members of the families of convolutional networks beside js. Nothing runs elsewhere. FLAMBEAU_CUDA_LESSONS=all also takes
// those that only repeat kinds of layers, and take the interpreter longest.
import { models } from '@flambeau/vision'
import { js, nn, setDevice, setStrict, useDevice } from 'flambeau'
import { afterEach, expect } from 'vitest'
import { cudaMissing, testWith, useFakeCuda } from '../../tools/test/machine.ts'
import { boston } from '../src/boston/index.ts'
import { breastCancer } from '../src/breast-cancer/index.ts'
import { parts } from '../src/shallow-network/index.ts'
import { expectSame, type Member, members, results } from './narrow.ts'
import { expectLosses, record, type Transcript, transcripts } from './transcripts.ts'

useFakeCuda()
const lessons = { boston, 'breast-cancer': breastCancer, ...parts }
const shallow = transcripts('shallow-network')[0]
const transcriptOf = (name: string): Transcript =>
  name in parts ? { ...(shallow.parts as Record<string, Transcript>)[name], seed: shallow.seed } : transcripts(name)[0]

const all = process.env.FLAMBEAU_CUDA_LESSONS === 'all'
const longest = ['digits', 'zfnet', 'vgg11', 'googlenet']

/** Epochs: the interpreter takes a hundredth of a second for one of the smallest. */
const few = 3

const families: Readonly<Record<string, Member>> = {
  ...members,
  lenet5: { build: () => new models.LeNet5(), image: [1, 28, 28] },
  'a residual network': {
    build: () =>
      new nn.Sequential(
        models.resnet18({ numClasses: 4, inChannels: 1, width: 0.05 }),
        new nn.Flatten(),
        new nn.Linear(4, 10),
      ),
    image: [1, 32, 32],
  },
}

afterEach(() => {
  setStrict(false)
  useDevice(js())
})
const it = (name: string, body: () => Promise<void>): void => testWith('native', cudaMissing, name, body, 300_000)

for (const name of Object.keys(lessons) as (keyof typeof lessons)[]) {
  for (const compiled of all || !longest.includes(name) ? [false, true] : [true]) {
    it(`${name} learns as PyTorch does on cuda, ${compiled ? 'compiled' : 'eager'}, ${few} epochs`, async () => {
      const transcript = transcriptOf(name)
      await setDevice('cuda')
      setStrict(true)
      const { losses, correct } = record(lessons[name], transcript, { compiled, epochs: few })
      expectLosses(losses, transcript.losses, few, () => 1e-4)
      for (const [epoch, count] of correct) expect(count, `epoch ${epoch}`).toBe(transcript.correct?.[epoch])
    })
  }
}
for (const [name, member] of Object.entries(families)) {
  if (!all && longest.includes(name)) continue
  it(`${name} on cuda is that on js`, async () => {
    const expected = results(member)
    await setDevice('cuda')
    setStrict(true)
    const found = results(member)
    useDevice(js())
    expectSame(found, expected)
  })
}
