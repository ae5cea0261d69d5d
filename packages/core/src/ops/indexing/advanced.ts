// Indexing by tensors, for `at`, `setAt` and the select family. Index tensors are broadcast, checked, and combined to a
// row of positions in the dimensions they index, which are moved together; one gather or scatter does the rest. A mask
// becomes the positions of its true elements.
import { bit } from '../../base/arrays.ts'
import { dtypeName, type TypedArray } from '../../base/dtype.ts'
import { IndexError, RuntimeError } from '../../base/errors.ts'
import { floats, withRoom } from '../../base/room.ts'
import { broadcastShapes, numelOf, sameShape, type Shape, shapeString } from '../../base/shape.ts'
import type { Prims } from '../../backend/backend.ts'
import { s } from '../../expr/expr.ts'
import { apply, operand } from '../../tensor/apply.ts'
import { effects } from '../../tensor/effects.ts'
import type { OpDef } from '../../tensor/op.ts'
import { read } from '../../tensor/read.ts'
import { detached, type Tensor } from '../../tensor/tensor.ts'
import { counted, fromArray } from '../create/create.ts'
import { type Elementwise, elementwise, expandTo, sumTo } from '../define/elementwise.ts'
import { permuteOp, reshapeOp } from '../define/views.ts'
import { add, mul } from '../pointwise/arithmetic.ts'
import { ne } from '../pointwise/comparison.ts'
import { filled, toDType } from '../define/fill.ts'
import { gatherAlongDim, scatterAddAlongDim, scatterAlongDim } from './gather.ts'
import { select, slice } from '../views/views.ts'

/** uint8 tensors are masks too, as in PyTorch. */
export const isMask = (x: Tensor): boolean => x.dtype === 'bool' || x.dtype === 'uint8'

// ---- bounds ----

export type OutOfBounds = (index: number | null, size: number) => Error

/** A copy of int32 indices, each checked to be below `size`; with `wrap`, negative ones count from the end. */
function defineChecked(error: OutOfBounds, wrap: boolean): Elementwise {
  const { name, arity, infer, to } = wrap
    ? elementwise('index', (i, size) => s.select(s.lt(i, 0), s.add(i, size), i))
    : elementwise('index', (i, _size) => i)
  const i = s.input(0, 'int32')
  const size = s.input(1, 'int32')
  const outside = s.or(s.lt(i, wrap ? s.neg(size) : 0), s.ge(i, size))
  return {
    name,
    arity,
    infer,
    to: {
      ...(to as Extract<Elementwise['to'], { kind: 'kernel' }>),
      check: (_, [index, limit]) => {
        const n = (limit as { value: unknown }).value as number
        return { expr: outside, error: refusal(error, index as Tensor, wrap ? -n : 0, n) }
      },
    },
  }
}

/** Reads the elements only after the check has failed; a recorded program does not keep them. */
const refusal = (error: OutOfBounds, index: Tensor, low: number, size: number): (() => Error) =>
  effects.sink === null && index.storage.device.backend.caps.syncRead
    ? () => error(index.toArray().find((i) => i < low || i >= size) ?? null, size)
    : nameless(error, size)
const nameless = (error: OutOfBounds, size: number) => () => error(null, size)

const checkers = new Map<OutOfBounds, Elementwise>()
/** Indices checked to be between 0 and `size - 1`. `error` must be one function for all calls of an op. */
export function checkedIndices(index: Tensor, size: number, error: OutOfBounds): Tensor {
  let op = checkers.get(error)
  if (op === undefined) {
    op = defineChecked(error, false)
    checkers.set(error, op)
  }
  return apply(op, [index, operand(size)], null)
}

/** Indices from -size to size - 1, made non-negative, as `error` refuses others; it must be one function for an op. */
export function wrapIndicesBy(error: OutOfBounds, index: Tensor, size: number): Tensor {
  let op = wrapping.get(error)
  if (op === undefined) {
    op = defineChecked(error, true)
    wrapping.set(error, op)
  }
  return apply(op, [index, operand(size)], null)
}
const wrapping = new Map<OutOfBounds, Elementwise>()

const wrappers: Elementwise[] = []
/** Indices from -size to size - 1, made non-negative; `ordinal` is the position of the index tensor in the call. */
export function wrapIndices(index: Tensor, size: number, ordinal: number): Tensor {
  wrappers[ordinal] ??= defineChecked(
    (i, n) =>
      new IndexError(`index ${i === null ? '' : `${i} `}is out of bounds for dimension ${ordinal} with size ${n}`),
    true,
  )
  return apply(wrappers[ordinal], [index, operand(size)], null)
}

// ---- places of true elements ----

const scanned: Prims['scan'] = { axis: 0, fn: 'sum' }
const countOp: OpDef<null> = {
  name: 'count',
  infer: ([x]) => [{ sizes: x.sizes, dtype: 'int32' }],
  to: { kind: 'kernel', prim: 'scan', lower: () => scanned },
}
const placeOp = elementwise('place', (flag, count, end) => s.select(s.ne(flag, 0), s.sub(count, 1), end))

/** A function of its own, where V8 counts without branches. */
function find(data: TypedArray, places: Int32Array): number {
  let count = 0
  for (let i = 0; i < data.length; i++) {
    places[count] = i
    count += bit(data[i] !== 0)
  }
  return count
}

/** The positions of the nonzero elements of a row, ascending, int32. Their number is read, so a recorder refuses it. */
export function placesOf(x: Tensor, what: string): Tensor {
  const n = x.elements
  if (n === 0) return filled([0], 'int32', 0, x.storage.device)
  effects.sink?.refuse(
    `${what}, whose shape depends on the data,`,
    'Keep all elements and use where(mask, x, 0) or x.mul(mask).',
  )
  if (x.storage.device.backend.fill !== undefined) {
    // The memory is the host's, so one loop finds them; elsewhere only their number is read. New memory for all that
    // there might be would take as long as the loop.
    let found = x
    withRoom(() => {
      const { buffer, byteOffset } = floats((n + 1) >> 1)
      const places = new Int32Array(buffer, byteOffset, n)
      const count = find(read(x, true), places)
      found = fromArray(places.subarray(0, count), [count], { device: x.device })
    })
    return found
  }
  const row = apply(reshapeOp, [detached(x)], [n])
  const flags = toDType(row.dtype === 'bool' ? row : ne(row, 0), 'int32')
  const counts = apply(countOp, [flags], null)
  const found = select(counts, 0, n - 1).item()
  // All zero elements go to one position after the others.
  const target = apply(placeOp, [flags, counts, operand(found)], null)
  const base = filled([found + 1], 'int32', 0, x.storage.device)
  return detached(slice(scatterAlongDim(base, 0, target, counted(n, 'int32', x.device)), 0, 0, found))
}

// ---- index ----

/**
 * How to index x: permute it by `order`, then view the indexed dimensions as a single one, `axis`. `out` is the shape
 * of the result.
 */
export interface Plan {
  readonly order: readonly number[] | null
  readonly merged: Shape
  readonly axis: number
  readonly out: Shape
}

const mergedView = (x: Tensor, { order, merged }: Plan): Tensor => {
  const ordered = order === null ? x : apply(permuteOp, [x], order)
  return sameShape(ordered.sizes, merged) ? ordered : apply(reshapeOp, [ordered], merged)
}
/** The reverse of mergedView. */
const unmerged = (y: Tensor, shape: Shape, { order, merged }: Plan): Tensor => {
  const ordered = order === null ? shape : order.map((d) => shape[d])
  const split = sameShape(ordered, merged) ? y : apply(reshapeOp, [y], ordered)
  return order === null
    ? split
    : apply(
        permuteOp,
        [split],
        order.map((_, d) => order.indexOf(d)),
      )
}

/** A row of positions as the index of a gather: repeated over the other dimensions without a copy. */
export const spread = (places: Tensor, { merged, axis }: Pick<Plan, 'merged' | 'axis'>): Tensor => {
  const n = places.elements
  const row = apply(
    reshapeOp,
    [places],
    merged.map((_, d) => (d === axis ? n : 1)),
  )
  return expandTo(row, gatheredShape(merged, axis, n))
}
const gatheredShape = (merged: Shape, axis: number, n: number): Shape =>
  merged.map((size, d) => (d === axis ? n : size))

const gatherPlaces = (x: Tensor, places: Tensor, plan: Plan): Tensor => {
  const found = gatherAlongDim(mergedView(x, plan), plan.axis, spread(places, plan))
  return sameShape(found.sizes, plan.out) ? found : apply(reshapeOp, [found], plan.out)
}

const putPlaces = (x: Tensor, places: Tensor, values: Tensor, plan: Plan, accumulate: boolean): Tensor => {
  const shape = gatheredShape(plan.merged, plan.axis, places.elements)
  const source = expandTo(values, plan.out)
  const args = [spread(places, plan), sameShape(shape, plan.out) ? source : apply(reshapeOp, [source], shape)] as const
  const base = mergedView(x, plan)
  return unmerged((accumulate ? scatterAddAlongDim : scatterAlongDim)(base, plan.axis, ...args), x.sizes, plan)
}

/** Inputs: x, positions. */
export function defineIndex(name: string, back: OpDef<Plan>): OpDef<Plan> {
  return {
    name,
    infer: ([x], { out }) => [{ sizes: out, dtype: x.dtype }],
    saves: () => ({ inputs: [1] }),
    vjp: (ctx) => {
      const { sizes, dtype } = ctx.inputSpec(0)
      const { dy } = ctx
      return [apply(back, [filled(sizes, dtype, 0, dy.storage.device), ctx.input(1), dy], ctx.attrs)]
    },
    to: {
      kind: 'compose',
      compose: ([x, places], plan) => [gatherPlaces(x as Tensor, places as Tensor, plan)],
    },
  }
}

/** Inputs: x, positions, values that broadcast to the result of the plan. */
export function definePut(name: string, accumulate: boolean): OpDef<Plan> {
  return {
    name,
    infer: ([x]) => [{ sizes: x.sizes, dtype: x.dtype }],
    saves: () => ({ inputs: [1] }),
    vjp: (ctx) => {
      const { dy, attrs } = ctx
      const places = ctx.input(1)
      const zero = (): Tensor => filled([], dy.dtype, 0, dy.storage.device)
      return [
        !ctx.needs(0) ? null : accumulate ? dy : apply(putOp, [dy, places, zero()], attrs),
        null,
        ctx.needs(2) ? sumTo(apply(indexOp, [dy, places], attrs), ctx.inputSpec(2).sizes) : null,
      ]
    },
    to: {
      kind: 'compose',
      compose: ([x, places, values], plan) => [
        putPlaces(x as Tensor, places as Tensor, values as Tensor, plan, accumulate),
      ],
    },
  }
}

export const putOp = definePut('IndexPutBackward0', false)
export const accumulateOp = definePut('IndexPutBackward0', true)
export const indexOp: OpDef<Plan> = defineIndex('index', definePut('IndexPutImplBackward0', true))
export const maskedSelectOp: OpDef<Plan> = defineIndex('maskedSelect', definePut('MaskedScatterBackward0', true))

// ---- from index tensors to a plan ----

/** An int32 tensor per dimension, or a mask for several; undefined takes a dimension whole. */
export type TensorIndices = readonly (Tensor | undefined)[]

interface Item {
  readonly dim: number
  /** The number of dimensions that it indexes. */
  readonly count: number
  /** The positions of a mask are valid; those of an index tensor are not checked yet. */
  readonly places: Tensor
  readonly checked: boolean
}

/** The items of the indices; a mask counts at its first dimension. */
function itemsOf(x: Tensor, indices: TensorIndices, what: string): Item[] {
  const items: Item[] = []
  indices.forEach((index, dim) => {
    if (index === undefined) return
    if (!isMask(index)) {
      if (index.dtype !== 'int32') {
        throw new IndexError(
          'tensors used as indices must be long, byte or bool tensors',
          `This one is ${dtypeName[index.dtype]}; int32 takes int64's place: index.int().`,
        )
      }
      items.push({ dim, count: 1, places: index, checked: false })
      return
    }
    index.sizes.forEach((n, i) => {
      if (n === x.sizes[dim + i]) return
      throw new IndexError(
        `The shape of the mask ${shapeString(index.sizes)} at index ${i} does not match the shape of the indexed tensor ${shapeString(x.sizes)} at index ${dim + i}`,
      )
    })
    items.push({ dim, count: index.dim(), places: placesOf(index, what), checked: true })
  })
  return items
}

/** The positions and the plan of indexing `x`. Throws if an indexed dimension is empty and the result is not. */
export function planOf(x: Tensor, indices: TensorIndices, what: string): { places: Tensor; plan: Plan } {
  const items = itemsOf(x, indices, what)
  let shape: Shape = []
  try {
    for (const { places } of items) shape = broadcastShapes(shape, places.sizes)
  } catch {
    const shapes = items.map(({ places }) => shapeString(places.sizes)).join(', ')
    throw new IndexError(`shape mismatch: indexing tensors could not be broadcast together with shapes ${shapes}`)
  }
  const dims = items.flatMap(({ dim, count }) => Array.from({ length: count }, (_, i) => dim + i))
  const [first] = dims
  const adjacent = dims.every((d, i) => d === first + i)
  const rest = x.sizes.map((_, d) => d).filter((d) => !dims.includes(d))
  const before = adjacent ? rest.filter((d) => d < first) : []
  const after = rest.slice(before.length)
  const order = [...before, ...dims, ...after]
  const sizes = (list: readonly number[]): number[] => list.map((d) => x.sizes[d])
  const out = [...sizes(before), ...shape, ...sizes(after)]
  const plan: Plan = {
    order: order.every((d, i) => d === i) ? null : order,
    merged: [...sizes(before), numelOf(sizes(dims)), ...sizes(after)],
    axis: before.length,
    out,
  }
  const nothing = numelOf(out) === 0
  if (!nothing && dims.some((d) => x.sizes[d] === 0))
    throw new IndexError('index is out of bounds for dimension with size 0')
  const row = nothing ? filled(shape, 'int32', 0, x.storage.device) : placesIn(x, items, shape)
  return { places: apply(reshapeOp, [row], [numelOf(shape)]), plan }
}

/** The positions that the items give together, in the row of all indexed dimensions. */
function placesIn(x: Tensor, items: readonly Item[], shape: Shape): Tensor {
  let row: Tensor | undefined
  items.forEach(({ dim, count, places, checked }, ordinal) => {
    const size = numelOf(x.sizes.slice(dim, dim + count))
    const here = checked ? places : wrapIndices(places, size, ordinal)
    row = row === undefined ? here : add(mul(row, size), here)
  })
  return expandTo(row as Tensor, shape)
}

/** A value may have more dimensions than its target if the leading ones have size 1. */
export function fitRank(values: Tensor): Tensor {
  const lead = values.sizes.findIndex((n) => n !== 1)
  const kept = lead < 0 ? [] : values.sizes.slice(lead)
  return sameShape(kept, values.sizes) ? values : apply(reshapeOp, [values], kept)
}

/** The values of an assignment, checked by PyTorch's rules for a result of this shape. */
export function fitValues(values: Tensor, x: Tensor, out: Shape): Tensor {
  const fitted = fitRank(values)
  const kept = fitted.sizes
  const fits = kept.length <= out.length && kept.every((n, i) => n === 1 || n === out[out.length - kept.length + i])
  if (!fits) {
    throw new RuntimeError(
      `shape mismatch: value tensor of shape ${shapeString(values.sizes)} cannot be broadcast to indexing result of shape ${shapeString(out)}`,
    )
  }
  if (values.dtype !== x.dtype) {
    throw new RuntimeError(
      `Index put requires the source and destination dtypes match, got ${dtypeName[x.dtype]} for the destination and ${dtypeName[values.dtype]} for the source.`,
      'Convert the values: values.to(x.dtype).',
    )
  }
  return fitted
}
