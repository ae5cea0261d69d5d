// Training that moves from one device to another and back: what is trained goes along, and the curve stays PyTorch's.
import { native } from '@flambeau/backend-native'
import { loadBoston, loadBreastCancer, loadIris, StandardScaler, toTensor } from '@flambeau/data'
import { compile, F, js, manualSeed, nn, optim, type Tensor, useDevice } from 'flambeau'
import { expect } from 'vitest'
import { nativeMissing, testWith } from '../../tools/test/machine.ts'
import { expectLosses, type Tolerance, type Transcript, transcripts } from './transcripts.ts'

interface Training {
  readonly transcript: Transcript
  readonly tolerance: Tolerance
  readonly epochs: number
  readonly begin: () => {
    readonly model: nn.Module
    readonly optimizer: optim.Optimizer
    readonly data: readonly [x: Tensor, y: Tensor]
    readonly loss: (x: Tensor, y: Tensor) => Tensor
  }
}

const [boston, breastCancer, shallow] = ['boston', 'breast-cancer', 'shallow-network'].map(
  (name) => transcripts(name)[0],
)

const trainings: Readonly<Record<string, Training>> = {
  boston: {
    transcript: boston,
    tolerance: (epoch) => (epoch <= 10 ? 1e-6 : 1e-4),
    epochs: 2000,
    begin() {
      const { frame, featureNames } = loadBoston()
      const x = toTensor(new StandardScaler().fitTransform(frame.select(featureNames)))
      manualSeed(boston.seed)
      const model = new nn.Linear(13, 1)
      const optimizer = new optim.SGD(model.parameters(), { lr: 1e-3 })
      return {
        model,
        optimizer,
        data: [x, toTensor(frame, ['TARGET'])],
        loss: (x, y) => F.mseLoss(model.forward(x), y),
      }
    },
  },
  'breast-cancer': {
    transcript: breastCancer,
    tolerance: (epoch) => (epoch <= 10 ? 1e-6 : 1e-4),
    epochs: 10_000,
    begin() {
      const { frame, featureNames } = loadBreastCancer()
      const x = toTensor(new StandardScaler().fitTransform(frame.select(featureNames)))
      manualSeed(breastCancer.seed)
      const model = new nn.Sequential(new nn.Linear(30, 1), new nn.Sigmoid())
      const optimizer = new optim.SGD(model.parameters(), { lr: 1e-2 })
      const loss = (x: Tensor, y: Tensor) => F.binaryCrossEntropy(model.forward(x), y)
      return { model, optimizer, data: [x, toTensor(frame, ['target'])], loss }
    },
  },
  // Adam, whose state goes along as well.
  iris: {
    transcript: (shallow.parts as Record<string, Transcript>).iris,
    tolerance: (epoch) => (epoch <= 10 ? 1e-5 : 1e-3),
    epochs: 200,
    begin() {
      const { frame, featureNames } = loadIris()
      const x = toTensor(new StandardScaler().fitTransform(frame.select(featureNames)))
      const label = toTensor(frame, 'target', { dtype: 'int32' })
      manualSeed(shallow.seed)
      const model = new nn.Sequential(new nn.Linear(4, 10), new nn.LeakyReLU(), new nn.Linear(10, 3))
      const optimizer = new optim.Adam(model.parameters(), { lr: 1e-2 })
      return { model, optimizer, data: [x, label], loss: (x, y) => F.crossEntropy(model.forward(x), y) }
    },
  },
}

for (const [name, { transcript, tolerance, epochs, begin }] of Object.entries(trainings)) {
  for (const compiled of [true, false]) {
    const title = `${name}, ${compiled ? 'compiled' : 'eager'}, goes from js to native and back`
    testWith('native', nativeMissing, title, async () => {
      const backends = { js: js(), native: await native() }
      const { model, optimizer, data, loss } = begin()
      const train = (x: Tensor, y: Tensor): Tensor => {
        const value = loss(x, y)
        optimizer.zeroGrad()
        value.backward()
        optimizer.step()
        return value
      }
      const step = compiled ? compile(train) : train
      let [x, y] = data
      const losses = new Map<number, number>()
      const places: string[] = []
      for (let epoch = 1; epoch <= epochs; epoch++) {
        const device = Math.floor((3 * (epoch - 1)) / epochs) === 1 ? 'native' : 'js'
        if (places.at(-1) !== device) {
          useDevice(backends[device])
          model.to(device)
          // Puts the state where the parameters are, as in PyTorch.
          optimizer.loadStateDict(optimizer.stateDict())
          ;[x, y] = [x.to(device), y.to(device)]
          places.push(device)
        }
        const value = step(x, y)
        expect(value.device.toString()).toBe(device)
        if (epoch in transcript.losses) losses.set(epoch, value.item())
      }
      expect(places).toEqual(['js', 'native', 'js'])
      expectLosses(losses, transcript.losses, epochs, tolerance)
    })
  }
}
