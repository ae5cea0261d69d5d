// Schedules of the learning rate and, the other way round, of the momentum (of Adam: the first beta): cycles, and the
// single cycle of a whole training.
import { ValueError } from '../base/errors.ts'
import {
  type Arguments,
  bool,
  constructing,
  either,
  fn,
  type Kind,
  list,
  nullable,
  number,
  optional,
  real,
  required,
  str,
} from '../tensor/signature.ts'
import type { Optimizer } from './optimizer.ts'
import { dict } from './options.ts'
import { epoch, LRScheduler, perGroup, type Scheduled, type SchedulerOptions, verbose } from './scheduler.ts'

type PerGroup = number | readonly number[]
const momenta = list(real)
const each = either(number, momenta)
const noMomentum = (): ValueError =>
  new ValueError(
    'optimizer must support momentum with `cycle_momentum` option enabled',
    'Pass cycleMomentum: false to change the learning rate only.',
  )

export interface CyclicLROptions extends SchedulerOptions {
  /** The lowest rate: one, or one for each group. */
  readonly baseLr?: PerGroup
  /** The highest rate: one, or one for each group. */
  readonly maxLr?: PerGroup
  /** The number of steps from the lowest rate to the highest; by default 2000. */
  readonly stepSizeUp?: number
  /** The number of steps back; by default the same. */
  readonly stepSizeDown?: number | null
  /** How cycles shrink: not at all, to a half each, or by `gamma` a step. */
  readonly mode?: 'triangular' | 'triangular2' | 'exp_range'
  readonly gamma?: number
  /** The height of a cycle as a function of its number or of the step's, instead of `mode`. */
  readonly scaleFn?: ((x: number) => number) | null
  readonly scaleMode?: 'cycle' | 'iterations'
  /** Also change the momentum; by default true. */
  readonly cycleMomentum?: boolean
  readonly baseMomentum?: PerGroup
  readonly maxMomentum?: PerGroup
}
const cyclicLR = constructing(
  'CyclicLR',
  required('baseLr', each),
  required('maxLr', each),
  optional('stepSizeUp', number, 2000),
  optional('stepSizeDown', nullable(number), null),
  optional('mode', str, 'triangular'),
  optional('gamma', number, 1),
  optional('scaleFn', nullable(fn), null),
  optional('scaleMode', str, 'cycle'),
  optional('cycleMomentum', bool, true),
  optional('baseMomentum', each, 0.8),
  optional('maxMomentum', each, 0.9),
  epoch,
  verbose,
)

/**
 * The learning rate goes from `baseLr` to `maxLr` and back, again and again, and the momentum the other way round. Step
 * it after every batch.
 *
 * @example
 * const scheduler = new optim.lrScheduler.CyclicLR(optimizer, 0.01, 0.1, { stepSizeUp: 20 })
 */
export class CyclicLR extends LRScheduler {
  maxLrs: number[]
  totalSize: number
  stepRatio: number
  mode: string
  gamma: number
  scaleMode: string
  cycleMomentum: boolean
  baseMomentums: number[] = []
  maxMomentums: number[] = []
  readonly #scaleFn: ((x: number) => number) | null

  constructor(
    optimizer: Optimizer,
    ...args: Arguments<
      [
        baseLr: PerGroup,
        maxLr: PerGroup,
        stepSizeUp: number,
        stepSizeDown: number | null,
        mode: 'triangular' | 'triangular2' | 'exp_range',
        gamma: number,
        scaleFn: ((x: number) => number) | null,
        scaleMode: 'cycle' | 'iterations',
        cycleMomentum: boolean,
        baseMomentum: PerGroup,
        maxMomentum: PerGroup,
        lastEpoch: number,
        verbose: boolean,
      ],
      CyclicLROptions
    >
  ) {
    const [baseLr, maxLr, up, down, mode, gamma, scaleFn, scaleMode, cycleMomentum, low, high, lastEpoch, verbose] =
      cyclicLR(args)
    const baseLrs = perGroup('base_lr', optimizer, baseLr)
    const maxLrs = perGroup('max_lr', optimizer, maxLr)
    const totalSize = up + (down ?? up)
    if (!(up > 0 && totalSize >= up))
      throw new ValueError('float division by zero', 'stepSizeUp and stepSizeDown are numbers of steps.')
    if (scaleFn === null && !['triangular', 'triangular2', 'exp_range'].includes(mode))
      throw new ValueError('mode is invalid and scale_fn is None')
    if (cycleMomentum && !('momentum' in optimizer.defaults)) throw noMomentum()
    const baseMomentums = cycleMomentum ? perGroup('base_momentum', optimizer, low) : []
    const maxMomentums = cycleMomentum ? perGroup('max_momentum', optimizer, high) : []
    const fresh = optimizer.paramGroups.map((group: Scheduled) => group.initialLr === undefined)
    super(optimizer, { lastEpoch, verbose })
    this.maxLrs = maxLrs
    this.totalSize = totalSize
    this.stepRatio = up / totalSize
    this.mode = mode
    this.gamma = gamma
    this.#scaleFn = scaleFn as ((x: number) => number) | null
    this.scaleMode = scaleFn !== null ? scaleMode : mode === 'exp_range' ? 'iterations' : 'cycle'
    this.cycleMomentum = cycleMomentum
    this.maxMomentums = maxMomentums
    this.start((group, i) => {
      if (lastEpoch === -1) {
        group.lr = baseLrs[i]
        if (fresh[i]) this.baseLrs[i] = group.initialLr = baseLrs[i]
        if (cycleMomentum) group.momentum = baseMomentums[i]
      }
      if (cycleMomentum) this.baseMomentums.push(group.momentum as number)
    })
    this.baseLrs = baseLrs
  }

  /** The height of a cycle. */
  #scale(cycle: number): number {
    const x = this.scaleMode === 'cycle' ? cycle : this.lastEpoch
    if (this.#scaleFn !== null) return this.#scaleFn(x)
    if (this.mode === 'triangular') return 1
    return this.mode === 'triangular2' ? 1 / 2 ** (x - 1) : this.gamma ** x
  }

  protected override getLr(): number[] {
    const { lastEpoch, totalSize, stepRatio } = this
    const cycle = Math.floor(1 + lastEpoch / totalSize)
    const x = 1 + lastEpoch / totalSize - cycle
    const part = x <= stepRatio ? x / stepRatio : (x - 1) / (stepRatio - 1)
    const lrs = this.baseLrs.map((base, i) => base + (this.maxLrs[i] - base) * part * this.#scale(cycle))
    if (!this.cycleMomentum) return lrs
    this.baseMomentums.forEach((base, i) => {
      const max = this.maxMomentums[i]
      this.groups[i].momentum = max - (max - base) * part * this.#scale(cycle)
    })
    return lrs
  }

  /** A state without momenta may replace one that has some, and the other way round. */
  protected override kindOf(name: string, now: unknown): Kind<unknown> | undefined {
    if (name !== 'baseMomentums' && name !== 'maxMomentums') return super.kindOf(name, now)
    const { length } = this.groups
    return { ...momenta, accepts: (x) => momenta.accepts(x) && [0, length].includes((x as readonly number[]).length) }
  }
}

export interface OneCycleLROptions extends SchedulerOptions {
  /** The highest rate: one, or one for each group. */
  readonly maxLr?: PerGroup
  /** The number of steps of the whole training; or give `epochs` and `stepsPerEpoch`. */
  readonly totalSteps?: number | null
  readonly epochs?: number | null
  readonly stepsPerEpoch?: number | null
  /** The part of the steps in which the rate rises; by default 0.3. */
  readonly pctStart?: number
  /** By default 'cos'. */
  readonly annealStrategy?: 'cos' | 'linear'
  /** Also change the momentum, or the first beta; by default true. */
  readonly cycleMomentum?: boolean
  readonly baseMomentum?: PerGroup
  readonly maxMomentum?: PerGroup
  /** `maxLr` by the initial rate; by default 25. */
  readonly divFactor?: number
  /** The initial rate by the last; by default 1e4. */
  readonly finalDivFactor?: number
  /** Come back to the initial rate first, then go down. */
  readonly threePhase?: boolean
}
const oneCycleLR = constructing(
  'OneCycleLR',
  required('maxLr', each),
  optional('totalSteps', nullable(number), null),
  optional('epochs', nullable(number), null),
  optional('stepsPerEpoch', nullable(number), null),
  optional('pctStart', number, 0.3),
  optional('annealStrategy', str, 'cos'),
  optional('cycleMomentum', bool, true),
  optional('baseMomentum', each, 0.85),
  optional('maxMomentum', each, 0.95),
  optional('divFactor', number, 25),
  optional('finalDivFactor', number, 1e4),
  optional('threePhase', bool, false),
  epoch,
  verbose,
)

type Rate = 'initialLr' | 'maxLr' | 'minLr'
type Momentum = 'maxMomentum' | 'baseMomentum'
/** A part of the training, from the end of the one before it, by names of options of the groups. */
export interface Phase {
  readonly endStep: number
  readonly startLr: Rate
  readonly endLr: Rate
  readonly startMomentum: Momentum
  readonly endMomentum: Momentum
}
const rateNames: readonly unknown[] = ['initialLr', 'maxLr', 'minLr'] satisfies Rate[]
const momentumNames: readonly unknown[] = ['maxMomentum', 'baseMomentum'] satisfies Momentum[]
const phases: Kind<readonly Phase[]> = list({
  expected: 'phase',
  accepts: (x) => {
    if (!dict.accepts(x)) return false
    const { endStep, startLr, endLr, startMomentum, endMomentum } = x as Partial<Phase>
    return (
      real.accepts(endStep) &&
      [startLr, endLr].every((name) => rateNames.includes(name)) &&
      [startMomentum, endMomentum].every((name) => momentumNames.includes(name))
    )
  },
})

function positive(name: string, value: number | null): number {
  if (value === null || !(value > 0 && Number.isSafeInteger(value)))
    throw new ValueError(`Expected positive integer ${name}, but got ${value ?? 'None'}`)
  return value
}

/**
 * The learning rate rises from `maxLr / divFactor` to `maxLr` and falls far below where it started, once in the whole
 * training; the momentum goes the other way round. Step it after every batch.
 *
 * @example
 * const scheduler = new optim.lrScheduler.OneCycleLR(optimizer, 0.1, { epochs: 10, stepsPerEpoch: 100 })
 */
export class OneCycleLR extends LRScheduler {
  totalSteps: number
  cycleMomentum: boolean
  schedulePhases: readonly Phase[]
  annealStrategy: string

  constructor(
    optimizer: Optimizer,
    ...args: Arguments<
      [
        maxLr: PerGroup,
        totalSteps: number | null,
        epochs: number | null,
        stepsPerEpoch: number | null,
        pctStart: number,
        annealStrategy: 'cos' | 'linear',
        cycleMomentum: boolean,
        baseMomentum: PerGroup,
        maxMomentum: PerGroup,
        divFactor: number,
        finalDivFactor: number,
        threePhase: boolean,
        lastEpoch: number,
        verbose: boolean,
      ],
      OneCycleLROptions
    >
  ) {
    const [
      maxLr, steps, epochs, perEpoch, pctStart, strategy, cycleMomentum, low, high, divFactor, finalDivFactor,
      threePhase, lastEpoch, verbose,
    ] = oneCycleLR(args) // biome-ignore format: a list
    const maxLrs = perGroup('max_lr', optimizer, maxLr)
    if (steps === null && epochs === null && perEpoch === null)
      throw new ValueError('You must define either total_steps OR (epochs AND steps_per_epoch)')
    const total =
      steps === null
        ? positive('epochs', epochs) * positive('steps_per_epoch', perEpoch)
        : positive('total_steps', steps)
    if (!(pctStart >= 0 && pctStart <= 1))
      throw new ValueError(`Expected float between 0 and 1 pct_start, but got ${pctStart}`)
    checkStrategy(strategy)
    if (cycleMomentum && !('momentum' in optimizer.defaults) && !('betas' in optimizer.defaults)) throw noMomentum()
    const maxMomentums = cycleMomentum ? perGroup('max_momentum', optimizer, high) : []
    const baseMomentums = cycleMomentum ? perGroup('base_momentum', optimizer, low) : []
    super(optimizer, { lastEpoch, verbose })
    this.totalSteps = total
    this.cycleMomentum = cycleMomentum
    this.annealStrategy = strategy
    this.schedulePhases = phasesOf(total, pctStart, threePhase)
    this.start((group, i) => {
      if (lastEpoch !== -1) return
      group.maxLr = maxLrs[i]
      group.initialLr = maxLrs[i] / divFactor
      group.minLr = group.initialLr / finalDivFactor
      this.baseLrs[i] = group.initialLr
      if (cycleMomentum) Object.assign(group, { maxMomentum: maxMomentums[i], baseMomentum: baseMomentums[i] })
    })
  }

  protected override getLr(): number[] {
    const { lastEpoch: step, totalSteps } = this
    if (step > totalSteps)
      throw new ValueError(`Tried to step ${step + 1} times. The specified number of total steps is ${totalSteps}`)
    const { schedulePhases: phases, annealStrategy } = this
    const anneal = annealStrategy === 'cos' ? annealCos : annealLinear
    let start = 0
    let at = 0
    while (step > phases[at].endStep && at < phases.length - 1) start = phases[at++].endStep
    const { endStep, startLr, endLr, startMomentum, endMomentum } = phases[at]
    const part = (step - start) / (endStep - start)
    return this.groups.map((group) => {
      if (this.cycleMomentum) {
        const next = anneal(group[startMomentum] as number, group[endMomentum] as number, part)
        if (group.betas === undefined) group.momentum = next
        // In place, because a recording notes the list and reads its numbers again.
        else group.betas[0] = next
      }
      return anneal(group[startLr] as number, group[endLr] as number, part)
    })
  }

  protected override kindOf(name: string, now: unknown): Kind<unknown> | undefined {
    return name === 'schedulePhases' ? phases : super.kindOf(name, now)
  }

  protected override checkState({ annealStrategy, schedulePhases }: Readonly<Record<string, unknown>>): void {
    checkStrategy(annealStrategy ?? this.annealStrategy)
    if (Array.isArray(schedulePhases) && schedulePhases.length === 0)
      throw new ValueError('the state of OneCycleLR has no phases')
  }
}

function checkStrategy(strategy: unknown): void {
  if (strategy !== 'cos' && strategy !== 'linear')
    throw new ValueError(`anneal_strategy must by one of 'cos' or 'linear', instead got ${strategy}`)
}

function phasesOf(total: number, pctStart: number, threePhase: boolean): Phase[] {
  const phase = (
    endStep: number,
    startLr: Rate,
    endLr: Rate,
    startMomentum: Momentum,
    endMomentum: Momentum,
  ): Phase => {
    return { endStep, startLr, endLr, startMomentum, endMomentum }
  }
  const up = phase(pctStart * total - 1, 'initialLr', 'maxLr', 'maxMomentum', 'baseMomentum')
  if (!threePhase) return [up, phase(total - 1, 'maxLr', 'minLr', 'baseMomentum', 'maxMomentum')]
  return [
    up,
    phase(2 * pctStart * total - 2, 'maxLr', 'initialLr', 'baseMomentum', 'maxMomentum'),
    phase(total - 1, 'initialLr', 'minLr', 'maxMomentum', 'maxMomentum'),
  ]
}

/** Half a cosine from `from` to `to`. */
const annealCos = (from: number, to: number, part: number): number =>
  to + ((from - to) / 2) * (Math.cos(Math.PI * part) + 1)
const annealLinear = (from: number, to: number, part: number): number => (to - from) * part + from
