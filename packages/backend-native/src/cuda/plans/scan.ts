// The plan of a scan. If there are many lines or short ones, a thread takes a line. Otherwise a line is cut into parts: a
// block takes one, its threads have neighbouring elements each, and what comes before a part is the scan of the totals of
// all parts. The form, and with it the order of additions, follows from the shape. Sums and products of floats run in
// double precision; each element is rounded when it is stored.
import {
  contiguousStrides,
  type DType,
  dtypeSize,
  identityOf,
  isFloat,
  loopsOver,
  numelOf,
  type ReduceFn,
} from '@flambeau/core/backend'
import type { Launch, Param, Plan, Planner } from '../plan.ts'
import { declareLoops, declareSteps } from '../text/loops.ts'
import { inTurns } from '../text/turns.ts'
import type { Value } from '../value.ts'
import { begin, type KernelWriter, type MakeWriter, threads } from '../text/writer.ts'
import { planEach } from './elements.ts'
import { combining } from './reduction.ts'

/** Lines up to this length, or as many lines as this, have a thread each. */
const shortLine = 32
const manyLines = 4096
/** Elements of a thread in a part. */
const mostOwn = 8

/** Lines of elements: where each begins, and the step along it. */
interface Lines {
  readonly sizes: readonly number[]
  readonly from: {
    readonly param: Param
    readonly dtype: DType
    readonly steps: readonly number[]
    readonly next: number
  }
  readonly to: {
    readonly param: Param
    readonly dtype: DType
    readonly steps: readonly number[]
    readonly next: number
  }
  readonly length: number
  readonly fn: ReduceFn
  /** The dtype in which values are combined. */
  readonly through: DType
}

/** Declares both operands; returns what reads and writes element `c` of a line. */
function open(w: KernelWriter, { sizes, from, to, through }: Lines) {
  const split = declareLoops(w, sizes)
  const [source, target] = [from, to].map(({ param, dtype, steps, next }) => ({
    address: w.param(param),
    dtype,
    at: declareSteps(w, steps),
    step: w.param({ is: 'int', value: next }),
  }))
  return (line: Value) => {
    const indices = split(line)
    const [start, startTo] = [source.at(indices), target.at(indices)]
    return {
      read: (c: Value): Value => {
        const x = w.load(source.dtype, source.address, w.indexMad(c, source.step, start))
        return w.step('cast', through, source.dtype, [x])
      },
      write: (c: Value, value: Value): void => {
        const at = w.indexMad(c, target.step, startTo)
        w.store(target.dtype, target.address, at, w.step('cast', target.dtype, through, [value]))
      },
    }
  }
}

/** What changes nothing: -0 for sums of floats, because 0 would change -0. */
const neutral = (w: KernelWriter, fn: ReduceFn, dtype: DType): Value =>
  w.constant(fn === 'sum' && isFloat(dtype) ? -0 : identityOf(fn, dtype), dtype)

/** A thread takes a line. */
function planLines(make: MakeWriter, lines: Lines): Launch {
  const { sizes, length, fn, through } = lines
  return planEach(
    make,
    'scan',
    numelOf(sizes),
    false,
    (w) => {
      const at = open(w, lines)
      const all = w.param({ is: 'int', value: length })
      return {
        read: (line) => line,
        write: (line) => {
          const { read, write } = at(line)
          const running = w.variable(neutral(w, fn, through))
          inTurns(w, w.int(0), all, w.int(1), read, (x, c) => {
            w.set(running, w.step(combining[fn], through, through, [running, x]))
            write(c, running)
          })
        },
      }
    },
    length,
  )
}

/**
 * A block takes a part of a line. It writes the total of the part to `totals`, or all elements, for which it takes what
 * comes before from `before`, the scan of the totals.
 */
function planParts(
  make: MakeWriter,
  lines: Lines,
  parts: number,
  own: number,
  memory: { readonly totals: Param } | { readonly before: Param | null },
): Launch {
  const { sizes, length, fn, through } = lines
  const w = make()
  begin(w)
  const at = open(w, lines)
  const [all, each] = [length, own].map((value) => w.param({ is: 'int', value }))
  const block = w.position('block')
  const [line, part] = declareLoops(w, [numelOf(sizes), parts])(block)
  const other = 'totals' in memory ? memory.totals : memory.before
  const address = other === null ? null : w.param(other)
  const { read, write } = at(line)
  const thread = w.position('thread')
  const join = (a: Value, b: Value): Value => w.step(combining[fn], through, through, [a, b])
  const first = w.index('mul', w.indexMad(part, w.int(threads), thread), each)
  const last = w.index('min', all, w.index('add', first, each))
  const sum = w.variable(neutral(w, fn, through))
  inTurns(w, first, last, w.int(1), read, (x) => w.set(sum, join(sum, x)))
  // The threads' totals, scanned in shared memory: each adds that of the thread 1, 2, 4 ... before it.
  const shared = w.shared(through, threads)
  w.storeShared(through, shared, thread, sum)
  w.barrier()
  for (let apart = 1; apart < threads; apart *= 2) {
    w.when(w.compare('ge', thread, w.int(apart)), () => {
      w.set(sum, join(w.loadShared(through, shared, w.index('sub', thread, w.int(apart))), sum))
    })
    w.barrier()
    w.storeShared(through, shared, thread, sum)
    w.barrier()
  }
  if ('totals' in memory) {
    w.when(w.compare('eq', thread, w.int(threads - 1)), () => w.store(through, address as Value, block, sum))
  } else {
    const running = w.variable(neutral(w, fn, through))
    if (address !== null) {
      w.when(w.compare('ge', part, w.int(1)), () => {
        w.set(running, w.load(through, address, w.index('sub', block, w.int(1))))
      })
    }
    w.when(w.compare('ge', thread, w.int(1)), () => {
      w.set(running, join(running, w.loadShared(through, shared, w.index('sub', thread, w.int(1)))))
    })
    inTurns(w, first, last, w.int(1), read, (x, c) => {
      w.set(running, join(running, x))
      write(c, running)
    })
  }
  const { kernel, params } = w.kernel('scan')
  const count = numelOf(sizes)
  return {
    kernel,
    grid: [count * parts, 1, 1],
    block: threads,
    shared: 0,
    params,
    visits: 2 * count * threads * parts * own,
  }
}

/** Adds the launches of a scan of lines. */
function planScanOf(make: MakeWriter, lines: Lines, launches: Launch[], scratch: number[]): void {
  const { sizes, length, through } = lines
  const count = numelOf(sizes)
  if (length <= shortLine || count >= manyLines) {
    launches.push(planLines(make, lines))
    return
  }
  const own = Math.min(mostOwn, Math.ceil(length / threads))
  const parts = Math.ceil(length / (threads * own))
  if (parts === 1) {
    launches.push(planParts(make, lines, 1, own, { before: null }))
    return
  }
  const totals: Param = { is: 'scratch', scratch: scratch.push(dtypeSize[through] * count * parts) - 1 }
  const before: Param = { is: 'scratch', scratch: scratch.push(dtypeSize[through] * count * parts) - 1 }
  launches.push(planParts(make, lines, parts, own, { totals }))
  const place = (param: Param) => ({ param, dtype: through, steps: [parts], next: 1 })
  planScanOf(
    make,
    { ...lines, sizes: [count], from: place(totals), to: place(before), length: parts },
    launches,
    scratch,
  )
  launches.push(planParts(make, lines, parts, own, { before }))
}

export const planScan =
  (make: MakeWriter): Planner<'scan'> =>
  ({ attrs: { axis, fn }, inputs: [x], outputs: [out] }): Plan => {
    const launches: Launch[] = []
    const scratch: number[] = []
    if (numelOf(x.sizes) === 0) return { launches, scratch }
    const drop = (list: readonly number[]): number[] => list.filter((_, i) => i !== axis)
    const rows = [x.strides, contiguousStrides(x.sizes)]
    const { sizes, steps } = loopsOver(drop(x.sizes), rows.map(drop))
    const [from, to] = [
      { param: { is: 'input', input: 0 } as const, dtype: x.dtype },
      { param: { is: 'output', output: 0 } as const, dtype: out.dtype },
    ].map((operand, i) => ({ ...operand, steps: steps[i], next: rows[i][axis] ?? 0 }))
    const through = isFloat(out.dtype) ? 'float64' : out.dtype
    planScanOf(make, { sizes, from, to, length: x.sizes[axis] ?? 1, fn, through }, launches, scratch)
    return { launches, scratch }
  }
