// Which pixels a score depends on: its gradient by the image (Simonyan, Vedaldi and Zisserman, 2013).
import {
  enableGrad,
  grad,
  IndexError,
  nn,
  RuntimeError,
  signatures,
  Tensor,
  tensor as tensorOf,
  ValueError,
} from '@flambeau/core'
import { checkMaps } from './features.ts'

const { either, instance, int, ints, nullable, optional, required, signature, tensor } = signatures

const parameters = [
  required('model', instance(nn.Module, 'torch.nn.Module')),
  required('x', tensor),
  optional('target', nullable(either(int, either(ints, tensor))), null),
] as const
type Arguments = [model: nn.Module, x: Tensor, target?: number | readonly number[] | Tensor | null]

const inputGradientArguments = signature('inputGradient', ...parameters)
/**
 * The gradient of each image's score by its pixels, in the shape of `x` [N, C, H, W]. `target` is the class: one for
 * all, or one for each image; without it, each image's highest score. The parameters' own gradients stay as they are.
 *
 * Throws a ValueError if `x` is not a batch of images or `target` does not fit it, an IndexError for a class that does not
 * exist, and a RuntimeError if the model does not return scores [N, numClasses].
 *
 * @example
 * inputGradient(lenet5().eval(), randn(2, 1, 28, 28), 3).shape // [ 2, 1, 28, 28 ]
 */
export function inputGradient(...args: Arguments): Tensor {
  const [model, x, target] = inputGradientArguments(args)
  return enableGrad(() => gradientOf('inputGradient', model, x, target))
}

const saliencyArguments = signature('saliency', ...parameters)
/**
 * How much each pixel matters for a class: the largest absolute `inputGradient` of its channels, [N, 1, H, W].
 *
 * @example
 * saliency(lenet5().eval(), randn(2, 1, 28, 28)).shape // [ 2, 1, 28, 28 ]
 */
export function saliency(...args: Arguments): Tensor {
  const [model, x, target] = saliencyArguments(args)
  return enableGrad(() => gradientOf('saliency', model, x, target))
    .abs()
    .amax({ dim: 1, keepdim: true })
}

function gradientOf(
  name: string,
  model: nn.Module,
  x: Tensor,
  target: number | readonly number[] | Tensor | null,
): Tensor {
  checkMaps(name, x)
  const input = x.detach().requiresGrad_()
  // Times 1, because a first layer in place may not write to a leaf.
  const scores: unknown = model.forward(input.mul(1))
  if (!(scores instanceof Tensor) || scores.dim() !== 2) {
    throw new RuntimeError(`${name}(): the model does not return scores [N, numClasses]`, 'Call model.eval() first.')
  }
  const classes = classesOf(name, scores, target)
  return grad(scores.gather(1, classes.unsqueeze(1)).sum(), input)[0]
}

/** The class of each image. */
function classesOf(name: string, scores: Tensor, target: number | readonly number[] | Tensor | null): Tensor {
  if (target === null) return scores.detach().argmax(1)
  const [images, count] = scores.sizes
  const given = target instanceof Tensor ? target.toArray() : typeof target === 'number' ? [target] : target
  const classes = Array.from(typeof target === 'number' ? Array(images).fill(target) : (given as ArrayLike<number>))
  if (classes.length !== images) {
    throw new ValueError(`${name}(): expected one target for each of ${images} images, got ${classes.length}`)
  }
  const wrong = classes.find((each) => !(Number.isInteger(each) && each >= 0 && each < count))
  if (wrong !== undefined) throw new IndexError(`Target ${wrong} is out of bounds.`, `The model has ${count} classes.`)
  return tensorOf(classes, { dtype: 'int32', device: scores.device })
}
