// Jacobians and Hessians of functions, row by row: `autograd.functional`.
import { checkCallable } from '../base/callable.ts'
import { RuntimeError, TypeError } from '../base/errors.ts'
import { typeName } from '../base/python.ts'
import { filled } from '../ops/define/fill.ts'
import { stack } from '../ops/views/join.ts'
import { reshape, select, view } from '../ops/views/views.ts'
import { enableGrad } from '../tensor/mode.ts'
import { type Arguments as Given, bool, isTensor, optional, signature } from '../tensor/signature.ts'
import { detached, Tensor } from '../tensor/tensor.ts'
import { grad } from './grad.ts'

export interface JacobianOptions {
  /** Record the computation of the result, so that it can be differentiated. */
  readonly createGraph?: boolean
}

const [jacobianOptions, hessianOptions] = ['jacobian', 'hessian'].map((name) =>
  signature(name, optional('createGraph', bool, false)),
)

type Inputs = Tensor | readonly Tensor[]
/** One result for a tensor, a list of results for a list. */
type Like<T, R> = T extends Tensor ? R : R[]
/** The arguments of `fn`: a tensor for a tensor, the tensors of a list one by one. */
type Arguments<I> = I extends Tensor ? [x: Tensor] : I extends readonly [...infer T] ? T : never

const list = (x: unknown): readonly unknown[] => (Array.isArray(x) ? x : [x])

function checkTensors(name: string, what: string, xs: readonly unknown[]): readonly Tensor[] {
  for (const x of xs) {
    if (isTensor(x)) continue
    throw new TypeError(
      `The ${what} given to ${name} must be either a Tensor or a tuple of Tensors but the given ${what} has type ${typeName(x)}.`,
    )
  }
  return xs as readonly Tensor[]
}

/** Leaves with the inputs' elements; with `createGraph` views of the inputs, so that gradients reach them. */
const prepared = (inputs: readonly Tensor[], createGraph: boolean): Tensor[] =>
  inputs.map((x) => (createGraph && x.requiresGrad ? view(x, x.sizes) : detached(x).setRequiresGrad(true)))

/** The derivatives of every element of `y` with respect to `x`, in the shape of `y` followed by that of `x`. */
function derivatives(y: Tensor, xs: readonly Tensor[], createGraph: boolean): Tensor[] {
  const { device } = y.storage
  const zeros = (x: Tensor): Tensor => filled(x.sizes, x.dtype, 0, device)
  const flat = enableGrad(() => reshape(y, -1))
  const rows = Array.from({ length: y.numel() }, (_, i) => {
    if (!y.requiresGrad) return xs.map(zeros)
    const element = enableGrad(() => select(flat, 0, i))
    return grad(element, xs, { createGraph, retainGraph: true, allowUnused: true }).map((dx, k) => dx ?? zeros(xs[k]))
  })
  return xs.map((x, k) => {
    const shape = [...y.sizes, ...x.sizes]
    return rows.length === 0 ? filled(shape, x.dtype, 0, device) : reshape(stack(rows.map((row) => row[k])), shape)
  })
}

/**
 * The Jacobian of `fn` at the inputs, of shape [...output, ...input]. For several inputs or outputs, a list for each
 * output with one Jacobian for each input.
 *
 * @example
 * autograd.functional.jacobian((x) => x.square(), tensor([1, 2]))
 * // tensor([[2., 0.],
 * //         [0., 4.]])
 */
export function jacobian<I extends Inputs, O extends Inputs>(
  fn: (...inputs: Arguments<I>) => O,
  inputs: I,
  ...options: Given<[createGraph: boolean], JacobianOptions>
): Like<O, Like<I, Tensor>> {
  checkCallable('jacobian', fn)
  const [createGraph] = jacobianOptions(options)
  const xs = prepared(checkTensors('jacobian', 'inputs', list(inputs)), createGraph)
  const outputs = enableGrad(() => fn(...(xs as Arguments<I>)))
  const ys = checkTensors('jacobian', 'outputs of the user-provided function', list(outputs))
  const found = ys.map((y) => {
    const byInput = derivatives(y, xs, createGraph)
    return Array.isArray(inputs) ? byInput : byInput[0]
  })
  return (Array.isArray(outputs) ? found : found[0]) as Like<O, Like<I, Tensor>>
}

/**
 * The Hessian of a function with one element, of shape [...input, ...input]; a list of lists for several inputs.
 *
 * @example
 * autograd.functional.hessian((x) => x.pow(3).sum(), tensor([1, 2]))
 * // tensor([[ 6.,  0.],
 * //         [ 0., 12.]])
 */
export function hessian<I extends Inputs>(
  fn: (...inputs: Arguments<I>) => Tensor,
  inputs: I,
  ...options: Given<[createGraph: boolean], JacobianOptions>
): Like<I, Like<I, Tensor>> {
  checkCallable('hessian', fn)
  const [createGraph] = hessianOptions(options)
  const gradient = (...xs: readonly Tensor[]): Inputs => {
    const y: unknown = fn(...(xs as Arguments<I>))
    if (!(y instanceof Tensor)) {
      throw new RuntimeError('The function given to hessian should return a single Tensor')
    }
    if (y.numel() !== 1) {
      throw new RuntimeError('The Tensor returned by the function given to hessian should contain a single element')
    }
    const byInput = derivatives(reshape(y), xs, true)
    return Array.isArray(inputs) ? byInput : byInput[0]
  }
  return jacobian(gradient as (...xs: Arguments<I>) => Inputs, inputs, { createGraph }) as Like<I, Like<I, Tensor>>
}
