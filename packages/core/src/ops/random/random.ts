// Random tensors, and tensors overwritten with random elements (draws.ts): PyTorch's distributions and streams, bit for
// bit.
import { defaults } from '../../base/default-dtype.ts'
import type { DType } from '../../base/dtype.ts'
import { RuntimeError } from '../../base/errors.ts'
import { broadcastShapes, checkSizes, type Shape } from '../../base/shape.ts'
import { s } from '../../expr/expr.ts'
import * as draw from '../../random/distributions.ts'
import { defaultGenerator, type Generator } from '../../random/generator.ts'
import { apply, deviceOf, operand } from '../../tensor/apply.ts'
import { deviceNamed } from '../../tensor/device.ts'
import { applyInPlace } from '../../tensor/in-place.ts'
import { mode, noGrad } from '../../tensor/mode.ts'
import {
  type Takes,
  type Arguments,
  either,
  int,
  ints,
  keyword,
  method,
  number,
  optional,
  required,
  signature,
  tensor,
} from '../../tensor/signature.ts'
import { checkAlive, Tensor } from '../../tensor/tensor.ts'
import { sizesAndOptions } from '../define/arguments.ts'
import { asLeaf, type SizeArgs } from '../create/create.ts'
import { type Elementwise, elementwise } from '../define/elementwise.ts'
import {
  anyIntegerFill,
  denseStrides,
  drawInto,
  drawn,
  type Fill,
  type GeneratorOption,
  generatorParameter,
  integerFill,
  noDraws,
  normalFill,
  type RandomOptions,
  randomParameters,
  uniformFill,
} from './draws.ts'
import { add, mul } from '../pointwise/arithmetic.ts'
import { toDType } from '../define/fill.ts'
import type { TensorLike } from '../define/overloads.ts'

// ---- creation ----

/** A shape, alone or among the options. */
type SizeArg = readonly number[] | (RandomOptions & { readonly size: readonly number[] })

/** The options from the device on, as `randomParameters` reads them. */
type Rest = readonly [device: string | undefined, requiresGrad: boolean, generator: Generator | null]

/** A new leaf of random elements. */
const create = (shape: Shape, dtype: DType, [device, requiresGrad, generator]: Rest, fill: Fill): Tensor =>
  asLeaf(drawn(deviceNamed(device), { sizes: shape, dtype }, generator ?? defaultGenerator, fill), { requiresGrad })

/**
 * Uniform numbers in [0, 1): `rand(2, 3)` or `rand([2, 3], { dtype, generator })`. Float only.
 *
 * @example
 * manualSeed(0)
 * rand(3) // tensor([0.4963, 0.7682, 0.0885])
 */
export function rand(...args: SizeArgs<RandomOptions>): Tensor {
  const { shape, options } = sizesAndOptions('rand', args)
  const [dtype = defaults.float, ...rest] = randOptions(options)
  return create(shape, dtype, rest, uniformFill(dtype, 0, 1))
}
const randOptions = signature('rand', ...randomParameters)

/**
 * Normal numbers of mean 0 and standard deviation 1: `randn(2, 3)` or `randn([2, 3], { dtype, generator })`. Float
 * only.
 */
export function randn(...args: SizeArgs<RandomOptions>): Tensor {
  const { shape, options } = sizesAndOptions('randn', args)
  const [dtype = defaults.float, ...rest] = randnOptions(options)
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
export const tensorOrNumber = either(number, tensor)
const normalAround = signature(
  'normal',
  required('mean', tensorOrNumber),
  optional('std', tensorOrNumber, 1),
  generatorParameter,
)

interface NormalOf extends GeneratorOption {
  readonly std?: Tensor | number
}
/** Normal numbers of a mean and a standard deviation, in a shape. Float only. */
export function normal(
  ...args: Takes<[mean: number, std: number, size: readonly number[]], 'mean std size', [options?: RandomOptions]>
): Tensor
/**
 * Normal numbers, each with its own mean and standard deviation: tensors that broadcast, or a tensor and a number. The
 * dtype is that of the mean, or of `std` if the mean is a number. Float only.
 *
 * @example
 * normal(0, 0.1, [2, 3])
 * normal(tensor([1, 10]), tensor([0.1, 1]))
 */
export function normal(mean: Tensor, ...args: Arguments<[std: Tensor | number], NormalOf>): Tensor
export function normal(mean: number, std: Tensor, options?: GeneratorOption): Tensor
export function normal(...args: readonly unknown[]): Tensor {
  if (args[0] instanceof Tensor || args[1] instanceof Tensor) return normalOf(...normalAround(args))
  const [mean, std, size, dtype = defaults.float, ...rest] = normalInShape(args)
  return create(checkSizes([...size]), dtype, rest, normalFill(dtype, mean, std, true))
}

const tooSmall = elementwise('clone', (std) => std, {
  check: ([std]) => ({
    expr: s.not(s.ge(std, 0)),
    error: () => new RuntimeError('normal expects all elements of std >= 0.0'),
  }),
})
/** For autograd the drawn numbers do not depend on the mean and the deviation. */
const normalOp = (name: string): Elementwise => elementwise(name, (_mean, _std, value) => value)
const normalOps = [1, 2, 3].map((i) => normalOp(`NormalBackward${i}`))

function normalOf(mean: Tensor | number, std: Tensor | number, generator: Generator | null): Tensor {
  const like = mean instanceof Tensor ? mean : (std as Tensor)
  const { dtype } = like
  const tensors = [mean, std].filter((x) => x instanceof Tensor)
  const device = deviceOf(tensors)
  tensors.forEach(checkAlive)
  const [first, second = first] = tensors.map((x) => x.sizes)
  const shape = broadcastShapes(first, second)
  const value = noGrad(() => {
    if (std instanceof Tensor) apply(tooSmall, [std], null)
    const scale = std instanceof Tensor ? 1 : std
    const drew = drawn(
      device,
      { sizes: shape, dtype },
      generator ?? defaultGenerator,
      normalFill(dtype, 0, scale, true),
    )
    const scaled = std instanceof Tensor ? inPlaceOf(mul, drew, std) : drew
    return inPlaceOf(add, scaled, mean)
  })
  const op = normalOps[mean instanceof Tensor ? (std instanceof Tensor ? 2 : 0) : 1]
  const inputs = [mean, std].map((x) => (x instanceof Tensor ? toDType(x, dtype) : operand(x)))
  return tensors.some((x) => x.requiresGrad) && mode.grad ? apply(op, [...inputs, value], null) : value
}
const inPlaceOf = (fn: typeof mul | typeof add, x: Tensor, y: TensorLike): Tensor => {
  const [op, inputs] = fn.resolve(x, y)
  return applyInPlace(op, x, inputs, null)
}

/** Integers in [0, high) in a shape; int32 unless another dtype is given. */
export function randint(high: number, size: SizeArg, options?: RandomOptions): Tensor
/**
 * Integers in [low, high) in a shape; int32 unless another dtype is given.
 *
 * @example
 * randint(0, 10, [2, 3])
 */
export function randint(low: number, high: number, size: SizeArg, options?: RandomOptions): Tensor
export function randint(...args: readonly unknown[]): Tensor {
  const [low, high, size, dtype = 'int32', ...rest] = isLow(args[1]) ? randintFrom(args) : randintTo(args)
  return create(checkSizes([...size]), dtype, rest, integerFill(dtype, low, high))
}
/** Whether there are two bounds: the second argument is a number, or at least neither a size nor options. */
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
/** The numbers 0 to n - 1 in random order; int32 unless another dtype is given. */
export function randperm(...args: [n: number, options?: RandomOptions]): Tensor {
  const [n, dtype = 'int32', ...rest] = randpermArguments(args)
  if (dtype === 'bool') throw noDraws('randperm', dtype)
  return create(checkSizes([n]), dtype, rest, draw.randperm)
}

/** A new leaf with the shape, dtype, device and dimension order of another tensor. */
function createLike(
  x: Tensor,
  dtype: DType,
  [device, requiresGrad, generator]: Rest,
  fill: (rowMajor: boolean) => Fill,
): Tensor {
  const strides = denseStrides(x)
  const spec = { sizes: x.sizes, dtype }
  const on = deviceNamed(device ?? x.storage.device)
  return asLeaf(drawn(on, spec, generator ?? defaultGenerator, fill(strides === undefined), strides), { requiresGrad })
}

const randLikeArguments = method('rand_like', ...randomParameters)
/** Uniform numbers in [0, 1) in the shape, dtype and device of another tensor. */
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
/** Integers in [low, high), or in [0, high), in the shape, dtype and device of another tensor. */
export function randintLike(
  x: Tensor,
  ...args: Takes<[high: number], 'high', [options?: RandomOptions & { readonly low?: number }]>
): Tensor
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

export interface UniformOptions extends GeneratorOption {
  readonly from?: number
  readonly to?: number
}
const uniformArguments = method('uniform_', optional('from', number, 0), optional('to', number, 1), generatorParameter)
/** Overwrites with uniform numbers in [from, to), by default [0, 1). Float only. */
export function uniform_(self: Tensor, ...args: Arguments<[from: number, to: number], UniformOptions>): Tensor {
  const [from, to, generator] = uniformArguments(self, args)
  return drawInto(self, 'uniform', generator, () => uniformFill(self.dtype, from, to))
}

export interface NormalOptions extends GeneratorOption {
  readonly mean?: number
  readonly std?: number
}
const normalArguments = method('normal_', optional('mean', number, 0), optional('std', number, 1), generatorParameter)
/** Overwrites with normal numbers of `mean` (0) and `std` (1). Float only. */
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
 * Overwrites with integers: `random_(from, to)` in [from, to), `random_(to)` in [0, to), `random_()` from 0 to the
 * largest that the dtype represents exactly (for int32 one word per element is drawn, as in PyTorch).
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
