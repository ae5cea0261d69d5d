// Plans of gather and scatter. Both check their indices with a flag, the first wrong one, and read within bounds whatever
// it says. There is no writing to places on a GPU: an element of a scatter looks through the indices for its own.
import {
  type DType,
  type Instr,
  loopsOver,
  numelOf,
  type Prims,
  RuntimeError,
  type Shape,
  type View,
} from '@flambeau/core/backend'
import type { Planner } from '../plan.ts'
import { wrapped } from './integers.ts'
import {
  type Cells,
  coordinatesOf,
  each,
  indexAt,
  inputCells,
  KernelText,
  loop,
  loopsApart,
  partOf,
  perThread,
  PlanText,
  replaced,
} from './text.ts'

/** Strides that stay where they are along an axis. */
const without = (strides: readonly number[], axis: number): number[] => strides.map((x, d) => (d === axis ? 0 : x))

/** The first element for which `found` is not 0, as that value, else 0; elements in loops with these steps. */
function first(
  plan: PlanText,
  cells: Cells,
  sizes: Shape,
  steps: readonly number[],
  found: (x: string) => string,
): Cells {
  const n = numelOf(sizes)
  const per = perThread(n, 1)
  const parts = Math.ceil(n / per)
  const text = new KernelText()
  const { lines, part } = partOf(text, parts, 1)
  const { name, start } = text.array(cells)
  const turns = loop(text, per, (turn) => {
    const at = text.name('j')
    const position = coordinatesOf(text, at, sizes)
    const body = [
      ...position.lines,
      `const x = ${name}[${indexAt(start, position.coordinates, steps)}];`,
      `if (flag === 0) { flag = ${found('x')}; }`,
    ]
    const index = `const ${at} = ${indexAt(turn, [part], [per])};`
    return n % per === 0 ? [index, ...body] : [index, `if (${at} < ${n}) {`, ...body, '}']
  })
  const made = plan.add(text.step(parts, [...lines, 'let flag = 0;', ...turns], 'flag'))
  return parts === 1 ? made : first(plan, made, [parts], [1], (x) => x)
}

/** Flags an index that is not below `size`: as itself where it is negative, else one more, so that it is not 0. */
function checkIndices(plan: PlanText, instr: Instr<'gather' | 'scatter'>): void {
  const { inputs, attrs } = instr
  const [{ shape: whole }, { shape, strides }] = inputs as readonly View[]
  if (numelOf(shape) === 0) return
  const { axis } = attrs
  const size = whole[axis]
  const stored = shape.flatMap((_, d) => (strides[d] === 0 ? [] : [d]))
  const loops = loopsOver(
    stored.map((d) => shape[d]),
    [stored.map((d) => strides[d])],
  )
  const wrong = (x: string): string => `${x} < 0 ? ${x} : (${x} >= ${size} ? ${x} + 1 : 0)`
  const flag = first(plan, inputCells(instr, 1), loops.sizes, loops.steps[0], wrong)
  plan.check(flag, (_, value) => {
    const index = value < 0 ? value : value - 1
    return new RuntimeError(`index ${index} is out of bounds for dimension ${axis} with size ${size}`)
  })
}

export const gather: Planner<'gather'> = {
  plan: (instr) => {
    const { attrs, inputs, outputs } = instr
    const [source, index] = inputs as readonly View[]
    const [out] = outputs
    const { axis } = attrs
    const plan = new PlanText()
    checkIndices(plan, instr)
    return plan.made(out, () => {
      const text = new KernelText()
      const length = numelOf(out.shape)
      // Every index is wrong then, and there is nothing to read.
      if (numelOf(source.shape) === 0) return plan.add(text.step(length, [], '0'))
      const { sizes, steps } = loopsOver(out.shape, [index.strides, without(source.strides, axis)])
      const { lines, coordinates } = coordinatesOf(text, 'this.thread.x', sizes)
      const indices = text.array(inputCells(instr, 1))
      const from = text.array(inputCells(instr, 0))
      const body = [
        ...lines,
        `const k = ${indices.name}[${indexAt(indices.start, coordinates, steps[0])}];`,
        `const at = Math.min(Math.max(k, 0), ${source.shape[axis] - 1});`,
      ]
      const element = indexAt(from.start, [...coordinates, 'at'], [...steps[1], source.strides[axis]])
      return plan.add(text.step(length, body, `${from.name}[${element}]`))
    })
  },
  bound: (_, [source]) => source,
}

/** What an element becomes by another one that is put there. */
function put(fn: Prims['scatter']['fn'], dtype: DType, x: string, y: string): string {
  if (fn === 'set') return y
  if (fn === 'add') return wrapped(`${x} + ${y}`, dtype)
  return fn === 'prod' ? wrapped(`${x} * ${y}`, dtype) : `Math.${fn}(${x}, ${y})`
}

export const scatter: Planner<'scatter'> = {
  plan: (instr) => {
    const { attrs, inputs, outputs } = instr
    const [base, index, source] = inputs as readonly View[]
    const [out] = outputs
    const { axis, fn } = attrs
    const plan = new PlanText()
    checkIndices(plan, instr)
    return plan.made(out, () => {
      const text = new KernelText()
      const length = numelOf(out.shape)
      const rows = [base.strides, index.strides, source.strides]
      // Along dimensions in which the index is smaller than the base, only the first elements can be reached.
      const short = base.shape.flatMap((n, d) => (d === axis || index.shape[d] < n ? [d] : []))
      const { sizes, steps, own } = loopsApart(base.shape, rows, short)
      const { lines, coordinates } = coordinatesOf(text, 'this.thread.x', sizes)
      const to = text.array(inputCells(instr, 0))
      const body = [...lines, `let x = ${to.name}[${indexAt(to.start, coordinates, steps[0])}];`]
      if (numelOf(index.shape) > 0) {
        const indices = text.array(inputCells(instr, 1))
        const from = text.array(inputCells(instr, 2))
        const along = own[short.indexOf(axis)]
        const turns = each(text, index.shape[axis], (turn) => {
          const there = replaced(coordinates, along, turn)
          return [
            `if (${indices.name}[${indexAt(indices.start, there, steps[1])}] === ${coordinates[along]}) {`,
            `const y = ${from.name}[${indexAt(from.start, there, steps[2])}];`,
            `x = ${put(fn, out.dtype, 'x', 'y')};`,
            '}',
          ]
        })
        const inside = short.flatMap((d, k) => (d === axis ? [] : [`${coordinates[own[k]]} < ${index.shape[d]}`]))
        body.push(...(inside.length === 0 ? turns : [`if (${inside.join(' && ')}) {`, ...turns, '}']))
      }
      return plan.add(text.step(length, body, 'x'))
    })
  },
  bound: ({ attrs, inputs }, [base, , source]) => {
    const many = (inputs[1] as View).shape[attrs.axis]
    if (attrs.fn === 'add') return base + many * source
    return attrs.fn === 'prod' ? Math.max(base, 1) * Math.max(source, 1) ** many : Math.max(base, source)
  },
}
