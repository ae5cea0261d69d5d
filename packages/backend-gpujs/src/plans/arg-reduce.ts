// The plan of an argReduce: a stage finds the place of the extreme of some hundred elements, the next that of the extreme
// of the places found. Only places are stored between stages; the elements are looked up again.
import { type Instr, isFloat, loopsOver, numelOf, type View } from '@flambeau/core/backend'
import type { Planner } from '../plan.ts'
import {
  type Cells,
  coordinatesOf,
  indexAt,
  inputCells,
  KernelText,
  loop,
  partOf,
  perThread,
  PlanText,
} from './text.ts'

const drop = (list: readonly number[], axes: readonly number[]): number[] => list.filter((_, d) => !axes.includes(d))
const pick = (list: readonly number[], axes: readonly number[]): number[] => axes.map((axis) => list[axis])

/** Of `n` places for each output as many as there are threads for it. Absent places are all, in order. */
function stage(plan: PlanText, instr: Instr<'argReduce'>, n: number, places?: Cells): Cells {
  const { fn, axes } = instr.attrs
  const [{ shape, strides, dtype }] = instr.inputs as readonly View[]
  const kept = loopsOver(drop(shape, axes), [drop(strides, axes)])
  const reduced = loopsOver(pick(shape, axes), [pick(strides, axes)])
  const outputs = numelOf(instr.outputs[0].shape)
  const per = perThread(n, outputs)
  const parts = Math.ceil(n / per)
  const text = new KernelText()
  const thread = partOf(text, parts, outputs)
  const { lines, coordinates } = coordinatesOf(text, thread.output, kept.sizes)
  const x = text.array(inputCells(instr, 0))
  const found = places === undefined ? undefined : text.array(places)
  const row = indexAt(x.start, coordinates, kept.steps[0])
  const better = `x ${fn === 'max' ? '>' : '<'} extreme${isFloat(dtype) ? ' || (x !== x && extreme === extreme)' : ''}`
  const turns = loop(text, per, (turn) => {
    const at = text.name('j')
    const candidate = found === undefined ? at : `${found.name}[${thread.output} * ${n} + ${at}]`
    const position = coordinatesOf(text, 'place', reduced.sizes)
    const body = [
      `const place = ${candidate};`,
      ...position.lines,
      `const x = ${x.name}[${indexAt(row, position.coordinates, reduced.steps[0])}];`,
      `if (best < 0 || ${better}) { best = place; extreme = x; }`,
    ]
    const index = `const ${at} = ${indexAt(turn, [thread.part], [per])};`
    return n % per === 0 ? [index, ...body] : [index, `if (${at} < ${n}) {`, ...body, '}']
  })
  const made = plan.add(
    text.step(outputs * parts, [...thread.lines, ...lines, 'let best = -1;', 'let extreme = 0;', ...turns], 'best'),
  )
  return parts === 1 ? made : stage(plan, instr, parts, made)
}

export const argReduce: Planner<'argReduce'> = {
  plan: (instr) => {
    const plan = new PlanText()
    const [{ shape }] = instr.inputs as readonly View[]
    return plan.made(instr.outputs[0], () => stage(plan, instr, numelOf(pick(shape, instr.attrs.axes))))
  },
  bound: ({ inputs }) => numelOf((inputs[0] as View).shape),
}
