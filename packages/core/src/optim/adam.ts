// Adam and AdamW: steps scaled by running averages of the gradient and of its square. They differ in weight decay: Adam
// adds it to the gradient, AdamW shrinks the parameter.
import { type Expr, s } from '../expr/expr.ts'
import { full, zerosLike } from '../ops/create/create.ts'
import { type Update, update } from '../ops/write/update.ts'
import { noGrad } from '../tensor/mode.ts'
import type { Arguments } from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { countStep, Optimizer, type ParamGroup, type Params } from './optimizer.ts'
import { checkOption, merged, type Pair, type Maximizing } from './options.ts'
import type { StateEntry } from './saved.ts'

export interface AdamOptions extends Maximizing {
  readonly lr?: number
  /** The decay rates of the averages of the gradient and of its square. */
  readonly betas?: readonly [number, number]
  /** Added to the denominator. */
  readonly eps?: number
  readonly weightDecay?: number
  /** Divide by the largest average so far. */
  readonly amsgrad?: boolean
}
interface AdamGroup {
  lr: number
  betas: readonly [number, number]
  eps: number
  weightDecay: number
  amsgrad: boolean
  maximize: boolean
  foreach: boolean | null
  capturable: boolean
}
interface AdamState {
  step: number
  expAvg: Tensor
  expAvgSq: Tensor
  maxExpAvgSq?: Tensor
}

/** Flags of an update rule; there is one kernel for each combination. */
const [AMSGRAD, DECAY_GRADIENT, DECAY_PARAMETER, MAXIMIZE] = [1, 2, 4, 8]
const rules: (Update | undefined)[] = []

function ruleFor(flags: number): Update {
  rules[flags] ??= build(flags)
  return rules[flags]
}

/** Builds the steps and roundings of PyTorch's `add(x, alpha=a)`, `addcmul` and `addcdiv`, in its order. */
function build(flags: number): Update {
  const step = (p: Expr, m: Expr, v: Expr, largest: Expr | null, values: readonly Expr[]): Expr[] => {
    const [grad, beta1, rest1, beta2, rest2, rate, root, eps, decay] = values
    const start = flags & DECAY_PARAMETER ? s.mul(p, decay) : p
    const signed = flags & MAXIMIZE ? s.neg(grad) : grad
    const g = flags & DECAY_GRADIENT ? s.fma(p, decay, signed) : signed
    const nextM = s.fma(g, rest1, s.mul(m, beta1))
    const nextV = s.fma(s.mul(g, rest2), g, s.mul(v, beta2))
    const most = largest === null ? nextV : s.max(largest, nextV)
    const denominator = s.add(s.div(s.sqrt(most), root), eps)
    const next = s.add(start, s.div(s.mul(nextM, rate), denominator))
    return largest === null ? [next, nextM, nextV] : [next, nextM, nextV, most]
  }
  return flags & AMSGRAD
    ? update('adam', 4, (p, m, v, most, grad, beta1, rest1, beta2, rest2, rate, root, eps, decay) =>
        step(p, m, v, most, [grad, beta1, rest1, beta2, rest2, rate, root, eps, decay]),
      )
    : update('adam', 3, (p, m, v, grad, beta1, rest1, beta2, rest2, rate, root, eps, decay) =>
        step(p, m, v, null, [grad, beta1, rest1, beta2, rest2, rate, root, eps, decay]),
      )
}

const defaults: AdamGroup = {
  lr: 1e-3,
  betas: [0.9, 0.999],
  eps: 1e-8,
  weightDecay: 0,
  amsgrad: false,
  maximize: false,
  foreach: null,
  capturable: false,
}

const averages: readonly StateEntry[] = [
  ['step', 'count'],
  ['expAvg', 'tensor'],
  ['expAvgSq', 'tensor'],
]
const withMost: readonly StateEntry[] = [...averages, ['maxExpAvgSq', 'tensor']]

type AdamArguments = Arguments<
  [lr: number, betas: Pair, eps: number, weightDecay: number, amsgrad: boolean],
  AdamOptions
>
const order = 'lr betas eps weightDecay amsgrad'

/** The common part of Adam and AdamW. */
abstract class AdamBase<G extends AdamGroup> extends Optimizer<G, AdamState> {
  constructor(params: Params<AdamOptions>, defaults: G) {
    super(params as Params<G>, defaults)
  }

  protected override checkOptions({ lr, betas, eps, weightDecay }: G): void {
    checkOption(lr >= 0, 'learning rate', lr)
    checkOption(eps >= 0, 'epsilon value', eps)
    checkOption(betas[0] >= 0 && betas[0] < 1, 'beta parameter at index 0', betas[0])
    checkOption(betas[1] >= 0 && betas[1] < 1, 'beta parameter at index 1', betas[1])
    checkOption(weightDecay >= 0, 'weight_decay value', weightDecay)
  }

  /** The flag of the kind of weight decay, and the number for its kernel. */
  protected abstract decayOf(group: ParamGroup<G>): readonly [flag: number, value: () => number]

  protected override stateEntries({ amsgrad }: G): readonly StateEntry[] {
    return amsgrad ? withMost : averages
  }

  protected override prepareParameter(p: Tensor, { amsgrad }: ParamGroup<G>): void {
    let state = this.state.get(p)
    if (state === undefined) {
      state = noGrad(() => ({ step: 0, expAvg: zerosLike(p), expAvgSq: zerosLike(p) }))
      this.state.set(p, state)
    }
    if (amsgrad) state.maxExpAvgSq ??= noGrad(() => zerosLike(p))
  }

  protected override updateParameter(p: Tensor, grad: Tensor, group: ParamGroup<G>): void {
    const state = this.state.get(p) as AdamState
    countStep(state)
    const { expAvg, expAvgSq, maxExpAvgSq } = state
    const correction = (beta: number): number => 1 - beta ** state.step
    const [decay, decayValue] = this.decayOf(group)
    const values = [
      grad,
      () => group.betas[0],
      () => 1 - group.betas[0],
      () => group.betas[1],
      () => 1 - group.betas[1],
      () => -(group.lr / correction(group.betas[0])),
      () => Math.sqrt(correction(group.betas[1])),
      () => group.eps,
      decayValue,
    ]
    const flags = decay + (group.maximize ? MAXIMIZE : 0)
    if (group.amsgrad) ruleFor(flags + AMSGRAD)([p, expAvg, expAvgSq, maxExpAvgSq as Tensor], values)
    else ruleFor(flags)([p, expAvg, expAvgSq], values)
  }

  /** Saves the counter as a tensor, like PyTorch. */
  protected override packState({ step, ...tensors }: AdamState): Record<string, unknown> {
    return { step: full([], step), ...tensors }
  }
}

/** Adam; weight decay is added to the gradient. Defaults: `lr` 1e-3, `betas` 0.9 and 0.999, `eps` 1e-8. */
export class Adam extends AdamBase<AdamGroup & { differentiable: boolean; fused: boolean }> {
  constructor(params: Params<AdamOptions>, ...args: AdamArguments) {
    super(params, merged('Adam', args, order, { ...defaults, differentiable: false, fused: false }))
  }

  protected override decayOf(group: ParamGroup<AdamGroup>): readonly [flag: number, value: () => number] {
    return [group.weightDecay !== 0 ? DECAY_GRADIENT : 0, () => group.weightDecay]
  }
}

/** Adam with decoupled weight decay: the parameter shrinks by `lr * weightDecay` (0.01) in every step. */
export class AdamW extends AdamBase<AdamGroup> {
  constructor(params: Params<AdamOptions>, ...args: AdamArguments) {
    super(params, merged('AdamW', args, order, { ...defaults, weightDecay: 1e-2 }))
  }

  protected override decayOf(group: ParamGroup<AdamGroup>): readonly [flag: number, value: () => number] {
    return [DECAY_PARAMETER, () => 1 - group.lr * group.weightDecay]
  }
}
