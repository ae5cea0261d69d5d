// The view ops that lead from a tensor to a view of it, and the op that assigns through them.
import { RuntimeError } from '../base/errors.ts'
import { contiguousLayout, type Layout } from '../base/layout.ts'
import type { Shape } from '../base/shape.ts'
import type { OpDef } from './op.ts'

/** A view op and its attributes. */
export interface ViewStep {
  readonly op: OpDef<unknown>
  readonly attrs: unknown
}

let assignOp: OpDef<readonly ViewStep[]> | undefined
/** ops/ defines the op that replaces a region, and registers it here. */
export const setAssign = (op: OpDef<readonly ViewStep[]>): void => void (assignOp = op)
export const assignment = (): OpDef<readonly ViewStep[]> => assignOp as OpDef<readonly ViewStep[]>

/** The layout of the chain's elements in a contiguous tensor of `shape`. */
export function chainLayout(shape: Shape, chain: readonly ViewStep[]): Layout {
  let layout: Layout = contiguousLayout(shape)
  for (const { op, attrs } of chain) {
    const next = op.to.kind === 'view' ? op.to.view(layout, attrs) : null
    if (next === null) throw new RuntimeError(`${op.name}: this view cannot be replayed on a contiguous tensor`)
    layout = next
  }
  return layout
}
