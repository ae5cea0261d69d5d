// Magnitude pruning of a trained network, a few epochs of fine-tuning, weighted samples of an unbalanced set.
import { DataLoader, TensorDataset, WeightedRandomSampler } from '@flambeau/data'
import { manualSeed, nn, optim, randn, stack, tensor } from 'flambeau'
import type { Print } from './setting.ts'

const { prune } = nn.utils

export function main(seed: number, print: Print): void {
  manualSeed(seed)
  const x = randn(40, 4)
  const y = x.at(':, 0').gt(0.8).float().unsqueeze(1)
  const counts = stack([y.eq(0).sum(), y.eq(1).sum()])
  const weights = tensor(1).div(counts).at(y.squeeze(1).long())
  const sampler = new WeightedRandomSampler(weights, 40, { replacement: true })
  const loader = new DataLoader(new TensorDataset(x, y), { batchSize: 20, sampler })
  const model = new nn.Sequential(new nn.Linear(4, 10), new nn.Tanh(), new nn.Linear(10, 1))
  const criterion = new nn.BCEWithLogitsLoss()
  let optimizer = new optim.SGD(model.parameters(), { lr: 0.5 })

  function train(epochs: number): number {
    for (let epoch = 0; epoch < epochs; epoch++)
      for (const [inputs, targets] of loader) {
        const loss = criterion.forward(model.forward(inputs), targets)
        optimizer.zeroGrad()
        loss.backward()
        optimizer.step()
      }
    return criterion.forward(model.forward(x), y).item()
  }
  const zeros = () => model[0].weight.eq(0).sum().item()

  print(`trained ${train(10).toFixed(4)}`)
  prune.l1Unstructured(model[0], 'weight', 0.5)
  print(`pruned ${criterion.forward(model.forward(x), y).item().toFixed(4)} zeros ${zeros()}`)
  optimizer = new optim.SGD(model.parameters(), { lr: 0.2 })
  print(`tuned ${train(4).toFixed(4)}`)
  prune.remove(model[0], 'weight')
  print(`zeros ${zeros()} parameters ${model.parameters().length}`)
}
