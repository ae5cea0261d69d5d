// Random tensors and in-place draws: PyTorch's streams, bit for bit. Numbers are drawn on the host and enter as written
// memory; a recorder repeats the draw at every replay, so that recorded and eager steps see the same stream.
import type { Spec } from '../backend/backend.ts'
import { checkDType, type DType, dtypeName, isFloat, newArray, type TypedArray } from '../base/dtype.ts'
import { RuntimeError, TypeError, ValueError } from '../base/errors.ts'
import { isContiguous, type Layout } from '../base/layout.ts'
import { typeName } from '../base/python.ts'
import { checkSizes, type Shape } from '../base/shape.ts'
import { s } from '../expr/expr.ts'
import * as draw from '../random/distributions.ts'
import { defaultGenerator, type Generator } from '../random/generator.ts'
import { allocate, apply } from '../tensor/apply.ts'
import { applyInPlace, checkWritable } from '../tensor/in-place.ts'
import { type Device, deviceNamed } from '../tensor/device.ts'
import { writeProduced } from '../tensor/effects.ts'
import { noGrad } from '../tensor/mode.ts'
import { Tensor } from '../tensor/tensor.ts'
import { notImplemented, sizesAndOptions } from './arguments.ts'
import { finish, type TensorOptions } from './create.ts'
import { elementwise } from './define.ts'
import { mul } from './elementwise.ts'
import { toDType } from './fill.ts'
import { expand } from './views.ts'

export interface GeneratorOption {
  /** Draws from this generator instead of the default one. */
  readonly generator?: Generator | null
}
export interface RandomOptions extends TensorOptions, GeneratorOption {}

type Fill = (out: TypedArray, generator: Generator) => void

/** Elements drawn in the order of memory, under the given strides (row-major where there are none). */
function drawn(
  device: Device,
  { shape, dtype }: Spec,
  generator: Generator,
  fill: Fill,
  strides?: readonly number[],
): Tensor {
  const x = allocate(device, { shape, dtype })
  const { elements } = x
  const produce = (): TypedArray => {
    const out = newArray(dtype, elements)
    fill(out, generator)
    return out
  }
  // Bounds are checked for nothing, too.
  if (elements === 0) produce()
  else writeProduced(device, x, produce, generator)
  return strides === undefined ? x : new Tensor(x.storage, shape, strides, 0, dtype)
}

/** The strides of new memory like that of `x`: dense, its dimensions in the same order; as PyTorch's preserve_format. */
function denseStrides({ shape, strides }: Layout): readonly number[] | undefined {
  if (isContiguous({ shape, strides, offset: 0 })) return undefined
  const order = shape.map((_, i) => shape.length - 1 - i)
  // Innermost first; what is repeated without a stride is ambiguous and stays where it is.
  const before = (a: number, b: number): number => {
    if (strides[a] === 0 || strides[b] === 0) return 0
    if (strides[a] !== strides[b]) return Math.abs(strides[a]) - Math.abs(strides[b])
    return shape[a] > shape[b] ? 1 : 0
  }
  for (let i = 1; i < order.length; i++) {
    for (let k = i, j = i - 1; j >= 0; j--) {
      const compared = before(order[j], order[k])
      if (compared > 0) {
        ;[order[j], order[k]] = [order[k], order[j]]
        k = j
      } else if (compared < 0) break
    }
  }
  const dense = new Array<number>(shape.length)
  let step = 1
  for (const dim of order) {
    dense[dim] = step
    step *= Math.max(shape[dim], 1)
  }
  return isContiguous({ shape, strides: dense, offset: 0 }) ? undefined : dense
}

// ---- the distributions as fills ----

const noDraws = (kernel: string, dtype: DType): RuntimeError =>
  notImplemented(kernel, dtype, 'Draw float32 and convert: rand(3).int().')
const generatorOf = ({ generator }: GeneratorOption): Generator => generator ?? defaultGenerator

function uniformFill(dtype: DType, from: number, to: number): Fill {
  if (!isFloat(dtype)) throw noDraws('check_uniform_bounds', dtype)
  return (out, generator) => draw.uniform(out as Float32Array, from, to, generator)
}

/** Sixteen and more are drawn in blocks only into row-major memory. */
function normalFill(dtype: DType, mean: number, std: number, rowMajor: boolean): Fill {
  if (!isFloat(dtype)) throw noDraws('normal_kernel_cpu', dtype)
  return (out, generator) => {
    const floats = out as Float32Array
    if (rowMajor || floats.length < 16) return draw.normal(floats, mean, std, generator)
    for (let i = 0; i < floats.length; i += 15) draw.normal(floats.subarray(i, i + 15), mean, std, generator)
  }
}

const integerFill =
  (dtype: DType, low: number, high: number): Fill =>
  (out, generator) =>
    draw.randint(out, low, high, generator, dtype === 'bool')

/** `random_()` without bounds: all whole numbers that the dtype holds exactly, from 0. */
function anyIntegerFill(dtype: DType): Fill {
  if (dtype === 'float64') {
    return (out, generator) => {
      for (let i = 0; i < out.length; i++) {
        const word = (BigInt(generator.engine.u32()) << 32n) | BigInt(generator.engine.u32())
        out[i] = Number(word % (2n ** 53n + 1n))
      }
    }
  }
  const above: Record<Exclude<DType, 'float64'>, number> = { bool: 2, uint8: 256, int32: 2 ** 31, float32: 2 ** 24 + 1 }
  return integerFill(dtype, 0, above[dtype])
}

// ---- creation ----

type SizeArgs = readonly (number | readonly number[] | RandomOptions)[]

/** A new leaf of drawn elements. */
const create = (shape: Shape, dtype: DType, options: RandomOptions, fill: Fill): Tensor =>
  finish(drawn(deviceNamed(options.device), { shape, dtype }, generatorOf(options), fill), options)

/**
 * Uniform numbers of [0, 1): `rand(2, 3)` or `rand([2, 3], { dtype, generator })`; float only.
 *
 * @example
 * manualSeed(0)
 * rand(3) // tensor([0.4963, 0.7682, 0.0885])
 */
export function rand(...args: SizeArgs): Tensor {
  const { shape, options } = sizesAndOptions<RandomOptions>(args)
  const dtype = checkDType(options.dtype ?? 'float32')
  return create(shape, dtype, options, uniformFill(dtype, 0, 1))
}

/** Normal numbers of mean 0 and standard deviation 1: `randn(2, 3)` or `randn([2, 3], { dtype, generator })`; float only. */
export function randn(...args: SizeArgs): Tensor {
  const { shape, options } = sizesAndOptions<RandomOptions>(args)
  const dtype = checkDType(options.dtype ?? 'float32')
  return create(shape, dtype, options, normalFill(dtype, 0, 1, true))
}

/**
 * Normal numbers of a mean and standard deviation, in a shape; float only.
 *
 * @example
 * normal(0, 0.1, [2, 3])
 */
export function normal(mean: number, std: number, size: readonly number[], options: RandomOptions = {}): Tensor {
  const dtype = checkDType(options.dtype ?? 'float32')
  return create(checkSizes(size), dtype, options, normalFill(dtype, mean, std, true))
}

const kindOf = (x: unknown): string => (Array.isArray(x) ? 'tuple' : typeName(x))

/** Whole numbers of [0, high) in a shape; int32 unless told otherwise. */
export function randint(high: number, size: readonly number[], options?: RandomOptions): Tensor
/**
 * Whole numbers of [low, high) in a shape; int32 unless told otherwise.
 *
 * @example
 * randint(0, 10, [2, 3])
 */
export function randint(low: number, high: number, size: readonly number[], options?: RandomOptions): Tensor
export function randint(...args: readonly (number | readonly number[] | RandomOptions | undefined)[]): Tensor {
  const at = typeof args[1] === 'number' ? 2 : 1
  const [low, high] = (at === 2 ? args : [0, args[0]]) as readonly number[]
  const size = args[at]
  if (!Array.isArray(size) || !Number.isInteger(low) || !Number.isInteger(high)) {
    throw new TypeError(
      `randint() received an invalid combination of arguments - got (${args
        .slice(0, at + 1)
        .map(kindOf)
        .join(', ')})`,
      'Call randint(high, [sizes]) or randint(low, high, [sizes]) with whole bounds.',
    )
  }
  const options = (args[at + 1] ?? {}) as RandomOptions
  const dtype = checkDType(options.dtype ?? 'int32')
  return create(checkSizes(size), dtype, options, integerFill(dtype, low, high))
}

/** The numbers 0 to n - 1 in a random order; int32 unless told otherwise. */
export function randperm(n: number, options: RandomOptions = {}): Tensor {
  if (!Number.isInteger(n)) throw new TypeError(`randperm(): argument 'n' (position 1) must be int, not ${typeName(n)}`)
  const dtype = checkDType(options.dtype ?? 'int32')
  if (dtype === 'bool') throw noDraws('randperm', dtype)
  return create(checkSizes([n]), dtype, options, draw.randperm)
}

/** A new leaf with the shape, dtype, device and order of dimensions of another tensor. */
function createLike(x: Tensor, options: RandomOptions, fill: (dtype: DType, rowMajor: boolean) => Fill): Tensor {
  const dtype = checkDType(options.dtype ?? x.dtype)
  const strides = denseStrides(x)
  const device = options.device === undefined ? x.storage.device : deviceNamed(options.device)
  const spec = { shape: x.shape, dtype }
  return finish(drawn(device, spec, generatorOf(options), fill(dtype, strides === undefined), strides), options)
}

/** Uniform numbers of [0, 1) in the shape, dtype and device of another tensor. */
export const randLike = (x: Tensor, options: RandomOptions = {}): Tensor =>
  createLike(x, options, (dtype) => uniformFill(dtype, 0, 1))

/** Standard normal numbers in the shape, dtype and device of another tensor. */
export const randnLike = (x: Tensor, options: RandomOptions = {}): Tensor =>
  createLike(x, options, (dtype, rowMajor) => normalFill(dtype, 0, 1, rowMajor))

/** Whole numbers of [low, high), or [0, high), in the shape, dtype and device of another tensor. */
export function randintLike(x: Tensor, high: number, options?: RandomOptions): Tensor
export function randintLike(x: Tensor, low: number, high: number, options?: RandomOptions): Tensor
export function randintLike(x: Tensor, first: number, second?: number | RandomOptions, third?: RandomOptions): Tensor {
  const [low, high, options] =
    typeof second === 'number' ? [first, second, third ?? {}] : [0, first, (second ?? {}) as RandomOptions]
  return createLike(x, options, (dtype) => integerFill(dtype, low, high))
}

// ---- in place ----

/** What is drawn replaces the elements; gradients end here. */
const replacing = (name: string) => elementwise(name, (_, value) => value)
const replaced = {
  uniform: replacing('uniform'),
  normal: replacing('normal'),
  random: replacing('RandomBackward2'),
  bernoulli: replacing('BernoulliBackward2'),
}

function drawInto(
  self: Tensor,
  name: keyof typeof replaced,
  options: GeneratorOption,
  fill: (rowMajor: boolean) => Fill,
): Tensor {
  checkWritable(self, [self])
  const strides = denseStrides(self)
  const value = drawn(self.storage.device, self, generatorOf(options), fill(isContiguous(self)), strides)
  return applyInPlace(replaced[name], self, [self, value], null)
}

export interface UniformOptions extends GeneratorOption {
  readonly from?: number
  readonly to?: number
}
/** Overwrites with uniform numbers of [from, to), [0, 1) unless given; float only. */
export function uniform_(
  self: Tensor,
  from: number | UniformOptions = 0,
  to = 1,
  options: GeneratorOption = {},
): Tensor {
  const given = typeof from === 'object' ? from : { from, to, ...options }
  return drawInto(self, 'uniform', given, () => uniformFill(self.dtype, given.from ?? 0, given.to ?? 1))
}

export interface NormalOptions extends GeneratorOption {
  readonly mean?: number
  readonly std?: number
}
/** Overwrites with normal numbers of `mean` (0) and `std` (1); float only. */
export function normal_(
  self: Tensor,
  mean: number | NormalOptions = 0,
  std = 1,
  options: GeneratorOption = {},
): Tensor {
  const given = typeof mean === 'object' ? mean : { mean, std, ...options }
  return drawInto(self, 'normal', given, (rowMajor) =>
    normalFill(self.dtype, given.mean ?? 0, given.std ?? 1, rowMajor),
  )
}

/**
 * Overwrites with whole numbers: `random_(from, to)` of [from, to), `random_(to)` of [0, to), `random_()` all from 0
 * that the dtype holds exactly (int32 draws one word an element then, as PyTorch's int32).
 */
export function random_(
  self: Tensor,
  from?: number | GeneratorOption,
  to?: number | GeneratorOption,
  options?: GeneratorOption,
): Tensor {
  const given = [from, to, options].find((x): x is GeneratorOption => typeof x === 'object') ?? {}
  if (typeof from !== 'number') return drawInto(self, 'random', given, () => anyIntegerFill(self.dtype))
  const [low, high] = typeof to === 'number' ? [from, to] : [0, from]
  return drawInto(self, 'random', given, () => integerFill(self.dtype, low, high))
}

// ---- bernoulli ----

const between =
  'Expected p_in >= 0 && p_in <= 1 to be true, but got false.  (Could this error message be improved?  If so, please report an enhancement request to PyTorch.)'
/** The probabilities, checked before anything is drawn. */
const checked = elementwise('clone', (p) => p, {
  check: ([p]) => ({
    expr: s.not(s.and(s.ge(p, 0), s.le(p, 1))),
    error: () => new RuntimeError(between, 'Probabilities are from 0 to 1.'),
  }),
})
const hits = elementwise('bernoulli', (p, uniform) => s.cast(s.lt(uniform, p), p.dtype))

/** 1 with the probability that `p` has at each place, else 0; drawn in the order of `strides`. */
function hitsOf(p: Tensor, generator: Generator, strides?: readonly number[]): Tensor {
  if (!isFloat(p.dtype)) throw noDraws('bernoulli_tensor_cpu_p_', p.dtype)
  noGrad(() => apply(checked, [p], null))
  const uniform = drawn(p.storage.device, p, generator, uniformFill(p.dtype, 0, 1), strides)
  return apply(hits, [p, uniform], null)
}

/**
 * 1 or 0 at random: with the probabilities in `x`, or all with `p`. Result in the shape and dtype of `x`.
 *
 * @example
 * bernoulli(tensor([0, 0.5, 1]))
 */
export function bernoulli(
  x: Tensor,
  p?: number | (GeneratorOption & { readonly p?: number }),
  options: GeneratorOption = {},
): Tensor {
  const given = typeof p === 'object' ? p : { ...options, p }
  const generator = generatorOf(given)
  const { p: probability } = given
  if (probability === undefined) return hitsOf(x, generator)
  return drawn(x.storage.device, x, generator, (out) => draw.bernoulli(out, probability, generator))
}

/** Overwrites with 1 at probability `p` (0.5), a number or a tensor that expands to the shape, and 0 elsewhere. */
export function bernoulli_(
  self: Tensor,
  p: number | Tensor | GeneratorOption = 0.5,
  options: GeneratorOption = {},
): Tensor {
  const given = p instanceof Tensor || typeof p === 'number' ? options : p
  if (!(p instanceof Tensor)) {
    const probability = typeof p === 'number' ? p : 0.5
    return drawInto(self, 'bernoulli', given, () => (out, generator) => draw.bernoulli(out, probability, generator))
  }
  checkWritable(self, [self])
  const value = noGrad(() => toDType(hitsOf(expand(p, self.shape), generatorOf(given), denseStrides(self)), self.dtype))
  return applyInPlace(replaced.bernoulli, self, [self, value], null)
}

// ---- dropout ----

export interface DropoutOptions {
  readonly p?: number
  readonly training?: boolean
  readonly inplace?: boolean
}
/**
 * While training, elements set to 0 with probability `p` (0.5) and the others scaled by 1 / (1 - p); else the input.
 *
 * @example
 * dropout(ones(4), 0.5) // e.g. tensor([0., 2., 2., 0.])
 */
export function dropout(x: Tensor, p: number | DropoutOptions = 0.5, training = true, inplace = false): Tensor {
  const options = typeof p === 'object' ? { p: 0.5, training: true, inplace: false, ...p } : { p, training, inplace }
  const { p: rate } = options
  if (!(rate >= 0 && rate <= 1)) {
    throw new ValueError(`dropout probability has to be between 0 and 1, but got ${rate}`)
  }
  if (!options.training || rate === 0 || x.elements === 0) return x
  const keep = 1 - rate
  if (!isFloat(x.dtype) && rate < 1) {
    throw new RuntimeError(
      `result type Float can't be cast to the desired output type ${dtypeName[x.dtype]}`,
      'Dropout scales by fractions; convert first: x.float().',
    )
  }
  const scale = x.dtype === 'float32' ? Math.fround(1 / Math.fround(keep)) : 1 / keep
  const mask = drawn(x.storage.device, x, defaultGenerator, (out, generator) => {
    if (rate === 1) return
    draw.bernoulli(out, keep, generator)
    for (let i = 0; i < out.length; i++) out[i] *= scale
  })
  if (!options.inplace) return mul(x, mask)
  const [record, inputs] = mul.resolve(x, mask)
  return applyInPlace(record, x, inputs, null)
}
