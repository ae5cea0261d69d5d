// Distributions with a probability for each element of the batch, given as `probs` or as `logits`; each is computed from the
// other at first use.
import { ValueError } from '../base/errors.ts'
import { type Arguments, nullable, optional, type Parameter } from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import * as constraints from './constraints.ts'
import type { Constraint } from './constraints.ts'
import { Distribution, type Made, type ValidateOption, validateParameter } from './distribution.ts'
import { ExponentialFamily } from './exponential-family.ts'
import { broadcastAll, limitsOf, tensorOrNumber, type TensorOrNumber } from './values.ts'

export const clampProbs = (probs: Tensor): Tensor => {
  const { eps } = limitsOf(probs)
  return probs.clamp(eps, 1 - eps)
}

/** The one of the two that is given, by its name. */
export function oneOf<T>(probs: T | null, logits: T | null): readonly ['probs' | 'logits', T] {
  if ((probs === null) === (logits === null)) {
    throw new ValueError(
      'Either `probs` or `logits` must be specified, but not both.',
      'Pass (probs), or ({ logits }) for logits.',
    )
  }
  return probs !== null ? ['probs', probs] : ['logits', logits as T]
}

const logitsOf = (given: Tensor): Tensor => {
  const probs = clampProbs(given)
  return probs.log().sub(probs.neg().log1p())
}

interface WithChances {
  readonly probs: Tensor
  readonly logits: Tensor
  readonly paramShape: readonly number[]
}
// biome-ignore lint/suspicious/noExplicitAny: TypeScript asks a mixin for such a constructor
type Base = abstract new (...args: any[]) => Distribution
/** Adds both parameters to a base class: some of these distributions are exponential families, and some are not. */
// biome-ignore lint/suspicious/noExplicitAny: as above
function withChances<T extends Base>(base: T): T & (abstract new (...args: any[]) => WithChances) {
  abstract class OfChances extends base implements WithChances {
    override get argConstraints(): Readonly<Record<string, Constraint>> {
      return { probs: constraints.unitInterval, logits: constraints.real }
    }

    get probs(): Tensor {
      return this.lazy('probs', () => this.logits.sigmoid())
    }

    get logits(): Tensor {
      return this.lazy('logits', () => logitsOf(this.probs))
    }

    get paramShape(): readonly number[] {
      return paramOf(this).shape
    }
  }
  return OfChances
}

/** Distributions with a probability for each element of the batch. */
export abstract class Chances extends withChances(Distribution) {}

/** Those of them that are exponential families. */
export abstract class FamilyOfChances extends withChances(ExponentialFamily) {}

/** The parameter that was given. */
export const paramOf = (p: WithChances): Tensor => (Object.hasOwn(p, 'probs') ? p.probs : p.logits)

export type Chance = TensorOrNumber | null
export interface ChanceOptions extends ValidateOption {
  readonly probs?: Chance
  readonly logits?: Chance
}
export type ChanceArguments = Arguments<[probs: Chance, logits: Chance, validateArgs: boolean | null], ChanceOptions>
export const chance: readonly [Parameter<Chance>, Parameter<Chance>, Parameter<boolean | null>] = [
  optional('probs', nullable(tensorOrNumber), null),
  optional('logits', nullable(tensorOrNumber), null),
  validateParameter,
]
export const chancesMade = ([probs, logits, validateArgs]: readonly [Chance, Chance, boolean | null]): Made => {
  const [name, given] = oneOf(probs, logits)
  const [value] = broadcastAll(given)
  return { fields: { [name]: value }, batchShape: value.sizes, validateArgs }
}
