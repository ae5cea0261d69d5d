// Plans of kernels that move elements: concat, pad, assign. An element of the output looks where it comes from.
import {
  contiguousStrides,
  loopsOver,
  numelOf,
  type Operand,
  type Prims,
  type Shape,
  type View,
} from '@flambeau/core/backend'
import type { Planner } from '../plan.ts'
import { preimages, turned } from './preimages.ts'
import { type Cells, coordinatesOf, indexAt, inputCells, KernelText, loopsApart, PlanText, sumOf } from './text.ts'

const viewsOf = (inputs: readonly Operand[]): readonly View[] => inputs as readonly View[]
const largest = (bounds: readonly number[]): number => Math.max(0, ...bounds)

/** Elements with their steps along the axes of an output. */
interface Part {
  readonly cells: Cells
  readonly strides: readonly number[]
  /** Their size along the axis. */
  readonly size: number
}

/** Textures of one kernel: WebGL promises eight. */
const mostParts = 8

/** Parts one after the other along an axis. More than a kernel can read are joined to larger parts first. */
function joined(plan: PlanText, parts: readonly Part[], shape: Shape, axis: number): Part {
  if (parts.length > mostParts) {
    const groups: Part[] = []
    for (let i = 0; i < parts.length; i += mostParts) {
      const group = parts.slice(i, i + mostParts)
      groups.push(group.length === 1 ? group[0] : joined(plan, group, shape, axis))
    }
    return joined(plan, groups, shape, axis)
  }
  const size = parts.reduce((total, part) => total + part.size, 0)
  const whole = shape.map((n, d) => (d === axis ? size : n))
  const rows = parts.map(({ strides }) => strides)
  const { sizes, steps, own } = loopsApart(whole, rows, [axis])
  const text = new KernelText()
  const { lines, coordinates } = coordinatesOf(text, 'this.thread.x', sizes)
  const along = coordinates[own[0]]
  const body = [...lines, 'let x = 0;']
  let at = 0
  parts.forEach(({ cells, size }, k) => {
    const { name, start } = text.array(cells)
    const index = indexAt(sumOf([start, at === 0 ? '' : String(-at * steps[k][own[0]])]), coordinates, steps[k])
    body.push(`if (${along} >= ${at} && ${along} < ${at + size}) { x = ${name}[${index}]; }`)
    at += size
  })
  return { cells: plan.add(text.step(numelOf(whole), body, 'x')), strides: contiguousStrides(whole), size }
}

export const concat: Planner<'concat'> = {
  plan: (instr) => {
    const { attrs, inputs, outputs } = instr
    const plan = new PlanText()
    return plan.made(outputs[0], () => {
      const parts: Part[] = []
      viewsOf(inputs).forEach(({ shape, strides }, k) => {
        const size = shape[attrs.axis]
        if (size > 0) parts.push({ cells: inputCells(instr, k), strides, size })
      })
      return joined(plan, parts, outputs[0].shape, attrs.axis).cells
    })
  },
  bound: (_, bounds) => largest(bounds),
}

export const pad: Planner<'pad'> = {
  plan: (instr) => {
    const { attrs, inputs, outputs } = instr
    const [{ shape, strides }] = viewsOf(inputs)
    const [out] = outputs
    const plan = new PlanText()
    return plan.made(out, () => {
      const text = new KernelText()
      const value = text.number(({ attrs }) => (attrs as Prims['pad']).value)
      const length = numelOf(out.shape)
      if (numelOf(shape) === 0) return plan.add(text.step(length, [], value))
      const padded = shape.flatMap((_, d) => (attrs.low[d] === 0 && attrs.high[d] === 0 ? [] : [d]))
      const { sizes, steps, own } = loopsApart(out.shape, [strides], padded)
      const { lines, coordinates } = coordinatesOf(text, 'this.thread.x', sizes)
      const moved = [...coordinates]
      const body = [...lines]
      const inside = padded.map((axis, k) => {
        const at = text.name('a')
        moved[own[k]] = at
        body.push(`const ${at} = ${coordinates[own[k]]} - ${attrs.low[axis]};`)
        return `${at} >= 0 && ${at} < ${shape[axis]}`
      })
      const { name, start } = text.array(inputCells(instr, 0))
      const element = `${name}[${indexAt(start, moved, steps[0])}]`
      if (inside.length === 0) return plan.add(text.step(length, body, element))
      body.push(`let x = ${value};`, `if (${inside.join(' && ')}) { x = ${element}; }`)
      return plan.add(text.step(length, body, 'x'))
    })
  },
  bound: ({ attrs }, bounds) => largest([...bounds, Math.abs(attrs.value)]),
}

export const assign: Planner<'assign'> = {
  plan: (instr) => {
    const { attrs, inputs, outputs } = instr
    const [base, source] = viewsOf(inputs)
    const plan = new PlanText()
    return plan.made(outputs[0], () => {
      const text = new KernelText()
      const length = numelOf(outputs[0].shape)
      const { sizes, steps } = loopsOver(base.shape, [base.strides])
      const { lines, coordinates } = coordinatesOf(text, 'this.thread.x', sizes)
      const { name, start } = text.array(inputCells(instr, 0))
      const body = [...lines, `let x = ${name}[${indexAt(start, coordinates, steps[0])}];`]
      if (numelOf(source.shape) > 0) {
        const { dims, shifts } = turned(loopsOver(source.shape, [attrs.region.strides, source.strides]))
        const cells = text.array(inputCells(instr, 1))
        const first = text.number(({ attrs }) => (attrs as Prims['assign']).region.offset + shifts[0])
        const from = sumOf([cells.start, shifts[1] === 0 ? '' : String(shifts[1])])
        const found = (index: string) => [`x = ${cells.name}[${index}];`]
        body.push(`const p = this.thread.x - ${first};`, ...preimages(text, dims, 'p', length, from, found))
      }
      return plan.add(text.step(length, body, 'x'))
    })
  },
  bound: (_, bounds) => largest(bounds),
  key: ({ region }) => `${region.shape}|${region.strides}`,
}
