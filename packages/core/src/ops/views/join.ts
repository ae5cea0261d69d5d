// Joining and splitting: cat, stack, split, chunk, unbind, repeat, tile. Pieces are views; joined tensors are new
// memory.
import type { Prims } from '../../backend/backend.ts'
import { RuntimeError, TypeError } from '../../base/errors.ts'
import { resultType } from '../../base/promotion.ts'
import { typeName } from '../../base/python.ts'
import { dimIn, checkSizes, normalizeDim, type Shape, sameShape, shapeString } from '../../base/shape.ts'
import { apply } from '../../tensor/apply.ts'
import type { OpDef } from '../../tensor/op.ts'
import {
  type Takes,
  also,
  checkSelf,
  dims,
  int,
  ints,
  type Kind,
  method,
  optional,
  required,
  signature,
  tensor,
  tensors,
} from '../../tensor/signature.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { type DimOption, type Sizes, sizesOf } from '../define/arguments.ts'
import { cloneOp, expandOp, sumTo } from '../define/elementwise.ts'
import { reshapeOp } from '../define/views.ts'
import { toDType } from '../define/fill.ts'
import { narrow, select, selectOp, sliceOp, unsqueeze } from './views.ts'

type DimArg = number | DimOption

// ---- joining ----

interface Joined {
  readonly dim: number
  /** The size of each part along `dim`. */
  readonly sizes: readonly number[]
}
const along: Prims['concat'][] = []
export const catOp: OpDef<Joined> = {
  name: 'cat',
  infer: ([first], { dim, sizes }) => {
    const total = sizes.reduce((a, b) => a + b, 0)
    return [{ sizes: first.sizes.map((n, i) => (i === dim ? total : n)), dtype: first.dtype }]
  },
  vjp: (ctx) => {
    const { dim, sizes } = ctx.attrs
    let start = 0
    return sizes.map((size) => {
      start += size
      return narrow(ctx.dy, dim, start - size, size)
    })
  },
  to: { kind: 'kernel', prim: 'concat', lower: ({ dim }) => (along[dim] ??= { axis: dim }) },
}
/** Tensors one after the other along a dimension, in which they have these sizes. */
export const joined = (parts: readonly Tensor[], dim: number, sizes: readonly number[]): Tensor =>
  apply(catOp, parts, { dim, sizes })

type JoinArguments = [tensors: readonly Tensor[], dim?: DimArg]
/** An array of tensors; the error for anything else says which element is wrong. */
export const listedTensors = (name: string): Kind<readonly Tensor[]> => ({
  ...tensors,
  hint: `Pass an array: ${name}([a, b]).`,
  refuse: (value) => {
    const at = Array.isArray(value) ? Array.from(value).findIndex((x) => !tensor.accepts(x)) : -1
    if (at < 0) return undefined
    return new TypeError(
      `expected Tensor as element ${at} in argument 0, but got ${typeName((value as unknown[])[at])}`,
    )
  },
})
const joinArguments = (name: string) => signature(name, required('tensors', listedTensors(name)), dimParameter)
const dimParameter = optional('dim', int, 0)

/** All converted to their widest dtype. */
export function unified(tensors: readonly Tensor[]): readonly Tensor[] {
  const dtype = resultType(tensors)
  return tensors.every((x) => x.dtype === dtype) ? tensors : tensors.map((x) => toDType(x, dtype))
}

/** PyTorch allows tensors of shape [0] among any others. */
const isNothing = (x: Tensor): boolean => x.sizes.length === 1 && x.sizes[0] === 0

const catArguments = joinArguments('cat')
/**
 * Tensors one after another along `dim` (0); all other sizes must be equal. Dtypes promote.
 *
 * @example
 * cat([zeros(2, 1), ones(2, 1)], 1) // tensor([[0., 1.],
 *                                   //         [0., 1.]])
 */
export function cat(...args: JoinArguments): Tensor {
  const [tensors, dim] = catArguments(args)
  if (tensors.length === 0) throw new RuntimeError('torch.cat(): expected a non-empty list of Tensors')
  const flat = tensors.findIndex((x) => x.dim() === 0)
  if (flat >= 0) {
    throw new RuntimeError(
      `zero-dimensional tensor (at position ${flat}) cannot be concatenated`,
      'Use stack() for numbers, or reshape(1) first.',
    )
  }
  const first = tensors.find((x) => !isNothing(x))
  const d = first === undefined ? 0 : normalizeDim(dim, first.dim())
  const { sizes } = first ?? tensors[0]
  const parts = unified(tensors).map((x, i) => {
    if (sameShape(x.sizes, sizes)) return x
    if (isNothing(x))
      return apply(
        reshapeOp,
        [x],
        sizes.map((n, axis) => (axis === d ? 0 : n)),
      )
    if (x.dim() !== sizes.length) {
      throw new RuntimeError(`Tensors must have same number of dimensions: got ${sizes.length} and ${x.dim()}`)
    }
    const wrong = sizes.findIndex((n, axis) => axis !== d && n !== x.sizes[axis])
    if (wrong >= 0) {
      throw new RuntimeError(
        `Sizes of tensors must match except in dimension ${d}. Expected size ${sizes[wrong]} but got size ${x.sizes[wrong]} for tensor number ${i} in the list.`,
        `They differ in dimension ${wrong}: the shapes are ${shapeString(sizes)} and ${shapeString(x.sizes)}.`,
      )
    }
    return x
  })
  return apply(catOp, parts, { dim: d, sizes: parts.map((x) => x.sizes[d]) })
}

const stackOp: OpDef<number> = {
  name: 'stack',
  infer: (inputs, dim) => {
    const { sizes, dtype } = inputs[0]
    return [{ sizes: [...sizes.slice(0, dim), inputs.length, ...sizes.slice(dim)], dtype }]
  },
  vjp: (ctx) => Array.from({ length: ctx.dy.sizes[ctx.attrs] }, (_, i) => select(ctx.dy, ctx.attrs, i)),
  to: {
    kind: 'compose',
    compose: (inputs, dim) => {
      const parts = inputs.map((x) => unsqueeze(x as Tensor, dim))
      return [apply(catOp, parts, { dim, sizes: parts.map(() => 1) })]
    },
  },
}

const stackArguments = joinArguments('stack')
/**
 * Tensors of one shape along a new dimension `dim` (0). Dtypes promote.
 *
 * @example
 * stack([tensor([1, 2]), tensor([3, 4])]).shape // [2, 2]
 */
export function stack(...args: JoinArguments): Tensor {
  const [tensors, dim] = stackArguments(args)
  if (tensors.length === 0) throw new RuntimeError('stack expects a non-empty TensorList')
  const [first] = tensors
  const d = normalizeDim(dim, first.dim() + 1)
  const other = tensors.findIndex((x) => !sameShape(x.sizes, first.sizes))
  if (other >= 0) {
    throw new RuntimeError(
      `stack expects each tensor to be equal size, but got ${shapeString(first.sizes)} at entry 0 and ${shapeString(tensors[other].sizes)} at entry ${other}`,
    )
  }
  return apply(stackOp, unified(tensors), d)
}

// ---- cutting ----

const splitOp: typeof sliceOp = { ...sliceOp, name: 'split' }
const splitSizesOp: typeof sliceOp = { ...sliceOp, name: 'splitWithSizes' }

function parts(op: typeof sliceOp, x: Tensor, dim: number, sizes: readonly number[]): Tensor[] {
  let start = 0
  return sizes.map((length) => {
    const y = apply(op, [x], { dim, start, length, step: 1 })
    start += length
    return y
  })
}

/** `total` in pieces of `size`; the last one is smaller if it does not divide evenly. */
const equalSizes = (total: number, size: number): number[] =>
  total === 0 ? [0] : Array.from({ length: Math.ceil(total / size) }, (_, i) => Math.min(size, total - i * size))

export interface SplitOptions extends DimOption {
  readonly splitSizeOrSections?: number | readonly number[]
}
const splitArguments = method(
  'split',
  also(required('splitSizeOrSections', { ...dims, hint: 'Give a size, or an array of sizes.' }), 'splitSize'),
  dimParameter,
)
/**
 * Views of pieces along `dim` (0): of one size (the last may be smaller), or of given sizes that add up to the
 * dimension.
 *
 * @example
 * const [a, b] = split(arange(5), [2, 3])
 */
export function split(
  x: Tensor,
  ...args: [sizeOrSections: number | readonly number[] | SplitOptions, dim?: DimArg]
): Tensor[] {
  const [size, dim] = splitArguments(x, args)
  if (x.dim() === 0) throw new RuntimeError('split expects at least a 1-dimensional tensor')
  if (typeof size !== 'number') return splitSections(x, size, dim)
  const d = normalizeDim(dim, x.dim())
  const total = x.sizes[d]
  if (size < 0) throw new RuntimeError(`split expects split_size be non-negative, but got split_size=${size}`)
  if (size === 0 && total > 0) {
    throw new RuntimeError(`split_size can only be 0 if dimension size is 0, but got dimension size of ${total}`)
  }
  return parts(splitOp, x, d, equalSizes(total, size))
}

const sectionsArguments = method('split_with_sizes', required('splitSizes', ints), optional('dim', int, 0))
/** Pieces of given sizes along a dimension, as views: `split` with a list. */
export function splitWithSizes(
  x: Tensor,
  ...args: Takes<[splitSizes: readonly number[]], 'splitSizes', [dim?: number | { readonly dim?: number }]>
): Tensor[] {
  const [sizes, dim] = sectionsArguments(x, args)
  if (x.dim() === 0) throw new RuntimeError('split expects at least a 1-dimensional tensor')
  return splitSections(x, sizes, dim)
}

function splitSections(x: Tensor, sizes: readonly number[], dim: number): Tensor[] {
  const d = normalizeDim(dim, x.dim())
  if (sizes.some((n) => n < 0)) {
    throw new RuntimeError(
      `split_with_sizes expects split_sizes have only non-negative entries, but got split_sizes=${shapeString(sizes)}`,
    )
  }
  const total = sizes.reduce((a, b) => a + b, 0)
  if (total !== x.sizes[d]) {
    throw new RuntimeError(
      `split_with_sizes expects split_sizes to sum exactly to ${x.sizes[d]} (input tensor's size at dimension ${d}), but got split_sizes=${shapeString(sizes)}`,
    )
  }
  return parts(splitSizesOp, x, d, sizes)
}

const chunkArguments = method('chunk', required('chunks', int), dimParameter)
/**
 * Views of at most `chunks` equal pieces along `dim` (0); the last may be smaller.
 *
 * @example
 * chunk(arange(5), 2).map(String) // ['tensor([0, 1, 2])', 'tensor([3, 4])']
 */
export function chunk(
  x: Tensor,
  ...args: [chunks: number | { readonly chunks: number; readonly dim?: number }, dim?: DimArg]
): Tensor[] {
  const [chunks, dim] = chunkArguments(x, args)
  if (x.dim() === 0) throw new RuntimeError('chunk expects at least a 1-dimensional tensor')
  if (chunks <= 0) throw new RuntimeError(`chunk expects \`chunks\` to be greater than 0, got: ${chunks}`)
  const d = normalizeDim(dim, x.dim())
  const total = x.sizes[d]
  if (total === 0) return parts(splitSizesOp, x, d, new Array<number>(chunks).fill(0))
  return parts(splitOp, x, d, equalSizes(total, Math.ceil(total / chunks)))
}

const unbindOp: typeof selectOp = { ...selectOp, name: 'unbind' }
const unbindArguments = method('unbind', dimParameter)
/** Views of all slices along `dim` (0), which is removed. */
export function unbind(x: Tensor, ...args: [dim?: DimArg]): Tensor[] {
  const [d] = unbindArguments(x, args)
  const at = dimIn(x.sizes, d)
  return Array.from({ length: x.sizes[at] }, (_, index) => apply(unbindOp, [x], { dim: at, index }))
}

// ---- repeating ----

/** Each dimension as two: the number of repeats, and the size. */
const pairs = (shape: Shape, repeats: readonly number[]): { once: number[]; often: number[] } => {
  const lead = repeats.length - shape.length
  const once = repeats.flatMap((_, i) => [1, i < lead ? 1 : shape[i - lead]])
  return { once, often: once.map((n, i) => (i % 2 === 0 ? repeats[i / 2] : n)) }
}
const repeatOp: OpDef<readonly number[]> = {
  name: 'repeat',
  infer: ([x], repeats) => {
    const { often } = pairs(x.sizes, repeats)
    return [{ sizes: repeats.map((_, i) => often[2 * i] * often[2 * i + 1]), dtype: x.dtype }]
  },
  vjp: (ctx) => {
    const { sizes } = ctx.inputSpec(0)
    const { once, often } = pairs(sizes, ctx.attrs)
    return [apply(reshapeOp, [sumTo(apply(reshapeOp, [ctx.dy], often), once)], sizes)]
  },
  to: {
    kind: 'compose',
    compose: ([x], repeats) => {
      const { once, often } = pairs(x.sizes, repeats)
      const copies = apply(cloneOp, [apply(expandOp, [apply(reshapeOp, [x], once)], often)], null)
      const shape = repeats.map((_, i) => often[2 * i] * often[2 * i + 1])
      return [apply(reshapeOp, [copies], shape)]
    },
  },
}

/**
 * The tensor repeated `repeats[i]` times along each dimension; more repeats than dimensions add leading dimensions.
 *
 * @example
 * repeat(tensor([1, 2]), 2, 2) // tensor([[1., 2., 1., 2.],
 *                              //         [1., 2., 1., 2.]])
 */
export function repeat(x: Tensor, ...repeats: Sizes<'repeats'>): Tensor {
  checkSelf('repeat', x)
  const counts = sizesOf('repeat', 'repeats', repeats, Number.NEGATIVE_INFINITY)
  if (counts.length < x.dim()) {
    throw new RuntimeError('Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor')
  }
  const lead = counts.length - x.dim()
  checkSizes(counts.map((n, i) => n * (i < lead ? 1 : x.sizes[i - lead])))
  return apply(repeatOp, [x], counts)
}

/** As `repeat`, but if there are fewer repeats than dimensions, they are for the last ones. */
export function tile(x: Tensor, ...repeats: Sizes<'dims'>): Tensor {
  checkSelf('tile', x)
  const counts = sizesOf('tile', 'dims', repeats, Number.NEGATIVE_INFINITY)
  return repeat(x, [...new Array<number>(Math.max(x.dim() - counts.length, 0)).fill(1), ...counts])
}
