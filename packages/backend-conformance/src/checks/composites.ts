// Checks that a kernel equals the composition that it replaces: functions that use it run on the backend with its
// kernels and without them, with first and second gradients, in many shapes, along every axis, in any memory layout,
// with special values and without elements.
import {
  F,
  grad,
  logSoftmax,
  manualSeed,
  randint,
  randn,
  softmax,
  type Tensor,
  tensor,
  useDevice,
} from '@flambeau/core'
import {
  type Backend,
  type Composite,
  type CompositeKind,
  composites,
  contiguousStrides,
  type Instr,
  numelOf,
  type Output,
  type Shape,
  sizesOf,
  type View,
  withOperands,
} from '@flambeau/core/backend'
import { lay, memories, type Memory } from '../call.ts'
import type { DType } from '../sample.ts'
import { watched } from '../watched.ts'
import { attributesOf } from './claims.ts'
import type { Case } from '../subject.ts'

/** A function of `x` that uses the kernel, or whose gradient does. */
type Uses = (x: Tensor, axis: number) => Tensor[]

const ofSoftmax: Uses = (x, axis) => [softmax(x, axis)]
const ofLogSoftmax: Uses = (x, axis) => [logSoftmax(x, axis)]
const ofClasses: Uses = (x, axis) => {
  const scores = x.dim() > 1 ? x.transpose(axis, 1) : x
  const classes = x.size(axis)
  if (classes === 0) return []
  const target = randint(classes, scores.dim() > 1 ? [scores.size(0), ...scores.sizes.slice(2)] : [])
  return [
    F.crossEntropy(scores, target),
    F.crossEntropy(scores, target, { reduction: 'sum', ignoreIndex: 0 }),
    F.crossEntropy(scores, target, { reduction: 'none', ignoreIndex: classes - 1 }),
  ]
}
const asChannels = (x: Tensor, axis: number): Tensor => (x.dim() > 1 ? x.transpose(axis, 1) : x.reshape(-1, 1))
const ofMoments: Uses = (x, axis) => {
  const y = asChannels(x, axis)
  return y.elements <= y.size(1) ? [] : [F.batchNorm(y, null, null, { training: true })]
}
/**
 * Weights and biases follow from x, so that its gradient has theirs; eps is large, because rounding would be most of what
 * the smallest slices leave.
 */
const eps = 0.5
const ofBatches: Uses = (x, axis) => {
  const y = asChannels(x, axis)
  if (y.elements <= y.size(1)) return []
  const weight = y.transpose(0, 1).reshape(y.size(1), -1).sum(1)
  return [
    F.batchNorm(y, null, null, { weight, bias: weight.mul(0.5), training: true, eps }),
    F.batchNorm(y, null, null, { training: true, eps }),
  ]
}
const ofSlices: Uses = (x, axis) => {
  if (x.elements === 0) return []
  const sizes = x.sizes.slice(axis)
  const each = x.reshape(-1, ...sizes).sum(0)
  const y = x.dim() > 1 ? x.transpose(axis, 1) : x.reshape(1, -1)
  const groups = y.size(1) % 2 === 0 ? y.size(1) / 2 : 1
  const channels = y.transpose(0, 1).reshape(y.size(1), -1).sum(1)
  const layers = F.layerNorm(x, sizes, { weight: each, bias: each.mul(0.5), eps })
  return y.elements <= groups * y.size(0)
    ? [layers]
    : [
        layers,
        F.groupNorm(y, groups, { weight: channels, bias: channels.mul(0.5), eps }),
        F.layerNorm(x, sizes, { eps }),
      ]
}

/** The last two axes are planes; of rows, one plane. */
const planesOf = (x: Tensor): Tensor => (x.dim() > 1 ? x.reshape(-1, 1, ...x.sizes.slice(-2)) : x.reshape(1, 1, 1, -1))
/** Calls f with windows that fit: with and without overlaps, of steps with loops of their own, around the input. */
function pooled(
  x: Tensor,
  f: (planes: Tensor, kernel: number[], stride: number[], padding: number[]) => Tensor,
): Tensor[] {
  if (x.elements === 0) return []
  const planes = planesOf(x)
  return windows.flatMap(([kernel, stride, padding]) => {
    const fits = [0, 1].every((d) => planes.size(2 + d) + 2 * padding[d] >= kernel[d])
    return fits ? [f(planes, kernel, stride, padding)] : []
  })
}
/** Numbers along the height and along the width. */
const inPairs = (rows: readonly number[][]): number[][][] => rows.map((n) => [n.slice(0, 2), n.slice(2, 4), n.slice(4)])
/** The kernel's size, the stride and the padding, along the height and along the width. */
const windows = inPairs([
  [1, 1, 1, 1, 0, 0],
  [2, 2, 2, 2, 0, 0],
  [2, 2, 2, 2, 1, 1],
  [3, 3, 2, 2, 1, 1],
  [3, 3, 1, 1, 1, 1],
  [3, 3, 3, 3, 0, 1],
  [1, 3, 1, 3, 0, 0],
  [2, 4, 1, 5, 0, 2],
  [1, 9, 4, 1, 0, 4],
  [2, 1, 3, 2, 0, 0],
])
const ofMaxima: Uses = (x) => [
  ...pooled(x.detach(), (planes, kernelSize, stride, padding) => F.maxPool2d(planes, { kernelSize, stride, padding })),
  ...pooled(x, (planes, kernelSize, stride, padding) => F.maxPool2d(planes, { kernelSize, stride, padding })),
  ...pooled(x, (planes, kernelSize, stride, padding) =>
    F.maxPool2d(planes, { kernelSize, stride, padding, ceilMode: true }),
  ),
]
const ofMeans: Uses = (x) => [
  ...pooled(x, (planes, kernelSize, stride, padding) => F.avgPool2d(planes, { kernelSize, stride, padding })),
  ...pooled(x, (planes, kernelSize, stride, padding) =>
    F.avgPool2d(planes, { kernelSize, stride, padding, ceilMode: true, countIncludePad: false }),
  ),
  ...pooled(x, (planes, kernelSize, stride, padding) =>
    F.avgPool2d(planes, { kernelSize, stride, padding, ceilMode: true, divisorOverride: -3 }),
  ),
]

/** The kernel's size, the step and the padding of windows up to two apart; some leave elements out, or are padding alone. */
const steps = inPairs([
  [2, 2, 2, 2, 0, 0],
  [3, 3, 2, 2, 1, 1],
  [1, 1, 2, 2, 0, 0],
  [5, 4, 1, 2, 2, 1],
  [3, 2, 2, 1, 0, 1],
  [3, 7, 2, 2, 4, 3],
])
/**
 * Of finite numbers, because the composition multiplies them by zeros that are not part of a window. Planes are images of
 * one channel, or the channels of one image.
 */
const ofSteps: Uses = (x, axis) => {
  if (x.elements === 0 || axis > 0) return []
  const planes = planesOf(x.nanToNum(0).clamp(-9, 9))
  return [planes, planes.transpose(0, 1)].flatMap((images) =>
    steps.flatMap(([kernel, stride, padding], i) => {
      const fits = [0, 1].every((d) => (images.size(2 + d) - 1) * stride[d] + kernel[d] > 2 * padding[d])
      const groups = i % 2 === 0 ? 1 : images.size(1)
      const weight = randn([images.size(1), 2, ...kernel], { dtype: x.dtype })
      return fits ? [F.convTranspose2d(images, weight, { stride, padding, groups })] : []
    }),
  )
}

/** Every kind has its line; the rest of this file derives what to check. */
const uses: Readonly<Record<CompositeKind, Uses>> = {
  softmax: ofSoftmax,
  softmaxBackward: ofSoftmax,
  logSoftmax: ofLogSoftmax,
  logSoftmaxBackward: ofLogSoftmax,
  crossEntropy: ofClasses,
  crossEntropyBackward: ofClasses,
  moments: ofMoments,
  sliceNorm: ofSlices,
  sliceNormBackward: ofSlices,
  batchNorm: ofBatches,
  batchNormBackward: ofBatches,
  maxPool: ofMaxima,
  maxPoolWinners: ofMaxima,
  maxPoolBackward: ofMaxima,
  avgPool: ofMeans,
  avgPoolBackward: ofMeans,
  convolutionByInput: ofSteps,
}

/** Sizes around vector lengths, and rows of one element. */
const shapes: readonly Shape[] = [[1], [64], [5, 16], [9, 1], [2, 5, 3], [4, 17, 20], [70, 2, 40]]
const nothing: readonly Shape[] = [
  [3, 0],
  [0, 4],
]

type Result = { readonly of: string; readonly values: readonly number[] }

/** The results, their gradients and second gradients. */
function resultsOf(use: Uses, x: Tensor, axis: number): readonly (readonly [string, Tensor])[] {
  x.requiresGrad = true
  const outs = use(x, axis)
  if (outs.length === 0 || x.elements === 0) return outs.map((y) => ['value', y])
  const dtype = x.dtype as DType
  const weights = outs.map((y) => randn([...y.sizes], { dtype }))
  const total = () => outs.map((y, i) => y.mul(weights[i]).sum()).reduce((a, b) => a.add(b))
  const [first] = grad(total(), x, { retainGraph: true })
  const [again] = grad(total(), x, { createGraph: true })
  const second = again.requiresGrad ? grad(again.mul(again).sum(), x, { allowUnused: true })[0] : null
  return [
    ...outs.map((y) => ['value', y] as const),
    ['gradient', first],
    ['gradient, recorded', again],
    ...(second === null ? [] : [['second gradient', second] as const]),
  ]
}

const read = async (of: string, x: Tensor): Promise<Result> => ({
  of,
  values: Array.from((await x.detach().reshape(-1).toArrayAsync()) as ArrayLike<number>),
})

/** Differences between finite values are relative to the largest value; other values must be equal. */
function difference(whole: Result, composed: Result, tolerance: number): string | undefined {
  if (whole.values.length !== composed.values.length) return `${whole.of}: ${whole.values.length} elements`
  const most = composed.values.reduce((a, x) => (Number.isFinite(x) ? Math.max(a, Math.abs(x)) : a), 1)
  const at = composed.values.findIndex((y, i) => {
    const x = whole.values[i]
    return !(Number.isFinite(y) ? Math.abs(x - y) <= tolerance * most : Object.is(x, y))
  })
  return at < 0
    ? undefined
    : `${whole.of}, element ${at}: ${whole.values[at]} with the kernel, ${composed.values[at]} without`
}

const inf = Number.POSITIVE_INFINITY
const special: readonly (readonly number[])[] = [
  [1, Number.NaN, 2],
  [inf, 1, 2],
  [-inf, 1, 2],
  [-inf, -inf, -inf],
  [inf, inf, 0],
  [1e37, -1e37, 3e37],
  [88, 89, -104],
  [0, -0, 0],
  [1000, 1000.5, 999],
]

/** Inputs `x` with labels, on the current device. */
function* inputs(dtype: DType): Generator<readonly [label: string, axes: number, make: () => Tensor]> {
  for (const shape of [...shapes, ...nothing])
    yield [`[${shape}]`, shape.length, () => randn([...shape], { dtype }).mul(3)]
  for (const memory of memories.filter((x) => x !== 'contiguous'))
    yield [`[6, 5, 7], ${memory}`, 3, () => inMemory(randn(6, 5, 7, { dtype }), memory)]
  yield ['[4, 5, 7], expanded', 3, () => randn(5, 7, { dtype }).expand(4, 5, 7).detach()]
  for (const [label, rows] of [
    ['special values', special],
    ['special values in longer rows', special.map((row) => [...row, ...new Array<number>(40).fill(-3)])],
  ] as const)
    yield [label, 2, () => tensor(rows, { dtype })]
}
const inMemory = (x: Tensor, memory: Memory): Tensor =>
  lay(Array.from(x.toArray() as ArrayLike<number>), x.sizes, x.dtype as DType, memory)

function comparisons(backend: Backend, use: Uses, kinds: readonly CompositeKind[]): Case[] {
  const seen = new Set<string>()
  const dtypes = (['float32', 'float64'] as const).filter((dtype) => backend.caps.dtypes.has(dtype))
  const on = async (whole: boolean, make: () => Tensor, axis: number): Promise<Result[]> => {
    // Those of the function alone: a larger kernel would do what the others are for.
    useDevice(watched(backend, whole && new Set(kinds), whole ? seen : new Set()))
    manualSeed(5)
    try {
      const results: Result[] = []
      for (const [of, x] of resultsOf(use, make(), axis)) results.push(await read(of, x))
      return results
    } finally {
      useDevice(backend)
    }
  }
  const cases = dtypes.flatMap((dtype) =>
    [...inputs(dtype)].flatMap(([label, axes, make]) =>
      Array.from({ length: axes }, (_, axis) => ({
        label: `${dtype}, ${label}, axis ${axis}`,
        async run() {
          const [whole, composed] = [await on(true, make, axis), await on(false, make, axis)]
          if (whole.length !== composed.length) return `${whole.length} results instead of ${composed.length}`
          for (const [i, x] of whole.entries()) {
            const wrong = difference(x, composed[i], dtype === 'float32' ? 2e-5 : 1e-12)
            if (wrong !== undefined) return wrong
          }
          return undefined
        },
      })),
    ),
  )
  const unused = (): string | undefined => {
    const missed = kinds.filter((kind) => !seen.has(kind))
    return missed.length === 0 ? undefined : `none of these used ${missed.join(' and ')}`
  }
  return [...cases, { label: 'kernels', run: unused }]
}

/** The instruction of its record: the memory layout of its operands must not change a bit. */
function layouts(backend: Backend, kind: CompositeKind): Case[] {
  const { inputs: operands, outputs }: Composite = composites[kind]
  const sizes = [3, 5, 4]
  const axis = 1
  const attrs = attributesOf(kind, axis, [5, 4])
  const run = (memory: Memory): number[][] => {
    manualSeed(7)
    const views = operands.map(([, extent]): View => {
      const shape = sizesOf(extent, sizes, attrs)
      const x = extent === 'index' ? randint(sizes[axis], [...shape]) : randn([...shape])
      return inMemory(x, memory)
    })
    const results = outputs.map(([, extent]): Output => {
      const spec = { sizes: sizesOf(extent, sizes, attrs), dtype: 'float32' as const }
      return { ...spec, buffer: backend.alloc(spec) }
    })
    backend.run(withOperands({ kind, attrs, origin: { name: kind } } as Instr, views, results))
    return results.map((out) =>
      Array.from(backend.readSync({ ...out, strides: contiguousStrides(out.sizes), offset: 0 })),
    )
  }
  return memories.map((memory) => ({
    label: `${kind} of operands ${memory}`,
    run: () => {
      const [expected, found] = [run('contiguous'), run(memory)]
      const wrong = expected.findIndex((values, k) => values.some((x, i) => !Object.is(x, found[k][i])))
      return wrong < 0 && found.every(({ length }, k) => length === numelOf(sizesOf(outputs[k][1], sizes, attrs)))
        ? undefined
        : `result ${wrong} differs`
    },
  }))
}

/** The cases of every composition that the backend has a kernel for, grouped by function. */
export function compositeCases(backend: Backend): readonly (readonly [name: string, cases: readonly Case[]])[] {
  const kinds = [...(backend.caps.fused ?? [])]
  return [...new Set(kinds.map((kind) => uses[kind]))].map((use) => {
    const alike = kinds.filter((kind) => uses[kind] === use)
    const cases = [...comparisons(backend, use, alike), ...alike.flatMap((kind) => layouts(backend, kind))]
    return [`composites › ${alike.join(', ')}`, cases]
  })
}
