// The workloads on js-pytorch, whose tensors are nested arrays of numbers. It has no SGD, sigmoid, tanh or binary cross
// entropy; these are composed from what it has. Where it computes something else, or cannot at all, a message says so.
import { torch } from 'js-pytorch'

const nested = ({ data, shape }, at = 0, dim = 0) => {
  const stride = shape.slice(dim + 1).reduce((product, size) => product * size, 1)
  return Array.from({ length: shape[dim] }, (_, i) =>
    dim === shape.length - 1 ? data[at + i] : nested({ data, shape }, at + i * stride, dim + 1),
  )
}
const transposed = ({ data, shape: [rows, columns] }) => ({
  data: data.map((_, i) => data[(i % rows) * columns + Math.floor(i / rows)]),
  shape: [columns, rows],
})
const tensor = (numbers, requiresGrad = false) => torch.tensor(nested(numbers), requiresGrad)
const values = (arrays) => arrays.map((array) => [array].flat(3))
const repeated = (step) => ({ step, results: (result) => values([result.data]) })

/** The sigmoid for tensors of a shape: a single 1 would not broadcast in every case. */
const sigmoidOf = (shape) => {
  const ones = torch.ones([...shape])
  return (x) => ones.div(x.neg().exp().add(1))
}

/** A linear model; weights are [inputs, outputs] here. */
const linear = ({ x, y, weight, bias }, lossOf, lr) => {
  const data = tensor(x)
  const target = tensor(y)
  const w = tensor(transposed(weight), true)
  const b = tensor(bias, true)
  const descend = (values, gradients) => {
    for (let i = 0; i < values.length; i++) {
      if (Array.isArray(values[i])) descend(values[i], gradients[i])
      else values[i] -= lr * gradients[i]
    }
  }
  return {
    step() {
      const loss = lossOf(data.matmul(w).add(b), target)
      w.zero_grad()
      b.zero_grad()
      loss.backward()
      descend(w.data, w.grad)
      descend(b.data, b.grad)
      return loss
    },
    results: (loss) => values([loss.data, w.data, b.data]),
  }
}

/** A function of one tensor and its gradient. */
const gradient = (x, lossOf) => ({
  step() {
    x.zero_grad()
    const loss = lossOf(x)
    loss.backward()
    return loss
  },
  results: (loss) => values([loss.data, x.grad]),
})

const matmul = ({ a, b }) => {
  const [left, right] = [tensor(a), tensor(b)]
  return repeated(() => left.matmul(right))
}
const reduction = (name, dim) => (inputs) => {
  const x = tensor(inputs.x)
  return repeated(() => x[name](dim))
}
const cannot = (why) => () => ({ cannot: why })

const workloads = {
  boston(inputs) {
    // Its MSELoss divides by the number of rows twice.
    const meanSquare = (yHat, y) => {
      const error = yHat.sub(y)
      return error.mul(error).sum(0).div(y.length)
    }
    return linear(inputs, meanSquare, 1e-3)
  },
  'boston-mlp': cannot('it has no LeakyReLU, nor what one could be made of'),
  'breast-cancer'(inputs) {
    const sigmoid = sigmoidOf(inputs.y.shape)
    const crossEntropy = (z, y) => {
      const p = sigmoid(z)
      const right = y.mul(p.log())
      const rest = y.neg().add(1).mul(p.neg().add(1).log())
      return right.add(rest).sum(0).div(-y.length)
    }
    return linear({ ...inputs, weight: inputs['0.weight'], bias: inputs['0.bias'] }, crossEntropy, 1e-2)
  },
  mlp: cannot('its Adam has no bias correction: it trains something else'),
  'matmul-64': matmul,
  'matmul-256': matmul,
  'matmul-512': matmul,
  'matmul-1024': matmul,
  activation({ x }) {
    const sigmoid = sigmoidOf(x.shape)
    return gradient(tensor(x, true), (x) => {
      const tanh = sigmoid(x.mul(1.5).add(0.5).mul(2)).mul(2).sub(1)
      return tanh.mul(sigmoid(x)).sum()
    })
  },
  'cross-entropy'({ x, y }) {
    const crossEntropy = new torch.nn.CrossEntropyLoss()
    const labels = tensor(y)
    return gradient(tensor(x, true), (x) => crossEntropy.forward(x, labels))
  },
  'sum-0': reduction('sum', 0),
  'sum-1': reduction('sum', 1),
  'sum-2': reduction('sum', 2),
  'mean-0': reduction('mean', 0),
  'mean-1': reduction('mean', 1),
  'mean-2': reduction('mean', 2),
  'max-0': cannot('it has no maximum'),
  'max-1': cannot('it has no maximum'),
  'max-2': cannot('it has no maximum'),
  'scalar-graph'(inputs) {
    const x = torch.tensor([inputs.x.data[0]], true)
    const y = torch.tensor([inputs.y.data[0]], true)
    return {
      step() {
        x.zero_grad()
        y.zero_grad()
        let z = x
        for (let i = 0; i < 10; i++) z = z.mul(y).add(x)
        z.backward()
        return z
      },
      results: (z) => values([z.data, x.grad, y.grad]),
    }
  },
  operation(inputs) {
    const [x, y] = [tensor(inputs.x), tensor(inputs.y)]
    return repeated(() => {
      let z = x
      for (let i = 0; i < 100; i++) z = z.mul(y)
      return z
    })
  },
  ...Object.fromEntries(
    ['lenet5', 'lenet5-max', 'resnet20', 'resnet18'].map((name) => [name, cannot('it has no convolution')]),
  ),
}

export const load = (name, numbers) => workloads[name]?.(numbers) ?? { cannot: 'not written for js-pytorch' }
