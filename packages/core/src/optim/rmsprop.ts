// RMSprop: steps divided by a running average of the gradient's magnitude.
import { type Expr, s } from '../expr/expr.ts'
import { zerosLike } from '../ops/create/create.ts'
import { type Update, update } from '../ops/write/update.ts'
import { noGrad } from '../tensor/mode.ts'
import type { Arguments } from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { countStep, Optimizer, type ParamGroup, type Params } from './optimizer.ts'
import { checkOption, merged, type Maximizing } from './options.ts'
import type { StateEntry } from './saved.ts'

export interface RMSpropOptions extends Maximizing {
  readonly lr?: number
  /** The part of the last change that continues. */
  readonly momentum?: number
  /** The part of the average of the squared gradient that a step keeps. */
  readonly alpha?: number
  /** Added to the denominator. */
  readonly eps?: number
  /** Divide by the standard deviation of the gradient, instead of its root mean square. */
  readonly centered?: boolean
  readonly weightDecay?: number
}
interface RMSpropGroup {
  lr: number
  momentum: number
  alpha: number
  eps: number
  centered: boolean
  weightDecay: number
  foreach: boolean | null
  maximize: boolean
  differentiable: boolean
}
interface RMSpropState {
  step: number
  squareAvg: Tensor
  momentumBuffer?: Tensor
  gradAvg?: Tensor
}

/** What an update computes; there is one kernel for each combination. */
const [MOMENTUM, CENTERED, DECAY, MAXIMIZE] = [1, 2, 4, 8]
const updates: (Update | undefined)[] = []

function updateFor(flags: number): Update {
  updates[flags] ??= build(flags)
  return updates[flags]
}

/** The operations and roundings of PyTorch's `add(x, alpha=a)`, `addcmul` and `addcdiv`, in its order. */
function build(flags: number): Update {
  const states = 2 + (flags & MOMENTUM ? 1 : 0) + (flags & CENTERED ? 1 : 0)
  return update('rmsprop', states, (...x) => {
    const [p, square] = x
    const [buffer, average] = flags & MOMENTUM ? [x[2], x[3]] : [null, x[2]]
    const [grad, alpha, rest, eps, rate, decay, momentum] = x.slice(states)
    const signed = flags & MAXIMIZE ? s.neg(grad) : grad
    const g = flags & DECAY ? s.fma(p, decay, signed) : signed
    const nextSquare = s.fma(s.mul(g, rest), g, s.mul(square, alpha))
    const nextAverage = flags & CENTERED ? s.fma(g, rest, s.mul(average, alpha)) : null
    const spread = nextAverage === null ? nextSquare : s.fma(s.neg(nextAverage), nextAverage, nextSquare)
    const denominator = s.add(s.sqrt(spread), eps)
    const nextBuffer = buffer === null ? null : s.add(s.mul(buffer, momentum), s.div(g, denominator))
    const next = nextBuffer === null ? s.add(p, s.div(s.mul(g, rate), denominator)) : s.fma(nextBuffer, rate, p)
    return [next, nextSquare, nextBuffer, nextAverage].filter((expr): expr is Expr => expr !== null)
  })
}

/**
 * RMSprop: `p -= lr * grad / (sqrt(average of grad²) + eps)`, with momentum, weight decay, and centering. Defaults:
 * `lr` 1e-2, `alpha` 0.99, `eps` 1e-8. Parameters without a gradient stay unchanged.
 *
 * @example
 * const optimizer = new optim.RMSprop(model.parameters(), { lr: 1e-3 })
 */
export class RMSprop extends Optimizer<RMSpropGroup, RMSpropState> {
  constructor(
    params: Params<RMSpropOptions>,
    ...args: Arguments<
      [
        lr: number,
        alpha: number,
        eps: number,
        weightDecay: number,
        momentum: number,
        centered: boolean,
        foreach: boolean | null,
        maximize: boolean,
        differentiable: boolean,
      ],
      RMSpropOptions
    >
  ) {
    const defaults = merged<RMSpropGroup>(
      'RMSprop',
      args,
      'lr alpha eps weightDecay momentum centered foreach maximize differentiable',
      {
        lr: 1e-2,
        momentum: 0,
        alpha: 0.99,
        eps: 1e-8,
        centered: false,
        weightDecay: 0,
        foreach: null,
        maximize: false,
        differentiable: false,
      },
    )
    super(params as Params<RMSpropGroup>, defaults)
  }

  protected override checkOptions({ lr, momentum, alpha, eps, weightDecay }: RMSpropGroup): void {
    checkOption(lr >= 0, 'learning rate', lr)
    checkOption(eps >= 0, 'epsilon value', eps)
    checkOption(momentum >= 0, 'momentum value', momentum)
    checkOption(weightDecay >= 0, 'weight_decay value', weightDecay)
    checkOption(alpha >= 0, 'alpha value', alpha)
  }

  protected override stateEntries({ momentum, centered }: RMSpropGroup): readonly StateEntry[] {
    return entries[(momentum > 0 ? MOMENTUM : 0) + (centered ? CENTERED : 0)]
  }

  protected override prepareParameter(p: Tensor, { momentum, centered }: ParamGroup<RMSpropGroup>): void {
    let state = this.state.get(p)
    if (state === undefined) this.state.set(p, (state = noGrad(() => ({ step: 0, squareAvg: zerosLike(p) }))))
    if (momentum > 0) state.momentumBuffer ??= noGrad(() => zerosLike(p))
    if (centered) state.gradAvg ??= noGrad(() => zerosLike(p))
  }

  protected override updateParameter(p: Tensor, grad: Tensor, group: ParamGroup<RMSpropGroup>): void {
    const { momentum, centered, weightDecay, maximize } = group
    const state = this.state.get(p) as RMSpropState
    countStep(state)
    const targets = [p, state.squareAvg]
    if (momentum > 0) targets.push(state.momentumBuffer as Tensor)
    if (centered) targets.push(state.gradAvg as Tensor)
    const flags =
      (momentum > 0 ? MOMENTUM : 0) +
      (centered ? CENTERED : 0) +
      (weightDecay !== 0 ? DECAY : 0) +
      (maximize ? MAXIMIZE : 0)
    updateFor(flags)(targets, [
      grad,
      () => group.alpha,
      () => 1 - group.alpha,
      () => group.eps,
      () => -group.lr,
      () => group.weightDecay,
      () => group.momentum,
    ])
  }
}

/** By the flags of momentum and centering. */
const entries: readonly (readonly StateEntry[])[] = [0, MOMENTUM, CENTERED, MOMENTUM + CENTERED].map((flags) => [
  ['step', 'count'],
  ['squareAvg', 'tensor'],
  ...(flags & MOMENTUM ? [['momentumBuffer', 'tensor'] as const] : []),
  ...(flags & CENTERED ? [['gradAvg', 'tensor'] as const] : []),
])
