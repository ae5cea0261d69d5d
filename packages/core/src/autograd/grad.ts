// The walk: gradients flow from outputs to inputs over the nodes that the forward pass left, newest first. It is the
// only algorithm; backward() is the same walk with leaves' `.grad` as the end. Rules are ops, so they can be recorded.
import { dtypeName, isFloat } from '../base/dtype.ts'
import { RuntimeError, TypeError } from '../base/errors.ts'
import { isContiguous } from '../base/layout.ts'
import { sameShape, shapeString } from '../base/shape.ts'
import { cloneOp } from '../ops/define.ts'
import { add, filled, isnan } from '../ops/elementwise.ts'
import { any } from '../ops/reduce.ts'
import { inPlace } from '../ops/methods.ts'
import { apply } from '../tensor/apply.ts'
import { storagesMade } from '../tensor/device.ts'
import { effects } from '../tensor/effects.ts'
import { mode, withMode } from '../tensor/mode.ts'
import type { Node } from '../tensor/node.ts'
import { edgeOf, Tensor } from '../tensor/tensor.ts'

export interface BackwardOptions {
  /** Record the gradients' own graph, for second derivatives. */
  readonly createGraph?: boolean
  /** Keep saved values for another backward; the default is `createGraph`. */
  readonly retainGraph?: boolean
  /** Only these leaves collect gradients. */
  readonly inputs?: Tensor | readonly Tensor[]
}

export interface GradOptions {
  readonly gradOutputs?: Tensor | null | readonly (Tensor | null)[]
  readonly createGraph?: boolean
  readonly retainGraph?: boolean
  /** Give null for an input that the outputs do not depend on, instead of an error. */
  readonly allowUnused?: boolean
}

interface Capture {
  readonly index: number
  readonly slot: number
}

/** What a walk does with the gradients it finds: fills leaves' `.grad`, or returns those of given tensors. */
interface Ends {
  /** Gradients wanted of these nodes; null: every leaf collects. */
  readonly captures: Map<Node, Capture[]> | null
  readonly found: (Tensor | null)[]
  /** Captured leaves collect too (backward with `inputs`). */
  readonly collect: boolean
}

function walk(roots: readonly Tensor[], seeds: readonly Tensor[], retain: boolean, create: boolean, ends: Ends): void {
  const token = {}
  const visited: Node[] = []
  const outer: { node: Node; walk: object; pending: number; gathered: (Tensor | null)[] | null }[] = []
  const born = storagesMade()

  const visit = (node: Node): void => {
    const { walk, pending, gathered } = node
    // A backward inside a hook or a custom function may pass through nodes that an outer walk holds.
    if (walk !== null) outer.push({ node, walk, pending, gathered })
    node.walk = token
    node.pending = 0
    node.gathered = null
    visited.push(node)
  }

  /** Ready nodes, oldest first. */
  const ready: Node[] = []
  const enqueue = (node: Node): void => {
    let at = ready.length
    while (at > 0 && ready[at - 1].order > node.order) at--
    if (at === ready.length) ready.push(node)
    else ready.splice(at, 0, node)
  }
  const deliver = (node: Node, index: number, dy: Tensor): void => {
    if (node.gathered === null) node.gathered = node.specs.length === 1 ? [null] : new Array(node.specs.length).fill(null)
    const before = node.gathered[index]
    node.gathered[index] = before === null ? dy : add(before, dy)
  }

  const collect = (node: Node): void => {
    const leaf = node.leaf as Tensor
    const dy = node.gathered?.[0]
    if (dy === null || dy === undefined) return
    effects.sink?.collected(leaf)
    if (leaf.grad === null) leaf.grad = create ? dy : owned(dy, born)
    else if (create) leaf.grad = add(leaf.grad, dy)
    else inPlace(add, leaf.grad, dy)
  }

  const process = (node: Node): void => {
    const { gathered, edges } = node
    if (gathered !== null) {
      if (node.hooks !== null) runHooks(node, gathered)
      const captures = ends.captures?.get(node)
      if (captures !== undefined) for (const { index, slot } of captures) ends.found[slot] = keep(gathered[index])
      if (node.leaf !== null && (ends.captures === null || (ends.collect && captures !== undefined))) collect(node)
    }
    if (node.leaf !== null || edges.length === 0) return
    const gradients = gathered !== null && node.pending === 0 && wanted(node) ? backwardOf(node, gathered, retain) : null
    for (let i = 0; i < edges.length; i++) {
      const edge = edges[i]
      if (edge === null) continue
      const dx = gradients?.[i]
      if (dx !== null && dx !== undefined) deliver(edge, node.indices === null ? 0 : node.indices[i], dx)
      if (--edge.pending === 0) enqueue(edge)
    }
  }

  let useful: Set<Node> | null = null
  const wanted = (node: Node): boolean => useful === null || useful.has(node)

  try {
    const stack: Node[] = []
    for (const root of roots) {
      const node = edgeOf(root) as Node
      if (node.walk !== token) {
        visit(node)
        stack.push(node)
      }
    }
    while (stack.length > 0) {
      const { edges } = stack.pop() as Node
      for (let i = 0; i < edges.length; i++) {
        const edge = edges[i]
        if (edge === null) continue
        if (edge.walk !== token) {
          visit(edge)
          if (edge.leaf === null) stack.push(edge)
        }
        edge.pending++
      }
    }
    if (ends.captures !== null) useful = leadingTo(ends.captures, visited)
    withMode('backward', { grad: create, inference: false }, () => {
      roots.forEach((root, i) => void deliver(edgeOf(root) as Node, root.outIndex, seeds[i]))
      for (const node of new Set(roots.map((root) => edgeOf(root) as Node))) if (node.pending === 0) enqueue(node)
      while (ready.length > 0) process(ready.pop() as Node)
    })
  } finally {
    for (const node of visited) {
      node.walk = null
      node.gathered = null
    }
    for (const { node, ...state } of outer) Object.assign(node, state)
  }
}

/** Runs a node's rule; saved values are checked before and let go after. */
function backwardOf(node: Node, gathered: readonly (Tensor | null)[], retain: boolean): readonly (Tensor | null | undefined)[] {
  node.checkSaved()
  node.dys = gathered
  const gradients = (node.op.vjp as NonNullable<typeof node.op.vjp>)(node)
  node.dys = []
  if (mode.anomaly) refuseNaN(node, gradients)
  if (!retain) node.release()
  return gradients
}

function refuseNaN(node: Node, gradients: readonly (Tensor | null | undefined)[]): void {
  gradients.forEach((dx, i) => {
    if (dx === null || dx === undefined || !isFloat(dx.dtype) || any(isnan(dx)).item() === 0) return
    throw new RuntimeError(
      `Function '${node.name}' returned nan values in its ${i}th output.`,
      `The forward call was ${node.line ?? 'made outside detectAnomaly, so its line is not known'}.`,
    )
  })
}

function runHooks(node: Node, gathered: (Tensor | null)[]): void {
  for (const { index, fn } of node.hooks ?? []) {
    const dy = gathered[index]
    if (dy === null) continue
    const replaced = fn(keep(dy) as Tensor)
    if (replaced === undefined || replaced === null) continue
    if (!sameShape(replaced.shape, dy.shape)) {
      throw new RuntimeError(
        `hook has changed the size of value: expected ${shapeString(dy.shape)}, got ${shapeString(replaced.shape)}`,
      )
    }
    gathered[index] = replaced
  }
}

/** A gradient that somebody outside the walk may hold: no leaf may take its memory over. */
function keep(dy: Tensor | null): Tensor | null {
  if (dy !== null) dy.storage.owned = true
  return dy
}

/** The gradient itself when this walk made its memory and no one else has it, else a copy. */
function owned(dy: Tensor, born: number): Tensor {
  const { storage } = dy
  const mine = storage.serial >= born && !storage.owned && storage.size === dy.elements && isContiguous(dy)
  const result = mine && dy.viewOf === null ? dy : mine ? detached(dy) : apply(cloneOp, [dy], null)
  result.storage.owned = true
  return result
}

const detached = (x: Tensor): Tensor => new Tensor(x.storage, x.shape, x.strides, x.offset, x.dtype)

/** The nodes on a path to a captured one. */
function leadingTo(captures: Map<Node, Capture[]>, visited: readonly Node[]): Set<Node> {
  const useful = new Set<Node>()
  const oldestFirst = visited.filter((node) => node.leaf === null).sort((a, b) => a.order - b.order)
  for (const node of oldestFirst) {
    if (node.edges.some((edge) => edge !== null && (useful.has(edge) || captures.has(edge)))) useful.add(node)
  }
  return useful
}

const list = <T>(x: T | readonly T[]): readonly T[] => (Array.isArray(x) ? (x as readonly T[]) : [x as T])

/** The gradients to start from: given ones are checked, a scalar output starts with 1. */
function seedsOf(outputs: readonly Tensor[], given: readonly (Tensor | null | undefined)[]): Tensor[] {
  return outputs.map((y, i) => {
    if (edgeOf(y) === null) {
      throw new RuntimeError(
        `element ${i} of tensors does not require grad and does not have a grad_fn`,
        'Nothing it was made from has requiresGrad: true, or it was made inside noGrad or detached.',
      )
    }
    const seed = given[i]
    if (seed === undefined || seed === null) {
      if (y.elements !== 1) {
        throw new RuntimeError(
          'grad can be implicitly created only for scalar outputs',
          'Reduce it first (y.sum().backward()) or pass the gradient: y.backward(ones(y.shape)).',
        )
      }
      return filled(y.shape, y.dtype, 1)
    }
    if (!sameShape(seed.shape, y.shape)) {
      throw new RuntimeError(
        `Mismatch in shape: grad_output[${i}] has a shape of torch.Size(${shapeString(seed.shape)}) and output[${i}] has a shape of torch.Size(${shapeString(y.shape)}).`,
      )
    }
    if (!isFloat(seed.dtype)) throw new RuntimeError(`expected a floating point gradient, but got ${dtypeName[seed.dtype]}`)
    return seed
  })
}

function capturesOf(inputs: readonly Tensor[]): Map<Node, Capture[]> {
  const captures = new Map<Node, Capture[]>()
  inputs.forEach((x, slot) => {
    const node = edgeOf(x)
    if (node === null) throw new RuntimeError('One of the differentiated Tensors does not require grad')
    captures.set(node, [...(captures.get(node) ?? []), { index: x.outIndex, slot }])
  })
  return captures
}

/**
 * Fills `.grad` of the leaves that `outputs` were computed from, adding to what is there.
 *
 * @example
 * const x = tensor(3, { requiresGrad: true })
 * backward(x.mul(x))
 * x.grad // tensor(6.)
 */
export function backward(
  outputs: Tensor | readonly Tensor[],
  gradients?: Tensor | null | readonly (Tensor | null)[],
  { createGraph = false, retainGraph = createGraph, inputs }: BackwardOptions = {},
): void {
  const roots = list(outputs)
  const given = gradients === undefined || gradients === null ? [] : list<Tensor | null>(gradients)
  if (inputs !== undefined && list(inputs).length === 0) throw new RuntimeError("'inputs' argument to backward() cannot be empty.")
  const seeds = withMode('backward', { grad: createGraph }, () => seedsOf(roots, given))
  const captures = inputs === undefined ? null : capturesOf(list(inputs))
  walk(roots, seeds, retainGraph, createGraph, { captures, found: [], collect: true })
}

/**
 * The gradients of the outputs' sum by the inputs; `.grad` is left alone.
 *
 * @example
 * const x = tensor(3, { requiresGrad: true })
 * const [dx] = grad(x.pow(3), x, { createGraph: true }) // tensor(27., grad_fn=<MulBackward0>)
 * grad(dx, x) // [tensor(18.)]
 */
export function grad(
  outputs: Tensor | readonly Tensor[],
  inputs: Tensor | readonly Tensor[],
  options: GradOptions & { readonly allowUnused: true },
): (Tensor | null)[]
export function grad(
  outputs: Tensor | readonly Tensor[],
  inputs: Tensor | readonly Tensor[],
  options?: GradOptions,
): Tensor[]
export function grad(
  outputs: Tensor | readonly Tensor[],
  inputs: Tensor | readonly Tensor[],
  { gradOutputs, createGraph = false, retainGraph = createGraph, allowUnused = false }: GradOptions = {},
): (Tensor | null)[] {
  const roots = list(outputs)
  const targets = list(inputs)
  for (const x of [...roots, ...targets]) if (!(x instanceof Tensor)) throw new TypeError('grad expects tensors')
  const seeds = withMode('grad', { grad: createGraph }, () =>
    seedsOf(roots, gradOutputs === undefined || gradOutputs === null ? [] : list<Tensor | null>(gradOutputs)),
  )
  const found: (Tensor | null)[] = targets.map(() => null)
  walk(roots, seeds, retainGraph, createGraph, { captures: capturesOf(targets), found, collect: false })
  if (!allowUnused && found.includes(null)) {
    throw new RuntimeError(
      'One of the differentiated Tensors appears to not have been used in the graph. Set allow_unused=True if this is the desired behavior.',
      'In TypeScript: grad(y, x, { allowUnused: true }) gives null for it.',
    )
  }
  return found
}
