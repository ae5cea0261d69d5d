// The workloads on jax-js, on WebAssembly, with whole steps under jit. A function owns an array passed to it; `ref`
// keeps it. Every step's first result is read, because unread results accumulate and slow down the next steps.
import { init, jit, nn, numpy as np, valueAndGrad } from '@jax-js/jax'
import { images } from './jax-images.mjs'

await init('wasm')

const toArray = ({ data, shape }) =>
  np.array(data, { dtype: data instanceof Int32Array ? np.int32 : np.float32 }).reshape([...shape])
const values = (arrays) => arrays.map((array) => array.ref.dataSync())
const linear = (x, weight, bias) => np.matmul(x, np.transpose(weight)).add(bias)

/** A step whose first result is read, and whose results are discarded before the next. */
const repeated = (work) => {
  let last = []
  return {
    step() {
      for (const array of last) array.dispose()
      last = work()
      last[0].ref.dataSync()
      return last
    },
    results: values,
  }
}

const isParameter = (name) => /weight|bias/.test(name)

/** `update(parameters, gradients, state)` returns one parameter's new value and state. */
const training = (inputs, lossOf, update, stateOf) => {
  const { x, y } = inputs
  let parameters = Object.keys(inputs).flatMap((name) => (isParameter(name) ? [inputs[name]] : []))
  let state = parameters.map(stateOf)
  const gradient = valueAndGrad(lossOf)
  const step = jit((parameters, state, x, y) => {
    const [loss, gradients] = gradient(
      parameters.map((p) => p.ref),
      x,
      y,
    )
    const next = parameters.map((p, i) => update(p, gradients[i], state[i]))
    return [loss, next.map(([p]) => p), next.map(([, s]) => s)]
  })
  let last
  return {
    step() {
      last?.dispose()
      ;[last, parameters, state] = step(parameters, state, x.ref, y.ref)
      last.ref.dataSync()
      return last
    },
    results: (loss) => values([loss, ...parameters]),
  }
}

const sgd = (lr) => [(p, g, s) => [p.sub(g.mul(lr)), s], () => np.array([0])]

const meanSquare = (yHat, y) => {
  const error = yHat.sub(y)
  return np.mean(error.ref.mul(error))
}
/** Written so that it does not overflow; jax-js's own logSigmoid does after long training. */
const sigmoidCrossEntropy = (z, y) =>
  np.mean(
    np
      .maximum(z.ref, 0)
      .sub(z.ref.mul(y))
      .add(np.log1p(np.exp(np.negative(np.abs(z))))),
  )
const softmaxCrossEntropy = (logits, labels) => np.negative(np.sum(nn.logSoftmax(logits).mul(labels)))

/** Adam with PyTorch's defaults; the state is both averages and the number of the step. */
const adam = [
  (p, g, [m, v, t]) => {
    const next = t.add(1)
    const nextM = m.mul(0.9).add(g.ref.mul(0.1))
    const nextV = v.mul(0.999).add(g.ref.mul(g).mul(0.001))
    const corrected = nextM.ref.div(np.subtract(1, np.power(0.9, next.ref)))
    const root = np.sqrt(nextV.ref.div(np.subtract(1, np.power(0.999, next.ref)))).add(1e-8)
    return [p.sub(corrected.div(root).mul(1e-3)), [nextM, nextV, next]]
  },
  (p) => [np.zerosLike(p.ref), np.zerosLike(p.ref), np.zeros([])],
]

const matmul = ({ a, b }) => {
  const product = jit((a, b) => np.matmul(a, b))
  return repeated(() => [product(a.ref, b.ref)])
}
const reduction = (name, axis) => (inputs) => {
  const reduce = jit((x) => np[name](x, axis))
  return repeated(() => [reduce(inputs.x.ref)])
}

const workloads = {
  boston: (inputs) => training(inputs, ([w, b], x, y) => meanSquare(linear(x, w, b), y), ...sgd(1e-3)),
  'boston-mlp': (inputs) =>
    training(
      inputs,
      ([w0, b0, w1, b1, w2, b2], x, y) => {
        const hidden = nn.leakyRelu(linear(nn.leakyRelu(linear(x, w0, b0), 0.01), w1, b1), 0.01)
        return meanSquare(linear(hidden, w2, b2), y)
      },
      ...sgd(1e-3),
    ),
  'breast-cancer': (inputs) =>
    training(inputs, ([w, b], x, y) => sigmoidCrossEntropy(linear(x, w, b), y), ...sgd(1e-2)),
  mlp: (inputs) =>
    training(
      { ...inputs, y: nn.oneHot(inputs.y, 10) },
      ([w0, b0, w1, b1, w2, b2], x, labels) => {
        const hidden = nn.relu(linear(nn.relu(linear(x, w0, b0)), w1, b1))
        return softmaxCrossEntropy(linear(hidden, w2, b2), labels).div(64)
      },
      ...adam,
    ),
  'matmul-64': matmul,
  'matmul-256': matmul,
  'matmul-512': matmul,
  'matmul-1024': matmul,
  activation({ x }) {
    const gradient = jit(valueAndGrad((x) => np.sum(np.tanh(x.ref.mul(1.5).add(0.5)).mul(nn.sigmoid(x)))))
    return repeated(() => gradient(x.ref))
  },
  'cross-entropy'({ x, y }) {
    const [rows, classes] = x.shape
    const labels = nn.oneHot(y, classes)
    const gradient = jit(valueAndGrad((x, labels) => softmaxCrossEntropy(x, labels).div(rows)))
    return repeated(() => gradient(x.ref, labels.ref))
  },
  'sum-0': reduction('sum', 0),
  'sum-1': reduction('sum', 1),
  'sum-2': reduction('sum', 2),
  'mean-0': reduction('mean', 0),
  'mean-1': reduction('mean', 1),
  'mean-2': reduction('mean', 2),
  'max-0': reduction('max', 0),
  'max-1': reduction('max', 1),
  'max-2': reduction('max', 2),
  'scalar-graph'({ x, y }) {
    const gradient = jit(
      valueAndGrad(([x, y]) => {
        let z = x.ref
        for (let i = 0; i < 10; i++) z = z.mul(y.ref).add(x.ref)
        x.dispose()
        y.dispose()
        return z
      }),
    )
    return repeated(() => gradient([x.ref, y.ref]).flat())
  },
  operation: ({ x, y }) =>
    repeated(() => {
      let z = x.ref
      for (let i = 0; i < 100; i++) z = z.mul(y.ref)
      return [z]
    }),
  ...images,
}

export const load = (name, numbers) =>
  workloads[name]?.(Object.fromEntries(Object.entries(numbers).map(([key, value]) => [key, toArray(value)]))) ?? {
    cannot: 'not written for jax-js',
  }
