// Joins and cuts by NumPy's names: hstack, hsplit, atleast1d and their relatives, and blockDiag. All are compositions of
// cat and views.
import { dimIn } from '../../base/shape.ts'
import { RuntimeError } from '../../base/errors.ts'
import { dtypeName } from '../../base/dtype.ts'
import type { Shape } from '../../base/shape.ts'
import { apply } from '../../tensor/apply.ts'
import type { OpDef } from '../../tensor/op.ts'
import {
  type Takes,
  also,
  dims,
  either,
  int,
  isTensor,
  type Kind,
  method,
  optional,
  required,
  signature,
  tensor,
} from '../../tensor/signature.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { fromArray } from '../create/create.ts'
import type { DimOption } from '../define/arguments.ts'
import { reshapeOp } from '../define/views.ts'
import { cat, listedTensors, unified } from './join.ts'
import { padOp } from './pad.ts'
import { narrow, slice, unsqueeze } from './views.ts'

/** Tensors one by one, or as one array. */
export type Several = readonly Tensor[] | readonly [readonly Tensor[]]
/** Reads tensors that are given one by one, or as one array. */
export function several(name: string): (args: readonly unknown[]) => readonly Tensor[] {
  const read = signature(name, required('tensors', listedTensors(name)))
  return (args) => read(Array.isArray(args[0]) ? args : [args])[0]
}

// ---- at least so many dimensions ----

type Lift = (x: Tensor) => Tensor
export const shaped = (x: Tensor, shape: Shape): Tensor => apply(reshapeOp, [x], shape)
const lifts: readonly Lift[] = [
  (x) => x,
  (x) => (x.dim() === 0 ? shaped(x, [1]) : x),
  (x) => (x.dim() === 0 ? shaped(x, [1, 1]) : x.dim() === 1 ? unsqueeze(x, 0) : x),
  (x) =>
    x.dim() === 0
      ? shaped(x, [1, 1, 1])
      : x.dim() === 1
        ? unsqueeze(unsqueeze(x, 0), -1)
        : x.dim() === 2
          ? unsqueeze(x, -1)
          : x,
]

function lifted(rank: number): (args: readonly unknown[]) => Tensor | Tensor[] {
  const read = several(`atleast_${rank}d`)
  return (args) => {
    const tensors = read(args)
    const all = tensors.map(lifts[rank])
    return args.length === 1 && args[0] === tensors[0] ? all[0] : all
  }
}
const lift1 = lifted(1)
const lift2 = lifted(2)
const lift3 = lifted(3)
/**
 * The tensor, or a view of it with one dimension if it has none. For several tensors, an array.
 *
 * @example
 * atleast1d(tensor(3)) // tensor([3.])
 */
export function atleast1d(x: Tensor): Tensor
export function atleast1d(...tensors: Several): Tensor[]
export function atleast1d(...args: Several): Tensor | Tensor[] {
  return lift1(args)
}
/**
 * The tensor, or a view of it with two dimensions if it has fewer: a vector becomes a row. For several tensors, an
 * array.
 *
 * @example
 * atleast2d(tensor([1, 2])) // tensor([[1., 2.]])
 */
export function atleast2d(x: Tensor): Tensor
export function atleast2d(...tensors: Several): Tensor[]
export function atleast2d(...args: Several): Tensor | Tensor[] {
  return lift2(args)
}
/**
 * The tensor, or a view of it with three dimensions if it has fewer: a matrix gets a last one, a vector a first and a
 * last one. For several tensors, an array.
 *
 * @example
 * atleast3d(ones(2, 3)).shape // [2, 3, 1]
 */
export function atleast3d(x: Tensor): Tensor
export function atleast3d(...tensors: Several): Tensor[]
export function atleast3d(...args: Several): Tensor | Tensor[] {
  return lift3(args)
}

// ---- joining ----

function defineStack(name: string, lift: Lift, dimOf: (rank: number) => number, inner = name) {
  const read = signature(name, required('tensors', listedTensors(name)))
  return (args: readonly unknown[]): Tensor => {
    const [tensors] = read(args)
    if (tensors.length === 0) throw new RuntimeError(`${inner} expects a non-empty TensorList`)
    const parts = tensors.map(lift)
    return cat(parts, dimOf(parts[0].dim()))
  }
}
const column: Lift = (x) => (x.dim() > 1 ? x : shaped(x, [x.elements, 1]))
const horizontal = defineStack('hstack', lifts[1], (rank) => (rank === 1 ? 0 : 1))
const vertical = defineStack('vstack', lifts[2], () => 0)
const rowwise = defineStack('row_stack', lifts[2], () => 0, 'vstack')
const deep = defineStack('dstack', lifts[3], () => 2)
const columnwise = defineStack('column_stack', column, () => 1)
/**
 * Tensors side by side: along dimension 1, vectors along dimension 0.
 *
 * @example
 * hstack([tensor([1, 2]), tensor([3])]) // tensor([1., 2., 3.])
 */
export function hstack(...args: [tensors: readonly Tensor[]]): Tensor {
  return horizontal(args)
}
/**
 * Tensors below each other: along dimension 0, vectors as rows.
 *
 * @example
 * vstack([tensor([1, 2]), tensor([3, 4])]) // tensor([[1., 2.],
 *                                          //         [3., 4.]])
 */
export function vstack(...args: [tensors: readonly Tensor[]]): Tensor {
  return vertical(args)
}
/** `vstack` by another name. */
export function rowStack(...args: [tensors: readonly Tensor[]]): Tensor {
  return rowwise(args)
}
/**
 * Tensors behind each other: along dimension 2, after `atleast3d`.
 *
 * @example
 * dstack([ones(2, 2), zeros(2, 2)]).shape // [2, 2, 2]
 */
export function dstack(...args: [tensors: readonly Tensor[]]): Tensor {
  return deep(args)
}
/**
 * Tensors side by side along dimension 1, vectors as columns.
 *
 * @example
 * columnStack([tensor([1, 2]), tensor([3, 4])]) // tensor([[1., 3.],
 *                                               //         [2., 4.]])
 */
export function columnStack(...args: [tensors: readonly Tensor[]]): Tensor {
  return columnwise(args)
}

/** Each matrix in its own rows and columns: its gradient is the part of the whole that it fills. */
interface Blocks {
  readonly sizes: readonly Shape[]
}
const extent = ({ sizes }: Blocks): [number, number] => [
  sizes.reduce((sum, [n]) => sum + n, 0),
  sizes.reduce((sum, [, n]) => sum + n, 0),
]
/** What precedes each block. */
const corners = ({ sizes }: Blocks): [number, number][] => sizes.map((_, i) => extent({ sizes: sizes.slice(0, i) }))
const blockOp: OpDef<Blocks> = {
  name: 'blockDiag',
  infer: ([x], attrs) => [{ sizes: extent(attrs), dtype: x.dtype }],
  vjp: ({ dy, attrs }) =>
    corners(attrs).map(([row, col], i) => {
      const [n, m] = attrs.sizes[i]
      return narrow(narrow(dy, 0, row, n), 1, col, m)
    }),
  to: {
    kind: 'compose',
    compose: (inputs, attrs) => {
      const [, width] = extent(attrs)
      const rows = corners(attrs).map(([, col], i) =>
        apply(padOp, [inputs[i]], { low: [0, col], high: [0, width - col - attrs.sizes[i][1]], value: 0 }),
      )
      return [cat(rows, 0)]
    },
  },
}
const blockArguments = several('block_diag')
/**
 * A matrix with the given matrices along its diagonal and 0 elsewhere. Vectors are rows; dtypes promote.
 *
 * @example
 * blockDiag(tensor([1, 2]), tensor(3)) // tensor([[1., 2., 0.],
 *                                      //         [0., 0., 3.]])
 */
export function blockDiag(...args: Several): Tensor {
  const tensors = blockArguments(args)
  const wrong = tensors.findIndex((x) => x.dim() > 2)
  if (wrong >= 0) {
    throw new RuntimeError(
      `torch.block_diag: Input tensors must have 2 or fewer dimensions. Input ${wrong} has ${tensors[wrong].dim()} dimensions`,
    )
  }
  if (tensors.length === 0) return fromArray([], [1, 0])
  const blocks = unified(tensors).map(lifts[2])
  return apply(blockOp, blocks, { sizes: blocks.map((x) => x.sizes) })
}

// ---- cutting ----

const sections: Kind<number | readonly number[] | Tensor> = either(dims, tensor)
const splitArguments = method(
  'tensor_split',
  also(
    required('indicesOrSections', { ...sections, hint: 'Give a number of pieces, or the indices where pieces begin.' }),
    'sections',
    'indices',
  ),
  optional('dim', int, 0),
)
/**
 * Views of pieces along `dim` (0): a number of pieces whose sizes differ by at most 1, or pieces that begin at the
 * given indices.
 *
 * @example
 * tensorSplit(arange(5), 2).map(String) // ['tensor([0, 1, 2])', 'tensor([3, 4])']
 */
export function tensorSplit(
  x: Tensor,
  ...args: Takes<
    [indicesOrSections: number | readonly number[] | Tensor],
    'indicesOrSections',
    [dim?: number | DimOption]
  >
): Tensor[] {
  const [given, dim] = splitArguments(x, args)
  if (x.dim() === 0)
    throw new RuntimeError('tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims')
  const d = dimIn(x.sizes, dim)
  return pieces(x, isTensor(given) ? numbersOf(given) : given, d)
}
function numbersOf(x: Tensor): number | readonly number[] {
  if (x.dtype !== 'int32')
    throw new RuntimeError(
      `tensor_split expected tensor_indices_or_sections to have dtype of long, but got ${dtypeName[x.dtype]}`,
      "int32 takes int64's place: x.int().",
    )
  if (x.dim() > 1) {
    throw new RuntimeError(
      `tensor_split expected tensor_indices_or_sections to be a zero-dimensional or one-dimensional tensor, but got a tensor with ${x.dim()} dims`,
    )
  }
  return x.dim() === 0 ? x.item() : [...x.toArray()]
}
function pieces(x: Tensor, given: number | readonly number[], d: number): Tensor[] {
  const total = x.sizes[d]
  if (typeof given === 'number' && given <= 0) {
    throw new RuntimeError(`number of sections must be larger than 0, got ${given}`)
  }
  const ends =
    typeof given === 'number'
      ? Array.from(
          { length: given - 1 },
          (_, i) => (i + 1) * Math.floor(total / given) + Math.min(i + 1, total % given),
        )
      : given
  return [...ends, total].map((end, i) => slice(x, d, i === 0 ? 0 : ends[i - 1], end))
}

type SplitArguments = Takes<[indicesOrSections: number | readonly number[]], 'indicesOrSections'>
function defineSplit(name: string, least: number, dimOf: (rank: number) => number) {
  const read = method(name, also(required('indicesOrSections', dims), 'sections', 'indices'))
  return (x: Tensor, args: readonly unknown[]): Tensor[] => {
    const [given] = read(x, args)
    if (x.dim() < least) {
      throw new RuntimeError(
        `torch.${name} requires a tensor with at least ${least} dimension, but got a tensor with ${x.dim()} dimensions!`,
      )
    }
    const d = dimOf(x.dim())
    if (typeof given === 'number' && (given === 0 || x.sizes[d] % given !== 0)) {
      throw new RuntimeError(
        `torch.${name} attempted to split along dimension ${d}, but the size of the dimension ${x.sizes[d]} is not divisible by the split_size ${given}!`,
        'tensorSplit() takes any number.',
      )
    }
    return pieces(x, given, d)
  }
}
const splitAcross = defineSplit('hsplit', 1, (rank) => (rank === 1 ? 0 : 1))
const splitDown = defineSplit('vsplit', 2, () => 0)
const splitDeep = defineSplit('dsplit', 3, () => 2)
/**
 * Views of equal pieces along dimension 1 (of a vector: 0), or of pieces that begin at the given indices.
 *
 * @example
 * hsplit(arange(4), 2).map(String) // ['tensor([0, 1])', 'tensor([2, 3])']
 */
export function hsplit(x: Tensor, ...args: SplitArguments): Tensor[] {
  return splitAcross(x, args)
}
/** Views of equal pieces along dimension 0, or of pieces that begin at the given indices. */
export function vsplit(x: Tensor, ...args: SplitArguments): Tensor[] {
  return splitDown(x, args)
}
/** Views of equal pieces along dimension 2, or of pieces that begin at the given indices. */
export function dsplit(x: Tensor, ...args: SplitArguments): Tensor[] {
  return splitDeep(x, args)
}
