// Writing to a tensor: fill_, zero_, copy_, and in-place autograd switches. They follow PyTorch's rules for leaves and
// views (tensor/apply.ts), and have no form without underscore.
import type { Prims } from '../../backend/backend.ts'
import { RuntimeError } from '../../base/errors.ts'
import { broadcastShapes, checkOutput } from '../../base/shape.ts'
import { s } from '../../expr/expr.ts'
import { apply, operand } from '../../tensor/apply.ts'
import { applyInPlace, checkWritable, write } from '../../tensor/in-place.ts'
import type { OpDef } from '../../tensor/op.ts'
import { type Takes, also, bool, either, method, optional, required, scalar, tensor } from '../../tensor/signature.ts'
import { Tensor } from '../../tensor/tensor.ts'
import { numberFor } from '../define/arguments.ts'
import { toDevice } from '../create/convert.ts'
import { sumTo } from '../define/elementwise.ts'
import { filled, toDType } from '../define/fill.ts'
import { byCase, noAxes } from '../define/kernels.ts'
import { diagonal, narrow } from '../views/views.ts'

/** Inputs: the overwritten tensor, which is not read, and the new elements, which are broadcast and converted. */
function overwrite(name: string): OpDef<null> {
  const kernelOf = byCase((_, from, to): Prims['map'] => ({ outs: [{ expr: s.cast(s.input(1, from), to) }] }))
  return {
    name,
    infer: ([x]) => [{ sizes: x.sizes, dtype: x.dtype }],
    vjp: (ctx) => {
      const { dy } = ctx
      const source = ctx.needs(1) ? ctx.inputSpec(1) : null
      return [
        ctx.needs(0) ? filled(dy.sizes, dy.dtype, 0, dy.storage.device) : null,
        source === null ? null : toDType(sumTo(dy, source.sizes), source.dtype),
      ]
    },
    to: {
      kind: 'kernel',
      prim: 'map',
      lower: (_, [x, value]) => kernelOf(noAxes, value.wrapped === true ? x.dtype : value.dtype, x.dtype),
    },
  }
}
const fillNumber = overwrite('FillBackward2')
const fillTensor = overwrite('FillBackward3')
const zeroOp = overwrite('zero')
const copyOp = overwrite('CopyBackwards')

/** Fills a whole tensor in place, or the part that a view covers. */
const fillWith = (op: OpDef<null>, x: Tensor, value: Tensor | number | boolean): Tensor =>
  applyInPlace(op, x, [x, value instanceof Tensor ? value : operand(numberFor(value, x.dtype))], null)

const fillArguments = method('fill_', required('value', { ...either(tensor, scalar), expected: 'Number' }))
/**
 * Sets every element to `value`, a number or a tensor without dimensions.
 *
 * @example
 * zeros(2).fill_(3) // tensor([3., 3.])
 */
export function fill_(x: Tensor, ...args: Takes<[value: Tensor | number | boolean], 'value'>): Tensor {
  const [value] = fillArguments(x, args)
  if (!(value instanceof Tensor)) return fillWith(fillNumber, x, value)
  checkScalar(value)
  return fillWith(fillTensor, x, value)
}
function checkScalar(value: Tensor): void {
  if (value.dim() === 0) return
  throw new RuntimeError(`fill_ only supports 0-dimension value tensor but got tensor with ${value.dim()} dimensions.`)
}

const filledNumber = overwrite('FillBackward0')
const filledTensor = overwrite('FillBackward1')
const fillAnew = method('fill', required('value', { ...either(tensor, scalar), expected: 'Number' }))
/** A tensor of the same shape with `value`, a number or a tensor without dimensions, in every element. */
export function fill(x: Tensor, ...args: Takes<[value: Tensor | number | boolean], 'value'>): Tensor {
  const [value] = fillAnew(x, args)
  if (!(value instanceof Tensor)) return apply(filledNumber, [x, operand(numberFor(value, x.dtype))], null)
  checkScalar(value)
  return apply(filledTensor, [x, value], null)
}

const diagonalArguments = method(
  'fill_diagonal_',
  required('fillValue', { ...either(tensor, scalar), expected: 'Number' }),
  optional('wrap', bool, false),
)
/**
 * Sets the elements whose indices are all equal to `fillValue`. With `wrap`, the diagonal of a tall matrix begins anew
 * below it, after an empty row.
 *
 * @example
 * fillDiagonal_(zeros(2, 2), 3) // tensor([[3., 0.],
 *                               //         [0., 3.]])
 */
export function fillDiagonal_(
  x: Tensor,
  ...args: Takes<[fillValue: Tensor | number | boolean], 'fillValue', [wrap?: boolean | { readonly wrap?: boolean }]>
): Tensor {
  const [given, wrap] = diagonalArguments(x, args)
  if (x.dim() < 2) throw new RuntimeError('dimensions must larger than 1', `This tensor has ${x.dim()}.`)
  const [rows, columns] = x.sizes
  if (x.dim() > 2 && x.sizes.some((n) => n !== rows))
    throw new RuntimeError('all dimensions of input must be of equal length')
  if (given instanceof Tensor) checkScalar(given)
  const value = given instanceof Tensor ? given.item() : given
  for (let top = 0; top === 0 || top < rows; top += columns + 1) {
    let line = top === 0 ? x : narrow(x, 0, top, rows - top)
    while (line.dim() > 1) line = diagonal(line, 0, 0, line.dim() - 1)
    fill_(line, value)
    if (!wrap || x.dim() > 2) break
  }
  return x
}

const zeroArguments = method('zero_')
/** Sets every element to 0. */
export function zero_(x: Tensor, ...none: []): Tensor {
  zeroArguments(x, none)
  return fillWith(zeroOp, x, 0)
}

const copyArguments = method(
  'copy_',
  also(required('other', { ...either(tensor, scalar), expected: 'Tensor' }), 'src'),
  optional('nonBlocking', bool, false),
)
/**
 * Overwrites the elements with those of `src`, a tensor or a number, which is broadcast and converted. Gradients flow to
 * `src`.
 *
 * @example
 * zeros(2, 2).copy_(tensor([1, 2])) // tensor([[1., 2.],
 *                                   //         [1., 2.]])
 */
export function copy_(
  x: Tensor,
  ...args: Takes<
    [other: Tensor | number | boolean],
    'other',
    [nonBlocking?: boolean | { readonly nonBlocking?: boolean }]
  >
): Tensor {
  const [src] = copyArguments(x, args)
  if (!(src instanceof Tensor)) return fill_(x, src)
  checkWritable(x, [src])
  checkOutput(x.sizes, broadcastShapes(x.sizes, src.sizes))
  const source = toDevice(src, x.storage.device)
  return x.viewOf === null ? applyInPlace(copyOp, x, [x, source], null) : write(x, toDType(source, x.dtype))
}

const requiresGradArguments = method('requires_grad_', optional('requiresGrad', bool, true))
/**
 * Sets whether backward collects a gradient for this leaf; for a result, only true is allowed.
 *
 * @example
 * zeros(3).requiresGrad_()
 */
export function requiresGrad_(
  x: Tensor,
  ...args: [requiresGrad?: boolean | { readonly requiresGrad?: boolean }]
): Tensor {
  const [requiresGrad] = requiresGradArguments(x, args)
  return x.setRequiresGrad(requiresGrad)
}

const detachArguments = method('detach_')
/** Detaches a tensor from the graph that made it, in place; not for views. */
export function detach_(x: Tensor, ...none: []): Tensor {
  detachArguments(x, none)
  if (x.viewOf !== null) {
    throw new RuntimeError("Can't detach views in-place. Use detach() instead.")
  }
  x.rebase(null, 0)
  return x.setRequiresGrad(false)
}
