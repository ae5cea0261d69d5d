// Max pooling in any number of dimensions. The value and the winner of a window of few taps are one expression over
// views of the input, one for each tap, which every backend runs in one pass, or kernels of its own; a winner is the
// number of a tap. Larger windows, and those at uneven distances, are reduced over their taps, and winners are places in
// the input.
import type { Prims } from '../../backend/backend.ts'
import { rankOf } from '../../base/dtype.ts'
import { numelOf, type Shape } from '../../base/shape.ts'
import { type Expr, s } from '../../expr/expr.ts'
import { apply, applyAll, operand } from '../../tensor/apply.ts'
import { wantsGrad } from '../../tensor/graph.ts'
import { mode, noGrad } from '../../tensor/mode.ts'
import type { Input, OpDef } from '../../tensor/op.ts'
import { unseen } from '../../tensor/temporaries.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { elementwise } from '../define/elementwise.ts'
import { filled } from '../define/fill.ts'
import { byCase, inputExprs, reduced } from '../define/kernels.ts'
import { reshapeOp } from '../define/views.ts'
import { addAlongDim_, scatterAddAlongDim } from '../indexing/gather.ts'
import { add } from '../pointwise/arithmetic.ts'
import { reduction } from '../reduce/reduce.ts'
import { padOp } from '../views/pad.ts'
import { lastDims } from './avg-pool.ts'
import { hasPlanes, planeOp } from './planes.ts'
import { along, eachTap, evenPlaces, isSmall, leading, mostTaps, taps, type Windows } from './taps.ts'

const shaped = (x: Tensor, sizes: Shape): Tensor => apply(reshapeOp, [x], sizes)
const least = Number.NEGATIVE_INFINITY

/** How maxima are found and gradients brought back: for windows of few taps, or for any. */
interface Way {
  values(x: Tensor, windows: Windows): Tensor
  winners(x: Tensor, windows: Windows): readonly Tensor[]
  /** The gradient: elements at the winners, in zeros. */
  put(dy: Tensor, winners: Tensor, windows: Windows): Tensor
  /** The places of winners in row-major order of the dimensions of the input. */
  places(winners: Tensor, windows: Windows): Tensor
}

/** A sum over the dimensions, of which each term broadcasts. */
const sumOver = (dims: Shape, term: (d: number) => Tensor): Tensor =>
  dims.map((_, d) => term(d)).reduce((sum, more) => add(sum, more))

// ---- windows of few taps ----

const largestOf = Array.from({ length: mostTaps + 1 }, (_, taps) =>
  elementwise('maxPool', (...x) => x.reduce((y, tap) => s.max(y, tap)), { arity: taps }),
)

/**
 * The maximum, and the number of the first of the largest taps; of the last NaN if there is one, as in PyTorch. If no tap is
 * larger than another one, the winner is the first tap, or the first inside of the input, which is the last operand.
 */
function winner(inputs: readonly Input[], isAround: boolean): Prims['map'] {
  const { dtype } = inputs[0]
  const x = inputExprs(inputs, dtype)
  const first = isAround ? (x.pop() as Expr) : null
  let [y] = x
  let won: Expr = s.constant(0, dtype)
  let invalid: Expr = s.constant(0, dtype)
  for (let k = 1; k < x.length; k++) {
    won = s.select(s.gt(x[k], y), s.constant(k, dtype), won)
    invalid = s.select(s.isnan(x[k]), s.constant(k, dtype), invalid)
    y = s.max(y, x[k])
  }
  if (first !== null) won = s.select(s.gt(won, 0), won, first)
  return { outs: [{ expr: y }, { expr: s.select(s.isnan(y), invalid, won) }] }
}
const winners: Prims['map'][] = []
const winnerOp: OpDef<boolean> = {
  name: 'maxPool',
  infer: ([{ sizes, dtype }]) => [
    { sizes, dtype },
    { sizes, dtype },
  ],
  to: {
    kind: 'kernel',
    prim: 'map',
    lower: (isAround, inputs) => {
      const key = (8 * inputs.length + rankOf(inputs[0].dtype)) * 2 + Number(isAround)
      return (winners[key] ??= winner(inputs, isAround))
    },
  },
}

const firstInside = elementwise('place', (i, stride, low, dilation, step) => {
  const outside = s.max(s.sub(low, s.mul(i, stride)), 0)
  return s.mul(s.floorDiv(s.add(outside, s.sub(dilation, 1)), dilation), step)
})
/** The number of the first tap inside of the input, [...output]. */
function firstOf({ input, output, kernel, stride, dilation, low }: Windows, device: string): Tensor {
  return sumOver(input, (d) => {
    const numbers = [stride[d], low[d], dilation[d], numelOf(kernel.slice(d + 1))].map(operand)
    return apply(firstInside, [along(d, output[d], input.length, device), ...numbers], null)
  })
}

const cornerAt = elementwise('place', (i, stride, low, step) => s.mul(s.sub(s.mul(i, stride), low), step))
/**
 * Inputs: the numbers of taps, the corners of their windows, and for each dimension the length of a row of taps and the
 * way from the end of a row to the next one. A tap is in row q, where q is its number divided by the length of a row.
 */
const placeOf = (inputs: readonly Input[]): Prims['map'] => {
  const { dtype } = inputs[0]
  const number = s.add(s.input(0, dtype), 0.5)
  let place: Expr = s.input(1, 'int32')
  for (let k = 2; k < inputs.length; k += 2) {
    const row = s.floor(s.div(number, s.cast(s.input(k, 'int32'), dtype)))
    // There are few rows. A backend without integers of 32 bits knows that of a uint8, and not of a truncated float.
    place = s.add(place, s.mul(s.cast(s.cast(row, 'uint8'), 'int32'), s.input(k + 1, 'int32')))
  }
  return { outs: [{ expr: place }] }
}
const placeKernels: Prims['map'][] = []
const placeOp: OpDef<null> = {
  name: 'place',
  infer: ([{ sizes }]) => [{ sizes, dtype: 'int32' }],
  to: {
    kind: 'kernel',
    prim: 'map',
    lower: (_, inputs) => (placeKernels[8 * inputs.length + rankOf(inputs[0].dtype)] ??= placeOf(inputs)),
  },
}
/** The places of taps in row-major order of the dimensions of the input, given their numbers. */
function placesOf(numbers: Tensor, { input, output, kernel, stride, dilation, low }: Windows): Tensor {
  const step = input.map((_, d) => numelOf(input.slice(d + 1)))
  const corners = sumOver(input, (d) => {
    const moves = [stride[d], low[d], step[d]].map(operand)
    return apply(cornerAt, [along(d, output[d], input.length, numbers.device), ...moves], null)
  })
  const rows = input.flatMap((_, d) => {
    const back = d + 1 < input.length ? kernel[d + 1] * dilation[d + 1] * step[d + 1] : 0
    return [numelOf(kernel.slice(d + 1)), dilation[d] * step[d] - back].map(operand)
  })
  return apply(placeOp, [numbers, corners, ...rows], null)
}

// ---- the gradient of windows of few taps ----

const chosen = Array.from({ length: mostTaps + 1 }, (_, taps) =>
  elementwise('maxPool', (number, ...x) => x.reduce((y, tap, k) => s.select(s.eq(number, k), tap, y)), {
    arity: taps + 1,
  }),
)
/** The taps with these numbers; the gradient of `put`. */
const takeOp: OpDef<Windows> = {
  name: 'maxPool',
  infer: ([{ dtype }, { sizes }]) => [{ sizes, dtype }],
  saves: () => ({ inputs: [1] }),
  vjp: (ctx) => [apply(putOp, [ctx.dy, ctx.input(1)], ctx.attrs)],
  to: {
    kind: 'compose',
    compose: ([x, numbers], windows) => {
      const from = eachTap(x as Tensor, windows, 0)
      return [apply(chosen[from.length], [numbers, ...from], null)]
    },
  },
}

/** Whether no two windows have an element in common, and none leaves one out between its own. */
const areApart = ({ kernel, stride, dilation }: Windows): boolean =>
  kernel.every((n, d) => n <= stride[d] && (dilation[d] === 1 || n === 1))

const numberIn = elementwise('place', (j, n, step, none) => s.select(s.lt(j, n), s.mul(j, step), none))
/** -0 becomes 0, as by an addition to zeros. */
const put = elementwise('maxPool', (dy, number, own) => s.select(s.eq(number, own), s.add(dy, 0), 0))
/** Each element of the input belongs to one window at most: it gets the gradient if it has the winner's number. */
function putApart(dy: Tensor, numbers: Tensor, windows: Windows): Tensor {
  const { input, output, kernel, stride, low } = windows
  const lead = leading(dy, windows)
  const rank = input.length
  const split = (x: Tensor): Tensor => shaped(x, [...lead, ...output.flatMap((n) => [n, 1])])
  const own = sumOver(input, (d) => {
    const [step, none] = [numelOf(kernel.slice(d + 1)), -numelOf(kernel)]
    const j = along(2 * d + 1, stride[d], 2 * rank, dy.device)
    return apply(numberIn, [j, ...[kernel[d], step, none].map(operand)], null)
  })
  const all = shaped(apply(put, [split(dy), split(numbers), own], null), [
    ...lead,
    ...output.map((n, d) => n * stride[d]),
  ])
  const [none, high] = [lead.map(() => 0), input.map((n, d) => n + low[d] - output[d] * stride[d])]
  if (low.every((n) => n === 0) && high.every((n) => n === 0)) return all
  return apply(padOp, [all], { low: [...none, ...low.map((n) => -n)], high: [...none, ...high], value: 0 })
}

/** Elements [..., ...output] at the taps with these numbers, in zeros [..., ...input]; the gradient of `take`. */
const putOp: OpDef<Windows> = {
  name: 'maxPool',
  infer: ([dy], windows) => [{ sizes: [...leading(dy, windows), ...windows.input], dtype: dy.dtype }],
  saves: () => ({ inputs: [1] }),
  vjp: (ctx) => [apply(takeOp, [ctx.dy, ctx.input(1)], ctx.attrs)],
  to: {
    kind: 'compose',
    compose: (inputs, windows) => {
      const [dy, numbers] = inputs as readonly Tensor[]
      if (areApart(windows)) return [putApart(dy, numbers, windows)]
      return [putBack(dy, placesOf(numbers, windows), windows)]
    },
  },
}

const few: Way = {
  values(x, windows) {
    const from = eachTap(x, windows, least)
    return apply(largestOf[from.length], from, null)
  },
  winners(x, windows) {
    const each = eachTap(x, windows, least)
    const isAround = windows.low.some((n) => n !== 0)
    return applyAll(winnerOp, isAround ? [...each, firstOf(windows, x.device)] : each, isAround)
  },
  put: (dy, numbers, windows) => apply(putOp, [dy, numbers], windows),
  places: placesOf,
}

// ---- windows of few taps over planes, where the backend has kernels ----

const planeValuesOp = planeOp('maxPool', 'maxPool', 'output', {})
const planeWinnersOp = planeOp('maxPool', 'maxPoolWinners', 'output', {})
const { saves, vjp } = putOp
const planePutOp = planeOp('maxPool', 'maxPoolBackward', 'input', { saves, vjp })
const planes: Way = {
  ...few,
  values: (x, windows) => apply(planeValuesOp, [x], windows),
  winners: (x, windows) => applyAll(planeWinnersOp, [x], windows),
  put: (dy, numbers, windows) => apply(planePutOp, [dy, numbers], windows),
}

// ---- any windows ----

const most = reduction('maxPool', 'max', (x) => x, {})
const largest = (of: Tensor, { kernel }: Windows): Tensor =>
  apply(most, [of], { dims: lastDims(of, kernel.length), keepdim: false, dtype: of.dtype })

/**
 * The smallest place among the taps that equal the maximum; if it is NaN, minus the largest place of a NaN, because
 * PyTorch takes the last of several.
 */
const firstKernel = byCase((axes, dtype): Prims['map'] => {
  const [x, y, place, none] = [s.input(0, dtype), s.input(1, dtype), s.input(2, 'int32'), s.input(3, 'int32')]
  const sought = s.select(s.isnan(x), s.neg(place), s.select(s.eq(x, y), place, none))
  return { outs: [reduced('min', sought, axes)] }
})
const firstOp: OpDef<readonly number[]> = {
  name: 'maxPool',
  infer: ([x], dims) => [{ sizes: x.sizes.slice(0, dims[0]), dtype: 'int32' }],
  to: { kind: 'kernel', prim: 'map', lower: (dims, [x]) => firstKernel(dims, x.dtype) },
}
const unsigned = elementwise('maxPool', (place) => s.abs(place))

/** The places of the maxima `y` of the taps. */
function firstPlaces(of: Tensor, y: Tensor, windows: Windows, places: Tensor): Tensor {
  const dims = lastDims(of, windows.kernel.length)
  const each = shaped(y, [...y.sizes, ...dims.map(() => 1)])
  // More than any place, also of a tap that is outside in all dimensions.
  const none = operand((dims.length + 1) * numelOf(windows.input))
  return apply(unsigned, [apply(firstOp, [of, each, places, none], dims)], null)
}

/** [..., ...output] with one dimension for those of windows. */
const flatly = (x: Tensor, lead: readonly number[]): Tensor => shaped(x, [...lead, numelOf(x.sizes.slice(lead.length))])

/** Adds elements [..., ...output] at their places to zeros [..., ...input]. */
function putBack(dy: Tensor, places: Tensor, { input }: Windows): Tensor {
  const lead = dy.sizes.slice(0, dy.dim() - input.length)
  const zeros = filled([...lead, numelOf(input)], dy.dtype, 0, dy.storage.device)
  const sum = (mode.grad ? scatterAddAlongDim : addAlongDim_)(
    zeros,
    lead.length,
    flatly(places, lead),
    flatly(dy, lead),
  )
  return shaped(sum, [...lead, ...input])
}

const many: Way = {
  values: (x, windows) => largest(taps(x, windows, least), windows),
  winners(x, windows) {
    const of = taps(x, windows, least)
    const y = largest(of, windows)
    return [y, firstPlaces(of, y, windows, windows.places ?? evenPlaces(windows, x.device))]
  },
  put: putBack,
  places: (places) => places,
}

// ---- the op ----

/** Outputs: the maxima, and their winners. */
const maxPoolOp = (name: string, way: Way): OpDef<Windows> => ({
  name,
  infer: ([x], windows) => {
    const sizes = [...leading(x, windows), ...windows.output]
    return [
      { sizes, dtype: x.dtype },
      { sizes, dtype: way === many ? 'int32' : x.dtype },
    ]
  },
  saves: () => ({ outputs: [1] }),
  vjp: (ctx) => [way.put(ctx.dy, ctx.output(1), ctx.attrs)],
  to: { kind: 'compose', compose: ([x], windows) => way.winners(x as Tensor, windows) },
})

export type MaxPool = (x: Tensor, windows: Windows, indices: boolean) => readonly [values: Tensor, indices?: Tensor]
/** A maximum over windows, and the places of the maxima if they are wanted. `name` is that of the node. */
export function maxPool(name: string): MaxPool {
  const ops = new Map([few, planes, many].map((way) => [way, maxPoolOp(name, way)]))
  return (x, windows, indices) => {
    const way = !isSmall(windows) ? many : hasPlanes(x, windows, 'maxPool') ? planes : few
    if (!indices && !(mode.grad && wantsGrad([x]))) return [way.values(x, windows)]
    const [y, winners] = applyAll(ops.get(way) as OpDef<Windows>, [x], windows)
    if (indices) return [y, noGrad(() => way.places(winners, windows))]
    unseen(winners)
    return [y]
  }
}
