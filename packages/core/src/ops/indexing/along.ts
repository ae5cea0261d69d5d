// Writes of whole slices at the positions that an index vector gives along one dimension: indexAdd, indexCopy,
// indexFill, indexReduce; with the scatter kernel, whose index repeats over the other dimensions. And repeatInterleave, which reads
// slices several times.
import { dtypeName } from '../../base/dtype.ts'
import { IndexError, RuntimeError } from '../../base/errors.ts'
import { dimIn, normalizeDim, numelOf, sameShape, shapeString } from '../../base/shape.ts'
import { apply } from '../../tensor/apply.ts'
import { effects } from '../../tensor/effects.ts'
import type { OpDef } from '../../tensor/op.ts'
import {
  type Arguments,
  type Takes,
  bool,
  either,
  int,
  isTensor,
  keyword,
  method,
  nullable,
  optional,
  required,
  scalar,
  str,
  tensor,
} from '../../tensor/signature.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { counted, fromArray } from '../create/create.ts'
import { type DimOption, notImplemented, numberFor } from '../define/arguments.ts'
import { expandTo } from '../define/elementwise.ts'
import { toDType } from '../define/fill.ts'
import { reshapeOp } from '../define/views.ts'
import { floorDivide, mul } from '../pointwise/arithmetic.ts'
import { checkedIndices, spread, wrapIndices } from './advanced.ts'
import { atLeast1d, type Call, defineScatter, gatherAlongDim, repeated, scattered, scatteredInto } from './gather.ts'
import {
  type Attrs as ReduceAttrs,
  type ScatterReduceOptions,
  type ScatterReduction,
  scatterReduceOp,
} from './scatter-reduce.ts'
import { indexSelect, outOfRange } from './select.ts'

type Rules = Pick<OpDef<number>, 'saves' | 'vjp'>
const saves: Rules['saves'] = () => ({ inputs: [1] })
const added: Rules = {
  saves,
  vjp: (ctx) => [ctx.dy, null, ctx.needs(2) ? gatherAlongDim(ctx.dy, ctx.attrs, ctx.input(1)) : null],
}
const written: Rules = {
  saves,
  vjp: (ctx) => {
    const index = ctx.input(1)
    const { dy, attrs } = ctx
    return [
      ctx.needs(0) ? apply(fillNumberOp, [dy, index, repeated(0, dy, index.sizes)], attrs) : null,
      null,
      ctx.needs(2) ? gatherAlongDim(dy, attrs, index) : null,
    ]
  },
}
const addOp = defineScatter('indexAdd', 'add', added)
const copyOp = defineScatter('indexCopy', 'set', written)
const fillNumberOp: OpDef<number> = defineScatter('indexFill', 'set', written)
/** PyTorch names the overload for a tensor differently. */
const fillTensorOp = defineScatter('IndexFillBackward1', 'set', written)

/** The call that writes slices of `src` at the places of a checked vector. */
function along(
  op: OpDef<number>,
  x: Tensor,
  dim: number,
  places: Tensor,
  src: (sizes: readonly number[]) => Tensor,
): Call {
  const sizes = atLeast1d(x).sizes
  const row = apply(reshapeOp, [places], [places.elements])
  const index = spread(row, { merged: sizes, axis: dim })
  return { op, attrs: dim, index, src: src(index.sizes) }
}
const as = (x: Tensor, sizes: readonly number[]): Tensor =>
  sameShape(x.sizes, sizes) ? x : apply(reshapeOp, [x], sizes)
/** All sizes but that of a dimension. */
const others = (x: Tensor, dim: number): number[] => x.sizes.filter((_, d) => d !== dim)
const convert = (index: Tensor): string | undefined =>
  index.dtype === 'int32' ? undefined : "int32 takes int64's place: index.int()."

// ---- indexAdd ----

export interface IndexAddOptions {
  /** A factor of the source. */
  readonly alpha?: number
}
type AddArguments = Takes<[dim: number, index: Tensor, source: Tensor], 'dim index source', [options?: IndexAddOptions]>
const addArguments = method(
  'index_add',
  required('dim', int),
  required('index', tensor),
  required('source', tensor),
  keyword('alpha', scalar, 1),
)
/** Checks an index vector and the slices for it; `name` is PyTorch's. Returns the dimension. */
function checkSource(name: string, x: Tensor, dim: number, index: Tensor, source: Tensor): number {
  const d = normalizeDim(dim, x.dim())
  if (index.dim() > 1) {
    throw new IndexError(
      `${name}(): Index is supposed to be a vector, but got dim: ${index.dim()} with type: ${typeNameOf(index)} and size: ${shapeString(index.sizes)}`,
    )
  }
  if (index.dtype !== 'int32') {
    throw new RuntimeError(
      `${name}(): Expected dtype int32/int64 for index but got: ${dtypeName[index.dtype]}`,
      convert(index),
    )
  }
  if (x.dtype !== source.dtype) {
    throw new RuntimeError(
      `${name}(): self (${dtypeName[x.dtype]}) and source (${dtypeName[source.dtype]}) must have the same scalar type`,
      'Convert one: source.to(x.dtype).',
    )
  }
  if (source.dim() > 0 && d >= source.dim()) {
    throw new RuntimeError(
      `${name}(): Indexing dim ${d} is out of bounds of the source tensor with dim ${source.dim()}`,
    )
  }
  const count = source.dim() === 0 ? 1 : source.sizes[d]
  if (index.elements !== count) {
    throw new RuntimeError(
      `${name}(): Number of indices (${index.elements}) should be equal to source.size(dim): (${count}), for dim: ${d}`,
    )
  }
  if (source.dim() > 0 || x.dim() > 1) checkSlices(x, source, d)
  return d
}
function addCall(x: Tensor, args: AddArguments): Call {
  const [dim, index, source, alpha] = addArguments(x, args)
  const d = checkSource('index_add_', x, dim, index, source)
  const scaled = alpha === 1 || alpha === true ? source : mul(source, numberFor(alpha, x.dtype))
  return along(addOp, x, d, checkedIndices(index, atLeast1d(x).sizes[d], outOfRange), (sizes) => as(scaled, sizes))
}
function checkSlices(x: Tensor, source: Tensor, d: number): void {
  const [mine, theirs] = [others(x, d), others(source, d)]
  if (sameShape(mine, theirs)) return
  const at = mine.findIndex((n, i) => n !== theirs[i])
  throw new RuntimeError(
    mine.length === theirs.length
      ? `The size of tensor a (${mine[at]}) must match the size of tensor b (${theirs[at]}) at non-singleton dimension ${at}`
      : `Source/destination tensor must have same slice shapes: ${shapeString(mine)} and ${shapeString(theirs)}`,
    `Apart from dimension ${d}, the shapes ${shapeString(source.sizes)} and ${shapeString(x.sizes)} must be equal.`,
  )
}
const typeNameOf = (x: Tensor): string => (x.dtype === 'int32' ? 'Long' : dtypeName[x.dtype])

/**
 * A copy of `x` with slices of `source`, times `alpha`, added along a dimension: slice i is added to slice `index[i]`,
 * and equal indices add up. `index` is an int32 vector. Differentiable in `x` and `source`.
 *
 * @example
 * indexAdd(zeros(3), 0, tensor([0, 0, 2], { dtype: 'int32' }), tensor([1, 2, 3])) // tensor([3., 0., 3.])
 */
export const indexAdd = (x: Tensor, ...args: AddArguments): Tensor => scattered(x, addCall(x, args))
/** `indexAdd` in place. */
export const indexAdd_ = (x: Tensor, ...args: AddArguments): Tensor => scatteredInto(x, addCall(x, args))

// ---- indexReduce ----

type ReduceArguments = Takes<
  [dim: number, index: Tensor, source: Tensor, reduce: Exclude<ScatterReduction, 'sum'>],
  'dim index source reduce',
  [options?: ScatterReduceOptions]
>
const reduceArguments = method(
  'index_reduce',
  required('dim', int),
  required('index', tensor),
  required('source', tensor),
  required('reduce', str),
  keyword('includeSelf', bool, true),
)
const reduceOp: OpDef<ReduceAttrs> = { ...scatterReduceOp, name: 'indexReduce' }
const reductions: readonly string[] = ['prod', 'mean', 'amax', 'amin']
function reduceCall(x: Tensor, args: ReduceArguments): Call<ReduceAttrs> {
  const [dim, index, source, reduce, includeSelf] = reduceArguments(x, args)
  if (!reductions.includes(reduce)) {
    throw new RuntimeError(
      `index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got ${reduce}.`,
      'For sums use indexAdd().',
    )
  }
  const d = checkSource('index_reduce_', x, dim, index, source)
  if (x.dtype === 'bool' && (reduce === 'mean' || x.dim() < 2))
    throw notImplemented(x.dim() < 2 ? 'index_func_' : 'div_floor_cpu', 'bool', 'Convert it: x.int().')
  const places = checkedIndices(index, atLeast1d(x).sizes[d], outOfRange)
  const attrs = { dim: d, reduce: reduce as ScatterReduction, includeSelf }
  return { ...along(addOp, x, d, places, (sizes) => as(source, sizes)), op: reduceOp, attrs }
}

/**
 * A copy of `x` whose slices are combined with slices of `source`: slice i with slice `index[i]`, to their product, mean,
 * maximum or minimum. With `includeSelf: false` the slices of `x` do not count where others fall. `index` is an int32
 * vector. Differentiable in `x` and `source`.
 *
 * @example
 * indexReduce(ones(2), 0, tensor([0, 0], { dtype: 'int32' }), tensor([2, 3]), 'prod') // tensor([6., 1.])
 */
export const indexReduce = (x: Tensor, ...args: ReduceArguments): Tensor => scattered(x, reduceCall(x, args))
/** `indexReduce` in place. */
export const indexReduce_ = (x: Tensor, ...args: ReduceArguments): Tensor => scatteredInto(x, reduceCall(x, args))

// ---- indexCopy ----

/** One function for each dimension. */
const outOfCopy: ((index: number | null, size: number) => Error)[] = []
const outOfCopyAt = (dim: number) =>
  (outOfCopy[dim] ??= (index, size) =>
    new IndexError(
      `index_copy_(): index ${index === null ? '' : `${index} `}is out of bounds for dimension ${dim} with size ${size}`,
    ))
type CopyArguments = Takes<[dim: number, index: Tensor, source: Tensor], 'dim index source'>
const copyArguments = method('index_copy', required('dim', int), required('index', tensor), required('source', tensor))
function copyCall(x: Tensor, args: CopyArguments): Call {
  const [dim, index, source] = copyArguments(x, args)
  const d = normalizeDim(dim, x.dim())
  if (index.dim() > 1) {
    throw new IndexError(`index_copy_(): Index should have dimension 1 or 0 (got ${index.dim()})`)
  }
  const count = index.elements
  if (source.dim() === 0 && count !== 1) {
    throw new IndexError(`index_copy_(): When source is scalar, index should have one element (got ${count})`)
  }
  if (source.dim() !== x.dim() && source.dim() > 0 && x.dim() > 0) {
    throw new IndexError(
      `index_copy_(): When source and destination are not scalars, their dimensionality must match. Source dimensionality (${source.dim()}), destination dimensionality (${x.dim()})`,
    )
  }
  if (index.dtype !== 'int32') {
    throw new RuntimeError(
      `index_copy_(): Expected a long tensor for index, but got ${dtypeName[index.dtype]}`,
      convert(index),
    )
  }
  if (x.dtype !== source.dtype) {
    throw new RuntimeError(
      `index_copy_(): self and source expected to have the same dtype, but got (self) ${dtypeName[x.dtype]} and (source) ${dtypeName[source.dtype]}`,
      'Convert one: source.to(x.dtype).',
    )
  }
  const [mine, theirs] = [others(x, d), others(source, d)]
  if (!sameShape(mine, theirs)) {
    throw new RuntimeError(
      `index_copy_(): Source/destination tensor must have same slice shapes. Destination slice shape: ${mine.join(' ')} at dimension ${d} and source slice shape: ${theirs.join(' ')} at dimension 0.`,
    )
  }
  if (source.dim() > 0 && count !== source.sizes[d]) {
    throw new IndexError(
      `index_copy_(): Number of indices (${count}) should be equal to source.size(dim) (${source.sizes[d]})`,
    )
  }
  return along(copyOp, x, d, checkedIndices(index, atLeast1d(x).sizes[d], outOfCopyAt(d)), (sizes) => as(source, sizes))
}
/**
 * A copy of `x` with slices of `source` written along a dimension: slice i becomes slice `index[i]`. `index` is an int32
 * vector; if an index repeats, the last slice wins. Differentiable in `x` and `source`.
 *
 * @example
 * indexCopy(zeros(3), 0, tensor([2, 0], { dtype: 'int32' }), tensor([1, 2])) // tensor([2., 0., 1.])
 */
export const indexCopy = (x: Tensor, ...args: CopyArguments): Tensor => scattered(x, copyCall(x, args))
/** `indexCopy` in place. */
export const indexCopy_ = (x: Tensor, ...args: CopyArguments): Tensor => scatteredInto(x, copyCall(x, args))

// ---- indexFill ----

type FillArguments = Takes<[dim: number, index: Tensor, value: Tensor | number | boolean], 'dim index value'>
const fillArguments = method(
  'index_fill',
  required('dim', int),
  required('index', tensor),
  required('value', either(tensor, scalar)),
)
function fillCall(x: Tensor, args: FillArguments): Call {
  const [dim, index, value] = fillArguments(x, args)
  if (isTensor(value) && value.dim() > 0) {
    throw new RuntimeError(
      `index_fill_ only supports a 0-dimensional value tensor, but got tensor with ${value.dim()} dimension(s).`,
    )
  }
  if (index.dtype !== 'int32') throw new IndexError('index_fill_(): Expected dtype int64 for index.', convert(index))
  const d = normalizeDim(dim, x.dim())
  if (index.dim() > 1) throw new RuntimeError('Index has to be a vector/scalar')
  const places = wrapIndices(index, atLeast1d(x).sizes[d], d)
  if (!isTensor(value)) {
    const number = Number(numberFor(value, x.dtype))
    return along(fillNumberOp, x, d, places, (sizes) => repeated(number, x, sizes))
  }
  return along(fillTensorOp, x, d, places, (sizes) => expandTo(toDType(value, x.dtype), sizes))
}
/**
 * A copy of `x` with `value`, a number or a tensor without dimensions, in the slices that an int32 vector names along a
 * dimension; negative indices count from the end. Differentiable in `x` and `value`.
 *
 * @example
 * indexFill(zeros(3), 0, tensor([0, -1], { dtype: 'int32' }), 5) // tensor([5., 0., 5.])
 */
export const indexFill = (x: Tensor, ...args: FillArguments): Tensor => scattered(x, fillCall(x, args))
/** `indexFill` in place. */
export const indexFill_ = (x: Tensor, ...args: FillArguments): Tensor => scatteredInto(x, fillCall(x, args))

// ---- repeatInterleave ----

export interface RepeatInterleaveOptions extends DimOption<number | null> {
  readonly repeats?: number | Tensor
  /** The size of the result along `dim`; another one is an error. */
  readonly outputSize?: number | null
}
const repeats = { ...either(int, tensor), expected: 'int', hint: 'Give a number, or an int32 vector.' }
const repeatArguments = method(
  'repeat_interleave',
  optional('repeats', repeats, undefined),
  optional('dim', nullable(int), null),
  keyword('outputSize', nullable(int), null),
)
/**
 * Each slice along `dim` repeated: `repeats` times, or as often as each element of an int32 vector says. Without `dim`,
 * each element of the flattened tensor. Of an int32 vector alone: each position as often as its element says.
 * Differentiable in `x`. A vector is read from the device.
 *
 * @example
 * repeatInterleave(tensor([1, 2]), 2) // tensor([1., 1., 2., 2.])
 */
export function repeatInterleave(
  x: Tensor,
  ...args:
    | Arguments<[repeats: number | Tensor], RepeatInterleaveOptions>
    | [repeats: number | Tensor, dim?: number | null, options?: RepeatInterleaveOptions]
): Tensor {
  const [given, dim, outputSize] = repeatArguments(x, args)
  if (given === undefined) {
    if (x.dim() !== 1) throw new RuntimeError('repeat_interleave only accept 1D vector as repeat')
    return repeatInterleave(counted(x.elements, 'int32', x.device), x, null, { outputSize })
  }
  const whole = dim === null ? apply(reshapeOp, [x], [numelOf(x.sizes)]) : x
  const d = dimIn(whole.sizes, dim ?? 0)
  const size = whole.sizes[d]
  const places = typeof given === 'number' ? evenly(x, size, given) : unevenly(size, given)
  if (outputSize !== null && outputSize !== places.elements)
    throw new RuntimeError('allocated size does not match required size', `The required size is ${places.elements}.`)
  return indexSelect(whole, d, places)
}
const negative = (): Error => new RuntimeError('repeats can not be negative')
function evenly(x: Tensor, size: number, count: number): Tensor {
  if (count < 0) throw negative()
  const row = counted(size * count, 'int32', x.device)
  return count < 2 ? row : floorDivide(row, count)
}
function unevenly(size: number, given: Tensor): Tensor {
  if (given.dim() > 1) throw new RuntimeError('repeats must be 0-dim or 1-dim tensor')
  if (given.elements !== 1 && given.elements !== size)
    throw new RuntimeError('repeats must have the same size as input along dim')
  if (given.dtype !== 'int32') throw notImplemented('repeat_interleave_cpu', given.dtype, convert(given))
  effects.sink?.refuse(
    'repeatInterleave() by a tensor, whose shape depends on the data,',
    'Give a number, or compute the positions outside of the step and use indexSelect().',
  )
  const counts = given.detach().toArray()
  if (counts.some((n) => n < 0)) throw negative()
  const places: number[] = []
  for (let i = 0; i < size; i++) for (let k = counts[given.elements === 1 ? 0 : i]; k > 0; k--) places.push(i)
  return fromArray(Int32Array.from(places), [places.length], { device: given.device })
}
