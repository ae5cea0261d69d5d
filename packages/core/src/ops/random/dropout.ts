// Dropout: in training, random elements or whole channels are dropped. The noise is PyTorch's for the same seed.
import { dtypeName, isFloat } from '../../base/dtype.ts'
import { RuntimeError, ValueError } from '../../base/errors.ts'
import { warn } from '../../base/warn.ts'
import { s } from '../../expr/expr.ts'
import * as draw from '../../random/distributions.ts'
import { defaultGenerator } from '../../random/generator.ts'
import { apply, operand } from '../../tensor/apply.ts'
import { type Takes, type Arguments, bool, method, number, optional, required } from '../../tensor/signature.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { elementwise } from '../define/elementwise.ts'
import { inPlace } from '../methods.ts'
import { add, mul } from '../pointwise/arithmetic.ts'
import { squeeze, unsqueeze } from '../views/views.ts'
import { drawn } from './draws.ts'

export interface DropoutOptions {
  readonly p?: number
  readonly training?: boolean
  readonly inplace?: boolean
}
type DropoutArguments = Arguments<[p: number, training: boolean, inplace: boolean], DropoutOptions>

/** What a kind of dropout drops, and how it makes up for it. */
interface Kind {
  /** Whole channels. */
  readonly feature: boolean
  /** Dropped elements become SELU's negative limit, and the result is shifted and scaled to keep mean and variance. */
  readonly alpha: boolean
}

/** Noise of one element for each element of x, or for each channel: `kept` where it is kept, otherwise 0. */
function noiseOf(x: Tensor, feature: boolean, keep: number, kept: number): Tensor {
  const sizes = feature ? x.sizes.map((n, i) => (i < 2 ? n : 1)) : x.sizes
  return drawn(x.storage.device, { sizes, dtype: x.dtype }, defaultGenerator, (out, generator) => {
    if (keep === 0) out.fill(0)
    else draw.bernoulli(out, keep, generator, kept)
  })
}

/** What is added to dropped and kept elements: `dropped` where the noise is 0, otherwise `kept`. */
const shifts = elementwise('add', (noise, dropped, kept) => s.select(s.eq(noise, 0), dropped, kept))
const saturation = 1.7580993408473766

interface How {
  readonly training: boolean
  readonly inplace: boolean
}
function dropped(x: Tensor, p: number, { feature, alpha }: Kind, { training, inplace }: How): Tensor {
  if (!training || p === 0 || x.elements === 0) return x
  const write = (fn: typeof mul, y: Tensor, by: Tensor): Tensor => (inplace ? inPlace(fn, y, by) : fn(y, by))
  if (feature && p < 1 && x.dim() < 2)
    throw new RuntimeError('Feature dropout requires at least 2 dimensions in the input')
  const keep = 1 - p
  if (!isFloat(x.dtype) && p < 1) {
    throw new RuntimeError(
      `result type Float can't be cast to the desired output type ${dtypeName[x.dtype]}`,
      'Dropout scales by fractions. Convert it first: x.float().',
    )
  }
  const round = x.dtype === 'float32' ? Math.fround : (value: number): number => value
  if (!alpha || p === 1) return write(mul, x, noiseOf(x, feature, keep, round(1 / round(keep))))
  const a = 1 / Math.sqrt((saturation ** 2 * p + 1) * keep)
  const noise = noiseOf(x, feature, keep, round(a))
  const shift = round(saturation * a * p)
  const lowest = round(round(-round(saturation * a)) + shift)
  return write(add, write(mul, x, noise), apply(shifts, [noise, operand(lowest), operand(shift)], null))
}

/** A function with PyTorch's checks. */
function dropoutFunction(
  name: string,
  training: boolean,
  call: (x: Tensor, p: number, how: How) => Tensor,
  check?: (x: Tensor) => void,
): (x: Tensor, args: readonly unknown[]) => Tensor {
  const read = method(
    name,
    optional('p', number, 0.5),
    optional('training', bool, training),
    optional('inplace', bool, false),
  )
  return (x, args) => {
    const [p, inTraining, inplace] = read(x, args)
    if (!(p >= 0 && p <= 1)) throw new ValueError(`dropout probability has to be between 0 and 1, but got ${p}`)
    check?.(x)
    return call(x, p, { training: inTraining, inplace })
  }
}
const plain = (name: string, training: boolean, kind: Kind): ReturnType<typeof dropoutFunction> =>
  dropoutFunction(name, training, (x, p, how) => dropped(x, p, kind, how))

const channels = { feature: true, alpha: false }
/** Drops channels of [N, C, ...] with `rank` spatial dimensions; [C, ...] is one sample. */
const ofSamples = (rank: number, check: (x: Tensor) => void): ReturnType<typeof dropoutFunction> =>
  dropoutFunction(
    `dropout${rank}d`,
    true,
    (x, p, how) => {
      if (x.dim() === rank + 2) return dropped(x, p, channels, how)
      const y = dropped(unsqueeze(x, 0), p, channels, how)
      return how.inplace ? x : squeeze(y, 0)
    },
    check,
  )

const ofElements = plain('dropout', true, { feature: false, alpha: false })
const of1d = ofSamples(1, (x) => {
  if (x.dim() === 2 || x.dim() === 3) return
  throw new RuntimeError(
    `dropout1d: Expected 2D or 3D input, but received a ${x.dim()}D input. Note that dropout1d exists to provide channel-wise dropout on inputs with 1 spatial dimension, a channel dimension, and an optional batch dimension (i.e. 2D or 3D inputs).`,
  )
})
const deprecated = (rank: number, x: Tensor): void =>
  warn(
    `dropout${rank}d: Received a ${x.dim()}-D input to dropout${rank}d, which is deprecated and will result in an error in a future release. To retain the behavior and silence this warning, please use dropout instead. Note that dropout${rank}d exists to provide channel-wise dropout on inputs with ${rank} spatial dimensions, a channel dimension, and an optional batch dimension (i.e. ${rank + 1}D or ${rank + 2}D inputs).`,
  )
const of2d = dropoutFunction(
  'dropout2d',
  true,
  (x, p, how) => dropped(x, p, channels, how),
  (x) => {
    if (x.dim() !== 3 && x.dim() !== 4) deprecated(2, x)
    if (x.dim() === 3) {
      warn(
        'dropout2d: Received a 3D input to dropout2d and assuming that channel-wise 1D dropout behavior is desired - input is interpreted as shape (N, C, L), where C is the channel dim. This behavior will change in a future release to interpret the input as one without a batch dimension, i.e. shape (C, H, W). To maintain the 1D channel-wise dropout behavior, please switch to using dropout1d instead.',
      )
    }
  },
)
const of3d = ofSamples(3, (x) => {
  if (x.dim() !== 4 && x.dim() !== 5) deprecated(3, x)
})
const ofAlpha = plain('alpha_dropout', false, { feature: false, alpha: true })
const ofFeatureAlpha = plain('feature_alpha_dropout', false, { feature: true, alpha: true })

/**
 * In training, sets elements to 0 with probability `p` (0.5) and scales the others by 1 / (1 - p); otherwise returns
 * the input.
 *
 * @example
 * dropout(ones(4), 0.5) // e.g. tensor([0., 2., 2., 0.])
 */
export const dropout = (x: Tensor, ...args: DropoutArguments): Tensor => ofElements(x, args)
const alone = method('dropout', required('p', number), required('train', bool))
/**
 * `F.dropout` as a function of torch itself, which has no defaults.
 *
 * Throws a RuntimeError unless `p` is a probability.
 *
 * @example
 * dropout(ones(2), 0.5, false) // tensor([1., 1.])
 */
export function dropoutOf(x: Tensor, ...args: Takes<[p: number, train: boolean], 'p train'>): Tensor {
  const [p, train] = alone(x, args)
  if (!(p >= 0 && p <= 1)) throw new RuntimeError(`dropout probability has to be between 0 and 1, but got ${p}`)
  return dropout(x, p, train)
}
/**
 * In training, sets whole channels of signals [N, C, L] or [C, L] to 0 with probability `p` (0.5) and scales the others
 * by 1 / (1 - p).
 *
 * @example
 * F.dropout1d(ones(1, 2, 3)).shape // [1, 2, 3]
 */
export const dropout1d = (x: Tensor, ...args: DropoutArguments): Tensor => of1d(x, args)
/** The same for images [N, C, H, W]; PyTorch takes three dimensions for [N, C, L]. */
export const dropout2d = (x: Tensor, ...args: DropoutArguments): Tensor => of2d(x, args)
/** The same for volumes [N, C, D, H, W] or [C, D, H, W]. */
export const dropout3d = (x: Tensor, ...args: DropoutArguments): Tensor => of3d(x, args)
/**
 * Dropout for networks of `selu`, which keeps the mean and the variance: in training, elements become SELU's negative
 * limit with probability `p` (0.5), and the result is scaled and shifted. `training` is false unless given.
 *
 * @example
 * F.alphaDropout(zeros(2), 0, true) // tensor([0., 0.])
 */
export const alphaDropout = (x: Tensor, ...args: DropoutArguments): Tensor => ofAlpha(x, args)
/** The same for whole channels of [N, C, ...]. */
export const featureAlphaDropout = (x: Tensor, ...args: DropoutArguments): Tensor => ofFeatureAlpha(x, args)
