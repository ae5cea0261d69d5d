// The two models of the lecture as a user writes them, made ready to run one epoch at a time; the examples print, these
// are timed.
import { loadBoston, loadBreastCancer, StandardScaler, toTensor } from '@flambeau/data'
import { F, manualSeed, nn, optim, type Tensor } from 'flambeau'

/** The numbers that a model is trained on, for implementations that take no tensors. */
export interface Data {
  readonly rows: number
  readonly features: number
  readonly x: Float32Array
  readonly y: Float32Array
}

export interface Model {
  /** One forward pass, backward pass and optimizer step; the loss. */
  readonly epoch: () => Tensor
  readonly data: Data
  /** The parameters at the start, weight then bias. */
  readonly weight: Float32Array
  readonly bias: Float32Array
}

const dataOf = (x: Tensor, y: Tensor): Data => ({
  rows: x.size(0),
  features: x.size(1),
  x: x.toArray() as Float32Array,
  y: y.toArray() as Float32Array,
})

const parametersOf = (linear: nn.Linear): { weight: Float32Array; bias: Float32Array } => ({
  weight: linear.weight.detach().toArray() as Float32Array,
  bias: (linear.bias as Tensor).detach().toArray() as Float32Array,
})

/** Linear regression on the Boston housing set, all 13 features, full batch. */
export function boston(seed = 0): Model {
  const { frame, featureNames } = loadBoston()
  const x = toTensor(new StandardScaler().fitTransform(frame.select(featureNames)))
  const y = toTensor(frame, ['TARGET'])
  manualSeed(seed)
  const model = new nn.Linear(x.size(-1), y.size(-1))
  const optimizer = new optim.SGD(model.parameters(), { lr: 1e-3 })
  const epoch = (): Tensor => {
    const yHat = model.forward(x)
    const loss = F.mseLoss(yHat, y)

    optimizer.zeroGrad()
    loss.backward()
    optimizer.step()
    return loss
  }
  return { epoch, data: dataOf(x, y), ...parametersOf(model) }
}

class MyModel extends nn.Module {
  linear: nn.Linear
  act: nn.Sigmoid

  constructor(inputDim: number, outputDim: number) {
    super()
    this.linear = new nn.Linear(inputDim, outputDim)
    this.act = new nn.Sigmoid()
  }

  override forward(x: Tensor): Tensor {
    return this.act.forward(this.linear.forward(x))
  }
}

/** Logistic regression on the Wisconsin breast cancer set, all 30 features, full batch. */
export function breastCancer(seed = 0): Model {
  const { frame, featureNames } = loadBreastCancer()
  const x = toTensor(new StandardScaler().fitTransform(frame.select(featureNames)))
  const y = toTensor(frame, ['target'])
  manualSeed(seed)
  const model = new MyModel(x.size(-1), y.size(-1))
  const crit = new nn.BCELoss()
  const optimizer = new optim.SGD(model.parameters(), { lr: 1e-2 })
  const epoch = (): Tensor => {
    const yHat = model.forward(x)
    const loss = crit.forward(yHat, y)

    optimizer.zeroGrad()
    loss.backward()
    optimizer.step()
    return loss
  }
  return { epoch, data: dataOf(x, y), ...parametersOf(model.linear) }
}
