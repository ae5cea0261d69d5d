// Schedulers of schedulers: one after the other, or all at once.
import { ValueError } from '../base/errors.ts'
import { type Arguments, constructing, instance, int, list, required } from '../tensor/signature.ts'
import type { Optimizer } from './optimizer.ts'
import { advance, become, checkOptimizer, epoch, LRScheduler, type SchedulerOptions, verbose } from './scheduler.ts'

const members = required('schedulers', list(instance(LRScheduler, 'LRScheduler')))

/** Saves, restores and undoes its members with itself. */
abstract class OfSchedulers extends LRScheduler {
  readonly #members: readonly LRScheduler[]

  constructor(optimizer: Optimizer, schedulers: readonly LRScheduler[], options: SchedulerOptions) {
    super(optimizer, options)
    this.#members = [...schedulers]
  }

  protected get members(): readonly LRScheduler[] {
    return this.#members
  }

  override stateDict(): Record<string, unknown> {
    return { ...super.stateDict(), schedulers: this.#members.map((member) => member.stateDict()) }
  }

  protected override checkState({ schedulers }: Readonly<Record<string, unknown>>): void {
    if (schedulers === undefined) return
    this.#members.forEach((member, i) => {
      const now = member.stateDict()
      // The member checks its own state; what fits is given back at once, until all of them fit.
      member.loadStateDict((schedulers as Record<string, unknown>[])[i])
      member[become](now)
    })
  }

  override [become]({ schedulers, ...own }: Readonly<Record<string, unknown>>): void {
    super[become](own)
    if (schedulers === undefined) return
    this.#members.forEach((member, i) => void member[become]((schedulers as Record<string, unknown>[])[i]))
  }
}

export interface SequentialLROptions extends SchedulerOptions {
  readonly schedulers?: readonly LRScheduler[]
  /** The epochs at which the next scheduler takes over. */
  readonly milestones?: readonly number[]
}
const sequentialLR = constructing('SequentialLR', members, required('milestones', list(int)), epoch, verbose)

/**
 * Schedulers one after the other: at each of the `milestones` the next one takes over, from its first epoch.
 *
 * @example
 * const { ConstantLR, ExponentialLR, SequentialLR } = optim.lrScheduler
 * const warmUp = new ConstantLR(optimizer, 0.1, 2)
 * const scheduler = new SequentialLR(optimizer, [warmUp, new ExponentialLR(optimizer, 0.9)], [2])
 */
export class SequentialLR extends OfSchedulers {
  milestones: readonly number[]

  constructor(
    optimizer: Optimizer,
    ...args: Arguments<
      [schedulers: readonly LRScheduler[], milestones: readonly number[], lastEpoch: number, verbose: boolean],
      SequentialLROptions
    >
  ) {
    const [schedulers, milestones, lastEpoch, verbose] = sequentialLR(args)
    checkOptimizer(optimizer)
    schedulers.forEach((scheduler, i) => {
      if (scheduler.optimizer !== optimizer)
        throw new ValueError(
          `Sequential Schedulers expects all schedulers to belong to the same optimizer, but got schedulers at index ${i} to be different than the optimizer passed in.`,
        )
    })
    if (milestones.length !== schedulers.length - 1)
      throw new ValueError(
        `Sequential Schedulers expects number of schedulers provided to be one more than the number of milestone points, but got number of schedulers ${schedulers.length} and the number of milestones to be equal to ${milestones.length}`,
      )
    super(optimizer, schedulers, { verbose })
    this.lastEpoch = lastEpoch + 1
    this.stepCount = 1
    this.milestones = [...milestones]
    // The members have all made their first step, and only the first one keeps it.
    for (const group of this.groups) group.lr = group.initialLr as number
    for (const scheduler of schedulers) scheduler.lastEpoch--
    const [first] = schedulers
    first.stepCount = 0
    optimizer.stepCount = 0
    first[advance]()
    this.noteRates()
  }

  override [advance](): void {
    this.stepCount++
    this.lastEpoch++
    const at = this.milestones.filter((milestone) => milestone <= this.lastEpoch).length
    this.members[at][advance](at > 0 && this.milestones[at - 1] === this.lastEpoch ? 0 : undefined)
    this.noteRates()
  }
}

export interface ChainedSchedulerOptions {
  readonly schedulers?: readonly LRScheduler[]
}
const chainedScheduler = constructing('ChainedScheduler', members)

/**
 * Steps several schedulers at once, in order: each changes what the one before it has set.
 *
 * @example
 * const { ConstantLR, ExponentialLR, ChainedScheduler } = optim.lrScheduler
 * const scheduler = new ChainedScheduler([new ConstantLR(optimizer), new ExponentialLR(optimizer, 0.9)])
 */
export class ChainedScheduler extends OfSchedulers {
  constructor(...args: Arguments<[schedulers: readonly LRScheduler[]], ChainedSchedulerOptions>) {
    const [schedulers] = chainedScheduler(args)
    if (schedulers.length === 0) throw new ValueError('ChainedScheduler expects at least one scheduler')
    const [{ optimizer }] = schedulers
    schedulers.forEach((scheduler, i) => {
      if (scheduler.optimizer !== optimizer)
        throw new ValueError(
          `ChainedScheduler expects all schedulers to belong to the same optimizer, but got schedulers at index 0 and ${i} to be different`,
        )
    })
    super(optimizer, schedulers, {})
    this.lastEpoch = 0
    this.stepCount = 1
  }

  override [advance](): void {
    this.stepCount++
    this.lastEpoch++
    for (const member of this.members) member[advance]()
    this.noteRates()
  }
}
