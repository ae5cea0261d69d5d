// The plan of an argReduce: one stage finds the position of the extreme among some hundred elements, the next that of
// the extreme at the positions found. Only positions are stored between stages; the elements are read again.
import { type Instr, isFloat, loopsOver, numelOf } from '@flambeau/core/backend'
import type { Planner, Step } from '../plan.ts'
import { type Elements, inputElements, PlanWriter } from '../plan-writer.ts'
import { KernelWriter } from '../writer.ts'
import { eachOfPart, perThread } from './loops.ts'

const drop = (list: readonly number[], axes: readonly number[]): number[] => list.filter((_, d) => !axes.includes(d))
const pick = (list: readonly number[], axes: readonly number[]): number[] => axes.map((axis) => list[axis])

/** The position of the extreme among `n` positions for each output: all positions in order, or those found before. */
function stage(plan: PlanWriter, instr: Instr<'argReduce'>, n: number, places?: Elements): Step {
  const { fn, axes } = instr.attrs
  const [{ sizes, strides, dtype }] = instr.inputs
  const kept = loopsOver(drop(sizes, axes), [drop(strides, axes)])
  const reduced = loopsOver(pick(sizes, axes), [pick(strides, axes)])
  const outputs = numelOf(instr.outputs[0].sizes)
  const per = perThread(n, outputs)
  const parts = Math.ceil(n / per)
  const writer = new KernelWriter(outputs * parts)
  const [output, part] = writer.indices(writer.index, [outputs, parts])
  const { name, start } = inputElements(instr, 0)(writer)
  const found = places?.(writer).name
  const row = writer.address(start, writer.indices(output, kept.sizes), kept.steps[0])
  const best = writer.value('-1', 'let')
  const extreme = writer.value('0', 'let')
  eachOfPart(writer, part, per, n, (index) => {
    const place = found === undefined ? index : writer.value(`${found}[${writer.address(index, [output], [n])}]`)
    const x = writer.value(`${name}[${writer.address(row, writer.indices(place, reduced.sizes), reduced.steps[0])}]`)
    const isNaN = isFloat(dtype) ? ` || (${x} !== ${x} && ${extreme} === ${extreme})` : ''
    writer.when(`${best} < 0 || ${x} ${fn === 'max' ? '>' : '<'} ${extreme}${isNaN}`, () => {
      writer.line(`${best} = ${place};`)
      writer.line(`${extreme} = ${x};`)
    })
  })
  const step = writer.step(best)
  return parts === 1 ? step : stage(plan, instr, parts, plan.add(step))
}

export const argReduce: Planner<'argReduce'> = {
  plan: (instr) => {
    const [{ sizes }] = instr.inputs
    const plan = new PlanWriter()
    return plan.plan(instr.outputs[0], () => stage(plan, instr, numelOf(pick(sizes, instr.attrs.axes))))
  },
  bound: ({ inputs }) => numelOf(inputs[0].sizes),
}
