// Schedules that are formulas: the next learning rate from the current one and the number of the epoch, in PyTorch's
// chained form; the closed form is used where a step names its epoch.
import { ValueError } from '../base/errors.ts'
import { type Arguments, constructing, either, fn, int, list, number, optional, required } from '../tensor/signature.ts'
import type { Optimizer } from './optimizer.ts'
import { advance, become, checkOptimizer, epoch, LRScheduler, type SchedulerOptions, verbose } from './scheduler.ts'

type Common = [lastEpoch: number, verbose: boolean]

export interface StepLROptions extends SchedulerOptions {
  /** The number of epochs between changes. */
  readonly stepSize?: number
  /** The factor; by default 0.1. */
  readonly gamma?: number
}
const stepLR = constructing('StepLR', required('stepSize', int), optional('gamma', number, 0.1), epoch, verbose)

/**
 * Multiplies the learning rate by `gamma` every `stepSize` epochs.
 *
 * @example
 * const scheduler = new optim.lrScheduler.StepLR(optimizer, { stepSize: 30, gamma: 0.1 })
 */
export class StepLR extends LRScheduler {
  stepSize: number
  gamma: number

  constructor(
    optimizer: Optimizer,
    ...args: Arguments<[stepSize: number, gamma: number, ...common: Common], StepLROptions>
  ) {
    const [stepSize, gamma, lastEpoch, verbose] = stepLR(args)
    if (stepSize < 1) throw new ValueError(`step_size must be at least 1, but got ${stepSize}`)
    super(optimizer, { lastEpoch, verbose })
    this.stepSize = stepSize
    this.gamma = gamma
    this.start()
  }

  protected override getLr(): number[] {
    const changes = this.lastEpoch !== 0 && this.lastEpoch % this.stepSize === 0
    return this.groups.map(({ lr }) => (changes ? lr * this.gamma : lr))
  }

  protected override closedFormLr(): number[] {
    return this.baseLrs.map((lr) => lr * this.gamma ** Math.floor(this.lastEpoch / this.stepSize))
  }
}

export interface MultiStepLROptions extends SchedulerOptions {
  /** The epochs at which the rate changes; an epoch that is there twice counts twice. */
  readonly milestones?: readonly number[]
  /** The factor; by default 0.1. */
  readonly gamma?: number
}
const multiStepLR = constructing(
  'MultiStepLR',
  required('milestones', list(int)),
  optional('gamma', number, 0.1),
  epoch,
  verbose,
)

/**
 * Multiplies the learning rate by `gamma` at each of the `milestones`.
 *
 * @example
 * const scheduler = new optim.lrScheduler.MultiStepLR(optimizer, [30, 80], 0.1)
 */
export class MultiStepLR extends LRScheduler {
  /** How often each epoch is a milestone. */
  milestones: Readonly<Record<number, number>>
  gamma: number

  constructor(
    optimizer: Optimizer,
    ...args: Arguments<[milestones: readonly number[], gamma: number, ...common: Common], MultiStepLROptions>
  ) {
    const [milestones, gamma, lastEpoch, verbose] = multiStepLR(args)
    super(optimizer, { lastEpoch, verbose })
    const counts: Record<number, number> = {}
    for (const at of milestones) counts[at] = (counts[at] ?? 0) + 1
    this.milestones = counts
    this.gamma = gamma
    this.start()
  }

  protected override getLr(): number[] {
    const times = this.milestones[this.lastEpoch]
    return this.groups.map(({ lr }) => (times === undefined ? lr : lr * this.gamma ** times))
  }

  protected override closedFormLr(): number[] {
    const passed = Object.entries(this.milestones).filter(([at]) => Number(at) <= this.lastEpoch)
    const times = passed.reduce((sum, [, count]) => sum + count, 0)
    return this.baseLrs.map((lr) => lr * this.gamma ** times)
  }
}

export interface ExponentialLROptions extends SchedulerOptions {
  readonly gamma?: number
}
const exponentialLR = constructing('ExponentialLR', required('gamma', number), epoch, verbose)

/** Multiplies the learning rate by `gamma` every epoch. */
export class ExponentialLR extends LRScheduler {
  gamma: number

  constructor(optimizer: Optimizer, ...args: Arguments<[gamma: number, ...common: Common], ExponentialLROptions>) {
    const [gamma, lastEpoch, verbose] = exponentialLR(args)
    super(optimizer, { lastEpoch, verbose })
    this.gamma = gamma
    this.start()
  }

  protected override getLr(): number[] {
    return this.groups.map(({ lr }) => (this.lastEpoch === 0 ? lr : lr * this.gamma))
  }

  protected override closedFormLr(): number[] {
    return this.baseLrs.map((lr) => lr * this.gamma ** this.lastEpoch)
  }
}

/** A factor by the number of the epoch. */
export type LrLambda = (epoch: number) => number
export interface LambdaLROptions extends SchedulerOptions {
  /** The factor of an epoch: one function, or one for each group. */
  readonly lrLambda?: LrLambda | readonly LrLambda[]
}
const ofLambda = (name: string) => constructing(name, required('lrLambda', either(fn, list(fn))), epoch, verbose)
const lambdas = { LambdaLR: ofLambda('LambdaLR'), MultiplicativeLR: ofLambda('MultiplicativeLR') }

/** A schedule by functions of the user, which are no part of its state. */
abstract class ByLambda extends LRScheduler {
  readonly #lambdas: readonly LrLambda[]

  constructor(name: keyof typeof lambdas, optimizer: Optimizer, args: readonly unknown[]) {
    const [given, lastEpoch, verbose] = lambdas[name](args)
    checkOptimizer(optimizer)
    const { length } = optimizer.paramGroups
    const list = (Array.isArray(given) ? given : new Array(length).fill(given)) as readonly LrLambda[]
    if (list.length !== length) throw new ValueError(`Expected ${length} lr_lambdas, but got ${list.length}`)
    super(optimizer, { lastEpoch, verbose })
    this.#lambdas = [...list]
    this.start()
  }

  /** The state, with null for each function, as PyTorch has it. */
  override stateDict(): Record<string, unknown> {
    return { ...super.stateDict(), lrLambdas: this.#lambdas.map(() => null) }
  }

  override [become]({ lrLambdas: _, ...own }: Readonly<Record<string, unknown>>): void {
    super[become](own)
  }

  /** The rates, each times its function's factor of the epoch. */
  protected scaled(lrs: readonly number[]): number[] {
    return lrs.map((lr, i) => {
      const factor = this.#lambdas[i](this.lastEpoch)
      return typeof factor === 'number' ? lr * factor : Number.NaN
    })
  }
}

/**
 * The initial learning rate times `lrLambda(epoch)`.
 *
 * @example
 * const scheduler = new optim.lrScheduler.LambdaLR(optimizer, (epoch) => 0.95 ** epoch)
 */
export class LambdaLR extends ByLambda {
  constructor(
    optimizer: Optimizer,
    ...args: Arguments<[lrLambda: LrLambda | readonly LrLambda[], ...common: Common], LambdaLROptions>
  ) {
    super('LambdaLR', optimizer, args)
  }

  protected override getLr(): number[] {
    return this.scaled(this.baseLrs)
  }
}

/**
 * Multiplies the learning rate by `lrLambda(epoch)` every epoch.
 *
 * @example
 * const scheduler = new optim.lrScheduler.MultiplicativeLR(optimizer, () => 0.95)
 */
export class MultiplicativeLR extends ByLambda {
  constructor(
    optimizer: Optimizer,
    ...args: Arguments<[lrLambda: LrLambda | readonly LrLambda[], ...common: Common], LambdaLROptions>
  ) {
    super('MultiplicativeLR', optimizer, args)
  }

  protected override getLr(): number[] {
    const lrs = this.groups.map(({ lr }) => lr)
    return this.lastEpoch > 0 ? this.scaled(lrs) : lrs
  }
}

export interface ConstantLROptions extends SchedulerOptions {
  /** The factor of the first epochs; by default 1/3. */
  readonly factor?: number
  /** The number of these epochs; by default 5. */
  readonly totalIters?: number
}
const constantLR = constructing(
  'ConstantLR',
  optional('factor', number, 1 / 3),
  optional('totalIters', int, 5),
  epoch,
  verbose,
)

/** The learning rate times `factor` for `totalIters` epochs, then the rate itself. */
export class ConstantLR extends LRScheduler {
  factor: number
  totalIters: number

  constructor(
    optimizer: Optimizer,
    ...args: Arguments<[factor: number, totalIters: number, ...common: Common], ConstantLROptions>
  ) {
    const [factor, totalIters, lastEpoch, verbose] = constantLR(args)
    if (!(factor >= 0 && factor <= 1))
      throw new ValueError('Constant multiplicative factor expected to be between 0 and 1.')
    super(optimizer, { lastEpoch, verbose })
    this.factor = factor
    this.totalIters = totalIters
    this.start()
  }

  protected override getLr(): number[] {
    const { factor, totalIters, lastEpoch } = this
    return this.groups.map(({ lr }) => {
      if (lastEpoch === 0) return lr * factor
      return lastEpoch === totalIters ? lr * (1 / factor) : lr
    })
  }

  protected override closedFormLr(): number[] {
    const { factor, totalIters, lastEpoch } = this
    return this.baseLrs.map((lr) => lr * (factor + (lastEpoch >= totalIters ? 1 : 0) * (1 - factor)))
  }
}

export interface LinearLROptions extends SchedulerOptions {
  /** The factor of the first epoch; by default 1/3. */
  readonly startFactor?: number
  /** The factor of the last epoch; by default 1. */
  readonly endFactor?: number
  /** The number of epochs between them; by default 5. */
  readonly totalIters?: number
}
const linearLR = constructing(
  'LinearLR',
  optional('startFactor', number, 1 / 3),
  optional('endFactor', number, 1),
  optional('totalIters', int, 5),
  epoch,
  verbose,
)

/** The learning rate times a factor that goes from `startFactor` to `endFactor` within `totalIters` epochs. */
export class LinearLR extends LRScheduler {
  startFactor: number
  endFactor: number
  totalIters: number

  constructor(
    optimizer: Optimizer,
    ...args: Arguments<[startFactor: number, endFactor: number, totalIters: number, ...common: Common], LinearLROptions>
  ) {
    const [startFactor, endFactor, totalIters, lastEpoch, verbose] = linearLR(args)
    if (!(startFactor >= 0 && startFactor <= 1))
      throw new ValueError('Starting multiplicative factor expected to be between 0 and 1.')
    if (!(endFactor >= 0 && endFactor <= 1))
      throw new ValueError('Ending multiplicative factor expected to be between 0 and 1.')
    super(optimizer, { lastEpoch, verbose })
    this.startFactor = startFactor
    this.endFactor = endFactor
    this.totalIters = totalIters
    this.start()
  }

  protected override getLr(): number[] {
    const { startFactor: from, endFactor: to, totalIters, lastEpoch } = this
    if (lastEpoch === 0) return this.groups.map(({ lr }) => lr * from)
    if (lastEpoch > totalIters) return this.groups.map(({ lr }) => lr)
    const factor = 1 + (to - from) / (totalIters * from + (lastEpoch - 1) * (to - from))
    return this.groups.map(({ lr }) => lr * factor)
  }

  protected override closedFormLr(): number[] {
    const { startFactor: from, endFactor: to, totalIters, lastEpoch } = this
    return this.baseLrs.map((lr) => lr * (from + ((to - from) * Math.min(totalIters, lastEpoch)) / totalIters))
  }
}

export interface PolynomialLROptions extends SchedulerOptions {
  /** The number of epochs until the rate is zero; by default 5. */
  readonly totalIters?: number
  /** The power; by default 1. */
  readonly power?: number
}
const polynomialLR = constructing(
  'PolynomialLR',
  optional('totalIters', int, 5),
  optional('power', number, 1),
  epoch,
  verbose,
)

/** The learning rate times `(1 - epoch / totalIters) ** power`. */
export class PolynomialLR extends LRScheduler {
  totalIters: number
  power: number

  constructor(
    optimizer: Optimizer,
    ...args: Arguments<[totalIters: number, power: number, ...common: Common], PolynomialLROptions>
  ) {
    const [totalIters, power, lastEpoch, verbose] = polynomialLR(args)
    super(optimizer, { lastEpoch, verbose })
    this.totalIters = totalIters
    this.power = power
    this.start()
  }

  protected override getLr(): number[] {
    const { totalIters, power, lastEpoch } = this
    if (lastEpoch === 0 || lastEpoch > totalIters) return this.groups.map(({ lr }) => lr)
    const factor = ((1 - lastEpoch / totalIters) / (1 - (lastEpoch - 1) / totalIters)) ** power
    return this.groups.map(({ lr }) => lr * factor)
  }

  protected override closedFormLr(): number[] {
    const { totalIters, power, lastEpoch } = this
    return this.baseLrs.map((lr) => lr * (1 - Math.min(totalIters, lastEpoch) / totalIters) ** power)
  }
}

export interface CosineAnnealingLROptions extends SchedulerOptions {
  /** The number of epochs from the initial rate to the lowest. */
  readonly TMax?: number
  /** The lowest rate; by default 0. */
  readonly etaMin?: number
}
const cosineAnnealingLR = constructing(
  'CosineAnnealingLR',
  required('TMax', int),
  optional('etaMin', number, 0),
  epoch,
  verbose,
)

/**
 * Half a cosine from the initial learning rate down to `etaMin` in `TMax` epochs.
 *
 * @example
 * const scheduler = new optim.lrScheduler.CosineAnnealingLR(optimizer, 50)
 */
export class CosineAnnealingLR extends LRScheduler {
  TMax: number
  etaMin: number

  constructor(
    optimizer: Optimizer,
    ...args: Arguments<[TMax: number, etaMin: number, ...common: Common], CosineAnnealingLROptions>
  ) {
    const [TMax, etaMin, lastEpoch, verbose] = cosineAnnealingLR(args)
    if (TMax === 0) throw new ValueError('float division by zero', 'TMax is a number of epochs, at least 1.')
    super(optimizer, { lastEpoch, verbose })
    this.TMax = TMax
    this.etaMin = etaMin
    this.start()
  }

  protected override getLr(): number[] {
    const { TMax, etaMin, lastEpoch, baseLrs } = this
    const lrs = this.groups.map(({ lr }) => lr)
    if (lastEpoch === 0) return lrs
    if (this.stepCount === 1 && lastEpoch > 0)
      return baseLrs.map((lr) => etaMin + ((lr - etaMin) * (1 + Math.cos((lastEpoch * Math.PI) / TMax))) / 2)
    if ((lastEpoch - 1 - TMax) % (2 * TMax) === 0)
      return lrs.map((lr, i) => lr + ((baseLrs[i] - etaMin) * (1 - Math.cos(Math.PI / TMax))) / 2)
    const factor = (1 + Math.cos((Math.PI * lastEpoch) / TMax)) / (1 + Math.cos((Math.PI * (lastEpoch - 1)) / TMax))
    return lrs.map((lr) => factor * (lr - etaMin) + etaMin)
  }

  protected override closedFormLr(): number[] {
    const { TMax, etaMin, lastEpoch } = this
    return this.baseLrs.map((lr) => etaMin + ((lr - etaMin) * (1 + Math.cos((Math.PI * lastEpoch) / TMax))) / 2)
  }
}

export interface CosineAnnealingWarmRestartsOptions extends SchedulerOptions {
  /** The number of epochs until the first restart. */
  readonly T0?: number
  /** The factor by which each period is longer than the one before; by default 1. */
  readonly TMult?: number
  /** The lowest rate; by default 0. */
  readonly etaMin?: number
}
const warmRestarts = constructing(
  'CosineAnnealingWarmRestarts',
  required('T0', number),
  optional('TMult', number, 1),
  optional('etaMin', number, 0),
  epoch,
  verbose,
)

/**
 * Half a cosine from the initial learning rate down to `etaMin`, again and again: the first takes `T0` epochs, each
 * later one `TMult` times as many. `step(epoch)` may name a part of an epoch.
 *
 * @example
 * const scheduler = new optim.lrScheduler.CosineAnnealingWarmRestarts(optimizer, 10, 2)
 */
export class CosineAnnealingWarmRestarts extends LRScheduler {
  T0: number
  TI: number
  TMult: number
  etaMin: number
  TCur: number

  constructor(
    optimizer: Optimizer,
    ...args: Arguments<
      [T0: number, TMult: number, etaMin: number, ...common: Common],
      CosineAnnealingWarmRestartsOptions
    >
  ) {
    const [T0, TMult, etaMin, lastEpoch, verbose] = warmRestarts(args)
    if (!(T0 > 0 && Number.isSafeInteger(T0))) throw new ValueError(`Expected positive integer T_0, but got ${T0}`)
    if (!(TMult >= 1 && Number.isSafeInteger(TMult)))
      throw new ValueError(`Expected integer T_mult >= 1, but got ${TMult}`)
    super(optimizer, { lastEpoch, verbose })
    this.T0 = T0
    this.TI = T0
    this.TMult = TMult
    this.etaMin = etaMin
    this.TCur = lastEpoch
    this.start()
  }

  protected override getLr(): number[] {
    const { etaMin, TCur, TI } = this
    return this.baseLrs.map((lr) => etaMin + ((lr - etaMin) * (1 + Math.cos((Math.PI * TCur) / TI))) / 2)
  }

  override [advance](given?: number): void {
    const epoch = given ?? (this.lastEpoch < 0 ? 0 : undefined)
    if (epoch === undefined) {
      this.lastEpoch++
      this.TCur++
      if (this.TCur >= this.TI) {
        this.TCur -= this.TI
        this.TI *= this.TMult
      }
    } else {
      if (!(epoch >= 0)) throw new ValueError(`Expected non-negative epoch, but got ${epoch}`)
      this.lastEpoch = Math.floor(epoch)
      this.#goTo(epoch)
    }
    this.setRates(this.getLr(), epoch ?? this.lastEpoch)
  }

  #goTo(epoch: number): void {
    const { T0, TMult } = this
    if (epoch < T0) {
      this.TI = T0
      this.TCur = epoch
    } else if (TMult === 1) this.TCur = epoch % T0
    else {
      const n = Math.trunc(Math.log((epoch / T0) * (TMult - 1) + 1) / Math.log(TMult))
      this.TCur = epoch - (T0 * (TMult ** n - 1)) / (TMult - 1)
      this.TI = T0 * TMult ** n
    }
  }
}
