// The index along an axis.
import { numelOf } from '@flambeau/core/backend'
import type { Planner } from '../plan.ts'
import { KernelWriter } from '../writer.ts'

export const iota: Planner<'iota'> = {
  plan: ({ attrs: { axis }, outputs: [{ shape }] }) => {
    if (numelOf(shape) === 0) return { steps: [], outputs: [undefined], flags: [] }
    const writer = new KernelWriter(numelOf(shape))
    const indices = writer.indices(writer.index, [
      numelOf(shape.slice(0, axis)),
      shape[axis],
      numelOf(shape.slice(axis + 1)),
    ])
    return { steps: [writer.step(indices[1])], outputs: [0], flags: [] }
  },
  bound: ({ attrs: { axis }, outputs: [{ shape }] }) => shape[axis],
}
