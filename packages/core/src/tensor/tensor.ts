// Tensor as data: a layout over a storage, its place in the autograd graph, and nothing that computes. Operations are
// functions in ops/; their methods are derived from that table (ops/methods.ts). Reading is in read.ts.
/// <reference lib="esnext.disposable" preserve="true" />
import { inspect } from '../base/inspect.ts'
import type { DeviceBuffer } from '../backend/backend.ts'
import { type DType, dtypeName, isFloat } from '../base/dtype.ts'
import { checkSwitch } from '../base/callable.ts'
import { RuntimeError, TypeError } from '../base/errors.ts'
import { toFloat } from '../base/remedies.ts'
import { isContiguous } from '../base/layout.ts'
import { typeName } from '../base/python.ts'
import { dimIn, frozen, numelOf, sameShape, type Shape, shapeString } from '../base/shape.ts'
import type { Storage } from './device.ts'
import { assign, effects, noted } from './effects.ts'
import { mode } from './mode.ts'
import { accumulator, type Hook, Node } from './node.ts'
import type { OpDef } from './op.ts'
import { formatSize } from './print.ts'

/** What a view remembers, so that its node can be recomputed after a write to its base. */
export interface ViewOf {
  /** The tensor at the root of all views of this memory. */
  readonly base: Tensor
  /** The tensor, base or view, that this is a view of. */
  readonly parent: Tensor
  readonly op: OpDef<unknown>
  readonly attrs: unknown
  /**
   * Whether a node can be derived: not for a view created inside noGrad, which has none, nor for one of a tensor that
   * got another shape in place since.
   */
  tracked: boolean
  /** The storage's version at which the view's node was computed. */
  version: number
}

/** Tensors that got another shape in place, and the version of their memory then. */
const reshaped = new WeakMap<Tensor, number>()
export const wasReshaped = (x: Tensor): void => void reshaped.set(x, x.storage.version)
/** Whether autograd cannot tell any more where a view lies in its base. */
export function isLost(view: ViewOf): boolean {
  if (!view.tracked) return true
  for (let at: ViewOf | null = view; at !== null; at = at.parent.viewOf)
    if ((reshaped.get(at.parent) ?? -1) > at.version) return true
  return false
}

/** PyTorch's `torch.Size`: an array of sizes with its printed form. */
export class Size extends Array<number> {
  /** The number of elements of a tensor of these sizes. */
  numel(): number {
    return numelOf(this)
  }
  override toString(): string {
    return formatSize(this)
  }
  [Symbol.for(inspect)](): string {
    return this.toString()
  }
}

/** A multidimensional array of numbers on a device: a view of a storage, and a node or leaf of the autograd graph. */
export class Tensor {
  /** The memory of this tensor, which views share. */
  readonly storage: Storage
  /** The size of every dimension, in the array that flambeau itself reads; programs read `shape`, which is frozen. */
  readonly sizes: Shape
  /** The distance between neighbours in every dimension, in elements; programs read `stride()`. */
  readonly strides: readonly number[]
  /** The position of the first element in the storage. */
  readonly offset: number
  /** The element type. */
  readonly dtype: DType
  /** The number of elements; `numel()`. */
  readonly elements: number
  /**
   * The operation that created it, null for leaves. Use `gradFn`, which is also right after writes to a view's base.
   */
  node: Node | null = null
  /** Its index among the node's outputs. */
  outIndex = 0
  /** For a view: its base and op. */
  viewOf: ViewOf | null = null
  /** For a leaf: the node that collects its gradient. */
  accumulator: Node | null = null
  /** The value of `grad`; a separate property, so that setting `grad` in a recorded step is noticed. */
  collected: Tensor | null = null
  /** Whether this leaf collects a gradient. */
  leafRequiresGrad = false
  /** The hook of `retainGrad`. */
  retained: Hook | null = null
  /** A tensor is not a wrapped number; see Num. An own property, so that V8 finds it at once. */
  readonly wrapped = false

  constructor(storage: Storage, shape: Shape, strides: readonly number[], offset: number, dtype: DType) {
    this.storage = storage
    this.sizes = shape
    this.strides = strides
    this.offset = offset
    this.dtype = dtype
    this.elements = numelOf(shape)
  }

  /**
   * The gradient that backward() collected. You may set another one, or null.
   *
   * Throws a TypeError for a value that is not a tensor, and a RuntimeError for a tensor of another shape, dtype or
   * device.
   */
  get grad(): Tensor | null {
    if (effects.sink !== null) effects.sink.looks.readsGradient(this)
    return this.collected
  }

  set grad(value: Tensor | null) {
    if (value !== null && value !== undefined) checkGradient(this, value)
    this.collect(value ?? null)
  }

  /** Sets the gradient to one that is known to be valid. */
  collect(gradient: Tensor | null): void {
    if (effects.sink !== null) effects.sink.looks.setsGradient(this)
    if (effects.scope !== null) effects.scope.changed(this)
    this.collected = gradient
  }

  /** The handle of its memory. */
  get buffer(): DeviceBuffer {
    return this.storage.buffer
  }

  /** The handle, or null if the memory was freed. */
  get memory(): DeviceBuffer | null {
    return this.storage.memory
  }

  /** The device's name. */
  get device(): string {
    return this.storage.device.name
  }

  /**
   * Frees the memory of this tensor and of all its views at once. A later use of one of them throws, also in a backward
   * pass. This is optional, because memory that no tensor holds is reclaimed eventually. With `using x = ...` it is
   * called at the end of the block.
   *
   * Throws a RuntimeError inside a compiled step for a tensor created outside it.
   *
   * @example
   * const x = ones(1000, 1000)
   * const total = x.sum()
   * x.dispose()
   */
  dispose(): void {
    this.storage.free(disposed)
  }

  /** `dispose` for runtimes that support `using`. */
  declare [Symbol.dispose]: () => void

  /** The number of writes to this memory so far; autograd compares it with the number when it saved a value. */
  get version(): number {
    return this.storage.version
  }

  /**
   * The operation that created it, null for leaves. A view whose base was written to since gets a new one here; a view
   * created inside `noGrad` cannot, and throws a RuntimeError if its base has one.
   */
  get gradFn(): Node | null {
    const { viewOf: view } = this
    if (view !== null && view.version !== this.storage.version) this.#derive()
    return this.node
  }

  /** Computes the nodes of a view, and of the views in between, from that of the base. */
  #derive(): void {
    const stale: Tensor[] = []
    for (let x: Tensor = this; x.viewOf !== null && x.viewOf.version !== x.storage.version; x = x.viewOf.parent)
      stale.push(x)
    for (const x of stale.reverse()) {
      const view = x.viewOf as ViewOf
      const { parent, op, attrs } = view
      const edge = edgeOf(parent)
      view.tracked = !isLost(view)
      if (edge !== null && !view.tracked) throw untracked('its base or another view of its base has been')
      view.version = x.storage.version
      if (x.node !== null && x.node.op === op && x.node.edges[0] === edge) continue
      const indices = parent.outIndex === 0 ? null : [parent.outIndex]
      x.rebase(edge === null ? null : new Node(op, attrs, [x], [edge], indices, 1), 0)
    }
  }

  /** Replaces its node; a retained gradient is then that of the new node. */
  rebase(node: Node | null, index: number): void {
    if (effects.scope !== null) effects.scope.changed(this)
    const { retained } = this
    if (retained !== null) {
      this.node?.removeHook(retained)
      this.retained = node === null ? null : { index, fn: retained.fn }
      if (this.retained !== null) node?.addHook(this.retained)
    }
    this.node = node
    this.outIndex = index
  }

  /** Whether backward stores the gradient of this tensor although it is not a leaf. */
  get retainsGrad(): boolean {
    return this.retained !== null
  }

  /** Whether it, or its base, was created in `inferenceMode`. */
  get inference(): boolean {
    return this.storage.inference
  }

  /** Whether it was created in `inferenceMode`, so that it can take no part in autograd. */
  isInference(): boolean {
    return this.storage.inference
  }

  /**
   * Whether a gradient flows here: true for a leaf that collects a gradient, and for a result computed from one. A view
   * created inside `noGrad` returns its base's value, although nothing flows through it. Setting it changes a leaf.
   */
  get requiresGrad(): boolean {
    if (noted(this, 'leafRequiresGrad') || this.node !== null) return true
    return this.viewOf?.base.requiresGrad ?? false
  }

  set requiresGrad(value: boolean) {
    if (value && !isFloat(this.dtype)) {
      throw new RuntimeError('only Tensors of floating point and complex dtype can require gradients', toFloat)
    }
    this.setRequiresGrad(value)
  }

  /** Whether it is a leaf: created by the user, or without recording. */
  get isLeaf(): boolean {
    return this.gradFn === null
  }

  /** Sets whether a leaf collects a gradient; throws a RuntimeError for an integer tensor, and for a non-leaf. */
  setRequiresGrad(value: boolean): this {
    checkSwitch('requires_grad', value)
    if (value && !isFloat(this.dtype)) {
      throw new RuntimeError('only Tensors of floating point dtype can require gradients', toFloat)
    }
    if (this.gradFn !== null) {
      if (value) return this
      throw new RuntimeError(
        "you can only change requires_grad flags of leaf variables. If you want to use a computed variable in a subgraph that doesn't require differentiation use var_no_grad = var.detach().",
      )
    }
    if (value && this.inference && !mode.inference) {
      throw new RuntimeError('Setting requires_grad=True on inference tensor outside InferenceMode is not allowed.')
    }
    if (effects.sink?.looks.isOutside(this) === true) assign(this, 'leafRequiresGrad', value)
    else this.leafRequiresGrad = value
    return this
  }

  /**
   * The size of every dimension. The array is frozen, and tensors of one shape may share it.
   *
   * @example
   * ones(2, 3).shape // [2, 3]
   */
  get shape(): Shape {
    return frozen(this.sizes)
  }

  /** The number of dimensions. */
  dim(): number {
    return this.sizes.length
  }

  /** The number of dimensions. */
  get ndim(): number {
    return this.sizes.length
  }

  /** The number of elements. */
  numel(): number {
    return this.elements
  }

  /** The `torch.Size` of all dimensions, or the size of one. */
  size(): Size
  size(dim: number): number
  size(dim?: number): Size | number {
    if (dim !== undefined) return this.sizes[dimIn(this.sizes, dim)]
    const size = new Size(this.sizes.length)
    this.sizes.forEach((n, i) => void (size[i] = n))
    return size
  }

  /** The distance between neighbours in elements, for all dimensions or for one. */
  stride(): readonly number[]
  stride(dim: number): number
  stride(dim?: number): readonly number[] | number {
    return dim === undefined ? frozen(this.strides) : this.strides[dimIn(this.sizes, dim)]
  }

  /** Whether the elements are in row-major order without gaps. */
  isContiguous(): boolean {
    return isContiguous(this)
  }

  /** Whether its dtype is float32 or float64. */
  isFloatingPoint(): boolean {
    return isFloat(this.dtype)
  }
}

if (Symbol.dispose !== undefined)
  Object.defineProperty(Tensor.prototype, Symbol.dispose, {
    value: Tensor.prototype.dispose,
    writable: true,
    configurable: true,
  })

const disposed = (): never => {
  throw new RuntimeError(
    'a tensor is used after dispose(): its memory was freed',
    'All views of a tensor share its memory: dispose of it after the last use of any of them, or clone() the one to keep.',
  )
}

/** PyTorch's errors for invalid gradients of a tensor. */
function checkGradient(x: Tensor, gradient: unknown): void {
  if (!(gradient instanceof Tensor)) {
    throw new TypeError(
      `assigned grad expected to be a Tensor or None but got grad of type${typeName(gradient)}`,
      'Set a tensor, or null for no gradient.',
    )
  }
  if (gradient === x) throw new RuntimeError("can't assign Variable as its own grad", 'Set a copy: x.detach().clone().')
  if (gradient.dtype !== x.dtype) {
    throw new RuntimeError(
      'assigned grad has data of a different type',
      `The tensor is ${x.dtype}, the gradient ${gradient.dtype}: convert it, gradient.to('${x.dtype}').`,
    )
  }
  if (gradient.storage.device !== x.storage.device) {
    throw new RuntimeError(
      'assigned grad has data located on a different device',
      `The tensor is on ${x.device}, the gradient on ${gradient.device}: move it, gradient.to('${x.device}').`,
    )
  }
  if (!sameShape(gradient.sizes, x.sizes)) {
    throw new RuntimeError(
      'assigned grad has data of a different size',
      `The tensor has the shape ${shapeString(x.sizes)}, the gradient ${shapeString(gradient.sizes)}.`,
    )
  }
}

/** The error of a write that would have to follow a view created inside noGrad. */
export const untracked = (what: string): RuntimeError =>
  new RuntimeError(
    `A view was created in no_grad mode and ${what} modified inplace with grad mode enabled. Given that this use case is ambiguous and error-prone, it is forbidden. You can clarify your code by moving both the view and the inplace either both inside the no_grad block (if you don't want the inplace to be tracked) or both outside (if you want the inplace to be tracked).`,
    'If the shape of its base was changed in place, by t_() for example, take the view after that.',
  )

/** Throws if the memory was freed, before anything reads the buffer. */
export function checkAlive({ storage }: Tensor): void {
  // Reading the buffer of a freed storage throws.
  if (storage.freed) void storage.buffer
}

/** The same elements as a new tensor without history, which is not a view for autograd. */
export const detached = (x: Tensor): Tensor => new Tensor(x.storage, x.sizes, x.strides, x.offset, x.dtype)

/** The node through which a gradient reaches `t`: its own, a leaf's accumulator, or null. */
export function edgeOf(t: Tensor): Node | null {
  const node = t.viewOf === null ? t.node : t.gradFn
  if (node !== null) return node
  return t.leafRequiresGrad ? accumulator(t) : null
}

/** The name of a value's type in messages, like `torch.typename`. */
export const kindOf = (x: unknown): string => (x instanceof Tensor ? `torch.${dtypeName[x.dtype]}Tensor` : typeName(x))
