// Schedules of the learning rate. A scheduler's step is a host effect, so that a recorded training step repeats it.
import { className } from '../base/class-name.ts'
import { KeyError, NotImplementedError, TypeError, ValueError } from '../base/errors.ts'
import { typeName } from '../base/python.ts'
import { warn } from '../base/warn.ts'
import { effect } from '../tensor/effects.ts'
import {
  type Arguments,
  constructing,
  int,
  type Kind,
  list,
  number,
  optional,
  real,
  refused,
  required,
  signature,
} from '../tensor/signature.ts'
import { Optimizer } from './optimizer.ts'
import { dict } from './options.ts'

interface Scheduled {
  lr: number
  initialLr?: number
}
export interface SchedulerOptions {
  /** Resume after this epoch; the optimizer's groups must then have an `initialLr`. */
  readonly lastEpoch?: number
}

/**
 * The base class of schedulers: a subclass computes the next learning rate of each group, and calls `start` at the end
 * of its constructor.
 */
export class LRScheduler {
  readonly optimizer: Optimizer
  /** The initial learning rates of the groups. */
  baseLrs: number[]
  /** The number of steps so far. */
  lastEpoch: number
  stepCount = 0
  #lastLr: number[] = []

  constructor(optimizer: Optimizer, ...args: Arguments<[lastEpoch: number], SchedulerOptions>) {
    const [lastEpoch] = lrScheduler(args)
    if (!(optimizer instanceof Optimizer)) throw new TypeError(`${typeName(optimizer)} is not an Optimizer`)
    this.optimizer = optimizer
    this.lastEpoch = lastEpoch
    this.#groups.forEach((group, i) => {
      if (lastEpoch === -1) group.initialLr ??= group.lr
      else if (group.initialLr === undefined) {
        throw new KeyError(`param 'initial_lr' is not specified in param_groups[${i}] when resuming an optimizer`)
      }
    })
    this.baseLrs = this.#groups.map(({ initialLr }) => initialLr as number)
  }

  get #groups(): readonly Scheduled[] {
    return this.optimizer.paramGroups
  }

  /** Makes the first step, which sets the initial learning rates; call it at the end of a subclass's constructor. */
  protected start(): void {
    this.optimizer.stepCount = 0
    this.stepCount = 0
    this.#advance()
  }

  /** Computes the next learning rates from the current ones. */
  protected getLr(): number[] {
    throw new NotImplementedError(`${className(this.constructor)} does not override getLr`)
  }

  /** Sets the learning rates of the next epoch; call it after the optimizer's step. */
  step(): void {
    if (this.stepCount === 1 && this.optimizer.stepCount < 1) {
      warn(
        'Detected call of `lr_scheduler.step()` before `optimizer.step()`. In PyTorch 1.1.0 and later, you should call them in the opposite order: `optimizer.step()` before `lr_scheduler.step()`.  Failure to do this will result in PyTorch skipping the first value of the learning rate schedule. See more details at https://pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate',
      )
    }
    effect(() => {
      const restore = this.#restorer()
      this.#advance()
      return restore
    })
  }

  #restorer(): () => void {
    const own = this.stateDict()
    const lrs = this.#groups.map(({ lr }) => lr)
    return () => {
      this.#become(own)
      lrs.forEach((lr, i) => void (this.#groups[i].lr = lr))
    }
  }

  #advance(): void {
    const restore = this.#restorer()
    this.stepCount++
    this.lastEpoch++
    try {
      const lrs: unknown = this.getLr()
      if (!rates.accepts(lrs) || (lrs as number[]).length !== this.#groups.length)
        throw new TypeError(
          `getLr() must give a list of ${this.#groups.length} floats, not ${typeName(lrs)}`,
          'A scheduler must give a learning rate for each parameter group, and none may be NaN.',
        )
      ;(lrs as number[]).forEach((lr, i) => void (this.#groups[i].lr = lr))
    } catch (error) {
      restore()
      throw error
    }
    this.#lastLr = this.#groups.map(({ lr }) => lr)
  }

  /** The learning rates that the last step set, by group. */
  getLastLr(): number[] {
    return this.#lastLr
  }

  /** The scheduler's state, without the optimizer. */
  stateDict(): Record<string, unknown> {
    const { optimizer: _, ...own } = this
    return { ...own, lastLr: [...this.#lastLr] }
  }

  /**
   * Restores a state of `stateDict()`.
   *
   * Throws, with nothing changed, a TypeError for an entry of another kind than the scheduler has, and a KeyError for
   * an unknown entry.
   */
  loadStateDict(...args: [stateDict: Readonly<Record<string, unknown>>]): void {
    const [stateDict] = loadArguments(args)
    const now = this.stateDict()
    const entries = Object.entries(stateDict)
    for (const [name, value] of entries) {
      if (!Object.hasOwn(now, name))
        throw new KeyError(`'${name}'`, `A state of ${className(this.constructor)} has ${Object.keys(now).join(', ')}.`)
      const kind = kindOf(now[name])
      if (kind !== undefined && !kind.accepts(value)) {
        throw refused(className(this.constructor), { ...required(name, kind), keyword: true }, 0, value)
      }
    }
    this.#become(Object.fromEntries(entries))
  }

  #become({ lastLr, ...own }: Readonly<Record<string, unknown>>): void {
    Object.assign(this, own)
    if (Array.isArray(lastLr)) this.#lastLr = [...lastLr]
  }
}

const rates = list(real)
/** The kind of a state's entry, from its current value: rates have one number for each group. */
function kindOf(now: unknown): Kind<unknown> | undefined {
  if (typeof now === 'number') return real
  if (!Array.isArray(now)) return undefined
  return { ...rates, accepts: (x) => rates.accepts(x) && (x as readonly number[]).length === now.length }
}

export interface StepLROptions extends SchedulerOptions {
  /** The number of epochs between changes. */
  readonly stepSize?: number
  /** The factor; by default 0.1. */
  readonly gamma?: number
}

const epoch = optional('lastEpoch', int, -1)
const lrScheduler = constructing('LRScheduler', epoch)
const loadArguments = signature('load_state_dict', required('stateDict', dict))
const stepLR = constructing('StepLR', required('stepSize', int), optional('gamma', number, 0.1), epoch)
const exponentialLR = constructing('ExponentialLR', required('gamma', number), epoch)

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
    ...args: Arguments<[stepSize: number, gamma: number, lastEpoch: number], StepLROptions>
  ) {
    const [stepSize, gamma, lastEpoch] = stepLR(args)
    if (stepSize < 1) throw new ValueError(`step_size must be at least 1, but got ${stepSize}`)
    super(optimizer, { lastEpoch })
    this.stepSize = stepSize
    this.gamma = gamma
    this.start()
  }

  protected override getLr(): number[] {
    const changes = this.lastEpoch !== 0 && this.lastEpoch % this.stepSize === 0
    return this.optimizer.paramGroups.map(({ lr }) => (changes ? lr * this.gamma : lr))
  }
}

export interface ExponentialLROptions extends SchedulerOptions {
  readonly gamma?: number
}

/** Multiplies the learning rate by `gamma` every epoch. */
export class ExponentialLR extends LRScheduler {
  gamma: number

  constructor(optimizer: Optimizer, ...args: Arguments<[gamma: number, lastEpoch: number], ExponentialLROptions>) {
    const [gamma, lastEpoch] = exponentialLR(args)
    super(optimizer, { lastEpoch })
    this.gamma = gamma
    this.start()
  }

  protected override getLr(): number[] {
    return this.optimizer.paramGroups.map(({ lr }) => (this.lastEpoch === 0 ? lr : lr * this.gamma))
  }
}
