// LeNet-5 on convnetjs, which trains one image at a time and adds up the gradients of a batch: in double precision, with
// maxima and relu only. It starts with weights of its own; here they are overwritten with those of the others.
import convnetjs from 'convnetjs'

const size = 28
const layers = [
  { type: 'input', out_sx: size, out_sy: size, out_depth: 1 },
  { type: 'conv', sx: 5, filters: 6, stride: 1, pad: 2, activation: 'relu' },
  { type: 'pool', sx: 2, stride: 2 },
  { type: 'conv', sx: 5, filters: 16, stride: 1, pad: 0, activation: 'relu' },
  { type: 'pool', sx: 2, stride: 2 },
  { type: 'fc', num_neurons: 120, activation: 'relu' },
  { type: 'fc', num_neurons: 84, activation: 'relu' },
  { type: 'softmax', num_classes: 10 },
]
const names = ['features.0', 'features.3', 'classifier.1', 'classifier.3', 'classifier.5']

/** Where an element [channel, y, x] of PyTorch's lies in a volume, whose channels are innermost. */
const moved = (channels, sizeOfMap) =>
  Array.from({ length: channels * sizeOfMap }, (_, i) => (i % sizeOfMap) * channels + Math.floor(i / sizeOfMap))

/** For each weight: the filters of its layer and the places of their elements. */
function places(net) {
  const filtered = net.layers.filter(({ filters }) => filters !== undefined)
  return names.map((name, at) => {
    const layer = filtered[at]
    const channels = name.startsWith('features') ? layer.in_depth : at === 2 ? 16 : layer.num_inputs
    return { name, layer, order: moved(channels, layer.filters[0].w.length / channels) }
  })
}

function lenet({ x, y, ...given }) {
  const net = new convnetjs.Net()
  net.makeLayers(layers)
  const placed = places(net)
  for (const { name, layer, order } of placed) {
    const { data } = given[`${name}.weight`]
    for (const [i, { w }] of layer.filters.entries()) {
      for (const [from, to] of order.entries()) w[to] = data[i * order.length + from]
    }
    layer.biases.w.set(given[`${name}.bias`].data)
  }
  const trainer = new convnetjs.Trainer(net, {
    method: 'sgd',
    learning_rate: 0.05,
    momentum: 0,
    batch_size: y.data.length,
  })
  const pixels = size * size
  const volumes = Array.from(y.data, (_, i) => {
    const volume = new convnetjs.Vol(size, size, 1, 0)
    volume.w.set(x.data.subarray(i * pixels, (i + 1) * pixels))
    return volume
  })
  return {
    step() {
      let sum = 0
      volumes.forEach((volume, i) => void (sum += trainer.train(volume, y.data[i]).loss))
      return sum / volumes.length
    },
    results: (loss) => [
      [loss],
      ...placed.flatMap(({ layer, order }) => [
        layer.filters.flatMap(({ w }) => order.map((from) => w[from])),
        Array.from(layer.biases.w),
      ]),
    ],
  }
}

const cannot = (why) => () => ({ cannot: why })
const workloads = {
  lenet5: cannot('it has no average pooling'),
  'lenet5-max': lenet,
  resnet20: cannot('it has no batch normalisation and no sums of layers'),
  resnet18: cannot('it has no batch normalisation and no sums of layers'),
}

export const load = (name, numbers) => workloads[name]?.(numbers) ?? { cannot: 'not written for convnetjs' }
