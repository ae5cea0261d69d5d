// Random numbers of further distributions: of one distribution in place (exponential_, geometric_, cauchy_,
// logNormal_), and of one for each element of a tensor (poisson, binomial, multinomial, and gamma and Dirichlet for the
// distributions).
import { dtypeName, isFloat, newArray, type TypedArray } from '../../base/dtype.ts'
import { NotImplementedError, RuntimeError } from '../../base/errors.ts'
import { toFloat } from '../../base/remedies.ts'
import { numelOf, type Shape } from '../../base/shape.ts'
import { s } from '../../expr/expr.ts'
import * as formula from '../../random/continuous.ts'
import type { Floats } from '../../random/distributions.ts'
import { defaultGenerator, type Generator } from '../../random/generator.ts'
import { allocate, apply, deviceOf } from '../../tensor/apply.ts'
import type { OpDef } from '../../tensor/op.ts'
import { effects, writeDrawn } from '../../tensor/effects.ts'
import { mode, noGrad } from '../../tensor/mode.ts'
import {
  type Takes,
  type Arguments,
  bool,
  int,
  method,
  number,
  optional,
  required,
  signature,
  tensor,
} from '../../tensor/signature.ts'
import { checkAlive, type Tensor } from '../../tensor/tensor.ts'
import { notImplemented } from '../define/arguments.ts'
import { type Elementwise, elementwise } from '../define/elementwise.ts'
import { argmax } from '../order/extremes.ts'
import { topk } from '../order/sort.ts'
import { div, mul, sub } from '../pointwise/arithmetic.ts'
import { sum } from '../reduce/reduce.ts'
import { broadcastTensors } from '../views/grids.ts'
import { expand } from '../views/views.ts'
import {
  denseStrides,
  drawInto,
  drawn,
  type Fill,
  type GeneratorOption,
  generatorParameter,
  generatorPosition,
  noDraws,
} from './draws.ts'
import { betaSlope, gammaSlope } from './implicit.ts'
import * as rejection from './rejection.ts'

// ---- in place ----

/** The fill of a distribution that exists in float only. */
function floatFill(x: Tensor, kernel: string, fill: (out: Floats, generator: Generator) => void): () => Fill {
  if (!isFloat(x.dtype)) throw noDraws(kernel, x.dtype)
  return () => fill as Fill
}

const exponentialArguments = method('exponential_', optional('lambd', number, 1), generatorParameter)
/**
 * Overwrites with numbers of the exponential distribution with rate `lambd` (1). Float only.
 *
 * @example
 * manualSeed(0)
 * zeros(2).exponential_() // tensor([3.5083, 1.2304])
 */
export function exponential_(self: Tensor, ...args: Arguments<[lambd: number], ExponentialOptions>): Tensor {
  const [lambd, generator] = exponentialArguments(self, args)
  const fill = floatFill(self, 'exponential_cpu', (out, from) => formula.exponential(out, lambd, from))
  return drawInto(self, 'exponential', generator, fill)
}
interface ExponentialOptions extends GeneratorOption {
  readonly lambd?: number
}

const geometricArguments = method('geometric_', required('p', number), generatorParameter)
/**
 * Overwrites with the number of trials until the first success, each of probability `p`: 1 or more. Not for bool.
 *
 * @example
 * manualSeed(0)
 * zeros(4).geometric_(0.5) // tensor([1., 1., 2., 1.])
 */
export function geometric_(self: Tensor, ...args: Arguments<[p: number], GeometricOptions>): Tensor {
  const [p, generator] = geometricArguments(self, args)
  if (self.dtype === 'bool') throw noDraws('geometric_cpu', self.dtype)
  return drawInto(self, 'geometric', generator, () => (out, from) => formula.geometric(out as Floats, p, from))
}
interface GeometricOptions extends GeneratorOption {
  readonly p?: number
}

const cauchyArguments = method(
  'cauchy_',
  optional('median', number, 0),
  optional('sigma', number, 1),
  generatorParameter,
)
/**
 * Overwrites with numbers of the Cauchy distribution around `median` (0), half of them within `sigma` (1). Float only.
 *
 * @example
 * manualSeed(0)
 * zeros(2).cauchy_() // tensor([10.5977,  0.7648])
 */
export function cauchy_(self: Tensor, ...args: Arguments<[median: number, sigma: number], CauchyOptions>): Tensor {
  const [median, sigma, generator] = cauchyArguments(self, args)
  const fill = floatFill(self, 'cauchy_cpu', (out, from) => formula.cauchy(out, median, sigma, from))
  return drawInto(self, 'cauchy', generator, fill)
}
interface CauchyOptions extends GeneratorOption {
  readonly median?: number
  readonly sigma?: number
}

const logNormalArguments = method(
  'log_normal_',
  optional('mean', number, 1),
  optional('std', number, 2),
  generatorParameter,
)
/**
 * Overwrites with numbers whose logarithms are normal, of `mean` (1) and `std` (2). Float only.
 *
 * @example
 * manualSeed(0)
 * zeros(2).logNormal_(0, 1) // tensor([4.6692, 0.7457])
 */
export function logNormal_(self: Tensor, ...args: Arguments<[mean: number, std: number], LogNormalOptions>): Tensor {
  const [mean, std, generator] = logNormalArguments(self, args)
  const fill = floatFill(self, 'log_normal_cpu', (out, from) => formula.logNormal(out, mean, std, from))
  return drawInto(self, 'logNormal', generator, fill)
}
interface LogNormalOptions extends GeneratorOption {
  readonly mean?: number
  readonly std?: number
}

// ---- of one distribution for each element ----

/** Draws elements as those of other tensors, in row-major order, say; how many numbers that takes depends on them. */
type FillBy = (out: Floats, generator: Generator, ...inputs: readonly Floats[]) => void

/** New elements in the shape and dtype of the first of the tensors that say how they are drawn. */
function drawnBy(op: string, inputs: readonly Tensor[], given: Generator | null, fill: FillBy): Tensor {
  const [{ sizes, dtype, elements, storage }] = inputs
  const generator = given ?? defaultGenerator
  inputs.forEach(checkAlive)
  const x = allocate(storage.device, { sizes, dtype })
  const produce = (...data: readonly TypedArray[]): TypedArray => {
    const out = newArray(dtype, elements)
    fill(out as Floats, generator, ...(data as readonly Floats[]))
    return out
  }
  if (effects.sink === null || elements === 0) {
    const { backend } = storage.device
    const data = inputs.map((each) => (elements === 0 ? newArray(dtype, 0) : backend.readSync(each)))
    writeDrawn(storage.device, x, (out) => fill(out as Floats, generator, ...(data as Floats[])), generator)
  } else {
    effects.sink.looks.met(inputs)
    effects.sink.draw(x, inputs, op, produce, generator)
  }
  return x
}

/** An op of the host on inputs of one shape and dtype, which its result has, too. */
const hostOf = (name: string, compute: (out: Floats, ...inputs: readonly Floats[]) => void): OpDef<null> => ({
  name,
  infer: ([{ sizes, dtype }]) => [{ sizes, dtype }],
  to: {
    kind: 'kernel',
    prim: 'host',
    lower: () => ({
      op: name,
      name,
      attrs: null,
      compute(data, _, [{ sizes, dtype }]) {
        const out = newArray(dtype, numelOf(sizes))
        compute(out as Floats, ...(data as readonly Floats[]))
        return [out]
      },
    }),
  },
})

/** Whether the result of a function of these tensors is in a graph. */
const tracked = (...inputs: readonly Tensor[]): boolean => mode.grad && inputs.some((x) => x.requiresGrad)

/** For autograd, counts do not depend on the rates. */
const poissonOp = elementwise('poisson', (_rate, value) => value)
const poissonArguments = method('poisson', generatorPosition)
/**
 * Numbers of events, where `x` has the expected number of each. The result has the shape and dtype of `x`. Float only.
 *
 * @example
 * manualSeed(0)
 * poisson(tensor([1, 5, 50])) // tensor([ 2.,  6., 49.])
 */
export function poisson(x: Tensor, ...args: Arguments<[generator: Generator | null], GeneratorOption>): Tensor {
  const [generator] = poissonArguments(x, args)
  if (!isFloat(x.dtype)) throw notImplemented('poisson_cpu', x.dtype)
  const value = drawnBy('poisson', [x], generator, (out, from, rates) => rejection.poisson(out, rates, from))
  return tracked(x) ? apply(poissonOp, [x, value], null) : value
}

/** An op whose gradient throws. */
const withoutGradient = (op: Elementwise, error: () => Error): Elementwise => ({
  ...op,
  saves: () => ({}),
  vjp: () => {
    throw error()
  },
})

const binomialOp = withoutGradient(
  elementwise('binomial', (_count, _prob, value) => value),
  () => new RuntimeError('derivative for aten::binomial is not implemented', 'Draw inside of noGrad.'),
)
const binomialArguments = signature('binomial', required('count', tensor), required('prob', tensor), generatorPosition)
/**
 * Numbers of successes among `count` trials of probability `prob`; both broadcast. Of one float dtype.
 *
 * @example
 * manualSeed(0)
 * binomial(tensor([10, 100]), tensor([0.5, 0.1])) // tensor([ 7., 11.])
 */
export function binomial(
  ...args: Takes<[count: Tensor, prob: Tensor], 'count prob', [generator?: Generator | null | GeneratorOption]>
): Tensor {
  const [count, prob, generator] = binomialArguments(args)
  if (prob.dtype !== count.dtype) {
    throw new RuntimeError(
      `Found dtype ${dtypeName[prob.dtype]} but expected ${dtypeName[count.dtype]}`,
      'Give both the same dtype: count.typeAs(prob).',
    )
  }
  if (!isFloat(count.dtype)) throw notImplemented('binomial_cpu', count.dtype)
  deviceOf([count, prob])
  const both = noGrad(() => broadcastTensors(count, prob))
  const value = drawnBy('binomial', both, generator, (out, from, n, p) => rejection.binomial(out, n, p, from))
  return tracked(count, prob) ? apply(binomialOp, [count, prob, value], null) : value
}

// ---- indices ----

/** Weights, checked before anything is drawn. */
const checkedWeights = elementwise('clone', (weight) => weight, {
  check: ([weight]) => ({
    expr: s.not(s.and(s.isfinite(weight), s.ge(weight, 0))),
    error: () =>
      new RuntimeError(
        'probability tensor contains either `inf`, `nan` or element < 0',
        'Weights must be finite, and not negative.',
      ),
  }),
})
const checkedSums = elementwise('clone', (total) => total, {
  check: ([total]) => ({
    expr: s.eq(total, 0),
    error: () =>
      new RuntimeError(
        'invalid multinomial distribution (sum of probabilities <= 0)',
        'Each row needs a positive weight.',
      ),
  }),
})

/** The indices for weights and uniform numbers in parts, in a program, where all numbers are drawn before it runs. */
const categoriesOp: OpDef<Shape> = {
  name: 'multinomial',
  infer: (_, sizes) => [{ sizes, dtype: 'int32' }],
  to: {
    kind: 'kernel',
    prim: 'host',
    lower: (sizes) => ({
      op: 'multinomial',
      name: 'multinomial',
      attrs: sizes,
      compute([weights, parts]) {
        const out = new Int32Array(numelOf(sizes))
        rejection.categories(out, weights as Floats, sizes[sizes.length - 1], parts as Floats)
        return [out]
      },
    }),
  },
}

const multinomialArguments = method(
  'multinomial',
  required('numSamples', int),
  optional('replacement', bool, false),
  generatorParameter,
)
/**
 * Indices drawn with the weights in a vector, or in each row of a matrix: int32 of shape [numSamples] or [rows,
 * numSamples]. Weights need not sum to 1. Float only.
 *
 * @example
 * manualSeed(0)
 * multinomial(tensor([0.1, 0.2, 0.7]), 2) // tensor([2, 1])
 */
export function multinomial(
  x: Tensor,
  ...args: Arguments<[numSamples: number, replacement: boolean], MultinomialOptions>
): Tensor {
  const [count, replacement, given] = multinomialArguments(x, args)
  const generator = given ?? defaultGenerator
  if (x.dim() < 1 || x.dim() > 2)
    throw new RuntimeError('prob_dist must be 1 or 2 dim', `It has ${x.dim()}: x.reshape(-1, x.shape.at(-1)).`)
  if (!isFloat(x.dtype)) {
    throw new RuntimeError(
      `multinomial only supports floating-point dtypes for input, got: ${dtypeName[x.dtype]}`,
      toFloat,
    )
  }
  const size = x.sizes[x.dim() - 1]
  if (count <= 0) throw new RuntimeError('cannot sample n_sample <= 0 samples', `The num_samples are ${count}.`)
  if (!replacement && count > size) {
    throw new RuntimeError(
      'cannot sample n_sample > prob_dist.size(-1) samples without replacement',
      'Pass replacement: multinomial(x, n, true).',
    )
  }
  if (size > 2 ** 24) throw new RuntimeError('number of categories cannot exceed 2^24')
  const sizes = [...x.sizes.slice(0, -1), count]
  const { device } = x.storage
  checkAlive(x)
  return noGrad(() => {
    if (replacement && effects.sink !== null && numelOf(sizes) > 0) {
      const parts: Fill = (out, from) => rejection.uniformParts(out as Floats, from)
      return apply(
        categoriesOp,
        [x, drawn(device, { sizes: [...sizes, rejection.PARTS], dtype: 'float32' }, generator, parts)],
        sizes,
      )
    }
    if (replacement || numelOf(sizes) === 0) {
      const weights = (x.elements === 0 ? [] : device.backend.readSync(x)) as Floats
      const fill: Fill = (out, from) => rejection.categories(out as Int32Array, weights, count, from)
      return drawn(device, { sizes, dtype: 'int32' }, generator, fill)
    }
    apply(checkedWeights, [x], null)
    apply(checkedSums, [sum(x, -1)], null)
    // The largest of p / q, where q is exponential.
    const draws: Fill = (out, from) => formula.exponential(out as Floats, 1, from)
    const raced = div(x, drawn(device, x, generator, draws, denseStrides(x)))
    return count === 1 ? argmax(raced, -1, true) : topk(raced, count).indices
  })
}
interface MultinomialOptions extends GeneratorOption {
  readonly numSamples?: number
  readonly replacement?: boolean
}

// ---- for the distributions ----

/** A gradient that has none itself: `dx`, in the graph of `x`, where a second derivative throws. */
const onceOp = (sentence: string): Elementwise =>
  withoutGradient(
    elementwise('mul', (dx, _x) => dx),
    () => new NotImplementedError(sentence, 'Implicit derivatives of samples are known once.'),
  )
const gammaOnce = onceOp("the derivative for '_standard_gamma_grad' is not implemented.")
const dirichletOnce = onceOp('trying to differentiate twice a function that was marked with @once_differentiable')
/** For autograd, the drawn value has the given slope. */
const gammaOp: Elementwise = {
  ...elementwise('standardGamma', (_shape, _slope, value) => value),
  saves: () => ({ inputs: [0, 1] }),
  vjp: (ctx) => [apply(gammaOnce, [mul(ctx.dy, ctx.input(1)), ctx.input(0)], null), null, null],
}
const gammaSlopes = hostOf('standardGammaGrad', (out, values, shapes) => {
  for (let i = 0; i < out.length; i++) out[i] = gammaSlope(values[i], shapes[i])
})
/** Numbers of the gamma distribution with the shapes in `x` and rate 1; differentiable by the implicit derivative. */
export function standardGamma(x: Tensor): Tensor {
  if (!isFloat(x.dtype)) throw notImplemented('gamma_cpu', x.dtype)
  const value = drawnBy('standardGamma', [x], null, (out, from, shapes) => rejection.gamma(out, shapes, from))
  if (!tracked(x)) return value
  const slope = noGrad(() => apply(gammaSlopes, [value, x], null))
  return apply(gammaOp, [x, slope, value], null)
}

const betaSlopes = hostOf('dirichletGrad', (out, values, shapes, totals) => {
  for (let i = 0; i < out.length; i++) out[i] = betaSlope(values[i], shapes[i], totals[i])
})
/** Rows of proportions for the shapes in rows of `x`, and their gradient by the shapes for a gradient `dy`. */
export function sampleDirichlet(x: Tensor): { readonly value: Tensor; readonly gradient: (dy: Tensor) => Tensor } {
  if (!isFloat(x.dtype)) throw notImplemented('dirichlet', x.dtype)
  const size = x.sizes[x.dim() - 1]
  const value = drawnBy('dirichlet', [x], null, (out, from, shapes) => rejection.dirichlet(out, shapes, size, from))
  const gradient = (dy: Tensor): Tensor => {
    const slopes = noGrad(() => apply(betaSlopes, [value, x, expand(sum(x, -1, true), x.sizes)], null))
    const own = value.detach()
    return apply(dirichletOnce, [mul(slopes, sub(dy, sum(mul(own, dy), -1, true))), x], null)
  }
  return { value, gradient }
}
