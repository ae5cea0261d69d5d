// Norms of matrices that need their singular values.
import { reducedShape } from '../../base/shape.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { sum } from '../reduce/reduce.ts'
import { movedim } from '../views/arrange.ts'
import { reshape, select } from '../views/views.ts'
import { singularValues } from './factor.ts'

/** The sum ('nuc'), the largest (2) or the smallest (-2) of the singular values of the matrices in two dimensions. */
export function spectralNorm(
  x: Tensor,
  order: 'nuc' | 2 | -2,
  rows: number,
  columns: number,
  keepdim: boolean,
): Tensor {
  const s = singularValues(movedim(x, [rows, columns], [-2, -1]))
  const norm = order === 'nuc' ? sum(s, -1) : select(s, -1, order === 2 ? 0 : s.sizes[s.dim() - 1] - 1)
  return keepdim ? reshape(norm, reducedShape(x.sizes, [rows, columns], true)) : norm
}
