// The walk: gradients flow from outputs to inputs over the nodes that the forward pass left, newest first. It is the
// only algorithm; backward() is the same walk with leaves' `.grad` as the end. Rules are ops, so they can be recorded.
import { RuntimeError, TypeError } from '../base/errors.ts'
import { sameShape, shapeString } from '../base/shape.ts'
import { add } from '../ops/elementwise.ts'
import { filled, toDType } from '../ops/fill.ts'
import { storagesMade } from '../tensor/device.ts'
import { mode, withMode } from '../tensor/mode.ts'
import { type Node, noGradients } from '../tensor/node.ts'
import type { Gradients } from '../tensor/op.ts'
import { edgeOf, Tensor } from '../tensor/tensor.ts'
import { watched } from './anomaly.ts'
import { accumulate, keep } from './collect.ts'
import { retainGrad, runHooks } from './hooks.ts'

export interface BackwardOptions {
  /** Record the gradients' own graph, for second derivatives. */
  readonly createGraph?: boolean
  /** Keep saved values for another backward; the default is `createGraph`. */
  readonly retainGraph?: boolean
  /** Only these tensors collect gradients. */
  readonly inputs?: Tensor | readonly Tensor[]
}

export interface GradOptions {
  /** The gradients of the outputs to start from; null or none for a scalar means 1. */
  readonly gradOutputs?: Tensor | null | readonly (Tensor | null)[]
  readonly createGraph?: boolean
  readonly retainGraph?: boolean
  /** Give null for an input that the outputs do not depend on, instead of an error. */
  readonly allowUnused?: boolean
}

/** The gradient of a node's output that is an answer, and which answer. */
interface Capture {
  readonly index: number
  readonly slot: number
}

interface Walk {
  readonly roots: readonly Tensor[]
  readonly seeds: readonly Tensor[]
  readonly retainGraph: boolean
  readonly createGraph: boolean
  /** The nodes that the walk is for: with captures it finds their gradients, without they collect. null: all leaves. */
  readonly targets: ReadonlyMap<Node, readonly Capture[]> | null
}

/** Performs a walk; the captured gradients, by their slots. */
function walk({ roots, seeds, retainGraph, createGraph, targets }: Walk): (Tensor | null)[] {
  const token = {}
  const nodes: Node[] = []
  const leaves: Node[] = []
  const found: (Tensor | null)[] = []
  // A walk inside a hook or a rule may pass through nodes that an outer walk is at.
  const outer: { node: Node; walk: object; dys: (Tensor | null)[]; pending: number }[] = []
  const born = storagesMade()
  let sorted = true

  const reach = (node: Node): void => {
    if (node.walk !== token) {
      const { walk, dys, pending } = node
      if (walk !== null) outer.push({ node, walk, dys, pending })
      node.walk = token
      node.dys = noGradients
      node.pending = 0
      if (node.leaf !== null) leaves.push(node)
      else {
        if (nodes.length > 0 && nodes[nodes.length - 1].order < node.order) sorted = false
        nodes.push(node)
      }
    }
    node.pending++
  }

  const send = (node: Node, index: number, dy: Tensor | null | undefined): void => {
    if (dy !== null && dy !== undefined) {
      const { dys } = node
      if (dys === noGradients) {
        if (node.specs.length === 1) node.dys = [dy]
        else (node.dys = new Array<Tensor | null>(node.specs.length).fill(null))[index] = dy
      } else {
        const before = dys[index]
        dys[index] = before === null ? dy : add(before, dy)
      }
    }
    if (node.leaf !== null && --node.pending === 0) arrive(node, node.leaf)
  }

  /** All that flows to a leaf has arrived. */
  const arrive = (node: Node, leaf: Tensor): void => {
    if (node.dys === noGradients) return
    const captures = targets?.get(node)
    if (captures !== undefined && captures.length > 0) capture(node, captures)
    else if (targets === null || captures !== undefined) {
      if (node.hooks !== null) runHooks(node)
      accumulate(leaf, node.dys[0] as Tensor, born)
    }
    node.dys = noGradients
  }

  const capture = (node: Node, captures: readonly Capture[]): void => {
    for (const { index, slot } of captures) {
      const dy = node.dys[index]
      found[slot] = dy === null ? null : keep(dy)
    }
  }

  const pass = (node: Node, useful: ReadonlySet<Node> | null): void => {
    const { edges, indices } = node
    let gradients: Gradients | null = null
    if (node.dys !== noGradients) {
      const captures = targets?.get(node)
      if (captures !== undefined) capture(node, captures)
      const passes = useful === null || useful.has(node)
      if (node.hooks !== null && (passes || captures !== undefined)) runHooks(node)
      if (passes) gradients = gradientsOf(node)
      if (passes && !retainGraph) node.release()
      node.dys = noGradients
    }
    for (let i = 0; i < edges.length; i++) {
      const edge = edges[i]
      if (edge !== null) send(edge, indices === null ? 0 : indices[i], gradients === null ? null : gradients[i])
    }
  }

  try {
    for (const root of roots) reach(edgeOf(root) as Node)
    for (let i = 0; i < nodes.length; i++) {
      const { edges } = nodes[i]
      for (let k = 0; k < edges.length; k++) {
        const edge = edges[k]
        if (edge !== null) reach(edge)
      }
    }
    // A node is newer than all it depends on, so their age is an order to pass them in: PyTorch's.
    if (!sorted) nodes.sort((a, b) => b.order - a.order)
    const useful = targets === null ? null : leadingTo(targets, nodes)
    withMode('backward', { grad: createGraph, inference: false }, () => {
      for (let i = 0; i < roots.length; i++) send(edgeOf(roots[i]) as Node, roots[i].outIndex, seeds[i])
      for (let i = 0; i < nodes.length; i++) pass(nodes[i], useful)
    })
  } finally {
    for (const list of [nodes, leaves]) {
      for (const node of list) {
        node.walk = null
        node.dys = noGradients
      }
    }
    for (const { node, ...state } of outer) Object.assign(node, state)
  }
  return found
}

/** The gradients of a node's inputs; saved values are checked before. */
function gradientsOf(node: Node): Gradients {
  if (mode.anomaly) return watched(node)
  node.checkSaved()
  return (node.op.vjp as NonNullable<typeof node.op.vjp>)(node)
}

/** The nodes on a path to a target; `nodes` are newest first. */
function leadingTo(targets: ReadonlyMap<Node, unknown>, nodes: readonly Node[]): Set<Node> {
  const useful = new Set<Node>()
  for (let i = nodes.length - 1; i >= 0; i--) {
    if (nodes[i].edges.some((edge) => edge !== null && (useful.has(edge) || targets.has(edge)))) useful.add(nodes[i])
  }
  return useful
}

const list = <T>(x: T | readonly T[]): readonly T[] => (Array.isArray(x) ? (x as readonly T[]) : [x as T])

/** The gradients to start from: given ones are checked, a scalar output starts with 1. */
function seedsOf(outputs: readonly Tensor[], given: readonly (Tensor | null | undefined)[]): Tensor[] {
  if (given.length > 0 && given.length !== outputs.length) {
    throw new RuntimeError(`got ${outputs.length} tensors and ${given.length} gradients`)
  }
  return outputs.map((y, i) => {
    const seed = given[i]
    if (seed !== undefined && seed !== null && !(seed instanceof Tensor)) {
      throw new TypeError(`gradients can be either Tensors or None, but got ${typeof seed}`)
    }
    if (seed instanceof Tensor && !sameShape(seed.shape, y.shape)) {
      throw new RuntimeError(
        `Mismatch in shape: grad_output[${i}] has a shape of torch.Size(${shapeString(seed.shape)}) and output[${i}] has a shape of torch.Size(${shapeString(y.shape)}).`,
      )
    }
    const node = edgeOf(y)
    if (seed instanceof Tensor && node !== null) return toDType(seed, y.dtype)
    if (node !== null && y.elements !== 1) {
      throw new RuntimeError(
        'grad can be implicitly created only for scalar outputs',
        'Reduce it first (y.sum().backward()) or pass the gradient: y.backward(ones(y.shape)).',
      )
    }
    if (node === null) {
      throw new RuntimeError(
        `element ${i} of tensors does not require grad and does not have a grad_fn`,
        'Nothing it was made from has requiresGrad: true, or it was made inside noGrad or detached.',
      )
    }
    return filled(y.shape, y.dtype, 1, y.storage.device)
  })
}

/** The nodes of the inputs, and where their gradients go. */
function capturesOf(inputs: readonly Tensor[]): Map<Node, Capture[]> {
  const captures = new Map<Node, Capture[]>()
  inputs.forEach((x, slot) => {
    const node = edgeOf(x)
    if (node === null) throw new RuntimeError('One of the differentiated Tensors does not require grad')
    captures.set(node, [...(captures.get(node) ?? []), { index: x.outIndex, slot }])
  })
  return captures
}

/** The nodes at which `backward` with `inputs` collects; results among the inputs retain their gradients. */
function collecting(inputs: readonly Tensor[]): Map<Node, Capture[]> {
  if (inputs.length === 0) throw new RuntimeError("'inputs' argument to backward() cannot be empty.")
  return new Map(inputs.map((x) => [edgeOf(retainGrad(x)) as Node, []]))
}

/**
 * Fills `.grad` of the leaves that `outputs` were computed from, adding to what is there.
 *
 * An output of several elements needs a gradient of its shape to start from. Values that were saved for the rules are
 * let go, so a second call throws unless `retainGraph` is true.
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
  const targets = inputs === undefined ? null : collecting(list(inputs))
  const seeds = withMode('backward', { grad: createGraph }, () => seedsOf(roots, given))
  walk({ roots, seeds, retainGraph, createGraph, targets })
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
  const wanted = list(inputs)
  for (const x of [...roots, ...wanted]) if (!(x instanceof Tensor)) throw new TypeError('grad expects tensors')
  const given = gradOutputs === undefined || gradOutputs === null ? [] : list<Tensor | null>(gradOutputs)
  const seeds = withMode('grad', { grad: createGraph }, () => seedsOf(roots, given))
  const found = walk({ roots, seeds, retainGraph, createGraph, targets: capturesOf(wanted) })
  return wanted.map((_, i) => {
    const dx = found[i] ?? null
    if (dx === null && !allowUnused) {
      throw new RuntimeError(
        'One of the differentiated Tensors appears to not have been used in the graph. Set allow_unused=True if this is the desired behavior.',
        'In TypeScript: grad(y, x, { allowUnused: true }) gives null for it.',
      )
    }
    return dx
  })
}
