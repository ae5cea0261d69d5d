// The elements of a tensor in another arrangement: dimensions moved, swapped and split, elements rolled and rotated.
import { RuntimeError } from '../../base/errors.ts'
import { dimIn, normalizeDim, numelOf, type Shape, shapeString } from '../../base/shape.ts'
import { apply } from '../../tensor/apply.ts'
import type { OpDef } from '../../tensor/op.ts'
import {
  type Takes,
  type Arguments,
  checkSelf,
  dims,
  int,
  ints,
  method,
  optional,
  required,
} from '../../tensor/signature.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { type Sizes, sizesOf } from '../define/arguments.ts'
import { cloneOp, expandOp } from '../define/elementwise.ts'
import { flipOp, permuteOp, reshapeOp } from '../define/views.ts'
import { joined } from './join.ts'
import { expandedShape, flip, sliceOp, transpose, view } from './views.ts'

const listed = (given: number | readonly number[]): readonly number[] => (typeof given === 'number' ? [given] : given)

// ---- dimensions ----

type MoveArguments = Takes<
  [source: number | readonly number[], destination: number | readonly number[]],
  'source destination'
>

function defineMove(name: string): (x: Tensor, ...args: MoveArguments) => Tensor {
  const read = method(name, required('source', dims), required('destination', dims))
  return (x, ...args) => {
    const [source, destination] = read(x, args).map(listed)
    if (source.length !== destination.length) {
      const [from, to] = [source, destination].map((list) => `(${shapeString(list)} dims)`)
      throw new RuntimeError(
        `movedim: Invalid source or destination dims: source ${from} should contain the same number of dims as destination ${to}`,
      )
    }
    const places = (list: readonly number[], which: string): number[] => {
      const normal = list.map((d) => normalizeDim(d, x.dim()))
      if (new Set(normal).size === normal.length) return normal
      throw new RuntimeError(`movedim: repeated dim in \`${which}\` (${shapeString(list)})`)
    }
    const from = source.map((d) => normalizeDim(d, x.dim()))
    const to = destination.map((d) => normalizeDim(d, x.dim()))
    places(source, 'source')
    places(destination, 'destination')
    const rest = x.sizes.map((_, d) => d).filter((d) => !from.includes(d))
    let next = 0
    const order = x.sizes.map((_, d) => (to.includes(d) ? from[to.indexOf(d)] : rest[next++]))
    return apply(permuteOp, [x], order)
  }
}
const moved = defineMove('movedim')
const movedAxes = defineMove('moveaxis')
/**
 * Dimensions `source` moved to the places `destination`; the others keep their order. A view.
 *
 * @example
 * movedim(ones(2, 3, 4), 0, -1).shape // [3, 4, 2]
 */
export function movedim(x: Tensor, ...args: MoveArguments): Tensor {
  return moved(x, ...args)
}
/** `movedim` by NumPy's name. */
export function moveaxis(x: Tensor, ...args: MoveArguments): Tensor {
  return movedAxes(x, ...args)
}

const swapaxesArguments = method('swapaxes', required('axis0', int), required('axis1', int))
/** `transpose` by NumPy's name: two dimensions swapped. */
export function swapaxes(x: Tensor, ...args: Takes<[axis0: number, axis1: number], 'axis0 axis1'>): Tensor {
  return transpose(x, ...swapaxesArguments(x, args))
}
const swapdimsArguments = method('swapdims', required('dim0', int), required('dim1', int))
/** `transpose` by another name: two dimensions swapped. */
export function swapdims(x: Tensor, ...args: Takes<[dim0: number, dim1: number], 'dim0 dim1'>): Tensor {
  return transpose(x, ...swapdimsArguments(x, args))
}

const unflattenArguments = method('unflatten', required('dim', int), required('sizes', ints))
/**
 * A dimension split into several of the given sizes, one of which may be -1; a view.
 *
 * @example
 * unflatten(ones(2, 6), 1, [3, -1]).shape // [2, 3, 2]
 */
export function unflatten(x: Tensor, ...args: Takes<[dim: number, sizes: readonly number[]], 'dim sizes'>): Tensor {
  const [dim, sizes] = unflattenArguments(x, args)
  const d = dimIn(x.sizes, dim)
  if (sizes.length === 0) throw new RuntimeError('unflatten: sizes must be non-empty')
  const known = numelOf(sizes.filter((n) => n !== -1))
  const holes = sizes.filter((n) => n === -1).length
  const total = x.sizes[d]
  if (holes > 1) throw new RuntimeError('unflatten got an unexpected error:\nonly one dimension can be inferred')
  if (known < 0 || sizes.some((n) => n < -1) || (holes === 0 ? known !== total : known > 0 && total % known !== 0)) {
    throw new RuntimeError(
      `unflatten: Provided sizes ${shapeString(sizes)} don't multiply up to the size of dim ${d} (${total}) in the input tensor`,
    )
  }
  if (holes === 1 && known === 0) {
    throw new RuntimeError(
      `unflatten: Provided sizes ${shapeString(sizes)} don't multiply up to the size of dim ${d} (${total}) in the input tensor`,
      'With a size of 0 the dimension -1 could be any.',
    )
  }
  const split = sizes.map((n) => (n === -1 ? total / known : n))
  return view(x, [...x.sizes.slice(0, d), ...split, ...x.sizes.slice(d + 1)])
}

/**
 * Expanded to a shape that the tensor broadcasts to, without a copy.
 *
 * @example
 * broadcastTo(tensor([1, 2]), [2, 2]) // tensor([[1., 2.],
 *                                     //         [1., 2.]])
 */
export function broadcastTo(x: Tensor, ...sizes: Sizes): Tensor {
  checkSelf('broadcast_to', x)
  return apply(expandOp, [x], expandedShape(x, sizesOf('broadcast_to', 'size', sizes, Number.NEGATIVE_INFINITY)))
}

// ---- elements ----

const fliplrArguments = method('fliplr')
/**
 * The columns of a matrix, or the slices along dimension 1, in reverse order: a copy.
 *
 * @example
 * fliplr(tensor([[1, 2, 3]])) // tensor([[3., 2., 1.]])
 */
export function fliplr(x: Tensor, ...none: []): Tensor {
  fliplrArguments(x, none)
  if (x.dim() < 2) throw new RuntimeError('Input must be >= 2-d.')
  return flip(x, 1)
}
const flipudArguments = method('flipud')
/**
 * The rows, or the slices along dimension 0, in reverse order: a copy.
 *
 * @example
 * flipud(tensor([1, 2, 3])) // tensor([3., 2., 1.])
 */
export function flipud(x: Tensor, ...none: []): Tensor {
  flipudArguments(x, none)
  if (x.dim() < 1) throw new RuntimeError('Input must be >= 1-d.')
  return flip(x, 0)
}

interface Roll {
  readonly shifts: readonly number[]
  /** Empty for one shift of all elements in row-major order. */
  readonly dims: readonly number[]
}
function rolled(x: Tensor, shift: number, dim: number): Tensor {
  const n = x.sizes[dim]
  const front = n === 0 ? 0 : (((n - shift) % n) + n) % n
  if (front === 0) return x
  const sizes = [n - front, front]
  const parts = sizes.map((length, i) => apply(sliceOp, [x], { dim, start: i === 0 ? front : 0, length, step: 1 }))
  return joined(parts, dim, sizes)
}
const rollOp: OpDef<Roll> = {
  name: 'roll',
  infer: ([x]) => [{ sizes: x.sizes, dtype: x.dtype }],
  vjp: ({ dy, attrs: { shifts, dims } }) => [apply(rollOp, [dy], { shifts: shifts.map((n) => -n), dims })],
  to: {
    kind: 'compose',
    compose: ([input], { shifts, dims }) => {
      const x = input as Tensor
      const y =
        dims.length === 0
          ? apply(reshapeOp, [rolled(apply(reshapeOp, [x], [x.elements]), shifts[0], 0)], x.sizes)
          : dims.reduce((part, dim, i) => rolled(part, shifts[i], dim), x)
      return [y.storage.root === x.storage.root ? apply(cloneOp, [y], null) : y]
    },
  },
}
const rollArguments = method('roll', required('shifts', dims), optional('dims', dims, undefined))
/**
 * The elements moved by `shifts` along `dims`; those that leave at one end come back at the other. Without `dims`, all
 * elements are moved in row-major order.
 *
 * @example
 * roll(tensor([1, 2, 3]), 1) // tensor([3., 1., 2.])
 */
export function roll(
  x: Tensor,
  ...args: Takes<
    [shifts: number | readonly number[]],
    'shifts',
    [dims?: number | readonly number[] | { readonly dims?: number | readonly number[] }]
  >
): Tensor {
  const [given, along = []] = rollArguments(x, args)
  const [shifts, dims] = [listed(given), listed(along)]
  if (shifts.length === 0) throw new RuntimeError('`shifts` required')
  if (shifts.length !== dims.length && !(dims.length === 0 && shifts.length === 1)) {
    throw new RuntimeError(
      `shifts and dimensions must align. shifts: ${shifts.length}, dims:${dims.length}`,
      'Give a shift for each dimension.',
    )
  }
  return apply(rollOp, [x], { shifts, dims: dims.map((d) => dimIn(x.sizes, d)) })
}

interface Rotation {
  /** Quarter turns, 0 to 3. */
  readonly k: number
  readonly dims: readonly number[]
}
const swap = ({ k, dims: [a, b] }: Rotation, shape: Shape): number[] =>
  shape.map((_, d) => (k % 2 === 0 ? d : d === a ? b : d === b ? a : d))
const rotateOp: OpDef<Rotation> = {
  name: 'rot90',
  infer: ([x], attrs) => [{ sizes: swap(attrs, x.sizes).map((d) => x.sizes[d]), dtype: x.dtype }],
  vjp: ({ dy, attrs: { k, dims } }) => [apply(rotateOp, [dy], { k: (4 - k) % 4, dims })],
  to: {
    kind: 'compose',
    compose: ([x], attrs) => {
      const { k, dims } = attrs
      const reversed = [[], [dims[1]], dims, [dims[0]]][k]
      const turned = apply(permuteOp, [apply(flipOp, [x], reversed)], swap(attrs, x.sizes))
      return [apply(cloneOp, [turned], null)]
    },
  },
}
const rotateArguments = method('rot90', optional('k', int, 1), optional('dims', ints, undefined))
/**
 * Turned by `k` (1) times 90 degrees in the plane of two dimensions (0 and 1), from the first towards the second.
 *
 * @example
 * rot90(tensor([[1, 2], [3, 4]])) // tensor([[2., 4.],
 *                                 //         [1., 3.]])
 */
export function rot90(
  x: Tensor,
  ...args: Arguments<[k: number, dims: readonly number[]], { readonly k?: number; readonly dims?: readonly number[] }>
): Tensor {
  const [k, plane = [0, 1]] = rotateArguments(x, args)
  const rank = x.dim()
  if (plane.length !== 2) throw new RuntimeError(`expected total rotation dims == 2, but got dims = ${plane.length}`)
  if (rank < 2) throw new RuntimeError(`expected total dims >= 2, but got total dims = ${rank}`)
  const [a, b] = plane
  if (a === b || Math.abs(a - b) === rank) {
    throw new RuntimeError(`expected rotation dims to be different, but got dim0 = ${a} and dim1 = ${b}`)
  }
  const wrong = plane.findIndex((d) => d >= rank || d < -rank)
  if (wrong >= 0) throw new RuntimeError(`Rotation dim${wrong} out of range, dim${wrong} = ${plane[wrong]}`)
  return apply(rotateOp, [x], { k: ((k % 4) + 4) % 4, dims: plane.map((d) => (d < 0 ? d + rank : d)) })
}
