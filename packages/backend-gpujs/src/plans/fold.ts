// The plan of a fold, the adjoint of a view: an element of the output adds up the elements that lie on it.
import { contiguousStrides, loopsOver, numelOf, type Prims, type View } from '@flambeau/core/backend'
import type { Planner } from '../plan.ts'
import { wrapped } from './integers.ts'
import { preimages, turned } from './preimages.ts'
import { inputCells, KernelText, PlanText, sumOf } from './text.ts'

/** Steps of the input's axes, and of its first element, in the row-major output. */
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
    const [x] = instr.inputs as readonly View[]
    const [out] = instr.outputs
    const plan = new PlanText()
    return plan.made(out, () => {
      const text = new KernelText()
      const length = numelOf(out.shape)
      if (numelOf(x.shape) === 0) return plan.add(text.step(length, [], '0'))
      const { dims, shifts } = turned(loopsOver(x.shape, [landing(instr.attrs, x.shape.length).steps, x.strides]))
      const { name, start } = text.array(inputCells(instr, 0))
      const first = text.number(({ attrs }) => landing(attrs as Prims['fold'], x.shape.length).first + shifts[0])
      const from = sumOf([start, shifts[1] === 0 ? '' : String(shifts[1])])
      const body = [
        'let s = 0;',
        `const p = this.thread.x - ${first};`,
        ...preimages(text, dims, 'p', length, from, (index) => [`s += ${name}[${index}];`]),
      ]
      return plan.add(text.step(length, body, wrapped('s', out.dtype)))
    })
  },
  // No more elements lie on one than there are.
  bound: ({ inputs }, [bound]) => numelOf((inputs[0] as View).shape) * bound,
  key: ({ out, axes }) => `${out}|${axes.map((terms) => terms.map((term) => `${term.in}:${term.step}`))}`,
}
