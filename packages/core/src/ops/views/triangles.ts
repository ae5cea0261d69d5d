// Triangles and diagonals of matrices: tril, triu and their indices; diag, diagEmbed, diagflat.
import { IndexError, RuntimeError } from '../../base/errors.ts'
import type { DTypeWord } from '../../base/dtype.ts'
import { normalizeDim, type Shape } from '../../base/shape.ts'
import { s } from '../../expr/expr.ts'
import { apply } from '../../tensor/apply.ts'
import type { OpDef } from '../../tensor/op.ts'
import {
  type Takes,
  type Arguments,
  device as deviceKind,
  dtype as dtypeKind,
  int,
  keyword,
  method,
  optional,
  required,
  signature,
} from '../../tensor/signature.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { counted, fromArray } from '../create/create.ts'
import { notImplemented } from '../define/arguments.ts'
import { cloneOp, type Elementwise, elementwise } from '../define/elementwise.ts'
import { filled } from '../define/fill.ts'
import { type Overloaded, overloaded } from '../define/overloads.ts'
import { reshapeOp } from '../define/views.ts'
import { add } from '../pointwise/arithmetic.ts'
import { ge, le } from '../pointwise/comparison.ts'
import { assignOp, type Diagonal, diagonalOp } from './views.ts'

// ---- triangles ----

type TriangleArguments = [diagonal?: number | { readonly diagonal?: number }]

/** The elements whose column minus row compares to `diagonal` in this way; 0 elsewhere. */
function defineTriangle(name: string, compare: typeof le): Overloaded<[x: Tensor, ...args: TriangleArguments]> {
  const read = method(name, optional('diagonal', int, 0))
  const op: Elementwise = elementwise(name, (x, mask) => s.select(mask, x, 0), { gradName: name })
  return overloaded((x: Tensor, ...args: TriangleArguments) => {
    const [diagonal] = read(x, args)
    if (x.dim() === 0) throw new IndexError('Dimension specified as -2 but tensor has no dimensions')
    const [rows, columns] = x.sizes.slice(normalizeDim(-2, x.dim()))
    const row = apply(reshapeOp, [counted(rows, 'int32', x.device)], [rows, 1])
    // Numbers of rows beyond the matrix select as those at its edge, and do not overflow.
    const limit = add(row, Math.min(Math.max(diagonal, -rows), columns))
    return [op, [x, compare(counted(columns, 'int32', x.device), limit)]]
  })
}
/**
 * The lower triangle of matrices, 0 above the given `diagonal` (0, the main one; 1 is the one above it, -1 below). `x`
 * has two dimensions or more. Differentiable.
 *
 * @example
 * tril(ones(2, 2)) // tensor([[1., 0.],
 *                  //         [1., 1.]])
 */
export const tril: Overloaded<[x: Tensor, ...args: TriangleArguments]> = defineTriangle('tril', le)
/**
 * The upper triangle of matrices, 0 below the given `diagonal` (0, the main one; 1 is the one above it, -1 below). `x`
 * has two dimensions or more. Differentiable.
 *
 * @example
 * triu(ones(2, 2), 1) // tensor([[0., 1.],
 *                     //         [0., 0.]])
 */
export const triu: Overloaded<[x: Tensor, ...args: TriangleArguments]> = defineTriangle('triu', ge)

export interface TriangleIndicesOptions {
  readonly offset?: number
  readonly dtype?: DTypeWord
  readonly device?: string
}
type IndicesArguments = Takes<
  [row: number, col: number],
  'row col',
  [offset?: number | TriangleIndicesOptions, TriangleIndicesOptions?]
>

function defineIndices(name: string, has: (difference: number, offset: number) => boolean) {
  const read = signature(
    name,
    required('row', int),
    required('col', int),
    optional('offset', int, 0),
    keyword('dtype', dtypeKind, 'int32'),
    keyword('device', deviceKind, undefined),
  )
  return (...args: IndicesArguments): Tensor => {
    const [rows, columns, offset, dtype, device] = read(args)
    if (rows < 0) throw new RuntimeError(`row must be non-negative, got${rows}`)
    if (columns < 0) throw new RuntimeError(`col must be non-negative, got${columns}`)
    if (dtype !== 'int32') throw notImplemented(name, dtype, 'Convert the result: .to(dtype).')
    const found: number[][] = [[], []]
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        if (!has(j - i, offset)) continue
        found[0].push(i)
        found[1].push(j)
      }
    }
    return fromArray(Int32Array.from(found.flat()), [2, found[0].length], { device })
  }
}
const lowerIndices = defineIndices('tril_indices', (difference, offset) => difference <= offset)
const upperIndices = defineIndices('triu_indices', (difference, offset) => difference >= offset)
/**
 * The rows and columns, in two rows of int32, of the elements of the lower triangle of a matrix of `row` by `col`.
 *
 * @example
 * trilIndices(2, 2) // tensor([[0, 1, 1],
 *                   //         [0, 0, 1]])
 */
export function trilIndices(...args: IndicesArguments): Tensor {
  return lowerIndices(...args)
}
/**
 * The rows and columns, in two rows of int32, of the elements of the upper triangle of a matrix of `row` by `col`.
 *
 * @example
 * triuIndices(2, 2) // tensor([[0, 0, 1],
 *                   //         [0, 1, 1]])
 */
export function triuIndices(...args: IndicesArguments): Tensor {
  return upperIndices(...args)
}

// ---- diagonals ----

interface Embedding extends Diagonal {
  /** The sizes of the result. */
  readonly sizes: Shape
}
/** The adjoint of a diagonal: writes the last dimension to a diagonal of zeros. */
const embed = (name: string): OpDef<Embedding> => ({
  name,
  infer: ([x], { sizes }) => [{ sizes, dtype: x.dtype }],
  vjp: (ctx) => [apply(diagonalOp, [ctx.dy], ctx.attrs)],
  to: {
    kind: 'compose',
    compose: ([x], attrs) => {
      const zeros = filled(attrs.sizes, x.dtype, 0, (x as Tensor).storage.device)
      return [apply(assignOp, [zeros, x], [{ op: diagonalOp as OpDef<unknown>, attrs }])]
    },
  },
})
const embedOp = embed('diagEmbed')
const diagOfVector = embed('diag')
const diagOfMatrix: OpDef<Diagonal> = {
  ...diagonalOp,
  name: 'diag',
  to: { kind: 'compose', compose: ([x], attrs) => [apply(cloneOp, [apply(diagonalOp, [x], attrs)], null)] },
}

const diagArguments = method('diag', optional('diagonal', int, 0))
/**
 * A matrix with the elements of a vector on a diagonal, or the elements of a diagonal of a matrix: a copy. Diagonals
 * above the main one have positive numbers.
 *
 * @example
 * diag(tensor([1, 2])) // tensor([[1., 0.],
 *                      //         [0., 2.]])
 */
export function diag(x: Tensor, ...args: [diagonal?: number | { readonly diagonal?: number }]): Tensor {
  const [diagonal] = diagArguments(x, args)
  if (x.dim() !== 1 && x.dim() !== 2) throw new RuntimeError('matrix or a vector expected')
  return x.dim() === 1 ? diagOf(x, diagonal) : apply(diagOfMatrix, [x], { offset: diagonal, dim1: 0, dim2: 1 })
}
function diagOf(x: Tensor, offset: number): Tensor {
  const n = x.elements + Math.abs(offset)
  return apply(diagOfVector, [x], { offset, dim1: 0, dim2: 1, sizes: [n, n] })
}

const diagflatArguments = method('diagflat', optional('offset', int, 0))
/** A matrix with all elements on a diagonal, in row-major order. */
export function diagflat(x: Tensor, ...args: [offset?: number | { readonly offset?: number }]): Tensor {
  const [offset] = diagflatArguments(x, args)
  return diagOf(apply(reshapeOp, [x], [x.elements]), offset)
}

const embedArguments = method(
  'diag_embed',
  optional('offset', int, 0),
  optional('dim1', int, -2),
  optional('dim2', int, -1),
)
/**
 * Matrices in the dimensions `dim1` and `dim2` of the result (by default the last two) with the last dimension of `x`
 * on the diagonal `offset`, and 0 elsewhere.
 *
 * @example
 * diagEmbed(tensor([1, 2]), 1).shape // [3, 3]
 */
export function diagEmbed(
  x: Tensor,
  ...args: Arguments<[offset: number, dim1: number, dim2: number], Partial<Diagonal>>
): Tensor {
  const [offset, ...dims] = embedArguments(x, args)
  const rank = x.dim() + 1
  const [dim1, dim2] = dims.map((dim) => normalizeDim(dim, rank))
  if (dim1 === dim2) throw new RuntimeError(`diagonal dimensions cannot be identical ${dims[0]}, ${dims[1]}`)
  const n = x.sizes[rank - 2] + Math.abs(offset)
  let next = 0
  const sizes = Array.from({ length: rank }, (_, d) => (d === dim1 || d === dim2 ? n : x.sizes[next++]))
  return apply(embedOp, [x], { offset, dim1, dim2, sizes })
}
