// A view of a tensor written over in a copy of it: selectScatter, sliceScatter and diagonalScatter.
import { checkSource } from '../../base/shape.ts'
import { apply } from '../../tensor/apply.ts'
import { noGrad } from '../../tensor/mode.ts'
import type { OpDef } from '../../tensor/op.ts'
import {
  type Takes,
  type Arguments,
  int,
  method,
  nullable,
  optional,
  required,
  tensor,
} from '../../tensor/signature.ts'
import { detached, type Tensor } from '../../tensor/tensor.ts'
import type { ViewStep } from '../../tensor/view-step.ts'
import { toDType } from '../define/fill.ts'
import { assignOp, type Diagonal, diagonal, select, slice } from './views.ts'

const src = required('src', tensor)
const bound = nullable(int)

/** A copy of `x` with the elements of `source` where a view has its own; the view's function checks its arguments. */
function embedded(op: OpDef<readonly ViewStep[]>, x: Tensor, source: Tensor, viewed: (x: Tensor) => Tensor): Tensor {
  const view = noGrad(() => viewed(detached(x)))
  checkSource(source.sizes, view.sizes)
  return apply(op, [x, toDType(source, x.dtype)], [view.viewOf as ViewStep])
}
const embedding = (name: string): OpDef<readonly ViewStep[]> => ({ ...assignOp, name })
const selectOp = embedding('selectScatter')
const sliceOp = embedding('sliceScatter')
const diagonalOp = embedding('diagonalScatter')

const selectArguments = method('select_scatter', src, required('dim', int), required('index', int))
/**
 * A copy of `x` with `src` at an index of a dimension. `src` has the sizes of `select(x, dim, index)`. Differentiable in
 * both.
 *
 * @example
 * selectScatter(zeros(2, 2), tensor([1, 2]), 0, 1) // tensor([[0., 0.],
 *                                                 //         [1., 2.]])
 */
export function selectScatter(
  x: Tensor,
  ...args: Takes<[src: Tensor, dim: number, index: number], 'src dim index'>
): Tensor {
  const [source, dim, index] = selectArguments(x, args)
  return embedded(selectOp, x, source, (y) => select(y, dim, index))
}

const sliceArguments = method(
  'slice_scatter',
  src,
  optional('dim', int, 0),
  optional('start', bound, null),
  optional('end', bound, null),
  optional('step', int, 1),
)
/**
 * A copy of `x` with `src` in a slice of a dimension, from `start` to before `end`, every `step`. Differentiable in both.
 *
 * @example
 * sliceScatter(zeros(4), tensor([1, 2]), 0, 1, 3) // tensor([0., 1., 2., 0.])
 */
export function sliceScatter(
  x: Tensor,
  ...args: Takes<
    [src: Tensor],
    'src',
    Arguments<
      [dim: number, start: number | null, end: number | null, step: number],
      { readonly dim?: number; readonly start?: number | null; readonly end?: number | null; readonly step?: number }
    >
  >
): Tensor {
  const [source, dim, start, end, step] = sliceArguments(x, args)
  return embedded(sliceOp, x, source, (y) => slice(y, dim, start, end, step))
}

const diagonalArguments = method(
  'diagonal_scatter',
  src,
  optional('offset', int, 0),
  optional('dim1', int, 0),
  optional('dim2', int, 1),
)
/**
 * A copy of `x` with `src` on a diagonal, as `diagonal` takes it. Differentiable in both.
 *
 * @example
 * diagonalScatter(zeros(2, 2), tensor([1, 2])) // tensor([[1., 0.],
 *                                             //         [0., 2.]])
 */
export function diagonalScatter(
  x: Tensor,
  ...args: Takes<[src: Tensor], 'src', Arguments<[offset: number, dim1: number, dim2: number], Partial<Diagonal>>>
): Tensor {
  const [source, offset, dim1, dim2] = diagonalArguments(x, args)
  return embedded(diagonalOp, x, source, (y) => diagonal(y, offset, dim1, dim2))
}
