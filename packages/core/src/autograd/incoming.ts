// Adds up the gradients that arrive at a node. Some wait for each other, because that saves kernels: one kernel adds up
// small ones, and those of slices become one concatenation (slices.ts).
import { repeated } from '../base/arrays.ts'
import { isContiguous } from '../base/layout.ts'
import { numelOf, sameShape } from '../base/shape.ts'
import { s } from '../expr/expr.ts'
import { type Elementwise, elementwise } from '../ops/define/elementwise.ts'
import { add } from '../ops/pointwise/arithmetic.ts'
import { apply } from '../tensor/apply.ts'
import { effects } from '../tensor/effects.ts'
import { mode } from '../tensor/mode.ts'
import { type Node, noGradients } from '../tensor/node.ts'
import { Passing } from '../tensor/temporaries.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { Slices } from './slices.ts'

/** The limits for waiting gradients, in number and in elements, because they hold memory. */
const mostWaiting = 16
const mostElements = 1024

/** Takes note that a gradient waits. */
export function waiting(dy: Tensor): Tensor {
  Passing.current?.count(dy, 1)
  return dy
}

/** Takes note that gradients have been used, after what was computed from them waits. */
export function used(dys: readonly (Tensor | null)[]): void {
  const { current } = Passing
  if (current === null) return
  for (let i = 0; i < dys.length; i++) {
    const dy = dys[i]
    if (dy !== null) current.count(dy, -1)
  }
}

/** The sum of gradients in their place. */
function instead(dys: readonly Tensor[], sum: Tensor): Tensor[] {
  waiting(sum)
  used(dys)
  return [sum]
}

const isSmall = (dy: Tensor): boolean => dy.elements <= mostElements && isContiguous(dy)

/**
 * Adds an arriving gradient of an output to the earlier ones. Small gradients wait, and one kernel adds them up when
 * all have arrived: in order of arrival, rounding every sum, so that its bits are those of separate additions. While
 * gradients are recorded, they are added one by one.
 */
function joined(dys: Tensor[], dy: Tensor): Tensor[] {
  const [first] = dys
  const alike = first.dtype === dy.dtype && sameShape(first.sizes, dy.sizes)
  if (mode.grad || effects.sink !== null || !alike || !isSmall(first) || !isSmall(dy))
    return instead(dys, add(total(dys), dy))
  const { maxArgs } = dy.storage.device.backend.caps
  return dys.push(waiting(dy)) < Math.min(mostWaiting, maxArgs) ? dys : instead(dys, total(dys))
}

const sums: Elementwise[] = []

/** The sum of the gradients that have arrived. */
function total(dys: readonly Tensor[]): Tensor {
  const arity = dys.length
  if (arity === 1) return dys[0]
  sums[arity] ??= elementwise('add', (...x) => x.reduce((sum, y) => s.rounded(s.add(sum, y))), { arity })
  return apply(sums[arity], dys, null)
}

/** Adds a gradient to those of an output that have arrived. */
export function receive(node: Node, index: number, dy: Tensor): void {
  const { dys, specs } = node
  if (specs.length === 1) node.dys = dys === noGradients ? [waiting(dy)] : joined(dys as Tensor[], dy)
  else {
    if (dys === noGradients) node.dys = repeated<Tensor | null>(specs.length, null)
    const before = node.dys[index]
    node.dys[index] = before === null ? waiting(dy) : instead([before], add(before, dy))[0]
  }
}

/** Stores the gradient of a slice, made by the given node; it waits for those of other slices. */
export function receiveSlice(node: Node, index: number, { op, attrs }: Node, dy: Tensor): void {
  const slices = (node.slices as Slices | null) ?? new Slices()
  node.slices = slices
  if (slices.add(index, op, attrs, waiting(dy)) > 2 * numelOf(node.specs[index].sizes)) release(node, slices)
}

function release(node: Node, slices: Slices): void {
  const { specs } = node
  node.slices = null
  const sent = slices.send(
    (index) => specs[index].sizes,
    (index, dy) => receive(node, index, dy),
  )
  used(sent)
}

/** Whether gradients wait at a node; small enough to be inlined for every node. */
export const waits = ({ slices, dys, specs }: Node): boolean => slices !== null || dys.length > specs.length

/** Leaves one gradient per output: adds up those that have waited. */
export function addUp(node: Node): void {
  if (node.slices !== null) release(node, node.slices as Slices)
  if (node.dys.length > node.specs.length) node.dys = instead(node.dys as Tensor[], total(node.dys as Tensor[]))
}
