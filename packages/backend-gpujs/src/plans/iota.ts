// The index along an axis.
import { numelOf } from '@flambeau/core/backend'
import type { Planner } from '../plan.ts'
import { KernelWriter } from '../writer.ts'

export const iota: Planner<'iota'> = {
  plan: ({ attrs: { axis }, outputs: [{ sizes }] }) => {
    if (numelOf(sizes) === 0) return { steps: [], outputs: [undefined], flags: [] }
    const writer = new KernelWriter(numelOf(sizes))
    const indices = writer.indices(writer.index, [
      numelOf(sizes.slice(0, axis)),
      sizes[axis],
      numelOf(sizes.slice(axis + 1)),
    ])
    return { steps: [writer.step(indices[1])], outputs: [0], flags: [] }
  },
  bound: ({ attrs: { axis }, outputs: [{ sizes }] }) => sizes[axis],
}
