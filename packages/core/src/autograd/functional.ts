// Whole derivatives of functions, and their products with a vector: `autograd.functional`. Jacobians and Hessians are
// computed row by row, or column by column. Products need one pass back, or two: a pass back is linear in the gradient that it begins with,
// so its own gradient is the product of the Jacobian with a vector (the double backward trick,
// https://j-towns.github.io/2017/06/12/A-new-trick.html).
import { checkCallable } from '../base/callable.ts'
import { AssertionError, NotImplementedError, RuntimeError, TypeError } from '../base/errors.ts'
import { typeName } from '../base/python.ts'
import { sameShape, shapeString } from '../base/shape.ts'
import { filled } from '../ops/define/fill.ts'
import { stack } from '../ops/views/join.ts'
import { reshape, select, view } from '../ops/views/views.ts'
import { enableGrad } from '../tensor/mode.ts'
import {
  type Arguments,
  bool,
  either,
  isTensor,
  nullable,
  optional,
  signature,
  str,
  tensor,
  tensors,
} from '../tensor/signature.ts'
import { detached, type Tensor } from '../tensor/tensor.ts'
import { grad } from './grad.ts'

export interface FunctionalOptions {
  /** Record the computation of the result, so that it can be differentiated. */
  readonly createGraph?: boolean
  /** Throw if the result is zero because an output does not depend on an input, instead of returning zeros. */
  readonly strict?: boolean
}

type Strategy = 'reverse-mode' | 'forward-mode'
interface VectorizeOptions extends FunctionalOptions {
  /** PyTorch's word for computing all rows at once; the result is the same. */
  readonly vectorize?: boolean
}
export interface JacobianOptions extends VectorizeOptions {
  /**
   * By rows, one pass back for each output, or by columns, one for each input, which PyTorch has only with `vectorize`.
   */
  readonly strategy?: Strategy
}
export interface HessianOptions extends VectorizeOptions {
  /** The strategy of the outer of the two Jacobians. */
  readonly outerJacobianStrategy?: Strategy
}

export interface ProductOptions<V> extends FunctionalOptions {
  /** The vector, in the shapes that the function's description states; null means 1. */
  readonly v?: V | null
}

type Inputs = Tensor | readonly Tensor[]
/** One result for a tensor, a list of results for a list. */
type Like<T, R> = T extends Tensor ? R : R[]
/** The arguments of `fn`: a tensor for a tensor, the tensors of a list one by one. */
type Called<I> = I extends Tensor ? [x: Tensor] : I extends readonly [...infer T] ? T : never
type Fn<I, O> = (...inputs: Called<I>) => O
type WholeArguments<O> = Arguments<[createGraph: boolean, strict: boolean, vectorize: boolean, strategy: Strategy], O>
type ProductArguments<V> = Arguments<[v: V | null, createGraph: boolean, strict: boolean], ProductOptions<V>>

const switches = [optional('createGraph', bool, false), optional('strict', bool, false)] as const
const whole = (name: string, strategy: string) =>
  signature(name, ...switches, optional('vectorize', bool, false), optional(strategy, str, 'reverse-mode'))
const jacobianArguments = whole('jacobian', 'strategy')
const hessianArguments = whole('hessian', 'outerJacobianStrategy')
/** PyTorch's sentences of what goes together with which strategy. */
function checkStrategy(
  strategy: string,
  { createGraph, strict }: Required<FunctionalOptions>,
  vectorize: boolean,
): void {
  if (strategy !== 'forward-mode') {
    if (strategy !== 'reverse-mode')
      throw new AssertionError(
        'Expected strategy to be either "forward-mode" or "reverse-mode". Hint: If your function has more outputs than inputs, "forward-mode" tends to be more performant. Otherwise, prefer to use "reverse-mode".',
      )
    if (strict && vectorize) refuse(together('strict=True', 'vectorized=True', '', 'vectorize=False'))
    return
  }
  const byColumns = 'strategy="forward-mode"'
  const reverse = 'strategy="reverse-mode"'
  if (createGraph) throw new NotImplementedError(together('create_graph=True', byColumns, ' (yet)', reverse))
  if (strict) refuse(together('strict=True', byColumns, ' (yet)', reverse))
  if (!vectorize)
    throw new NotImplementedError(
      'Computing Jacobian using forward-AD or forward-over-reverse Hessian isonly implemented for `vectorize=True`.',
    )
}
const together = (one: string, other: string, yet: string, instead: string): string =>
  `torch.autograd.functional.jacobian: \`${one}\` and \`${other}\` are not supported together${yet}. Please either set \`${one.replace('True', 'False')}\` or \`${instead}\`.`
const product = (name: string) => signature(name, optional('v', nullable(either(tensor, tensors)), null), ...switches)
const vjpArguments = product('vjp')
const jvpArguments = product('jvp')
const hvpArguments = product('hvp')
const vhpArguments = product('vhp')

function refuse(sentence: string): never {
  throw new RuntimeError(sentence)
}

/** A tensor or a list of tensors, as a list. */
function listed(name: string, what: string, given: unknown): readonly Tensor[] {
  const xs: readonly unknown[] = Array.isArray(given) ? given : [given]
  const wrong = xs.findIndex((x) => !isTensor(x))
  if (wrong < 0) return xs as readonly Tensor[]
  const which = Array.isArray(given) ? `value at index ${wrong}` : `given ${what}`
  throw new TypeError(
    `The ${what} given to ${name} must be either a Tensor or a tuple of Tensors but the ${which} has type <class '${typeName(xs[wrong])}'>.`,
  )
}

/** Leaves with the inputs' elements; with `createGraph` views of the inputs, so that gradients reach them. */
const prepared = (inputs: readonly Tensor[], createGraph: boolean): Tensor[] =>
  inputs.map((x) => (createGraph && x.requiresGrad ? view(x, x.sizes) : detached(x).setRequiresGrad(true)))

/** The results, in the form of what was given: without their history unless that is wanted. */
const finished = <T>(like: T, xs: readonly Tensor[], createGraph: boolean): Like<T, Tensor> => {
  const ys = createGraph ? xs : xs.map(detached)
  return (Array.isArray(like) ? ys : ys[0]) as Like<T, Tensor>
}

const zerosLike = (x: Tensor): Tensor => filled(x.sizes, x.dtype, 0, x.storage.device)
const zeroLeaf = (x: Tensor): Tensor => zerosLike(x).setRequiresGrad(true)

/** Throws with `strict` if an output is not differentiable. */
function checkOutputs(ys: readonly Tensor[], strict: boolean): void {
  const constant = strict ? ys.findIndex((y) => !y.requiresGrad) : -1
  if (constant < 0) return
  refuse(
    `Output ${constant} of the user-provided function does not require gradients. The outputs must be computed in a differentiable manner from the input when running in strict mode.`,
  )
}

/** Runs a user's function; returns what it gave, and that as a list. */
function evaluated<O>(name: string, fn: Fn<never, O>, xs: readonly Tensor[], strict: boolean): [O, readonly Tensor[]] {
  const given = fn(...(xs as never))
  const ys = listed(name, 'outputs of the user-provided function', given)
  checkOutputs(ys, strict)
  return [given, ys]
}

/** The gradients of outputs that have some; null for an input that they do not depend on. */
function gradients(
  ys: readonly Tensor[],
  xs: readonly Tensor[],
  seeds: readonly (Tensor | null)[] | null,
  createGraph: boolean,
  retainGraph = createGraph,
): readonly (Tensor | null)[] {
  const outputs: Tensor[] = []
  const gradOutputs: (Tensor | null)[] = []
  ys.forEach((y, i) => {
    if (!y.requiresGrad) return
    outputs.push(y)
    gradOutputs.push(seeds === null ? null : seeds[i])
  })
  if (outputs.length === 0) return xs.map(() => null)
  return grad(outputs, xs, { gradOutputs, createGraph, retainGraph, allowUnused: true })
}

/** The vector, checked against the tensors whose shapes it must have. */
function vector(given: Inputs | null, like: Inputs, createGraph: boolean, what: string): readonly Tensor[] | null {
  const others: readonly Tensor[] = Array.isArray(like) ? like : [like]
  if (given === null) {
    if (others.length === 1 && others[0].elements === 1) return null
    throw new RuntimeError(`The vector v can only be None if ${what} a single Tensor with a single element.`)
  }
  const vs: readonly Tensor[] = Array.isArray(given) ? given : [given]
  if (vs.length !== others.length) {
    throw new RuntimeError(
      Array.isArray(like)
        ? `v is a tuple of invalid length: should be ${others.length} but got ${vs.length}.`
        : 'The given v should contain a single Tensor.',
    )
  }
  vs.forEach((v, i) => {
    if (sameShape(v.sizes, others[i].sizes)) return
    const size = (x: Tensor): string => `torch.Size(${shapeString(x.sizes)})`
    const entry = Array.isArray(like) ? `Entry ${i} in ` : ''
    throw new RuntimeError(`${entry}v has invalid size: should be ${size(others[i])} but got ${size(v)}.`)
  })
  return vs.map((v) => (createGraph && v.requiresGrad ? view(v, v.sizes) : detached(v)))
}
const givenInput = 'the input to the user-provided function is'

/** Zeros in place of gradients that are missing, which `strict` refuses with the sentence for that input. */
function filledIn(
  found: readonly (Tensor | null)[],
  like: readonly Tensor[],
  { strict, createGraph }: Required<FunctionalOptions>,
  derivative: 'jacobian' | 'hessian',
  missing: (i: number) => string,
): readonly Tensor[] {
  return found.map((dx, i) => {
    if (dx === null) return strict ? refuse(missing(i)) : zerosLike(like[i])
    if (strict && createGraph && !dx.requiresGrad) {
      throw new RuntimeError(
        `The ${derivative} of the user-provided function is independent of input ${i}. This is not allowed in strict mode when create_graph=True.`,
      )
    }
    return dx
  })
}

/** The derivatives of every element of `y` with respect to `x`, in the shape of `y` followed by that of `x`. */
function derivatives(
  y: Tensor,
  at: number,
  xs: readonly Tensor[],
  options: Required<FunctionalOptions>,
): readonly Tensor[] {
  const flat = enableGrad(() => reshape(y, -1))
  const rows = Array.from({ length: y.numel() }, (_, k) => {
    const element = enableGrad(() => select(flat, 0, k))
    return filledIn(
      gradients([element], xs, null, options.createGraph, true),
      xs,
      options,
      'jacobian',
      (i) =>
        `Output ${at} of the user-provided function is independent of input ${i}. This is not allowed in strict mode.`,
    )
  })
  return xs.map((x, k) => {
    const sizes = [...y.sizes, ...x.sizes]
    if (rows.length === 0) return filled(sizes, x.dtype, 0, y.storage.device)
    return reshape(stack(rows.map((row) => row[k])), sizes)
  })
}

/**
 * The Jacobian of `fn` at the inputs, of shape [...output, ...input]. For several inputs or outputs, a list for each
 * output with one Jacobian for each input.
 *
 * @example
 * autograd.functional.jacobian((x) => x.square(), tensor([1, 2]))
 * // tensor([[2., 0.],
 * //         [0., 4.]])
 */
export function jacobian<I extends Inputs, O extends Inputs>(
  fn: Fn<I, O>,
  inputs: I,
  ...options: WholeArguments<JacobianOptions>
): Like<O, Like<I, Tensor>> {
  checkCallable('jacobian', fn)
  const [createGraph, strict, vectorize, strategy] = jacobianArguments(options)
  checkStrategy(strategy, { createGraph, strict }, vectorize)
  if (strategy === 'forward-mode') return byColumns(fn, inputs)
  const xs = prepared(listed('jacobian', 'inputs', inputs), createGraph)
  const [given, ys] = enableGrad(() => evaluated('jacobian', fn as Fn<never, O>, xs, strict))
  const found = ys.map((y, i) => finished(inputs, derivatives(y, i, xs, { createGraph, strict }), createGraph))
  return (Array.isArray(given) ? found : found[0]) as Like<O, Like<I, Tensor>>
}

/**
 * The Jacobian by columns: a pass back is linear in the gradient that it begins with, so the gradient of one of its
 * elements with respect to that is a column. As in PyTorch, the result has a graph if the inputs require gradients.
 */
function byColumns<I extends Inputs, O extends Inputs>(fn: Fn<I, O>, inputs: I): Like<O, Like<I, Tensor>> {
  const keep = listed('jacobian', 'inputs', inputs).some((x) => x.requiresGrad)
  const xs = prepared(listed('jacobian', 'inputs', inputs), keep)
  const [given, ys] = enableGrad(() => evaluated('jacobian', fn as Fn<never, O>, xs, false))
  const along = ys.map(zeroLeaf)
  const columns = gradients(ys, xs, along, true).map((dx, k) => {
    const flat = dx === null ? null : enableGrad(() => reshape(dx, -1))
    return Array.from({ length: xs[k].elements }, (_, e) => {
      const found = flat === null ? null : gradients([enableGrad(() => select(flat, 0, e))], along, null, keep, true)
      return ys.map((y, i) => found?.[i] ?? zerosLike(y))
    })
  })
  const found = ys.map((y, i) => {
    const blocks = xs.map((x, k) => {
      const sizes = [...y.sizes, ...x.sizes]
      if (columns[k].length === 0) return filled(sizes, y.dtype, 0, y.storage.device)
      return reshape(
        stack(
          columns[k].map((column) => column[i]),
          -1,
        ),
        sizes,
      )
    })
    return finished(inputs, blocks, keep)
  })
  return (Array.isArray(given) ? found : found[0]) as Like<O, Like<I, Tensor>>
}

/** The result of a function whose second derivative is wanted: a tensor with one element. */
function single(name: string, given: unknown, ys: readonly Tensor[]): Tensor {
  if (Array.isArray(given)) throw new RuntimeError(`The function given to ${name} should return a single Tensor`)
  if (ys[0].elements === 1) return ys[0]
  throw new RuntimeError(`The Tensor returned by the function given to ${name} should contain a single element`)
}

/** Throws with `strict` if a first derivative is missing, or is a constant. */
function checkJacobian(found: readonly (Tensor | null)[], strict: boolean): void {
  if (!strict) return
  found.forEach((dx, i) => {
    if (dx === null) refuse(independent(i))
    if (dx.requiresGrad) return
    refuse(
      `While computing the hessian, found that the jacobian of the user-provided function with respect to input ${i} is independent of the input. This is not allowed in strict mode. You should ensure that your function is twice differentiable and that the jacobian depends on the inputs (this would be violated by a linear function for example).`,
    )
  })
}

/**
 * The Hessian of a function with one element, of shape [...input, ...input]; a list of lists for several inputs.
 *
 * @example
 * autograd.functional.hessian((x) => x.pow(3).sum(), tensor([1, 2]))
 * // tensor([[ 6.,  0.],
 * //         [ 0., 12.]])
 */
export function hessian<I extends Inputs>(
  fn: Fn<I, Tensor>,
  inputs: I,
  ...options: WholeArguments<HessianOptions>
): Like<I, Like<I, Tensor>> {
  checkCallable('hessian', fn)
  const [createGraph, strict, vectorize, strategy] = hessianArguments(options)
  listed('hessian', 'inputs', inputs)
  if (strategy !== 'forward-mode' && strategy !== 'reverse-mode')
    throw new AssertionError('Expected strategy to be either "forward-mode" or "reverse-mode".')
  const gradient = (...xs: readonly Tensor[]): Inputs => {
    const [given, ys] = evaluated('hessian', fn as Fn<never, Tensor>, xs, strict)
    const y = single('hessian', given, ys)
    const found = filledIn(gradients([y], xs, null, true), xs, { createGraph: true, strict: false }, 'jacobian', String)
    checkJacobian(found, strict)
    return Array.isArray(inputs) ? found : found[0]
  }
  return jacobian(gradient as Fn<I, Inputs>, inputs, { createGraph, strict, vectorize, strategy }) as Like<
    I,
    Like<I, Tensor>
  >
}

/**
 * The product of a vector with the Jacobian of `fn`: its outputs, and their gradients begun with `v`, which has the
 * outputs' shapes. `v` may be left out for one output with one element.
 *
 * @example
 * const [y, dx] = autograd.functional.vjp((x) => x.square(), tensor([1, 2]), tensor([1, 10]))
 * dx // tensor([ 2., 40.])
 */
export function vjp<I extends Inputs, O extends Inputs>(
  fn: Fn<I, O>,
  inputs: I,
  ...more: ProductArguments<Inputs>
): [outputs: Like<O, Tensor>, vjp: Like<I, Tensor>] {
  checkCallable('vjp', fn)
  const [v, createGraph, strict] = vjpArguments(more)
  const xs = prepared(listed('vjp', 'inputs', inputs), createGraph)
  const [given, ys] = enableGrad(() => evaluated('vjp', fn as Fn<never, O>, xs, strict))
  const seeds = vector(v, given, createGraph, 'the user-provided function returns')
  const found = filledIn(gradients(ys, xs, seeds, createGraph), xs, { createGraph, strict }, 'jacobian', independent)
  return [finished(given, ys, createGraph), finished(inputs, found, createGraph)]
}
const independent = (i: number): string =>
  `The output of the user-provided function is independent of input ${i}. This is not allowed in strict mode.`

/**
 * The product of the Jacobian of `fn` with a vector: its outputs, and their change as the inputs move along `v`, which
 * has the inputs' shapes. `v` may be left out for one input with one element.
 *
 * @example
 * const [y, dy] = autograd.functional.jvp((x) => x.square(), tensor([1, 2]), tensor([1, 10]))
 * dy // tensor([ 2., 40.])
 */
export function jvp<I extends Inputs, O extends Inputs>(
  fn: Fn<I, O>,
  inputs: I,
  ...more: ProductArguments<Inputs>
): [outputs: Like<O, Tensor>, jvp: Like<O, Tensor>] {
  checkCallable('jvp', fn)
  const [v, createGraph, strict] = jvpArguments(more)
  const xs = prepared(listed('jvp', 'inputs', inputs), createGraph)
  const seeds = vector(v, like(inputs, xs), createGraph, givenInput)
  const [given, ys] = enableGrad(() => evaluated('jvp', fn as Fn<never, O>, xs, strict))
  const along = ys.map(zeroLeaf)
  const dxs = gradients(ys, xs, along, true)
  if (strict) {
    dxs.forEach((dx, i) => {
      if (dx === null) refuse(independent(i))
      if (dx.requiresGrad) return
      refuse(
        `The gradient with respect to input ${i} is independent of the inputs of the user-provided function. This is not allowed in strict mode.`,
      )
    })
  }
  const found = filledIn(
    backFrom(dxs, along, seeds, createGraph),
    ys,
    { createGraph, strict },
    'jacobian',
    (i) =>
      `The gradient with respect to the input is independent of entry ${i} in the grad_outputs when using the double backward trick to compute forward mode gradients. This is not allowed in strict mode.`,
  )
  return [finished(given, ys, createGraph), finished(given, found, createGraph)]
}

/** Gradients of gradients, where a missing one counts as zero. */
function backFrom(
  dxs: readonly (Tensor | null)[],
  along: readonly Tensor[],
  seeds: readonly Tensor[] | null,
  createGraph: boolean,
): readonly (Tensor | null)[] {
  const from = dxs.flatMap((dx, i) => (dx === null ? [] : [{ dx, seed: seeds === null ? null : seeds[i] }]))
  return gradients(
    from.map(({ dx }) => dx),
    along,
    from.map(({ seed }) => seed),
    createGraph,
  )
}

/** The list, or its one tensor, as it was given. */
const like = (given: Inputs, xs: readonly Tensor[]): Inputs => (Array.isArray(given) ? xs : xs[0])

/** What products with a Hessian begin with: the vector, the function's result, and its gradients, with a graph. */
function twice(
  name: string,
  fn: Fn<never, Tensor>,
  inputs: Inputs,
  v: Inputs | null,
  options: Required<FunctionalOptions>,
) {
  const { createGraph, strict } = options
  const xs = prepared(listed(name, 'inputs', inputs), createGraph)
  const seeds = vector(v, like(inputs, xs), createGraph, givenInput)
  const y = enableGrad(() => single(name, ...evaluated(name, fn, xs, strict)))
  const dxs = gradients([y], xs, null, true)
  checkJacobian(dxs, strict)
  return { xs, seeds, y, dxs }
}

/**
 * The product of a vector with the Hessian of a function with one element: its result, and the product. `v` has the
 * inputs' shapes; it may be left out for one input with one element. Cheaper than `hvp`, and equal to it where the
 * Hessian is continuous, because it is symmetric there.
 *
 * @example
 * autograd.functional.vhp((x) => x.pow(3).sum(), tensor([1, 2]), tensor([1, 10]))[1] // tensor([  6., 120.])
 */
export function vhp<I extends Inputs>(
  fn: Fn<I, Tensor>,
  inputs: I,
  ...more: ProductArguments<Inputs>
): [output: Tensor, vhp: Like<I, Tensor>] {
  checkCallable('vhp', fn)
  const [v, createGraph, strict] = vhpArguments(more)
  const { xs, seeds, y, dxs } = twice('vhp', fn as Fn<never, Tensor>, inputs, v, { createGraph, strict })
  const found = filledIn(
    backFrom(dxs, xs, seeds, createGraph),
    xs,
    { createGraph, strict },
    'hessian',
    (i) =>
      `The jacobian of the user-provided function is independent of input ${i}. This is not allowed in strict mode.`,
  )
  return [finished(y, [y], createGraph), finished(inputs, found, createGraph)]
}

/**
 * The product of the Hessian of a function with one element with a vector: its result, and the product. `v` has the
 * inputs' shapes; it may be left out for one input with one element.
 *
 * @example
 * autograd.functional.hvp((x) => x.pow(3).sum(), tensor([1, 2]), tensor([1, 10]))[1] // tensor([  6., 120.])
 */
export function hvp<I extends Inputs>(
  fn: Fn<I, Tensor>,
  inputs: I,
  ...more: ProductArguments<Inputs>
): [output: Tensor, hvp: Like<I, Tensor>] {
  checkCallable('hvp', fn)
  const [v, createGraph, strict] = hvpArguments(more)
  const { xs, seeds, y, dxs } = twice('hvp', fn as Fn<never, Tensor>, inputs, v, { createGraph, strict })
  const along = xs.map(zeroLeaf)
  const back = backFrom(dxs, xs, along, true)
  const found = filledIn(
    backFrom(back, along, seeds, createGraph),
    xs,
    { createGraph, strict },
    'hessian',
    (i) =>
      `The hessian of the user-provided function is independent of entry ${i} in the grad_jacobian. This is not allowed in strict mode as it prevents from using the double backward trick to replace forward mode AD.`,
  )
  return [finished(y, [y], createGraph), finished(inputs, found, createGraph)]
}
