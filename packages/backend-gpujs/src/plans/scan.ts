// The plan of a scan: blocks on their own, each element reading those before it in its block, then a scan of what the
// blocks come to, then both together. So any length pays: three kernels for a thousand elements, seven for a million.
import { contiguousStrides, type DType, numelOf, type ReduceFn, type View } from '@flambeau/core/backend'
import type { Planner } from '../plan.ts'
import { wrapped } from './integers.ts'
import {
  type Cells,
  coordinatesOf,
  divided,
  indexAt,
  inputCells,
  KernelText,
  loop,
  loopsApart,
  PlanText,
  replaced,
  sumOf,
} from './text.ts'

/** The most elements that one reads. */
const block = 32

/** Elements in some shape, from `first` after the first. */
interface Elements {
  readonly cells: Cells
  readonly shape: readonly number[]
  readonly strides: readonly number[]
  readonly first: number
}

function combined(fn: ReduceFn, dtype: DType, x: string, y: string): string {
  if (fn === 'max' || fn === 'min') return `Math.${fn}(${x}, ${y})`
  return wrapped(`${x} ${fn === 'sum' ? '+' : '*'} ${y}`, dtype)
}

/** The scan along an axis, row-major. */
function scanned(plan: PlanText, x: Elements, axis: number, fn: ReduceFn, dtype: DType): Cells {
  const { shape } = x
  const within = inBlocks(plan, x, axis, fn, dtype)
  if (shape[axis] <= block) return within
  // What a block comes to is its last element; nothing follows the last block.
  const strides = contiguousStrides(shape)
  const ends = {
    cells: within,
    shape: replaced(shape, axis, Math.ceil(shape[axis] / block) - 1),
    strides: replaced(strides, axis, strides[axis] * block),
    first: (block - 1) * strides[axis],
  }
  const before = scanned(plan, ends, axis, fn, dtype)
  const text = new KernelText()
  const { sizes, steps, own } = loopsApart(shape, [contiguousStrides(ends.shape)], [axis])
  const { lines, coordinates } = coordinatesOf(text, 'this.thread.x', sizes)
  const [along] = own
  const number = divided(text, coordinates[along], block, shape[axis])
  const inner = text.array(within)
  const outer = text.array(before)
  const index = indexAt(`${-steps[0][along]}`, replaced(coordinates, along, number.quotient), steps[0])
  const body = [
    ...lines,
    ...number.lines,
    `let x = ${inner.name}[this.thread.x];`,
    `if (${number.quotient} > 0) { const y = ${outer.name}[${index}]; x = ${combined(fn, dtype, 'y', 'x')}; }`,
  ]
  return plan.add(text.step(numelOf(shape), body, 'x'))
}

/** Blocks along the axis scanned on their own, row-major. */
function inBlocks(
  plan: PlanText,
  { cells, shape, strides, first }: Elements,
  axis: number,
  fn: ReduceFn,
  dtype: DType,
): Cells {
  const text = new KernelText()
  const { sizes, steps, own } = loopsApart(shape, [strides], [axis])
  const { lines, coordinates } = coordinatesOf(text, 'this.thread.x', sizes)
  const [along] = own
  const step = steps[0][along]
  const { lines: parted, remainder: place } = divided(text, coordinates[along], block, shape[axis])
  const { name, start } = text.array(cells)
  const element = indexAt(sumOf([start, first === 0 ? '' : String(first)]), coordinates, steps[0])
  const turns = loop(text, Math.min(shape[axis], block) - 1, (turn) => [
    `if (${turn} < ${place}) {`,
    `const y = ${name}[from + ${indexAt('', [`(${turn} + 1)`], [step])}];`,
    `x = ${combined(fn, dtype, 'x', 'y')};`,
    '}',
  ])
  const body = [...lines, ...parted, `const from = ${indexAt(element, [place], [-step])};`, `let x = ${name}[from];`]
  return plan.add(text.step(numelOf(shape), [...body, ...turns], 'x'))
}

export const scan: Planner<'scan'> = {
  plan: (instr) => {
    const { attrs, inputs, outputs } = instr
    const [{ shape, strides }] = inputs as readonly View[]
    const [out] = outputs
    const { axis, fn } = attrs
    const plan = new PlanText()
    // A tensor of no dimensions is a row of one.
    const x = shape.length === 0 ? { shape: [1], strides: [0] } : { shape, strides }
    return plan.made(out, () => scanned(plan, { ...x, cells: inputCells(instr, 0), first: 0 }, axis, fn, out.dtype))
  },
  bound: ({ attrs, inputs }, [bound]) => {
    const n = (inputs[0] as View).shape[attrs.axis] ?? 1
    if (attrs.fn === 'sum') return n * bound
    return attrs.fn === 'prod' ? Math.max(bound, 1) ** n : bound
  },
}
