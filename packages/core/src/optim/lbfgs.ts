// L-BFGS: a quasi-Newton method that remembers the last changes of the gradient. A step calls the closure several times
// and reads the loss, so a compiled step cannot hold it. Vectors are tensors of all parameters together; only numbers
// such as step lengths come to the host.
import { checkCallable } from '../base/callable.ts'
import { AssertionError, RuntimeError, TypeError, ValueError } from '../base/errors.ts'
import { to } from '../ops/create/convert.ts'
import { zerosLike } from '../ops/create/create.ts'
import { inPlace } from '../ops/methods.ts'
import { amax } from '../ops/order/extremes.ts'
import { add, mul, neg, sub } from '../ops/pointwise/arithmetic.ts'
import { abs } from '../ops/pointwise/elementary.ts'
import { dot } from '../ops/product/matmul.ts'
import { sum } from '../ops/reduce/reduce.ts'
import { cat } from '../ops/views/join.ts'
import { clone, narrow, reshape } from '../ops/views/views.ts'
import { copy_ } from '../ops/write/write.ts'
import { effects } from '../tensor/effects.ts'
import { enableGrad, noGrad } from '../tensor/mode.ts'
import {
  anything,
  type Arguments,
  constructing,
  int,
  isTensor,
  nothingMore,
  nullable,
  number,
  optional,
  required,
  str,
} from '../tensor/signature.ts'
import { kindOf, type Tensor } from '../tensor/tensor.ts'
import { Optimizer, type ParamGroup, type Params } from './optimizer.ts'
import { checkOption } from './options.ts'
import { missing, withCamelKeys } from './saved.ts'

export interface LBFGSOptions {
  readonly lr?: number
  /** How many directions one step tries at most. */
  readonly maxIter?: number
  /** How often one step calls the closure at most; by default 5/4 of `maxIter`. */
  readonly maxEval?: number | null
  /** Stop where no element of the gradient is larger. */
  readonly toleranceGrad?: number
  /** Stop where neither parameters nor loss change by more. */
  readonly toleranceChange?: number
  /** How many changes of the gradient are remembered. */
  readonly historySize?: number
  /** Search each direction for a point that satisfies the strong Wolfe conditions, instead of a step of length `lr`. */
  readonly lineSearchFn?: 'strong_wolfe' | null
}
interface LBFGSGroup {
  lr: number
  maxIter: number
  maxEval: number
  toleranceGrad: number
  toleranceChange: number
  historySize: number
  lineSearchFn: string | null
}
/** The state of the whole optimizer, under its first parameter. */
interface LBFGSState {
  funcEvals: number
  nIter: number
  /** The direction and the length of the last step. */
  d?: Tensor
  t?: number
  oldDirs?: Tensor[]
  oldStps?: Tensor[]
  ro?: number[]
  /** The scale of the first approximation of the inverse Hessian matrix. */
  HDiag?: number
  prevFlatGrad?: Tensor
  prevLoss?: number
}

const ofLBFGS = constructing(
  'LBFGS',
  required('params', anything),
  optional('lr', number, 1),
  optional('maxIter', int, 20),
  optional('maxEval', nullable(int), null),
  optional('toleranceGrad', number, 1e-7),
  optional('toleranceChange', number, 1e-9),
  optional('historySize', int, 100),
  optional('lineSearchFn', nullable(str), null),
)

const dotted = (a: Tensor, b: Tensor): number => dot(a, b).item()
const largest = (x: Tensor): number => (x.elements === 0 ? 0 : amax(abs(x)).item())

/**
 * L-BFGS: `step(closure)` calls the closure, which computes the loss and the gradients, up to `maxEval` times, and
 * returns the first loss. Defaults: `lr` 1, `maxIter` 20, `historySize` 100, no line search. It has one group of
 * parameters.
 *
 * Throws a ValueError for several groups, and a RuntimeError in a compiled step, which cannot read the loss.
 *
 * @example
 * const optimizer = new optim.LBFGS(model.parameters(), { lineSearchFn: 'strong_wolfe' })
 */
export class LBFGS extends Optimizer<LBFGSGroup, LBFGSState> {
  constructor(
    params: Params<LBFGSOptions>,
    ...args: Arguments<
      [
        lr: number,
        maxIter: number,
        maxEval: number | null,
        toleranceGrad: number,
        toleranceChange: number,
        historySize: number,
        lineSearchFn: 'strong_wolfe' | null,
      ],
      LBFGSOptions
    >
  ) {
    const [, lr, maxIter, maxEval, toleranceGrad, toleranceChange, historySize, lineSearchFn] = ofLBFGS([
      params,
      ...args,
    ])
    super(params as Params<LBFGSGroup>, {
      lr,
      maxIter,
      maxEval: maxEval ?? Math.floor((maxIter * 5) / 4),
      toleranceGrad,
      toleranceChange,
      historySize,
      lineSearchFn,
    })
    if (this.paramGroups.length !== 1)
      throw new ValueError("LBFGS doesn't support per-parameter options (parameter groups)")
  }

  protected override checkOptions({ maxIter, maxEval, historySize, lineSearchFn }: LBFGSGroup): void {
    checkOption(Number.isInteger(maxIter), 'max_iter', maxIter)
    checkOption(Number.isInteger(maxEval), 'max_eval', maxEval)
    checkOption(Number.isInteger(historySize) && historySize > 0, 'history_size', historySize)
    if (lineSearchFn !== null && lineSearchFn !== 'strong_wolfe')
      throw new RuntimeError("only 'strong_wolfe' is supported", `lineSearchFn is ${lineSearchFn}.`)
  }

  /**
   * Moves the parameters to a lower loss. The closure computes the loss and the gradients, and is called several times;
   * its first result is returned.
   *
   * Throws what the closure throws, with nothing changed but gradients.
   */
  override step(): void
  override step<L>(closure: () => L): L
  override step<L>(closure?: () => L, ...none: []): L | undefined {
    nothingMore('step', none)
    if (closure === undefined)
      throw new TypeError(
        "LBFGS.step() missing 1 required positional argument: 'closure'",
        'Pass a function that returns the loss.',
      )
    checkCallable('step', closure, 'closure')
    if (this.paramGroups.length !== 1) throw new AssertionError('', 'LBFGS has one group of parameters.')
    effects.sink?.refuse('LBFGS.step(), which reads the loss,', 'Compile the closure instead, and call step() outside.')
    const [group] = this.paramGroups
    this.checkOptions(group)
    return noGrad(() => this.#minimise(closure, group))
  }

  #minimise<L>(closure: () => L, group: ParamGroup<LBFGSGroup>): L {
    const { params } = group
    const flat = new Flat(params)
    const before = params.map((p) => clone(p))
    try {
      const first = enableGrad(closure)
      const state = iterated(this.state.get(params[0]) ?? { funcEvals: 0, nIter: 0 }, group, flat, lossOf(first), () =>
        lossOf(enableGrad(closure)),
      )
      this.state.set(params[0], state)
      for (const x of Object.values(state).flat()) if (isTensor(x)) effects.scope?.holds(x)
      this.stepCount++
      return first
    } catch (error) {
      flat.set(before)
      throw error
    }
  }

  /** A saved state, with vectors of the parameters' size; numbers may be tensors, as PyTorch saves some. */
  protected override fitState(saved: unknown, p: Tensor): LBFGSState {
    const own = withCamelKeys(saved)
    const { dtype, device } = p
    const size = this.paramGroups[0].params.reduce((total, { elements }) => total + elements, 0)
    const vector = (name: string, x: unknown): Tensor => {
      if (!isTensor(x))
        throw x === undefined ? missing(name) : new TypeError(`the state ${name} must be a Tensor, not ${kindOf(x)}`)
      if (x.dim() === 1 && x.elements === size) return to(x, { dtype, device })
      throw new RuntimeError(
        `inconsistent tensor size, expected tensor [${size}] and src [${x.sizes.join(', ')}] to have the same number of elements, but got ${size} and ${x.elements} elements respectively`,
        `The state ${name} has an element for each of the parameters' ${size}.`,
      )
    }
    const real = (name: string, x: unknown): number => {
      const value = isTensor(x) ? x.item() : x
      if (typeof value === 'number') return value
      throw value === undefined
        ? missing(name)
        : new TypeError(`the state ${name} must be a float, not ${kindOf(value)}`)
    }
    const listOf = <T>(name: string, read: (name: string, x: unknown) => T): T[] => {
      const list = own[name]
      if (!Array.isArray(list))
        throw list === undefined
          ? missing(name)
          : new TypeError(`the state ${name} must be a list, not ${kindOf(list)}`)
      return list.map((x) => read(name, x))
    }
    const counts = { funcEvals: real('funcEvals', own.funcEvals), nIter: real('nIter', own.nIter) }
    if (own.d === undefined) return counts
    return {
      ...counts,
      d: vector('d', own.d),
      t: real('t', own.t),
      oldDirs: listOf('oldDirs', vector),
      oldStps: listOf('oldStps', vector),
      ro: listOf('ro', real),
      HDiag: real('HDiag', own.HDiag),
      prevFlatGrad: vector('prevFlatGrad', own.prevFlatGrad),
      prevLoss: real('prevLoss', own.prevLoss),
    }
  }
}

function lossOf(x: unknown): number {
  const value = isTensor(x) ? x.item() : x
  if (typeof value === 'number') return value
  throw new TypeError(
    `float() argument must be a string or a real number, not '${kindOf(x)}'`,
    'The closure must return the loss.',
  )
}

/** The parameters as one vector. */
class Flat {
  readonly #params: readonly Tensor[]

  constructor(params: readonly Tensor[]) {
    this.#params = params
  }

  /** The gradients; zeros where a parameter has none. */
  gradient(): Tensor {
    return cat(this.#params.map((p) => reshape(p.grad ?? zerosLike(p), -1)))
  }

  /** Adds a part of a direction to the parameters. */
  move(t: number, d: Tensor): void {
    let at = 0
    for (const p of this.#params) {
      inPlace(add, p, reshape(narrow(d, 0, at, p.elements), p.sizes), { alpha: t })
      at += p.elements
    }
  }

  values(): Tensor[] {
    return this.#params.map((p) => clone(p))
  }

  set(values: readonly Tensor[]): void {
    noGrad(() => this.#params.forEach((p, i) => void copy_(p, values[i])))
  }
}

/** The state after at most `maxIter` directions; the parameters have moved. */
function iterated(
  before: LBFGSState,
  group: LBFGSGroup,
  flat: Flat,
  firstLoss: number,
  evaluate: () => number,
): LBFGSState {
  const { lr, maxIter, maxEval, toleranceGrad, toleranceChange, historySize, lineSearchFn } = group
  const state = { ...before, funcEvals: before.funcEvals + 1 }
  let loss = firstLoss
  let gradient = flat.gradient()
  if (largest(gradient) <= toleranceGrad) return state
  let { d, t = 0, HDiag = 1, prevFlatGrad, prevLoss } = before
  const [oldDirs, oldStps, ro] = [[...(before.oldDirs ?? [])], [...(before.oldStps ?? [])], [...(before.ro ?? [])]]
  let evaluations = 1
  for (let n = 1; n <= maxIter; n++) {
    state.nIter++
    let along = neg(gradient)
    if (state.nIter > 1 && d !== undefined && prevFlatGrad !== undefined) {
      const y = sub(gradient, prevFlatGrad)
      const moved = mul(d, t)
      const curvature = dotted(y, moved)
      if (curvature > 1e-10) {
        if (oldDirs.length === historySize) for (const list of [oldDirs, oldStps, ro]) list.shift()
        oldDirs.push(y)
        oldStps.push(moved)
        ro.push(1 / curvature)
        HDiag = curvature / dotted(y, y)
      }
      along = direction(gradient, oldDirs, oldStps, ro, HDiag)
    }
    d = along
    prevFlatGrad = gradient
    prevLoss = loss
    t = state.nIter === 1 ? Math.min(1, 1 / sum(abs(gradient)).item()) * lr : lr
    const slope = dotted(gradient, along)
    if (slope > -toleranceChange) break
    let calls = 0
    if (lineSearchFn !== null) {
      const values = flat.values()
      const tried = (length: number): Point => {
        calls++
        flat.move(length, along)
        const f = evaluate()
        const g = flat.gradient()
        flat.set(values)
        return { t: length, f, g, slope: dotted(g, along) }
      }
      const found = searched(tried, { t: 0, f: loss, g: gradient, slope }, t, largest(along), toleranceChange)
      t = found.t
      loss = found.f
      gradient = found.g
      flat.move(t, along)
    } else {
      flat.move(t, along)
      // After the last direction nothing needs the loss.
      if (n < maxIter) {
        loss = evaluate()
        gradient = flat.gradient()
        calls = 1
      }
    }
    evaluations += calls
    state.funcEvals += calls
    if (n === maxIter || evaluations >= maxEval || largest(gradient) <= toleranceGrad) break
    if (largest(along) * Math.abs(t) <= toleranceChange || Math.abs(loss - prevLoss) < toleranceChange) break
  }
  return { ...state, d, t, oldDirs, oldStps, ro, HDiag, prevFlatGrad, prevLoss }
}

/** Minus the approximate inverse Hessian matrix times the gradient, by the two loops over the remembered changes. */
function direction(
  gradient: Tensor,
  oldDirs: readonly Tensor[],
  oldStps: readonly Tensor[],
  ro: readonly number[],
  scale: number,
): Tensor {
  let q = neg(gradient)
  const parts: Tensor[] = []
  for (let i = oldDirs.length - 1; i >= 0; i--) {
    parts[i] = mul(dot(oldStps[i], q), ro[i])
    q = sub(q, mul(oldDirs[i], parts[i]))
  }
  let r = mul(q, scale)
  for (let i = 0; i < oldDirs.length; i++) {
    const part = mul(dot(oldDirs[i], r), ro[i])
    r = add(r, mul(oldStps[i], sub(parts[i], part)))
  }
  return r
}

// ---- line search ----

/** A step of length `t` along the direction: the loss, the gradient, and its slope along the direction. */
interface Point {
  readonly t: number
  readonly f: number
  readonly g: Tensor
  readonly slope: number
}

/** Where the cubic through two points with their slopes is lowest, between bounds; their middle if it has no minimum. */
function lowest(a: Point, b: Point, low = Math.min(a.t, b.t), high = Math.max(a.t, b.t)): number {
  const mean = a.slope + b.slope - (3 * (a.f - b.f)) / (a.t - b.t)
  const square = mean * mean - a.slope * b.slope
  if (!(square >= 0)) return (low + high) / 2
  const root = Math.sqrt(square)
  const [left, right] = a.t <= b.t ? [a, b] : [b, a]
  const share = (right.slope + root - mean) / (right.slope - left.slope + 2 * root)
  return Math.min(Math.max(right.t - (right.t - left.t) * share, low), high)
}

const tries = 25
/** A point whose loss is low enough and whose slope is flat enough: first a bracket around one, then ever smaller ones. */
function searched(
  evaluate: (t: number) => Point,
  start: Point,
  firstLength: number,
  size: number,
  toleranceChange: number,
): Point {
  const isHigh = (point: Point): boolean => point.f > start.f + 1e-4 * point.t * start.slope
  const isFlat = (point: Point): boolean => Math.abs(point.slope) <= -0.9 * start.slope
  let count = 0
  let previous = start
  let point = evaluate(firstLength)
  let bracket: [Point, Point] | undefined
  for (; count < tries; count++) {
    if (isHigh(point) || (count > 1 && point.f >= previous.f)) bracket = [previous, point]
    else if (isFlat(point)) return point
    else if (point.slope >= 0) bracket = [previous, point]
    if (bracket !== undefined) break
    const t = lowest(previous, point, point.t + 0.01 * (point.t - previous.t), point.t * 10)
    previous = point
    point = evaluate(t)
  }
  bracket ??= [start, point]
  let low = bracket[0].f <= bracket[1].f ? 0 : 1
  /** The last try was near a bound. */
  let isNear = false
  for (; count < tries; count++) {
    const [from, upTo] = bracket.map(({ t }) => t).sort((a, b) => a - b)
    if ((upTo - from) * size < toleranceChange) break
    let t = lowest(...bracket)
    const margin = 0.1 * (upTo - from)
    const isClose = Math.min(upTo - t, t - from) < margin
    if (isClose && (isNear || t >= upTo || t <= from)) {
      t = Math.abs(t - upTo) < Math.abs(t - from) ? upTo - margin : from + margin
      isNear = false
    } else isNear = isClose
    point = evaluate(t)
    const high = 1 - low
    if (isHigh(point) || point.f >= bracket[low].f) {
      bracket[high] = point
      low = bracket[0].f <= bracket[1].f ? 0 : 1
    } else {
      if (isFlat(point)) return point
      if (point.slope * (bracket[high].t - bracket[low].t) >= 0) bracket[high] = bracket[low]
      bracket[low] = point
    }
  }
  return bracket[low]
}
