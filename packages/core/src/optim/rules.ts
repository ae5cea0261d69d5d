// Optimizers whose step is one rule for each element: Adagrad, Adadelta, Adamax, NAdam, RAdam, ASGD and Rprop. A class names
// the tensors of its state and gives a rule, in PyTorch's order of operations; this file's base class does the rest.
import { effect } from '../tensor/effects.ts'
import { type Expr, s } from '../expr/expr.ts'
import { floatRepr } from '../nn/names.ts'
import { full, fullLike } from '../ops/create/create.ts'
import { type Update, update } from '../ops/write/update.ts'
import { noGrad } from '../tensor/mode.ts'
import type { Arguments } from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { countStep, Optimizer, type ParamGroup, type Params } from './optimizer.ts'
import { checkOption, merged, type Maximize, type Maximizing, type Pair, type Switches } from './options.ts'
import type { StateEntry } from './saved.ts'
import { ValueError } from '../base/errors.ts'

interface Group {
  lr: number
  weightDecay?: number
  maximize?: boolean
  foreach: boolean | null
}
/** A count, numbers, and tensors like the parameter. */
type State = { step: number } & Record<string, number | Tensor>
type Values = readonly (() => number)[]

const [DECAY, MAXIMIZE] = [1, 2]

/**
 * The rules of an optimizer with and without weight decay and maximizing. `build` gets the element, its gradient after
 * both, its states, and the group's numbers; it gives the next element and its next states.
 */
function rules(
  name: string,
  states: number,
  build: (p: Expr, g: Expr, own: readonly Expr[], values: readonly Expr[]) => readonly Expr[],
): (flags: number) => Update {
  const updates: (Update | undefined)[] = []
  return (flags) =>
    (updates[flags] ??= update(name, states + 1, (p, ...rest) => {
      const [grad, decay, ...values] = rest.slice(states)
      const signed = flags & MAXIMIZE ? s.neg(grad) : grad
      return build(p, flags & DECAY ? s.fma(p, decay, signed) : signed, rest.slice(0, states), values)
    }))
}

abstract class RuleOptimizer<G extends Group> extends Optimizer<G, State> {
  /** The tensors of a state, in the order of the rule, and what they begin with. */
  protected abstract tensors(group: G): Readonly<Record<string, number>>
  protected abstract rule(flags: number): Update
  /** The numbers of the rule, read at every run. */
  protected abstract values(group: ParamGroup<G>, state: State): Values

  /** The numbers of a state besides the count of steps, and what they begin with. */
  protected numbers(_group: G): Readonly<Record<string, number>> {
    return {}
  }

  protected override stateEntries(group: G): readonly StateEntry[] {
    return [
      ['step', 'count'],
      ...Object.keys(this.numbers(group)).map((name) => [name, 'count'] as const),
      ...Object.keys(this.tensors(group)).map((name) => [name, 'tensor'] as const),
    ]
  }

  protected override prepareParameter(p: Tensor, group: ParamGroup<G>): void {
    if (this.state.has(p)) return
    const tensors = Object.entries(this.tensors(group)).map(([name, x]) => [name, noGrad(() => fullLike(p, x))])
    this.state.set(p, { step: 0, ...this.numbers(group), ...Object.fromEntries(tensors) } as State)
  }

  protected count(state: State, _group: ParamGroup<G>): void {
    countStep(state)
  }

  protected override updateParameter(p: Tensor, grad: Tensor, group: ParamGroup<G>): void {
    const state = this.state.get(p) as State
    this.count(state, group)
    const flags = ((group.weightDecay ?? 0) !== 0 ? DECAY : 0) + (group.maximize === true ? MAXIMIZE : 0)
    const targets = Object.keys(this.tensors(group)).map((name) => state[name] as Tensor)
    this.rule(flags)([p, ...targets], [grad, () => group.weightDecay ?? 0, ...this.values(group, state)])
  }
}

/** Saves counters as tensors, as most of PyTorch's optimizers do. */
abstract class Counted<G extends Group> extends RuleOptimizer<G> {
  protected override packState(state: State): Record<string, unknown> {
    const saved = Object.entries(state).map(([name, x]) => [name, typeof x === 'number' ? full([], x) : x])
    return Object.fromEntries(saved)
  }
}

function checkRate({ lr, eps, weightDecay }: { lr: number; eps?: number; weightDecay?: number }): void {
  checkOption(lr >= 0, 'learning rate', lr)
  if (eps !== undefined) checkOption(eps >= 0, 'epsilon value', eps)
  if (weightDecay !== undefined) checkOption(weightDecay >= 0, 'weight_decay value', weightDecay)
}

function checkBetas(betas: readonly [number, number]): void {
  for (const [i, beta] of betas.entries()) checkOption(beta >= 0 && beta < 1, `beta parameter at index ${i}`, beta)
}

// ---- Adagrad ----

export interface AdagradOptions extends Maximizing {
  readonly lr?: number
  /** By how much the rate falls: `lr / (1 + (step - 1) * lrDecay)`. */
  readonly lrDecay?: number
  readonly weightDecay?: number
  /** What the sum of squares begins with. */
  readonly initialAccumulatorValue?: number
  /** Added to the denominator. */
  readonly eps?: number
}
interface AdagradGroup extends Group {
  lrDecay: number
  eps: number
  weightDecay: number
  initialAccumulatorValue: number
  maximize: boolean
}
const adagrad = rules('adagrad', 1, (p, g, [sum], [rate, eps]) => {
  const next = s.fma(g, g, sum)
  return [s.add(p, s.div(s.mul(g, rate), s.add(s.sqrt(next), eps))), next]
})

/**
 * Adagrad: `p -= lr * grad / (sqrt(sum of grad²) + eps)`. Defaults: `lr` 1e-2, `eps` 1e-10.
 *
 * @example
 * const optimizer = new optim.Adagrad(model.parameters(), { lr: 0.1 })
 */
export class Adagrad extends Counted<AdagradGroup> {
  constructor(
    params: Params<AdagradOptions>,
    ...args: Arguments<
      [
        lr: number,
        lrDecay: number,
        weightDecay: number,
        initialAccumulatorValue: number,
        eps: number,
        foreach: boolean | null,
      ],
      AdagradOptions
    >
  ) {
    const defaults = merged<AdagradGroup>(
      'Adagrad',
      args,
      'lr lrDecay weightDecay initialAccumulatorValue eps foreach',
      {
        lr: 1e-2,
        lrDecay: 0,
        eps: 1e-10,
        weightDecay: 0,
        initialAccumulatorValue: 0,
        foreach: null,
        maximize: false,
      },
    )
    super(params as Params<AdagradGroup>, defaults)
    // As in PyTorch, a parameter without a gradient has a state, too.
    for (const group of this.paramGroups) for (const p of group.params) this.prepareParameter(p, group)
  }

  protected override checkOptions(group: AdagradGroup): void {
    checkRate({ lr: group.lr })
    checkOption(group.lrDecay >= 0, 'lr_decay value', group.lrDecay)
    checkRate({ lr: 0, weightDecay: group.weightDecay })
    const initial = group.initialAccumulatorValue
    checkOption(initial >= 0, 'initial_accumulator_value value', initial)
    checkRate({ lr: 0, eps: group.eps })
  }

  protected override tensors({ initialAccumulatorValue: sum }: AdagradGroup): Readonly<Record<string, number>> {
    return { sum }
  }

  protected override rule(flags: number): Update {
    return adagrad(flags)
  }

  protected override values(group: ParamGroup<AdagradGroup>, state: State): Values {
    return [() => -(group.lr / (1 + (state.step - 1) * group.lrDecay)), () => group.eps]
  }
}

// ---- Adadelta ----

export interface AdadeltaOptions extends Maximizing {
  readonly lr?: number
  /** The part of both averages that a step keeps. */
  readonly rho?: number
  /** Added under the roots. */
  readonly eps?: number
  readonly weightDecay?: number
}
interface AdadeltaGroup extends Group {
  rho: number
  eps: number
  weightDecay: number
  maximize: boolean
}
const adadelta = rules('adadelta', 2, (p, g, [square, deltas], [rate, rho, rest, eps]) => {
  const nextSquare = s.fma(s.mul(g, rest), g, s.mul(square, rho))
  const delta = s.mul(s.div(s.sqrt(s.add(deltas, eps)), s.sqrt(s.add(nextSquare, eps))), g)
  return [s.fma(delta, rate, p), nextSquare, s.fma(s.mul(delta, rest), delta, s.mul(deltas, rho))]
})

/**
 * Adadelta: steps as large as the last ones were, by running averages of squared gradients and squared steps. Defaults:
 * `lr` 1, `rho` 0.9, `eps` 1e-6.
 *
 * @example
 * const optimizer = new optim.Adadelta(model.parameters(), { rho: 0.95 })
 */
export class Adadelta extends RuleOptimizer<AdadeltaGroup> {
  constructor(
    params: Params<AdadeltaOptions>,
    ...args: Arguments<
      [lr: number, rho: number, eps: number, weightDecay: number, foreach: boolean | null],
      AdadeltaOptions
    >
  ) {
    const defaults = merged<AdadeltaGroup>('Adadelta', args, 'lr rho eps weightDecay foreach', {
      lr: 1,
      rho: 0.9,
      eps: 1e-6,
      weightDecay: 0,
      maximize: false,
      foreach: null,
    })
    super(params as Params<AdadeltaGroup>, defaults)
  }

  protected override checkOptions(group: AdadeltaGroup): void {
    checkRate({ lr: group.lr })
    checkOption(group.rho >= 0 && group.rho <= 1, 'rho value', group.rho)
    checkRate(group)
  }

  protected override reprOf(name: string, value: unknown): string {
    return name === 'lr' ? floatRepr(value as number, 1) : super.reprOf(name, value)
  }

  protected override tensors(): Readonly<Record<string, number>> {
    return { squareAvg: 0, accDelta: 0 }
  }

  protected override rule(flags: number): Update {
    return adadelta(flags)
  }

  protected override values(group: ParamGroup<AdadeltaGroup>): Values {
    return [() => -group.lr, () => group.rho, () => 1 - group.rho, () => group.eps]
  }
}

// ---- Adamax, RAdam, NAdam ----

interface Moments extends Switches {
  readonly lr?: number
  /** The decay rates of the two averages. */
  readonly betas?: readonly [number, number]
  /** Added to the denominator. */
  readonly eps?: number
  readonly weightDecay?: number
}
interface MomentsGroup extends Group {
  betas: readonly [number, number]
  eps: number
  weightDecay: number
}
/** The running averages of the gradient and of its square. */
const averages = (g: Expr, [m, v]: readonly Expr[], [beta1, rest1, beta2, rest2]: readonly Expr[]): [Expr, Expr] => [
  s.fma(g, rest1, s.mul(m, beta1)),
  s.fma(s.mul(g, rest2), g, s.mul(v, beta2)),
]

abstract class OfMoments<G extends MomentsGroup> extends Counted<G> {
  protected override checkOptions(group: G): void {
    checkRate({ lr: group.lr, eps: group.eps })
    checkBetas(group.betas)
    checkRate({ lr: 0, weightDecay: group.weightDecay })
  }

  protected override tensors(): Readonly<Record<string, number>> {
    return { expAvg: 0, expAvgSq: 0 }
  }

  protected betas(group: ParamGroup<G>): Values {
    return [() => group.betas[0], () => 1 - group.betas[0], () => group.betas[1], () => 1 - group.betas[1]]
  }
}

export interface AdamaxOptions extends Moments, Maximize {}
interface AdamaxGroup extends MomentsGroup {
  maximize: boolean
}
const adamax = rules('adamax', 2, (p, g, [m, most], [beta1, rest1, beta2, rate, eps]) => {
  const next = s.fma(g, rest1, s.mul(m, beta1))
  const nextMost = s.max(s.mul(most, beta2), s.add(s.abs(g), eps))
  return [s.add(p, s.div(s.mul(next, rate), nextMost)), next, nextMost]
})

/**
 * Adamax: Adam with the largest gradient, which decays, in place of the root of the average square. Defaults: `lr` 2e-3,
 * `betas` 0.9 and 0.999, `eps` 1e-8.
 *
 * @example
 * const optimizer = new optim.Adamax(model.parameters(), { lr: 0.01 })
 */
export class Adamax extends OfMoments<AdamaxGroup> {
  constructor(
    params: Params<AdamaxOptions>,
    ...args: Arguments<
      [lr: number, betas: Pair, eps: number, weightDecay: number, foreach: boolean | null],
      AdamaxOptions
    >
  ) {
    const defaults = merged<AdamaxGroup>('Adamax', args, 'lr betas eps weightDecay foreach', {
      lr: 2e-3,
      betas: [0.9, 0.999],
      eps: 1e-8,
      weightDecay: 0,
      foreach: null,
      maximize: false,
    })
    super(params as Params<AdamaxGroup>, defaults)
  }

  protected override tensors(): Readonly<Record<string, number>> {
    return { expAvg: 0, expInf: 0 }
  }

  protected override rule(flags: number): Update {
    return adamax(flags)
  }

  protected override values(group: ParamGroup<AdamaxGroup>, state: State): Values {
    const [beta1, rest1, beta2] = this.betas(group)
    return [beta1, rest1, beta2, () => -(group.lr / (1 - group.betas[0] ** state.step)), () => group.eps]
  }
}

export interface RAdamOptions extends Moments {}
const radam = rules('radam', 2, (p, g, own, [...values]) => {
  const [rate, eps, rectified] = values.slice(4)
  const [m, v] = averages(g, own, values)
  // Without rectification, the step is the average gradient's.
  const factor = s.select(s.gt(rectified, 0), s.div(rectified, s.add(s.sqrt(v), eps)), 1)
  return [s.fma(s.mul(m, rate), factor, p), m, v]
})

/**
 * RAdam: Adam whose first steps are the average gradient's, until the variance of the average square is known. Defaults:
 * `lr` 1e-3, `betas` 0.9 and 0.999, `eps` 1e-8.
 *
 * @example
 * const optimizer = new optim.RAdam(model.parameters(), { lr: 0.01 })
 */
export class RAdam extends OfMoments<MomentsGroup> {
  constructor(
    params: Params<RAdamOptions>,
    ...args: Arguments<
      [lr: number, betas: Pair, eps: number, weightDecay: number, foreach: boolean | null],
      RAdamOptions
    >
  ) {
    const defaults = merged<MomentsGroup>('RAdam', args, 'lr betas eps weightDecay foreach', {
      lr: 1e-3,
      betas: [0.9, 0.999],
      eps: 1e-8,
      weightDecay: 0,
      foreach: null,
    })
    super(params as Params<MomentsGroup>, defaults)
  }

  protected override rule(flags: number): Update {
    return radam(flags)
  }

  protected override values(group: ParamGroup<MomentsGroup>, state: State): Values {
    const rectified = (): number => {
      const { step } = state
      const beta2 = group.betas[1]
      const [most, correction] = [2 / (1 - beta2) - 1, 1 - beta2 ** step]
      const length = most - (2 * step * beta2 ** step) / correction
      if (!(length > 5)) return 0
      const [a, b] = [(length - 4) * (length - 2) * most, (most - 4) * (most - 2) * length]
      return Math.sqrt(correction) * Math.sqrt(a / b)
    }
    return [...this.betas(group), () => -(group.lr / (1 - group.betas[0] ** state.step)), () => group.eps, rectified]
  }
}

export interface NAdamOptions extends Moments {
  /** How fast the momentum reaches the first beta. */
  readonly momentumDecay?: number
}
interface NAdamGroup extends MomentsGroup {
  momentumDecay: number
}
const nadam = rules('nadam', 2, (p, g, own, [...values]) => {
  const [root, eps, rate, ahead] = values.slice(4)
  const [m, v] = averages(g, own, values)
  const denominator = s.add(s.sqrt(s.div(v, root)), eps)
  const start = s.add(p, s.div(s.mul(g, rate), denominator))
  return [s.add(start, s.div(s.mul(m, ahead), denominator)), m, v]
})

/**
 * NAdam: Adam with Nesterov's look-ahead. Defaults: `lr` 2e-3, `betas` 0.9 and 0.999, `eps` 1e-8, `momentumDecay` 4e-3.
 *
 * @example
 * const optimizer = new optim.NAdam(model.parameters(), { lr: 0.01 })
 */
export class NAdam extends OfMoments<NAdamGroup> {
  constructor(
    params: Params<NAdamOptions>,
    ...args: Arguments<
      [lr: number, betas: Pair, eps: number, weightDecay: number, momentumDecay: number, foreach: boolean | null],
      NAdamOptions
    >
  ) {
    const defaults = merged<NAdamGroup>('NAdam', args, 'lr betas eps weightDecay momentumDecay foreach', {
      lr: 2e-3,
      betas: [0.9, 0.999],
      eps: 1e-8,
      weightDecay: 0,
      momentumDecay: 4e-3,
      foreach: null,
    })
    super(params as Params<NAdamGroup>, defaults)
  }

  protected override checkOptions(group: NAdamGroup): void {
    super.checkOptions(group)
    checkOption(group.momentumDecay >= 0, 'momentum_decay value', group.momentumDecay)
  }

  protected override numbers(): Readonly<Record<string, number>> {
    return { muProduct: 1 }
  }

  #momentum(group: ParamGroup<NAdamGroup>, step: number): number {
    return group.betas[0] * (1 - 0.5 * 0.96 ** (step * group.momentumDecay))
  }

  /** Also multiplies the momenta of all steps, in float32 as PyTorch does. */
  protected override count(state: State, group: ParamGroup<NAdamGroup>): void {
    effect(() => {
      const { step, muProduct } = state
      state.step++
      state.muProduct = Math.fround((muProduct as number) * Math.fround(this.#momentum(group, state.step)))
      return () => void Object.assign(state, { step, muProduct })
    })
  }

  protected override rule(flags: number): Update {
    return nadam(flags)
  }

  protected override values(group: ParamGroup<NAdamGroup>, state: State): Values {
    const now = (): number => this.#momentum(group, state.step)
    const next = (): number => this.#momentum(group, state.step + 1)
    const product = (): number => state.muProduct as number
    return [
      ...this.betas(group),
      () => 1 - group.betas[1] ** state.step,
      () => group.eps,
      () => (-group.lr * (1 - now())) / (1 - product()),
      () => (-group.lr * next()) / (1 - product() * now() * next()),
    ]
  }
}

// ---- ASGD ----

export interface ASGDOptions extends Maximizing {
  readonly lr?: number
  /** By how much a step shrinks the parameter, times the rate. */
  readonly lambd?: number
  /** The power with which the rate falls. */
  readonly alpha?: number
  /** The step after which the average begins. */
  readonly t0?: number
  readonly weightDecay?: number
}
interface ASGDGroup extends Group {
  lambd: number
  alpha: number
  t0: number
  weightDecay: number
  maximize: boolean
}
const asgd = rules('asgd', 1, (p, g, [average], [rate, shrink, mu]) => {
  const next = s.fma(g, rate, s.mul(p, shrink))
  return [next, s.select(s.eq(mu, 1), next, s.add(average, s.mul(s.sub(next, average), mu)))]
})

/**
 * Averaged stochastic gradient descent: the state `ax` of a parameter is its average since the step `t0`. Defaults: `lr`
 * 1e-2, `lambd` 1e-4, `alpha` 0.75, `t0` 1e6.
 *
 * @example
 * const optimizer = new optim.ASGD(model.parameters(), { lr: 0.1, t0: 100 })
 */
export class ASGD extends Counted<ASGDGroup> {
  /** The rate and the weight of the average that the current step uses; its state has those of the next one. */
  readonly #now = new WeakMap<State, readonly [eta: number, mu: number]>()

  constructor(
    params: Params<ASGDOptions>,
    ...args: Arguments<
      [
        lr: number,
        lambd: number,
        alpha: number,
        t0: number,
        weightDecay: number,
        foreach: boolean | null,
        maximize: boolean,
      ],
      ASGDOptions
    >
  ) {
    const defaults = merged<ASGDGroup>('ASGD', args, 'lr lambd alpha t0 weightDecay foreach maximize', {
      lr: 1e-2,
      lambd: 1e-4,
      alpha: 0.75,
      t0: 1e6,
      weightDecay: 0,
      foreach: null,
      maximize: false,
    })
    super(params as Params<ASGDGroup>, defaults)
  }

  protected override checkOptions({ lr, weightDecay }: ASGDGroup): void {
    checkRate({ lr, weightDecay })
  }

  protected override reprOf(name: string, value: unknown): string {
    return name === 't0' ? floatRepr(value as number, 1e6) : super.reprOf(name, value)
  }

  protected override tensors(): Readonly<Record<string, number>> {
    return { ax: 0 }
  }

  protected override numbers({ lr }: ASGDGroup): Readonly<Record<string, number>> {
    return { eta: Math.fround(lr), mu: 1 }
  }

  protected override count(state: State, group: ParamGroup<ASGDGroup>): void {
    effect(() => {
      const { step, eta, mu } = state
      const { lr, lambd, alpha, t0 } = group
      this.#now.set(state, [eta as number, mu as number])
      state.step++
      state.eta = Math.fround(lr / (1 + lambd * lr * state.step) ** alpha)
      state.mu = Math.fround(1 / Math.max(1, state.step - t0))
      return () => void Object.assign(state, { step, eta, mu })
    })
  }

  protected override rule(flags: number): Update {
    return asgd(flags)
  }

  protected override values(group: ParamGroup<ASGDGroup>, state: State): Values {
    const now = (): readonly [number, number] => this.#now.get(state) as readonly [number, number]
    return [() => -now()[0], () => 1 - group.lambd * now()[0], () => now()[1]]
  }
}

// ---- Rprop ----

export interface RpropOptions extends Maximize {
  /** The first step of each element. */
  readonly lr?: number
  /** By what a step shrinks when the gradient changes its sign, and grows when it does not. */
  readonly etas?: readonly [number, number]
  /** The smallest and the largest step. */
  readonly stepSizes?: readonly [number, number]
}
interface RpropGroup extends Group {
  etas: readonly [number, number]
  stepSizes: readonly [number, number]
  maximize: boolean
}
const rprop = rules('rprop', 2, (p, grad, [before, size], [less, more, smallest, largest]) => {
  const sign = s.mul(grad, before)
  const turned = s.lt(sign, 0)
  const factor = s.select(s.gt(sign, 0), more, s.select(turned, less, 1))
  const next = s.min(s.max(s.mul(size, factor), smallest), largest)
  const g = s.select(turned, 0, grad)
  const direction = s.select(s.gt(g, 0), next, s.select(s.lt(g, 0), s.neg(next), s.mul(g, 0)))
  return [s.sub(p, direction), g, next]
})

/**
 * Rprop: steps by the sign of the gradient alone, each element with a step of its own. Defaults: `lr` 1e-2, `etas` 0.5 and
 * 1.2, `stepSizes` 1e-6 and 50.
 *
 * @example
 * const optimizer = new optim.Rprop(model.parameters(), { lr: 0.01 })
 */
export class Rprop extends RuleOptimizer<RpropGroup> {
  constructor(
    params: Params<RpropOptions>,
    ...args: Arguments<
      [lr: number, etas: Pair, stepSizes: Pair, foreach: boolean | null, maximize: boolean],
      RpropOptions
    >
  ) {
    const defaults = merged<RpropGroup>('Rprop', args, 'lr etas stepSizes foreach maximize', {
      lr: 1e-2,
      etas: [0.5, 1.2],
      stepSizes: [1e-6, 50],
      foreach: null,
      maximize: false,
    })
    super(params as Params<RpropGroup>, defaults)
  }

  protected override checkOptions({ lr, etas: [less, more] }: RpropGroup): void {
    checkRate({ lr })
    if (!(less > 0 && less < 1 && more > 1)) throw new ValueError(`Invalid eta values: ${less}, ${more}`)
  }

  protected override tensors({ lr }: RpropGroup): Readonly<Record<string, number>> {
    return { prev: 0, stepSize: lr }
  }

  protected override rule(flags: number): Update {
    return rprop(flags)
  }

  protected override values(group: ParamGroup<RpropGroup>): Values {
    return [() => group.etas[0], () => group.etas[1], () => group.stepSizes[0], () => group.stepSizes[1]]
  }
}
