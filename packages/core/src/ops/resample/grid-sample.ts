// Sampling at the positions of a grid, as spatial transformers do, and the grids of affine maps. All is composed of
// differentiable ops: positions from the grid, elements gathered at the corners around them, and weights.
import { isFloat, type DType, dtypeName } from '../../base/dtype.ts'
import { mixed } from '../../base/promotion.ts'
import { NotImplementedError, RuntimeError, ValueError } from '../../base/errors.ts'
import { type Shape, shapeString } from '../../base/shape.ts'
import { warn } from '../../base/warn.ts'
import { type Expr, s } from '../../expr/expr.ts'
import { apply, operand } from '../../tensor/apply.ts'
import { noGrad } from '../../tensor/mode.ts'
import { formatSize } from '../../tensor/print.ts'
import {
  type Arguments,
  type Takes,
  bool,
  ints,
  nullable,
  optional,
  required,
  signature,
  str,
  tensor,
} from '../../tensor/signature.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { linspace, ones } from '../create/create.ts'
import { elementwise, expandTo } from '../define/elementwise.ts'
import { toDType } from '../define/fill.ts'
import { ownView, reshapeOp } from '../define/views.ts'
import { gatherAlongDim } from '../indexing/gather.ts'
import { add, div, mul } from '../pointwise/arithmetic.ts'
import { bmm } from '../product/matmul.ts'
import { stack } from '../views/join.ts'
import { expand, select, transpose } from '../views/views.ts'

// ---- positions ----

/**
 * From -1..1 to elements: the ends are the centers of the first and last element, or their outer edges. Rounded twice, as in
 * PyTorch: positions of an identity are whole numbers, and an error in their last place would decide between which elements
 * they lie, and so the gradient of the grid.
 */
function elementsOf(x: Tensor, size: number, alignCorners: boolean): Tensor {
  const from = apply(shifted, [x, operand(1)], null)
  return alignCorners ? mul(from, (size - 1) / 2) : apply(edges, [from, operand(size / 2)], null)
}
const edges = elementwise('mul', (x, half) => s.sub(s.mul(x, half), 0.5))

/** Within the elements; outside there is no gradient. */
const clipped = (x: Expr, size: Expr): Expr =>
  s.select(s.gt(x, 0), s.select(s.lt(x, s.sub(size, 1)), x, s.sub(size, 1)), 0)
/** Mirrored, until it is between `low` and `low + span`. */
function mirrored(x: Expr, low: number, span: Expr): Expr {
  const far = s.abs(s.sub(x, low))
  const extra = s.fmod(far, span)
  const even = s.eq(s.fmod(s.floor(s.div(far, span)), 2), 0)
  return s.select(s.gt(span, 0), s.select(even, s.add(extra, low), s.sub(s.add(span, low), extra)), 0)
}
const border = elementwise('clamp', (x, size) => clipped(x, size))
const reflectedAtCenters = elementwise('clamp', (x, size) => clipped(mirrored(x, 0, s.sub(size, 1)), size))
const reflectedAtEdges = elementwise('clamp', (x, size) => clipped(mirrored(x, -0.5, size), size))

type Padding = 'zeros' | 'border' | 'reflection'
interface Sampling {
  readonly rank: number
  readonly padding: Padding
  readonly alignCorners: boolean
}
function padded(x: Tensor, size: number, { padding, alignCorners }: Sampling): Tensor {
  if (padding === 'zeros') return x
  const op = padding === 'border' ? border : alignCorners ? reflectedAtCenters : reflectedAtEdges
  return apply(op, [x, operand(size)], null)
}

// ---- taps ----

/** One element of a dimension for each position: where, how much it counts, and whether it exists. */
interface Tap {
  readonly at: Tensor
  /** Null for 1. */
  readonly weight: Tensor | null
  /** Null if all exist. */
  readonly inside: Tensor | null
}
// PyTorch rounds ties to even positions in images, and away from 0 in volumes.
const rounded = [
  elementwise('round', (x) => s.rint(x)),
  elementwise('round', (x) => s.add(s.trunc(x), s.trunc(s.mul(s.sub(x, s.trunc(x)), 2)))),
]
/** The weight of an element that is the nearest: 1, by which the gradient of the grid is zeros. */
const certain = elementwise('round', (x) => s.constant(1, x.dtype))
const floored = elementwise('floor', (x) => s.floor(x))
const within = elementwise('ge', (x, size) => s.and(s.ge(x, 0), s.lt(x, size)), { out: 'bool' })
const kept = elementwise('clamp', (x, size) => s.select(s.gt(x, 0), s.min(x, s.sub(size, 1)), 0))

/** A tap at whole numbers `x`. */
const tapAt = (x: Tensor, weight: Tensor | null, size: number, { padding }: Sampling): Tap => ({
  at: toDType(apply(kept, [x, operand(size)], null), 'int32'),
  weight,
  inside: padding === 'zeros' ? apply(within, [x, operand(size)], null) : null,
})
const shifted = elementwise('add', (x, by) => s.add(x, by))
const share = elementwise('sub', (x, low) => s.sub(x, low))
const rest = elementwise('rsub', (x) => s.sub(1, x))

const near = (x: Expr): Expr => s.add(s.mul(s.mul(s.sub(s.mul(x, 1.25), 2.25), x), x), 1)
const far = (x: Expr): Expr => s.sub(s.mul(s.add(s.mul(s.sub(s.mul(x, -0.75), -3.75), x), -6), x), -3)
const cubic = [
  elementwise('mul', (x) => far(s.add(x, 1))),
  elementwise('mul', (x) => near(x)),
  elementwise('mul', (x) => near(s.sub(1, x))),
  elementwise('mul', (x) => far(s.sub(2, x))),
]

type Taps = (x: Tensor, size: number, sampling: Sampling) => readonly Tap[]
const modes: Readonly<Record<string, Taps>> = {
  nearest(x, size, sampling) {
    const at = noGrad(() => apply(rounded[sampling.rank - 2], [padded(x, size, sampling)], null))
    return [tapAt(at, x.requiresGrad ? apply(certain, [x], null) : null, size, sampling)]
  },
  bilinear(x, size, sampling) {
    const at = padded(x, size, sampling)
    const low = noGrad(() => apply(floored, [at], null))
    const high = apply(share, [at, low], null)
    const next = noGrad(() => apply(shifted, [low, operand(1)], null))
    return [tapAt(low, apply(rest, [high], null), size, sampling), tapAt(next, high, size, sampling)]
  },
  bicubic(x, size, sampling) {
    const low = noGrad(() => apply(floored, [x], null))
    const part = apply(share, [x, low], null)
    return cubic.map((weight, k) => {
      const at = noGrad(() => padded(apply(shifted, [low, operand(k - 1)], null), size, sampling))
      return tapAt(at, apply(weight, [part], null), size, sampling)
    })
  },
}

// ---- sampling ----

const counted = elementwise('mul', (x, weight, inside) => s.mul(s.select(inside, x, 0), weight))
const product = elementwise('mul', (x, y) => s.mul(x, y))
const both = elementwise('logicalAnd', (x, y) => s.and(x, y), { out: 'bool' })
const flatIndex = elementwise('add', (outer, size, inner) => s.add(s.mul(outer, size), inner))
const reshaped = (x: Tensor, sizes: Shape): Tensor => apply(reshapeOp, [x], sizes)

/** All choices of one tap for each dimension, joined to one tap of the flattened dimensions. */
function corners(taps: readonly (readonly Tap[])[], sizes: Shape): readonly Tap[] {
  const join = <T>(a: T | null, b: T | null, of: (a: T, b: T) => T): T | null =>
    a === null ? b : b === null ? a : of(a, b)
  return taps.slice(1).reduce<readonly Tap[]>(
    (joined, own, i) =>
      joined.flatMap((outer) =>
        own.map((inner) => ({
          at: apply(flatIndex, [outer.at, operand(sizes[i + 1]), inner.at], null),
          weight: join(outer.weight, inner.weight, (a, b) => apply(product, [a, b], null)),
          inside: join(outer.inside, inner.inside, (a, b) => apply(both, [a, b], null)),
        })),
      ),
    taps[0],
  )
}

export interface GridSampleOptions {
  readonly mode?: string
  readonly paddingMode?: string
  /** -1 and 1 are the centers of the corner elements, instead of their outer edges. */
  readonly alignCorners?: boolean | null
}
const readSample = signature(
  'grid_sample',
  required('input', tensor),
  required('grid', tensor),
  optional('mode', str, 'bilinear'),
  optional('paddingMode', str, 'zeros'),
  optional('alignCorners', nullable(bool), null),
)
function orDefault(alignCorners: boolean | null): boolean {
  if (alignCorners === null) {
    warn(
      'Default grid_sample and affine_grid behavior has changed to align_corners=False since 1.3.0. Please specify align_corners=True if the old behavior is desired. See the documentation of grid_sample for details.',
    )
  }
  return alignCorners ?? false
}

function checkSample(x: Tensor, grid: Tensor, mode: string): void {
  const [input, given] = [shapeString(x.sizes), shapeString(grid.sizes)]
  const fail = (sentence: string): never => {
    throw new RuntimeError(`grid_sampler(): ${sentence}`)
  }
  if (x.sizes[0] !== grid.sizes[0]) {
    fail(
      `expected grid and input to have same batch size, but got input with sizes ${input} and grid with sizes ${given}`,
    )
  }
  const rank = x.dim() - 2
  if (grid.sizes[grid.dim() - 1] !== rank)
    fail(`expected grid to have size ${rank} in last dimension, but got grid with sizes ${given}`)
  const empty = x.sizes.indexOf(0, 2)
  if (empty >= 0) {
    fail(
      `expected input to have non-empty spatial dimensions, but input has sizes ${input} with dimension ${empty} being empty`,
    )
  }
  if ((rank !== 2 && rank !== 3) || grid.dim() !== x.dim()) {
    fail(
      `expected 4D or 5D input and grid with same number of dimensions, but got input with sizes ${input} and grid with sizes ${given}`,
    )
  }
  if (rank === 3 && mode === 'bicubic') fail('bicubic interpolation only supports 4D input')
  if (!isFloat(x.dtype)) throw new RuntimeError(`grid_sampler_${rank}d_cpu not implemented for ${dtypeName[x.dtype]}`)
  if (grid.dtype !== x.dtype) {
    throw mixed(x.dtype, grid.dtype)
  }
}
const endings = [2, 3].map((rank) => ownView(`gridSampler${rank}D`))

/**
 * Samples of images [N, C, H, W] or volumes [N, C, D, H, W] at the positions of a grid, [N, ..., 2] or [N, ..., 3]: x
 * first, from -1 to 1 over the input. Modes are 'bilinear', 'nearest' and 'bicubic' (for images). Outside there are
 * zeros, or by `paddingMode` the 'border' or a 'reflection'.
 *
 * @example
 * F.gridSample(tensor([[[[1, 2]]]]), zeros(1, 1, 1, 2), { alignCorners: false }) // tensor([[[[1.5000]]]])
 */
export function gridSample(
  input: Tensor,
  ...args: Takes<
    [grid: Tensor],
    'grid',
    Arguments<[mode: string, paddingMode: string, alignCorners: boolean | null], GridSampleOptions>
  >
): Tensor {
  const [x, grid, mode, padding, aligned] = readSample([input, ...args])
  if (!Object.hasOwn(modes, mode)) {
    throw new ValueError(
      `nn.functional.grid_sample(): expected mode to be 'bilinear', 'nearest' or 'bicubic', but got: '${mode}'`,
    )
  }
  if (padding !== 'zeros' && padding !== 'border' && padding !== 'reflection') {
    throw new ValueError(
      `nn.functional.grid_sample(): expected padding_mode to be 'zeros', 'border', or 'reflection', but got: '${padding}'`,
    )
  }
  const alignCorners = orDefault(aligned)
  checkSample(x, grid, mode)
  const [n, channels, ...sizes] = x.sizes
  const places = grid.sizes.slice(1, -1)
  const all = places.reduce((a, b) => a * b, 1)
  const flat = reshaped(grid, [n, all, sizes.length])
  const taps = sizes.map((size, i) => {
    const at = elementsOf(select(flat, 2, sizes.length - 1 - i), size, alignCorners)
    return modes[mode](at, size, { rank: sizes.length, padding, alignCorners })
  })
  const elements = reshaped(x, [n, channels, sizes.reduce((a, b) => a * b, 1)])
  const each = (value: Tensor): Tensor => reshaped(value, [n, 1, all])
  const terms = corners(taps, sizes).map(({ at, weight, inside }) => {
    const taken = gatherAlongDim(elements, 2, expandTo(each(at), [n, channels, all]))
    const counts = weight && each(weight)
    if (inside !== null) return apply(counted, [taken, counts ?? operand(1), each(inside)], null)
    return counts === null ? taken : mul(taken, counts)
  })
  const total = terms.reduce((sum, term) => add(sum, term))
  return apply(endings[sizes.length - 2], [total], [n, channels, ...places])
}

// ---- grids of affine maps ----

const readAffine = signature(
  'affine_grid',
  required('theta', tensor),
  required('size', ints),
  optional('alignCorners', nullable(bool), null),
)
/** Numbers from -1 to 1: the ends, or the centers of equal parts. */
function evenly(n: number, dtype: DType, device: string, alignCorners: boolean): Tensor {
  if (n <= 1) return mul(ones(n, { dtype, device }), 0)
  const ends = linspace(-1, 1, n, { dtype, device })
  return alignCorners ? ends : div(mul(ends, n - 1), n)
}

/**
 * The grid for `gridSample` that samples an output of `size`, [N, C, H, W] or [N, C, D, H, W], at affine maps of its
 * positions by `theta`, [N, 2, 3] or [N, 3, 4]: [N, H, W, 2] or [N, D, H, W, 3].
 *
 * @example
 * F.affineGrid(tensor([[[1, 0, 0], [0, 1, 0]]]), [1, 1, 1, 2], false) // tensor([[[[-0.5000,  0.0000],
 *                                                                     //           [ 0.5000,  0.0000]]]])
 */
export function affineGrid(
  map: Tensor,
  ...args: Takes<
    [size: readonly number[]],
    'size',
    [alignCorners?: boolean | null | { readonly alignCorners?: boolean | null }]
  >
): Tensor {
  const [theta, size, aligned] = readAffine([map, ...args])
  const alignCorners = orDefault(aligned)
  const text = shapeString(size)
  if (!isFloat(theta.dtype)) {
    const found = { int32: 'int64', uint8: 'uint8', bool: 'bool' }[theta.dtype as 'int32']
    throw new ValueError(
      `Expected theta to have floating point type, but got torch.${found}`,
      'Convert it: theta.float().',
    )
  }
  if (size.length !== 4 && size.length !== 5) {
    throw new NotImplementedError(
      `affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, respectively. Got size ${text}.`,
    )
  }
  const rank = size.length - 2
  if (theta.dim() !== 3 || theta.sizes[1] !== rank || theta.sizes[2] !== rank + 1) {
    throw new ValueError(
      `Expected a batch of ${rank}D affine matrices of shape Nx${rank}x${rank + 1} for size ${text}. Got ${formatSize(theta.sizes)}.`,
    )
  }
  const [n, , ...spatial] = size
  if (alignCorners && Math.min(...spatial) === 1) {
    warn(
      'Since version 1.3.0, affine_grid behavior has changed for unit-size grids when align_corners=True. This is not an intended use case of affine_grid. See the documentation of affine_grid for details.',
    )
  } else if (Math.min(...size) <= 0) throw new ValueError(`Expected non-zero, positive output size. Got ${text}`)
  const { dtype, device } = theta
  const all = spatial.reduce((a, b) => a * b, 1)
  const axes = spatial.map((length, i) => {
    const values = evenly(length, dtype, device, alignCorners)
    return expandTo(
      reshaped(
        values,
        spatial.map((_, d) => (d === i ? length : 1)),
      ),
      spatial,
    )
  })
  const base = reshaped(stack([...axes.reverse(), ones([...spatial], { dtype, device })], -1), [1, all, rank + 1])
  const y = bmm(expand(base, n, -1, -1), transpose(theta, 1, 2))
  return apply(affineEnding, [y], [n, ...spatial, rank])
}
const affineEnding = ownView('affineGridGenerator')
