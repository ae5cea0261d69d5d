// Pruning by a method of one's own, by whole rows and over several layers, in rounds with a schedule of amounts.
import { BatchSampler, DataLoader, RandomSampler, Subset, TensorDataset } from '@flambeau/data'
import { F, manualSeed, nn, noGrad, optim, randn, sigmoid, type Tensor } from 'flambeau'
import type { Print } from './setting.ts'

const { prune } = nn.utils

class BelowDeviation extends prune.BasePruningMethod {
  readonly PRUNING_TYPE = 'unstructured'
  readonly share: number

  constructor(share: number) {
    super()
    this.share = share
  }

  override computeMask(t: Tensor, defaultMask: Tensor): Tensor {
    return defaultMask.mul(t.abs().gt(t.std().mul(this.share)))
  }
}

export function main(seed: number, print: Print): void {
  manualSeed(seed)
  const x = randn(60, 5)
  const y = sigmoid(x.at(':, :2').prod(1).mul(3)).round().long()
  const data = new TensorDataset(x, y)
  const train = new Subset(
    data,
    Array.from({ length: 40 }, (_, i) => i),
  )
  const sampler = new BatchSampler(new RandomSampler(train), 16, true)
  const loader = new DataLoader(train, { batchSampler: sampler })
  const model = new nn.Sequential(
    new nn.Linear(5, 12),
    new nn.SiLU(),
    new nn.Linear(12, 8),
    new nn.SiLU(),
    new nn.Linear(8, 2),
  )
  const layers = [...model].filter((m) => m instanceof nn.Linear)
  const optimizer = new optim.AdamW(model.parameters(), { lr: 0.02 })
  const scheduler = new optim.lrScheduler.LambdaLR(optimizer, (epoch) => 1 / (1 + 0.1 * epoch))

  function fit(epochs: number): string {
    for (let epoch = 0; epoch < epochs; epoch++) {
      for (const [inputs, labels] of loader) {
        optimizer.zeroGrad()
        const loss = F.crossEntropy(model.forward(inputs), labels, { labelSmoothing: 0.1 })
        loss.backward()
        optimizer.step()
      }
      scheduler.step()
    }
    return noGrad(() => F.crossEntropy(model.forward(x.at('40:')), y.at('40:')).item()).toFixed(4)
  }
  const sparsity = (): string => `[${layers.map((m) => m.weight.eq(0).sum().item()).join(', ')}]`
  const says = (x: boolean): string => (x ? 'True' : 'False')

  print(`dense ${fit(6)}`, sparsity())
  prune.globalUnstructured(
    layers.map((m) => [m, 'weight'] as const),
    prune.L1Unstructured,
    { amount: 0.3 },
  )
  print(`global ${fit(3)}`, sparsity())
  prune.lnStructured(layers[1], 'weight', { amount: 2, n: 2, dim: 0 })
  const method = BelowDeviation.apply(layers[0], 'weight', 0.5) as InstanceType<typeof prune.PruningContainer>
  print(method.constructor.name, method.length, (method.at(-1) as BelowDeviation).share, sparsity())
  const names = layers[0].namedBuffers().map(([name]) => `'${name}'`)
  print(`rows ${fit(3)}`, `[${names.sort().join(', ')}]`, says(prune.isPruned(model)))
  for (const m of layers) prune.remove(m, 'weight')
  print(
    sparsity(),
    model.parameters().reduce((sum, p) => sum + p.numel(), 0),
    says(prune.isPruned(model)),
  )
}
