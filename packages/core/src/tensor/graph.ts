// Connects results to autograd's graph: creates nodes with their edges, and saves values for gradient rules.
import type { Spec } from '../backend/backend.ts'
import { repeated } from '../base/arrays.ts'
import { callingLine } from './line.ts'
import { mode } from './mode.ts'
import { Node } from './node.ts'
import type { Input, OpDef, Saves } from './op.ts'
import { edgeOf, Tensor } from './tensor.ts'

/** The node through which a gradient reaches an operand, or null. */
export function edgeTo(x: Input): Node | null {
  return x instanceof Tensor ? edgeOf(x) : null
}

export function wantsGrad(inputs: readonly Input[]): boolean {
  for (let i = 0; i < inputs.length; i++) if (edgeTo(inputs[i]) !== null) return true
  return false
}

/** Gives results their node if a gradient can flow through them. */
export function connect<A>(
  op: OpDef<A>,
  inputs: readonly Input[],
  attrs: A,
  specs: readonly Spec[],
  outs: readonly Tensor[],
): readonly Tensor[] {
  if (!mode.grad || op.vjp === undefined) return outs
  const node = linked(op, inputs, attrs, specs)
  if (node === null) return outs
  const saves = saveInputs(node, inputs)
  for (let i = 0; i < outs.length; i++) setNode(outs[i], node as Node, i)
  saveOutputs(node, saves, inputs, outs)
  return outs
}

const setNode = (t: Tensor, node: Node, index: number): void => {
  if (t.dtype !== 'float32' && t.dtype !== 'float64') return
  t.node = node
  t.outIndex = index
}

/** A node with its edges and saved inputs; null if no gradient can flow to any input. */
export function connected<A>(op: OpDef<A>, inputs: readonly Input[], attrs: A, specs: readonly Spec[]): Node<A> | null {
  const node = linked(op, inputs, attrs, specs)
  if (node !== null) saveInputs(node, inputs)
  return node
}

/** A node with its edges; null if no gradient can flow to any input. */
export function linked<A>(op: OpDef<A>, inputs: readonly Input[], attrs: A, specs: readonly Spec[]): Node<A> | null {
  let edges: (Node | null)[] | null = null
  let needed = 0
  let indices: number[] | null = null
  for (let i = 0; i < inputs.length; i++) {
    const edge = edgeTo(inputs[i])
    if (edge === null) continue
    edges ??= repeated<Node | null>(inputs.length, null)
    edges[i] = edge
    needed |= 1 << i
    const { outIndex } = inputs[i] as Tensor
    if (outIndex !== 0 && edge.leaf === null) {
      indices ??= repeated(inputs.length, 0)
      indices[i] = outIndex
    }
  }
  if (edges === null) return null
  const node = new Node(op, attrs, specs, edges, indices, needed)
  if (mode.anomaly) node.line = callingLine()
  return node
}

/** Saves the inputs that the rule needs; returns its needs. */
export function saveInputs<A>(node: Node<A>, inputs: readonly Input[]): Saves | undefined {
  const saves = node.op.saves?.(node.needed)
  const positions = saves?.inputs
  if (positions !== undefined) for (let k = 0; k < positions.length; k++) node.keep(positions[k], inputs[positions[k]])
  return saves
}

/** Saves the outputs that the rule needs. */
export function saveOutputs<A>(
  node: Node<A>,
  saves: Saves | undefined,
  inputs: readonly Input[],
  outs: readonly Tensor[],
): void {
  const positions = saves?.outputs
  if (positions === undefined) return
  for (let k = 0; k < positions.length; k++) node.keep(inputs.length + positions[k], outs[positions[k]])
}
