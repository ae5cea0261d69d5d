// The plans of contractions: a product by a kernel of the library, with tables of offsets where a class of axes has
// several loops, then its expression as a map over the result. If there are few tiles and many terms, the sum is cut
// into parts, which a second kernel adds up; this depends on the shape alone.
import {
  contiguousStrides,
  contractionOf,
  type DType,
  dtypeSize,
  type Instr,
  type Loops,
  numelOf,
  type Operand,
  type Output,
  type View,
} from '@flambeau/core/backend'
import type { Kernel, Launch, Param, Plan, Planner } from '../plan.ts'
import type { MakeWriter } from '../text/writer.ts'
import { planCopy } from './move.ts'
import { byBlas } from './product.ts'
import { planElements } from './small-product.ts'
import { planReduction, sums } from './reduction.ts'

const threads = 256
const mostBlocks = 65535
const depths = 8

/** The kernels of a dtype, and the side of their tile; the largest first. */
const tiles: Readonly<Partial<Record<DType, readonly (readonly [name: string, side: number])[]>>> = {
  float32: [
    ['product_float32_128', 128],
    ['product_float32_64', 64],
    ['product_float32_32', 32],
  ],
  float64: [
    ['product_float64_64', 64],
    ['product_float64_32', 32],
  ],
  int32: [
    ['product_int32_64', 64],
    ['product_int32_32', 32],
  ],
}
/** Blocks that keep the multiprocessors of a large GPU busy. */
const enough = 128
/** Terms of a part of a sum, and what their number is a multiple of: a part is whole steps of every tile. */
const leastSpan = 256
const spanStep = 32
/** Products of so many factors in all have a thread for each element, without tables and tiles. */
const mostVisits = 2 ** 15

/** The kernel for a result, and the parts of its sum. */
export function shapeOf(dtype: DType, batches: number, m: number, n: number, k: number) {
  const count = (side: number): number => Math.ceil(m / side) * Math.ceil(n / side) * batches
  const sides = tiles[dtype] ?? []
  const [name, side] = sides.find(([, each]) => count(each) >= enough) ?? sides[sides.length - 1]
  const blocks = count(side)
  const parts = Math.max(1, Math.min(Math.floor(k / leastSpan), Math.floor(enough / blocks)))
  const span = spanStep * Math.max(1, Math.ceil(k / parts / spanStep))
  return { name, side, parts: Math.max(1, Math.ceil(k / span)), span }
}

const int = (value: number): Param => ({ is: 'int', value })

interface Planning {
  readonly make: MakeWriter
  readonly library: string
  readonly launches: Launch[]
  readonly scratch: number[]
}

/** A class of loops as one operand walks through them. */
interface Walk {
  readonly sizes: readonly number[]
  readonly steps: readonly number[]
}
const walk = ({ sizes, steps }: Loops, operand: number): Walk => ({ sizes, steps: steps[operand] ?? [] })

/** The one step of a walk; null if it has several. */
function stepOf({ sizes, steps }: Walk): number | null {
  const isOne = sizes.every((size, i) => i === 0 || steps[i - 1] === size * steps[i])
  return isOne ? (steps.at(-1) ?? 0) : null
}

/** The kernel's parameters for a walk: a table and a step. */
function offsetsOf({ library, launches, scratch }: Planning, along: Walk): Param[] {
  const step = stepOf(along)
  if (step !== null) return [{ is: 'long', value: 0 }, int(step)]
  const { sizes, steps } = along
  if (sizes.length > depths) throw new Error(`a contraction has ${sizes.length} loops in a class`)
  const count = numelOf(sizes)
  const table: Param = { is: 'scratch', scratch: scratch.push(4 * count) - 1 }
  const padded = (list: readonly number[], by: number): Param[] =>
    Array.from({ length: depths }, (_, i) => int(list[i] ?? by))
  launches.push({
    kernel: { text: library, name: 'offsets' },
    grid: [Math.min(4096, Math.ceil(count / threads)), 1, 1],
    block: threads,
    shared: 0,
    params: [{ is: 'flag' }, table, int(count), int(sizes.length), ...padded(sizes, 1), ...padded(steps, 0)],
  })
  return [table, int(0)]
}

/** How a factor is read: along the sum if neighbours in memory lie there, and by vectors if all of these are whole. */
function readingOf(
  lines: Walk,
  sum: Walk,
  batch: Walk,
  dtype: DType,
): { readonly along: boolean; readonly whole: boolean } {
  const last = ({ steps }: Walk): number => Math.abs(steps.at(-1) ?? 0)
  const along = last(sum) === 1 || last(lines) !== 1
  const [vectors, others] = along ? [sum, [lines, batch]] : [lines, [sum, batch]]
  const width = 16 / dtypeSize[dtype]
  const aligned = others.every(({ steps }) => steps.every((step) => step % width === 0))
  return { along, whole: aligned && stepOf(vectors) === 1 }
}

/** The sum over the parts of a result that was cut. */
function addUp(
  { make, launches, scratch }: Planning,
  dtype: DType,
  count: number,
  parts: number,
  from: Param,
  to: Param,
): void {
  const through = dtype === 'float32' ? 'float64' : dtype
  planReduction(
    make,
    {
      name: 'parts',
      count,
      length: parts,
      rows: false,
      combining: sums(through),
      open: (w) => {
        const [source, width] = [w.param(from), w.param(int(count))]
        return (k, r) => [w.step('cast', through, dtype, [w.load(dtype, source, w.indexMad(r, width, k))])]
      },
      finish: (w) => {
        const target = w.param(to)
        return (k, [total]) => w.store(dtype, target, k, w.step('cast', dtype, through, [total]))
      },
    },
    launches,
    scratch,
  )
}

/** A product of factors whose dtype has a kernel, into `to`. */
function planProduct(
  planning: Planning,
  instr: Instr<'contract'>,
  dtype: DType,
  [a, b]: readonly [Param, Param],
  to: Param,
): void {
  const loops = contractionOf(instr)
  const { batch, rows, sum, columns } = loops
  const [batches, m, k, n] = [batch, rows, sum, columns].map(({ sizes }) => numelOf(sizes))
  const { launches, scratch, library } = planning
  const { name, side, parts, span } = shapeOf(dtype, batches, m, n, k)
  const count = batches * m * n
  const target: Param =
    parts === 1 ? to : { is: 'scratch', scratch: scratch.push(dtypeSize[dtype] * count * parts) - 1 }
  if (count * k <= mostVisits) {
    launches.push(planElements(planning.make, dtype, loops, [a, b], target, parts, span))
    if (parts > 1) addUp(planning, dtype, count, parts, target, to)
    return
  }
  const left = { lines: walk(rows, 0), sum: walk(sum, 0), batch: walk(batch, 0) }
  const right = { lines: walk(columns, 0), sum: walk(sum, 1), batch: walk(batch, 1) }
  const places = [left.lines, left.sum, right.sum, right.lines, left.batch, right.batch].flatMap((along) =>
    offsetsOf(planning, along),
  )
  const readings = [left, right].map(({ lines, sum, batch }) => readingOf(lines, sum, batch, dtype))
  const bits = (which: 'along' | 'whole'): Param =>
    int(readings.reduce((bits, reading, side) => bits + (reading[which] ? 1 << side : 0), 0))
  const turns = batches * parts
  const kernel: Kernel = { text: library, name }
  launches.push({
    kernel,
    grid: [
      Math.ceil(m / side) * Math.ceil(n / side),
      Math.min(turns, mostBlocks),
      Math.ceil(turns / Math.min(turns, mostBlocks)),
    ],
    block: threads,
    shared: 0,
    params: [
      { is: 'flag' },
      a,
      b,
      target,
      int(m),
      int(n),
      int(k),
      ...places,
      int(batches),
      int(parts),
      int(span),
      bits('along'),
      bits('whole'),
    ],
  })
  if (parts > 1) addUp(planning, dtype, count, parts, target, to)
}

/** The view of memory that has the elements of an operand in row-major order, or of the operand itself. */
const contiguous = (x: View, dtype: DType): View => ({
  ...shapeAndBuffer(x),
  dtype,
  strides: contiguousStrides(x.sizes),
  offset: 0,
})
const shapeAndBuffer = ({ sizes, buffer }: View) => ({ sizes, buffer })

/** `library` is the text of contract.ptx; `planMap` plans the expression of a contraction. */
export const planContract =
  (make: MakeWriter, library: string, planMap: Planner<'map'>): Planner<'contract'> =>
  (instr): Plan | null => {
    const { attrs, inputs, outputs } = instr
    if (attrs.bordered !== undefined) return null
    const [a, b, ...others] = inputs as readonly [View, View, ...Operand[]]
    const [out] = outputs as readonly [Output]
    const planning: Planning = { make, library, launches: [], scratch: [] }
    if (numelOf(out.sizes) === 0) return planning
    const output: Param = { is: 'output', output: 0 }
    if (tiles[a.dtype] !== undefined) {
      planProduct(
        planning,
        instr,
        a.dtype,
        [
          { is: 'input', input: 0 },
          { is: 'input', input: 1 },
        ],
        output,
      )
    } else {
      // The low bits of an int32 product are those of the result.
      const wide = (['int32', 'int32', 'int32'] as const).map((dtype, i): Param => {
        const { sizes } = [a, b, out][i]
        return { is: 'scratch', scratch: planning.scratch.push(dtypeSize[dtype] * numelOf(sizes)) - 1 }
      })
      const copies = [a, b].map((x, input) =>
        planCopy(
          make,
          x.sizes,
          { param: { is: 'input', input }, dtype: x.dtype, strides: x.strides },
          { param: wide[input], dtype: 'int32', strides: contiguousStrides(x.sizes) },
        ),
      )
      planning.launches.push(...copies.filter((launch) => launch !== null))
      const widened = {
        ...instr,
        inputs: [contiguous(a, 'int32'), contiguous(b, 'int32'), ...others],
      } as Instr<'contract'>
      planProduct(planning, widened, 'int32', [wide[0], wide[1]], wide[2])
      const strides = contiguousStrides(out.sizes)
      const back = planCopy(
        make,
        out.sizes,
        { param: wide[2], dtype: 'int32', strides },
        { param: output, dtype: out.dtype, strides },
      )
      if (back !== null) planning.launches.push(back)
    }
    if (attrs.post === undefined) return { ...planning, byBlas: byBlas(instr, []) }
    const product: View = {
      sizes: out.sizes,
      buffer: out.buffer,
      dtype: out.dtype,
      strides: contiguousStrides(out.sizes),
      offset: 0,
    }
    const finishing = planMap({
      ...instr,
      kind: 'map',
      attrs: { outs: [{ expr: attrs.post }] },
      inputs: [product, ...others],
      check: undefined,
    } as Instr<'map'>)
    if (finishing === null) return null
    /** Input 0 of the map is the result itself; the others come after both factors. */
    const moved = (param: Param): Param => {
      if (param.is !== 'input' && param.is !== 'number') return param
      return param.input === 0 ? output : { ...param, input: param.input + 1 }
    }
    const launches = finishing.launches.map((launch) => ({ ...launch, params: launch.params.map(moved) }))
    return {
      launches: [...planning.launches, ...launches],
      scratch: planning.scratch,
      byBlas: byBlas(instr, launches),
    }
  }
