// Random elements of 1 or 0.
import { isFloat } from '../../base/dtype.ts'
import { RuntimeError } from '../../base/errors.ts'
import { s } from '../../expr/expr.ts'
import * as draw from '../../random/distributions.ts'
import { defaultGenerator, type Generator } from '../../random/generator.ts'
import { apply, deviceOf } from '../../tensor/apply.ts'
import { applyInPlace, checkWritable } from '../../tensor/in-place.ts'
import { noGrad } from '../../tensor/mode.ts'
import { type Arguments, method, number, optional } from '../../tensor/signature.ts'
import { checkAlive, Tensor } from '../../tensor/tensor.ts'
import { elementwise } from '../define/elementwise.ts'
import {
  denseStrides,
  drawInto,
  drawn,
  type GeneratorOption,
  generatorParameter,
  noDraws,
  replaced,
  uniformFill,
} from './draws.ts'
import { toDType } from '../define/fill.ts'
import { tensorOrNumber } from './random.ts'
import { expand } from '../views/views.ts'

/** The probabilities, checked before anything is drawn. */
const checked = elementwise('clone', (p) => p, {
  check: ([p]) => ({
    expr: s.not(s.and(s.ge(p, 0), s.le(p, 1))),
    error: () => new RuntimeError(draw.between, 'Probabilities must be from 0 to 1.'),
  }),
})
const hits = elementwise('bernoulli', (p, uniform) => s.cast(s.lt(uniform, p), p.dtype))

/** 1 with the probability in `p` at each position, otherwise 0; drawn in the order of `strides`. */
function hitsOf(p: Tensor, generator: Generator, strides?: readonly number[]): Tensor {
  if (!isFloat(p.dtype)) throw noDraws('bernoulli_tensor_cpu_p_', p.dtype)
  noGrad(() => apply(checked, [p], null))
  const uniform = drawn(p.storage.device, p, generator, uniformFill(p.dtype, 0, 1), strides)
  return apply(hits, [p, uniform], null)
}

/**
 * Random elements of 1 or 0: with the probabilities in `x`, or all with probability `p`. The result has the shape and
 * dtype of `x`.
 *
 * @example
 * bernoulli(tensor([0, 0.5, 1]))
 */
export function bernoulli(x: Tensor, ...args: Arguments<[p: number], BernoulliOptions<number>>): Tensor {
  const [p, given] = bernoulliArguments(x, args)
  const generator = given ?? defaultGenerator
  if (p === undefined) return hitsOf(x, generator)
  return drawn(x.storage.device, x, generator, (out) => draw.bernoulli(out, p, generator))
}
const bernoulliArguments = method('bernoulli', optional('p', number, undefined), generatorParameter)
interface BernoulliOptions<P> extends GeneratorOption {
  readonly p?: P
}

const bernoulliIntoArguments = method('bernoulli_', optional('p', tensorOrNumber, 0.5), generatorParameter)
/**
 * Overwrites each element with 1 at probability `p` (0.5), a number or a tensor that expands to the shape, or with 0.
 */
export function bernoulli_(
  self: Tensor,
  ...args: Arguments<[p: number | Tensor], BernoulliOptions<number | Tensor>>
): Tensor {
  const [p, generator] = bernoulliIntoArguments(self, args)
  if (!(p instanceof Tensor)) {
    return drawInto(self, 'bernoulli', generator, () => (out, from) => draw.bernoulli(out, p, from))
  }
  checkWritable(self, [self])
  checkAlive(self)
  deviceOf([self, p])
  const hit = (): Tensor => hitsOf(expand(p, self.sizes), generator ?? defaultGenerator, denseStrides(self))
  const value = noGrad(() => toDType(hit(), self.dtype))
  return applyInPlace(replaced.bernoulliOf, self, [self, value], null)
}
