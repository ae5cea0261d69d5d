// A schedule by what is measured: the learning rate falls when a loss or an accuracy no longer gets better.
import { ValueError } from '../base/errors.ts'
import { effects } from '../tensor/effects.ts'
import {
  type Arguments,
  bool,
  constructing,
  either,
  int,
  list,
  number,
  optional,
  real,
  required,
  signature,
  str,
  tensor,
} from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import type { Optimizer } from './optimizer.ts'
import { checkOptimizer, epochName, Scheduler } from './scheduler.ts'

type PerGroup = number | readonly number[]
export interface ReduceLROnPlateauOptions {
  /** Whether lower is better ('min') or higher. */
  readonly mode?: 'min' | 'max'
  /** By what the rate is multiplied; by default 0.1. */
  readonly factor?: number
  /** How many steps without an improvement are allowed; by default 10. */
  readonly patience?: number
  /** What counts as an improvement; by default 1e-4. */
  readonly threshold?: number
  /** Whether `threshold` is a part of the best value ('rel') or a difference. */
  readonly thresholdMode?: 'rel' | 'abs'
  /** How many steps are ignored after a change. */
  readonly cooldown?: number
  /** The lowest rate: one, or one for each group. */
  readonly minLr?: PerGroup
  /** A smaller change is not made; by default 1e-8. */
  readonly eps?: number
  readonly verbose?: boolean
}
const reduceLROnPlateau = constructing(
  'ReduceLROnPlateau',
  optional('mode', str, 'min'),
  optional('factor', number, 0.1),
  optional('patience', int, 10),
  optional('threshold', number, 1e-4),
  optional('thresholdMode', str, 'rel'),
  optional('cooldown', int, 0),
  optional('minLr', either(number, list(real)), 0),
  optional('eps', number, 1e-8),
  optional('verbose', bool, false),
)
const stepArguments = signature('step', required('metrics', either(number, tensor)))

function checkModes(mode: unknown, thresholdMode: unknown): void {
  if (mode !== 'min' && mode !== 'max') throw new ValueError(`mode ${mode} is unknown!`)
  if (thresholdMode !== 'rel' && thresholdMode !== 'abs')
    throw new ValueError(`threshold mode ${thresholdMode} is unknown!`)
}

/**
 * Multiplies the learning rate by `factor` when a metric has not improved for more than `patience` steps.
 *
 * @example
 * const scheduler = new optim.lrScheduler.ReduceLROnPlateau(optimizer, 'min', { patience: 3 })
 * scheduler.step(0.25)
 */
export class ReduceLROnPlateau extends Scheduler {
  mode: string
  factor: number
  patience: number
  threshold: number
  thresholdMode: string
  cooldown: number
  minLrs: number[]
  eps: number
  best: number
  numBadEpochs = 0
  cooldownCounter = 0

  constructor(
    optimizer: Optimizer,
    ...args: Arguments<
      [
        mode: 'min' | 'max',
        factor: number,
        patience: number,
        threshold: number,
        thresholdMode: 'rel' | 'abs',
        cooldown: number,
        minLr: PerGroup,
        eps: number,
        verbose: boolean,
      ],
      ReduceLROnPlateauOptions
    >
  ) {
    const [mode, factor, patience, threshold, thresholdMode, cooldown, minLr, eps, verbose] = reduceLROnPlateau(args)
    if (!(factor < 1)) throw new ValueError('Factor should be < 1.0.')
    checkOptimizer(optimizer)
    const { length } = optimizer.paramGroups
    const minLrs = typeof minLr === 'number' ? new Array<number>(length).fill(minLr) : [...minLr]
    if (minLrs.length !== length) throw new ValueError(`expected ${length} min_lrs, got ${minLrs.length}`)
    checkModes(mode, thresholdMode)
    super(optimizer, 0, verbose)
    this.mode = mode
    this.factor = factor
    this.patience = patience
    this.threshold = threshold
    this.thresholdMode = thresholdMode
    this.cooldown = cooldown
    this.minLrs = minLrs
    this.eps = eps
    this.best = mode === 'min' ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY
  }

  /**
   * Looks at a new value of the metric, a number or a tensor with one element.
   *
   * A compiled step cannot hold it, because the metric is a value of the host: call it outside.
   */
  step(...args: [metrics: number | Tensor | { metrics?: number | Tensor }]): void {
    const [metrics] = stepArguments(args)
    effects.sink?.refuse('ReduceLROnPlateau.step()', 'Return the metric from the compiled step and call it outside.')
    const current = typeof metrics === 'number' ? metrics : Number(metrics.item())
    this.lastEpoch++
    if (this.#isBetter(current)) {
      this.best = current
      this.numBadEpochs = 0
    } else this.numBadEpochs++
    if (this.cooldownCounter > 0) {
      this.cooldownCounter--
      this.numBadEpochs = 0
    }
    if (this.numBadEpochs > this.patience) {
      this.#reduce()
      this.cooldownCounter = this.cooldown
      this.numBadEpochs = 0
    }
    this.noteRates()
  }

  #isBetter(current: number): boolean {
    const { best, threshold } = this
    if (this.mode === 'min') return current < (this.thresholdMode === 'rel' ? best * (1 - threshold) : best - threshold)
    return current > (this.thresholdMode === 'rel' ? best * (threshold + 1) : best + threshold)
  }

  #reduce(): void {
    this.groups.forEach((group, i) => {
      const lr = Math.max(group.lr * this.factor, this.minLrs[i])
      if (!(group.lr - lr > this.eps)) return
      group.lr = lr
      this.report(`Epoch ${epochName(this.lastEpoch)}: reducing`, i, lr)
    })
  }

  protected override checkState(stateDict: Readonly<Record<string, unknown>>): void {
    checkModes(stateDict.mode ?? this.mode, stateDict.thresholdMode ?? this.thresholdMode)
  }
}
