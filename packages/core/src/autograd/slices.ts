// Gradients of slices. Padding each to the size of the whole with zeros would cost the square of their number. Instead
// they wait at the node that made the tensor, and adjacent ones become one concatenation.
import { contiguousLayout, type Layout } from '../base/layout.ts'
import type { Shape } from '../base/shape.ts'
import { expandTo } from '../ops/define/elementwise.ts'
import { adjoint, reshapeOp } from '../ops/define/views.ts'
import { add } from '../ops/pointwise/arithmetic.ts'
import { filled } from '../ops/define/fill.ts'
import { joined } from '../ops/views/join.ts'
import { apply } from '../tensor/apply.ts'
import type { Cut, OpDef } from '../tensor/op.ts'
import type { Tensor } from '../tensor/tensor.ts'

/** The gradient of a view of slices. */
interface Slice {
  /** The node's output that was sliced. */
  readonly index: number
  readonly op: OpDef<unknown>
  readonly attrs: unknown
  readonly cut: Cut
  dy: Tensor
}

/** The gradients of slices of a node's outputs that have arrived. */
export class Slices {
  #waiting: Slice[] = []
  #elements = 0

  /** Adds a slice; returns how many elements wait now. */
  add(index: number, op: OpDef<unknown>, attrs: unknown, dy: Tensor): number {
    const cut = (op.cut as NonNullable<typeof op.cut>)(attrs)
    this.#waiting.push({ index, op, attrs, cut, dy })
    this.#elements += dy.elements
    return this.#elements
  }

  /**
   * Sends whole gradients that add up to the slices, as few as possible for each output; returns the gradients of the
   * slices.
   */
  send(shapeOf: (index: number) => Shape, to: (index: number, dy: Tensor) => void): readonly Tensor[] {
    const slices = this.#waiting
    const dys = slices.map(({ dy }) => dy)
    this.#waiting = []
    this.#elements = 0
    if (slices.length === 1) {
      to(slices[0].index, whole(slices, shapeOf(slices[0].index)))
      return dys
    }
    const groups = new Map<string, Slice[]>()
    for (const slice of slices) {
      const { dim, step } = slice.cut
      // Slices with a step are handled separately.
      const key = step === 1 ? `${slice.index}:${dim}` : `${slice.index}:${dim}:${groups.size}`
      const group = groups.get(key)
      if (group === undefined) groups.set(key, [slice])
      else group.push(slice)
    }
    for (const group of groups.values()) {
      const [{ index }] = group
      for (const row of rowsOf(group)) to(index, whole(row, shapeOf(index)))
    }
    return dys
  }
}

const endOf = ({ cut: { start, length } }: Slice): number => start + length

/** Groups slices into rows without overlaps; equal slices are added up. */
function rowsOf(slices: Slice[]): Slice[][] {
  const rows: Slice[][] = []
  let last: Slice | undefined
  for (const slice of slices.sort((a, b) => a.cut.start - b.cut.start)) {
    const { start, length } = slice.cut
    if (last !== undefined && last.cut.start === start && last.cut.length === length) {
      last.dy = add(last.dy, slice.dy.dim() === last.dy.dim() ? slice.dy : apply(reshapeOp, [slice.dy], last.dy.sizes))
      continue
    }
    const row = rows.find((r) => endOf(r[r.length - 1]) <= start)
    if (row === undefined) rows.push([slice])
    else row.push(slice)
    last = slice
  }
  return rows
}

/** Concatenates a row of slices with zeros between them. */
function whole(row: readonly Slice[], shape: Shape): Tensor {
  const [{ op, attrs, cut, dy }] = row
  if (row.length === 1) {
    const to = op.to as Extract<OpDef<unknown>['to'], { kind: 'view' }>
    return adjoint(dy, to.view(contiguousLayout(shape), attrs) as Layout, shape)
  }
  const { dim } = cut
  const sized = (length: number): Shape => shape.map((n, i) => (i === dim ? length : n))
  const terms: Tensor[] = []
  const sizes: number[] = []
  let end = 0
  const pad = (to: number): void => {
    if (to === end) return
    terms.push(expandTo(filled([], dy.dtype, 0, dy.storage.device), sized(to - end)))
    sizes.push(to - end)
  }
  for (const slice of row) {
    const { start, length } = slice.cut
    pad(start)
    const { dy: piece } = slice
    terms.push(piece.dim() === shape.length ? piece : apply(reshapeOp, [piece], sized(length)))
    sizes.push(length)
    end = start + length
  }
  pad(shape[dim])
  return joined(terms, dim, sizes)
}
