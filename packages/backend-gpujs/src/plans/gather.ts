// Plans of gather and scatter. Both check their indices with a flag, which holds the first wrong one, and read within
// bounds whatever it is. A GPU cannot write to computed places, so each element of a scatter searches the indices for
// its own.
import { type Instr, loopsOver, numelOf, RuntimeError, type Shape } from '@flambeau/core/backend'
import { reducedBound } from '../bounds.ts'
import { wrapped } from '../expression.ts'
import type { Planner, Step } from '../plan.ts'
import { type Elements, inputElements, PlanWriter } from '../plan-writer.ts'
import { KernelWriter } from '../writer.ts'
import { each, eachOfPart, loopsApart, perThread, replaced } from './loops.ts'
import { combine } from './reduce.ts'

/** The first nonzero value of `found`, or 0, over elements in loops with these strides. */
function first(
  plan: PlanWriter,
  elements: Elements,
  sizes: Shape,
  steps: readonly number[],
  found: (x: string) => string,
): Step {
  const n = numelOf(sizes)
  const per = perThread(n, 1)
  const parts = Math.ceil(n / per)
  const writer = new KernelWriter(parts)
  const { name, start } = elements(writer)
  const flag = writer.value('0', 'let')
  eachOfPart(writer, parts === 1 ? '0' : writer.index, per, n, (index) => {
    const x = writer.value(`${name}[${writer.address(start, writer.indices(index, sizes), steps)}]`)
    writer.when(`${flag} === 0`, () => writer.line(`${flag} = ${found(x)};`))
  })
  const step = writer.step(flag)
  return parts === 1 ? step : first(plan, plan.add(step), [parts], [1], (x) => x)
}

/** Flags an index that is not below `size`: a negative one as itself, others plus one, so that the flag is not 0. */
function checkIndices(plan: PlanWriter, instr: Instr<'gather' | 'scatter'>): void {
  const { inputs, attrs } = instr
  const [{ sizes: whole }, { sizes, strides }] = inputs
  if (numelOf(sizes) === 0) return
  const { axis } = attrs
  const size = whole[axis]
  const stored = sizes.flatMap((_, d) => (strides[d] === 0 ? [] : [d]))
  const loops = loopsOver(
    stored.map((d) => sizes[d]),
    [stored.map((d) => strides[d])],
  )
  const wrong = (x: string): string => `${x} < 0 ? ${x} : (${x} >= ${size} ? ${x} + 1 : 0)`
  plan.check(first(plan, inputElements(instr, 1), loops.sizes, loops.steps[0], wrong), (_, value) => {
    const index = value < 0 ? value : value - 1
    return new RuntimeError(`index ${index} is out of bounds for dimension ${axis} with size ${size}`)
  })
}

export const gather: Planner<'gather'> = {
  plan: (instr) => {
    const { attrs, inputs, outputs } = instr
    const [source, index] = inputs
    const [out] = outputs
    const { axis } = attrs
    const plan = new PlanWriter()
    checkIndices(plan, instr)
    return plan.plan(out, () => {
      const writer = new KernelWriter(numelOf(out.sizes))
      // With no elements in the source, every index is wrong and there is nothing to read.
      if (numelOf(source.sizes) === 0) return writer.step('0')
      const { sizes, steps } = loopsOver(out.sizes, [index.strides, replaced(source.strides, axis, 0)])
      const indices = writer.indices(writer.index, sizes)
      const from = inputElements(instr, 0)(writer)
      const places = inputElements(instr, 1)(writer)
      const place = writer.value(`${places.name}[${writer.address(places.start, indices, steps[0])}]`)
      const inside = writer.value(`Math.min(Math.max(${place}, 0), ${source.sizes[axis] - 1})`)
      const at = writer.address(from.start, [...indices, inside], [...steps[1], source.strides[axis]])
      return writer.step(`${from.name}[${at}]`)
    })
  },
  bound: (_, [source]) => source,
}

export const scatter: Planner<'scatter'> = {
  plan: (instr) => {
    const { attrs, inputs, outputs } = instr
    const [base, index, source] = inputs
    const [out] = outputs
    const { axis, fn } = attrs
    const plan = new PlanWriter()
    checkIndices(plan, instr)
    return plan.plan(out, () => {
      const writer = new KernelWriter(numelOf(out.sizes))
      // Along dimensions in which the index is smaller than the base, only the first elements are affected.
      const apart = base.sizes.flatMap((n, d) => (d === axis || index.sizes[d] < n ? [d] : []))
      const { sizes, steps, own } = loopsApart(base.sizes, [base.strides, index.strides, source.strides], apart)
      const indices = writer.indices(writer.index, sizes)
      const to = inputElements(instr, 0)(writer)
      const x = writer.value(`${to.name}[${writer.address(to.start, indices, steps[0])}]`, 'let')
      if (numelOf(index.sizes) === 0) return writer.step(x)
      const places = inputElements(instr, 1)(writer)
      const from = inputElements(instr, 2)(writer)
      const along = own[apart.indexOf(axis)]
      const search = (): void =>
        each(writer, index.sizes[axis], (turn) => {
          const there = replaced(indices, along, turn)
          const place = `${places.name}[${writer.address(places.start, there, steps[1])}]`
          writer.when(`${place} === ${indices[along]}`, () => {
            const y = writer.value(`${from.name}[${writer.address(from.start, there, steps[2])}]`)
            if (fn === 'set') writer.line(`${x} = ${y};`)
            else {
              const both = writer.value(combine(fn === 'add' ? 'sum' : fn, out.dtype, x, y))
              writer.line(`${x} = ${wrapped(writer, both, out.dtype)};`)
            }
          })
        })
      const inside = apart.flatMap((d, k) => (d === axis ? [] : [`${indices[own[k]]} < ${index.sizes[d]}`]))
      if (inside.length === 0) search()
      else writer.when(inside.join(' && '), search)
      return writer.step(x)
    })
  },
  bound: ({ attrs: { axis, fn }, inputs, outputs }, [base, , source]) => {
    const bound = Math.max(base, source)
    // Bytes wrap with every addition.
    return fn === 'set' || outputs[0].dtype !== 'int32'
      ? bound
      : reducedBound(fn === 'add' ? 'sum' : fn, bound, inputs[1].sizes[axis] + 1)
  },
}
