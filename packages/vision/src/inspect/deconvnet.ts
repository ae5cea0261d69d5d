// ZFNet's view of an activation: what in the image has caused it. Its authors run the network backwards, from one
// activation to the pixels (Zeiler and Fergus, 2013): unpooling puts each value where the maximum was (the switches),
// relu keeps what is positive, and convolutions use the transposed filters.
import {
  enableGrad,
  grad,
  nn,
  relu,
  RuntimeError,
  signatures,
  type Tensor,
  TypeError,
  ValueError,
  zerosLike,
} from '@flambeau/core'
import { checkChannel, checkMaps } from './features.ts'

const { int, iterable, keyword, required, signature, tensor } = signatures

/** Takes a signal at a layer's output back to its input. */
type Back = (signal: Tensor, layer: nn.Module, input: Tensor) => Tensor

const rectified: Back = (signal) => relu(signal)
const passed: Back = (signal) => signal
/**
 * Through a layer that is linear, or is once it is known where its maxima are, a signal goes back as a gradient does:
 * a convolution is transposed and has the input's size whatever its strides are, and pooling puts each value where the
 * maximum was. Where windows overlap and share their maximum, the values add up.
 */
const transposed: Back = (signal, layer, input) => {
  const leaf = input.detach().requiresGrad_()
  return enableGrad(() => grad(layer.forward(leaf) as Tensor, leaf, { gradOutputs: signal })[0])
}

/** How each kind of layer is gone through backwards. Normalisation across channels and dropout are left out. */
const ways: readonly (readonly [type: abstract new (...args: never) => nn.Module, back: Back])[] = [
  [nn.Conv2d, transposed],
  [nn.ReLU, rectified],
  [nn.MaxPool2d, transposed],
  [nn.AvgPool2d, transposed],
  [nn.AdaptiveAvgPool2d, transposed],
  [nn.BatchNorm2d, transposed],
  [nn.LocalResponseNorm, passed],
  [nn.Dropout, passed],
  [nn.Identity, passed],
]

const deconvnetArguments = signature(
  'deconvnet',
  required('layers', iterable as signatures.Kind<Iterable<nn.Module>>),
  required('x', tensor),
  keyword('channel', int, undefined),
)

/**
 * For each image, the picture that its strongest activation in one channel makes when the layers are run backwards, in
 * the shape of `x` [N, C, H, W]. The layers are those up to the one to look at: `model.features.slice(0, 9)`.
 *
 * They may be Conv2d, ReLU, MaxPool2d, AvgPool2d, AdaptiveAvgPool2d, BatchNorm2d, LocalResponseNorm, Dropout and
 * Identity.
 *
 * Throws a ValueError for another layer or a channel that does not exist, and a RuntimeError in training mode.
 *
 * @example
 * const { features } = zfnet({ width: 0.125 }).eval()
 * deconvnet(features.slice(0, 6), randn(1, 3, 224, 224), { channel: 3 }).shape // [ 1, 3, 224, 224 ]
 */
export function deconvnet(
  ...args: [layers: Iterable<nn.Module>, x: Tensor, options: { readonly channel: number }]
): Tensor {
  const [layers, x, channel] = deconvnetArguments(args)
  checkMaps('deconvnet', x)
  if (channel === undefined) throw new ValueError('deconvnet(): which channel?', 'Pass it: { channel: 0 }.')
  const path = [...layers].map((layer) => ({ layer, back: wayBack(layer), input: x }))
  let maps = x.detach().clone()
  for (const step of path) {
    // A copy, because a layer in place would overwrite it.
    step.input = maps.clone()
    maps = (step.layer.forward(maps) as Tensor).detach()
  }
  checkMaps('deconvnet', maps)
  checkChannel(maps, channel)
  let signal = onlyStrongest(maps, channel)
  for (const { layer, back, input } of path.reverse()) signal = back(signal, layer, input)
  return signal.detach()
}

/** Throws unless there is a way back through every layer. */
export function checkLayers(layers: readonly nn.Module[]): void {
  for (const layer of layers) wayBack(layer)
}

function wayBack(layer: nn.Module): Back {
  if (!(layer instanceof nn.Module))
    throw new TypeError(`deconvnet(): the layers must be modules, not ${layer === null ? 'null' : typeof layer}`)
  if (layer.training) throw new RuntimeError('deconvnet(): the layers are in training mode', 'Call model.eval() first.')
  const found = ways.find(([type]) => layer instanceof type)
  if (found !== undefined) return found[1]
  const names = ways.map(([type]) => type.name).join(', ')
  throw new ValueError(`deconvnet(): no way back through ${layer}`, `The layers may be ${names}.`)
}

/** The maps with nothing but the largest element of one channel in each image. */
function onlyStrongest(maps: Tensor, channel: number): Tensor {
  const [images, , height, width] = maps.sizes
  const flat = maps.select(1, channel).flatten(1)
  const place = flat.argmax(1).unsqueeze(1)
  const one = zerosLike(flat).scatter(1, place, flat.gather(1, place))
  const out = zerosLike(maps)
  out.select(1, channel).copy_(one.reshape([images, height, width]))
  return out
}
