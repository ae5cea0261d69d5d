// Reductions: an element of the result is the work of one thread, of a warp or of a block, by the number of elements
// that it reduces, and of several parts if these are many. The order of additions depends on the shape and the axes
// alone. Sums and products of floats accumulate in double precision and are rounded once, as everywhere in flambeau.
import {
  type DType,
  type Expr,
  identityOf,
  type Instr,
  isView,
  type Loops,
  loopsOver,
  numelOf,
  type ReduceFn,
  type Shape,
} from '@flambeau/core/backend'
import type { Launch, Param } from '../plan.ts'
import { writeExpressions } from '../text/expression.ts'
import { declareLoops } from '../text/loops.ts'
import type { KernelWriter, Value } from '../text/writer.ts'
import { begin, type MakeWriter, threads } from './elements.ts'
import { declareInputs } from './inputs.ts'

/** How a reduction is shared out: lanes that work on one element of the result, and parts of the elements it reduces. */
interface Form {
  readonly lanes: 1 | 32 | 256
  /** Elements of a lane in a part. */
  readonly chain: number
  readonly parts: number
}

const chain = 64
const mostParts = 32768

/** `rows`: the last axis is reduced, so that the lanes of a warp read neighbours. */
export function formOf(reduced: number, rows: boolean): Form {
  const lanes = !rows || reduced <= 32 ? 1 : reduced <= 1024 ? 32 : 256
  const length = Math.max(chain, Math.ceil(reduced / (lanes * mostParts)))
  return { lanes, chain: length, parts: Math.max(1, Math.ceil(reduced / (lanes * length))) }
}

const combining: Readonly<Record<ReduceFn, 'add' | 'mul' | 'max' | 'min'>> = {
  sum: 'add',
  prod: 'mul',
  max: 'max',
  min: 'min',
}

/** The dtype in which a reduction accumulates. */
const accumulated = (fn: ReduceFn, dtype: DType): DType =>
  dtype === 'float32' && (fn === 'sum' || fn === 'prod') ? 'float64' : dtype

/** One output of a pass. */
interface Reduced {
  readonly fn: ReduceFn
  /** The dtype of what is read, and of the accumulator. */
  readonly from: DType
  readonly through: DType
  /** Where the result goes, and its last steps if it is the output. */
  readonly to: Param
  readonly output?: { readonly dtype: DType; readonly post?: Expr }
}

/** A pass: `read` gives the elements of each output at an index of the kept and of the reduced loops. */
function pass(
  make: MakeWriter,
  [kept, reduced]: readonly [number, number],
  form: Form,
  outs: readonly Reduced[],
  open: (w: KernelWriter) => (k: Value, r: Value) => readonly Value[],
): Launch {
  const { lanes, parts } = form
  const w = make()
  begin(w)
  const [count, length, span] = [kept, reduced, lanes * form.chain].map((value) => w.param({ is: 'int', value }))
  const read = open(w)
  const targets = outs.map(({ to }) => w.param(to))
  const perBlock = threads / lanes
  const thread = w.position('thread')
  const inBlock = lanes === 1 ? thread : w.index('shiftRight', thread, w.int(Math.log2(lanes)))
  const lane = lanes === 1 ? w.int(0) : w.index('sub', thread, w.index('mul', inBlock, w.int(lanes)))
  const k = w.indexMad(w.position('block'), w.int(perBlock), inBlock)
  const part = w.position('blockY')
  const exists = w.compare('lt', k, count)
  const sums = outs.map(({ fn, through }) => w.variable(w.constant(identityOf(fn, through), through)))
  const first = w.index('mul', part, span)
  const last = w.index('min', length, w.index('add', first, span))
  const combine = ({ fn, through }: Reduced, a: Value, b: Value): Value =>
    w.step(combining[fn], through, through, [a, b])
  w.when(exists, () => {
    w.loop(w.index('add', first, lane), last, w.int(lanes), (r) => {
      read(k, r).forEach((x, i) => {
        const out = outs[i]
        w.set(sums[i], combine(out, sums[i], w.step('cast', out.through, out.from, [x])))
      })
    })
  })
  // Whole warps come here: a warp has one element of the result, or a block has.
  if (lanes > 1) {
    for (const further of [16, 8, 4, 2, 1]) {
      outs.forEach((out, i) => {
        w.set(sums[i], combine(out, sums[i], w.fromLane(sums[i], further)))
      })
    }
  }
  if (lanes === 256) {
    const warp = w.index('shiftRight', thread, w.int(5))
    const isFirst = w.compare('eq', w.index('sub', thread, w.index('mul', warp, w.int(32))), w.int(0))
    outs.forEach((out, i) => {
      const memory = w.shared(out.through, 8)
      w.when(isFirst, () => w.storeShared(out.through, memory, warp, sums[i]))
      w.barrier()
      w.when(w.compare('eq', thread, w.int(0)), () => {
        for (let j = 1; j < 8; j++) w.set(sums[i], combine(out, sums[i], w.loadShared(out.through, memory, w.int(j))))
      })
    })
  }
  w.when(w.both(exists, w.compare('eq', lane, w.int(0))), () => {
    const at = w.indexMad(part, count, k)
    outs.forEach(({ through, output }, i) => {
      if (output === undefined) {
        w.store(through, targets[i], at, sums[i])
        return
      }
      const { dtype, post } = output
      const value = w.step('cast', dtype, through, [sums[i]])
      const [result] = post === undefined ? [value] : writeExpressions(w, [post], () => value)
      w.store(dtype, targets[i], at, result)
    })
  })
  const { kernel, params } = w.kernel('reduce')
  return { kernel, grid: [Math.ceil(kept / perBlock), parts, 1], block: threads, shared: 0, params }
}

const bytesOf: Readonly<Record<DType, number>> = { bool: 1, uint8: 1, int32: 4, float32: 4, float64: 8 }

/** Adds the launches of some outputs that are reduced over the same axes, and the memory between them. */
export function planReduced(
  make: MakeWriter,
  { attrs, inputs }: Instr<'map'>,
  outs: readonly number[],
  shape: Shape,
  launches: Launch[],
  scratch: number[],
): void {
  const axes = (attrs.outs[outs[0]].reduce as { readonly axes: readonly number[] }).axes
  const strides = inputs.filter(isView).map((x) => x.strides)
  const among = (isReduced: boolean): Loops => {
    const chosen = shape.flatMap((_, axis) => (axes.includes(axis) === isReduced ? [axis] : []))
    const pick = (row: readonly number[]): number[] => chosen.map((axis) => row[axis])
    return loopsOver(pick(shape), strides.map(pick))
  }
  const [kept, reduced] = [among(false), among(true)]
  const count = numelOf(kept.sizes)
  let length = numelOf(reduced.sizes)
  const lastAxis = shape.reduce((last, size, axis) => (size > 1 ? axis : last), -1)
  const rows = axes.includes(lastAxis)
  const roots = outs.map((k) => attrs.outs[k].expr)
  const described = outs.map((k) => {
    const { expr, reduce } = attrs.outs[k]
    const { fn, post } = reduce as { readonly fn: ReduceFn; readonly post?: Expr }
    const through = accumulated(fn, expr.dtype)
    return {
      fn,
      through,
      from: expr.dtype,
      to: { is: 'output', output: k } as Param,
      output: { dtype: expr.dtype, post },
    }
  })
  let form = formOf(length, rows)
  let memory = scratch.length
  /** The partial results of a pass go to memory of their own. */
  const partial = (parts: number): readonly Reduced[] =>
    described.map(({ fn, from, through }) => {
      scratch.push(bytesOf[through] * count * parts)
      return { fn, from, through, to: { is: 'scratch', scratch: scratch.length - 1 } }
    })
  const first = form.parts === 1 ? described : partial(form.parts)
  launches.push(
    pass(make, [count, length], form, first, (w) => {
      const [splitKept, splitReduced] = [declareLoops(w, kept.sizes), declareLoops(w, reduced.sizes)]
      const operands = declareInputs(w, roots, inputs, (view) => [...kept.steps[view], ...reduced.steps[view]])
      return (k, r) => writeExpressions(w, roots, operands.read([...splitKept(k), ...splitReduced(r)]))
    }),
  )
  while (form.parts > 1) {
    length = form.parts
    const from = memory
    memory = scratch.length
    // Parts are columns of the partial results.
    form = formOf(length, count === 1)
    const next = (form.parts === 1 ? described : partial(form.parts)).map((out) => ({ ...out, from: out.through }))
    launches.push(
      pass(make, [count, length], form, next, (w) => {
        const sources = described.map((_, i) => w.param({ is: 'scratch', scratch: from + i }))
        const columns = w.param({ is: 'int', value: count })
        return (k, r) => sources.map((source, i) => w.load(described[i].through, source, w.indexMad(r, columns, k)))
      }),
    )
  }
}
