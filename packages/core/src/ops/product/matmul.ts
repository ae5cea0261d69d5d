// Matrix products. One op computes [..., m, k] x [..., k, n]; mm, bmm, mv, dot, matmul, addmm and linear call it.
// Transposes reach the kernel as strides.
import { cName as cNames, type DType, dtypeName } from '../../base/dtype.ts'
import { mixed } from '../../base/promotion.ts'
import { RuntimeError } from '../../base/errors.ts'
import { toInt } from '../../base/remedies.ts'
import { broadcastShapes, numelOf, type Shape, shapeString } from '../../base/shape.ts'
import type { Spec } from '../../backend/backend.ts'
import { apply } from '../../tensor/apply.ts'
import { applyInPlace } from '../../tensor/in-place.ts'
import type { Input, OpDef } from '../../tensor/op.ts'
import {
  type Arguments,
  type Takes,
  isTensor,
  keyword,
  method,
  nullable,
  number,
  optional,
  required,
  tensor,
} from '../../tensor/signature.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { notImplemented } from '../define/arguments.ts'
import { type Elementwise, expandTo, sumTo } from '../define/elementwise.ts'
import type { Overloaded } from '../define/overloads.ts'
import { ownView, reshapeOp } from '../define/views.ts'
import { add, mul } from '../pointwise/arithmetic.ts'
import { expand, expandedShape, t, transpose, view } from '../views/views.ts'
import { type Added, addedOp, biasing, counts, factors, factorsFor } from './contraction.ts'

const transposed = (x: Tensor): Tensor => (x.dim() === 2 ? t(x) : transpose(x, -2, -1))

const ofMatrices = counts(0, 1)
const ofBatches = counts(1, 1)
const withBias = biasing(ofMatrices)

/** The C name of a dtype. */
export const cName: Readonly<Record<DType, string>> = { ...cNames, int32: 'long' }
/** Throws for factors of different dtypes, and for bools, which `kernel` of PyTorch does not multiply. */
function checkDTypes(a: Spec, b: Spec, kernel: string): void {
  if (a.dtype === 'bool' && a.sizes.length > 0 && numelOf(a.sizes) > 0) throw notImplemented(kernel, 'bool', toInt)
  if (a.dtype === b.dtype) return
  throw mixed(
    a.dtype,
    b.dtype,
    `expected m1 and m2 to have the same dtype, but got: ${cName[a.dtype]} != ${cName[b.dtype]}`,
  )
}

/** addmm has its own message for different dtypes. */
function checkBeside(name: string, x: Spec, b: Spec): void {
  if (x.dtype === b.dtype) return
  throw new RuntimeError(
    `${name} and mat2 must have the same dtype`,
    `They are ${dtypeName[x.dtype]} and ${dtypeName[b.dtype]}; convert one: x.to('${b.dtype}').`,
  )
}

/**
 * [m, k] x [k, n], or with equal batch dimensions first; an optional third input is added (addmm). If the second factor
 * is a transposed weight, its gradient is computed transposed, so that the gradient of the weight is row-major.
 */
const productOp = (name: string, weight = false): OpDef<null> => ({
  name,
  infer([a, b, bias]) {
    if (bias !== undefined) {
      checkBeside('self', bias, b)
      checkBeside('mat1', a, b)
    }
    checkDTypes(a, b, name === 'bmm' ? name : 'addmm_impl_cpu_')
    const rank = a.sizes.length
    const shape = [...a.sizes.slice(0, rank - 1), b.sizes[rank - 1]]
    if (bias !== undefined && (bias.sizes.length !== 1 || bias.sizes[0] !== shape[rank - 1])) expandedShape(bias, shape)
    return [{ sizes: shape, dtype: a.dtype }]
  },
  saves: factors,
  vjp: (ctx) => [
    ctx.needs(0) ? product(ctx.dy, transposed(ctx.input(1))) : null,
    ctx.needs(1)
      ? weight
        ? transposed(product(transposed(ctx.dy), ctx.input(0)))
        : product(transposed(ctx.input(0)), ctx.dy)
      : null,
    ctx.needs(2) ? sumTo(ctx.dy, ctx.inputSpec(2).sizes) : null,
  ],
  to: {
    kind: 'kernel',
    prim: 'contract',
    lower: (_, inputs) =>
      inputs.length === 3 ? withBias(inputs[0].dtype) : inputs[0].sizes.length === 2 ? ofMatrices : ofBatches,
  },
})
const mmOp = productOp('mm')
const bmmOp = productOp('bmm')
const addmmOp = productOp('addmm')
const linearOp = productOp('mm', true)
const biasedLinearOp = productOp('addmm', true)

const product = (a: Tensor, b: Tensor): Tensor => apply(a.dim() === 2 ? mmOp : bmmOp, [a, b], null)

/** The second factor, by position or by name. Throws unless there are exactly two arguments, both tensors. */
function readFactor(name: string, second: string, a: Tensor, b: unknown, none: readonly unknown[]): Tensor {
  if (isTensor(a) && isTensor(b) && none.length === 0) return b
  return method(name, required(second, tensor))(a, [b, ...none])[0]
}

const rankError = (name: string, which: string, dims: number, x: Tensor): RuntimeError =>
  new RuntimeError(`${name} must be a ${which}`, `Expected ${dims} dimensions, got shape ${shapeString(x.sizes)}.`)

function checkInner(a: Tensor, b: Tensor): void {
  if (a.sizes[1] !== b.sizes[0]) {
    throw new RuntimeError(
      `mat1 and mat2 shapes cannot be multiplied (${a.sizes[0]}x${a.sizes[1]} and ${b.sizes[0]}x${b.sizes[1]})`,
      `The columns of the first matrix (${a.sizes[1]}) must equal the rows of the second (${b.sizes[0]}).`,
    )
  }
}

/**
 * The product of matrices [m, k] and [k, n]: [m, n], in their dtype.
 *
 * Throws a RuntimeError for tensors that are not matrices, and for sizes or dtypes that do not match.
 *
 * @example
 * mm(tensor([[1, 2]]), tensor([[3], [4]])) // tensor([[11.]])
 */
export function mm(a: Tensor, mat2: Tensor | { readonly mat2: Tensor }, ...none: []): Tensor {
  const b = readFactor('mm', 'mat2', a, mat2, none)
  if (a.dim() !== 2) throw rankError('self', 'matrix', 2, a)
  if (b.dim() !== 2) throw rankError('mat2', 'matrix', 2, b)
  checkInner(a, b)
  return product(a, b)
}

/**
 * The product of batches of matrices: [b, m, k] times [b, k, n] is [b, m, n]. It does not broadcast; matmul() does.
 *
 * @example
 * bmm(ones(5, 2, 3), ones(5, 3, 4)).shape // [5, 2, 4]
 */
export function bmm(a: Tensor, mat2: Tensor | { readonly mat2: Tensor }, ...none: []): Tensor {
  const b = readFactor('bmm', 'mat2', a, mat2, none)
  if (a.dim() !== 3) throw rankError('batch1', '3D tensor', 3, a)
  if (b.dim() !== 3) throw rankError('batch2', '3D tensor', 3, b)
  if (a.sizes[0] !== b.sizes[0] || a.sizes[2] !== b.sizes[1]) {
    throw new RuntimeError(
      `Expected size for first two dimensions of batch2 tensor to be: [${a.sizes[0]}, ${a.sizes[2]}] but got: [${b.sizes[0]}, ${b.sizes[1]}].`,
    )
  }
  return product(a, b)
}

/**
 * The product of a matrix [m, k] and a vector [k]: [m].
 *
 * @example
 * mv(tensor([[1, 2], [3, 4]]), tensor([1, 1])) // tensor([3., 7.])
 */
export function mv(a: Tensor, vec: Tensor | { readonly vec: Tensor }, ...none: []): Tensor {
  const v = readFactor('mv', 'vec', a, vec, none)
  if (a.dim() !== 2 || v.dim() !== 1) {
    throw new RuntimeError(`vector + matrix @ vector expected, got 1, ${a.dim()}, ${v.dim()}`)
  }
  if (a.sizes[1] !== v.sizes[0]) {
    throw unequal(a.sizes[0], a.sizes[1], v.sizes[0])
  }
  checkDTypes(a, v, 'addmv_impl_cpu')
  return apply(mvOp, [a, v], null)
}

/** The product of a matrix and a vector is a matrix product whose second factor has one column. */
const mvOp: OpDef<null> = {
  name: 'mv',
  infer: ([a]) => [{ sizes: [a.sizes[0]], dtype: a.dtype }],
  saves: () => ({ inputs: [0, 1] }),
  vjp: (ctx) => {
    const dy = apply(reshapeOp, [ctx.dy], [ctx.dy.sizes[0], 1])
    const [a, v] = [ctx.input(0), ctx.input(1)]
    return [
      ctx.needs(0) ? product(dy, apply(reshapeOp, [v], [1, v.sizes[0]])) : null,
      ctx.needs(1) ? apply(reshapeOp, [product(transposed(a), dy)], v.sizes) : null,
    ]
  },
  to: {
    kind: 'compose',
    compose: ([a, v]) => {
      const column = apply(reshapeOp, [v], [v.sizes[0], 1])
      return [apply(reshapeOp, [product(a as Tensor, column)], [a.sizes[0]])]
    },
  },
}

/**
 * The inner product of two vectors of one size and dtype, without dimensions.
 *
 * @example
 * dot(tensor([1, 2]), tensor([3, 4])) // tensor(11.)
 */
export function dot(a: Tensor, tensor: Tensor | { readonly tensor: Tensor }, ...none: []): Tensor {
  const b = readFactor('dot', 'tensor', a, tensor, none)
  if (a.dim() !== 1 || b.dim() !== 1) {
    throw new RuntimeError(`1D tensors expected, but got ${a.dim()}D and ${b.dim()}D tensors`)
  }
  if (a.dtype !== b.dtype) {
    throw new RuntimeError(
      `dot : expected both vectors to have same dtype, but found ${dtypeName[a.dtype]} and ${dtypeName[b.dtype]}`,
    )
  }
  if (a.dtype === 'bool') throw notImplemented('dot', 'bool', toInt)
  if (a.sizes[0] !== b.sizes[0]) {
    throw new RuntimeError(
      `inconsistent tensor size, expected tensor [${a.sizes[0]}] and src [${b.sizes[0]}] to have the same number of elements, but got ${a.sizes[0]} and ${b.sizes[0]} elements respectively`,
    )
  }
  return apply(dotOp, [a, b], null)
}
const dotOp: OpDef<null> = {
  name: 'dot',
  infer: ([a]) => [{ sizes: [], dtype: a.dtype }],
  saves: () => ({ inputs: [0, 1] }),
  vjp: (ctx) => [mul(ctx.dy, ctx.input(1)), mul(ctx.dy, ctx.input(0))],
  to: {
    kind: 'compose',
    compose: ([a, b]) => [
      apply(reshapeOp, [product(apply(reshapeOp, [a], [1, a.sizes[0]]), apply(reshapeOp, [b], [b.sizes[0], 1]))], []),
    ],
  },
}

/**
 * The product of two tensors by PyTorch's rules: vectors give the inner product, matrices are multiplied, leading
 * dimensions broadcast.
 *
 * @example
 * matmul(ones(2, 3), ones(3, 4)).shape // [2, 4]
 */
export function matmul(a: Tensor, other: Tensor | { readonly other: Tensor }, ...none: []): Tensor {
  const b = readFactor('matmul', 'other', a, other, none)
  const [p, q] = [a.dim(), b.dim()]
  if (p === 0 || q === 0) {
    throw new RuntimeError(`both arguments to matmul need to be at least 1D, but they are ${p}D and ${q}D`)
  }
  if (p === 1 && q === 1) return dot(a, b)
  if (p === 2 && q === 1) return mv(a, b)
  if (p === 2 && q === 2) return mm(a, b)
  if (p === 1 && q === 2) {
    const row = apply(reshapeOp, [a], [1, a.sizes[0]])
    checkInner(row, b)
    return apply(squeezedRow, [product(row, b)], [b.sizes[1]])
  }
  return batched(a, b)
}
/** A product under the requested shape. Nobody else has its memory, so it is not a view. */
const shaped = ownView('UnsafeViewBackward0')
const squeezedRow = ownView('SqueezeBackward3')
/** PyTorch transposes a matrix times batches, and copies the result back unless it is row-major already. */
const copied = ownView('clone')
const turned = ownView('transpose')

/** PyTorch's message for a matrix, here all batches on top of each other, and a vector. */
const unequal = (rows: number, columns: number, elements: number): RuntimeError =>
  new RuntimeError(
    `size mismatch, got ${rows}, ${rows}x${columns},${elements}`,
    `The columns of the matrix (${columns}) must equal the elements of the vector (${elements}).`,
  )

/** At least 3 dimensions on one side: leading dimensions broadcast, and a vector is a row or a column. */
function batched(a: Tensor, b: Tensor): Tensor {
  const left = a.dim() === 1 ? apply(reshapeOp, [a], [1, a.sizes[0]]) : a
  const right = b.dim() === 1 ? apply(reshapeOp, [b], [b.sizes[0], 1]) : b
  const [m, k] = left.sizes.slice(-2)
  const [k2, n] = right.sizes.slice(-2)
  /** The product without the dimension that a vector got. */
  const finish = (y: Tensor, batch: Shape): Tensor => {
    const rows = a.dim() === 1 ? [] : [m]
    const op = a.dim() !== 2 ? shaped : m === 1 || n === 1 ? turned : copied
    return apply(op, [y], [...batch, ...rows, ...(b.dim() === 1 ? [] : [n])])
  }
  // One matrix for all batches: the rows of all batches are one tall matrix.
  if (right.dim() === 2) {
    const batch = left.sizes.slice(0, -2)
    const rows = numelOf(batch) * m
    if (b.dim() === 1 && k !== k2) throw unequal(rows, k, k2)
    const tall = apply(reshapeOp, [left], [rows, k])
    checkInner(tall, right)
    return finish(product(tall, right), batch)
  }
  const batch = broadcastShapes(left.sizes.slice(0, -2), right.sizes.slice(0, -2))
  if (k !== k2) {
    const size = numelOf(batch)
    if (a.dim() === 1) throw unequal(size * n, k2, k)
    throw new RuntimeError(
      `Expected size for first two dimensions of batch2 tensor to be: [${size}, ${k}] but got: [${size}, ${k2}].`,
      `The last size of the first tensor (${k}) must equal the second-to-last of the second (${k2}).`,
    )
  }
  const flat = (x: Tensor, rows: number, columns: number): Tensor => {
    const full: Shape = [...batch, rows, columns]
    return apply(reshapeOp, [expandTo(x, full)], [numelOf(batch), rows, columns])
  }
  return finish(product(flat(left, m, k), flat(right, k, n)), batch)
}

const addmmArguments = method(
  'addmm',
  required('mat1', tensor),
  required('mat2', tensor),
  keyword('beta', number, 1),
  keyword('alpha', number, 1),
)
const scaledSum = addedOp('addmm')
function addmmCall(x: Tensor, args: Added<'mat1 mat2'>): { a: Tensor; b: Tensor; beta: number; alpha: number } {
  const [mat1, mat2, beta, alpha] = addmmArguments(x, args)
  for (const [name, factor] of Object.entries({ mat1, mat2 })) {
    if (factor.dim() !== 2) throw new RuntimeError(`${name} must be a matrix, got ${factor.dim()}-D tensor`)
  }
  checkInner(mat1, mat2)
  return { a: mat1, b: mat2, beta, alpha }
}
function resolveAddmm(x: Tensor, ...args: Added<'mat1 mat2'>): readonly [Elementwise, readonly Input[]] {
  const { a, b, beta, alpha } = addmmCall(x, args)
  checkBeside('self', x, b)
  checkBeside('mat1', a, b)
  const made = product(a, b)
  expandedShape(x, made.sizes)
  return [scaledSum, [x, made, ...factorsFor(made.dtype, beta, alpha)]]
}
/**
 * `beta * input + alpha * (mat1 @ mat2)` for matrices [m, k] and [k, n]; the input broadcasts to [m, n].
 *
 * @example
 * addmm(ones(2), tensor([[1, 2]]), ones(2, 2), { alpha: 2 }) // tensor([[7., 7.]])
 */
export const addmm: Overloaded<[x: Tensor, ...args: Added<'mat1 mat2'>]> = Object.assign(
  (x: Tensor, ...args: Added<'mat1 mat2'>): Tensor => {
    const { a, b, beta, alpha } = addmmCall(x, args)
    if (beta !== 1 || alpha !== 1) return apply(...resolveAddmm(x, ...args), null)
    return apply(addmmOp, [a, b, expand(x, [a.sizes[0], b.sizes[1]])], null)
  },
  { resolve: resolveAddmm },
)

const linearArguments = method('linear', required('weight', tensor), optional('bias', nullable(tensor), null))
/**
 * `x @ weight.t() + bias`: x [..., in], weight [out, in], bias [out] or null. The result is [..., out] in their dtype. With a
 * weight [in] and no bias it is [...].
 *
 * @example
 * F.linear(tensor([1, 2]), tensor([[3, 4]]), tensor([0.5])) // tensor([11.5000])
 */
export function linear(
  x: Tensor,
  ...args: Takes<[weight: Tensor], 'weight', Arguments<[bias: Tensor | null], { readonly bias?: Tensor | null }>>
): Tensor {
  const [weight, bias] = linearArguments(x, args)
  if (weight.dim() === 1) {
    if (bias !== null)
      throw new RuntimeError('mat2 must be a matrix, got 1-D tensor', 'A weight of one output has no bias.')
    return matmul(x, weight)
  }
  const w = transposed(weight)
  if (x.dim() === 2) {
    checkInner(x, w)
    return bias === null ? apply(linearOp, [x, w], null) : apply(biasedLinearOp, [x, w, bias], null)
  }
  // If the rows of a batch are the rows of one matrix, PyTorch uses that matrix and a view of its product.
  if (x.dim() === 3 && bias !== null && x.isContiguous()) {
    const [batch, rows, columns] = x.sizes
    return view(linear(view(x, batch * rows, columns), weight, bias), batch, rows, weight.sizes[0])
  }
  const y = matmul(x, w)
  if (bias === null) return y
  if (bias.dtype === y.dtype) return add(y, bias)
  const [op, inputs] = add.resolve(y, bias)
  return applyInPlace(op, y, inputs, null)
}
