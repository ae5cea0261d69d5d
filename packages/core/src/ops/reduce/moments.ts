// Variances and standard deviations, with or without the mean: two passes, as accurate as the dtype allows. The mean
// that the gradient rule reads is a hidden output; the mean that is returned is another one, which may be written to.
import { isFloat } from '../../base/dtype.ts'
import { RuntimeError, TypeError } from '../../base/errors.ts'
import { toFloat } from '../../base/remedies.ts'
import { normalizeDims, reducedShape } from '../../base/shape.ts'
import { s } from '../../expr/expr.ts'
import { apply, applyAll, operand } from '../../tensor/apply.ts'
import type { Gradients, OpDef, Vjp } from '../../tensor/op.ts'
import { type Arguments, bool, int, keyword, method, nullable, optional } from '../../tensor/signature.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { type DimOptions, type Dims, dimParameter, keepdimParameter } from '../define/arguments.ts'
import { elementwise, expandTo } from '../define/elementwise.ts'
import { reshapeOp } from '../define/views.ts'
import { add, div } from '../pointwise/arithmetic.ts'
import { countOf, sumAll, withDims } from './reduce.ts'

interface Moments {
  readonly dims: readonly number[]
  readonly keepdim: boolean
  /** Subtracted from the number of elements: 1 for the unbiased estimate, 0 for the population. */
  readonly correction: number
}

const squares = elementwise('pow', (x, mean) => s.mul(s.sub(x, mean), s.sub(x, mean)))
const rootOfRatio = elementwise('sqrt', (sum, n) => s.sqrt(s.div(sum, n)))
const varGradient = elementwise('mul', (dy, x, mean, scale) => s.mul(s.mul(scale, dy), s.sub(x, mean)))
const stdGradient = elementwise('mul', (dy, x, mean, y, scale) =>
  s.mul(s.select(s.eq(y, 0), 0, s.mul(scale, s.div(dy, s.mul(y, 2)))), s.sub(x, mean)),
)

/** Sums the gradients through the spread and through the mean, if they exist. */
function gradients(ctx: Vjp<Moments>, root: boolean, kept: number): Gradients {
  const { sizes } = ctx.inputSpec(0)
  const { dims, correction } = ctx.attrs
  const count = countOf(sizes, dims)
  const [dSpread, ...dMeans] = ctx.dys
  const through = dMeans.flatMap((dMean) => (dMean ? [expandTo(div(withDims(dMean, sizes, dims), count), sizes)] : []))
  if (!dSpread) return [through.length === 0 ? null : through.reduce((a, b) => add(a, b))]
  const x = ctx.input(0)
  const dy = withDims(dSpread, sizes, dims)
  const mean = ctx.output(kept)
  const scale = operand(2 / (count - correction))
  const throughSpread = root
    ? apply(stdGradient, [dy, x, mean, withDims(ctx.output(0), sizes, dims), scale], null)
    : apply(varGradient, [dy, x, mean, scale], null)
  return [through.reduce((a, b) => add(a, b), throughSpread)]
}

/** Outputs: the spread, the mean for the caller if `asked`, and the mean with its dimensions kept for the rule. */
const moments = (name: string, root: boolean, asked: boolean, last = asked ? 2 : 1): OpDef<Moments> => ({
  name,
  infer: ([x], { dims, keepdim }) => {
    const { dtype } = x
    const spec = { sizes: reducedShape(x.sizes, dims, keepdim), dtype }
    const kept = { sizes: reducedShape(x.sizes, dims, true), dtype }
    return asked ? [spec, spec, kept] : [spec, kept]
  },
  saves: () => ({ inputs: [0], outputs: root ? [0, last] : [last] }),
  vjp: (ctx) => gradients(ctx, root, last),
  to: {
    kind: 'compose',
    compose: ([x], { dims, keepdim, correction }) => {
      const { dtype } = x
      const count = countOf(x.sizes, dims)
      const kept = reducedShape(x.sizes, dims, true)
      const shaped = (y: Tensor): Tensor => (keepdim ? y : apply(reshapeOp, [y], reducedShape(x.sizes, dims, false)))
      const sum = apply(sumAll, [x], { dims, keepdim: true, dtype })
      const mean = div(sum, count)
      const squared = apply(squares, [x, mean], { sizes: kept, dtype })
      const n = Math.max(count - correction, 0)
      const spread = root ? apply(rootOfRatio, [shaped(squared), operand(n)], null) : div(shaped(squared), n)
      return asked ? [spread, div(shaped(sum), count), mean] : [spread, mean]
    },
  },
})

export interface MomentOptions extends DimOptions {
  /** Divide by the number of elements less one (the default), otherwise by the number. */
  readonly unbiased?: boolean
  /** What to subtract from the number of elements, instead of `unbiased`. */
  readonly correction?: number | null
}

type MomentArguments = Arguments<[dim: Dims | null | boolean, unbiased: boolean, keepdim: boolean], MomentOptions>

/** A function of one of the four ops; as in PyTorch, a first boolean is `unbiased`. */
function momentsOf(op: OpDef<Moments>, name: string): (x: Tensor, ...args: MomentArguments) => [Tensor, Tensor] {
  const read = method(
    name,
    dimParameter,
    optional('unbiased', bool, undefined),
    keepdimParameter,
    keyword('correction', nullable(int), undefined),
  )
  return (x, ...args) => {
    // A single boolean comes after the dimension, which is missing.
    const [dim, unbiased, keepdim, correction] = read(x, typeof args[0] === 'boolean' ? [undefined, ...args] : args)
    if (!isFloat(x.dtype)) {
      const subject = name.endsWith('_mean') ? `${name} only support` : 'std and var only support'
      throw new RuntimeError(`${subject} floating point and complex dtypes`, toFloat)
    }
    if (unbiased !== undefined && correction !== undefined) {
      throw new TypeError(
        `${name}() received an invalid combination of arguments - got (correction=int, unbiased=bool)`,
        'Give one of the two: { unbiased: false } is { correction: 0 }.',
      )
    }
    const attrs = { dims: normalizeDims(dim, x.dim()), keepdim, correction: correction ?? (unbiased === false ? 0 : 1) }
    const [spread, mean] = applyAll(op, [x], attrs)
    return [spread, mean]
  }
}

const varOf = momentsOf(moments('var', false, false), 'var')
const stdOf = momentsOf(moments('std', true, false), 'std')
const varMeanOf = momentsOf(moments('varMean', false, true), 'var_mean')
const stdMeanOf = momentsOf(moments('stdMean', true, true), 'std_mean')

/**
 * The variance of all elements or over `dim`, unbiased unless `{ unbiased: false }`. Float only. It is `var` in the op
 * table and as a method. NaN for too few elements.
 *
 * @example
 * tensor([1, 2, 4]).var() // tensor(2.3333)
 */
export const variance = (x: Tensor, ...args: MomentArguments): Tensor => varOf(x, ...args)[0]

/** The standard deviation of all elements or over `dim`, unbiased unless `{ unbiased: false }`. Float only. */
export const std = (x: Tensor, ...args: MomentArguments): Tensor => stdOf(x, ...args)[0]

/** The variance and the mean at once. */
export const varMean = (x: Tensor, ...args: MomentArguments): [Tensor, Tensor] => varMeanOf(x, ...args)

/** The standard deviation and the mean at once. */
export const stdMean = (x: Tensor, ...args: MomentArguments): [Tensor, Tensor] => stdMeanOf(x, ...args)
