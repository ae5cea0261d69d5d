// Gradients of slices. Padding each to the size of the whole with zeros would cost the square of their number. Instead
// they wait at the node that made the tensor, and adjacent ones become one concatenation.
import { contiguousLayout, type Layout } from '../base/layout.ts'
import type { Shape } from '../base/shape.ts'
import { expandTo } from '../ops/define/elementwise.ts'
import { adjoint, reshapeOp } from '../ops/define/views.ts'
import { add } from '../ops/pointwise/arithmetic.ts'
import { filled } from '../ops/define/fill.ts'
import { catOp } from '../ops/views/join.ts'
import { apply } from '../tensor/apply.ts'
import type { Pieces as Settling } from '../tensor/node.ts'
import type { Cut, OpDef } from '../tensor/op.ts'
import type { Tensor } from '../tensor/tensor.ts'

/** The gradient of a view of slices. */
interface Piece {
  /** The node's output that was sliced. */
  readonly index: number
  readonly op: OpDef<unknown>
  readonly attrs: unknown
  readonly cut: Cut
  dy: Tensor
}

/** The gradients of slices of a node's outputs that have arrived. */
export class Pieces implements Settling {
  #waiting: Piece[] = []
  #elements = 0

  /** Adds a piece; returns whether the pieces now hold more memory than a whole gradient of `elements` would. */
  add(index: number, op: OpDef<unknown>, attrs: unknown, dy: Tensor, elements: number): boolean {
    const cut = (op.cut as NonNullable<typeof op.cut>)(attrs)
    this.#waiting.push({ index, op, attrs, cut, dy })
    this.#elements += dy.elements
    return this.#elements > 2 * elements
  }

  /** Passes whole gradients to `send` that add up to the pieces, as few as possible for each output. */
  settle(shapeOf: (index: number) => Shape, send: (index: number, dy: Tensor) => void): void {
    const pieces = this.#waiting
    this.#waiting = []
    this.#elements = 0
    if (pieces.length === 1) return send(pieces[0].index, whole(pieces, shapeOf(pieces[0].index)))
    const groups = new Map<string, Piece[]>()
    for (const piece of pieces) {
      const { dim, step } = piece.cut
      // Slices with a step are handled separately.
      const key = step === 1 ? `${piece.index}:${dim}` : `${piece.index}:${dim}:${groups.size}`
      const group = groups.get(key)
      if (group === undefined) groups.set(key, [piece])
      else group.push(piece)
    }
    for (const group of groups.values()) {
      const [{ index }] = group
      for (const row of rowsOf(group)) send(index, whole(row, shapeOf(index)))
    }
  }
}

const endOf = ({ cut: { start, length } }: Piece): number => start + length

/** Groups slices into rows without overlaps; equal slices are added up. */
function rowsOf(pieces: Piece[]): Piece[][] {
  const rows: Piece[][] = []
  let last: Piece | undefined
  for (const piece of pieces.sort((a, b) => a.cut.start - b.cut.start)) {
    const { start, length } = piece.cut
    if (last !== undefined && last.cut.start === start && last.cut.length === length) {
      last.dy = add(last.dy, piece.dy.dim() === last.dy.dim() ? piece.dy : apply(reshapeOp, [piece.dy], last.dy.sizes))
      continue
    }
    const row = rows.find((r) => endOf(r[r.length - 1]) <= start)
    if (row === undefined) rows.push([piece])
    else row.push(piece)
    last = piece
  }
  return rows
}

/** Concatenates a row of slices with zeros between them. */
function whole(row: readonly Piece[], shape: Shape): Tensor {
  const [{ op, attrs, cut, dy }] = row
  if (row.length === 1) {
    const to = op.to as Extract<OpDef<unknown>['to'], { kind: 'view' }>
    return adjoint(dy, to.view(contiguousLayout(shape), attrs) as Layout, shape)
  }
  const { dim } = cut
  const sized = (length: number): Shape => shape.map((n, i) => (i === dim ? length : n))
  const parts: Tensor[] = []
  const sizes: number[] = []
  let end = 0
  const pad = (to: number): void => {
    if (to === end) return
    parts.push(expandTo(filled([], dy.dtype, 0, dy.storage.device), sized(to - end)))
    sizes.push(to - end)
  }
  for (const piece of row) {
    const { start, length } = piece.cut
    pad(start)
    const part = piece.dy
    parts.push(part.dim() === shape.length ? part : apply(reshapeOp, [part], sized(length)))
    sizes.push(length)
    end = start + length
  }
  pad(shape[dim])
  return apply(catOp, parts, { dim, sizes })
}
