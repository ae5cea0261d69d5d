// The backward pass: gradients flow from outputs to inputs over the nodes that the forward pass created, newest first.
// It is the only algorithm; backward() is the same pass that ends in leaves' `.grad`. Gradient rules are ops, so they
// can be recorded.
import { repeated } from '../base/arrays.ts'
import { RuntimeError, TypeError } from '../base/errors.ts'
import { typeName } from '../base/python.ts'
import { numelOf, sameShape, shapeString } from '../base/shape.ts'
import { add } from '../ops/pointwise/arithmetic.ts'
import { filled, toDType } from '../ops/define/fill.ts'
import { storagesMade } from '../tensor/device.ts'
import { effects } from '../tensor/effects.ts'
import { mode, withMode } from '../tensor/mode.ts'
import { type Node, noGradients } from '../tensor/node.ts'
import type { Gradients } from '../tensor/op.ts'
import {
  type Arguments,
  bool,
  either,
  type Kind,
  keyword,
  list as listOf,
  nullable,
  optional,
  required,
  signature,
  tensor,
  tensors,
} from '../tensor/signature.ts'
import { edgeOf, Tensor } from '../tensor/tensor.ts'
import { watched } from './anomaly.ts'
import { Arrivals, joined, keep, total } from './collect.ts'
import { retainGrad, runHooks } from './hooks.ts'
import { Pieces } from './pieces.ts'

export interface BackwardOptions {
  /** Record the gradients' own graph, for second derivatives. */
  readonly createGraph?: boolean
  /** Keep saved values for another backward pass; by default the value of `createGraph`. */
  readonly retainGraph?: boolean
  /** Only these tensors collect gradients. */
  readonly inputs?: Tensor | readonly Tensor[]
}

export interface GradOptions {
  /** The gradients of the outputs to start from; null, or none for a scalar, means 1. */
  readonly gradOutputs?: Tensor | null | readonly (Tensor | null)[]
  readonly createGraph?: boolean
  readonly retainGraph?: boolean
  /** Return null for an input that the outputs do not depend on, instead of throwing. */
  readonly allowUnused?: boolean
}

/** A requested gradient of a node's output, and its place in the result. */
interface Capture {
  readonly index: number
  readonly slot: number
}

/**
 * The nodes that a pass is for: a node with captures returns their gradients, a node without collects in `.grad`. null
 * means all leaves.
 */
type Targets = ReadonlyMap<Node, readonly Capture[]> | null

/** The state of a node in an outer pass, saved while an inner pass runs in a hook or a rule. */
type Visit = Pick<Node, 'walk' | 'dys' | 'pending' | 'pieces' | 'wanted'> & { readonly node: Node }

const visitOf = (node: Node): Visit => {
  const { walk, dys, pending, pieces, wanted } = node
  return { node, walk, dys, pending, pieces, wanted }
}

class Walk {
  readonly #targets: Targets
  readonly #retainGraph: boolean
  readonly #nodes: Node[] = []
  readonly #leaves: Node[] = []
  readonly #outer: Visit[] = []
  readonly #born = storagesMade()
  readonly #arrivals = new Arrivals()
  readonly #found: (Tensor | null)[] = []
  #sorted = true

  constructor(targets: Targets, retainGraph: boolean) {
    this.#targets = targets
    this.#retainGraph = retainGraph
  }

  /** Runs the pass; returns the captured gradients by their slots. */
  run(roots: readonly Tensor[], seeds: readonly Tensor[], createGraph: boolean): readonly (Tensor | null)[] {
    const nodes = this.#nodes
    const outer = Arrivals.current
    Arrivals.current = this.#arrivals
    try {
      for (const root of roots) this.#reach(edgeOf(root) as Node)
      for (let i = 0; i < nodes.length; i++) {
        const { edges } = nodes[i]
        for (let k = 0; k < edges.length; k++) {
          const edge = edges[k]
          if (edge !== null) this.#reach(edge)
        }
      }
      // A node is newer than everything it depends on, so age is a valid order: PyTorch's.
      if (!this.#sorted) nodes.sort((a, b) => b.order - a.order)
      if (this.#targets !== null) this.#mark(this.#targets)
      withMode('backward', { grad: createGraph, inference: false }, () => {
        for (let i = 0; i < roots.length; i++) this.#send(edgeOf(roots[i]) as Node, roots[i].outIndex, seeds[i])
        for (let i = 0; i < nodes.length; i++) this.#pass(nodes[i])
        this.#arrivals.land()
      })
    } finally {
      Arrivals.current = outer
      this.#leave(nodes)
      this.#leave(this.#leaves)
      for (const { node, ...visit } of this.#outer) Object.assign(node, visit)
    }
    return this.#found
  }

  /** Counts the gradients that will be sent to a node. */
  #reach(node: Node): void {
    if (node.walk !== this) {
      if (node.walk !== null) this.#outer.push(visitOf(node))
      node.walk = this
      node.dys = noGradients
      node.pending = 0
      node.pieces = null
      node.wanted = 0
      const nodes = this.#nodes
      if (node.leaf !== null) this.#leaves.push(node)
      else {
        if (nodes.length > 0 && nodes[nodes.length - 1].order < node.order) this.#sorted = false
        nodes.push(node)
      }
    }
    node.pending++
  }

  #leave(nodes: readonly Node[]): void {
    for (let i = 0; i < nodes.length; i++) {
      nodes[i].walk = null
      nodes[i].dys = noGradients
      nodes[i].pieces = null
    }
  }

  /** Marks the targets and the nodes that lead to them; nodes are newest first. */
  #mark(targets: ReadonlyMap<Node, unknown>): void {
    for (const node of targets.keys()) if (node.walk === this) node.wanted = 2
    const nodes = this.#nodes
    for (let i = nodes.length - 1; i >= 0; i--) if (nodes[i].wanted === 0 && leads(nodes[i])) nodes[i].wanted = 1
  }

  #send(node: Node, index: number, dy: Tensor | null | undefined): void {
    if (dy !== null && dy !== undefined) receive(node, index, dy)
    if (node.leaf !== null && --node.pending === 0) this.#arrive(node, node.leaf)
  }

  /** Stores the gradient of a slice, which waits for those of other slices. */
  #sendPiece(node: Node, index: number, { op, attrs }: Node, dy: Tensor): void {
    const { sizes } = node.specs[index]
    node.pieces ??= new Pieces()
    if ((node.pieces as Pieces).add(index, op, attrs, dy, numelOf(sizes))) settlePieces(node)
    if (node.leaf !== null && --node.pending === 0) this.#arrive(node, node.leaf)
  }

  /** Handles a leaf that has received all its gradients. */
  #arrive(node: Node, leaf: Tensor): void {
    if (waits(node)) settle(node)
    if (node.dys === noGradients) return
    const captures = this.#capture(node)
    if (captures === undefined ? this.#targets === null : captures.length === 0) {
      if (effects.sink?.looks.isOutside(leaf) === true) effects.sink.looks.noted(node, 'hooks')
      if (node.hooks !== null) runHooks(node)
      this.#arrivals.add(leaf, node.dys[0] as Tensor, this.#born)
    }
    node.dys = noGradients
  }

  /** Returns the requested gradients if the node is a target. */
  #capture(node: Node): readonly Capture[] | undefined {
    if (node.wanted < 2) return undefined
    const captures = this.#targets?.get(node)
    for (const { index, slot } of captures ?? []) {
      const dy = node.dys[index]
      this.#found[slot] = dy === null ? null : keep(dy)
    }
    return captures
  }

  #pass(node: Node): void {
    const { edges, indices, op } = node
    let gradients: Gradients | null = null
    let piece: Tensor | null = null
    if (waits(node)) settle(node)
    if (node.dys !== noGradients) {
      const captures = this.#capture(node)
      const passes = this.#targets === null || leads(node)
      if (node.hooks !== null && (passes || captures !== undefined)) runHooks(node)
      if (passes && edges.length === 1 && op.cut !== undefined && !mode.anomaly) piece = node.dys[0]
      else if (passes) gradients = gradientsOf(node)
      if (passes && !this.#retainGraph) node.release()
      node.dys = noGradients
    }
    if (piece !== null) return this.#sendPiece(edges[0] as Node, indices === null ? 0 : indices[0], node, piece)
    for (let i = 0; i < edges.length; i++) {
      const edge = edges[i]
      if (edge !== null) this.#send(edge, indices === null ? 0 : indices[i], gradients === null ? null : gradients[i])
    }
  }
}

/** Whether a wanted gradient flows through a node. */
function leads({ edges }: Node): boolean {
  for (let i = 0; i < edges.length; i++) {
    const edge = edges[i]
    if (edge !== null && edge.wanted > 0) return true
  }
  return false
}

/** Adds a gradient to those of an output that have arrived. */
function receive(node: Node, index: number, dy: Tensor): void {
  const { dys, specs } = node
  if (specs.length === 1) node.dys = dys === noGradients ? [dy] : joined(dys as Tensor[], dy)
  else {
    if (dys === noGradients) node.dys = repeated<Tensor | null>(specs.length, null)
    const before = node.dys[index]
    node.dys[index] = before === null ? dy : add(before, dy)
  }
}

function settlePieces(node: Node): void {
  const { pieces, specs } = node
  node.pieces = null
  pieces?.settle(
    (index) => specs[index].sizes,
    (index, dy) => receive(node, index, dy),
  )
}

/** Whether gradients wait at a node; small enough to be inlined for every node. */
const waits = ({ pieces, dys, specs }: Node): boolean => pieces !== null || dys.length > specs.length

/** Leaves one gradient per output: adds up those that have waited. */
function settle(node: Node): void {
  if (node.pieces !== null) settlePieces(node)
  if (node.dys.length > node.specs.length) node.dys = [total(node.dys as Tensor[])]
}

/** The gradients of a node's inputs; checks saved values first. */
function gradientsOf(node: Node): Gradients {
  if (mode.anomaly) return watched(node)
  node.checkSaved()
  return (node.op.vjp as NonNullable<typeof node.op.vjp>)(node)
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
      throw new TypeError(`gradients can be either Tensors or None, but got ${typeName(seed)}`)
    }
    if (seed instanceof Tensor && !sameShape(seed.sizes, y.sizes)) {
      throw new RuntimeError(
        `Mismatch in shape: grad_output[${i}] has a shape of torch.Size(${shapeString(seed.sizes)}) and output[${i}] has a shape of torch.Size(${shapeString(y.sizes)}).`,
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
        'Nothing it was computed from requires a gradient, or it was computed inside noGrad or detached.',
      )
    }
    return filled(y.sizes, y.dtype, 1, y.storage.device)
  })
}

/** The nodes of the inputs, and the slots of their gradients. */
function capturesOf(inputs: readonly Tensor[]): Map<Node, Capture[]> {
  const captures = new Map<Node, Capture[]>()
  inputs.forEach((x, slot) => {
    const node = edgeOf(x)
    if (node === null) throw new RuntimeError('One of the differentiated Tensors does not require grad')
    captures.set(node, [...(captures.get(node) ?? []), { index: x.outIndex, slot }])
  })
  return captures
}

/** The nodes at which `backward` with `inputs` collects; non-leaf inputs retain their gradients. */
function collecting(inputs: readonly Tensor[]): Map<Node, Capture[]> {
  if (inputs.length === 0) throw new RuntimeError("'inputs' argument to backward() cannot be empty.")
  return new Map(inputs.map((x) => [edgeOf(retainGrad(x)) as Node, []]))
}

const oneOrMore = either(tensor, tensors)
const seeds: Kind<Tensor | null | readonly (Tensor | null)[]> = {
  ...nullable(either(tensor, listOf(nullable(tensor)))),
  refuse: (value, argument) =>
    new TypeError(
      `gradients can be either Tensors or None, but got ${typeName(value)}`,
      `A value of the ${argument} has another type.`,
    ),
}
const backwardArguments = signature(
  'backward',
  required('outputs', oneOrMore),
  optional('gradients', seeds, null),
  optional('retainGraph', nullable(bool), null),
  optional('createGraph', bool, false),
  keyword('inputs', nullable(oneOrMore), null),
)
const gradArguments = signature(
  'grad',
  required('outputs', oneOrMore),
  required('inputs', oneOrMore),
  optional('gradOutputs', seeds, null),
  optional('retainGraph', nullable(bool), null),
  optional('createGraph', bool, false),
  keyword('allowUnused', bool, false),
)

/**
 * Adds gradients to `.grad` of the leaves that `outputs` were computed from.
 *
 * An output of several elements needs a starting gradient of its shape. Values saved by gradient rules are freed, so a
 * second call throws unless `retainGraph` is true.
 *
 * @example
 * const x = tensor(3, { requiresGrad: true })
 * backward(x.mul(x))
 * x.grad // tensor(6.)
 */
export function backward(
  ...args: [
    outputs: Tensor | readonly Tensor[],
    ...Arguments<
      [gradients: Tensor | null | readonly (Tensor | null)[], retainGraph: boolean | null, createGraph: boolean],
      BackwardOptions
    >,
  ]
): void {
  const [outputs, gradients, retain, createGraph, inputs] = backwardArguments(args)
  walkBack(outputs, gradients, retain, createGraph, inputs)
}

/** `backward` with arguments that have been read. */
export function walkBack(
  outputs: Tensor | readonly Tensor[],
  gradients: Tensor | null | readonly (Tensor | null)[],
  retain: boolean | null,
  createGraph: boolean,
  inputs: Tensor | readonly Tensor[] | null,
): void {
  const retainGraph = retain ?? createGraph
  const roots = list(outputs)
  const given = gradients === null ? [] : list<Tensor | null>(gradients)
  const targets = inputs === null ? null : collecting(list(inputs))
  const start = withMode('backward', { grad: createGraph }, () => seedsOf(roots, given))
  new Walk(targets, retainGraph).run(roots, start, createGraph)
}

/**
 * Returns the gradients of the outputs' sum with respect to the inputs; does not change `.grad`.
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
export function grad(...args: readonly unknown[]): (Tensor | null)[] {
  const [outputs, inputs, gradOutputs, retain, createGraph, allowUnused] = gradArguments(args)
  const retainGraph = retain ?? createGraph
  const roots = list(outputs)
  const wanted = list(inputs)
  const given = gradOutputs === null ? [] : list<Tensor | null>(gradOutputs)
  const start = withMode('grad', { grad: createGraph }, () => seedsOf(roots, given))
  const found = new Walk(capturesOf(wanted), retainGraph).run(roots, start, createGraph)
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
