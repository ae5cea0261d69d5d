// Style transfer: the things of one picture in the style of another (Gatys, Ecker and Bethge, 2016). What a picture shows
// is in the maps of a deep layer, and its style is in which channels occur together, so a picture that agrees with one
// picture in the first and with the other in the second is searched for by gradient descent on its pixels.
import { enableGrad, grad, nn, noGrad, optim, RuntimeError, signatures, type Tensor, ValueError } from '@flambeau/core'
import { checkMaps, featureMaps, gramMatrix } from './features.ts'

const { finite, fn, instance, int, keyword, list, nullable, required, signature, str, tensor } = signatures

export interface StyleTransferOptions {
  /** The layers whose maps should stay those of the content; by default the last convolution. */
  readonly contentLayers?: readonly string[] | null
  /** The layers whose Gram matrices should become those of the style; by default all convolutions. */
  readonly styleLayers?: readonly string[] | null
  /** The number of steps of Adam; 100 by default. */
  readonly steps?: number
  /** How far a pixel may move in a step; 0.02 by default. */
  readonly lr?: number
  /** The weight of the content's error; 1 by default. */
  readonly contentWeight?: number
  /** The weight of the style's error; 10 by default. */
  readonly styleWeight?: number
  /** Called after every step, from 1, with the loss before it. */
  readonly onStep?: (step: number, loss: number) => void
}

const styleTransferArguments = signature(
  'styleTransfer',
  required('model', instance(nn.Module, 'torch.nn.Module')),
  required('content', tensor),
  required('style', tensor),
  keyword('contentLayers', nullable(list(str)), null),
  keyword('styleLayers', nullable(list(str)), null),
  keyword('steps', int, 100),
  keyword('lr', finite, 0.02),
  keyword('contentWeight', finite, 1),
  keyword('styleWeight', finite, 10),
  keyword('onStep', nullable(fn), null),
)
/**
 * A picture in the shape of `content` [N, C, H, W] that shows its things in the style of `style` [N, C, H', W']. Both
 * have values from 0 to 1, and so has the result. The search starts at the content and uses no random numbers.
 *
 * The errors are relative: the mean squared difference from the wanted maps, or Gram matrices, divided by their mean
 * square. So the weights mean the same for every layer and every network.
 *
 * Only the layers of `model` up to the last one that counts need to be there: `vgg.features.slice(0, 12)`. The model
 * stays as it is.
 *
 * Throws a ValueError for pictures that are no batch, that have values outside 0 to 1, or that leave a layer without any
 * activation, an AttributeError for a layer that does not exist, and a RuntimeError in training mode.
 *
 * @example
 * const { features } = vgg11({ width: 0.125 }).eval()
 * styleTransfer(features.slice(0, 7), rand(1, 3, 32, 32), rand(1, 3, 24, 24), { steps: 2 }).shape // [ 1, 3, 32, 32 ]
 */
export function styleTransfer(
  ...args: [model: nn.Module, content: Tensor, style: Tensor, options?: StyleTransferOptions]
): Tensor {
  const [model, content, style, contentLayers, styleLayers, steps, lr, contentWeight, styleWeight, onStep] =
    styleTransferArguments(args)
  checkPicture('content', content)
  checkPicture('style', style)
  if (steps < 0) throw new ValueError(`steps should be at least 0, but got ${steps}`)
  if (contentWeight < 0 || styleWeight < 0)
    throw new ValueError(`the weights should be at least 0, but got ${contentWeight} and ${styleWeight}`)
  // A slice of a Sequential is a new one, and in training mode whatever its layers are in.
  if (model.modules().some((each) => each.training && each.children().length === 0))
    throw new RuntimeError('styleTransfer(): the model is in training mode', 'Call model.eval() first.')
  const convolutions = model.namedModules().flatMap(([name, each]) => (each instanceof nn.Conv2d ? [name] : []))
  const goals: readonly Goal[] = [
    ...goalsOf(contentLayers ?? convolutions.slice(-1), content, contentWeight, (maps) => maps),
    ...goalsOf(styleLayers ?? convolutions, style, styleWeight, gramMatrix),
  ]
  if (goals.length === 0) throw new ValueError('styleTransfer(): there is no layer to compare')

  /** The maps of all layers that count, by name. */
  const mapsOf = (x: Tensor) => featureMaps(model, x, [...new Set(goals.map(({ layer }) => layer))])
  const wanted = noGrad(() => {
    const maps = new Map([content, style].map((picture) => [picture, mapsOf(picture)]))
    return goals.map(({ layer, of, measure }) => relativeTo(layer, measure(maps.get(of)?.[layer] as Tensor)))
  })
  const errorOf = (x: Tensor): Tensor => {
    const maps = mapsOf(x)
    return goals
      .map(({ layer, weight, measure }, i) => wanted[i](measure(maps[layer])).mul(weight))
      .reduce((sum, error) => sum.add(error))
  }

  const picture = new nn.Parameter(content.detach().clone())
  const optimizer = new optim.Adam([picture], { lr })
  for (let step = 1; step <= steps; step++) {
    // Times 1, because a first layer in place may not write to a leaf.
    const loss = enableGrad(() => errorOf(picture.mul(1)))
    picture.grad = grad(loss, picture)[0]
    optimizer.step()
    noGrad(() => picture.clamp_(0, 1))
    onStep?.(step, loss.item())
  }
  return picture.detach()
}

/** What a layer should make of the picture: what it makes of another one. */
interface Goal {
  readonly layer: string
  readonly of: Tensor
  readonly weight: number
  readonly measure: (maps: Tensor) => Tensor
}

/** The layers share the weight. */
const goalsOf = (
  layers: readonly string[],
  of: Tensor,
  weight: number,
  measure: (maps: Tensor) => Tensor,
): readonly Goal[] => layers.map((layer) => ({ layer, of, weight: weight / layers.length, measure }))

/** How far something is from `wanted`, relative to it. */
function relativeTo(layer: string, wanted: Tensor): (found: Tensor) => Tensor {
  const size = wanted.square().mean().item()
  if (!(size > 0 && Number.isFinite(size)))
    throw new ValueError(`styleTransfer(): the mean square of layer '${layer}' is ${size}`, 'Leave the layer out.')
  return (found) => found.sub(wanted).square().mean().div(size)
}

function checkPicture(name: string, x: Tensor): void {
  checkMaps('styleTransfer', x)
  const [low, high] = [x.min().item(), x.max().item()]
  if (low >= 0 && high <= 1) return
  throw new ValueError(`styleTransfer(): ${name} should have values from 0 to 1, but has ${low} to ${high}`)
}
