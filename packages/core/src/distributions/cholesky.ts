// Cholesky factors and inverses of triangular matrices for the multivariate normal distribution, in batches. They are
// computed on the host in float64, and their gradients are ops.
import { AutogradFunction, type FunctionCtx } from '../autograd/function.ts'
import { RuntimeError } from '../base/errors.ts'
import { isFloat, newArray, type TypedArray } from '../base/dtype.ts'
import { notImplemented } from '../ops/define/arguments.ts'
import { filled } from '../ops/define/fill.ts'
import { fromArray } from '../ops/create/create.ts'
import { matmul } from '../ops/product/matmul.ts'
import { effects } from '../tensor/effects.ts'
import type { Tensor } from '../tensor/tensor.ts'

/** Calls a function for each matrix: the elements, where the matrix begins, and its number of rows. */
function eachMatrix(x: Tensor, name: string, fn: (data: Float64Array, at: number, n: number) => void): Float64Array {
  effects.sink?.refuse(`${name}()`, 'Call it before the step.')
  if (!isFloat(x.dtype)) throw notImplemented(name, x.dtype)
  const data = Float64Array.from(x.elements === 0 ? [] : x.storage.device.backend.readSync(x))
  const n = x.sizes[x.dim() - 1]
  for (let at = 0; at < data.length; at += n * n) fn(data, at, n)
  return data
}
function like(x: Tensor, data: Float64Array): Tensor {
  const out: TypedArray = newArray(x.dtype, data.length)
  out.set(data)
  return fromArray(out, x.sizes, { device: x.device })
}

/** Overwrites a matrix with its factor; returns the order of the first leading minor that is not positive, or 0. */
function factor(a: Float64Array, at: number, n: number): number {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = a[at + i * n + j]
      for (let k = 0; k < j; k++) sum -= a[at + i * n + k] * a[at + j * n + k]
      if (i > j) a[at + i * n + j] = sum / a[at + j * n + j]
      else if (sum > 0) a[at + i * n + i] = Math.sqrt(sum)
      else return i + 1
    }
    a.fill(0, at + i * n + i + 1, at + (i + 1) * n)
  }
  return 0
}

/** Whether each matrix, which must be symmetric, is positive definite. */
export function isPositiveDefinite(x: Tensor): Tensor {
  const valid: boolean[] = []
  eachMatrix(x.detach(), 'cholesky_ex', (data, at, n) => void valid.push(factor(data, at, n) === 0))
  const shape = x.sizes.slice(0, -2)
  if (valid.length === 0) return filled(shape, 'bool', 1, x.storage.device)
  return fromArray(valid.map(Number), shape, { dtype: 'bool', device: x.device })
}

class Cholesky extends AutogradFunction {
  static override forward(ctx: FunctionCtx, x: Tensor): Tensor {
    const data = eachMatrix(x, 'cholesky', (a, at, n) => {
      const order = factor(a, at, n)
      if (order === 0) return
      throw new RuntimeError(
        'linalg.cholesky: The factorization could not be completed because the input is not positive-definite ' +
          `(the leading minor of order ${order} is not positive-definite).`,
      )
    })
    const lower = like(x, data)
    ctx.saveForBackward(lower)
    return lower
  }

  static override backward(ctx: FunctionCtx, dy: Tensor): Tensor {
    const [lower] = ctx.savedTensors
    const inverse = triangularInverse(lower)
    const product = matmul(lower.transpose(-2, -1), dy)
    // The lower triangle, with half of the diagonal.
    const half = product.tril().add(product.tril(-1)).mul(0.5)
    const dx = matmul(matmul(inverse.transpose(-2, -1), half), inverse)
    return dx.add(dx.transpose(-2, -1)).mul(0.5)
  }
}

class TriangularInverse extends AutogradFunction {
  static override forward(ctx: FunctionCtx, x: Tensor): Tensor {
    const data = eachMatrix(x, 'solve_triangular', (a, at, n) => {
      // Row by row: the rows before are inverted already.
      for (let i = 0; i < n; i++) {
        const diagonal = 1 / a[at + i * n + i]
        const row = a.slice(at + i * n, at + i * n + i)
        for (let j = 0; j < i; j++) {
          let sum = 0
          for (let k = j; k < i; k++) sum += row[k] * a[at + k * n + j]
          a[at + i * n + j] = -sum * diagonal
        }
        a[at + i * n + i] = diagonal
        a.fill(0, at + i * n + i + 1, at + (i + 1) * n)
      }
    })
    const inverse = like(x, data)
    ctx.saveForBackward(inverse)
    return inverse
  }

  static override backward(ctx: FunctionCtx, dy: Tensor): Tensor {
    const transposed = ctx.savedTensors[0].transpose(-2, -1)
    return matmul(matmul(transposed, dy), transposed).neg().tril()
  }
}

/** The lower triangular matrix whose product with its transpose is `x`. */
export const cholesky = (x: Tensor): Tensor => Cholesky.apply(x) as Tensor
/** The inverse of a lower triangular matrix; what is above the diagonal is not read. */
export const triangularInverse = (x: Tensor): Tensor => TriangularInverse.apply(x) as Tensor
