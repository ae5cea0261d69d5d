// Training that moves from one device to another and back: what is trained goes along, and the curve stays PyTorch's.
import { native } from '@flambeau/backend-native'
import { js, useDevice } from 'flambeau'
import { expect } from 'vitest'
import { nativeMissing, testWith } from '../../tools/test/machine.ts'
import { boston } from '../src/boston/index.ts'
import { breastCancer } from '../src/breast-cancer/index.ts'
import type { Options, Training } from '../src/lesson.ts'
import { parts } from '../src/shallow-network/index.ts'
import { expectLosses, record, type Tolerance, type Transcript, transcripts } from './transcripts.ts'

interface Course {
  readonly run: (options: Options) => Training
  readonly transcript: Transcript
  readonly tolerance: Tolerance
  readonly epochs: number
}

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
  boston: { run: boston, transcript: transcripts('boston')[0], tolerance: tutorial, epochs: 2000 },
  'breast-cancer': {
    run: breastCancer,
    transcript: transcripts('breast-cancer')[0],
    tolerance: tutorial,
    epochs: 10_000,
  },
  regression: part('regression', 2000),
  // Adam, whose state goes along as well.
  binary: part('binary', 1000),
  'binary with softmax': part('binarySoftmax', 500),
  iris: part('iris', 200),
  // Batches, and a generator that shuffles on.
  digits: part('digits', 20),
}

for (const [name, { run, transcript, tolerance, epochs }] of Object.entries(courses)) {
  for (const compiled of [true, false]) {
    const title = `${name}, ${compiled ? 'compiled' : 'eager'}, goes from js to native and back`
    testWith('native', nativeMissing, title, async () => {
      const backends = { js: js(), native: await native() }
      useDevice(backends.js)
      const places = ['js']
      function* travelling(options: Options): Training {
        const training = run(options)
        let turn = training.next()
        while (!turn.done) {
          const { epoch, loss, correct } = turn.value
          expect((typeof loss === 'number' ? correct?.() : loss)?.device).toBe(places.at(-1))
          yield turn.value
          const device = Math.floor((3 * epoch) / epochs) === 1 ? 'native' : 'js'
          const moves = device !== places.at(-1)
          if (moves) {
            useDevice(backends[device])
            places.push(device)
          }
          turn = training.next(moves ? device : undefined)
        }
      }
      const { losses } = record(travelling, transcript, { compiled, epochs })
      expect(places).toEqual(['js', 'native', 'js'])
      expectLosses(losses, transcript.losses, epochs, tolerance)
    })
  }
}
