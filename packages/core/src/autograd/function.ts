// Custom functions with a user-defined gradient: a class with static `forward` and `backward`, called through its
// `apply`. The forward pass is not recorded; the backward pass consists of ops, so it can be differentiated again.
import type { Spec } from '../backend/backend.ts'
import { checkSwitch } from '../base/callable.ts'
import { isFloat } from '../base/dtype.ts'
import { NotImplementedError, RuntimeError, TypeError } from '../base/errors.ts'
import { type Shape, shapeString } from '../base/shape.ts'
import { typeName } from '../base/python.ts'
import { sumTo } from '../ops/define/elementwise.ts'
import { filled, toDType } from '../ops/define/fill.ts'
import { connected } from '../tensor/graph.ts'
import { recordWrite } from '../tensor/in-place.ts'
import { mode, noGrad } from '../tensor/mode.ts'
import type { Node } from '../tensor/node.ts'
import { type Gradients, Num, type OpDef, type Vjp } from '../tensor/op.ts'
import { isTensor } from '../tensor/signature.ts'
import { asUser } from '../tensor/temporaries.ts'
import { detached, type Tensor, type ViewOf } from '../tensor/tensor.ts'
import { keep } from './collect.ts'

type Returned = Tensor | null | undefined | readonly (Tensor | null | undefined)[]

/** The context that `forward` and `backward` of a custom function share: saved tensors, and any other properties. */
export class FunctionCtx {
  [attribute: string]: unknown
  /** For each argument of `forward`, whether it is a tensor that requires a gradient. */
  readonly needsInputGrad: readonly boolean[]
  toSave: readonly (Tensor | null)[] = []
  dirtyTensors: readonly Tensor[] = []
  nonDifferentiable: readonly Tensor[] = []
  materializeGrads = true
  node: Node | null = null

  constructor(needsInputGrad: readonly boolean[]) {
    this.needsInputGrad = needsInputGrad
  }

  /** Saves tensors for `backward`, which throws if one of them was written to in between. */
  saveForBackward(...tensors: readonly (Tensor | null)[]): void {
    tensors.forEach((x, i) => {
      if (x === null || isTensor(x)) return
      throw new TypeError(`save_for_backward can only save variables, but argument ${i} is of type ${typeName(x)}`)
    })
    this.toSave = tensors
  }

  /** The tensors that `saveForBackward` saved. */
  get savedTensors(): readonly Tensor[] {
    const { node } = this
    if (node === null) return this.toSave as readonly Tensor[]
    node.checkSaved()
    const [from, { length }] = [savedFrom(node), node.saved ?? []]
    const values = Array.from({ length: Math.max(length - from, 0) }, (_, i) => node.saved?.[from + i])
    return values.map((x, i) => (x === undefined ? null : node.savedAt(from + i)) as Tensor)
  }

  /** Declares outputs that have no gradient. */
  markNonDifferentiable(...outputs: readonly Tensor[]): void {
    const wrong = outputs.findIndex((x) => !isTensor(x))
    if (wrong >= 0)
      throw new RuntimeError(
        `mark_non_differentiable only accepts variable arguments, but got ${typeName(outputs[wrong])}`,
      )
    this.nonDifferentiable = outputs
  }

  /** Declares arguments that `forward` has overwritten; each must be among its results. */
  markDirty(...inputs: readonly Tensor[]): void {
    const wrong = inputs.findIndex((x) => !isTensor(x))
    if (wrong >= 0)
      throw new RuntimeError(
        `mark_dirty can only accept variables, but argument ${wrong} is of type ${typeName(inputs[wrong])}`,
      )
    this.dirtyTensors = inputs
  }

  /** With false, `backward` gets null instead of zeros for outputs that no gradient reaches. */
  setMaterializeGrads(materialize: boolean): void {
    checkSwitch('materialize_grads', materialize)
    this.materializeGrads = materialize
  }
}

/** The static side of a custom function. */
interface FunctionClass<A extends readonly unknown[], R> {
  readonly name: string
  forward(ctx: FunctionCtx, ...args: A): R
  backward(ctx: FunctionCtx, ...gradOutputs: Tensor[]): Returned
}

type Apply = {
  <A extends readonly unknown[], R>(this: FunctionClass<A, R>, ...args: A): R
  // biome-ignore lint/suspicious/noExplicitAny: off its class, TypeScript knows neither arguments nor results
  (this: void, ...args: any[]): any
}

/**
 * The base class of functions with a custom gradient. `forward` gets a context and the arguments; `backward` gets the
 * context and the gradients of the outputs, and returns one gradient (or null) for each argument.
 *
 * @example
 * class Square extends autograd.Function {
 *   static forward(ctx: FunctionCtx, x: Tensor) {
 *     ctx.saveForBackward(x)
 *     return x.mul(x)
 *   }
 *   static backward(ctx: FunctionCtx, dy: Tensor) {
 *     const [x] = ctx.savedTensors
 *     return dy.mul(x).mul(2)
 *   }
 * }
 * Square.apply(tensor([1, 2], { requiresGrad: true })) // tensor([1., 4.], grad_fn=<SquareBackward>)
 */
// biome-ignore lint/complexity/noStaticOnlyClass: a class to extend, as in PyTorch
export abstract class AutogradFunction {
  static forward(_ctx: FunctionCtx, ..._args: never[]): unknown {
    throw new NotImplementedError('You must implement the forward function for custom autograd.Function.')
  }

  static backward(_ctx: FunctionCtx, ..._gradOutputs: never[]): Returned {
    throw new NotImplementedError(
      'You must implement either the backward or vjp method for your custom autograd.Function to use it with backward mode AD.',
    )
  }

  /**
   * Runs `forward`; the backward pass of the result calls `backward`. It may be taken off its class: `const square =
   * Square.apply`.
   */
  declare static readonly apply: Apply
}

/** `apply` of each class, which knows its class. */
const applies = new WeakMap<object, unknown>()
Object.defineProperty(AutogradFunction, 'apply', {
  get(this: FunctionClass<readonly unknown[], unknown>) {
    let bound = applies.get(this)
    if (bound === undefined) applies.set(this, (bound = (...args: readonly unknown[]) => called(this, args)))
    return bound
  },
  configurable: true,
})

function called(fn: FunctionClass<readonly unknown[], unknown>, args: readonly unknown[]): unknown {
  const ctx = new FunctionCtx(args.map((x) => isTensor(x) && x.requiresGrad))
  const result = noGrad(() => fn.forward(ctx, ...args))
  if (!mode.grad || !ctx.needsInputGrad.includes(true)) return result
  const outputs: readonly unknown[] = Array.isArray(result) ? result : [result]
  const tied = tie(fn, ctx, args, outputs)
  return Array.isArray(result) ? tied : tied[0]
}

/** The position in a node's saved values where those of a custom function begin. */
const savedFrom = (node: Node): number => node.edges.length + node.specs.length

/** The spec of an output that is not a tensor. */
const nothing: Spec = { sizes: [], dtype: 'int32' }

/** Gives the outputs the node of the call. A tensor that existed before the call is returned as a new one. */
function tie<A extends readonly unknown[]>(
  fn: FunctionClass<A, unknown>,
  ctx: FunctionCtx,
  args: A,
  outputs: readonly unknown[],
): readonly unknown[] {
  const { dirtyTensors, nonDifferentiable, toSave } = ctx
  checkDirty(dirtyTensors, outputs)
  const devices = outputs.map((y) => (isTensor(y) ? y.storage.device : null))
  const specs = outputs.map((y): Spec => (isTensor(y) ? { sizes: y.sizes, dtype: y.dtype } : nothing))
  const op: OpDef<FunctionCtx> = {
    name: `${fn.name || 'Function'}Backward`,
    infer: () => specs,
    vjp: (call) => {
      const dys = devices.map((device, i) => {
        const dy = call.dys[i]
        if (dy !== null && dy !== undefined) return keep(dy)
        return ctx.materializeGrads && device !== null ? keep(filled(specs[i].sizes, specs[i].dtype, 0, device)) : null
      })
      return checked(
        op.name,
        call,
        args,
        asUser(() => fn.backward(ctx, ...(dys as Tensor[]))),
      )
    },
    to: { kind: 'compose', compose: () => [] },
  }
  const node = connected(
    op,
    args.map((x) => (isTensor(x) ? x : noInput)),
    ctx,
    specs,
  ) as Node
  const tied = outputs.map((y, i) => {
    if (!isTensor(y)) return y
    const old = args.includes(y) || y.node !== null || y.leafRequiresGrad
    const dirty = dirtyTensors.includes(y)
    const result = old && !(dirty && y.viewOf === null) ? detached(y) : y
    result.viewOf = null
    if (!isFloat(y.dtype) || nonDifferentiable.includes(y)) return result
    result.rebase(node, i)
    if (!dirty || result === y) return result
    recordWrite(y, result)
    // It already has a node since the last write, and needs another one now.
    ;(y.viewOf as ViewOf).version = -1
    return y
  })
  toSave.forEach((x, i) => void (x === null || node.keep(savedFrom(node) + i, x)))
  if (node.saved !== null) node.saved.length = savedFrom(node) + toSave.length
  ctx.toSave = []
  ctx.node = node
  return tied
}
const noInput = new Num(0, 'int32')

function checkDirty(dirty: readonly Tensor[], outputs: readonly unknown[]): void {
  for (const x of dirty) {
    if (!outputs.includes(x)) {
      throw new RuntimeError(
        'Some elements marked as dirty during the forward method were not returned as output. The inputs that are modified inplace must all be outputs of the Function.',
      )
    }
    if (x.viewOf === null && x.leafRequiresGrad) {
      throw new RuntimeError('a leaf Variable that requires grad has been used in an in-place operation.')
    }
    if (x.viewOf?.base.leafRequiresGrad) {
      throw new RuntimeError('a view of a leaf Variable that requires grad is being used in an in-place operation.')
    }
  }
}

/** The gradients that `backward` returned, one per argument, checked for shape and dtype. */
function checked(name: string, call: Vjp<unknown>, args: readonly unknown[], returned: Returned): Gradients {
  const gradients = Array.isArray(returned) ? [...returned] : [returned]
  const isNone = (dx: unknown): boolean => dx === null || dx === undefined
  while (gradients.length > args.length && isNone(gradients[gradients.length - 1])) gradients.pop()
  if (gradients.length !== args.length) {
    throw new RuntimeError(
      `function ${name} returned an incorrect number of gradients (expected ${args.length}, got ${gradients.length})`,
      'backward must return one gradient, or null, for each argument of forward.',
    )
  }
  return gradients.map((dx: unknown, i) => {
    if (isNone(dx)) return null
    if (!isTensor(dx)) throw new RuntimeError(`expected Variable or None (got ${typeName(dx)})`)
    if (!isTensor(args[i])) {
      throw new RuntimeError(
        `function ${name} returned a gradient different than None at position ${i + 1}, but the corresponding forward input was not a Variable`,
      )
    }
    if (!call.needs(i)) return null
    const { sizes, dtype } = call.inputSpec(i)
    if (!expands(sizes, dx.sizes)) {
      throw new RuntimeError(
        `Function ${name} returned an invalid gradient at index ${i} - got ${shapeString(dx.sizes)} but expected shape compatible with ${shapeString(sizes)}`,
      )
    }
    return toDType(sumTo(keep(dx), sizes), dtype)
  })
}

/** Whether a shape broadcasts to exactly `to`. */
const expands = (shape: Shape, to: Shape): boolean => {
  const lead = to.length - shape.length
  return lead >= 0 && shape.every((n, i) => n === 1 || n === to[lead + i])
}
