// Training that moves from one device to another and back: its state moves along, and the losses stay PyTorch's.
import { gpujs } from '@flambeau/backend-gpujs'
import { native } from '@flambeau/backend-native'
import { wasm } from '@flambeau/backend-wasm'
import { js, useDevice } from 'flambeau'
import { expect, vi } from 'vitest'
import { nativeMissing, testWith } from '../../tools/test/machine.ts'
import { boston } from '../src/boston/index.ts'
import { breastCancer } from '../src/breast-cancer/index.ts'
import { lenet5 } from '../src/lenet5/index.ts'
import type { Options, Training } from '../src/lesson.ts'
import { parts } from '../src/shallow-network/index.ts'
import { imagesOf } from './images.ts'
import { modes } from './modes.ts'
import {
  expectLosses,
  expectSteps,
  firstSteps,
  type ImageTranscript,
  record,
  type Tolerance,
  type Transcript,
  transcripts,
} from './transcripts.ts'

// Some seconds alone, more beside other tests.
vi.setConfig({ testTimeout: 180_000 })

interface Course {
  readonly run: (options: Options) => Training
  readonly transcript: Transcript
  readonly tolerance: Tolerance
  /** Compiled epochs; PyTorch's losses of each third are known. */
  readonly epochs: number
}
/** Eager epochs, three in each third. */
const fewEpochs = 9
/** Instead of thousands of compiled epochs on gpu.js: four in each third, so that each replays, and PyTorch's losses of ten. */
const enoughEpochs = 12

const tutorial: Tolerance = (epoch) => (epoch <= 10 ? 1e-6 : 1e-4)
const network: Tolerance = (epoch) => (epoch <= 10 ? 1e-5 : 1e-3)
const [shallow] = transcripts('shallow-network')
const part = (name: keyof typeof parts, epochs: number): Course => ({
  run: parts[name],
  transcript: { ...(shallow.parts as Record<string, Transcript>)[name], seed: shallow.seed },
  tolerance: network,
  epochs,
})

const courses: Readonly<Record<string, Course>> = {
  boston: { run: boston, transcript: transcripts('boston')[0], tolerance: tutorial, epochs: 300 },
  'breast-cancer': {
    run: breastCancer,
    transcript: transcripts('breast-cancer')[0],
    tolerance: tutorial,
    epochs: 10_000,
  },
  regression: part('regression', 300),
  // With Adam, whose state moves along.
  binary: part('binary', 300),
  'binary with softmax': part('binarySoftmax', 150),
  iris: part('iris', 60),
  // With batches, and a generator that continues to shuffle.
  digits: part('digits', 15),
}

interface Stay {
  readonly place: string
  readonly needs: string
  readonly missing: string | undefined
  readonly make: () => ReturnType<typeof gpujs> | ReturnType<typeof native> | ReturnType<typeof wasm>
  /** The tolerance for PyTorch's losses; on native it is the course's own. */
  readonly within: (tolerance: Tolerance) => Tolerance
}

const stays: readonly Stay[] = [
  { place: 'native', needs: 'native', missing: nativeMissing, make: () => native(), within: (own) => own },
  { place: 'wasm', needs: 'wasm', missing: undefined, make: () => wasm(), within: (own) => own },
  ...modes.map(({ mode, missing }) => ({
    place: `gpujs ${mode}`,
    needs: 'gpujs',
    missing,
    make: () => gpujs({ mode }),
    within: () => () => 1e-3,
  })),
]
/** Eager steps of wasm are the calls of native's. */
const ways = stays.flatMap((stay) =>
  (stay.place === 'wasm' ? [true] : [true, false]).map((compiled) => ({ ...stay, compiled })),
)

for (const [name, { run, transcript, tolerance, epochs: all }] of Object.entries(courses)) {
  for (const { place, needs, missing, make, within, compiled } of ways) {
    const title = `${name}, ${compiled ? 'compiled' : 'eager'}, goes from js to ${place} and back`
    const epochs = !compiled ? fewEpochs : needs === 'gpujs' && all > 1000 ? enoughEpochs : all
    testWith(needs, missing, title, async () => {
      const there = await make()
      const home = js()
      useDevice(home)
      const places = ['js']
      function* travelling(options: Options): Training {
        const training = run(options)
        let turn = training.next()
        while (!turn.done) {
          const { epoch, loss, correct } = turn.value
          expect((typeof loss === 'number' ? correct?.() : loss)?.device).toBe(places.at(-1))
          yield turn.value
          const device = Math.floor((3 * epoch) / epochs) === 1 ? there.name : 'js'
          const moves = device !== places.at(-1)
          if (moves) {
            useDevice(device === 'js' ? home : there)
            places.push(device)
          }
          turn = training.next(moves ? device : undefined)
        }
      }
      const { losses } = record(travelling, transcript, { compiled, epochs })
      expect(places).toEqual(['js', there.name, 'js'])
      expectLosses(losses, transcript.losses, epochs, within(tolerance))
    })
  }
}

/** Between two batches, with the momentum, and with batches from a loader that go where the training is. */
for (const { place, needs, missing, make, within, compiled } of ways) {
  // The fourth step is the first one that is replayed. Software GL takes seconds for one.
  const stay = place === 'gpujs webgl2' ? 1 : compiled ? 4 : 2
  if (compiled && place !== 'native') continue
  const title = `LeNet-5, ${compiled ? 'compiled' : 'eager'}, goes from js to ${place} and back`
  testWith(needs, missing, title, async () => {
    const there = await make()
    const home = js()
    useDevice(home)
    const [{ runs }] = transcripts<ImageTranscript>('lenet5')
    const losses = firstSteps(lenet5({ compiled, images: imagesOf('MNIST'), print: () => {} }), 3 * stay, (step) => {
      if (step !== stay && step !== 2 * stay) return undefined
      const next = step === stay ? there : home
      useDevice(next)
      return next.name
    })
    expect(losses).toHaveLength(3 * stay)
    expectSteps(losses, runs.MNIST?.steps ?? [], within(() => 1e-5)(1))
  })
}
