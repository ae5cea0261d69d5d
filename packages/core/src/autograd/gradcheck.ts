// Compares gradients with finite differences in float64: those of a function (gradcheck) and of its gradient
// (gradgradcheck). The slow mode compares whole Jacobians, the fast mode a product of each with two random vectors.
import { isFloat } from '../base/dtype.ts'
import { checkCallable } from '../base/callable.ts'
import { GradcheckError, RuntimeError, TypeError, ValueError } from '../base/errors.ts'
import { typeName } from '../base/python.ts'
import { numelOf, type Shape } from '../base/shape.ts'
import { Mt19937 } from '../random/mt19937.ts'
import { allocate } from '../tensor/apply.ts'
import { write } from '../tensor/in-place.ts'
import { noGrad } from '../tensor/mode.ts'
import { type Arguments, bool, isTensor, keyword, optional, real, signature, type Values } from '../tensor/signature.ts'
import { detached, type Tensor } from '../tensor/tensor.ts'
import { grad, seeds } from './grad.ts'

export interface GradcheckOptions {
  /** The step of the finite differences; by default 1e-6. */
  readonly eps?: number
  /** Absolute tolerance; by default 1e-5. */
  readonly atol?: number
  /** Relative tolerance; by default 1e-3. */
  readonly rtol?: number
  /** With false, return false instead of throwing. */
  readonly raiseException?: boolean
  /** How far two backward passes may differ; by default 0. */
  readonly nondetTol?: number
  /** Compare along one random direction, which is cheap for large inputs. */
  readonly fastMode?: boolean
}
type Settings = Required<GradcheckOptions>

const parameters = [
  keyword('eps', real, 1e-6),
  keyword('atol', real, 1e-5),
  keyword('rtol', real, 1e-3),
  keyword('raiseException', bool, true),
  keyword('nondetTol', real, 0),
  keyword('fastMode', bool, false),
] as const
const gradcheckOptions = signature('gradcheck', ...parameters)
const gradgradcheckOptions = signature('gradgradcheck', optional('gradOutputs', seeds, null), ...parameters)
const settingsOf = ([eps, atol, rtol, raiseException, nondetTol, fastMode]: Values<typeof parameters>): Settings => ({
  eps,
  atol,
  rtol,
  raiseException,
  nondetTol,
  fastMode,
})

type Outputs = Tensor | readonly Tensor[]
/** The function under test with its arguments. */
interface Call {
  readonly fn: (...inputs: never[]) => Outputs
  readonly inputs: readonly unknown[]
  /** The inputs whose gradients are checked. */
  readonly leaves: readonly Tensor[]
}

const list = <T>(x: T | readonly T[]): readonly T[] => (Array.isArray(x) ? (x as readonly T[]) : [x as T])
function run({ fn, inputs }: Call): readonly Tensor[] {
  const outputs = list<Tensor>(fn(...(inputs as never[])))
  const other = outputs.find((y) => !isTensor(y))
  if (other === undefined && outputs.every(isTensor)) return outputs
  throw new TypeError(`gradcheck expects fn to return Tensors, but got ${typeName(other)}`)
}
const wantsGradient = (x: unknown): x is Tensor => isTensor(x) && x.requiresGrad
const doubles = (x: Tensor): Float64Array => Float64Array.from(detached(x).toArray())

/** A tensor with these elements, on the device of another. */
function tensorOf(values: Float64Array, shape: Shape, like: Tensor): Tensor {
  const { device } = like.storage
  const out = allocate(device, { sizes: shape, dtype: 'float64' })
  if (values.length > 0) device.backend.write(out, values)
  return out
}

function callOf(fn: Call['fn'], inputs: readonly unknown[]): Call {
  const leaves = inputs.filter(wantsGradient)
  if (leaves.length === 0) {
    throw new ValueError(
      'gradcheck expects at least one input tensor to require gradient, but none of the them have requires_grad=True.',
    )
  }
  inputs.forEach((x, i) => {
    if (!wantsGradient(x)) return
    if (x.dtype !== 'float64') {
      throw new ValueError(
        `Input #${i} requires gradient and is not a double precision floating point or complex. This check will likely fail if all the inputs are not of double precision floating point or complex. `,
        "Make it with { dtype: 'float64' }: finite differences need the digits.",
      )
    }
    if (x.strides.some((stride, d) => stride === 0 && x.sizes[d] > 1)) {
      throw new RuntimeError(
        `The ${i}th input has a dimension with stride 0. gradcheck only supports inputs that are non-overlapping to be able to compute the numerical gradients correctly. You should call .contiguous on the input before passing it to gradcheck.`,
      )
    }
  })
  return { fn, inputs, leaves }
}

/** The derivative of the outputs along a direction of one input: one array of slopes per output. */
function slopes(call: Call, leaf: Tensor, direction: Float64Array, eps: number): Float64Array[] {
  const before = doubles(leaf)
  const put = (values: Float64Array): void => void noGrad(() => write(leaf, tensorOf(values, leaf.sizes, leaf)))
  const at = (step: number): Float64Array[] => {
    put(before.map((x, i) => x + step * direction[i]))
    return run(call).map(doubles)
  }
  try {
    const low = at(-eps)
    return at(eps).map((high, k) => high.map((y, i) => (y - low[k][i]) / (2 * eps)))
  } finally {
    put(before)
  }
}

/** d output / d input as a matrix with a row for each element of the input. */
interface Jacobian {
  readonly rows: number
  readonly columns: number
  readonly values: Float64Array
}

/** The Jacobians with respect to one input, for each output, by finite differences. */
function numerical(call: Call, leaf: Tensor, outputs: readonly Tensor[], eps: number): Jacobian[] {
  const rows = leaf.elements
  const jacobians = outputs.map(({ elements }) => new Float64Array(rows * elements))
  for (let i = 0; i < rows; i++) {
    const unit = new Float64Array(rows)
    unit[i] = 1
    slopes(call, leaf, unit, eps).forEach((slope, k) => void jacobians[k].set(slope, i * slope.length))
  }
  return jacobians.map((values, k) => ({ rows, columns: outputs[k].elements, values }))
}

/** A number in Python's float format. */
const asFloat = (x: number): string => (Number.isInteger(x) ? x.toFixed(1) : String(x))

/** The gradients of all inputs for one gradient of one output; zeros for an input that it does not depend on. */
function backwards(output: Tensor, leaves: readonly Tensor[], dy: Float64Array): Float64Array[] {
  const gradOutputs = tensorOf(dy, output.sizes, output)
  const found = grad(output, leaves, { gradOutputs, retainGraph: true, allowUnused: true })
  return found.map((dx, i) => (dx === null ? new Float64Array(leaves[i].elements) : doubles(dx)))
}

/** Like `backwards`, but runs twice and throws if the results differ. */
function repeated(output: Tensor, leaves: readonly Tensor[], dy: Float64Array, nondetTol: number): Float64Array[] {
  const first = backwards(output, leaves, dy)
  const second = backwards(output, leaves, dy)
  if (first.some((dx, i) => dx.some((x, k) => Math.abs(x - second[i][k]) > nondetTol))) {
    throw new GradcheckError(
      `Backward is not reentrant, i.e., running backward with same input and grad_output multiple times gives different values, although analytical gradient matches numerical gradient.The tolerance for nondeterminism was ${asFloat(nondetTol)}.`,
    )
  }
  return first
}

/** The Jacobians of one output with respect to each input, by backward passes. */
function analytical(output: Tensor, leaves: readonly Tensor[], nondetTol: number): Jacobian[] {
  const columns = output.elements
  const jacobians = leaves.map(({ elements }) => new Float64Array(elements * columns))
  for (let j = 0; j < columns; j++) {
    const unit = new Float64Array(columns)
    unit[j] = 1
    repeated(output, leaves, unit, nondetTol).forEach((dx, i) => {
      for (let k = 0; k < dx.length; k++) jacobians[i][k * columns + j] = dx[k]
    })
  }
  return jacobians.map((values, i) => ({ rows: leaves[i].elements, columns, values }))
}

/** torch.allclose(a, n). */
const close = (a: number, n: number, atol: number, rtol: number): boolean =>
  a === n || Math.abs(a - n) <= atol + rtol * Math.abs(n)

const formatted = ({ rows, columns, values }: Jacobian, like: Tensor): string =>
  String(tensorOf(values, [rows, columns], like))

function mismatch(output: number, input: number, numeric: string, analytic: string, more = ''): GradcheckError {
  return new GradcheckError(
    `Jacobian mismatch for output ${output} with respect to input ${input},\nnumerical:${numeric}\nanalytical:${analytic}\n${more}`,
  )
}

function compareJacobians(call: Call, outputs: readonly Tensor[], settings: Settings): void {
  const { eps, atol, rtol, nondetTol } = settings
  const numeric = call.leaves.map((leaf) => numerical(call, leaf, outputs, eps))
  const differentiable = run(call)
  let k = 0
  differentiable.forEach((output, o) => {
    if (!output.requiresGrad) return
    analytical(output, call.leaves, nondetTol).forEach((a, i) => {
      const n = numeric[i][o]
      if (a.values.every((x, at) => close(x, n.values[at], atol, rtol))) return
      throw mismatch(k, i, formatted(n, output), formatted(a, output))
    })
    k++
  })
}

const inFast = `
The above quantities relating the numerical and analytical jacobians are computed 
in fast mode. See: https://github.com/pytorch/pytorch/issues/53876 for more background 
about fast mode. Below, we recompute numerical and analytical jacobians in slow mode:
`

/** A vector of length 1 with positive elements, the same in every run. */
function unitVector(length: number, seed: number): Float64Array {
  const engine = new Mt19937(seed)
  const values = Float64Array.from({ length }, () => engine.u53())
  const norm = Math.sqrt(values.reduce((sum, x) => sum + x * x, 0))
  return values.map((x) => x / norm)
}

const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, x, i) => sum + x * b[i], 0)
const total = (a: Float64Array): number => a.reduce((sum, x) => sum + x, 0)

function compareAlong(call: Call, outputs: readonly Tensor[], settings: Settings): void {
  const { eps, atol, rtol, nondetTol } = settings
  const us = call.leaves.map((leaf, i) => unitVector(leaf.elements, i))
  const numeric = call.leaves.map((leaf, i) => slopes(call, leaf, us[i], eps))
  let k = 0
  run(call).forEach((output, o) => {
    if (!output.requiresGrad) return
    const v = unitVector(output.elements, call.leaves.length + o)
    repeated(output, call.leaves, v, nondetTol).forEach((dx, i) => {
      const [a, n] = [dot(dx, us[i]), dot(numeric[i][o], v)]
      if (close(a, n, atol * total(us[i]) * total(v), rtol)) return
      const scalar = (x: number): string => String(tensorOf(Float64Array.of(x), [], output))
      throw mismatch(k, i, scalar(n), scalar(a), inFast + slowly(call, outputs, o, i, settings))
    })
    k++
  })
}

/** The error of slow mode: the whole Jacobians of one output with respect to one input, as text. */
function slowly(call: Call, outputs: readonly Tensor[], o: number, i: number, { eps, nondetTol }: Settings): string {
  const n = numerical(call, call.leaves[i], outputs, eps)[o]
  const output = run(call)[o]
  const a = analytical(output, call.leaves, nondetTol)[i]
  const most = a.values.reduce((max, x, at) => Math.max(max, Math.abs(x - n.values[at])), 0)
  return `\nNumerical:\n ${formatted(n, output)}\nAnalytical:\n${formatted(a, output)}\n\nThe max per-element difference (slow mode) is: ${asFloat(most)}.\n`
}

/**
 * Compares the gradients that backward computes for `fn` with finite differences. Inputs that require a gradient must
 * be float64; other arguments are passed through. Returns true, or throws a GradcheckError with both Jacobians.
 *
 * @example
 * const x = tensor([1, 2], { dtype: 'float64', requiresGrad: true })
 * gradcheck((x) => x.exp(), [x]) // true
 */
export function gradcheck<I extends readonly unknown[]>(
  fn: (...inputs: I) => Outputs,
  inputs: I | Tensor,
  options: GradcheckOptions = {},
): boolean {
  checkCallable('gradcheck', fn)
  const settings = settingsOf(gradcheckOptions([options]))
  const call = callOf(fn as unknown as Call['fn'], list(inputs as unknown))
  try {
    const outputs = run(call)
    if (!outputs.some((y) => y.requiresGrad)) {
      const constant = call.leaves.every((leaf) =>
        numerical(call, leaf, outputs, settings.eps).every(({ values }) =>
          values.every((x) => Math.abs(x) <= settings.atol),
        ),
      )
      if (!constant) throw new GradcheckError('Numerical gradient for function expected to be zero')
    } else if (settings.fastMode) compareAlong(call, outputs, settings)
    else compareJacobians(call, outputs, settings)
    return true
  } catch (error) {
    if (error instanceof GradcheckError && !settings.raiseException) return false
    throw error
  }
}

/**
 * Checks the second derivatives of `fn`: gradcheck of its gradient with respect to the inputs and to the gradients of
 * the outputs, which are generated by default.
 *
 * @example
 * const x = tensor([1, 2], { dtype: 'float64', requiresGrad: true })
 * gradgradcheck((x) => x.pow(3), [x]) // true
 */
export function gradgradcheck<I extends readonly unknown[]>(
  fn: (...inputs: I) => Outputs,
  inputs: I | Tensor,
  ...more: Arguments<
    [gradOutputs: Tensor | readonly Tensor[] | null],
    GradcheckOptions & { readonly gradOutputs?: Tensor | readonly Tensor[] | null }
  >
): boolean {
  checkCallable('gradgradcheck', fn)
  const [gradOutputs, ...settings] = gradgradcheckOptions(more)
  const given = list(inputs as unknown)
  callOf(fn as unknown as Call['fn'], given)
  const differentiable = (...xs: readonly unknown[]): readonly Tensor[] =>
    list<Tensor>((fn as (...xs: readonly unknown[]) => Outputs)(...xs)).filter((y) => y.requiresGrad)
  const dys = gradOutputs === null ? chosen(differentiable(...given)) : list<Tensor>(gradOutputs as Tensor)
  const gradient = (...all: readonly unknown[]): readonly Tensor[] => {
    const xs = all.slice(0, given.length)
    const found = grad(differentiable(...xs), xs.filter(wantsGradient), {
      gradOutputs: all.slice(given.length) as Tensor[],
      createGraph: true,
      allowUnused: true,
    })
    return found.filter((dx) => dx !== null)
  }
  return gradcheck(gradient, [...given, ...dys], settingsOf(settings))
}

/** A gradient for each output, between -1 and 1, that itself requires a gradient. */
function chosen(outputs: readonly Tensor[]): Tensor[] {
  return outputs.map((y, i) => {
    const values = unitVector(numelOf(y.sizes), 1000 + i)
    const largest = Math.max(...values, Number.MIN_VALUE)
    return tensorOf(
      values.map((x, k) => ((k % 2 === 0 ? 1 : -1) * x) / largest),
      y.sizes,
      y,
    ).setRequiresGrad(isFloat(y.dtype))
  })
}
