// Differences and sums between neighbours: diff, trapezoid, cumulativeTrapezoid and gradient; and what spreads of
// variables have in common: cov and corrcoef. All are compositions.
import { dtypeName, isFloat } from '../../base/dtype.ts'
import { RuntimeError } from '../../base/errors.ts'
import { toInt } from '../../base/remedies.ts'
import { dimIn, normalizeDim, normalizeDims } from '../../base/shape.ts'
import { s } from '../../expr/expr.ts'
import { apply, operand } from '../../tensor/apply.ts'
import { effects } from '../../tensor/effects.ts'
import {
  type Arguments,
  dims as dimsKind,
  either,
  int,
  keyword,
  list,
  method,
  nullable,
  number,
  optional,
  real,
  required,
  signature,
  tensor,
} from '../../tensor/signature.ts'
import { Tensor } from '../../tensor/tensor.ts'
import type { DimOption } from '../define/arguments.ts'
import { elementwise } from '../define/elementwise.ts'
import { ownView, reshapeOp } from '../define/views.ts'
import { mm } from '../product/matmul.ts'
import { add, div, mul, neg, sub } from '../pointwise/arithmetic.ts'
import { clamp } from '../pointwise/choice.ts'
import { logicalXor } from '../pointwise/comparison.ts'
import { sqrt } from '../pointwise/elementary.ts'
import { cat } from '../views/join.ts'
import { diagonal, narrow, select, t, unsqueeze } from '../views/views.ts'
import { cumsum } from './scans.ts'
import { mean, sum } from './reduce.ts'

const shaped = (x: Tensor, shape: readonly number[]): Tensor => apply(reshapeOp, [x], shape)
/** The elements from `start` on along a dimension, but for the last `end`. */
const part = (x: Tensor, dim: number, start: number, end: number): Tensor =>
  narrow(x, dim, start, Math.max(x.sizes[dim] - start - end, 0))

// ---- diff ----

export interface DiffOptions extends DimOption {
  readonly n?: number
  /** Elements to put in front first. */
  readonly prepend?: Tensor | null
  /** Elements to put at the end first. */
  readonly append?: Tensor | null
}
const diffArguments = method(
  'diff',
  optional('n', int, 1),
  optional('dim', int, -1),
  optional('prepend', nullable(tensor), null),
  optional('append', nullable(tensor), null),
)
/**
 * The differences of neighbours along `dim` (-1), `n` times (1): one element less each time.
 *
 * @example
 * diff(tensor([1, 3, 2])) // tensor([ 2., -1.])
 */
export function diff(
  x: Tensor,
  ...args: Arguments<[n: number, dim: number, prepend: Tensor | null, append: Tensor | null], DiffOptions>
): Tensor {
  const [n, dim, prepend, append] = diffArguments(x, args)
  if (x.dim() === 0) throw new RuntimeError('diff expects input to be at least one-dimensional')
  const d = normalizeDim(dim, x.dim())
  for (const [name, other] of Object.entries({ prepend, append })) {
    if (other === null) continue
    if (other.dim() !== x.dim()) {
      throw new RuntimeError(
        `diff expects prepend or append to be the same dimension as input`,
        `${name} has ${other.dim()} dimensions.`,
      )
    }
    other.sizes.forEach((size, i) => {
      if (i === d || size === x.sizes[i]) return
      throw new RuntimeError(
        `diff expects the shape of tensor to prepend or append to match that of input except along the differencing dimension; input.size(${i}) = ${x.sizes[i]}, but got tensor.size(${i}) = ${size}`,
      )
    })
  }
  const parts = [prepend, x, append].filter((one) => one !== null)
  let y = parts.length === 1 ? x : cat(parts, d)
  const times = Math.min(n, y.sizes[d])
  if (times <= 0) return y.clone()
  for (let i = 0; i < times; i++) {
    const [after, before] = [part(y, d, 1, 0), part(y, d, 0, 1)]
    y = y.dtype === 'bool' ? logicalXor(after, before) : sub(after, before)
  }
  return y
}

// ---- trapezoids ----

interface TrapezoidOptions extends DimOption {
  /** The distance of neighbours, 1. */
  readonly dx?: number
}
type TrapezoidArguments = [y: Tensor, ...Arguments<[x: Tensor], TrapezoidOptions & { readonly x?: Tensor }>]
/** PyTorch's names of a product and a quotient with a number. */
const times = elementwise('MulBackward1', (x, by) => s.mul(x, by), { out: 'float' })
const over = elementwise('DivBackward1', (x, by) => s.div(x, by), { out: 'float' })

function trapezoids(name: string, cumulative: boolean) {
  const read = signature(
    name,
    required('y', tensor),
    optional('x', nullable(tensor), null),
    keyword('dx', nullable(number), null),
    keyword('dim', int, -1),
  )
  return (...args: TrapezoidArguments): Tensor => {
    const [y, x, dx, dim] = read(args)
    if (y.dtype === 'bool' || x?.dtype === 'bool') {
      const which = x === null ? '`y`' : '`x` or `y`'
      throw new RuntimeError(
        `${name}: received a bool input for ${which}, but bool is not supported`,
        'Convert it first: y.int().',
      )
    }
    if (x !== null && dx !== null) throw new RuntimeError(`${name}: give x or dx, not both`)
    const d = dimIn(y.sizes, dim)
    if (y.sizes[d] === 0) return cumulative ? y.clone() : sum(isFloat(y.dtype) ? y : y.float(), d)
    const both = add(part(y, d, 0, 1), part(y, d, 1, 0))
    if (x === null) {
      if (!cumulative) {
        const ends = mul(add(select(y, d, 0), select(y, d, -1)), 0.5)
        return apply(times, [sub(sum(y, d), ends), operand(dx ?? 1)], null)
      }
      return cumsum(mul(both, (dx ?? 1) / 2), d)
    }
    let widths: Tensor
    if (x.dim() === 1) {
      if (x.sizes[0] !== y.sizes[d]) {
        throw new RuntimeError(
          `${name}: There must be one \`x\` value for each sample point`,
          `There are ${x.sizes[0]} for ${y.sizes[d]}.`,
        )
      }
      widths = shaped(diff(x), [Math.max(x.sizes[0] - 1, 0), ...y.sizes.slice(d + 1).fill(1)])
    } else if (x.dim() === 0) {
      throw new RuntimeError(`${name}: There must be one \`x\` value for each sample point`)
    } else {
      const lifted = x.dim() < y.dim() ? shaped(x, [...new Array(y.dim() - x.dim()).fill(1), ...x.sizes]) : x
      widths = sub(part(lifted, d, 1, 0), part(lifted, d, 0, 1))
    }
    const areas = mul(widths, both)
    return apply(over, [cumulative ? cumsum(areas, d) : sum(areas, d), operand(2)], null)
  }
}
/**
 * The integral along `dim` (-1) by the trapezoidal rule: between points at a distance of `dx` (1), or at the coordinates
 * `x`.
 *
 * @example
 * trapezoid(tensor([1, 2, 4])) // tensor(4.5000)
 */
export const trapezoid: (...args: TrapezoidArguments) => Tensor = trapezoids('trapezoid', false)
/**
 * The integrals along `dim` (-1) up to each point but the first, by the trapezoidal rule, as `trapezoid`.
 *
 * @example
 * cumulativeTrapezoid(tensor([1, 2, 4])) // tensor([1.5000, 4.5000])
 */
export const cumulativeTrapezoid: (...args: TrapezoidArguments) => Tensor = trapezoids('cumulative_trapezoid', true)

// ---- gradient ----

type Spacing = number | Tensor | readonly number[] | readonly Tensor[]
export interface GradientOptions {
  /** The distance of neighbours, one for each dimension, or their coordinates. */
  readonly spacing?: Spacing
  readonly dim?: number | readonly number[] | null
  readonly axis?: number | readonly number[] | null
  /** The order of the estimate at both ends: 1 or 2. */
  readonly edgeOrder?: 1 | 2
}
const gradientArguments = method(
  'gradient',
  keyword('spacing', either(either(number, tensor), either(list(real), list(tensor))), 1),
  keyword('dim', nullable(dimsKind), null),
  keyword('edgeOrder', int, 1),
)

/** Sums of three neighbours with weights, each a number or a vector along the dimension. */
const weighted = (parts: readonly Tensor[], weights: readonly (Tensor | number)[]): Tensor =>
  parts.map((x, i) => mul(x, weights[i])).reduce((a, b) => add(a, b))

function slopes(x: Tensor, dim: number, spacing: number | Tensor, edgeOrder: number): Tensor {
  const n = x.sizes[dim]
  const at = (i: number): Tensor => narrow(x, dim, i < 0 ? n + i : i, 1)
  const along = (v: Tensor): Tensor => shaped(v, [v.elements, ...x.sizes.slice(dim + 1).fill(1)])
  if (typeof spacing === 'number') {
    const center = div(div(sub(part(x, dim, 2, 0), part(x, dim, 0, 2)), spacing), 2)
    const ends =
      edgeOrder === 1
        ? [sub(at(1), at(0)), sub(at(-1), at(-2))]
        : [weighted([at(0), at(1), at(2)], [-1.5, 2, -0.5]), weighted([at(-3), at(-2), at(-1)], [0.5, -2, 1.5])]
    const [first, last] = ends.map((y) => div(y, spacing))
    return cat([first, center, last], dim)
  }
  const steps = diff(spacing)
  const weightsOf = (before: Tensor, after: Tensor, where: 'first' | 'center' | 'last'): Tensor[] => {
    const whole = add(before, after)
    const [left, right, both] = [mul(before, whole), mul(after, whole), mul(before, after)]
    const twice = (y: Tensor, z: Tensor): Tensor => add(mul(y, 2), z)
    if (where === 'first') return [div(neg(twice(before, after)), left), div(whole, both), div(neg(before), right)]
    if (where === 'last') return [div(after, left), div(neg(whole), both), div(twice(after, before), right)]
    return [div(neg(after), left), div(sub(after, before), both), div(before, right)]
  }
  const three = [part(x, dim, 0, 2), part(x, dim, 1, 1), part(x, dim, 2, 0)]
  const [before, after] = [part(steps, 0, 0, 1), part(steps, 0, 1, 0)]
  const center = weighted(three, weightsOf(before, after, 'center').map(along))
  const step = (i: number): Tensor => narrow(steps, 0, i < 0 ? steps.elements + i : i, 1)
  if (edgeOrder === 1) {
    const first = div(sub(at(1), at(0)), step(0))
    return cat([first, center, div(sub(at(-1), at(-2)), step(-1))], dim)
  }
  const first = weighted([at(0), at(1), at(2)], weightsOf(step(0), step(1), 'first'))
  return cat([first, center, weighted([at(-3), at(-2), at(-1)], weightsOf(step(-2), step(-1), 'last'))], dim)
}

/**
 * Estimates of the derivative along each dimension, or those of `dim`, by central differences: an array of tensors like
 * `x`. Points are 1 apart, or as `spacing` says.
 *
 * @example
 * gradient(tensor([1, 4, 9, 16]))[0] // tensor([3., 4., 6., 7.])
 */
export function gradient(x: Tensor, ...args: [options?: GradientOptions]): Tensor[] {
  const [spacing, dim, edgeOrder] = gradientArguments(x, args)
  const dims = normalizeDims(dim, x.dim())
  const order = dim === null ? dims : (typeof dim === 'number' ? [dim] : dim).map((d) => normalizeDim(d, x.dim()))
  const isList = Array.isArray(spacing)
  const many = isList ? (spacing as readonly (number | Tensor)[]) : null
  if (many !== null && many.length !== order.length) {
    throw new RuntimeError(
      `torch.gradient expected spacing to be unspecified, a scalar or a list of length ${order.length} but got a list of length ${many.length}`,
    )
  }
  if (edgeOrder !== 1 && edgeOrder !== 2)
    throw new RuntimeError('torch.gradient only supports edge_order=1 and edge_order=2.')
  for (const d of order) {
    if (x.sizes[d] < edgeOrder + 1) {
      throw new RuntimeError('torch.gradient expected each dimension size to be at least edge_order+1')
    }
  }
  return order.map((d, i) => {
    const one = many === null ? (spacing as number | Tensor) : many[i]
    if (one instanceof Tensor && one.elements === 1 && one.dim() === 0) return slopes(x, d, one.item(), edgeOrder)
    if (one instanceof Tensor && one.elements !== x.sizes[d]) {
      throw new RuntimeError(
        'torch.gradient expected each element of the spacing to have the size of its dimension',
        `Dimension ${d} has ${x.sizes[d]} elements, its coordinates ${one.elements}.`,
      )
    }
    return slopes(x, d, one, edgeOrder)
  })
}

// ---- covariances ----

export interface CovOptions {
  /** Subtracted from the number of observations, 1. */
  readonly correction?: number
  /** How often each observation counts: integers. */
  readonly fweights?: Tensor | null
  /** The weight of each observation. */
  readonly aweights?: Tensor | null
}
const covArguments = method(
  'cov',
  keyword('correction', int, 1),
  keyword('fweights', nullable(tensor), null),
  keyword('aweights', nullable(tensor), null),
)
const squeezed = ownView('SqueezeBackward0')
/**
 * The covariances of variables, the rows of a matrix, whose observations are the columns; of a vector its variance.
 *
 * @example
 * cov(tensor([[1, 2, 3], [3, 2, 1]])) // tensor([[ 1., -1.],
 *                                     //         [-1.,  1.]])
 */
export function cov(x: Tensor, ...args: [options?: CovOptions]): Tensor {
  const [correction, fweights, aweights] = covArguments(x, args)
  if (x.dim() > 2)
    throw new RuntimeError(
      `cov(): expected input to have two or fewer dimensions but got an input with ${x.dim()} dimensions`,
    )
  if (x.dtype === 'bool') throw new RuntimeError('cov(): bool dtype is not supported for input', toInt)
  const rows = x.dim() < 2 ? shaped(x, [1, x.elements]) : x
  const n = rows.sizes[1]
  for (const [name, weights, floats] of [
    ['fweights', fweights, false],
    ['aweights', aweights, true],
  ] as const) {
    if (weights === null) continue
    if (weights.dim() > 1) {
      throw new RuntimeError(
        `cov(): expected ${name} to have one or fewer dimensions but got ${name} with ${weights.dim()} dimensions`,
      )
    }
    if (isFloat(weights.dtype) !== floats || weights.dtype === 'bool') {
      throw new RuntimeError(
        `cov(): expected ${name} to have ${floats ? 'floating point' : 'integral'} dtype but got ${name} with ${dtypeName[weights.dtype]} dtype`,
      )
    }
    if (weights.elements !== n) {
      throw new RuntimeError(
        `cov(): expected ${name} to have the same numel as there are observations in the input but got ${weights.elements} != ${n}`,
      )
    }
    if (n > 0 && effects.sink === null && weights.min().item() < 0)
      throw new RuntimeError(`cov(): ${name} cannot be negative`)
  }
  const weights = fweights === null ? aweights : aweights === null ? fweights : mul(fweights, aweights)
  const total = weights === null ? null : sum(weights)
  const center =
    weights === null || total === null
      ? mean(isFloat(rows.dtype) ? rows : rows.float(), 1)
      : div(sum(mul(rows, weights), 1), total)
  let factor: Tensor | number
  if (weights === null || total === null) factor = n - correction
  else if (aweights === null || correction === 0) factor = sub(total, correction)
  else factor = sub(total, div(mul(sum(mul(weights, aweights)), correction), total))
  const positive = typeof factor === 'number' ? Math.max(factor, 0) : clamp(factor, 0)
  const apart = sub(rows, unsqueeze(center, 1))
  const product = mm(apart, t(weights === null ? apart : mul(apart, weights)))
  const found = div(product, positive)
  return apply(squeezed, [found], found.sizes[0] === 1 ? [] : found.sizes)
}

const corrcoefArguments = method('corrcoef')
/**
 * The correlations of variables, the rows of a matrix, whose observations are the columns: covariances divided by
 * standard deviations.
 *
 * @example
 * corrcoef(tensor([[1, 2, 3], [3, 2, 1]])) // tensor([[ 1., -1.],
 *                                          //         [-1.,  1.]])
 */
export function corrcoef(x: Tensor, ...none: []): Tensor {
  corrcoefArguments(x, none)
  if (x.dim() > 2)
    throw new RuntimeError(
      `corrcoef(): expected input to have two or fewer dimensions but got an input with ${x.dim()} dimensions`,
    )
  const spread = cov(x)
  if (spread.dim() === 0) return div(spread, spread)
  const deviation = sqrt(diagonal(spread))
  return clamp(div(div(spread, unsqueeze(deviation, 1)), unsqueeze(deviation, 0)), -1, 1)
}
