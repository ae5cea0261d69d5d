// The workloads on TensorFlow.js: `node serve.js tfjs.mjs cpu` or `wasm`. Weights stay [outputs, inputs], as the inputs have them.
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import * as tf from '@tensorflow/tfjs'
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm'
import { images } from './tfjs-images.mjs'

const [backend] = process.argv.slice(3)
const wasm = createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm')
setWasmPaths(`${dirname(wasm)}/`)
if (!(await tf.setBackend(backend)) || tf.getBackend() !== backend) throw new Error(`no backend ${backend}`)

const toTensor = ({ data, shape }) => tf.tensor(data, shape, data instanceof Int32Array ? 'int32' : 'float32')
const values = (tensors) => tensors.map((tensor) => tensor.dataSync())
const linear = (x, weight, bias) => tf.add(tf.matMul(x, weight, false, true), bias)

/** Variables for all inputs that are parameters, in order. */
const variables = (inputs) =>
  Object.entries(inputs).flatMap(([name, given]) => (/weight|bias/.test(name) ? [tf.variable(given)] : []))

const training = (inputs, optimizer, lossOf) => {
  const parameters = variables(inputs)
  const loss = () => lossOf(inputs, parameters)
  let last
  return {
    step() {
      last?.dispose()
      last = optimizer.minimize(loss, true, parameters)
      return last
    },
    results: (loss) => values([loss, ...parameters]),
  }
}

/** A step whose results are discarded before the next. */
const repeated = (work) => {
  let last = []
  return {
    step() {
      tf.dispose(last)
      last = tf.tidy(work)
      return last
    },
    results: values,
  }
}

const reduction = (reduce, axis) => (inputs) => repeated(() => [reduce(inputs.x, axis)])
const matmul = ({ a, b }) => repeated(() => [tf.matMul(a, b)])
const oneHot = (y, classes) => tf.oneHot(y, classes).toFloat()

const workloads = {
  boston: (inputs) =>
    training(inputs, tf.train.sgd(1e-3), ({ x, y }, [w, b]) => tf.losses.meanSquaredError(y, linear(x, w, b))),
  'boston-mlp': (inputs) =>
    training(inputs, tf.train.sgd(1e-3), ({ x, y }, [w0, b0, w1, b1, w2, b2]) => {
      const hidden = tf.leakyRelu(linear(tf.leakyRelu(linear(x, w0, b0), 0.01), w1, b1), 0.01)
      return tf.losses.meanSquaredError(y, linear(hidden, w2, b2))
    }),
  'breast-cancer': (inputs) =>
    training(inputs, tf.train.sgd(1e-2), ({ x, y }, [w, b]) => tf.losses.sigmoidCrossEntropy(y, linear(x, w, b))),
  mlp(inputs) {
    const labels = oneHot(inputs.y, 10)
    return training(inputs, tf.train.adam(1e-3, 0.9, 0.999, 1e-8), ({ x }, [w0, b0, w1, b1, w2, b2]) => {
      const hidden = tf.relu(linear(tf.relu(linear(x, w0, b0)), w1, b1))
      return tf.losses.softmaxCrossEntropy(labels, linear(hidden, w2, b2))
    })
  },
  'matmul-64': matmul,
  'matmul-256': matmul,
  'matmul-512': matmul,
  'matmul-1024': matmul,
  activation({ x }) {
    const gradient = tf.valueAndGrad((x) => tf.sum(tf.mul(tf.tanh(tf.add(tf.mul(x, 1.5), 0.5)), tf.sigmoid(x))))
    return repeated(() => {
      const { value, grad } = gradient(x)
      return [value, grad]
    })
  },
  'cross-entropy'({ x, y }) {
    const labels = oneHot(y, x.shape[1])
    const gradient = tf.valueAndGrad((x) => tf.losses.softmaxCrossEntropy(labels, x))
    return repeated(() => {
      const { value, grad } = gradient(x)
      return [value, grad]
    })
  },
  'sum-0': reduction(tf.sum, 0),
  'sum-1': reduction(tf.sum, 1),
  'sum-2': reduction(tf.sum, 2),
  'mean-0': reduction(tf.mean, 0),
  'mean-1': reduction(tf.mean, 1),
  'mean-2': reduction(tf.mean, 2),
  'max-0': reduction(tf.max, 0),
  'max-1': reduction(tf.max, 1),
  'max-2': reduction(tf.max, 2),
  'scalar-graph'({ x, y }) {
    const gradients = tf.valueAndGrads((x, y) => {
      let z = x
      for (let i = 0; i < 10; i++) z = tf.add(tf.mul(z, y), x)
      return z
    })
    return repeated(() => {
      const { value, grads } = gradients([x, y])
      return [value, ...grads]
    })
  },
  operation: ({ x, y }) =>
    repeated(() => {
      let z = x
      for (let i = 0; i < 100; i++) z = tf.mul(z, y)
      return [z]
    }),
  ...images(backend),
}

export const load = (name, numbers) =>
  workloads[name]?.(Object.fromEntries(Object.entries(numbers).map(([key, value]) => [key, toTensor(value)]))) ?? {
    cannot: 'not written for TensorFlow.js',
  }
