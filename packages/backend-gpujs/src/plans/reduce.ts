// Reductions: a kernel for every thousand elements that come together. The first reads operands and puts ranges of the
// reduced axes together, the next ones what it left, until there is one element for each output.
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

/** Elements that one thread puts together at most: loops of shaders end early on some drivers. */
const perThread = 1024
/** Sums are sums of blocks of so many: their error grows with the blocks, not with the elements. */
const block = 32

export type Reduce = NonNullable<MapOut['reduce']>

/** What is reduced: loops that stay and loops that go, with a row of steps for everything that is read. */
export interface Rows {
  readonly kept: Loops
  readonly reduced: Loops
  /** Where each row begins, and the element at addresses in the rows. */
  open(writer: KernelWriter): {
    readonly starts: readonly (string | undefined)[]
    element(addresses: readonly string[]): string
  }
}

/** One loop of a kernel, with a step in each row. */
interface Turns {
  readonly turns: number
  readonly steps: readonly number[]
  /** Source of how many elements there are, where there may be fewer than turns. */
  readonly left?: string
}

/** Two elements put together, before the result is brought back to its dtype. */
export function combine(fn: ReduceFn, dtype: DType, a: string, b: string): string {
  if (fn === 'max' || (fn === 'sum' && dtype === 'bool')) return `Math.max(${a}, ${b})`
  if (fn === 'min') return `Math.min(${a}, ${b})`
  return fn === 'sum' ? `${a} + ${b}` : `${a} * ${b}`
}

/**
 * How much of the reduced loops one thread does: the loops from `whole` on, and `per` turns of the one before, of which
 * there are `parts`.
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

/** Adds the steps of a reduction, and gives the last one's position. */
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

/** What a step left: for each output the reduced elements of its parts, one after another. */
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

/** Nested loops, each with a value of its own that those inside are put together in. */
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

/** What a reduction of no elements gives. */
export function reducedOfNone(dtype: DType, { fn, post }: Reduce): number {
  const identity = identityOf(fn, dtype)
  return post === undefined ? identity : interpret(post)([identity])
}
