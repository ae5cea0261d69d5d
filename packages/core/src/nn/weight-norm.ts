// Weights that are computed from others at every call: by weight normalisation, a length times a direction, and by
// spectral normalisation, divided by the largest singular value.
import { RuntimeError, ValueError } from '../base/errors.ts'
import { TransposedConvolution } from './conv.ts'
import { randn } from '../ops/random/random.ts'
import { div, mul } from '../ops/pointwise/arithmetic.ts'
import { normalize } from '../ops/product/distance.ts'
import { dot, mv } from '../ops/product/matmul.ts'
import { vectorNorm } from '../ops/reduce/norm.ts'
import { clone, permute, reshape, t } from '../ops/views/views.ts'
import { copy_ } from '../ops/write/write.ts'
import { noGrad } from '../tensor/mode.ts'
import { normalizeDim } from '../base/shape.ts'
import { type Arguments, int, nullable, number, optional, signature } from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { checkComputed, compute, computedAs, moduleParameter, nameParameter, restore, tensorOf } from './computed.ts'
import { getProperty, setProperty } from './members.ts'
import type { Module } from './module.ts'
import { camelCase } from './names.ts'
import { Parameter } from './parameter.ts'

const parts = (name: string, ...endings: readonly string[]): string[] =>
  endings.map((ending) => `${camelCase(name)}${ending}`)
const part = (module: Module, property: string): Tensor => getProperty(module, property) as Tensor

function checkOnce(module: Module, name: string, kind: string): void {
  if (computedAs(module, camelCase(name))?.kind === kind)
    throw new RuntimeError(`Cannot register two ${kind} hooks on the same parameter ${name}`)
}

// ---- weight normalisation ----

/** The norms of all slices along a dimension, or of the whole tensor. */
function normsOf(x: Tensor, dim: number | null): Tensor {
  const all = x.sizes.map((_, d) => d)
  if (dim === null || dim === -1) return vectorNorm(x, 2, all, false)
  const d = normalizeDim(dim, x.dim())
  return vectorNorm(
    x,
    2,
    all.filter((other) => other !== d),
    true,
  )
}

const readWeightNorm = signature('weight_norm', moduleParameter, nameParameter, optional('dim', nullable(int), 0))
/**
 * Replaces a parameter by its lengths along `dim` (0; null for one length), `weightG`, and its directions, `weightV`,
 * from which it is computed. Returns the module.
 *
 * Throws a RuntimeError if that was done before.
 *
 * @example
 * [...nn.utils.weightNorm(new nn.Linear(3, 2)).stateDict().keys()] // ['bias', 'weight_g', 'weight_v']
 */
export function weightNorm<M extends Module>(
  ...args: [
    module: M,
    ...Arguments<[name: string, dim: number | null], { readonly name?: string; readonly dim?: number | null }>,
  ]
): M {
  const [module, name, dim] = readWeightNorm(args)
  const weight = tensorOf(module, name)
  checkOnce(module, name, 'weight_norm')
  const [g, v] = parts(name, 'G', 'V')
  const length = noGrad(() => normsOf(weight, dim))
  compute(module, camelCase(name), {
    kind: 'weight_norm',
    read: (own) => mul(part(own, v), div(part(own, g), normsOf(part(own, v), dim))),
  })
  setProperty(module, g, new Parameter(length))
  setProperty(module, v, new Parameter(weight.data))
  return module as M
}

const readRemoval = signature('remove_weight_norm', moduleParameter, nameParameter)
/** Makes a weight that `weightNorm` replaced a parameter again; returns the module. */
export function removeWeightNorm<M extends Module>(
  ...args: [module: M, name?: string | { readonly name?: string }]
): M {
  const [module, name] = readRemoval(args)
  checkComputed(module, name, 'weight_norm')
  const property = camelCase(name)
  restore(
    module,
    property,
    noGrad(() => part(module, property)),
    ...parts(name, 'G', 'V'),
  )
  return module as M
}

// ---- spectral normalisation ----

export const readSpectral = signature(
  'spectral_norm',
  moduleParameter,
  nameParameter,
  optional('nPowerIterations', int, 1),
  optional('eps', number, 1e-12),
  optional('dim', nullable(int), null),
)
export interface SpectralNormOptions {
  readonly name?: string
  /** Iterations towards the largest singular value that each call in training, or reading of the weight, makes. */
  readonly nPowerIterations?: number
  /** What a norm counts as at least. */
  readonly eps?: number
  /** The dimension of the outputs; 0 unless it is a transposed convolution, which has 1. */
  readonly dim?: number | null
}

/** The weight as a matrix [outputs, rest]. */
export function matrixOf(weight: Tensor, dim: number): Tensor {
  const order = [dim, ...weight.sizes.map((_, d) => d).filter((d) => d !== dim)]
  return reshape(dim === 0 ? weight : permute(weight, order), weight.sizes[dim], -1)
}

export function checkIterations(iterations: number): void {
  if (iterations <= 0)
    throw new ValueError(`Expected n_power_iterations to be positive, but got n_power_iterations=${iterations}`)
}

/**
 * Replaces a parameter by one divided by its largest singular value, which calls in training approximate by power
 * iteration: `weightOrig`, with the buffers `weightU` and `weightV`. Returns the module.
 *
 * Throws a RuntimeError if that was done before.
 *
 * @example
 * const layer = nn.utils.spectralNorm(new nn.Linear(3, 2))
 * layer.weight.shape // [2, 3]
 */
export function spectralNorm<M extends Module>(
  ...args: [
    module: M,
    ...Arguments<[name: string, nPowerIterations: number, eps: number, dim: number | null], SpectralNormOptions>,
  ]
): M {
  const [module, name, iterations, eps, given] = readSpectral(args)
  const weight = tensorOf(module, name)
  checkOnce(module, name, 'spectral_norm')
  checkIterations(iterations)
  const dim = given ?? (module instanceof TransposedConvolution ? 1 : 0)
  const [orig, u, v] = parts(name, 'Orig', 'U', 'V')
  const { dtype, device } = weight
  const unit = (n: number): Tensor => normalize(randn(n, { dtype, device }), { dim: 0, eps })
  const [rows, columns] = matrixOf(weight.detach(), dim).sizes
  const [left, right] = noGrad(() => [unit(rows), unit(columns)])
  compute(module, camelCase(name), {
    kind: 'spectral_norm',
    // Copies, because the next call writes to the vectors that the gradient reads.
    read: (own) => {
      const whole = part(own, orig)
      const [a, b] = [u, v].map((key) => clone(part(own, key)))
      return div(whole, dot(a, mv(matrixOf(whole, dim), b)))
    },
  })
  setProperty(module, orig, weight)
  module.registerBuffer(u, left)
  module.registerBuffer(v, right)
  const hook = module.registerForwardPreHook((own) => {
    if (own.training && computedAs(own, camelCase(name))?.kind === 'spectral_norm')
      noGrad(() => iterate(matrixOf(part(own, orig), dim), part(own, u), part(own, v), iterations, eps))
  })
  removers.set(module, [...(removers.get(module) ?? []), [camelCase(name), () => hook.remove()]])
  return module as M
}
const removers = new WeakMap<Module, (readonly [property: string, remove: () => void])[]>()

function iterate(matrix: Tensor, u: Tensor, v: Tensor, iterations: number, eps: number): void {
  for (let i = 0; i < iterations; i++) {
    copy_(v, normalize(mv(t(matrix), u), { dim: 0, eps }))
    copy_(u, normalize(mv(matrix, v), { dim: 0, eps }))
  }
}

const readSpectralRemoval = signature('remove_spectral_norm', moduleParameter, nameParameter)
/** Makes a weight that `spectralNorm` replaced a parameter again; returns the module. */
export function removeSpectralNorm<M extends Module>(
  ...args: [module: M, name?: string | { readonly name?: string }]
): M {
  const [module, name] = readSpectralRemoval(args)
  checkComputed(module, name, 'spectral_norm')
  const property = camelCase(name)
  for (const [own, remove] of removers.get(module) ?? []) if (own === property) remove()
  restore(
    module,
    property,
    noGrad(() => part(module, property)),
    ...parts(name, 'Orig', 'U', 'V'),
  )
  return module as M
}
