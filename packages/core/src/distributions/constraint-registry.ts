// From constraints to transforms: `bijectTo` and `transformTo` give, for a constraint, a transform from all real numbers to the
// region; the first only such that can be undone.
import { className } from '../base/class-name.ts'
import { NotImplementedError, TypeError } from '../base/errors.ts'
import { typeName } from '../base/python.ts'
import { anything, fn, type Kind, optional, required, signature } from '../tensor/signature.ts'
import * as constraints from './constraints.ts'
import { Constraint } from './constraints.ts'
import { CatTransform, CorrCholeskyTransform, identityTransform, StackTransform } from './parts.ts'
import { ComposeTransform, IndependentTransform, type Transform } from './transform.ts'
import {
  AffineTransform,
  ExpTransform,
  LowerCholeskyTransform,
  SigmoidTransform,
  SoftmaxTransform,
  StickBreakingTransform,
} from './transforms.ts'
import type { TensorOrNumber } from './values.ts'

type Factory = (constraint: Constraint) => Transform
/** A kind of constraints: one of them, a subclass of `Constraint`, or the function of `constraints` that makes them. */
type Constraints = Constraint | (abstract new (...args: never) => Constraint) | ((...args: never) => Constraint)

const constraintKind: Kind<Constraint> = { expected: 'Constraint', accepts: (x) => x instanceof Constraint }
const callArguments = signature('ConstraintRegistry', required('constraint', constraintKind))
const registerArguments = signature('register', required('constraint', anything), optional('factory', fn, undefined))

/** Functions that make constraints, with one that they make. */
const makers = (): ReadonlyMap<unknown, Constraint> =>
  new Map<unknown, Constraint>([
    [constraints.greaterThan, constraints.positive],
    [constraints.greaterThanEq, constraints.nonnegative],
    [constraints.lessThan, constraints.lessThan(0)],
    [constraints.interval, constraints.unitInterval],
    [constraints.halfOpenInterval, constraints.halfOpenInterval(0, 1)],
    [constraints.integerInterval, constraints.integerInterval(0, 1)],
    [constraints.independent, constraints.realVector],
    [constraints.multinomial, constraints.multinomial(1)],
    [constraints.cat, constraints.cat([])],
    [constraints.stack, constraints.stack([])],
  ])

function kindOf(given: unknown): unknown {
  const maker = makers().get(given)
  if (given instanceof Constraint || maker !== undefined) return ((maker ?? given) as Constraint).kind
  if (typeof given === 'function' && given.prototype instanceof Constraint) return given
  throw new TypeError(
    `Expected constraint to be either a Constraint subclass or instance, but got ${typeof given === 'number' ? given : typeName(given)}`,
    'Pass one of distributions.constraints, or a class that extends Constraint.',
  )
}

/** A table from kinds of constraints to functions that make the transform of one; it is called with a constraint. */
export interface ConstraintRegistry {
  /** The transform to a constraint's region. */
  (...args: [constraint: Constraint]): Transform
  /** Sets how the transforms of a kind of constraints are made. Without a function it returns a function that takes it. */
  register(...args: [constraint: Constraints, factory: Factory]): Factory
  register(...args: [constraint: Constraints]): (factory: Factory) => Factory
}

type Rows = readonly (readonly [Constraints, Factory])[]
function registryOf(rows: () => Rows): ConstraintRegistry {
  let table: Map<unknown, Factory> | null = null
  const factories = (): Map<unknown, Factory> => {
    table ??= new Map(rows().map(([constraint, factory]) => [kindOf(constraint), factory]))
    return table
  }
  const registry = (...args: readonly [constraint: Constraint]): Transform => {
    const [constraint] = callArguments(args)
    const { kind } = constraint
    const factory = factories().get(kind)
    if (factory !== undefined) return factory(constraint)
    throw new NotImplementedError(
      `Cannot transform ${typeof kind === 'string' ? kind : className(kind as typeof Constraint)} constraints`,
      'Register it: distributions.transformTo.register(constraint, (c) => ...).',
    )
  }
  const register = (...args: readonly unknown[]): unknown => {
    const [constraint, factory] = registerArguments(args)
    const kind = kindOf(constraint)
    const set = (own: unknown): unknown => {
      factories().set(kind, own as Factory)
      return own
    }
    return factory === undefined ? set : set(factory)
  }
  return Object.assign(registry, { register }) as ConstraintRegistry
}

/** What both registries know; `to` is the registry itself. */
const common = (to: (constraint: Constraint) => Transform): Rows => [
  [constraints.real, () => identityTransform],
  [
    constraints.independent,
    (c) => new IndependentTransform(to(c.baseConstraint as Constraint), c.reinterpretedBatchNdims as number),
  ],
  ...[constraints.greaterThan, constraints.greaterThanEq].map((maker): Rows[number] => [
    maker,
    ({ lowerBound }) =>
      new ComposeTransform([new ExpTransform(), new AffineTransform(lowerBound as TensorOrNumber, 1)]),
  ]),
  [
    constraints.lessThan,
    ({ upperBound }) =>
      new ComposeTransform([new ExpTransform(), new AffineTransform(upperBound as TensorOrNumber, -1)]),
  ],
  ...[constraints.interval, constraints.halfOpenInterval].map((maker): Rows[number] => [maker, toInterval]),
  [constraints.corrCholesky, () => new CorrCholeskyTransform()],
  [
    constraints.cat,
    ({ cseq = [], dim, lengths }) =>
      new CatTransform(
        cseq.map((part) => to(part)),
        { dim, lengths },
      ),
  ],
  [
    constraints.stack,
    ({ cseq = [], dim }) =>
      new StackTransform(
        cseq.map((part) => to(part)),
        { dim },
      ),
  ],
]

function toInterval({ lowerBound, upperBound }: Constraint): Transform {
  if (lowerBound === 0 && upperBound === 1) return new SigmoidTransform()
  const [low, high] = [lowerBound as TensorOrNumber, upperBound as TensorOrNumber]
  const width = typeof high !== 'number' ? high.sub(low) : typeof low === 'number' ? high - low : low.neg().add(high)
  return new ComposeTransform([new SigmoidTransform(), new AffineTransform(low, width)])
}

/**
 * The bijective transform from real numbers to a constraint's region.
 *
 * Throws a NotImplementedError if the constraint has none.
 *
 * @example
 * const { bijectTo, constraints } = distributions
 * bijectTo(constraints.unitInterval).forward(tensor(0)) // tensor(0.5000)
 */
export const bijectTo: ConstraintRegistry = registryOf(() => [
  ...common(bijectTo),
  [constraints.simplex, () => new StickBreakingTransform()],
])

/**
 * A transform from real numbers to a constraint's region, such as softmax, for parameters that are optimized.
 *
 * Throws a NotImplementedError if the constraint has none.
 *
 * @example
 * const { constraints, transformTo } = distributions
 * transformTo(constraints.simplex).forward(zeros(2)) // tensor([0.5000, 0.5000])
 */
export const transformTo: ConstraintRegistry = registryOf(() => [
  ...common(transformTo),
  [constraints.simplex, () => new SoftmaxTransform()],
  [constraints.lowerCholesky, () => new LowerCholeskyTransform()],
])
