// What is made of the elements of vectors: grids, products, combinations, powers; and tensors that are broadcast
// against each other. All are compositions of stack, cat and views.
import { isFloat } from '../../base/dtype.ts'
import { RuntimeError } from '../../base/errors.ts'
import { broadcastShapes, type Shape, shapeString } from '../../base/shape.ts'
import {
  type Arguments,
  bool,
  int,
  isOptions,
  isTensor,
  keyword,
  method,
  nullable,
  optional,
  required,
  signature,
  str,
} from '../../tensor/signature.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { fromArray } from '../create/create.ts'
import { expandTo } from '../define/elementwise.ts'
import { filled, toDType } from '../define/fill.ts'
import { indexSelect } from '../indexing/select.ts'
import { cumprod } from '../reduce/scans.ts'
import { cat, listedTensors, stack } from './join.ts'
import { type Several, several, shaped } from './stacks.ts'
import { flip, unsqueeze } from './views.ts'

const broadcastArguments = several('broadcast_tensors')
/**
 * Views of tensors that are expanded to the shape to which all broadcast.
 *
 * @example
 * broadcastTensors(ones(2, 1), ones(3)).map((x) => x.shape) // [[2, 3], [2, 3]]
 */
export function broadcastTensors(...args: Several): Tensor[] {
  const tensors = broadcastArguments(args)
  const shape = tensors.reduce<Shape>((sizes, x) => broadcastShapes(sizes, x.sizes), [])
  return tensors.map((x) => expandTo(x, shape))
}

export interface MeshgridOptions {
  /** 'ij' (the default) puts the first vector along dimension 0, 'xy' along dimension 1. */
  readonly indexing?: 'ij' | 'xy'
}
const meshgridArguments = signature(
  'meshgrid',
  required('tensors', listedTensors('meshgrid')),
  keyword('indexing', str, 'ij'),
)
/**
 * Grids of coordinates from vectors, one dimension for each: grid k has the elements of vector k along its own
 * dimension and repeats them along the others. Views of the vectors, which have one dtype.
 *
 * @example
 * const [x, y] = meshgrid(tensor([1, 2]), tensor([3, 4, 5]), { indexing: 'xy' })
 * x.shape // [3, 2]
 */
export function meshgrid(tensors: readonly Tensor[], options?: MeshgridOptions): Tensor[]
export function meshgrid(...tensors: readonly Tensor[]): Tensor[]
export function meshgrid(...tensors: readonly [...Tensor[], MeshgridOptions]): Tensor[]
export function meshgrid(...args: readonly unknown[]): Tensor[] {
  const last = args[args.length - 1]
  const options = typeof last === 'object' && last !== null && !isTensor(last) && isOptions(last)
  const given = Array.isArray(args[0]) ? args : options ? [args.slice(0, -1), last] : [args]
  const [tensors, indexing] = meshgridArguments(given)
  if (tensors.length === 0) throw new RuntimeError('meshgrid expects a non-empty TensorList')
  const wrong = tensors.find((x) => x.dim() > 1)
  if (wrong !== undefined) {
    throw new RuntimeError(
      `torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: ${shapeString(wrong.sizes)}`,
    )
  }
  if (tensors.some((x) => x.dtype !== tensors[0].dtype))
    throw new RuntimeError('meshgrid expects all tensors to have the same dtype')
  if (indexing !== 'ij' && indexing !== 'xy') {
    throw new RuntimeError(`torch.meshgrid: indexing must be one of "xy" or "ij", but received: ${indexing}`)
  }
  const crossed = indexing === 'xy' && tensors.length > 1
  const vectors = crossed ? [tensors[1], tensors[0], ...tensors.slice(2)] : tensors
  const shape = vectors.map((x) => x.elements)
  const grids = vectors.map((x, k) =>
    expandTo(
      shaped(
        x,
        shape.map((n, d) => (d === k ? n : 1)),
      ),
      shape,
    ),
  )
  if (!crossed) return grids
  const [second, first, ...rest] = grids
  return [first, second, ...rest]
}

function checkVector(x: Tensor): void {
  if (x.dim() !== 1) throw new RuntimeError(`Expect a 1D vector, but got shape ${shapeString(x.sizes)}`)
}

const productArguments = several('cartesian_prod')
/**
 * The rows of one element from each vector, in lexicographic order; of a single vector, the vector itself.
 *
 * @example
 * cartesianProd(tensor([1, 2]), tensor([3, 4])).shape // [4, 2]
 */
export function cartesianProd(...args: Several): Tensor {
  const vectors = productArguments(args)
  vectors.forEach(checkVector)
  if (vectors.length === 1) return vectors[0]
  return stack(
    meshgrid(vectors).map((x) => shaped(x, [x.elements])),
    1,
  )
}

export interface CombinationsOptions {
  readonly r?: number
  readonly withReplacement?: boolean
}
const combinationsArguments = method('combinations', optional('r', int, 2), optional('withReplacement', bool, false))
/**
 * The rows of `r` (2) elements of a vector, each element at most once unless `withReplacement`, in the order of their
 * positions.
 *
 * @example
 * combinations(tensor([1, 2, 3])) // tensor([[1., 2.],
 *                                 //         [1., 3.],
 *                                 //         [2., 3.]])
 */
export function combinations(
  x: Tensor,
  ...args: Arguments<[r: number, withReplacement: boolean], CombinationsOptions>
): Tensor {
  const [r, withReplacement] = combinationsArguments(x, args)
  checkVector(x)
  if (r < 0) throw new RuntimeError(`Expect a non-negative number, but got ${r}`)
  if (r === 0) return filled([0], x.dtype, 0, x.storage.device)
  const columns = choices(x.elements, r, withReplacement ? 0 : 1)
  const { device } = x
  return stack(
    columns.map((column) => indexSelect(x, 0, fromArray(Int32Array.from(column), [column.length], { device }))),
    1,
  )
}
/** The positions of all rows by column; each position is at least `step` more than the one before. */
function choices(n: number, r: number, step: number): number[][] {
  const columns: number[][] = Array.from({ length: r }, () => [])
  const row: number[] = []
  const choose = (from: number): void => {
    if (row.length === r) {
      for (let k = 0; k < r; k++) columns[k].push(row[k])
      return
    }
    for (let i = from; i < n; i++) {
      row.push(i)
      choose(i + step)
      row.pop()
    }
  }
  choose(0)
  return columns
}

export interface VanderOptions {
  readonly N?: number | null
  readonly increasing?: boolean
}
const vanderArguments = method('vander', optional('N', nullable(int), null), optional('increasing', bool, false))
/**
 * The powers N - 1 to 0 (0 to N - 1 if `increasing`) of each element of a vector, in a row; N is the number of elements
 * unless it is given.
 *
 * @example
 * vander(tensor([1, 2, 3])) // tensor([[1., 1., 1.],
 *                           //         [4., 2., 1.],
 *                           //         [9., 3., 1.]])
 */
export function vander(x: Tensor, ...args: Arguments<[N: number | null, increasing: boolean], VanderOptions>): Tensor {
  const [given, increasing] = vanderArguments(x, args)
  if (x.dim() !== 1) throw new RuntimeError('x must be a one-dimensional tensor.')
  const N = given ?? x.elements
  if (N < 0) throw new RuntimeError('N must be non-negative.')
  const values = isFloat(x.dtype) ? x : toDType(x, 'int32')
  const ones = filled([x.elements, Math.min(N, 1)], values.dtype, 1, x.storage.device)
  const powers = N < 2 ? ones : cat([ones, cumprod(expandTo(unsqueeze(values, 1), [x.elements, N - 1]), 1)], 1)
  return increasing ? powers : flip(powers, 1)
}

const powersArguments = method('linalg_vander', keyword('N', nullable(int), null))
/**
 * The powers 0 to N - 1 of each element of [..., n], in a new last dimension; N is n unless it is given.
 *
 * Throws a RuntimeError for an N below 2.
 *
 * @example
 * linalg.vander(tensor([2, 3]), { N: 3 })
 * // tensor([[1., 2., 4.],
 * //         [1., 3., 9.]])
 */
export function powersOf(x: Tensor, ...args: [options?: { readonly N?: number | null }]): Tensor {
  const [given] = powersArguments(x, args)
  if (x.dtype === 'bool')
    throw new RuntimeError('linalg.vander supports floating point, complex, and integer tensors, but got Bool')
  const N = given ?? x.sizes[x.dim() - 1] ?? 1
  if (N < 2) throw new RuntimeError('N must be greater than 1.', `It is ${N}.`)
  const values = isFloat(x.dtype) ? x : toDType(x, 'int32')
  const powers = cumprod(expandTo(unsqueeze(values, -1), [...x.sizes, N - 1]), -1)
  return cat([filled([...x.sizes, 1], values.dtype, 1, x.storage.device), powers], -1)
}
