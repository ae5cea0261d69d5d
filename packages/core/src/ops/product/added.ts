// Products that are added to a tensor: addmv, addr, baddbmm and addbmm, `beta * input + alpha * product`. The sum is an
// elementwise op of the input and the product, so that each has an in-place form; addmm is in matmul.ts.
import { isFloat } from '../../base/dtype.ts'
import { RuntimeError } from '../../base/errors.ts'
import { toInt } from '../../base/remedies.ts'
import { resultType, mixed } from '../../base/promotion.ts'
import { shapeString } from '../../base/shape.ts'
import { s } from '../../expr/expr.ts'
import { apply } from '../../tensor/apply.ts'
import type { Input } from '../../tensor/op.ts'
import { keyword, method, number, required, tensor } from '../../tensor/signature.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { notImplemented } from '../define/arguments.ts'
import { type Elementwise, elementwise } from '../define/elementwise.ts'
import { type Overloaded, overloaded } from '../define/overloads.ts'
import { toDType } from '../define/fill.ts'
import { reshapeOp } from '../define/views.ts'
import { sum } from '../reduce/reduce.ts'
import { expandedShape } from '../views/views.ts'
import { type Added, addedOp, factorsFor, sumOf } from './contraction.ts'
import { bmm, mv } from './matmul.ts'

/** A function that adds what `product` gives for the two tensors; the names are PyTorch's. */
function adding<N extends string>(
  name: string,
  names: N,
  op: Elementwise,
  product: (a: Tensor, b: Tensor, x: Tensor) => Tensor,
): Overloaded<[x: Tensor, ...args: Added<N>]> {
  const [first, second] = names.split(' ')
  const read = method(
    name,
    required(first, tensor),
    required(second, tensor),
    keyword('beta', number, 1),
    keyword('alpha', number, 1),
  )
  return overloaded((x: Tensor, ...args: Added<N>): readonly [Elementwise, readonly Input[]] => {
    const [a, b, beta, alpha] = read(x, args)
    const made = product(a, b, x)
    return [op, [toDType(x, made.dtype), made, ...factorsFor(made.dtype, beta, alpha)]]
  })
}

/**
 * `beta * input + alpha * (mat @ vec)` for a matrix [m, k] and a vector [k]; the input broadcasts to [m].
 *
 * @example
 * addmv(ones(2), tensor([[1, 2], [3, 4]]), ones(2), { alpha: 2 }) // tensor([ 7., 15.])
 */
export const addmv: Overloaded<[x: Tensor, ...args: Added<'mat vec'>]> = adding(
  'addmv',
  'mat vec',
  addedOp('addmv'),
  (mat, vec, x) => {
    const ranks = [x, mat, vec].map((t) => t.dim())
    if (ranks[0] > 1 || ranks[1] !== 2 || ranks[2] !== 1) {
      throw new RuntimeError(
        `vector + matrix @ vector expected, got ${Math.max(ranks[0], 1)}, ${ranks[1]}, ${ranks[2]}`,
      )
    }
    const [[m, k], [n]] = [mat.sizes, vec.sizes]
    const own = x.elements === 1 ? m : x.elements
    if (k !== n || own !== m) throw new RuntimeError(`size mismatch, got ${own}, ${m}x${k},${n}`)
    return mv(mat, vec)
  },
)

const outerOp = elementwise('addr', (x, a, b, beta, alpha) => sumOf(x, s.mul(a, b), beta, alpha))
const addrArguments = method(
  'addr',
  required('vec1', tensor),
  required('vec2', tensor),
  keyword('beta', number, 1),
  keyword('alpha', number, 1),
)
/**
 * `beta * input + alpha * outer(vec1, vec2)` for vectors [m] and [n]; the input broadcasts to [m, n].
 *
 * @example
 * addr(zeros(1), tensor([1, 2]), tensor([3, 4])) // tensor([[3., 4.],
 *                                               //         [6., 8.]])
 */
export const addr: Overloaded<[x: Tensor, ...args: Added<'vec1 vec2'>]> = overloaded(
  (x: Tensor, ...args: Added<'vec1 vec2'>) => {
    const [a, b, beta, alpha] = addrArguments(x, args)
    ;[a, b].forEach((v, i) => {
      if (v.dim() === 1) return
      throw new RuntimeError(
        `addr: Expected 1-D argument vec${i + 1}, but got ${v.dim()}-D`,
        `Its shape is ${shapeString(v.sizes)}.`,
      )
    })
    expandedShape(x, [a.elements, b.elements])
    const whole = !isFloat(resultType([x, a, b]))
    for (const [factor, value] of Object.entries({ beta, alpha })) {
      if (whole && !Number.isInteger(value))
        throw new RuntimeError(`For integral input tensors, argument ${factor} must not be a floating point number.`)
    }
    const factors = factorsFor(whole ? x.dtype : 'float32', beta, alpha)
    return [outerOp, [x, apply(reshapeOp, [a], [a.elements, 1]), b, ...factors]]
  },
)

/**
 * `beta * input + alpha * (batch1 @ batch2)` for batches of matrices [b, m, k] and [b, k, n]; the input broadcasts to
 * [b, m, n].
 *
 * @example
 * baddbmm(ones(1), ones(5, 2, 3), ones(5, 3, 4)).shape // [5, 2, 4]
 */
export const baddbmm: Overloaded<[x: Tensor, ...args: Added<'batch1 batch2'>]> = adding(
  'baddbmm',
  'batch1 batch2',
  addedOp('baddbmm'),
  (a, b, x) => {
    if (a.dtype === 'bool') throw notImplemented('baddbmm', 'bool', toInt)
    const made = bmm(a, b)
    expandedShape(x, made.sizes)
    return made
  },
)
/**
 * `beta * input + alpha * (the sum of batch1 @ batch2 over the batch)` for [b, m, k] and [b, k, n]; the input
 * broadcasts to [m, n].
 *
 * @example
 * addbmm(zeros(2, 4), ones(5, 2, 3), ones(5, 3, 4)).at(0, 0) // tensor(15.)
 */
export const addbmm: Overloaded<[x: Tensor, ...args: Added<'batch1 batch2'>]> = adding(
  'addbmm',
  'batch1 batch2',
  addedOp('addbmm'),
  (a, b, x) => {
    if (a.dim() === 3 && b.dim() === 3) {
      const [[batch, m, k], [others, n, columns]] = [a.sizes, b.sizes]
      if (batch !== others)
        throw new RuntimeError(`batch1 and batch2 must have same number of batches, got ${batch} and ${others}`)
      if (k !== n) throw new RuntimeError(`Incompatible matrix sizes for bmm (${m}x${k} and ${n}x${columns})`)
      expandedShape(x, [m, columns])
    }
    const other = a.dtype === b.dtype ? x : a
    if (other.dtype !== b.dtype)
      throw mixed(other.dtype, b.dtype, `${other === x ? 'self' : 'mat1'} and mat2 must have the same dtype`)
    if (a.dtype === 'bool') throw notImplemented('addmm_impl_cpu_', 'bool', toInt)
    return sum(bmm(a, b), 0)
  },
)
