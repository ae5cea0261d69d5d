// What schedulers have in common: their states, and a step that changes options of the optimizer's groups. A step is a
// host effect, so that a recorded training step repeats it, and undoes it if the step fails.
import { className } from '../base/class-name.ts'
import { KeyError, NotImplementedError, RuntimeError, TypeError, ValueError } from '../base/errors.ts'
import { typeName } from '../base/python.ts'
import { warn } from '../base/warn.ts'
import { effect, effects } from '../tensor/effects.ts'
import {
  type Arguments,
  bool,
  constructing,
  int,
  isOptions,
  type Kind,
  list,
  number,
  optional,
  real,
  refused,
  required,
  signature,
  str,
} from '../tensor/signature.ts'
import { Optimizer } from './optimizer.ts'
import { dict, ownLists } from './options.ts'
import { schedulerInFlambeau } from './scheduler-names.ts'

declare const console: { log(message: string): void } | undefined

/** What schedulers read and write in a parameter group. */
export interface Scheduled {
  lr: number
  initialLr?: number
  momentum?: number
  betas?: number[]
  maxLr?: number
  minLr?: number
  maxMomentum?: number
  baseMomentum?: number
  swaLr?: number
}
export interface SchedulerOptions {
  /** Resume after this epoch; the optimizer's groups must then have an `initialLr`. */
  readonly lastEpoch?: number
  /** Log every change of a learning rate. */
  readonly verbose?: boolean
}

export const [epoch, verbose] = [optional('lastEpoch', int, -1), optional('verbose', bool, false)]
const lrScheduler = constructing('LRScheduler', epoch, verbose)
const loadArguments = signature('load_state_dict', required('stateDict', dict))
const stepArguments = signature('step', optional('epoch', number, undefined))

export function checkOptimizer(optimizer: unknown): asserts optimizer is Optimizer {
  if (!(optimizer instanceof Optimizer)) throw new TypeError(`${typeName(optimizer)} is not an Optimizer`)
}

/** Makes one step, without warnings and not as an effect: a scheduler of schedulers steps its members. */
export const advance: unique symbol = Symbol('advance')
/** Takes over a checked state. */
export const become: unique symbol = Symbol('become')

/** The state of a scheduler: its public fields, but for the optimizer, and the rates that it set last. */
export abstract class Scheduler {
  readonly optimizer: Optimizer
  lastEpoch: number
  verbose: boolean
  #lastLr: number[]

  constructor(optimizer: Optimizer, lastEpoch: number, verbose: boolean) {
    checkOptimizer(optimizer)
    this.optimizer = optimizer
    this.lastEpoch = lastEpoch
    this.verbose = verbose
    this.#lastLr = this.groups.map(({ lr }) => lr)
  }

  protected get groups(): readonly Scheduled[] {
    return this.optimizer.paramGroups
  }

  /** Logs a change of a group's rate. */
  protected report(change: string, group: number, lr: number): void {
    if (!this.verbose || typeof console === 'undefined') return
    const rate = lr.toExponential(4).replace(/e([+-])(\d)$/, 'e$10$2')
    console.log(`${change} learning rate of group ${group} to ${rate}.`)
  }

  /** Runs one step as an effect. */
  protected effect(step: () => void): void {
    effect(() => {
      const restore = this.restorer()
      step()
      return restore
    })
  }

  /** Returns a function that restores the scheduler and the groups' options. */
  protected restorer(): () => void {
    const own = this.stateDict()
    const before = this.groups.map(({ lr, momentum, betas }) => ({ lr, momentum, beta: betas?.[0] }))
    return () => {
      this[become](own)
      before.forEach(({ lr, momentum, beta }, i) => {
        const group = this.groups[i]
        group.lr = lr
        if (momentum !== undefined) group.momentum = momentum
        if (group.betas !== undefined && beta !== undefined) group.betas[0] = beta
      })
    }
  }

  /** Notes the groups' rates as those that the last step set. */
  protected noteRates(): void {
    this.#lastLr = this.groups.map(({ lr }) => lr)
  }

  /** The learning rates that the last step set, by group. */
  getLastLr(): number[] {
    return this.#lastLr
  }

  /** The scheduler's state, without the optimizer and without functions. */
  stateDict(): Record<string, unknown> {
    const { optimizer: _, ...own } = this
    return { ...own, lastLr: [...this.#lastLr] }
  }

  /** The state dict, without the optimizer. */
  toJSON(): Record<string, unknown> {
    return this.stateDict()
  }

  /**
   * Restores a state of `stateDict()`, or of a scheduler of PyTorch's, whose names are `last_epoch` and `_step_count`.
   *
   * Throws, with nothing changed, a TypeError for an entry of another kind than the scheduler has, and a KeyError for
   * an unknown entry.
   */
  loadStateDict(...args: [stateDict: Readonly<Record<string, unknown>>]): void {
    const stateDict = schedulerInFlambeau(loadArguments(args)[0] as Readonly<Record<string, unknown>>)
    checkState(className(this.constructor), stateDict, this.stateDict(), (name, now) => this.kindOf(name, now))
    this.checkState(stateDict)
    this[become](stateDict)
  }

  /** The kind of a saved state's entry, from its present value; undefined if any value is allowed. */
  protected kindOf(_name: string, now: unknown): Kind<unknown> | undefined {
    return kindOf(now)
  }

  /** Throws for an entry of a saved state that is out of range. */
  protected checkState(_stateDict: Readonly<Record<string, unknown>>): void {}

  [become]({ lastLr, ...own }: Readonly<Record<string, unknown>>): void {
    Object.assign(this, own)
    if (Array.isArray(lastLr)) this.#lastLr = [...lastLr]
  }
}

/** Throws for an entry of a saved state that the current state lacks, or has of another kind. */
function checkState(
  owner: string,
  saved: Readonly<Record<string, unknown>>,
  now: Record<string, unknown>,
  kindOf: (name: string, now: unknown) => Kind<unknown> | undefined,
): void {
  for (const [name, value] of Object.entries(saved)) {
    if (!Object.hasOwn(now, name))
      throw new KeyError(`'${name}'`, `A state of ${owner} has ${Object.keys(now).join(', ')}.`)
    const kind = kindOf(name, now[name])
    if (kind !== undefined && !kind.accepts(value)) {
      throw refused(owner, { ...required(name, kind), keyword: true }, 0, value)
    }
  }
}

const rates = list(real)
const states = list(dict)
const counts: Kind<object> = {
  ...dict,
  accepts: (x) => typeof x === 'object' && x !== null && isOptions(x) && Object.values(x).every(real.accepts),
}
/** The kind of a state's entry, from its current value; a list keeps its length. */
function kindOf(now: unknown): Kind<unknown> | undefined {
  if (typeof now === 'number') return real
  if (typeof now === 'boolean') return bool
  if (typeof now === 'string') return str
  if (!Array.isArray(now)) return typeof now === 'object' && now !== null ? counts : undefined
  const kind = now.length > 0 && now.every(dict.accepts) ? states : rates
  return { ...kind, accepts: (x) => kind.accepts(x) && (x as readonly unknown[]).length === now.length }
}

/**
 * The base class of schedulers: a subclass computes the next learning rate of each group, and calls `start` at the end
 * of its constructor.
 */
export class LRScheduler extends Scheduler {
  /** The initial learning rates of the groups. */
  baseLrs: number[]
  stepCount = 0
  /** The groups as they were before the constructor, until the first step. */
  #before: readonly Readonly<Scheduled>[]

  constructor(optimizer: Optimizer, ...args: Arguments<[lastEpoch: number, verbose: boolean], SchedulerOptions>) {
    const [lastEpoch, verbose] = lrScheduler(args)
    super(optimizer, lastEpoch, verbose)
    if (lastEpoch !== -1) {
      this.groups.forEach(({ initialLr }, i) => {
        if (initialLr === undefined)
          throw new KeyError(`param 'initial_lr' is not specified in param_groups[${i}] when resuming an optimizer`)
      })
    }
    this.#before = this.groups.map((group) => ownLists({ ...group }))
    for (const group of this.groups) group.initialLr ??= group.lr
    this.baseLrs = this.groups.map(({ initialLr }) => initialLr as number)
  }

  /**
   * Makes the first step, which sets the initial learning rates; call it at the end of a subclass's constructor. It
   * leaves the groups as they were if `setUp` or the step fails.
   */
  protected start(setUp?: (group: Scheduled, i: number) => void): void {
    try {
      if (setUp !== undefined) this.groups.forEach(setUp)
      this.stepCount = 0
      this[advance]()
    } catch (error) {
      this.groups.forEach((group, i) => {
        for (const key of Object.keys(group)) Reflect.deleteProperty(group, key)
        Object.assign(group, this.#before[i])
      })
      throw error
    }
    this.#before = []
    this.optimizer.stepCount = 0
  }

  /** Computes the next learning rates from the current ones. */
  protected getLr(): number[] {
    throw new NotImplementedError(`${className(this.constructor)} does not override getLr`)
  }

  /** Computes the learning rates of `lastEpoch` from the initial ones, if there is a formula. */
  protected closedFormLr(): number[] | undefined {
    return undefined
  }

  /**
   * Sets the learning rates of the next epoch; call it after the optimizer's step. With `epoch`, sets those of that
   * epoch instead, which may lie between two.
   */
  step(...args: [epoch?: number | { epoch?: number }]): void {
    const [epoch] = stepArguments(args)
    if (epoch !== undefined) effects.sink?.refuse('step(epoch)', 'Leave out the epoch, or call it outside of the step.')
    const { optimizer, stepCount } = this
    if (stepCount === 0 && this.#before.length > 0)
      throw new RuntimeError(
        `${className(this.constructor)} has set no initial learning rates`,
        'Call this.start() at the end of its constructor.',
      )
    // A step that a subclass overrides does not count.
    if (stepCount === 1 && optimizer.stepCount < 1 && optimizer.step === Optimizer.prototype.step) {
      warn(
        'Detected call of `lr_scheduler.step()` before `optimizer.step()`. In PyTorch 1.1.0 and later, you should call them in the opposite order: `optimizer.step()` before `lr_scheduler.step()`.  Failure to do this will result in PyTorch skipping the first value of the learning rate schedule. See more details at https://pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate',
      )
    }
    this.effect(() => {
      const restore = this.restorer()
      try {
        this[advance](epoch)
      } catch (error) {
        restore()
        throw error
      }
    })
  }

  [advance](epoch?: number): void {
    this.stepCount++
    this.lastEpoch = epoch ?? this.lastEpoch + 1
    this.setRates((epoch === undefined ? undefined : this.closedFormLr()) ?? this.getLr(), epoch)
  }

  /** Sets one rate for each group. */
  protected setRates(lrs: unknown, epoch?: number): void {
    if (!rates.accepts(lrs) || (lrs as number[]).length !== this.groups.length)
      throw new TypeError(
        `getLr() must give a list of ${this.groups.length} floats, not ${typeName(lrs)}`,
        'Give a learning rate for each parameter group, none of them NaN.',
      )
    const when = epoch === undefined ? 'Adjusting' : `Epoch ${epochName(epoch)}: adjusting`
    ;(lrs as number[]).forEach((lr, i) => {
      this.groups[i].lr = lr
      this.report(when, i, lr)
    })
    this.noteRates()
  }
}

/** An epoch as PyTorch logs it. */
export const epochName = (epoch: number): string =>
  Number.isInteger(epoch) ? String(epoch).padStart(5, '0') : epoch.toFixed(2)

/** An argument that is one value, or one for each group. */
export function perGroup<T>(name: string, optimizer: Optimizer, given: T | readonly T[]): T[] {
  checkOptimizer(optimizer)
  const { length } = optimizer.paramGroups
  if (!Array.isArray(given)) return new Array<T>(length).fill(given as T)
  if (given.length !== length) throw new ValueError(`expected ${length} values for ${name}, got ${given.length}`)
  return [...given]
}
