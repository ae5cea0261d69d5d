// Trains in a worker until it is terminated, and reports after every stretch of epochs.
import { parentPort } from 'node:worker_threads'
import { compile, F, manualSeed, nn, optim, randn, useDevice } from '@flambeau/core'
import { native } from '../src/index.ts'

useDevice(await native())
manualSeed(0)
const x = randn(569, 30)
const y = x.select(1, 0).gt(0).float().view(-1, 1)
const model = new nn.Linear(30, 1)
const optimizer = new optim.SGD(model.parameters(), { lr: 1e-2 })
const train = () => {
  const loss = F.binaryCrossEntropyWithLogits(model.forward(x), y)
  optimizer.zeroGrad()
  loss.backward()
  optimizer.step()
  return loss
}
const step = compile(train)
for (;;) {
  train()
  parentPort?.postMessage(step.repeat(300).item())
}
