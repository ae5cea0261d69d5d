// The plan of a fold, the adjoint of a view: an element of the output sums the elements that map to it.
import { contiguousStrides, loopsOver, numelOf, type Prims } from '@flambeau/core/backend'
import { exact } from '../bounds.ts'
import { wrapped } from '../expression.ts'
import type { Planner } from '../plan.ts'
import { inputElements, PlanWriter } from '../plan-writer.ts'
import { KernelWriter } from '../writer.ts'
import { further } from './loops.ts'
import { preimages, turned } from './preimages.ts'

/** The strides of the input's axes in the row-major output, and the position of its first element. */
function landing({ out, offset, axes }: Prims['fold'], rank: number): { steps: readonly number[]; first: number } {
  const strides = contiguousStrides(out)
  const steps = new Array<number>(rank).fill(0)
  axes.forEach((terms, axis) => {
    for (const { in: from, step } of terms) steps[from] += step * strides[axis]
  })
  return { steps, first: offset.reduce((at, n, axis) => at + n * strides[axis], 0) }
}

export const fold: Planner<'fold'> = {
  plan: (instr) => {
    const [x] = instr.inputs
    const [out] = instr.outputs
    return new PlanWriter().plan(out, () => {
      const length = numelOf(out.sizes)
      const writer = new KernelWriter(length)
      if (numelOf(x.sizes) === 0) return writer.step('0')
      const rank = x.sizes.length
      const { dims, shifts } = turned(loopsOver(x.sizes, [landing(instr.attrs, rank).steps, x.strides]))
      const { name, start } = inputElements(instr, 0)(writer)
      const first = writer.number(({ attrs }) => landing(attrs as Prims['fold'], rank).first + shifts[0])
      const sum = writer.value('0', 'let')
      const position = writer.value(`${writer.index} - ${first}`)
      const from = further(writer, start, shifts[1])
      preimages(writer, dims, position, length, from, (index) => writer.line(`${sum} += ${name}[${index}];`))
      return writer.step(wrapped(writer, sum, out.dtype))
    })
  },
  // No more elements can map to one than there are in total.
  bound: ({ inputs }, [bound]) => exact(numelOf(inputs[0].sizes) * bound),
}
