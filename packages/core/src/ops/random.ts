// Random tensors and in-place draws: PyTorch's streams, bit for bit. Numbers are drawn on the host and enter as written
// memory; a recorder repeats the draw at every replay, so that recorded and eager steps see the same stream.
import type { Spec } from '../backend/backend.ts'
import { type DType, dtypeName, isFloat, newArray, type TypedArray } from '../base/dtype.ts'
import { RuntimeError, ValueError } from '../base/errors.ts'
import { isContiguous, type Layout } from '../base/layout.ts'
import { broadcastShapes, checkSizes, type Shape } from '../base/shape.ts'
import { s } from '../expr/expr.ts'
import * as draw from '../random/distributions.ts'
import { defaultGenerator, Generator } from '../random/generator.ts'
import { allocate, apply, deviceOf, operand } from '../tensor/apply.ts'
import { applyInPlace, checkWritable } from '../tensor/in-place.ts'
import { type Device, deviceNamed } from '../tensor/device.ts'
import { writeProduced } from '../tensor/effects.ts'
import { mode, noGrad } from '../tensor/mode.ts'
import {
  type Arguments,
  bool,
  either,
  instance,
  int,
  ints,
  keyword,
  method,
  nullable,
  number,
  optional,
  type Parameter,
  required,
  signature,
  tensor,
} from '../tensor/signature.ts'
import { Tensor } from '../tensor/tensor.ts'
import { notImplemented, sizesAndOptions } from './arguments.ts'
import { finish, type TensorOptions, tensorParameters } from './create.ts'
import { type Elementwise, elementwise } from './define.ts'
import { add, mul } from './elementwise.ts'
import { toDType } from './fill.ts'
import type { TensorLike } from './recorded.ts'
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
export const generatorParameter: Parameter<Generator | null> = keyword(
  'generator',
  nullable(instance(Generator, 'torch.Generator')),
  null,
)
const randomParameters = [...tensorParameters, generatorParameter] as const

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

/** What is asked for by name, as `randomParameters` read it, from the device on. */
type Rest = readonly [device: string | undefined, requiresGrad: boolean, generator: Generator | null]

/** A new leaf of drawn elements. */
const create = (shape: Shape, dtype: DType, [device, requiresGrad, generator]: Rest, fill: Fill): Tensor =>
  finish(drawn(deviceNamed(device), { shape, dtype }, generator ?? defaultGenerator, fill), { requiresGrad })

/**
 * Uniform numbers of [0, 1): `rand(2, 3)` or `rand([2, 3], { dtype, generator })`; float only.
 *
 * @example
 * manualSeed(0)
 * rand(3) // tensor([0.4963, 0.7682, 0.0885])
 */
export function rand(...args: SizeArgs): Tensor {
  const { shape, options } = sizesAndOptions('rand', args)
  const [dtype = 'float32', ...rest] = randOptions(options)
  return create(shape, dtype, rest, uniformFill(dtype, 0, 1))
}
const randOptions = signature('rand', ...randomParameters)

/** Normal numbers of mean 0 and standard deviation 1: `randn(2, 3)` or `randn([2, 3], { dtype, generator })`; float only. */
export function randn(...args: SizeArgs): Tensor {
  const { shape, options } = sizesAndOptions('randn', args)
  const [dtype = 'float32', ...rest] = randnOptions(options)
  return create(shape, dtype, rest, normalFill(dtype, 0, 1, true))
}
const randnOptions = signature('randn', ...randomParameters)

const normalInShape = signature(
  'normal',
  required('mean', number),
  required('std', number),
  required('size', ints),
  ...randomParameters,
)
const tensorOrNumber = either(number, tensor)
const normalAround = signature(
  'normal',
  required('mean', tensorOrNumber),
  optional('std', tensorOrNumber, 1),
  generatorParameter,
)

/** Normal numbers of a mean and standard deviation, in a shape; float only. */
export function normal(mean: number, std: number, size: readonly number[], options?: RandomOptions): Tensor
/**
 * Normal numbers with a mean and standard deviation of their own: tensors that broadcast, or one tensor and a number. In
 * the dtype of the mean, or of `std` where the mean is a number; float only.
 *
 * @example
 * normal(0, 0.1, [2, 3])
 * normal(tensor([1, 10]), tensor([0.1, 1]))
 */
export function normal(mean: Tensor, std?: Tensor | number, options?: GeneratorOption): Tensor
export function normal(mean: number, std: Tensor, options?: GeneratorOption): Tensor
export function normal(...args: readonly unknown[]): Tensor {
  if (args[0] instanceof Tensor || args[1] instanceof Tensor) return normalOf(...normalAround(args))
  const [mean, std, size, dtype = 'float32', ...rest] = normalInShape(args)
  return create(checkSizes([...size]), dtype, rest, normalFill(dtype, mean, std, true))
}

const tooSmall = elementwise('clone', (std) => std, {
  check: ([std]) => ({
    expr: s.not(s.ge(std, 0)),
    error: () => new RuntimeError('normal expects all elements of std >= 0.0'),
  }),
})
/** What is drawn does not depend on the mean and the deviation, as far as autograd knows. */
const normalRecord = (name: string): Elementwise => elementwise(name, (_mean, _std, value) => value)
const normalRecords = [1, 2, 3].map((i) => normalRecord(`NormalBackward${i}`))

function normalOf(mean: Tensor | number, std: Tensor | number, generator: Generator | null): Tensor {
  const like = mean instanceof Tensor ? mean : (std as Tensor)
  const { dtype } = like
  const tensors = [mean, std].filter((x) => x instanceof Tensor)
  const device = deviceOf(tensors)
  const [first, second = first] = tensors.map((x) => x.shape)
  const shape = broadcastShapes(first, second)
  const value = noGrad(() => {
    if (std instanceof Tensor) apply(tooSmall, [std], null)
    const scale = std instanceof Tensor ? 1 : std
    const drew = drawn(device, { shape, dtype }, generator ?? defaultGenerator, normalFill(dtype, 0, scale, true))
    const scaled = std instanceof Tensor ? inPlaceOf(mul, drew, std) : drew
    return inPlaceOf(add, scaled, mean)
  })
  const record = normalRecords[mean instanceof Tensor ? (std instanceof Tensor ? 2 : 0) : 1]
  const inputs = [mean, std].map((x) => (x instanceof Tensor ? toDType(x, dtype) : operand(x)))
  return tensors.some((x) => x.requiresGrad) && mode.grad ? apply(record, [...inputs, value], null) : value
}
const inPlaceOf = (fn: typeof mul | typeof add, x: Tensor, y: TensorLike): Tensor => {
  const [record, inputs] = fn.resolve(x, y)
  return applyInPlace(record, x, inputs, null)
}

/** Whole numbers of [0, high) in a shape; int32 unless told otherwise. */
export function randint(high: number, size: readonly number[], options?: RandomOptions): Tensor
/**
 * Whole numbers of [low, high) in a shape; int32 unless told otherwise.
 *
 * @example
 * randint(0, 10, [2, 3])
 */
export function randint(low: number, high: number, size: readonly number[], options?: RandomOptions): Tensor
export function randint(...args: readonly unknown[]): Tensor {
  const [low, high, size, dtype = 'int32', ...rest] = isLow(args[1]) ? randintFrom(args) : randintTo(args)
  return create(checkSizes([...size]), dtype, rest, integerFill(dtype, low, high))
}
/** Two bounds, where a second number or anything else that is no size and no options stands. */
const isLow = (second: unknown): boolean => second !== undefined && typeof second !== 'object'
const randintFrom = signature(
  'randint',
  required('low', int),
  required('high', int),
  required('size', ints),
  ...randomParameters,
)
const onlyHigh = signature(
  'randint',
  required('high', int),
  required('size', ints),
  keyword('low', int, 0),
  ...randomParameters,
)
const randintTo = (args: readonly unknown[]): ReturnType<typeof randintFrom> => {
  const [high, size, low, ...rest] = onlyHigh(args)
  return [low, high, size, ...rest]
}

const randpermArguments = signature('randperm', required('n', int), ...randomParameters)
/** The numbers 0 to n - 1 in a random order; int32 unless told otherwise. */
export function randperm(...args: [n: number, options?: RandomOptions]): Tensor {
  const [n, dtype = 'int32', ...rest] = randpermArguments(args)
  if (dtype === 'bool') throw noDraws('randperm', dtype)
  return create(checkSizes([n]), dtype, rest, draw.randperm)
}

/** A new leaf with the shape, dtype, device and order of dimensions of another tensor. */
function createLike(
  x: Tensor,
  dtype: DType,
  [device, requiresGrad, generator]: Rest,
  fill: (rowMajor: boolean) => Fill,
): Tensor {
  const strides = denseStrides(x)
  const spec = { shape: x.shape, dtype }
  const on = deviceNamed(device ?? x.storage.device)
  return finish(drawn(on, spec, generator ?? defaultGenerator, fill(strides === undefined), strides), { requiresGrad })
}

const randLikeArguments = method('rand_like', ...randomParameters)
/** Uniform numbers of [0, 1) in the shape, dtype and device of another tensor. */
export function randLike(x: Tensor, ...args: [options?: RandomOptions]): Tensor {
  const [dtype = x.dtype, ...rest] = randLikeArguments(x, args)
  return createLike(x, dtype, rest, () => uniformFill(dtype, 0, 1))
}

const randnLikeArguments = method('randn_like', ...randomParameters)
/** Standard normal numbers in the shape, dtype and device of another tensor. */
export function randnLike(x: Tensor, ...args: [options?: RandomOptions]): Tensor {
  const [dtype = x.dtype, ...rest] = randnLikeArguments(x, args)
  return createLike(x, dtype, rest, (rowMajor) => normalFill(dtype, 0, 1, rowMajor))
}

const likeFrom = method('randint_like', required('low', int), required('high', int), ...randomParameters)
const likeTo = method('randint_like', required('high', int), keyword('low', int, 0), ...randomParameters)
/** Whole numbers of [low, high), or [0, high), in the shape, dtype and device of another tensor. */
export function randintLike(x: Tensor, high: number, options?: RandomOptions): Tensor
export function randintLike(x: Tensor, low: number, high: number, options?: RandomOptions): Tensor
export function randintLike(x: Tensor, ...args: readonly unknown[]): Tensor {
  if (isLow(args[1])) {
    const [low, high, dtype = x.dtype, ...rest] = likeFrom(x, args)
    return createLike(x, dtype, rest, () => integerFill(dtype, low, high))
  }
  const [high, low, dtype = x.dtype, ...rest] = likeTo(x, args)
  return createLike(x, dtype, rest, () => integerFill(dtype, low, high))
}

// ---- in place ----

/** What is drawn replaces the elements; gradients end here. */
const replacing = (name: string) => elementwise(name, (_, value) => value)
const replaced = {
  uniform: replacing('uniform'),
  normal: replacing('normal'),
  random: replacing('RandomBackward2'),
  randomTo: replacing('RandomBackward1'),
  randomFrom: replacing('RandomBackward0'),
  bernoulli: replacing('BernoulliBackward2'),
  bernoulliOf: replacing('BernoulliBackward1'),
}

function drawInto(
  self: Tensor,
  name: keyof typeof replaced,
  generator: Generator | null,
  fill: (rowMajor: boolean) => Fill,
): Tensor {
  checkWritable(self, [self])
  const strides = denseStrides(self)
  const value = drawn(self.storage.device, self, generator ?? defaultGenerator, fill(isContiguous(self)), strides)
  return applyInPlace(replaced[name], self, [self, value], null)
}

export interface UniformOptions extends GeneratorOption {
  readonly from?: number
  readonly to?: number
}
const uniformArguments = method('uniform_', optional('from', number, 0), optional('to', number, 1), generatorParameter)
/** Overwrites with uniform numbers of [from, to), [0, 1) unless given; float only. */
export function uniform_(self: Tensor, ...args: Arguments<[from: number, to: number], UniformOptions>): Tensor {
  const [from, to, generator] = uniformArguments(self, args)
  return drawInto(self, 'uniform', generator, () => uniformFill(self.dtype, from, to))
}

export interface NormalOptions extends GeneratorOption {
  readonly mean?: number
  readonly std?: number
}
const normalArguments = method('normal_', optional('mean', number, 0), optional('std', number, 1), generatorParameter)
/** Overwrites with normal numbers of `mean` (0) and `std` (1); float only. */
export function normal_(self: Tensor, ...args: Arguments<[mean: number, std: number], NormalOptions>): Tensor {
  const [mean, std, generator] = normalArguments(self, args)
  return drawInto(self, 'normal', generator, (rowMajor) => normalFill(self.dtype, mean, std, rowMajor))
}

const randomArguments = method(
  'random_',
  optional('from', int, undefined),
  optional('to', int, undefined),
  generatorParameter,
)
/**
 * Overwrites with whole numbers: `random_(from, to)` of [from, to), `random_(to)` of [0, to), `random_()` all from 0
 * that the dtype holds exactly (int32 draws one word an element then, as PyTorch's int32).
 */
export function random_(self: Tensor, ...args: Arguments<[from: number, to: number], RandomFromTo>): Tensor {
  const [from, to, generator] = randomArguments(self, args)
  if (from === undefined && to === undefined)
    return drawInto(self, 'random', generator, () => anyIntegerFill(self.dtype))
  if (from !== undefined && to !== undefined)
    return drawInto(self, 'randomFrom', generator, () => integerFill(self.dtype, from, to))
  return drawInto(self, 'randomTo', generator, () => integerFill(self.dtype, 0, from ?? to ?? 0))
}
interface RandomFromTo extends GeneratorOption {
  readonly from?: number
  readonly to?: number
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
export function bernoulli(x: Tensor, ...args: Arguments<[p: number], BernoulliOptions<number>>): Tensor {
  const [p, given] = bernoulliArguments(x, args)
  const generator = given ?? defaultGenerator
  if (p === undefined) return hitsOf(x, generator)
  return drawn(x.storage.device, x, generator, (out) => draw.bernoulli(out, p, generator))
}
const bernoulliArguments = method('bernoulli', optional('p', number, undefined), generatorParameter)
interface BernoulliOptions<P> extends GeneratorOption {
  readonly p?: P
}

const bernoulliIntoArguments = method('bernoulli_', optional('p', tensorOrNumber, 0.5), generatorParameter)
/** Overwrites with 1 at probability `p` (0.5), a number or a tensor that expands to the shape, and 0 elsewhere. */
export function bernoulli_(
  self: Tensor,
  ...args: Arguments<[p: number | Tensor], BernoulliOptions<number | Tensor>>
): Tensor {
  const [p, generator] = bernoulliIntoArguments(self, args)
  if (!(p instanceof Tensor)) {
    return drawInto(self, 'bernoulli', generator, () => (out, from) => draw.bernoulli(out, p, from))
  }
  checkWritable(self, [self])
  const hit = (): Tensor => hitsOf(expand(p, self.shape), generator ?? defaultGenerator, denseStrides(self))
  const value = noGrad(() => toDType(hit(), self.dtype))
  return applyInPlace(replaced.bernoulliOf, self, [self, value], null)
}

// ---- dropout ----

const dropoutArguments = method(
  'dropout',
  optional('p', number, 0.5),
  optional('training', bool, true),
  optional('inplace', bool, false),
)
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
export function dropout(
  x: Tensor,
  ...args: Arguments<[p: number, training: boolean, inplace: boolean], DropoutOptions>
): Tensor {
  const [rate, training, inplace] = dropoutArguments(x, args)
  if (!(rate >= 0 && rate <= 1)) {
    throw new ValueError(`dropout probability has to be between 0 and 1, but got ${rate}`)
  }
  if (!training || rate === 0 || x.elements === 0) return x
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
  if (!inplace) return mul(x, mask)
  const [record, inputs] = mul.resolve(x, mask)
  return applyInPlace(record, x, inputs, null)
}
