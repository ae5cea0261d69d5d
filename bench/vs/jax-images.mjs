// The convolutional networks on jax-js, whose convolutions have PyTorch's layouts. It has no momentum and no
// normalisation of its own, so both are written out.
import { jit, lax, nn, numpy as np, valueAndGrad } from '@jax-js/jax'

const convolved = (x, weight, stride, pad) =>
  lax.convGeneralDilated(
    x,
    weight,
    [stride, stride],
    [
      [pad, pad],
      [pad, pad],
    ],
  )
/** A number for each channel of [N, C, H, W]. */
const ofChannels = (x) => x.reshape([1, -1, 1, 1])
const linear = (x, p, name) => np.matmul(x, np.transpose(p[`${name}.weight`])).add(p[`${name}.bias`])
const crossEntropy = (logits, labels) => np.negative(np.sum(nn.logSoftmax(logits).mul(labels))).div(labels.shape[0])

const copies = (tree) => Object.fromEntries(Object.entries(tree).map(([name, array]) => [name, array.ref]))
const each = (tree, make) => Object.fromEntries(Object.keys(tree).map((name) => [name, make(name)]))

/** A step with cross entropy under jit, and with momentum if it is not zero; its loss is read. */
function training({ x, y, ...given }, scoresOf, lr, momentum) {
  const labels = nn.oneHot(y, 10)
  let parameters = Object.fromEntries(Object.entries(given).filter(([name]) => /weight|bias/.test(name)))
  let velocities = each(parameters, (name) => np.zerosLike(parameters[name].ref))
  const gradient = valueAndGrad((parameters, x, labels) => crossEntropy(scoresOf(x, parameters), labels))
  const step = jit((parameters, velocities, x, labels) => {
    const [loss, gradients] = gradient(copies(parameters), x, labels)
    const next = each(parameters, (name) => velocities[name].mul(momentum).add(gradients[name]))
    return [loss, each(parameters, (name) => parameters[name].sub(next[name].ref.mul(lr))), next]
  })
  let last
  return {
    step() {
      last?.dispose()
      ;[last, parameters, velocities] = step(parameters, velocities, x.ref, labels.ref)
      last.ref.dataSync()
      return last
    },
    results: (loss) => [loss, ...Object.values(parameters)].map((array) => array.ref.dataSync()),
  }
}

const pooling = (reduce) => (x) => lax.reduceWindow(x, reduce, [2, 2], [2, 2])

const lenet = (pool, act) => (inputs) =>
  training(
    inputs,
    (x, p) => {
      const layer = (x, name, pad) => convolved(x, p[`${name}.weight`], 1, pad).add(ofChannels(p[`${name}.bias`]))
      const half = pool(act(layer(x, 'features.0', 2)))
      const flat = pool(act(layer(half, 'features.3', 0))).reshape([-1, 400])
      return linear(act(linear(act(linear(flat, p, 'classifier.1')), p, 'classifier.3')), p, 'classifier.5')
    },
    0.05,
    0,
  )

/** Stages of basic blocks: the first stage keeps the size, each other one halves it. */
function stages(x, p, counts, norm, shortcut) {
  const block = (x, name, stride) => {
    const inner = nn.relu(norm(convolved(x.ref, p[`${name}.conv1.weight`], stride, 1), `${name}.bn1`))
    const y = norm(convolved(inner, p[`${name}.conv2.weight`], 1, 1), `${name}.bn2`)
    return nn.relu(y.add(stride === 1 ? x : shortcut(x, name)))
  }
  return counts.reduce((x, count, stage) => {
    let y = x
    for (let i = 0; i < count; i++) y = block(y, `layer${stage + 1}.${i}`, i === 0 && stage > 0 ? 2 : 1)
    return y
  }, x)
}

const scores = (maps, p) => linear(np.mean(maps, [2, 3]), p, 'fc')

const normalised = (x, mean, variance, p, name) =>
  x
    .sub(mean)
    .div(np.sqrt(variance.add(1e-5)))
    .mul(ofChannels(p[`${name}.weight`]))
    .add(ofChannels(p[`${name}.bias`]))

/** Running statistics are left out, which spares it some work. */
const resnet20 = (inputs) =>
  training(
    inputs,
    (x, p) => {
      const norm = (x, name) => {
        const mean = np.mean(x.ref, [0, 2, 3], { keepdims: true })
        const variance = np.mean(np.square(x.ref.sub(mean.ref)), [0, 2, 3], { keepdims: true })
        return normalised(x, mean, variance, p, name)
      }
      const shortcut = (x) => {
        const [images, channels, height, width] = x.shape
        const pairs = x.reshape([images, channels, height / 2, 2, width / 2, 2])
        const every = pairs.slice([], [], [], 0, [], 0)
        const around = [channels / 2, channels / 2]
        return np.pad(every, [[0, 0], around, [0, 0], [0, 0]])
      }
      const y = nn.relu(norm(convolved(x, p['conv1.weight'], 1, 1), 'bn1'))
      return scores(stages(y, p, [3, 3, 3], norm, shortcut), p)
    },
    0.05,
    0.9,
  )

function resnet18({ x, ...given }) {
  const forward = jit((x, p) => {
    const norm = (x, name) =>
      normalised(x, ofChannels(p[`${name}.running_mean`]), ofChannels(p[`${name}.running_var`]), p, name)
    const shortcut = (x, name) => norm(convolved(x, p[`${name}.downsample.0.weight`], 2, 0), `${name}.downsample.1`)
    const y = nn.relu(norm(convolved(x, p['conv1.weight'], 2, 3), 'bn1'))
    // Behind relu, zeros around do as well as minus infinity.
    const around = [
      [0, 0],
      [0, 0],
      [1, 1],
      [1, 1],
    ]
    const pooled = lax.reduceWindow(np.pad(y, around), np.max, [3, 3], [2, 2])
    return scores(stages(pooled, p, [2, 2, 2, 2], norm, shortcut), p)
  })
  let last
  return {
    step() {
      last?.dispose()
      last = forward(x.ref, copies(given))
      last.ref.dataSync()
      return last
    },
    results: (y) => [y.ref.dataSync()],
  }
}

export const images = {
  lenet5: lenet(pooling(np.mean), np.tanh),
  'lenet5-max': lenet(pooling(np.max), nn.relu),
  resnet20,
  resnet18,
}
