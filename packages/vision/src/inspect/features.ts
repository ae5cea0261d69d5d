// What a network computes on the way: the maps of its layers, its filters, and the maps' strongest elements and styles.
import { bmm, nn, signatures, type Tensor, Tensor as TensorClass, ValueError } from '@flambeau/core'

const { instance, int, keyword, list, nullable, optional, required, signature, str, tensor } = signatures
const model = required('model', instance(nn.Module, 'torch.nn.Module'))

/** Throws for anything but maps [N, C, H, W]. */
export function checkMaps(name: string, x: Tensor): void {
  if (x.dim() === 4) return
  throw new ValueError(
    `${name}(): expected maps [N, C, H, W], got ${x.dim()} dimensions`,
    'For one image: x.unsqueeze(0).',
  )
}

const featureMapsArguments = signature(
  'featureMaps',
  model,
  required('x', tensor),
  optional('layers', nullable(list(str)), null),
)
/**
 * Runs a model on a batch and returns the outputs of its layers by name: of the named ones, or of all its convolutions,
 * [N, C, H, W] each.
 *
 * The maps are copies, so a later layer in place does not change them, and part of the autograd graph; for pictures call
 * it in `noGrad`. A layer that runs twice gives its last output.
 *
 * Throws an AttributeError for a layer that does not exist, and a ValueError for one that does not run or whose output is
 * no tensor.
 *
 * @example
 * const maps = featureMaps(lenet5().eval(), randn(1, 1, 28, 28))
 * maps['features.0'].shape // [ 1, 6, 28, 28 ]
 */
export function featureMaps(
  ...args: [model: nn.Module, x: Tensor, layers?: readonly string[] | null]
): Readonly<Record<string, Tensor>> {
  const [model, x, layers] = featureMapsArguments(args)
  const named: (readonly [string, nn.Module])[] =
    layers?.map((name) => [name, model.getSubmodule(name)]) ??
    model.namedModules().filter(([, module]) => module instanceof nn.Conv2d)
  const found = new Map<nn.Module, unknown>()
  const handles = named.map(([, module]) =>
    module.registerForwardHook((_, __, output: unknown) => {
      found.set(module, output instanceof TensorClass ? output.clone() : output)
    }),
  )
  try {
    model.forward(x)
  } finally {
    for (const handle of handles) handle.remove()
  }
  return Object.fromEntries(
    named.map(([name, module]) => {
      const output = found.get(module)
      if (output instanceof TensorClass) return [name, output]
      throw new ValueError(`layer '${name}' ${found.has(module) ? 'does not return a tensor' : 'does not run'}`)
    }),
  )
}

const firstFiltersArguments = signature('firstFilters', model)
/**
 * The filters of a model's first convolution, [outChannels, inChannels, height, width], which are small pictures
 * themselves: `makeGrid(firstFilters(model), { normalize: true, scaleEach: true })`.
 *
 * Throws a ValueError if the model has no convolution.
 *
 * @example
 * firstFilters(lenet5()).shape // [ 6, 1, 5, 5 ]
 */
export function firstFilters(...args: [model: nn.Module]): Tensor {
  const [model] = firstFiltersArguments(args)
  for (const module of model.modules()) if (module instanceof nn.Conv2d) return module.weight.detach().clone()
  throw new ValueError('the model has no convolution')
}

/** The largest element of one channel of one image. */
export interface Activation {
  readonly image: number
  readonly row: number
  readonly column: number
  readonly value: number
}

const strongestArguments = signature(
  'strongest',
  required('maps', tensor),
  required('channel', int),
  keyword('count', int, 9),
)
/**
 * The largest element of a channel of maps [N, C, H, W] in each image, for the `count` images where it is largest, in
 * falling order. ZFNet's authors show the nine images that excite a channel most.
 *
 * Throws a ValueError for another number of dimensions, a channel that the maps do not have, or a count below 1.
 *
 * @example
 * strongest(tensor([[[[0, 3], [1, 2]]]]), 0) // [ { image: 0, row: 0, column: 1, value: 3 } ]
 */
export function strongest(
  ...args: [maps: Tensor, channel: number, options?: { readonly count?: number }]
): Activation[] {
  const [maps, channel, count] = strongestArguments(args)
  checkMaps('strongest', maps)
  checkChannel(maps, channel)
  if (count < 1) throw new ValueError(`count should be at least 1, but got ${count}`)
  const [, , , width] = maps.sizes
  const flat = maps.detach().select(1, channel).flatten(1)
  const places = flat.argmax(1)
  const values = flat.gather(1, places.unsqueeze(1)).squeeze(1).toArray()
  return Array.from(places.toArray(), (place, image) => ({
    image,
    row: Math.floor(place / width),
    column: place % width,
    value: values[image],
  }))
    .sort((a, b) => b.value - a.value)
    .slice(0, count)
}

/** Throws for a channel that maps [N, C, H, W] do not have. */
export function checkChannel({ sizes }: Tensor, channel: number): void {
  if (channel >= 0 && channel < sizes[1]) return
  throw new ValueError(`channel ${channel} is out of range for maps of ${sizes[1]} channels`)
}

const gramMatrixArguments = signature('gramMatrix', required('x', tensor))
/**
 * How much the channels of maps [N, C, H, W] occur together, [N, C, C]: the products of all pairs of channels, summed
 * over all positions and divided by C H W. Two pictures whose Gram matrices agree have the same style.
 *
 * Throws a ValueError for another number of dimensions.
 *
 * @example
 * gramMatrix(ones(1, 1, 3, 3)) // tensor([[[1.]]])
 */
export function gramMatrix(...args: [x: Tensor]): Tensor {
  const [x] = gramMatrixArguments(args)
  checkMaps('gramMatrix', x)
  const [, channels, height, width] = x.sizes
  const flat = x.flatten(2)
  return bmm(flat, flat.transpose(1, 2)).div(channels * height * width)
}
