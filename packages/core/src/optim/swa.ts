// Averages of a model's weights: over the epochs at the end of a training (stochastic weight averaging), or by a rule of
// the user's, such as an exponential moving average. PyTorch's torch.optim.swa_utils.
import { ValueError } from '../base/errors.ts'
import { sameShape, shapeString } from '../base/shape.ts'
import { deepCopy } from '../nn/copy.ts'
import { Module } from '../nn/module.ts'
import { BatchNorm } from '../nn/norm-layers.ts'
import { to } from '../ops/create/convert.ts'
import { full, onesLike, zerosLike } from '../ops/create/create.ts'
import { add, div, sub } from '../ops/pointwise/arithmetic.ts'
import { copy_ } from '../ops/write/write.ts'
import { noGrad } from '../tensor/mode.ts'
import {
  type Takes,
  type Arguments,
  bool,
  constructing,
  device as deviceKind,
  either,
  fn,
  instance,
  int,
  iterable,
  list,
  nullable,
  number,
  optional,
  real,
  refused,
  required,
  signature,
  str,
  tensor,
} from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import type { Optimizer } from './optimizer.ts'
import { checkOptimizer, epoch, LRScheduler, type Scheduled } from './scheduler.ts'

/** The next average, from the current one, the model's value and the number of values in the average so far. */
export type AvgFn = (averaged: Tensor, value: Tensor, numAveraged: Tensor) => Tensor
export interface AveragedModelOptions {
  /** The device of the average. */
  readonly device?: string | null
  /** By default the mean. */
  readonly avgFn?: AvgFn | null
  /** Average the buffers, too. */
  readonly useBuffers?: boolean
}
const module = instance(Module, 'torch.nn.Module')
const averagedModel = constructing(
  'AveragedModel',
  optional('device', nullable(deviceKind), null),
  optional('avgFn', nullable(fn), null),
  optional('useBuffers', bool, false),
)
const ofModel = required('model', module)
const updateArguments = signature('update_parameters', ofModel)

const mean: AvgFn = (averaged, value, n) => add(averaged, div(sub(value, averaged), add(n, 1)))

/**
 * A copy of a model whose parameters are averages over the values that `updateParameters` has seen.
 *
 * @example
 * const average = (averaged, value) => averaged.mul(0.9).add(value.mul(0.1))
 * const averaged = new optim.swaUtils.AveragedModel(model, { avgFn: average })
 * averaged.updateParameters(model)
 */
export class AveragedModel<M extends Module = Module> extends Module {
  readonly module: M
  declare nAveraged: Tensor
  readonly avgFn: AvgFn
  readonly useBuffers: boolean

  constructor(
    model: M,
    ...args: Arguments<[device: string | null, avgFn: AvgFn | null, useBuffers: boolean], AveragedModelOptions>
  ) {
    if (!module.accepts(model)) throw refused('AveragedModel.__init__', ofModel, 1, model)
    const [device, avgFn, useBuffers] = averagedModel(args)
    super()
    this.module = deepCopy(model)
    this.registerBuffer('nAveraged', full([], 0, { dtype: 'int32' }))
    this.avgFn = (avgFn as AvgFn | null) ?? mean
    this.useBuffers = useBuffers
    if (device !== null) this.to(device)
  }

  override forward(...args: Parameters<M['forward']>): ReturnType<M['forward']> {
    return this.module.forward(...args)
  }

  /**
   * Takes the model's parameters into the averages; the first ones are copied.
   *
   * Throws a ValueError, with nothing changed, for a model with other parameters.
   */
  updateParameters(...args: [model: Module]): void {
    const [model] = updateArguments(args)
    const tensorsOf = (of: Module): Tensor[] => [...of.parameters(), ...(this.useBuffers ? of.buffers() : [])]
    const [own, theirs] = [tensorsOf(this.module), tensorsOf(model)]
    const shapes = (all: readonly Tensor[]): string => all.map(({ sizes }) => shapeString(sizes)).join(', ')
    if (own.length !== theirs.length || own.some((p, i) => !sameShape(p.sizes, theirs[i].sizes)))
      throw new ValueError(`the average has parameters of ${shapes(own)}, and the model of ${shapes(theirs)}`)
    noGrad(() => {
      const first = this.nAveraged.item() === 0
      const next = own.map((p, i) => {
        const value = to(theirs[i].detach(), { device: p.device })
        if (first) return value
        const average: unknown = this.avgFn(p.detach(), value, this.nAveraged)
        if (!tensor.accepts(average)) throw refused('avg_fn', required('result', tensor), 0, average)
        return average as Tensor
      })
      own.forEach((p, i) => void copy_(p, next[i]))
      copy_(this.nAveraged, add(this.nAveraged, 1))
    })
  }
}

const updateBnArguments = signature(
  'update_bn',
  required('loader', iterable),
  ofModel,
  optional('device', nullable(deviceKind), null),
)

/**
 * Computes the running statistics of a model's batch normalisation anew, as means over one pass through `loader`, which
 * gives batches or lists that begin with one. An averaged model needs this, because its statistics are the old ones.
 *
 * Leaves the statistics as they were if a batch fails.
 *
 * @example
 * optim.swaUtils.updateBn([x, x], model)
 */
export function updateBn(
  ...args: Takes<
    [loader: Iterable<unknown>, model: Module],
    'loader model',
    [device?: string | null | { readonly device?: string | null }]
  >
): void {
  const [loader, model, device] = updateBnArguments(args)
  const layers = model.modules().filter((layer): layer is BatchNorm => layer instanceof BatchNorm)
  if (layers.length === 0) return
  const before = layers.map(({ momentum, runningMean, runningVar, numBatchesTracked }) => {
    return { momentum, runningMean, runningVar, numBatchesTracked }
  })
  const { training } = model
  noGrad(() => {
    try {
      model.train()
      for (const layer of layers) {
        const { runningMean, runningVar, numBatchesTracked } = layer
        if (runningMean !== null) layer.runningMean = zerosLike(runningMean)
        if (runningVar !== null) layer.runningVar = onesLike(runningVar)
        if (numBatchesTracked !== null) layer.numBatchesTracked = zerosLike(numBatchesTracked)
        layer.momentum = null
      }
      for (const batch of loader) {
        const input: unknown = Array.isArray(batch) ? batch[0] : batch
        model.forward(device !== null && tensor.accepts(input) ? to(input as Tensor, { device }) : input)
      }
    } catch (error) {
      layers.forEach((layer, i) => void Object.assign(layer, before[i]))
      throw error
    } finally {
      layers.forEach((layer, i) => void (layer.momentum = before[i].momentum))
      model.train(training)
    }
  })
}

export interface SWALROptions {
  /** The rate at the end: one, or one for each group. */
  readonly swaLr?: number | readonly number[]
  /** The number of epochs until then; by default 10. */
  readonly annealEpochs?: number
  /** By default 'cos'. */
  readonly annealStrategy?: 'cos' | 'linear'
  /** Resume after this epoch; the optimizer's groups must then have an `initialLr`. */
  readonly lastEpoch?: number
}
const swaLR = constructing(
  'SWALR',
  required('swaLr', either(number, list(real))),
  optional('annealEpochs', number, 10),
  optional('annealStrategy', str, 'cos'),
  epoch,
)

/**
 * Goes from the current learning rate to `swaLr` in `annealEpochs` epochs and stays there, for the time in which weights
 * are averaged.
 *
 * @example
 * const scheduler = new optim.swaUtils.SWALR(optimizer, 0.05)
 */
export class SWALR extends LRScheduler {
  annealEpochs: number
  annealStrategy: string

  constructor(
    optimizer: Optimizer,
    ...args: Arguments<
      [swaLr: number | readonly number[], annealEpochs: number, annealStrategy: 'cos' | 'linear', lastEpoch: number],
      SWALROptions
    >
  ) {
    const [swaLr, annealEpochs, annealStrategy, lastEpoch] = swaLR(args)
    checkOptimizer(optimizer)
    const { length } = optimizer.paramGroups
    const swaLrs = typeof swaLr === 'number' ? new Array<number>(length).fill(swaLr) : swaLr
    if (swaLrs.length !== length)
      throw new ValueError(
        `swa_lr must have the same length as optimizer.param_groups: swa_lr has ${swaLrs.length}, optimizer.param_groups has ${length}`,
      )
    if (annealStrategy !== 'cos' && annealStrategy !== 'linear')
      throw new ValueError(`anneal_strategy must by one of 'cos' or 'linear', instead got ${annealStrategy}`)
    if (!int.accepts(annealEpochs) || annealEpochs < 0)
      throw new ValueError(`anneal_epochs must be equal or greater than 0, got ${annealEpochs}`)
    super(optimizer, { lastEpoch })
    this.annealEpochs = annealEpochs
    this.annealStrategy = annealStrategy
    this.start((group: Scheduled, i) => void (group.swaLr = swaLrs[i]))
  }

  /** The part of the way after so many steps. */
  #part(step: number): number {
    const t = Math.max(0, Math.min(1, step / Math.max(1, this.annealEpochs)))
    return this.annealStrategy === 'cos' ? (1 - Math.cos(Math.PI * t)) / 2 : t
  }

  protected override getLr(): number[] {
    const step = this.annealEpochs === 0 ? Math.max(1, this.stepCount - 1) : this.stepCount - 1
    const [before, now] = [this.#part(step - 1), this.#part(step)]
    return this.groups.map(({ lr, swaLr }) => {
      const end = swaLr as number
      const start = before === 1 ? end : (lr - before * end) / (1 - before)
      return end * now + start * (1 - now)
    })
  }
}
