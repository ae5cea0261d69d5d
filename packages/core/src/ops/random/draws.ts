// How numbers are drawn: on the host, from PyTorch's streams, into memory that is then written. A recorder repeats the
// draw in every replay, so that recorded and eager steps see the same stream. The functions for users are in random.ts
// and bernoulli.ts.
import type { Spec } from '../../backend/backend.ts'
import type { BoxMuller } from '../../backend/host-instruction.ts'
import { type DType, isFloat, newArray, type TypedArray } from '../../base/dtype.ts'
import { RuntimeError } from '../../base/errors.ts'
import { isContiguous, type Layout } from '../../base/layout.ts'
import { erf } from '../../expr/math.ts'
import { erfinv } from '../../expr/special.ts'
import * as draw from '../../random/distributions.ts'
import { erfinv32 } from '../../random/erfinv.ts'
import { defaultGenerator, Generator } from '../../random/generator.ts'
import { allocate } from '../../tensor/apply.ts'
import type { Device } from '../../tensor/device.ts'
import { effects, touch, writeDrawn } from '../../tensor/effects.ts'
import { applyInPlace, checkWritable, fillsStorage } from '../../tensor/in-place.ts'
import { mode } from '../../tensor/mode.ts'
import { instance, keyword, nullable, optional, type Parameter } from '../../tensor/signature.ts'
import { checkAlive, Tensor } from '../../tensor/tensor.ts'
import { notImplemented } from '../define/arguments.ts'
import { type TensorOptions, tensorParameters } from '../create/create.ts'
import { elementwise } from '../define/elementwise.ts'

export interface GeneratorOption {
  /** Draws from this generator instead of the default one. */
  readonly generator?: Generator | null
}
export interface RandomOptions extends TensorOptions, GeneratorOption {}

let skipping = false
/** Calls a function, in which tensors that would be overwritten with random elements keep the elements that they have. */
export function withoutDraws<T>(fn: () => T): T {
  const before = skipping
  skipping = true
  try {
    return fn()
  } finally {
    skipping = before
  }
}

/** Writes all elements of an array, whatever was there. */
export type Fill = (out: TypedArray, generator: Generator, make?: BoxMuller) => void

/** Elements drawn in memory order, under the given strides or row-major. */
export function drawn(
  device: Device,
  { sizes, dtype }: Spec,
  generator: Generator,
  fill: Fill,
  strides?: readonly number[],
): Tensor {
  const x = allocate(device, { sizes, dtype })
  // Bounds are checked even if there are no elements.
  if (x.elements === 0) fill(newArray(dtype, 0), generator)
  else writeDrawn(device, x, fill, generator)
  return strides === undefined ? x : new Tensor(x.storage, sizes, strides, 0, dtype)
}

/**
 * The strides of new memory like that of `x`: dense, with its dimensions in the same order, as PyTorch's
 * preserve_format.
 */
export function denseStrides({ sizes, strides }: Layout): readonly number[] | undefined {
  if (isContiguous({ sizes, strides, offset: 0 })) return undefined
  const order = sizes.map((_, i) => sizes.length - 1 - i)
  // Innermost first; a broadcast dimension is ambiguous and stays where it is.
  const before = (a: number, b: number): number => {
    if (strides[a] === 0 || strides[b] === 0) return 0
    if (strides[a] !== strides[b]) return Math.abs(strides[a]) - Math.abs(strides[b])
    return sizes[a] > sizes[b] ? 1 : 0
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
  const dense = new Array<number>(sizes.length)
  let step = 1
  for (const dim of order) {
    dense[dim] = step
    step *= Math.max(sizes[dim], 1)
  }
  return isContiguous({ sizes, strides: dense, offset: 0 }) ? undefined : dense
}

// ---- the distributions as fills ----

export const noDraws = (kernel: string, dtype: DType): RuntimeError =>
  notImplemented(kernel, dtype, 'Draw float32 and convert it: rand(3).int().')
const generatorKind = nullable(instance(Generator, 'torch.Generator'))
export const generatorParameter: Parameter<Generator | null> = keyword('generator', generatorKind, null)
/** Where PyTorch takes it by position, too. */
export const generatorPosition: Parameter<Generator | null> = optional('generator', generatorKind, null)
export const randomParameters = [...tensorParameters, generatorParameter] as const

export function uniformFill(dtype: DType, from: number, to: number): Fill {
  if (!isFloat(dtype)) throw noDraws('check_uniform_bounds', dtype)
  return (out, generator) => draw.uniform(out as Float32Array, from, to, generator)
}

/** Sixteen or more are drawn in blocks, but only into row-major memory. */
export function normalFill(dtype: DType, mean: number, std: number, rowMajor: boolean): Fill {
  if (!isFloat(dtype)) throw noDraws('normal_kernel_cpu', dtype)
  return (out, generator, make) => {
    const floats = out as Float32Array
    if (rowMajor || floats.length < 16) return draw.normal(floats, mean, std, generator, make)
    for (let i = 0; i < floats.length; i += 15) draw.normal(floats.subarray(i, i + 15), mean, std, generator)
  }
}

/** The standard normal distribution function. */
const normalCdf = (x: number): number => (1 + erf(x / Math.SQRT2)) / 2

/** Normal numbers between `a` and `b`: uniform ones through the inverse of the distribution function. */
export function truncNormalFill(dtype: DType, mean: number, std: number, a: number, b: number): Fill {
  const [low, high] = [a, b].map((bound) => 2 * normalCdf((bound - mean) / std) - 1)
  const uniform = uniformFill(dtype, low, high)
  const single = dtype === 'float32'
  const round = single ? Math.fround : (x: number) => x
  const [scale, shift, min, max] = [std * Math.SQRT2, mean, a, b].map(round)
  if (!Number.isFinite(scale) || !Number.isFinite(shift)) {
    throw new RuntimeError(
      `value cannot be converted to type ${single ? 'float' : 'double'} without overflow`,
      'Mean and deviation must be finite.',
    )
  }
  return (out, generator) => {
    uniform(out, generator)
    if (single) erfinv32(out as Float32Array)
    else for (let i = 0; i < out.length; i++) out[i] = erfinv(out[i])
    for (let i = 0; i < out.length; i++) out[i] = Math.min(Math.max(round(round(out[i] * scale) + shift), min), max)
  }
}

export const integerFill =
  (dtype: DType, low: number, high: number): Fill =>
  (out, generator) =>
    draw.randint(out, low, high, generator, dtype === 'bool')

/** `random_()` without bounds: every integer from 0 on that the dtype represents exactly. */
export function anyIntegerFill(dtype: DType): Fill {
  if (dtype === 'float64') {
    return (out, generator) => {
      for (let i = 0; i < out.length; i++) out[i] = Number(generator.engine.u64() % (2n ** 53n + 1n))
    }
  }
  const above: Record<Exclude<DType, 'float64'>, number> = { bool: 2, uint8: 256, int32: 2 ** 31, float32: 2 ** 24 + 1 }
  return integerFill(dtype, 0, above[dtype])
}

// ---- in place ----

/** The drawn elements replace the old ones; gradients end here. */
const replacing = (name: string) => elementwise(name, (_, value) => value)
export const replaced = {
  uniform: replacing('uniform'),
  normal: replacing('normal'),
  random: replacing('RandomBackward2'),
  randomTo: replacing('RandomBackward1'),
  randomFrom: replacing('RandomBackward0'),
  bernoulli: replacing('BernoulliBackward2'),
  bernoulliOf: replacing('BernoulliBackward1'),
  exponential: replacing('exponential'),
  geometric: replacing('geometric'),
  cauchy: replacing('cauchy'),
  logNormal: replacing('logNormal'),
}

export function drawInto(
  self: Tensor,
  name: keyof typeof replaced,
  generator: Generator | null,
  fill: (rowMajor: boolean) => Fill,
): Tensor {
  // Before anything is drawn.
  checkWritable(self, [self])
  checkAlive(self)
  if (skipping) return self
  const source = generator ?? defaultGenerator
  const draws = fill(isContiguous(self))
  const { storage } = self
  if (effects.sink === null && !mode.grad && self.viewOf === null && self.elements > 0 && fillsStorage(self)) {
    // An initialisation: nothing is recorded, so the elements go to their place at once.
    writeDrawn(storage.device, self, draws, source)
    touch(storage)
    return self
  }
  const value = drawn(storage.device, self, source, draws, denseStrides(self))
  return applyInPlace(replaced[name], self, [self, value], null)
}
