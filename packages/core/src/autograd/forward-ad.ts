// Dual numbers, `torch.autograd.forward_ad`: a tensor with a tangent, its derivative along some direction, which every
// operation passes on. Here the graph remembers the operations, and `unpackDual` computes the tangent of a result with
// two passes back over it, because the gradient of a pass back is the product of the Jacobian with a vector. So a dual
// tensor requires a gradient, and its tangent ends where nothing is recorded: in `noGrad`, and after `detach`.
import { inspect } from '../base/inspect.ts'
import { checkCallable } from '../base/callable.ts'
import { isFloat } from '../base/dtype.ts'
import { RuntimeError, ValueError } from '../base/errors.ts'
import { sameShape } from '../base/shape.ts'
import { filled, toDType } from '../ops/define/fill.ts'
import { view } from '../ops/views/views.ts'
import { enableGrad, withMode } from '../tensor/mode.ts'
import type { Node } from '../tensor/node.ts'
import { int, keyword, nothingMore, nullable, required, signature, tensor } from '../tensor/signature.ts'
import { detached, edgeOf, type Tensor } from '../tensor/tensor.ts'
import { grad } from './grad.ts'

/** A tensor where its tangent begins. */
interface Root {
  readonly x: Tensor
  readonly tangent: Tensor
}

/** A tensor's two parts, by name or as a pair. */
export class UnpackedDualTensor {
  readonly primal: Tensor
  /** null if no dual tensor of this level reaches the tensor. */
  readonly tangent: Tensor | null

  constructor(primal: Tensor, tangent: Tensor | null) {
    this.primal = primal
    this.tangent = tangent
  }

  *[Symbol.iterator](): IterableIterator<Tensor | null> {
    yield this.primal
    yield this.tangent
  }

  toString(): string {
    return `UnpackedDualTensor(primal=${this.primal}, tangent=${this.tangent ?? 'None'})`
  }
  [Symbol.for(inspect)](): string {
    return this.toString()
  }
}

/** The dual tensors of the running level. */
let roots: Root[] | null = null

const makeArguments = signature('make_dual', required('tensor', tensor), required('tangent', tensor))
const unpackArguments = signature('unpack_dual', required('tensor', tensor))

/**
 * Runs `fn`, in which dual tensors can be made; when it ends, tensors lose their tangents.
 *
 * Throws a RuntimeError within another level.
 *
 * @example
 * const { dualLevel, makeDual, unpackDual } = autograd.forwardAd
 * dualLevel(() => unpackDual(makeDual(tensor([1, 2]), tensor([1, 10])).square()).tangent) // tensor([ 2., 40.])
 */
export function dualLevel<R>(fn: () => R): R {
  checkCallable('dual_level', fn)
  enterDualLevel()
  try {
    return withMode('dualLevel', {}, fn)
  } finally {
    roots = null
  }
}

/**
 * Begins a level in which dual tensors can be made, until `exitDualLevel`; returns its number, 0. `dualLevel` ends it by
 * itself.
 *
 * Throws a RuntimeError within another level.
 */
export function enterDualLevel(...none: []): number {
  nothingMore('enter_dual_level', none)
  if (roots !== null) throw new RuntimeError('Nested forward mode AD is not supported at the moment')
  roots = []
  return 0
}

const exitArguments = signature('exit_dual_level', keyword('level', nullable(int), null))
/**
 * Ends the level that `enterDualLevel` began: tensors lose their tangents.
 *
 * Throws a RuntimeError without one.
 */
export function exitDualLevel(...args: [options?: { readonly level?: number | null }]): void {
  const [level] = exitArguments(args)
  if (roots === null) throw new RuntimeError('Dual level must be a positive number.', 'No level was entered.')
  if (level !== null && level !== 0) {
    throw new RuntimeError(
      'Trying to exit a forward AD level that was not the last one that was created. This is not supported.',
    )
  }
  roots = null
}

const sizeOf = (x: Tensor): string => `[${x.sizes.join(', ')}]`

function checkFloat(what: string, x: Tensor): void {
  if (isFloat(x.dtype)) return
  throw new ValueError(`Expected ${what} to be floating point or complex, but got: torch.${x.dtype}`)
}

/**
 * A tensor with the elements of `primal` and a tangent of the same shape.
 *
 * Throws a RuntimeError outside `dualLevel`, for a tangent of another shape, and for a tensor that has a tangent; a
 * ValueError for integers.
 */
export function makeDual(...args: [primal: Tensor, tangent: Tensor]): Tensor {
  const [primal, tangent] = makeArguments(args)
  if (roots === null) {
    throw new RuntimeError(
      'Trying to create a dual Tensor for forward AD but no level exists, make sure to enter_dual_level() first.',
      'In TypeScript: autograd.forwardAd.dualLevel(() => …).',
    )
  }
  checkFloat('primal', primal)
  checkFloat('tangent', tangent)
  if (!sameShape(primal.sizes, tangent.sizes)) {
    throw new RuntimeError(
      `Trying to set a forward gradient that has a different size than that of the original Tensor, this is not supported. Tensor is of size ${sizeOf(primal)} while the given forward gradient is of size ${sizeOf(tangent)}.`,
    )
  }
  if (reached(primal).length > 0) {
    throw new RuntimeError(
      'Making a dual Tensor based on a Tensor that already has a forward gradient at the same level 0 is not supported.',
    )
  }
  const x = primal.requiresGrad ? enableGrad(() => view(primal, primal.sizes)) : detached(primal).setRequiresGrad(true)
  roots.push({ x, tangent: toDType(tangent, x.dtype) })
  return x
}

/** All nodes that a tensor depends on. */
function nodesOf(x: Tensor): ReadonlySet<Node> {
  const nodes = new Set<Node>()
  const open = [edgeOf(x)]
  while (open.length > 0) {
    const node = open.pop() ?? null
    if (node === null || nodes.has(node)) continue
    nodes.add(node)
    open.push(...node.edges)
  }
  return nodes
}

/** The dual tensors of this level that a tensor depends on. */
const reached = (x: Tensor): readonly Root[] => {
  if (roots === null || roots.length === 0) return []
  const nodes = nodesOf(x)
  return roots.filter((root) => nodes.has(edgeOf(root.x) as Node))
}

/** Whether a tensor depends on a tensor of the user's that requires a gradient. */
const isAttached = (x: Tensor, own: readonly Root[]): boolean =>
  [...nodesOf(x)].some(({ leaf }) => leaf !== null && !own.some((root) => root.x === leaf))

/**
 * The elements of a tensor and their tangent, both differentiable if the tensor depends on others that require a
 * gradient.
 */
export function unpackDual(...args: [x: Tensor]): UnpackedDualTensor {
  const [x] = unpackArguments(args)
  const own = reached(x)
  if (own.length === 0) return new UnpackedDualTensor(x, null)
  const tangent = tangentOf(x, own)
  if (isAttached(x, own)) return new UnpackedDualTensor(x, tangent)
  return new UnpackedDualTensor(detached(x), tangent === null ? null : detached(tangent))
}

function tangentOf(x: Tensor, own: readonly Root[]): Tensor | null {
  const along = filled(x.sizes, x.dtype, 0, x.storage.device).setRequiresGrad(true)
  const all = { createGraph: true, retainGraph: true, allowUnused: true }
  const inputs = own.map((root) => root.x)
  const dxs = grad(x, inputs, { ...all, gradOutputs: along })
  const parts = dxs.flatMap((dx, i) => (dx?.requiresGrad ? [{ dx, tangent: own[i].tangent }] : []))
  if (parts.length === 0) return null
  const gradOutputs = parts.map(({ tangent }) => tangent)
  return grad(
    parts.map(({ dx }) => dx),
    [along],
    { ...all, gradOutputs },
  )[0]
}
