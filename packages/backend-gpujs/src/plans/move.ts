// Plans of kernels that move elements: concat, pad, assign. Each element of the output computes its source.
import { contiguousStrides, loopsOver, numelOf, type Prims, type Shape } from '@flambeau/core/backend'
import type { Planner, Step } from '../plan.ts'
import { type Elements, inputElements, PlanWriter } from '../plan-writer.ts'
import { KernelWriter } from '../writer.ts'
import { further, loopsApart, replaced } from './loops.ts'
import { preimages, turned } from './preimages.ts'

const largest = (bounds: readonly number[]): number => Math.max(0, ...bounds)

/** Elements with their strides along the axes of an output. */
interface Part {
  readonly elements: Elements
  readonly strides: readonly number[]
  /** Their size along the axis. */
  readonly size: number
}

/** Textures per kernel: WebGL guarantees eight. */
const mostParts = 8

/** Concatenates parts along an axis. If there are more than a kernel can read, groups are joined first. */
function joined(plan: PlanWriter, parts: readonly Part[], shape: Shape, axis: number): Step {
  if (parts.length > mostParts) {
    const groups: Part[] = []
    for (let i = 0; i < parts.length; i += mostParts) {
      const group = parts.slice(i, i + mostParts)
      if (group.length === 1) groups.push(group[0])
      else {
        const size = group.reduce((total, part) => total + part.size, 0)
        const whole = replaced(shape, axis, size)
        groups.push({ elements: plan.add(joined(plan, group, whole, axis)), strides: contiguousStrides(whole), size })
      }
    }
    return joined(plan, groups, shape, axis)
  }
  const rows = parts.map(({ strides }) => strides)
  const { sizes, steps, own } = loopsApart(shape, rows, [axis])
  const writer = new KernelWriter(numelOf(shape))
  const indices = writer.indices(writer.index, sizes)
  const along = indices[own[0]]
  const x = writer.value('0', 'let')
  let from = 0
  parts.forEach(({ elements, size }, k) => {
    const { name, start } = elements(writer)
    const to = from + size
    writer.when(`${along} >= ${from} && ${along} < ${to}`, () => {
      const first = further(writer, start, -from * steps[k][own[0]])
      writer.line(`${x} = ${name}[${writer.address(first, indices, steps[k])}];`)
    })
    from = to
  })
  return writer.step(x)
}

export const concat: Planner<'concat'> = {
  plan: (instr) => {
    const { attrs, inputs, outputs } = instr
    const [out] = outputs
    const plan = new PlanWriter()
    return plan.plan(out, () => {
      const parts: Part[] = []
      inputs.forEach(({ sizes, strides }, k) => {
        const size = sizes[attrs.axis]
        if (size > 0) parts.push({ elements: inputElements(instr, k), strides, size })
      })
      return joined(plan, parts, out.sizes, attrs.axis)
    })
  },
  bound: (_, bounds) => largest(bounds),
}

export const pad: Planner<'pad'> = {
  plan: (instr) => {
    const { attrs, inputs, outputs } = instr
    const [{ sizes: shape, strides }] = inputs
    const [out] = outputs
    return new PlanWriter().plan(out, () => {
      const writer = new KernelWriter(numelOf(out.sizes))
      const value = writer.number(({ attrs }) => (attrs as Prims['pad']).value)
      if (numelOf(shape) === 0) return writer.step(value)
      const padded = shape.flatMap((_, d) => (attrs.low[d] === 0 && attrs.high[d] === 0 ? [] : [d]))
      const { sizes, steps, own } = loopsApart(out.sizes, [strides], padded)
      const indices = writer.indices(writer.index, sizes)
      const inside = padded.map((axis, k) => {
        indices[own[k]] = writer.value(`${indices[own[k]]} - ${attrs.low[axis]}`)
        return `${indices[own[k]]} >= 0 && ${indices[own[k]]} < ${shape[axis]}`
      })
      const { name, start } = inputElements(instr, 0)(writer)
      const element = (): string => `${name}[${writer.address(start, indices, steps[0])}]`
      if (inside.length === 0) return writer.step(element())
      const x = writer.value(value, 'let')
      writer.when(inside.join(' && '), () => writer.line(`${x} = ${element()};`))
      return writer.step(x)
    })
  },
  bound: ({ attrs }, bounds) => largest([...bounds, Math.abs(attrs.value)]),
}

export const assign: Planner<'assign'> = {
  plan: (instr) => {
    const { attrs, inputs, outputs } = instr
    const [base, source] = inputs
    const [out] = outputs
    return new PlanWriter().plan(out, () => {
      const length = numelOf(out.sizes)
      const writer = new KernelWriter(length)
      const { sizes, steps } = loopsOver(base.sizes, [base.strides])
      const to = inputElements(instr, 0)(writer)
      const x = writer.value(
        `${to.name}[${writer.address(to.start, writer.indices(writer.index, sizes), steps[0])}]`,
        'let',
      )
      if (numelOf(source.sizes) === 0) return writer.step(x)
      const { dims, shifts } = turned(loopsOver(source.sizes, [attrs.region.strides, source.strides]))
      const { name, start } = inputElements(instr, 1)(writer)
      const first = writer.number(({ attrs }) => (attrs as Prims['assign']).region.offset + shifts[0])
      const position = writer.value(`${writer.index} - ${first}`)
      const from = further(writer, start, shifts[1])
      preimages(writer, dims, position, length, from, (index) => writer.line(`${x} = ${name}[${index}];`))
      return writer.step(x)
    })
  },
  bound: (_, bounds) => largest(bounds),
}
