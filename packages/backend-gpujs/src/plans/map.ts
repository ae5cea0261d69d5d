// The plan of maps over any number of operands. A plain map is one kernel; reduce.ts plans a reduced one.
import {
  type DType,
  type Expr,
  flagOf,
  type Instr,
  inputsOf,
  isView,
  iterated,
  type Loops,
  loopsOver,
  type MapOut,
  numelOf,
  type Operand,
  type Shape,
} from '@flambeau/core/backend'
import { exprBound, reducedBound } from '../bounds.ts'
import { canEmit, emit } from '../expression.ts'
import type { Planner, Step } from '../plan.ts'
import { KernelWriter } from '../writer.ts'
import { addReduction, reducedOfNone } from './reduce.ts'

/** The loops of some axes, with a row of strides for every view. */
function loopsOf(shape: Shape, axes: readonly number[], inputs: readonly Operand[]): Loops {
  const pick = (row: readonly number[]): number[] => axes.map((axis) => row[axis])
  return loopsOver(
    pick(shape),
    inputs.filter(isView).map(({ strides }) => pick(strides)),
  )
}

/** Opens the inputs of an expression in a kernel: the offsets of its views, and its value at given addresses. */
function open(writer: KernelWriter, expr: Expr, inputs: readonly Operand[]) {
  const positions = inputsOf([expr])
  const views = positions.filter((position) => isView(inputs[position]))
  const names = new Map(views.map((position) => [position, writer.input(inputs[position], position)]))
  return {
    starts: views.map((position) => writer.start(inputs[position], position)),
    element: (addresses: readonly string[]): string => {
      const read = (position: number, dtype: DType): string => {
        const view = views.indexOf(position)
        return view < 0 ? writer.scalar(position, dtype) : writer.value(`${names.get(position)}[${addresses[view]}]`)
      }
      return emit(writer, [expr], read)[0]
    },
  }
}

const axesOf = (shape: Shape): number[] => shape.map((_, axis) => axis)

function plain(expr: Expr, operands: readonly Operand[], inputs: readonly Operand[], shape: Shape): Step {
  const writer = new KernelWriter(numelOf(shape))
  const { sizes, steps } = loopsOf(shape, axesOf(shape), operands)
  const indices = writer.indices(writer.index, sizes)
  const { starts, element } = open(writer, expr, inputs)
  return writer.step(element(starts.map((start, k) => writer.address(start, indices, steps[k]))))
}

/** Adds the steps of an output, and returns the position of the one that makes it. */
function addOutput(steps: Step[], { expr, reduce }: MapOut, inputs: readonly Operand[], shape: Shape): number {
  const operands = inputsOf([expr]).map((position) => inputs[position])
  if (reduce === undefined) return steps.push(plain(expr, operands, inputs, shape)) - 1
  const axes = axesOf(shape).filter((axis) => reduce.axes.includes(axis))
  const kept = axesOf(shape).filter((axis) => !reduce.axes.includes(axis))
  const reduced = loopsOf(shape, axes, operands)
  if (numelOf(reduced.sizes) === 0) {
    const writer = new KernelWriter(numelOf(kept.map((axis) => shape[axis])))
    const value = reducedOfNone(expr.dtype, reduce)
    return steps.push(writer.step(writer.number(() => value))) - 1
  }
  const rows = { kept: loopsOf(shape, kept, operands), reduced, open: (w: KernelWriter) => open(w, expr, inputs) }
  return addReduction(steps, rows, expr.dtype, reduce)
}

export const map: Planner<'map'> = {
  supports: ({ attrs, check }) => {
    const exprs = attrs.outs.flatMap(({ expr, reduce }) => (reduce?.post === undefined ? [expr] : [expr, reduce.post]))
    return canEmit(check === undefined ? exprs : [...exprs, check.expr])
  },
  plan: (instr) => {
    const { attrs, inputs, outputs, check } = instr
    const shape = iterated(instr)
    const steps: Step[] = []
    const flags =
      check === undefined || numelOf(shape) === 0
        ? []
        : [
            {
              step: addOutput(steps, flagOf(check.expr, shape.length).outs[0], inputs, shape),
              error: (failed: Instr) => (failed.check as NonNullable<Instr['check']>).error(),
            },
          ]
    const made = attrs.outs.map((out, k) =>
      numelOf(outputs[k].sizes) === 0 ? undefined : addOutput(steps, out, inputs, shape),
    )
    return { steps, outputs: made, flags }
  },
  bound: (instr, bounds) => {
    const shape = iterated(instr)
    const worst = instr.check === undefined ? 0 : exprBound(instr.check.expr, bounds)
    return instr.attrs.outs.reduce((most, { expr, reduce }) => {
      const bound = exprBound(expr, bounds)
      const result =
        expr.dtype !== 'int32' || reduce === undefined
          ? bound
          : reducedBound(reduce.fn, bound, numelOf(reduce.axes.map((axis) => shape[axis])))
      return Math.max(most, result)
    }, worst)
  },
}
