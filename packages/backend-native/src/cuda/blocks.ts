// The launches of a program, and which of them one block does (text/block.ts): neighbours that all visit so few elements
// that a node of a graph for each would cost more.
import type { Instr } from '@flambeau/core/backend'
import { type Body, isLaunch, type Kernel, type Launch, type Product } from './plan.ts'
import { blockKernel, groups, recordHead, recordWords, strides } from './text/block.ts'
import type { Prelude } from './text/prelude.ts'
import { threads } from './text/writer.ts'

/** A launch of an instruction, or a product by the BLAS; `tag` is the instruction's number in the error record. */
export interface Step {
  readonly work: Launch | Product
  readonly instr: Instr
  readonly tag: number
}

/** A launch of a kernel that has a body. */
export interface SmallStep extends Step {
  readonly work: Launch & { readonly kernel: { readonly body: Body } }
}

/**
 * The most elements that a launch within a block visits: 32 for each of its threads, which read four at a time. Eight reads
 * take about 2.4 us (estimated), as a node of a graph does.
 */
const mostVisits = 2 ** 15
/** The most different bodies of a block, because drivers compile it whole. */
const mostBodies = 64

const isSmall = (step: Step): step is SmallStep => {
  const { work } = step
  return isLaunch(work) && work.kernel.body !== undefined && work.visits !== undefined && work.visits <= mostVisits
}

/** The steps of a program: alone, or those of a block. */
export function blocksOf(steps: readonly Step[]): (Step | readonly SmallStep[])[] {
  const found: (Step | SmallStep[])[] = []
  let bodies = new Set<Body>()
  for (const step of steps) {
    const last = found.at(-1)
    if (!isSmall(step)) found.push(step)
    else if (Array.isArray(last) && (bodies.has(step.work.kernel.body) || bodies.size < mostBodies)) {
      last.push(step)
      bodies.add(step.work.kernel.body)
    } else {
      found.push([step])
      bodies = new Set([step.work.kernel.body])
    }
  }
  return found.map((step) => (Array.isArray(step) && step.length === 1 ? step[0] : step))
}

/** The different bodies of the steps of a block, in the order in which they come. */
export const bodiesOf = (steps: readonly SmallStep[]): Body[] => [...new Set(steps.map(({ work }) => work.kernel.body))]

/** The records that a block reads; `wordsOf` gives the parameters of a step. */
export function recordsOf(
  steps: readonly SmallStep[],
  bodies: readonly Body[],
  wordsOf: (step: SmallStep) => Int32Array,
): Int32Array {
  const length = 2 * recordWords(bodies)
  const records = new Int32Array(steps.length * length)
  steps.forEach((step, i) => {
    const { grid, kernel } = step.work
    const { body } = kernel
    records.set([bodies.indexOf(body), strides(body) ? groups : grid[0]], i * length)
    records.set(wordsOf(step), i * length + 2 * recordHead)
  })
  return records
}

const kernels = new Map<string, Kernel>()

/** The launch of a block over records in memory. */
export function blockLaunch(prelude: Prelude, bodies: readonly Body[], records: number, count: number): Launch {
  const made = blockKernel(prelude, bodies)
  // Equal texts are one object.
  const kernel = kernels.get(made.text) ?? made
  kernels.set(made.text, kernel)
  return {
    kernel,
    grid: [1, 1, 1],
    block: groups * threads,
    shared: 0,
    params: [
      { is: 'long', value: records },
      { is: 'int', value: count },
    ],
  }
}
