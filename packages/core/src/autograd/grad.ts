// backward() and grad(): they check their arguments and run one pass back from the outputs (walk.ts).
import { RuntimeError, TypeError } from '../base/errors.ts'
import { typeName } from '../base/python.ts'
import { sameShape, shapeString } from '../base/shape.ts'
import { warn } from '../base/warn.ts'
import { filled, toDType } from '../ops/define/fill.ts'
import { withMode } from '../tensor/mode.ts'
import type { Node } from '../tensor/node.ts'
import {
  type Takes,
  type Arguments,
  bool,
  either,
  type Kind,
  keyword,
  list as listOf,
  nullable,
  optional,
  required,
  signature,
  tensor,
  tensors,
} from '../tensor/signature.ts'
import { edgeOf, Tensor } from '../tensor/tensor.ts'
import { retainGrad } from './hooks.ts'
import { type Capture, Walk } from './walk.ts'

export interface BackwardOptions {
  /** Record the gradients' own graph, for second derivatives. */
  readonly createGraph?: boolean
  /** Keep saved values for another backward pass; by default the value of `createGraph`. */
  readonly retainGraph?: boolean
  /** Only these tensors collect gradients. */
  readonly inputs?: Tensor | readonly Tensor[]
}

export interface GradOptions {
  /** The gradients of the outputs to start from; null, or none for a scalar, means 1. */
  readonly gradOutputs?: Tensor | null | readonly (Tensor | null)[]
  readonly createGraph?: boolean
  readonly retainGraph?: boolean
  /** Return null for an input that the outputs do not depend on, instead of throwing. */
  readonly allowUnused?: boolean
}

const list = <T>(x: T | readonly T[]): readonly T[] => (Array.isArray(x) ? (x as readonly T[]) : [x as T])

/** The gradients to start from: given ones are checked, a scalar output starts with 1. */
function seedsOf(outputs: readonly Tensor[], given: readonly (Tensor | null | undefined)[]): Tensor[] {
  if (given.length > 0 && given.length !== outputs.length) {
    throw new RuntimeError(`got ${outputs.length} tensors and ${given.length} gradients`)
  }
  return outputs.map((y, i) => {
    const seed = given[i]
    if (seed instanceof Tensor && !sameShape(seed.sizes, y.sizes)) {
      throw new RuntimeError(
        `Mismatch in shape: grad_output[${i}] has a shape of torch.Size(${shapeString(seed.sizes)}) and output[${i}] has a shape of torch.Size(${shapeString(y.sizes)}).`,
      )
    }
    const node = edgeOf(y)
    if (seed instanceof Tensor && node !== null) return toDType(seed, y.dtype)
    if (node !== null && y.elements !== 1) {
      throw new RuntimeError(
        'grad can be implicitly created only for scalar outputs',
        'Reduce it first (y.sum().backward()) or pass the gradient: y.backward(ones(y.shape)).',
      )
    }
    if (node === null) {
      throw new RuntimeError(
        `element ${i} of tensors does not require grad and does not have a grad_fn`,
        'Nothing it was computed from requires a gradient, or it was computed inside noGrad or detached.',
      )
    }
    return filled(y.sizes, y.dtype, 1, y.storage.device)
  })
}

/** The nodes of the inputs, and the slots of their gradients. */
function capturesOf(inputs: readonly Tensor[]): Map<Node, Capture[]> {
  const captures = new Map<Node, Capture[]>()
  inputs.forEach((x, slot) => {
    const node = edgeOf(x)
    if (node === null) throw new RuntimeError('One of the differentiated Tensors does not require grad')
    captures.set(node, [...(captures.get(node) ?? []), { index: x.outIndex, slot }])
  })
  return captures
}

/** The nodes at which `backward` with `inputs` collects; non-leaf inputs retain their gradients. */
function collecting(inputs: readonly Tensor[]): Map<Node, Capture[]> {
  if (inputs.length === 0) throw new RuntimeError("'inputs' argument to backward() cannot be empty.")
  return new Map(inputs.map((x) => [edgeOf(retainGrad(x)) as Node, []]))
}

export const oneOrMore = /* @__PURE__ */ either(tensor, tensors)
const gradients = <T>(kind: Kind<T>): Kind<T> => ({
  ...kind,
  refuse: (value, argument) =>
    new TypeError(`gradients can be either Tensors or None, but got ${typeName(value)}`, `Check the ${argument}.`),
})
/** The gradient to start from, and those: null means 1. */
export const seed = /* @__PURE__ */ gradients(nullable(tensor))
export const seeds = /* @__PURE__ */ gradients(nullable(either(tensor, listOf(nullable(tensor)))))
const backwardArguments = signature(
  'backward',
  required('outputs', oneOrMore),
  optional('gradTensors', seeds, null),
  optional('retainGraph', nullable(bool), null),
  optional('createGraph', bool, false),
  keyword('inputs', nullable(oneOrMore), null),
)
const gradArguments = signature(
  'grad',
  required('outputs', oneOrMore),
  required('inputs', oneOrMore),
  optional('gradOutputs', seeds, null),
  optional('retainGraph', nullable(bool), null),
  optional('createGraph', bool, false),
  optional('onlyInputs', bool, true),
  optional('allowUnused', bool, false),
)

/**
 * Adds gradients to `.grad` of the leaves that `outputs` were computed from.
 *
 * An output of several elements needs a starting gradient of its shape. Values saved by gradient rules are freed, so a
 * second call throws unless `retainGraph` is true.
 *
 * @example
 * const x = tensor(3, { requiresGrad: true })
 * backward(x.mul(x))
 * x.grad // tensor(6.)
 */
export function backward(
  ...args: [
    outputs: Tensor | readonly Tensor[],
    ...Arguments<
      [gradTensors: Tensor | null | readonly (Tensor | null)[], retainGraph: boolean | null, createGraph: boolean],
      BackwardOptions & { readonly gradTensors?: Tensor | null | readonly (Tensor | null)[] }
    >,
  ]
): void {
  const [outputs, gradients, retain, createGraph, inputs] = backwardArguments(args)
  walkBack(outputs, gradients, retain, createGraph, inputs)
}

/** `backward` with arguments that have been read. */
export function walkBack(
  outputs: Tensor | readonly Tensor[],
  gradients: Tensor | null | readonly (Tensor | null)[],
  retain: boolean | null,
  createGraph: boolean,
  inputs: Tensor | readonly Tensor[] | null,
): void {
  const retainGraph = retain ?? createGraph
  const roots = list(outputs)
  const given = gradients === null ? [] : list<Tensor | null>(gradients)
  const targets = inputs === null ? null : collecting(list(inputs))
  const start = withMode('backward', { grad: createGraph }, () => seedsOf(roots, given))
  new Walk(targets, retainGraph).run(roots, start, createGraph)
}

type GradArguments<A extends readonly unknown[]> = Takes<
  [outputs: Tensor | readonly Tensor[], inputs: Tensor | readonly Tensor[]],
  'outputs inputs',
  A
>
/**
 * Returns the gradients of the outputs' sum with respect to the inputs; does not change `.grad`.
 *
 * @example
 * const x = tensor(3, { requiresGrad: true })
 * const [dx] = grad(x.pow(3), x, { createGraph: true }) // tensor(27., grad_fn=<MulBackward0>)
 * grad(dx, x) // [tensor(18.)]
 */
export function grad(...args: GradArguments<[options: GradOptions & { readonly allowUnused: true }]>): (Tensor | null)[]
export function grad(
  ...args: GradArguments<
    Arguments<
      [gradOutputs: Tensor | null | readonly (Tensor | null)[], retainGraph: boolean | null, createGraph: boolean],
      GradOptions
    >
  >
): Tensor[]
export function grad(...args: readonly unknown[]): (Tensor | null)[] {
  const [outputs, inputs, gradOutputs, retain, createGraph, onlyInputs, allowUnused] = gradArguments(args)
  if (!onlyInputs) warn('only_inputs argument is deprecated and is ignored now (defaults to True)')
  const retainGraph = retain ?? createGraph
  const roots = list(outputs)
  const wanted = list(inputs)
  const given = gradOutputs === null ? [] : list<Tensor | null>(gradOutputs)
  const start = withMode('grad', { grad: createGraph }, () => seedsOf(roots, given))
  const found = new Walk(capturesOf(wanted), retainGraph).run(roots, start, createGraph)
  return wanted.map((_, i) => {
    const dx = found[i] ?? null
    if (dx === null && !allowUnused) {
      throw new RuntimeError(
        'One of the differentiated Tensors appears to not have been used in the graph. Set allow_unused=True if this is the desired behavior.',
        'In TypeScript: grad(y, x, { allowUnused: true }) gives null for it.',
      )
    }
    return dx
  })
}
