// What excites a channel: the parts of images with its strongest activations, beside what the deconvnet shows of them, as
// ZFNet's authors show them.
import { nn, noGrad, signatures, stack, type Tensor } from '@flambeau/core'
import { checkLayers, deconvnet } from './deconvnet.ts'
import { type Activation, checkMaps, strongest } from './features.ts'

const { int, iterable, keyword, required, signature, tensor } = signatures

/** The strongest activations of a channel, in falling order. */
export interface StrongestPatches {
  readonly activations: readonly Activation[]
  /** The part of each image that the activation depends on, [count, C, h, w]. */
  readonly patches: Tensor
  /** The same part of the picture that `deconvnet` makes of the activation, [count, C, h, w]. */
  readonly views: Tensor
}

const strongestPatchesArguments = signature(
  'strongestPatches',
  required('layers', iterable as signatures.Kind<Iterable<nn.Module>>),
  required('x', tensor),
  required('channel', int),
  keyword('count', int, 9),
)
/**
 * The parts of the images `x` [N, C, H, W] that excite a channel of the last layer most, one of each image, and what the
 * deconvnet shows of them. The layers are those of `deconvnet`.
 *
 * A part is as large as the window of pixels that an element of the maps depends on, or as the image if that is smaller.
 * At the border of the image it is moved inwards.
 *
 * Throws what `deconvnet` and `strongest` throw.
 *
 * @example
 * const { features } = alexnet({ width: 0.125 }).eval()
 * const { patches, views } = strongestPatches(features.slice(0, 5), rand(12, 3, 64, 64), 0)
 * patches.shape // [ 9, 3, 51, 51 ]
 * views.shape // [ 9, 3, 51, 51 ]
 */
export function strongestPatches(
  ...args: [layers: Iterable<nn.Module>, x: Tensor, channel: number, options?: { readonly count?: number }]
): StrongestPatches {
  const [iterated, x, channel, count] = strongestPatchesArguments(args)
  const layers = [...iterated]
  checkMaps('strongestPatches', x)
  checkLayers(layers)
  // A copy, because a first layer in place would overwrite the images.
  const maps = noGrad(() => layers.reduce((y: Tensor, layer) => layer.forward(y) as Tensor, x.detach().clone()))
  const activations = strongest(maps, channel, { count })
  const images = stack(activations.map(({ image }) => x.detach().select(0, image)))
  const views = deconvnet(layers, images, { channel })
  const [, , height, width] = x.sizes
  const [down, across] = [0, 1].map((dim) => fieldOf(layers, dim, [height, width][dim]))
  const cut = (pictures: Tensor): Tensor =>
    stack(
      activations.map(({ row, column }, i) =>
        pictures.select(0, i).narrow(1, down.start(row), down.size).narrow(2, across.start(column), across.size),
      ),
    )
  return { activations, patches: cut(images), views: cut(views) }
}

/** The window of pixels that an element depends on, in one dimension of an image of `length` pixels. */
interface Field {
  readonly size: number
  readonly start: (place: number) => number
}

function fieldOf(layers: readonly nn.Module[], dim: number, length: number): Field {
  // Backwards, a window of `size` elements from `step * place + first` becomes one of the elements that these depend on.
  const { size, step, first } = layers.reduceRight(
    (of, layer) => {
      if (layer instanceof nn.AdaptiveAvgPool2d) return { size: Infinity, step: 0, first: 0 }
      if (!(layer instanceof nn.Conv2d || layer instanceof nn.MaxPool2d || layer instanceof nn.AvgPool2d)) return of
      const kernel = along(layer.kernelSize, dim)
      const stride = along(layer.stride, dim)
      const span = 'dilation' in layer ? along(layer.dilation, dim) * (kernel - 1) : kernel - 1
      return {
        size: (of.size - 1) * stride + span + 1,
        step: of.step * stride,
        first: of.first * stride - paddingOf(layer.padding, dim, span),
      }
    },
    { size: 1, step: 1, first: 0 },
  )
  const whole = Math.min(size, length)
  return { size: whole, start: (place) => Math.max(0, Math.min(step * place + first, length - whole)) }
}

const along = (x: number | readonly number[], dim: number): number => (typeof x === 'number' ? x : x[dim % x.length])
const paddingOf = (padding: string | number | readonly number[], dim: number, span: number): number => {
  if (typeof padding !== 'string') return along(padding, dim)
  return padding === 'same' ? Math.floor(span / 2) : 0
}
