// Every kind of instruction at the sizes where work is shared out differently on a GPU: around a warp, a block, the
// lengths from which a reduction has a warp or a block for an element, and a tile of a sort, on each axis in turn.
import { arange, cat, einsum, F, tensor, type Tensor } from '@flambeau/core'
import type { DType, Kind } from '@flambeau/core/backend'

/** One less, as many and one more than a warp, half a block, a block, and what a warp reduces. */
export const sizes = [32, 128, 256, 1024].flatMap((n) => [n - 1, n, n + 1])
/** Those of every run: just beyond each boundary, and one at which loops over four elements end exactly. */
export const fewSizes = [33, 129, 257, 1000, 1025]

export interface Row {
  readonly name: string
  readonly kind: Kind
  /** Sizes beside those of all rows, where this kind changes. */
  readonly also?: readonly number[]
  /** The difference that is allowed, relative to values above 1; by default none. */
  readonly tolerance?: number
  run(n: number): readonly Tensor[]
}

/** Small eighths or integers, whose sums and products of two are exact. */
const filled = (shape: readonly number[], dtype: DType = 'float32', seed = 1): Tensor => {
  const count = shape.reduce((product, size) => product * size, 1)
  const whole = Array.from({ length: count }, (_, i) => ((Math.imul(i + seed, 2654435761) >>> 12) % 41) - 20)
  const value =
    { bool: (x: number) => x & 1, uint8: Math.abs, int32: (x: number) => x }[dtype as 'bool'] ?? ((x) => x / 8)
  return tensor(whole.map(value), { dtype }).reshape([...shape])
}
/** Positions along an axis of this size. */
const positions = (shape: readonly number[], size: number): Tensor =>
  filled(shape, 'int32').abs().remainder(size).to('int32')
/** Powers of two around 1, whose product stays one. */
const balanced = (shape: readonly number[]): Tensor =>
  filled(shape, 'int32').remainder(2).mul(1.5).add(0.5).to('float32')

/** A shape for each axis that has size n: that axis, and how long the others are. */
const along: readonly (readonly [name: string, shape: (n: number) => number[], axis: number])[] = [
  ['one axis', (n) => [n], 0],
  ['rows', (n) => [3, n], 1],
  ['columns', (n) => [n, 3], 0],
  ['many rows', (n) => [n, 5], 1],
  ['in the middle', (n) => [2, n, 3], 1],
]
const onEach = (
  name: string,
  kind: Kind,
  run: (x: Tensor, axis: number, n: number) => Tensor | readonly Tensor[],
  options: { readonly dtype?: DType; readonly make?: typeof balanced; readonly also?: readonly number[] } & Pick<
    Row,
    'tolerance'
  > = {},
): Row[] =>
  along.map(([where, shape, axis]) => ({
    name: `${name}, ${where}`,
    kind,
    also: options.also,
    tolerance: options.tolerance,
    run: (n) => [run((options.make ?? filled)(shape(n), options.dtype), axis, n)].flat(),
  }))

/** The sentence of the error that reading the result throws, as numbers. */
function sentence(run: () => Tensor): Tensor {
  try {
    run().toArray()
  } catch (error) {
    return tensor([...(error as Error).message.split('\n')[0]].map((letter) => letter.charCodeAt(0)))
  }
  return tensor([0])
}
/** Where one element differs: in each of four that a thread reads at once, in none of them, and where a thread begins anew. */
const placesOf = ({ shape }: Tensor): number[] => {
  const count = shape.reduce((product, size) => product * size, 1)
  return [0, 256, 512 + 7, 768 + 7, count - 2].filter((place, i, all) => place < count && all.indexOf(place) === i)
}
/** A copy that has another value at one place in row-major order. */
function marked(x: Tensor, place: number, value: number): Tensor {
  const flat = x.reshape([-1]).clone()
  flat.at(place).fill_(value)
  return flat.reshape([...x.shape])
}
/** The positions with one that is beyond the axis, for each place. */
const beyond = (x: Tensor, axis: number): Tensor[] =>
  placesOf(x).map((place) => marked(positions(x.shape, x.shape[axis]), place, x.shape[axis]))
/** Elements that rise along an axis, and such that fall: of no two is one the extreme of both. */
function sloping(x: Tensor, axis: number): Tensor[] {
  const slope = arange(x.shape[axis])
    .mul(x.dtype === 'int32' ? 3 : 1 / 32)
    .reshape(x.shape.map((size, i) => (i === axis ? size : 1)))
    .to(x.dtype)
  return [x.add(slope), x.sub(slope)]
}

/** Positions of extremes that are there twice, both for the same thread, each of its four reads in turn. */
function firstOfTwo(x: Tensor, axis: number): Tensor[] {
  const size = x.shape[axis]
  const apart = size > 1024 ? 256 : 128
  const firsts = [0, 289, 578, 867].filter((first) => first + apart < size)
  return firsts.flatMap((first) =>
    ([50, -50] as const).map((value) => {
      const y = x.clone()
      for (const place of [first, first + apart]) y.narrow(axis, place, 1).fill_(value)
      return value > 0 ? y.argmax(axis) : y.argmin(axis)
    }),
  )
}

/** The results of f, and the gradient of x. */
function withGradient(x: Tensor, f: (x: Tensor) => Tensor): Tensor[] {
  const leaf = x.detach().clone().requiresGrad_(true)
  const y = f(leaf)
  y.mul(filled(y.shape, y.dtype, 7))
    .sum()
    .backward()
  return [y.detach(), leaf.grad as Tensor]
}

const soft = { tolerance: 2e-6 }
const sorted = [2047, 2048, 2049, 4097]

export const rows: readonly Row[] = [
  ...onEach('a short map', 'map', (x) => x.mul(2).add(1)),
  ...onEach('a long map', 'map', (x) => x.mul(2).add(1).abs().sub(3).maximum(x).mul(x).sub(x).neg().minimum(7)),
  ...onEach('a map of transposed elements', 'map', (x) => x.unsqueeze(0).transpose(0, -1).add(1)),
  ...onEach('a map of bytes', 'map', (x) => x.bitwiseXor(5), { dtype: 'uint8' }),
  ...onEach('a map of doubles', 'map', (x) => x.div(3), { dtype: 'float64' }),
  ...onEach('casts', 'map', (x) => [x.mul(1e9).to('int32'), x.to('float64').mul(1e12).to('uint8'), x.to('bool')]),
  ...onEach('sum', 'map', (x, axis) => x.sum(axis)),
  ...onEach('sum of all', 'map', (x) => x.sum(), { also: [30_001] }),
  ...onEach('sum of int32', 'map', (x, axis) => x.sum(axis), { dtype: 'int32' }),
  ...onEach('prod', 'map', (x, axis) => x.prod(axis), { make: balanced }),
  ...onEach('amax', 'map', (x, axis) => x.amax(axis)),
  ...onEach('amin of doubles', 'map', (x, axis) => x.amin(axis), { dtype: 'float64' }),
  ...onEach('all', 'map', (x, axis) => x.all(axis), { dtype: 'bool' }),
  ...onEach('argmax', 'argReduce', (x, axis) => x.argmax(axis), { also: [16_411] }),
  ...(['float32', 'float64', 'int32'] as const).flatMap((dtype) =>
    onEach(
      `extremes of ${dtype} that rise and fall`,
      'argReduce',
      (x, axis) =>
        sloping(x, axis).flatMap((y) => [y.argmax(axis), y.argmin(axis), y.amax(axis), y.amin(axis), y.sum(axis)]),
      { dtype },
    ),
  ),
  ...onEach('all but one, and one of all', 'map', (x, axis) =>
    placesOf(x).flatMap((place) => [
      marked(x.mul(0).eq(0), place, 0).all(axis),
      marked(x.mul(0).ne(0), place, 1).any(axis),
    ]),
  ),
  ...onEach('argmax of all, transposed', 'argReduce', (x) => x.unsqueeze(0).transpose(0, -1).argmax()),
  ...onEach('argmin with NaN', 'argReduce', (x, axis) =>
    placesOf(x).map((place) => marked(x, place, Number.NaN).argmin(axis)),
  ),
  ...(['float32', 'float64', 'int32'] as const).flatMap((dtype) =>
    onEach(`the first of two extremes of ${dtype} that a thread meets`, 'argReduce', firstOfTwo, { dtype }),
  ),
  ...onEach('argmax of what is least', 'argReduce', (x, axis) => [
    x.mul(0).sub(Number.POSITIVE_INFINITY).argmax(axis),
    x.mul(0).add(Number.NaN).argmin(axis),
  ]),
  ...onEach('argmin of int32', 'argReduce', (x, axis) => x.argmin(axis), { dtype: 'int32' }),
  // At 767, a thread of a block has three elements.
  ...onEach('cumsum', 'scan', (x, axis) => x.cumsum(axis), { also: [767] }),
  ...onEach('cummax of bytes', 'scan', (x, axis) => x.cummax(axis).values, { dtype: 'uint8' }),
  ...onEach('cumprod of doubles', 'scan', (x, axis) => x.to('float64').cumprod(axis), { make: balanced }),
  ...(['float32', 'float64', 'int32', 'uint8'] as const).flatMap((dtype) => [
    ...onEach(`pad of ${dtype}`, 'pad', (x) => F.pad(x, [1, 2], 'constant', 3), { dtype }),
    ...onEach(`gather of ${dtype}`, 'gather', (x, axis) => x.gather(axis, positions(x.shape, x.shape[axis])), {
      dtype,
    }),
    ...onEach(`cat of ${dtype}`, 'concat', (x, axis) => cat([x, x], axis), { dtype }),
  ]),
  ...onEach('pad of several axes', 'pad', (x) =>
    F.pad(x.unsqueeze(0), [1, 0, 2, 1].slice(0, 2 * x.dim()), 'constant', 3),
  ),
  {
    name: 'pad of four axes',
    kind: 'pad',
    run: (n) => [F.pad(filled([2, 3, 5, n]), [1, 2, 0, 1, 2, 0, 1, 1], 'constant', 3)],
  },
  ...onEach('an index beyond the axis', 'gather', (x, axis) =>
    beyond(x, axis).map((at) => sentence(() => x.gather(axis, at))),
  ),
  ...onEach('an index below 0', 'scatter', (x, axis) =>
    beyond(x, axis).map((at) => sentence(() => x.scatterAdd(axis, at.neg(), x))),
  ),
  ...onEach(
    'a check that fails for one element',
    'map',
    (x) => {
      const inside = x.mul(0).add(0.5)
      // The ends are allowed.
      inside
        .reshape([-1])
        .narrow(0, 1, 2)
        .copy_(tensor([0, 1]))
      const wrong = placesOf(x).map((place) => marked(inside, place, place % 2 === 0 ? 1.5 : -0.5))
      return [
        ...wrong.map((y) => sentence(() => F.binaryCrossEntropy(y, inside))),
        F.binaryCrossEntropy(inside, inside),
      ]
    },
    soft,
  ),
  ...onEach(
    'a check of doubles that fails for one element',
    'map',
    (x) => {
      const all = x.mul(0).add(0.5).reshape([-1])
      all.narrow(0, 3, 2).copy_(tensor([0, 1]))
      const wrong = all.clone()
      wrong.at(2).fill_(-1)
      return [sentence(() => F.binaryCrossEntropy(wrong, wrong)), F.binaryCrossEntropy(all, all)]
    },
    { dtype: 'float64', ...soft },
  ),
  ...onEach('a write to a range', 'assign', (x) => {
    const y = x.clone()
    y.at(0).fill_(9)
    return y
  }),
  ...onEach('windows, backward', 'fold', (x, axis) => withGradient(x, (y) => y.unfold(axis, 3, 1).mul(2))),
  ...onEach('windows apart, backward', 'fold', (x, axis) => withGradient(x, (y) => y.unfold(axis, 2, 3).mul(2))),
  {
    name: 'windows of images, backward',
    kind: 'fold',
    run: (n) =>
      [
        { kernelSize: [3, 2], padding: 1, stride: [2, 1] },
        { kernelSize: [2, 3], dilation: [3, 2], stride: 2 },
      ].flatMap((options) => withGradient(filled([2, 3, 7, Math.ceil(n / 4)]), (x) => F.unfold(x, options))),
  },
  ...onEach('scatterAdd', 'scatter', (x, axis) =>
    x.scatterAdd(axis, positions(x.shape, x.shape[axis]), filled(x.shape)),
  ),
  ...onEach('scatter', 'scatter', (x, axis) => x.scatter(axis, positions(x.shape, x.shape[axis]), filled(x.shape))),
  ...onEach('sort', 'sort', (x, axis) => Object.values(x.sort(axis)) as Tensor[], { also: sorted }),
  ...onEach('sort of doubles', 'sort', (x, axis) => Object.values(x.sort(axis, true)) as Tensor[], {
    dtype: 'float64',
    also: sorted,
  }),
  ...onEach(
    'sort of doubles that are no numbers',
    'sort',
    (x, axis) => Object.values(x.div(x).sort(axis)) as Tensor[],
    {
      dtype: 'float64',
    },
  ),
  ...onEach('sort of int32', 'sort', (x, axis) => Object.values(x.sort(axis)) as Tensor[], { dtype: 'int32' }),
  ...onEach('sort of bytes', 'sort', (x, axis) => Object.values(x.sort(axis)) as Tensor[], { dtype: 'uint8' }),
  ...onEach('softmax', 'softmax', (x, axis) => withGradient(x, (y) => F.softmax(y, axis)), { ...soft, also: [1900] }),
  // No two lanes have the same largest element.
  ...onEach(
    'softmax of what rises and falls',
    'softmax',
    (x, axis) => sloping(x, axis).flatMap((y) => [F.softmax(y, axis), F.logSoftmax(y, axis)]),
    { ...soft, also: [1900] },
  ),
  ...onEach('softmax of doubles', 'softmaxBackward', (x, axis) => F.softmax(x, axis), { dtype: 'float64', ...soft }),
  ...onEach('logSoftmax', 'logSoftmax', (x, axis) => withGradient(x, (y) => F.logSoftmax(y, axis)), {
    ...soft,
    also: [1900],
  }),
  ...[
    ['many classes', (n: number) => [3, n]],
    ['many rows', (n: number) => [n, 3]],
    ['classes in the middle', (n: number) => [2, n, 3]],
  ].map(
    ([name, shape]): Row => ({
      name: `crossEntropy, ${name as string}`,
      kind: 'crossEntropy',
      ...soft,
      run: (n) => {
        const sizes = (shape as (n: number) => number[])(n)
        const target = positions([sizes[0], ...sizes.slice(2)], sizes[1])
        target.view(-1).at(0).fill_(1)
        return withGradient(filled(sizes), (x) => F.crossEntropy(x, target, { ignoreIndex: 1 }))
      },
    }),
  ),
  ...(['float32', 'float64'] as const).map(
    (dtype): Row => ({
      name: `crossEntropy of ${dtype}, of classes that each read of a thread meets`,
      kind: 'crossEntropy',
      ...soft,
      run: (n) => {
        const classes = [0, 289, 578, 867, n - 1].map((at) => at % n)
        const target = tensor(classes, { dtype: 'int32' })
        return withGradient(filled([5, n], dtype), (x) => F.crossEntropy(x, target))
      },
    }),
  ),
  ...[(n: number) => [n, 3], (n: number) => [3, n], (n: number) => [2, 3, n]].map(
    (shape, i): Row => ({
      name: `batchNorm, ${['many rows', 'many features', 'long features'][i]}`,
      kind: 'moments',
      // Gradients of three rows cancel.
      tolerance: 5e-5,
      run: (n) => withGradient(filled(shape(n)), (x) => F.batchNorm(x, null, null, { training: true })),
    }),
  ),
  {
    name: 'iota',
    kind: 'iota',
    run: (n) => [arange(n), filled([n, 3]).triu(1), filled([3, n]).tril(-1)],
  },
  ...(['float32', 'float64', 'int32', 'uint8'] as const).flatMap((dtype): Row[] => {
    const product = (name: string, a: (n: number) => number[], b: (n: number) => number[]): Row => ({
      name: `product of ${dtype}, ${name}`,
      kind: 'contract',
      run: (n) => [filled(a(n), dtype).matmul(filled(b(n), dtype, 5))],
    })
    return [
      product(
        'rows',
        (n) => [n, 5],
        () => [5, 3],
      ),
      product(
        'columns',
        () => [3, 5],
        (n) => [5, n],
      ),
      product(
        'terms',
        (n) => [3, n],
        (n) => [n, 2],
      ),
      product(
        'batches',
        (n) => [n, 2, 3],
        (n) => [n, 3, 2],
      ),
    ]
  }),
  {
    name: 'convolution',
    kind: 'contract',
    run: (n) => withGradient(filled([2, 3, 5, n]), (x) => F.conv2d(x, filled([4, 3, 3, 3]), { padding: 1 })),
  },
]

/** Shapes that only a command takes: more blocks than a grid's y, the largest tiles, reductions in many parts. */
export const large: readonly { readonly name: string; run(): readonly Tensor[] }[] = [
  { name: '65,537 products', run: () => [filled([65_537, 1, 2]).matmul(filled([65_537, 2, 1]))] },
  {
    name: '70,001 products of doubles',
    run: () => [filled([70_001, 2, 1], 'float64').matmul(filled([70_001, 1, 2], 'float64'))],
  },
  { name: 'a sum of 3,000,000 columns', run: () => [filled([3_000_000]).reshape([1_500_000, 2]).sum(0)] },
  { name: 'a sum of 3,000,000', run: () => [filled([3_000_000]).sum()] },
  { name: 'a map of more elements than threads', run: () => [filled([4096 * 256 * 4 + 77]).mul(2)] },
]

/** A product of batches whose rows, columns and terms are two axes each, which are no neighbours in memory. */
const crossed = (dtype: DType, [i, j]: readonly [number, number], batches: number, terms = 3): Tensor =>
  einsum('bikjl,blmkn->bijmn', filled([batches, i, terms, j, 3], dtype), filled([batches, 3, j, terms, i], dtype, 3))

/** Products with as many tiles as choose each kernel, with neighbours on either side and with tables of offsets; parts. */
export const tiled: readonly { readonly name: string; run(): readonly Tensor[] }[] = [
  { name: 'tiles of 128', run: () => [filled([32, 129, 9]).matmul(filled([32, 9, 130]))] },
  { name: 'tiles of 64', run: () => [filled([32, 65, 9]).matmul(filled([32, 9, 66]))] },
  {
    name: 'tiles of 128, transposed',
    run: () => [
      filled([32, 9, 129])
        .transpose(1, 2)
        .matmul(filled([32, 130, 9]).transpose(1, 2)),
    ],
  },
  {
    name: 'tiles of 64, transposed',
    run: () => [
      filled([32, 9, 65])
        .transpose(1, 2)
        .matmul(filled([32, 66, 9]).transpose(1, 2)),
    ],
  },
  { name: 'parts', run: () => [filled([3, 1030]).matmul(filled([1030, 5]))] },
  { name: 'tiles of 128, by tables', run: () => [crossed('float32', [13, 10], 32)] },
  { name: 'tiles of 64, by tables', run: () => [crossed('float32', [11, 6], 32)] },
  ...(['float32', 'float64', 'int32'] as const).flatMap((dtype) => [
    {
      name: `as many products as choose the largest tile, ${dtype}`,
      run: () => {
        const [a, b] = [filled([130, 5, 19], dtype), filled([130, 19, 7], dtype, 2)]
        const swapped = (x: Tensor): Tensor => x.transpose(1, 2).contiguous().transpose(1, 2)
        return [a.matmul(b), swapped(a).matmul(swapped(b))]
      },
    },
    { name: `as many by tables, ${dtype}`, run: () => [crossed(dtype, [5, 3], 130)] },
  ]),
  ...(['float32', 'float64', 'int32', 'uint8'] as const).flatMap((dtype) => [
    { name: `a small tile by tables, ${dtype}`, run: () => [crossed(dtype, [5, 7], 2), crossed(dtype, [7, 5], 1, 11)] },
    {
      name: `tiles with neighbours on either side, ${dtype}`,
      run: () => {
        const [a, b] = [filled([2, 67, 21], dtype), filled([2, 21, 70], dtype, 2)]
        const swapped = (x: Tensor): Tensor => x.transpose(1, 2).contiguous().transpose(1, 2)
        return [a.matmul(b), swapped(a).matmul(b), a.matmul(swapped(b)), swapped(a).matmul(swapped(b))]
      },
    },
  ]),
]
