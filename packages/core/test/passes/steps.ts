// Recordings for the tests of passes: training steps of small versions of the lessons' models.
import { js } from '@flambeau/backend-js'
import { F, manualSeed, nn, optim, rand, randint, randn, type Tensor, tensor, useDevice } from '@flambeau/core'
import type { Backend } from '../../src/backend/backend.ts'
import type { Program } from '../../src/backend/program.ts'
import { Recorder } from '../../src/compile/recorder.ts'
import { currentDevice } from '../../src/tensor/device.ts'
import { effects } from '../../src/tensor/effects.ts'

useDevice(js())
export const backend: Backend = currentDevice().backend

/** The program of a step that ran once before, so that optimizers have their state. */
export function recorded(step: () => readonly Tensor[]): Program {
  step()
  const device = currentDevice()
  const { backend } = device
  const recorder = new Recorder(device)
  device.backend = recorder
  effects.sink = recorder
  try {
    const results = step()
    const gradients = [...recorder.looks.gradients.keys()].flatMap(({ grad }) => (grad === null ? [] : [grad]))
    return recorder.program([...results, ...gradients])
  } finally {
    device.backend = backend
    effects.sink = null
  }
}

export const train =
  (optimizer: optim.Optimizer, loss: () => Tensor): (() => readonly Tensor[]) =>
  () => {
    const value = loss()
    optimizer.zeroGrad()
    value.backward()
    optimizer.step()
    return [value]
  }

/** A linear layer, mean squared error, SGD. */
export function boston(): () => readonly Tensor[] {
  manualSeed(7)
  const [x, y] = [randn(506, 13), randn(506, 1)]
  const model = new nn.Linear(13, 1)
  return train(new optim.SGD(model.parameters(), { lr: 1e-2 }), () => F.mseLoss(model.forward(x), y))
}

/** Logistic regression: sigmoid, binary cross entropy, SGD. */
export function breastCancer(): () => readonly Tensor[] {
  manualSeed(7)
  const [x, y] = [randn(569, 30), rand(569, 1).gt(0.5).float()]
  const model = new nn.Sequential(new nn.Linear(30, 1), new nn.Sigmoid())
  const loss = new nn.BCELoss()
  return train(new optim.SGD(model.parameters(), { lr: 1e-2 }), () => loss.forward(model.forward(x) as Tensor, y))
}

/** Softmax cross entropy against class indices, forward and backward. */
export function crossEntropy(): () => readonly Tensor[] {
  manualSeed(7)
  const x = randn(8, 10).requiresGrad_()
  const y = randint(0, 10, [8])
  return () => {
    x.grad = null
    const value = F.crossEntropy(x, y)
    value.backward()
    return [value]
  }
}

/** The 13-10-5-1 network with leaky ReLU. */
export function mlp(): () => readonly Tensor[] {
  manualSeed(7)
  const [x, y] = [randn(506, 13), randn(506, 1)]
  const model = new nn.Sequential(
    new nn.Linear(13, 10),
    new nn.LeakyReLU(),
    new nn.Linear(10, 5),
    new nn.LeakyReLU(),
    new nn.Linear(5, 1),
  )
  return train(new optim.SGD(model.parameters(), { lr: 1e-2 }), () => F.mseLoss(model.forward(x) as Tensor, y))
}

/** Batch norm and dropout under Adam. */
export function batchNorm(): () => readonly Tensor[] {
  manualSeed(7)
  const [x, y] = [randn(32, 8), randn(32, 2)]
  const model = new nn.Sequential(
    new nn.Linear(8, 16),
    new nn.BatchNorm1d(16),
    new nn.ReLU(),
    new nn.Dropout(0.3),
    new nn.Linear(16, 2),
  )
  return train(new optim.Adam(model.parameters(), { lr: 1e-3 }), () => F.mseLoss(model.forward(x) as Tensor, y))
}

/** Adam on a parameter with a given gradient. */
export function adam(): () => readonly Tensor[] {
  const p = tensor([1, 2, 3]).requiresGrad_()
  const optimizer = new optim.Adam([p], { lr: 1e-3 })
  return train(optimizer, () => p.mul(p).sum())
}
