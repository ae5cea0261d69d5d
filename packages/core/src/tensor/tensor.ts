// Tensor as data: a layout over a storage, its place in the autograd graph, and nothing that computes. Operations are
// functions in ops/; their methods are derived from that table (ops/methods.ts).
/// <reference lib="esnext.disposable" preserve="true" />
import type { DeviceBuffer } from '../backend/backend.ts'
import { toBase64 } from '../base/base64.ts'
import { type DType, dtypeName, isFloat, newArray, type TypedArray } from '../base/dtype.ts'
import { checkSwitch } from '../base/callable.ts'
import { RuntimeError, TypeError } from '../base/errors.ts'
import { isContiguous } from '../base/layout.ts'
import { typeName } from '../base/python.ts'
import { frozen, normalizeDim, numelOf, sameShape, type Shape, shapeString } from '../base/shape.ts'
import type { Storage } from './device.ts'
import { assign, effects, noted } from './effects.ts'
import { mode } from './mode.ts'
import { accumulator, type Hook, Node } from './node.ts'
import type { OpDef } from './op.ts'
import { formatSize } from './print.ts'
import { tensorText } from './text.ts'

/** What a view remembers, to derive its node anew after its base was written to. */
export interface ViewOf {
  /** The tensor at the root of all views of this memory. */
  readonly base: Tensor
  /** The tensor, base or view, that this is a view of. */
  readonly parent: Tensor
  readonly op: OpDef<unknown>
  readonly attrs: unknown
  /** Made while recording: one made inside noGrad has no node, and none can be derived. */
  readonly tracked: boolean
  /** The storage's version at which the view's node was derived. */
  version: number
}

/** PyTorch's `torch.Size`: an array of sizes that prints as one. */
export class Size extends Array<number> {
  override toString(): string {
    return formatSize(this)
  }
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString()
  }
}

/** Numbers in a shape, on a device: a view of a storage, and a node or a leaf of the graph that gradients go back through. */
export class Tensor {
  /** The memory that this tensor shows, which views share. */
  readonly storage: Storage
  /** The size of every dimension, in the array that flambeau itself reads; a program reads `shape`, which is frozen. */
  readonly sizes: Shape
  /** How many elements of the storage lie between neighbours, for every dimension; a program reads `stride()`. */
  readonly strides: readonly number[]
  /** Where in the storage the first element is. */
  readonly offset: number
  /** What the elements are. */
  readonly dtype: DType
  /** How many elements there are; `numel()`. */
  readonly elements: number
  /** The operation that made it, null for leaves. Use `gradFn`, which is right after writes to a view's base too. */
  node: Node | null = null
  /** Which of the node's outputs this is. */
  outIndex = 0
  /** Of a view: what it shows, and how. */
  viewOf: ViewOf | null = null
  /** Of a leaf: the node that collects its gradient. */
  accumulator: Node | null = null
  /** What `grad` gives; a property of its own, so that setting it in a recorded step is noticed. */
  collected: Tensor | null = null
  /** Whether this leaf collects a gradient. */
  leafRequiresGrad = false
  /** The hook by which `retainGrad` keeps the gradient. */
  retained: Hook | null = null
  /** A tensor is no wrapped number; see Num. A property of its own, so that V8 finds it at once. */
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
   * The gradient that backward() collected. Another one may be set, or null.
   *
   * Throws a TypeError for what is no tensor, a RuntimeError for one of another shape, dtype or device.
   */
  get grad(): Tensor | null {
    if (effects.sink !== null) effects.sink.looks.readsGradient(this)
    return this.collected
  }

  set grad(value: Tensor | null) {
    if (value !== null && value !== undefined) checkGradient(this, value)
    this.collect(value ?? null)
  }

  /** Sets the gradient to what is known to be one. */
  collect(gradient: Tensor | null): void {
    if (effects.sink !== null) effects.sink.looks.setsGradient(this)
    if (effects.scope !== null) effects.scope.changed(this)
    this.collected = gradient
  }

  /** The handle of the memory behind it. */
  get buffer(): DeviceBuffer {
    return this.storage.buffer
  }

  /** The handle, or null once the memory was given back. */
  get memory(): DeviceBuffer | null {
    return this.storage.memory
  }

  /** The device's name. */
  get device(): string {
    return this.storage.device.name
  }

  /**
   * Frees the memory of this tensor and of all views of it at once; who uses one of them afterwards gets an error, a
   * backward that needs it too. Nobody has to: memory that no tensor holds is freed in time. With `using x = ...` it is
   * called at the end of the block.
   *
   * Throws a RuntimeError inside a compiled step for a tensor that was made outside of it.
   *
   * @example
   * const x = ones(1000, 1000)
   * const total = x.sum()
   * x.dispose()
   */
  dispose(): void {
    this.storage.free(disposed)
  }

  /** `dispose`, where the runtime knows `using`. */
  declare [Symbol.dispose]: () => void

  /** Writes to this memory so far; autograd compares it with what it saw. */
  get version(): number {
    return this.storage.version
  }

  /**
   * The operation that made it, null for leaves. A view whose base was written to since gets a new one here; one that was
   * made inside `noGrad` can get none, and throws a RuntimeError where its base has one.
   */
  get gradFn(): Node | null {
    const { viewOf: view } = this
    if (view !== null && view.version !== this.storage.version) this.#derive()
    return this.node
  }

  /** The node of a view, and of the views that it is a view of, from those of the base. */
  #derive(): void {
    const stale: Tensor[] = []
    for (let x: Tensor = this; x.viewOf !== null && x.viewOf.version !== x.storage.version; x = x.viewOf.parent)
      stale.push(x)
    for (const x of stale.reverse()) {
      const view = x.viewOf as ViewOf
      const { parent, op, attrs } = view
      const edge = edgeOf(parent)
      if (edge !== null && !view.tracked) throw untracked('its base or another view of its base has been')
      view.version = x.storage.version
      if (x.node !== null && x.node.op === op && x.node.edges[0] === edge) continue
      const indices = parent.outIndex === 0 ? null : [parent.outIndex]
      x.rebase(edge === null ? null : new Node(op, attrs, [x], [edge], indices, 1), 0)
    }
  }

  /** Puts another node in the place of the one it has; a gradient that is retained is that of the new one. */
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

  /** Whether backward keeps the gradient of this tensor though it is not a leaf. */
  get retainsGrad(): boolean {
    return this.retained !== null
  }

  /** Made in `inferenceMode`, or a view of what was. */
  get inference(): boolean {
    return this.storage.inference
  }

  /** Whether it was made in `inferenceMode`: it can take no part in autograd. */
  isInference(): boolean {
    return this.storage.inference
  }

  /**
   * Whether backward comes here: a leaf that collects a gradient, or a result of such. A view made inside `noGrad` says
   * what its base does, though nothing flows through it. Setting it switches a leaf.
   */
  get requiresGrad(): boolean {
    if (noted(this, 'leafRequiresGrad') || this.node !== null) return true
    return this.viewOf?.base.requiresGrad ?? false
  }

  set requiresGrad(value: boolean) {
    if (value && !isFloat(this.dtype)) {
      throw new RuntimeError('only Tensors of floating point and complex dtype can require gradients', floatFirst)
    }
    this.setRequiresGrad(value)
  }

  /** No operation recorded it: made by the user, or outside of recording. */
  get isLeaf(): boolean {
    return this.gradFn === null
  }

  /** Says whether a leaf collects a gradient; throws a RuntimeError for whole numbers, and for a result. */
  setRequiresGrad(value: boolean): this {
    checkSwitch('requires_grad', value)
    if (value && !isFloat(this.dtype)) {
      throw new RuntimeError('only Tensors of floating point dtype can require gradients', floatFirst)
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

  /** `torch.Size` of all dimensions, or the size of one. */
  size(): Size
  size(dim: number): number
  size(dim?: number): Size | number {
    if (dim !== undefined) return this.sizes[normalizeDim(dim, this.sizes.length)]
    const size = new Size(this.sizes.length)
    this.sizes.forEach((n, i) => void (size[i] = n))
    return size
  }

  /** Elements between neighbours, of all dimensions or of one. */
  stride(): readonly number[]
  stride(dim: number): number
  stride(dim?: number): readonly number[] | number {
    return dim === undefined ? frozen(this.strides) : this.strides[normalizeDim(dim, this.sizes.length)]
  }

  /** Whether the elements lie in row-major order without gaps. */
  isContiguous(): boolean {
    return isContiguous(this)
  }

  /** Whether it is float32 or float64. */
  isFloatingPoint(): boolean {
    return isFloat(this.dtype)
  }

  /** The elements in row-major order: a copy, as the typed array of the dtype. */
  toArray(): TypedArray {
    this.#checkExport('toArray')
    return this.#read()
  }

  #read(): TypedArray {
    if (this.elements === 0) return newArray(this.dtype, 0)
    return this.storage.device.backend.readSync(this)
  }

  /** Elements leave the graph: nothing that is done with them has a gradient. */
  #checkExport(method: string): void {
    effects.sink?.refuse(`${method}()`)
    if (!mode.grad || !this.requiresGrad) return
    throw new RuntimeError(
      "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.",
      `In TypeScript: x.detach().${method}().`,
    )
  }

  /** As `toArray`, on devices that cannot be read synchronously too. */
  async toArrayAsync(): Promise<TypedArray> {
    this.#checkExport('toArrayAsync')
    if (this.elements === 0) return newArray(this.dtype, 0)
    return await this.storage.device.backend.read(this)
  }

  /** The number in a tensor of one element. */
  item(): number {
    effects.sink?.refuse('item()')
    this.#checkItem()
    return this.storage.device.backend.readSync(this)[0]
  }

  /** As `item`, on devices that cannot be read synchronously too. */
  async itemAsync(): Promise<number> {
    effects.sink?.refuse('itemAsync()')
    this.#checkItem()
    return (await this.storage.device.backend.read(this))[0]
  }

  #checkItem(): void {
    if (this.elements !== 1) {
      throw new RuntimeError(
        `a Tensor with ${this.elements} elements cannot be converted to Scalar`,
        'Use toArray() or toNested() for all elements, or index one first.',
      )
    }
  }

  /** Nested arrays in the tensor's shape; a number for a 0-d tensor; booleans for bool. */
  toNested(): NestedNumbers {
    effects.sink?.refuse('toNested()')
    const data = this.#read()
    const value = (i: number): number | boolean => (this.dtype === 'bool' ? data[i] !== 0 : data[i])
    let at = 0
    const build = (dim: number): NestedNumbers => {
      if (dim === this.sizes.length) return value(at++)
      return Array.from({ length: this.sizes[dim] }, () => build(dim + 1))
    }
    return build(0)
  }

  /** PyTorch's name of `toNested`. */
  tolist(): NestedNumbers {
    return this.toNested()
  }

  /**
   * What `JSON.stringify` writes: dtype, shape, and the bytes of the elements, so that `fromJSON` gives them back to the
   * bit. A gradient, a history and whether it requires a gradient are no part of it.
   *
   * @example
   * JSON.stringify(tensor([1, 2])) // '{"dtype":"float32","shape":[2],"data":"AACAPwAAAEA="}'
   */
  toJSON(): { readonly dtype: DType; readonly shape: readonly number[]; readonly data: string } {
    effects.sink?.refuse('toJSON()')
    const { dtype, sizes } = this
    const { buffer, byteOffset, byteLength } = this.#read()
    return { dtype, shape: [...sizes], data: toBase64(new Uint8Array(buffer, byteOffset, byteLength)) }
  }

  /** As PyTorch prints it. */
  toString(): string {
    return tensorText(this)
  }

  [Symbol.toPrimitive](hint: string): number | string {
    if (hint === 'string' || (hint === 'default' && this.elements !== 1)) return this.toString()
    if (this.elements !== 1) {
      throw new RuntimeError(
        `Boolean value of Tensor with more than one value is ambiguous`,
        'Use any(), all() or item() to say which value is meant.',
      )
    }
    return this.item()
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString()
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
    'All views of a tensor share its memory: dispose of it after the last use of any of them, or clone() what is to stay.',
  )
}

const floatFirst = 'Convert it first: x.float().'

/** PyTorch's errors for what cannot be the gradient of a tensor. */
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

/** The error of writing where a view made inside noGrad would have to be followed. */
export const untracked = (what: string): RuntimeError =>
  new RuntimeError(
    `A view was created in no_grad mode and ${what} modified inplace with grad mode enabled. Given that this use case is ambiguous and error-prone, it is forbidden. You can clarify your code by moving both the view and the inplace either both inside the no_grad block (if you don't want the inplace to be tracked) or both outside (if you want the inplace to be tracked).`,
  )

/** Throws where the memory was given back: for what happens before anybody asks for it. */
export function checkAlive({ storage }: Tensor): void {
  // Its getter throws.
  if (storage.freed) void storage.buffer
}

/** The same elements as a tensor of its own, without history: no view, as far as autograd knows. */
export const detached = (x: Tensor): Tensor => new Tensor(x.storage, x.sizes, x.strides, x.offset, x.dtype)

export type NestedNumbers = number | boolean | NestedNumbers[]

/** The node through which a gradient reaches `t`, or null: recorded, a leaf that wants one, or neither. */
export function edgeOf(t: Tensor): Node | null {
  const node = t.viewOf === null ? t.node : t.gradFn
  if (node !== null) return node
  return t.leafRequiresGrad ? accumulator(t) : null
}

/** A value's type in messages, as `torch.typename` has it. */
export const kindOf = (x: unknown): string => (x instanceof Tensor ? `torch.${dtypeName[x.dtype]}Tensor` : typeName(x))
