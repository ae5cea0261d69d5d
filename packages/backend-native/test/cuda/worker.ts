// A worker that trains on cuda with a stream of its own, and posts its losses.
import { parentPort, workerData } from 'node:worker_threads'
import { compile, F, nn, optim, tensor, useDevice } from '@flambeau/core'
import { openCuda } from '../../src/cuda/index.ts'

useDevice(await openCuda(0))
const x = tensor(Array.from({ length: 40 }, (_, i) => [Math.sin(i), Math.cos(3 * i), i / 40]))
const y = x.select(1, 0).gt(0).float().view(-1, 1)
const model = new nn.Linear(3, 1)
for (const each of model.parameters()) each.detach().fill_(0.125 * (workerData as number))
const optimizer = new optim.SGD(model.parameters(), { lr: 0.5 })
const train = () => {
  const loss = F.binaryCrossEntropyWithLogits(model.forward(x), y)
  optimizer.zeroGrad()
  loss.backward()
  optimizer.step()
  return loss
}
const step = compile(train)
const losses = [train().item(), step().item(), step.repeat(5).item()]
parentPort?.postMessage(losses)
