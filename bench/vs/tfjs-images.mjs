// The convolutional networks on TensorFlow.js, as its users write them: images are NHWC and kernels HWIO, so both are
// turned when they are loaded, and the results back.
import * as tf from '@tensorflow/tfjs'

/** Names of PyTorch's numbers to variables and constants in this layout; `flattened` is the layer behind the maps. */
const turned = (inputs, flattened) =>
  Object.fromEntries(
    Object.entries(inputs).map(([name, given]) => {
      if (name === flattened) {
        const [outputs, features] = given.shape
        const maps = given.reshape([outputs, features / 25, 5, 5])
        return [name, maps.transpose([0, 2, 3, 1]).reshape([outputs, features])]
      }
      return [name, given.rank !== 4 ? given : given.transpose(name === 'x' ? [0, 2, 3, 1] : [2, 3, 1, 0])]
    }),
  )

const turnedBack = (name, value, flattened) => {
  if (name === flattened) {
    const [outputs, features] = value.shape
    const maps = value.reshape([outputs, 5, 5, features / 25])
    return maps.transpose([0, 3, 1, 2]).reshape([outputs, features])
  }
  return value.rank === 4 ? value.transpose([3, 2, 0, 1]) : value
}

/** A step with cross entropy; `scoresOf` maps images and parameters by name to scores. */
function training(inputs, optimizer, scoresOf, flattened) {
  const { x, y, ...given } = turned(inputs, flattened)
  const labels = tf.oneHot(y, 10).toFloat()
  const parameters = Object.fromEntries(
    Object.entries(given).flatMap(([name, value]) => (/weight|bias/.test(name) ? [[name, tf.variable(value)]] : [])),
  )
  const loss = () => tf.losses.softmaxCrossEntropy(labels, scoresOf(x, parameters))
  let last
  return {
    step() {
      last?.dispose()
      last = optimizer.minimize(loss, true, Object.values(parameters))
      return last
    },
    results: (loss) => [
      loss.dataSync(),
      ...Object.entries(parameters).map(([name, value]) => turnedBack(name, value, flattened).dataSync()),
    ],
  }
}

const lenet = (pool, act) => (inputs) =>
  training(
    inputs,
    tf.train.sgd(0.05),
    (x, p) => {
      const convolved = (x, name, pad) => tf.add(tf.conv2d(x, p[`${name}.weight`], 1, pad), p[`${name}.bias`])
      const linear = (x, name) => tf.add(tf.matMul(x, p[`${name}.weight`], false, true), p[`${name}.bias`])
      const half = pool(act(convolved(x, 'features.0', 2)), 2, 2, 'valid')
      const maps = pool(act(convolved(half, 'features.3', 0)), 2, 2, 'valid')
      const flat = maps.reshape([x.shape[0], 400])
      return linear(act(linear(act(linear(flat, 'classifier.1')), 'classifier.3')), 'classifier.5')
    },
    'classifier.1.weight',
  )

/** Stages of basic blocks: the first stage keeps the size, each other one halves it. */
function stages(x, p, counts, norm, shortcut) {
  const convolved = (x, name, stride, pad) => tf.conv2d(x, p[`${name}.weight`], stride, pad)
  const block = (x, name, stride) => {
    const inner = tf.relu(norm(convolved(x, `${name}.conv1`, stride, 1), `${name}.bn1`))
    const y = norm(convolved(inner, `${name}.conv2`, 1, 1), `${name}.bn2`)
    return tf.relu(tf.add(y, stride === 1 ? x : shortcut(x, name)))
  }
  return counts.reduce((x, count, stage) => {
    let y = x
    for (let i = 0; i < count; i++) y = block(y, `layer${stage + 1}.${i}`, i === 0 && stage > 0 ? 2 : 1)
    return y
  }, x)
}

const scores = (maps, p) => tf.add(tf.matMul(tf.mean(maps, [1, 2]), p['fc.weight'], false, true), p['fc.bias'])

/** Running statistics are left out, which spares it some work. */
const resnet20 = (inputs) =>
  training(inputs, tf.train.momentum(0.05, 0.9), (x, p) => {
    const norm = (x, name) => {
      const { mean, variance } = tf.moments(x, [0, 1, 2])
      return tf.batchNorm(x, mean, variance, p[`${name}.bias`], p[`${name}.weight`], 1e-5)
    }
    const shortcut = (x) => {
      // It has no gradient of a slice with steps; a window of one pixel does the same.
      const every = tf.maxPool(x, 1, 2, 'valid')
      const half = x.shape[3] / 2
      return tf.pad(every, [
        [0, 0],
        [0, 0],
        [0, 0],
        [half, half],
      ])
    }
    const y = tf.relu(norm(tf.conv2d(x, p['conv1.weight'], 1, 1), 'bn1'))
    return scores(stages(y, p, [3, 3, 3], norm, shortcut), p)
  })

/** Scores of an image; the result of a step is disposed before the next. */
function resnet18(inputs) {
  const { x, ...p } = turned(inputs)
  const norm = (x, name) => {
    const [mean, variance, bias, weight] = ['running_mean', 'running_var', 'bias', 'weight'].map(
      (n) => p[`${name}.${n}`],
    )
    return tf.batchNorm(x, mean, variance, bias, weight, 1e-5)
  }
  const shortcut = (x, name) => norm(tf.conv2d(x, p[`${name}.downsample.0.weight`], 2, 'valid'), `${name}.downsample.1`)
  let last
  return {
    step() {
      last?.dispose()
      last = tf.tidy(() => {
        const y = tf.relu(norm(tf.conv2d(x, p['conv1.weight'], 2, 3), 'bn1'))
        return scores(stages(tf.maxPool(y, 3, 2, 1), p, [2, 2, 2, 2], norm, shortcut), p)
      })
      // Work that may be queued is done when the scores are read.
      last.dataSync()
      return last
    },
    results: (y) => [y.dataSync()],
  }
}

const trained = { lenet5: lenet(tf.avgPool, tf.tanh), 'lenet5-max': lenet(tf.maxPool, tf.relu), resnet20 }
const cannot = () => ({ cannot: 'WebAssembly has no kernels for gradients of convolutions' })

/** On WebAssembly convolutions cannot be trained. */
export const images = (backend) => ({
  ...(backend === 'wasm' ? Object.fromEntries(Object.keys(trained).map((name) => [name, cannot])) : trained),
  resnet18,
})
