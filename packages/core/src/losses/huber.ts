// Errors that are squared near zero and absolute beyond, so that outliers do not dominate: smooth L1 and Huber, which
// differ by the factor of the threshold.
import { dtypeName, isFloat } from '../base/dtype.ts'
import { RuntimeError } from '../base/errors.ts'
import { resultType } from '../base/promotion.ts'
import { type Expr, s } from '../expr/expr.ts'
import { notImplemented } from '../ops/define/arguments.ts'
import { toDType } from '../ops/define/fill.ts'
import { operand } from '../tensor/apply.ts'
import {
  type Takes,
  type Arguments,
  constructing,
  method,
  optional,
  real,
  required,
  tensor,
} from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { broadcastTensors } from './mse.ts'
import { pointwise } from './pointwise.ts'
import {
  Loss,
  type Reduction,
  type ReductionOption,
  reductionParameter,
  reductionParameters,
  type SizeAverage,
} from './reduction.ts'

const target = required('target', tensor)

// ---- smooth L1 ----

/** The gradient for the first of two operands, whose loss depends on their difference. */
type Slope = (dy: Expr, difference: Expr, threshold: Expr) => Expr
const bothSides = (slope: Slope) => [
  (dy: Expr, n: Expr, x: Expr, y: Expr, at: Expr) => slope(s.div(dy, n), s.sub(x, y), at),
  (dy: Expr, n: Expr, x: Expr, y: Expr, at: Expr) => slope(s.div(dy, n), s.sub(y, x), at),
]

const smoothError = pointwise({
  name: 'smoothL1Loss',
  inputs: 3,
  loss: (x, y, beta) => {
    const z = s.abs(s.sub(x, y))
    return s.select(s.lt(z, beta), s.div(s.mul(s.mul(0.5, z), z), beta), s.sub(z, s.mul(0.5, beta)))
  },
  gradients: bothSides((dy, d, beta) =>
    s.select(s.le(d, s.neg(beta)), s.neg(dy), s.select(s.ge(d, beta), dy, s.div(s.mul(d, dy), beta))),
  ),
})

export interface SmoothL1LossOptions extends ReductionOption {
  /** Errors below it are squared; 0 is the absolute error. */
  readonly beta?: number
}
type SmoothArguments = Arguments<
  [sizeAverage: SizeAverage, reduce: boolean | null, reduction: Reduction, beta: number],
  SmoothL1LossOptions
>
const smoothParameters = [...reductionParameters, optional('beta', real, 1)] as const
const smoothL1LossArguments = method('smooth_l1_loss', target, ...smoothParameters)

function checkBeta(beta: number): void {
  if (beta < 0) throw new RuntimeError('smooth_l1_loss does not support negative values for beta.')
}

/**
 * The mean over all elements of `d ** 2 / (2 * beta)` for errors `d = |input - target|` below `beta` (1), and of
 * `d - beta / 2` for others; warns if the sizes differ and broadcast.
 *
 * @example
 * F.smoothL1Loss(tensor([0.5, 3]), tensor([0, 0])) // tensor(1.3125)
 */
export function smoothL1Loss(input: Tensor, ...args: Takes<[target: Tensor], 'target', SmoothArguments>): Tensor {
  const [target, , , reduction, beta] = smoothL1LossArguments(input, args)
  const [x, y] = broadcastTensors(input, target)
  checkBeta(beta)
  const dtype = resultType([x, y])
  if (!isFloat(dtype)) throw notImplemented('smooth_l1_cpu', dtype)
  return smoothError([x, y, operand(beta)], { reduction })
}

/** `F.smoothL1Loss` as a module. */
export class SmoothL1Loss extends Loss {
  beta: number

  constructor(...args: SmoothArguments) {
    const [, , reduction, beta] = ofSmoothL1Loss(args)
    super(reduction)
    checkBeta(beta)
    this.beta = beta
  }

  override forward(input: Tensor, target: Tensor): Tensor {
    const { reduction, beta } = this
    return smoothL1Loss(input, target, { reduction, beta })
  }
}
const ofSmoothL1Loss = constructing('SmoothL1Loss', ...smoothParameters)

// ---- Huber ----

const huberError = pointwise({
  name: 'huberLoss',
  inputs: 3,
  loss: (x, y, delta) => {
    const z = s.abs(s.sub(x, y))
    return s.select(s.le(z, delta), s.mul(s.mul(0.5, z), z), s.mul(delta, s.sub(z, s.mul(0.5, delta))))
  },
  gradients: bothSides((dy, d, delta) =>
    s.select(s.le(d, s.neg(delta)), s.neg(s.mul(dy, delta)), s.select(s.ge(d, delta), s.mul(dy, delta), s.mul(d, dy))),
  ),
})

export interface HuberLossOptions extends ReductionOption {
  /** Errors up to it are squared. */
  readonly delta?: number
}
type HuberArguments = Arguments<[reduction: Reduction, delta: number], HuberLossOptions>
const huberParameters = [reductionParameter, optional('delta', real, 1)] as const
const huberLossArguments = method('huber_loss', target, ...huberParameters)

function checkDelta(delta: number): void {
  if (delta <= 0) throw new RuntimeError('huber_loss does not support non-positive values for delta.')
}

/**
 * The mean over all elements of `d ** 2 / 2` for errors `d = |input - target|` up to `delta` (1), and of
 * `delta * (d - delta / 2)` for others; warns if the sizes differ and broadcast.
 *
 * @example
 * F.huberLoss(tensor([0.5, 3]), tensor([0, 0]), { delta: 2 }) // tensor(2.0625)
 */
export function huberLoss(input: Tensor, ...args: Takes<[target: Tensor], 'target', HuberArguments>): Tensor {
  const [target, reduction, delta] = huberLossArguments(input, args)
  const [x, y] = broadcastTensors(input, target)
  checkDelta(delta)
  if (!isFloat(x.dtype)) {
    if (!isFloat(y.dtype)) throw notImplemented('huber_cpu', resultType([x, y]))
    throw new RuntimeError(
      `result type ${dtypeName[y.dtype]} can't be cast to the desired output type ${dtypeName[x.dtype]}`,
      'Convert the input: x.float().',
    )
  }
  // The loss is in the input's dtype.
  return huberError([x, toDType(y, x.dtype), operand(delta)], { reduction })
}

/** `F.huberLoss` as a module. */
export class HuberLoss extends Loss {
  delta: number

  constructor(...args: HuberArguments) {
    const [reduction, delta] = ofHuberLoss(args)
    super(reduction)
    checkDelta(delta)
    this.delta = delta
  }

  override forward(input: Tensor, target: Tensor): Tensor {
    const { reduction, delta } = this
    return huberLoss(input, target, { reduction, delta })
  }
}
const ofHuberLoss = constructing('HuberLoss', ...huberParameters)
