// Early stopping: the best state of a model is kept, patience runs out, the rate falls on a plateau.
import { DataLoader, TensorDataset } from '@flambeau/data'
import { deepCopy, manualSeed, nn, noGrad, optim, randn, type Tensor } from 'flambeau'
import type { Compile, Print } from './setting.ts'

class EarlyStopping {
  best = Infinity
  counter = 0
  state: ReturnType<nn.Module['stateDict']> | null = null

  readonly patience: number
  readonly minDelta: number

  constructor({ patience = 3, minDelta = 0 } = {}) {
    this.patience = patience
    this.minDelta = minDelta
  }

  call(value: number, model: nn.Module): boolean {
    if (value < this.best - this.minDelta) {
      this.best = value
      this.counter = 0
      this.state = deepCopy(model.stateDict())
    } else this.counter += 1
    return this.counter >= this.patience
  }
}

export function main(seed: number, print: Print, compile: Compile): void {
  manualSeed(seed)
  const x = randn(48, 5)
  const y = x.at(':, :1').sin().add(randn(48, 1).mul(0.3))
  const train = new DataLoader(new TensorDataset(x.at(':24'), y.at(':24')), { batchSize: 8, shuffle: true })
  const model = new nn.Sequential(
    new nn.Linear(5, 24, { bias: false }),
    new nn.BatchNorm1d(24),
    new nn.ReLU(),
    new nn.Linear(24, 1),
  )
  const criterion = new nn.MSELoss()
  const optimizer = new optim.Adam(model.parameters(), { lr: 0.05 })
  const scheduler = new optim.lrScheduler.ReduceLROnPlateau(optimizer, { mode: 'min', factor: 0.5, patience: 1 })
  const stopping = new EarlyStopping({ patience: 4 })

  const step = compile((inputs: Tensor, targets: Tensor) => {
    optimizer.zeroGrad()
    const loss = criterion.forward(model.forward(inputs), targets)
    loss.backward()
    optimizer.step()
    return loss
  })

  const validate = () => criterion.forward(model.forward(x.at('24:')), y.at('24:')).item()
  let epoch = 0
  for (; epoch < 25; epoch++) {
    model.train()
    for (const [inputs, targets] of train) step(inputs, targets)
    model.eval()
    const val = noGrad(validate)
    scheduler.step(val)
    if (stopping.call(val, model)) break
  }
  print(`stopped after ${epoch + 1} lr ${optimizer.paramGroups[0].lr.toFixed(5)}`)
  model.loadStateDict(stopping.state!)
  print(`best ${stopping.best.toFixed(4)} again ${validate().toFixed(4)}`)
}
