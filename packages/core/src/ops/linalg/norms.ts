// Norms of vectors and matrices as torch.linalg has them.
import type { DType, DTypeWord } from '../../base/dtype.ts'
import { RuntimeError } from '../../base/errors.ts'
import { normalizeDim, normalizeDims } from '../../base/shape.ts'
import { type Arguments, dims as dimsKind, ints, method, nullable, number, optional } from '../../tensor/signature.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import {
  type DimOptions,
  type Dims,
  dimParameter,
  dtypeParameter,
  type KeepdimOption,
  keepdimParameter,
} from '../define/arguments.ts'
import { toDType } from '../define/fill.ts'
import { amax, amin } from '../order/extremes.ts'
import { abs } from '../pointwise/elementary.ts'
import { norm as normOf, type Order, orderKind, vectorNormOf } from '../reduce/norm.ts'
import { sum } from '../reduce/reduce.ts'
import { checkMatrix } from './host.ts'
import { spectralNorm } from './spectral.ts'

export interface VectorNormOptions extends DimOptions {
  readonly ord?: number
  /** Convert to this dtype first. */
  readonly dtype?: DTypeWord
}
const converted = (x: Tensor, dtype: DType | undefined): Tensor => (dtype === undefined ? x : toDType(x, dtype))

const vectorArguments = method(
  'linalg_vector_norm',
  optional('ord', number, 2),
  dimParameter,
  keepdimParameter,
  dtypeParameter,
)
/**
 * The norm of order `ord` (2) of all elements, or over `dim` (one or several). Floats only.
 *
 * @example
 * linalg.vectorNorm(tensor([[3, 4], [6, 8]]), { dim: 1 }) // tensor([ 5., 10.])
 */
export function vectorNorm(
  x: Tensor,
  ...args: Arguments<[ord: number, dim: Dims | null, keepdim: boolean], VectorNormOptions>
): Tensor {
  const [ord, dim, keepdim, dtype] = vectorArguments(x, args)
  return vectorNormOf('vector_norm', converted(x, dtype), ord, normalizeDims(dim, x.dim()), keepdim)
}

export interface MatrixNormOptions extends KeepdimOption {
  readonly ord?: Order
  readonly dim?: readonly [number, number]
  readonly dtype?: DTypeWord
}
const matrixArguments = method(
  'linalg_matrix_norm',
  optional('ord', orderKind, 'fro'),
  optional('dim', ints, [-2, -1]),
  keepdimParameter,
  dtypeParameter,
)
function ofMatrices(x: Tensor, ord: Order, dim: readonly number[], keepdim: boolean): Tensor {
  const what = 'linalg.matrix_norm'
  checkMatrix(what, x)
  if (dim.length !== 2) throw new RuntimeError(`${what}: dim must be a 2-tuple. Got ${dim.join(' ')}`)
  const [rows, columns] = dim.map((d) => normalizeDim(d, x.dim()))
  if (rows === columns) throw new RuntimeError(`${what}: dims must be different. Got (${rows}, ${columns})`)
  if (ord === 'fro') return vectorNormOf('vector_norm', x, 2, [rows, columns].sort(), keepdim)
  if (ord === 'nuc' || ord === 2 || ord === -2) return spectralNorm(x, ord, rows, columns, keepdim)
  const size = Math.abs(ord as number)
  if (typeof ord === 'string' || (size !== 1 && size !== Infinity)) {
    throw new RuntimeError(`${what}: Order ${ord} not supported.`)
  }
  const [summed, chosen] = size === 1 ? [rows, columns] : [columns, rows]
  const total = sum(abs(x), summed, keepdim)
  return (ord > 0 ? amax : amin)(total, keepdim || summed > chosen ? chosen : chosen - 1, keepdim)
}
/**
 * The norm of the matrices in two dimensions (the last two): 'fro' (the default), 1 and -1 (the largest and smallest sum
 * of a column's sizes), Infinity and -Infinity (of a row's), and of the singular values 'nuc' (their sum), 2 (the largest) and
 * -2 (the smallest). Floats only.
 *
 * @example
 * linalg.matrixNorm(tensor([[1, -2], [3, 4]]), 1) // tensor(6.)
 */
export function matrixNorm(
  x: Tensor,
  ...args: Arguments<[ord: Order, dim: readonly number[], keepdim: boolean], MatrixNormOptions>
): Tensor {
  const [ord, dim, keepdim, dtype] = matrixArguments(x, args)
  return ofMatrices(converted(x, dtype), ord, dim, keepdim)
}

export interface LinalgNormOptions extends DimOptions {
  readonly ord?: Order | null
  readonly dtype?: DTypeWord
}
const normArguments = method(
  'linalg_norm',
  optional('ord', nullable(orderKind), null),
  optional('dim', nullable(dimsKind), null),
  keepdimParameter,
  dtypeParameter,
)
/**
 * A norm: of all elements as a vector; with `ord` of a vector or a matrix; or over `dim`, of vectors for one dimension
 * and of matrices for two. Floats only.
 *
 * @example
 * linalg.norm(tensor([3, 4])) // tensor(5.)
 */
export function norm(
  x: Tensor,
  ...args: Arguments<[ord: Order | null, dim: Dims | null, keepdim: boolean], LinalgNormOptions>
): Tensor {
  const [ord, dim, keepdim, dtype] = normArguments(x, args)
  const given = converted(x, dtype)
  const dims = typeof dim === 'number' ? [dim] : dim
  if (dims !== null && dims.length !== 1 && dims.length !== 2) {
    throw new RuntimeError(`linalg.norm: If dim is specified, it must be of length 1 or 2. Got [${dims.join(', ')}]`)
  }
  if (ord !== null && dims === null && x.dim() !== 1 && x.dim() !== 2) {
    throw new RuntimeError(
      `linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got ${x.dim()}D.`,
    )
  }
  if (ord !== null && (dims === null ? x.dim() : dims.length) === 2) {
    return ofMatrices(given, ord, dims ?? [-2, -1], keepdim)
  }
  if (typeof ord === 'string') return ofMatrices(given, ord, dims ?? [-2, -1], keepdim)
  return vectorNormOf('vector_norm', given, ord ?? 2, normalizeDims(dims, x.dim()), keepdim)
}

// ---- the old names ----

type FrobeniusArguments = Arguments<[dim: Dims | null, keepdim: boolean], DimOptions>
const frobeniusArguments = method('frobenius_norm', dimParameter, keepdimParameter)
/**
 * The square root of the sum of squares, of all elements or over one or two dimensions: `x.norm('fro', dim)`.
 *
 * @example
 * frobeniusNorm(tensor([[3, 4], [6, 8]]), 1) // tensor([ 5., 10.])
 */
export function frobeniusNorm(x: Tensor, ...args: FrobeniusArguments): Tensor {
  return normOf(x, 'fro', ...frobeniusArguments(x, args))
}

const nuclearArguments = method('nuclear_norm', optional('dim', ints, undefined), keepdimParameter)
const nuclearOfMatrix = method('nuclear_norm', keepdimParameter)
type NuclearOptions = KeepdimOption & { readonly dim?: readonly number[] }
/**
 * The sum of the singular values of a matrix, or of the matrices in two dimensions: `x.norm('nuc', dim)`.
 *
 * @example
 * nuclearNorm(tensor([[3, 0], [0, 4]])) // tensor(7.)
 */
export function nuclearNorm(
  x: Tensor,
  ...args: [keepdim?: boolean | NuclearOptions] | Arguments<[dim: readonly number[], keepdim: boolean], NuclearOptions>
): Tensor {
  if (typeof args[0] === 'boolean') return normOf(x, 'nuc', null, ...nuclearOfMatrix(x, args))
  const [dim, keepdim] = nuclearArguments(x, args)
  return normOf(x, 'nuc', dim ?? null, keepdim)
}
