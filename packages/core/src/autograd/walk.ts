// The backward pass: gradients flow from outputs to inputs over the nodes that the forward pass created, newest first.
// It is the only algorithm; backward() is the same pass that ends in leaves' `.grad`. Gradient rules are ops, so they
// can be recorded.
import { garbage } from '../backend/garbage.ts'
import { effects, freeing } from '../tensor/effects.ts'
import { mode, withMode } from '../tensor/mode.ts'
import { type Node, noGradients } from '../tensor/node.ts'
import type { Gradients } from '../tensor/op.ts'
import { Passing } from '../tensor/temporaries.ts'
import { edgeOf, type Tensor } from '../tensor/tensor.ts'
import { watched } from './anomaly.ts'
import { Arrivals, keep } from './collect.ts'
import { runHooks } from './hooks.ts'
import { addUp, receive, receiveSlice, used, waits } from './incoming.ts'

/** A requested gradient of a node's output, and its place in the result. */
export interface Capture {
  readonly index: number
  readonly slot: number
}

/**
 * The nodes that a pass is for: a node with captures returns their gradients, a node without collects in `.grad`. null
 * means all leaves.
 */
type Targets = ReadonlyMap<Node, readonly Capture[]> | null

/** The state of a node in an outer pass, saved while an inner pass runs in a hook or a rule. */
type Visit = Pick<Node, 'walk' | 'dys' | 'pending' | 'slices' | 'wanted'> & { readonly node: Node }

const visitOf = (node: Node): Visit => {
  const { walk, dys, pending, slices, wanted } = node
  return { node, walk, dys, pending, slices, wanted }
}

export class Walk {
  readonly #targets: Targets
  readonly #retainGraph: boolean
  readonly #nodes: Node[] = []
  readonly #leaves: Node[] = []
  readonly #outer: Visit[] = []
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
    const around = Passing.current
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
      // A graph of gradients keeps them, a recording frees what is dead by itself, and small ones are not worth it.
      const passing =
        createGraph || effects.sink !== null || freeing.node < (nodes.at(-1)?.order ?? 0) ? null : new Passing()
      Passing.current = passing
      const pass = (): void => {
        for (let i = 0; i < roots.length; i++) {
          const node = edgeOf(roots[i]) as Node
          receive(node, roots[i].outIndex, seeds[i])
          this.#arrive(node)
        }
        for (let i = 0; i < nodes.length; i++) this.#pass(nodes[i])
      }
      withMode('backward', { grad: createGraph, inference: false }, () => {
        if (passing === null) pass()
        else passing.during(pass)
        this.#arrivals.land()
        passing?.sweep()
      })
    } finally {
      Arrivals.current = outer
      Passing.current = around
      this.#leave(nodes)
      this.#leave(this.#leaves)
      for (const { node, ...visit } of this.#outer) Object.assign(node, visit)
    }
    if (outer === null && !this.#retainGraph) garbage.ebbs()
    return this.#found
  }

  /** Counts the gradients that will be sent to a node. */
  #reach(node: Node): void {
    if (node.walk !== this) {
      if (node.walk !== null) this.#outer.push(visitOf(node))
      node.walk = this
      node.dys = noGradients
      node.pending = 0
      node.slices = null
      node.wanted = this.#targets === null ? 1 : 0
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
      nodes[i].slices = null
    }
  }

  /** Marks the targets and the nodes that lead to them; nodes are newest first. */
  #mark(targets: ReadonlyMap<Node, unknown>): void {
    for (const node of targets.keys()) if (node.walk === this) node.wanted = 2
    const nodes = this.#nodes
    for (let i = nodes.length - 1; i >= 0; i--) if (nodes[i].wanted === 0 && leads(nodes[i])) nodes[i].wanted = 1
  }

  /** Handles a leaf when it has received all its gradients. */
  #arrive(node: Node): void {
    const { leaf } = node
    if (leaf === null || --node.pending > 0) return
    if (waits(node)) addUp(node)
    if (node.dys === noGradients) return
    const captures = this.#capture(node)
    if (captures === undefined ? this.#targets === null : captures.length === 0) {
      if (effects.sink?.looks.isOutside(leaf) === true) effects.sink.looks.noted(node, 'hooks')
      if (node.hooks !== null) runHooks(node)
      this.#arrivals.add(leaf, node.dys[0] as Tensor)
    }
    used(node.dys)
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
    let slice: Tensor | null = null
    if (waits(node)) addUp(node)
    const { dys } = node
    if (dys !== noGradients) {
      const captures = this.#capture(node)
      const passes = leads(node)
      if (node.hooks !== null && (passes || captures !== undefined)) runHooks(node)
      if (passes && edges.length === 1 && op.cut !== undefined && !mode.anomaly) slice = dys[0]
      else if (passes) gradients = gradientsOf(node)
      if (passes && !this.#retainGraph) {
        Passing.current?.leave(node.saved)
        node.release()
      }
      node.dys = noGradients
    }
    for (let i = 0; i < edges.length; i++) {
      const edge = edges[i]
      if (edge === null) continue
      const index = indices === null ? 0 : indices[i]
      const dy = gradients === null ? null : gradients[i]
      if (slice !== null) receiveSlice(edge, index, node, slice)
      else if (dy !== null && dy !== undefined) receive(edge, index, dy)
      this.#arrive(edge)
    }
    used(dys)
    Passing.current?.sweep()
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

/** The gradients of a node's inputs; checks saved values first. */
function gradientsOf(node: Node): Gradients {
  if (mode.anomaly) return watched(node)
  node.checkSaved()
  return (node.op.vjp as NonNullable<typeof node.op.vjp>)(node)
}
