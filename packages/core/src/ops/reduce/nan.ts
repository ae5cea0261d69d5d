// Reductions that leave NaN out, and the number of elements that are not 0.
import { dtypeName, isFloat } from '../../base/dtype.ts'
import { RuntimeError } from '../../base/errors.ts'
import { toFloat } from '../../base/remedies.ts'
import { normalizeDims } from '../../base/shape.ts'
import { s } from '../../expr/expr.ts'
import { apply } from '../../tensor/apply.ts'
import { method } from '../../tensor/signature.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import {
  type DimArguments,
  type DimOption,
  type Dims,
  dimParameter,
  dtypeParameter,
  keepdimParameter,
} from '../define/arguments.ts'
import { elementwise, expandTo } from '../define/elementwise.ts'
import { toDType } from '../define/fill.ts'
import { div } from '../pointwise/arithmetic.ts'
import { accumulated, reduction, type ReduceOptions, withDims } from './reduce.ts'

const present = elementwise('mul', (dy, x) => s.mul(dy, s.cast(s.not(s.isnan(x)), dy.dtype)))
const nansumOp = reduction('nansum', 'sum', (x) => s.select(s.isnan(x), 0, x), {
  saves: () => ({ inputs: [0] }),
  vjp: (ctx) => {
    const x = ctx.input(0)
    const dy = toDType(withDims(ctx.dy, x.sizes, ctx.attrs.dims), x.dtype)
    return [apply(present, [expandTo(dy, x.sizes), x], null)]
  },
})
const nansumArguments = method('nansum', dimParameter, keepdimParameter, dtypeParameter)
/**
 * The sum of the elements that are not NaN, of all or over `dim` (one or several).
 *
 * @example
 * nansum(tensor([1, NaN, 3])) // tensor(4.)
 */
export function nansum(x: Tensor, ...args: DimArguments<ReduceOptions>): Tensor {
  const [dims, keepdim, dtype] = nansumArguments(x, args)
  return apply(nansumOp, [x], { dims: normalizeDims(dims, x.dim()), keepdim, dtype: accumulated(x, dtype) })
}

const presentOp = reduction('count', 'sum', (x) => s.not(s.isnan(x)), {})
const nanmeanArguments = method('nanmean', dimParameter, keepdimParameter, dtypeParameter)
/**
 * The mean of the elements that are not NaN, of all or over `dim`. Floats only.
 *
 * @example
 * nanmean(tensor([1, NaN, 3])) // tensor(2.)
 */
export function nanmean(x: Tensor, ...args: DimArguments<ReduceOptions>): Tensor {
  const [dims, keepdim, dtype] = nanmeanArguments(x, args)
  if (!isFloat(x.dtype)) {
    throw new RuntimeError(
      `nanmean(): expected input to have floating point dtype but got ${dtypeName[x.dtype]}`,
      toFloat,
    )
  }
  const count = apply(presentOp, [x], { dims: normalizeDims(dims, x.dim()), keepdim, dtype: 'int32' })
  return div(nansum(x, dims, keepdim, { dtype }), count)
}

const nonzeroOp = reduction('countNonzero', 'sum', (x) => s.ne(x, 0), {})
const countArguments = method('count_nonzero', dimParameter)
/**
 * How many elements are not 0, of all or over `dim` (one or several): int32.
 *
 * @example
 * countNonzero(tensor([0, 2, NaN])) // tensor(2)
 */
export function countNonzero(x: Tensor, ...args: [dim?: Dims | null | DimOption<Dims | null>]): Tensor {
  const [dims] = countArguments(x, args)
  return apply(nonzeroOp, [x], { dims: normalizeDims(dims, x.dim()), keepdim: false, dtype: 'int32' })
}
