// The plan of reductions: one kernel for each stage of up to a thousand elements. The first reduces ranges of the
// operands along the reduced axes, the following ones the results, until one element per output remains.
import {
  type DType,
  type Expr,
  identityOf,
  interpret,
  isFloat,
  type Loops,
  type MapOut,
  numelOf,
  type ReduceFn,
} from '@flambeau/core/backend'
import { emit, wrapped } from '../expression.ts'
import type { Step } from '../plan.ts'
import { KernelWriter, literal } from '../writer.ts'

/** The maximum elements that one thread reduces, because loops of shaders end early on some drivers. */
const perThread = 1024
/** Sums are sums of blocks of this size: their error grows with the number of blocks, not of elements. */
const block = 32

export type Reduce = NonNullable<MapOut['reduce']>

/** The input of a reduction: kept loops and reduced loops, with a row of strides for every operand. */
export interface Rows {
  readonly kept: Loops
  readonly reduced: Loops
  /** The start of each row, and the element at given addresses. */
  open(writer: KernelWriter): {
    readonly starts: readonly (string | undefined)[]
    element(addresses: readonly string[]): string
  }
}

/** One loop of a kernel, with a stride in each row. */
interface Turns {
  readonly turns: number
  readonly steps: readonly number[]
  /** Source of the number of remaining elements, if it may be smaller than `turns`. */
  readonly left?: string
}

/** Combines two elements, before the result is cast to its dtype. */
export function combine(fn: ReduceFn, dtype: DType, a: string, b: string): string {
  if (fn === 'max' || (fn === 'sum' && dtype === 'bool')) return `Math.max(${a}, ${b})`
  if (fn === 'min') return `Math.min(${a}, ${b})`
  return fn === 'sum' ? `${a} + ${b}` : `${a} * ${b}`
}

/**
 * The part of the reduced loops that one thread runs: all loops from `whole` on, and `per` iterations of the one
 * before, which makes `parts` parts.
 */
function cutOf(sizes: readonly number[]): { readonly whole: number; readonly per: number; readonly parts: number } {
  const count = numelOf(sizes)
  const stages = Math.ceil(Math.log(count) / Math.log(perThread) - 1e-9)
  const limit = stages < 2 ? perThread : Math.min(perThread, Math.ceil(count ** (1 / stages)))
  let whole = sizes.length
  let inner = 1
  while (whole > 0 && inner * sizes[whole - 1] <= limit) inner *= sizes[--whole]
  if (whole === 0) return { whole, per: 1, parts: 1 }
  const most = Math.max(1, Math.floor(limit / inner))
  const per = most > block ? Math.ceil(most / block) * block : most
  return { whole, per, parts: Math.ceil(sizes[whole - 1] / per) }
}

/** Adds the steps of a reduction, and returns the position of the last one. */
export function addReduction(steps: Step[], rows: Rows, dtype: DType, reduce: Reduce): number {
  const { sizes } = rows.reduced
  const { whole, per, parts } = cutOf(sizes)
  const outer = whole === 0 ? [] : [...sizes.slice(0, whole - 1), parts]
  const rest = numelOf(outer)
  const outputs = numelOf(rows.kept.sizes)
  const writer = new KernelWriter(outputs * rest)
  const indices = writer.indices(writer.index, [...rows.kept.sizes, ...outer])
  const part = indices[indices.length - 1]
  const { starts, element } = rows.open(writer)
  const addresses = starts.map((start, k) => {
    const outerSteps = rows.reduced.steps[k].slice(0, whole)
    if (whole > 0) outerSteps[whole - 1] *= per
    return writer.address(start, indices, [...rows.kept.steps[k], ...outerSteps])
  })
  const stepsAt = (loop: number): number[] => rows.reduced.steps.map((row) => row[loop])
  const loops: Turns[] = sizes.slice(whole).map((size, l) => ({ turns: size, steps: stepsAt(whole + l) }))
  if (per > 1) {
    const size = sizes[whole - 1]
    const left = size % per === 0 ? undefined : writer.value(`${size} - ${part} * ${per}`)
    loops.unshift({ turns: per, steps: stepsAt(whole - 1), left })
  }
  const result = nest(writer, loops, addresses, element, dtype, reduce.fn)
  if (rest > 1) {
    const step = steps.push(writer.step(result)) - 1
    return addReduction(steps, partialRows(step, outputs, rest), dtype, reduce)
  }
  return steps.push(writer.step(finish(writer, result, dtype, reduce.post))) - 1
}

/** The results of a step: for each output the reduced elements of its parts, in order. */
const partialRows = (step: number, outputs: number, parts: number): Rows => ({
  kept: { sizes: [outputs], steps: [[parts]] },
  reduced: { sizes: [parts], steps: [[1]] },
  open: (writer) => {
    const texture = writer.texture({ step }, outputs * parts)
    return { starts: [undefined], element: ([at]) => writer.value(`${texture}[${at}]`) }
  },
})

function finish(writer: KernelWriter, reduced: string, dtype: DType, post: Expr | undefined): string {
  if (post === undefined) return reduced
  const rounded = isFloat(dtype) ? writer.value(`Math.fround(${reduced})`) : reduced
  return emit(writer, [post], () => rounded)[0]
}

/** Nested loops, each with an accumulator for the loops inside it. */
function nest(
  writer: KernelWriter,
  loops: readonly Turns[],
  addresses: readonly string[],
  element: (addresses: readonly string[]) => string,
  dtype: DType,
  fn: ReduceFn,
): string {
  if (loops.length === 0) return element(addresses)
  const [{ turns, steps, left }, ...inside] = loops
  const identity = identityOf(fn, dtype)
  const sum = writer.value(Number.isFinite(identity) ? literal(identity) : writer.number(() => identity), 'let')
  const inBlocks = turns > block && (fn === 'sum' || fn === 'prod')
  writer.loop(inBlocks ? Math.ceil(turns / block) : turns, (k) => {
    const moved = addresses.map((at, row) => writer.address(at, [k], [steps[row] * (inBlocks ? block : 1)]))
    const add = (within: readonly Turns[]): void => {
      const both = writer.value(combine(fn, dtype, sum, nest(writer, within, moved, element, dtype, fn)))
      writer.line(`${sum} = ${wrapped(writer, both, dtype)};`)
    }
    if (inBlocks) {
      const full = left === undefined && turns % block === 0
      add([
        { turns: block, steps, left: full ? undefined : writer.value(`${left ?? turns} - ${k} * ${block}`) },
        ...inside,
      ])
    } else if (left === undefined) add(inside)
    else writer.when(`${k} < ${left}`, () => add(inside))
  })
  return sum
}

/** The result of a reduction of no elements. */
export function reducedOfNone(dtype: DType, { fn, post }: Reduce): number {
  const identity = identityOf(fn, dtype)
  return post === undefined ? identity : interpret(post)([identity])
}
