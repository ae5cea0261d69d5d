// Stochastic gradient descent, with all options of PyTorch's.
import { ValueError } from '../base/errors.ts'
import { type Expr, s } from '../expr/expr.ts'
import { emptyLike } from '../ops/create/create.ts'
import { type Update, update } from '../ops/write/update.ts'
import { noGrad } from '../tensor/mode.ts'
import type { Arguments } from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { Optimizer, type ParamGroup, type Params } from './optimizer.ts'
import { checkOption, merged, type Maximizing } from './options.ts'
import type { StateEntry } from './saved.ts'

export interface SGDOptions extends Maximizing {
  readonly lr?: number
  /** The share of the last update that is carried over. */
  readonly momentum?: number
  /** By how much to reduce the gradient's share in the momentum, after the first step. */
  readonly dampening?: number
  /** The share of the parameter that is added to its gradient. */
  readonly weightDecay?: number
  /** Look ahead along the momentum. */
  readonly nesterov?: boolean
}
interface SGDGroup {
  lr: number
  momentum: number
  dampening: number
  weightDecay: number
  nesterov: boolean
  maximize: boolean
  foreach: boolean | null
  differentiable: boolean
}
interface SGDState {
  momentumBuffer: Tensor | null
}

/** Flags of an update rule; there is one kernel for each combination. */
const [MOMENTUM, FIRST, NESTEROV, DECAY, MAXIMIZE] = [1, 2, 4, 8, 16]
const rules: (Update | undefined)[] = []

function ruleFor(flags: number): Update {
  rules[flags] ??= build(flags)
  return rules[flags]
}

/** Sums are PyTorch's `add(x, alpha=a)`: a product and a sum with one rounding. */
function build(flags: number): Update {
  const direction = (p: Expr, grad: Expr, decay: Expr): Expr => {
    const g = flags & MAXIMIZE ? s.neg(grad) : grad
    return flags & DECAY ? s.fma(p, decay, g) : g
  }
  if (!(flags & MOMENTUM)) {
    return update('sgd', 1, (p, grad, rate, decay) => [s.fma(direction(p, grad, decay), rate, p)])
  }
  return update('sgd', 2, (p, buffer, grad, rate, decay, momentum, keep) => {
    const g = direction(p, grad, decay)
    const next = flags & FIRST ? g : s.fma(g, keep, s.mul(buffer, momentum))
    return [s.fma(flags & NESTEROV ? s.fma(next, momentum, g) : next, rate, p), next]
  })
}

/**
 * `p -= lr * grad`, with momentum, weight decay, and Nesterov's look-ahead. Parameters without a gradient are skipped.
 *
 * @example
 * const optimizer = new optim.SGD(model.parameters(), { lr: 1e-3 })
 */
export class SGD extends Optimizer<SGDGroup, SGDState> {
  /** States whose momentum buffer has not received a gradient yet. */
  readonly #fresh = new WeakSet<SGDState>()

  constructor(
    params: Params<SGDOptions>,
    ...args: Arguments<
      [lr: number, momentum: number, dampening: number, weightDecay: number, nesterov: boolean],
      SGDOptions
    >
  ) {
    const defaults = merged<SGDGroup>('SGD', args, 'lr momentum dampening weightDecay nesterov', {
      lr: 1e-3,
      momentum: 0,
      dampening: 0,
      weightDecay: 0,
      nesterov: false,
      maximize: false,
      foreach: null,
      differentiable: false,
    })
    super(params as Params<SGDGroup>, defaults)
  }

  protected override checkOptions({ lr, momentum, dampening, weightDecay, nesterov }: SGDGroup): void {
    checkOption(lr >= 0, 'learning rate', lr)
    checkOption(momentum >= 0, 'momentum value', momentum)
    checkOption(weightDecay >= 0, 'weight_decay value', weightDecay)
    if (nesterov && (momentum <= 0 || dampening !== 0)) {
      throw new ValueError('Nesterov momentum requires a momentum and zero dampening')
    }
  }

  protected override stateEntries(): readonly StateEntry[] {
    return entries
  }

  protected override packState(state: SGDState): Record<string, unknown> {
    return this.#fresh.has(state) ? { momentumBuffer: null } : { ...state }
  }

  protected override prepareParameter(p: Tensor, { momentum }: ParamGroup<SGDGroup>): void {
    let state = this.state.get(p)
    if (state === undefined) this.state.set(p, (state = { momentumBuffer: null }))
    if (momentum === 0 || (state.momentumBuffer ?? null) !== null) return
    state.momentumBuffer = noGrad(() => emptyLike(p))
    this.#fresh.add(state)
  }

  protected override updateParameter(p: Tensor, grad: Tensor, group: ParamGroup<SGDGroup>): void {
    const { momentum, nesterov, weightDecay, maximize } = group
    const rate = (): number => -group.lr
    const decay = (): number => group.weightDecay
    const flags = (weightDecay !== 0 ? DECAY : 0) + (maximize ? MAXIMIZE : 0)
    if (momentum === 0) {
      ruleFor(flags)([p], [grad, rate, decay])
      return
    }
    const state = this.state.get(p) as SGDState
    const first = this.#fresh.delete(state)
    ruleFor(flags + MOMENTUM + (first ? FIRST : 0) + (nesterov ? NESTEROV : 0))(
      [p, state.momentumBuffer as Tensor],
      [grad, rate, decay, () => group.momentum, () => 1 - group.dampening],
    )
  }
}

const entries: readonly StateEntry[] = [['momentumBuffer', 'optional']]
