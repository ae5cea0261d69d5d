// The autograd graph: one node for every recorded operation, and one for every leaf that collects a gradient. A node is
// also the context of its gradient rule: incoming gradients, saved values, attributes. The backward pass is in
// autograd/grad.ts.
import { inspect } from '../base/inspect.ts'
import type { Spec } from '../backend/backend.ts'
import { dtypeName } from '../base/dtype.ts'
import { RuntimeError } from '../base/errors.ts'
import { shapeString } from '../base/shape.ts'
import { nextNode } from './effects.ts'
import { mode, type Packed } from './mode.ts'
import type { Input, OpDef, Vjp } from './op.ts'
import type { Tensor } from './tensor.ts'

export type GradHook = (grad: Tensor) => Tensor | null | undefined | void

/** A function that sees the gradient of one output before the node's rule does. */
export interface Hook {
  readonly index: number
  readonly fn: GradHook
}

const freed =
  'Trying to backward through the graph a second time (or directly access saved tensors after they have already been freed). Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). Specify retain_graph=True if you need to backward through the graph a second time or if you need to access saved tensors after calling backward.'

/** The gradients of a node that no backward pass is visiting. */
export const noGradients: (Tensor | null)[] = []

/** What a backward pass needs from a node: nothing, that it leads to a target, or its gradients. */
export type Wanted = 0 | 1 | 2

/** A recorded operation, or the end of the graph at a leaf. */
export class Node<A = unknown> implements Vjp<A> {
  readonly op: OpDef<A>
  readonly attrs: A
  /** Shapes and dtypes of the outputs. */
  readonly specs: readonly Spec[]
  /** For each input the node that made it; null if no gradient flows. */
  readonly edges: readonly (Node | null)[]
  /** The index of the input among that node's outputs; null if all are 0. */
  readonly indices: readonly number[] | null
  /** Saved inputs, then saved outputs, at their positions; unsaved positions are empty. */
  saved: (Input | Packed)[] | null = null
  /** The versions when they were saved, null if all were 0. */
  versions: number[] | null = null
  released = false
  /** A bit for every input that needs a gradient. */
  readonly needed: number
  /** The leaf whose `.grad` this node fills. */
  leaf: Tensor | null = null
  /** Creation order: a node is newer than everything it depends on. */
  readonly order: number
  hooks: readonly Hook[] | null = null
  /** The forward call, in anomaly mode. */
  line: string | null = null
  /**
   * The backward pass that is visiting this node, the gradients of the outputs that have arrived, and the number still
   * to come.
   */
  walk: object | null = null
  dys: (Tensor | null)[] = noGradients
  pending = 0
  /** Gradients of slices, which wait (autograd/slices.ts). */
  slices: object | null = null
  /** Whether that pass needs this node's gradients, or those of a node that it leads to; a pass for all leaves needs all. */
  wanted: Wanted = 0

  constructor(
    op: OpDef<A>,
    attrs: A,
    specs: readonly Spec[],
    edges: readonly (Node | null)[] = [],
    indices: readonly number[] | null = null,
    needed = 0,
  ) {
    this.edges = edges
    this.indices = indices
    this.needed = needed
    this.op = op
    this.attrs = attrs
    this.specs = specs
    this.order = nextNode()
  }

  /** PyTorch's name of the node for printing. */
  get name(): string {
    return this.leaf === null ? gradFnName(this.op.name) : 'AccumulateGrad'
  }

  /** The nodes that its gradients go to, each with the number of that node's output; null where none flows. */
  get nextFunctions(): readonly (readonly [Node | null, number])[] {
    return this.edges.map((node, i) => [node, this.indices?.[i] ?? 0])
  }

  toString(): string {
    return `<${this.name}>`
  }

  [Symbol.for(inspect)](): string {
    return this.toString()
  }

  get dy(): Tensor {
    return this.dys[0] as Tensor
  }

  /** Whether the backward pass that is visiting this node needs the gradient of the input at a position. */
  needs(position: number): boolean {
    return (this.edges[position]?.wanted ?? 0) > 0
  }

  /** Shape and dtype of an input that a gradient flows to. */
  inputSpec(position: number): Spec {
    const edge = this.edges[position] as Node
    return edge.specs[this.indices === null ? 0 : this.indices[position]]
  }

  /** The saved input at a position. */
  input(position: number): Tensor {
    return this.savedAt(position) as Tensor
  }

  /** A saved input that may be a number. */
  operand(position: number): Input {
    return this.savedAt(position)
  }

  /** The saved output at a position. */
  output(position = 0): Tensor {
    return this.savedAt(this.edges.length + position) as Tensor
  }

  /** Whether a saved output is unchanged. */
  keeps(position: number): boolean {
    return this.saved?.[this.edges.length + position] !== undefined
  }

  /** The saved input, output or further value at a position; a packed one is unpacked. */
  savedAt(position: number): Input {
    const value = this.saved?.[position]
    if (value === undefined) throw new Error(`${this.op.name}: value ${position} was not saved`)
    return value.wrapped === 'packed' ? (value.unpacked() as Tensor) : value
  }

  /** Saves an input or output for the rule, with its current version. */
  keep(position: number, value: Input): void {
    const length = this.edges.length + this.specs.length
    this.saved ??= new Array<Input | Packed>(length)
    if (value.wrapped !== true) {
      const { inference, root } = (value as Tensor).storage
      if (inference) {
        throw new RuntimeError(
          'Inference tensors cannot be saved for backward. To work around you can make a clone to get a normal tensor and use it in autograd.',
        )
      }
      root.holders++
      if (mode.pack !== null) {
        this.saved[position] = mode.pack(value)
        return
      }
    }
    this.saved[position] = value
    const version = value.wrapped === true ? 0 : (value as Tensor).version
    if (version === 0 && this.versions === null) return
    this.versions ??= new Array<number>(length)
    this.versions[position] = version
  }

  /** Throws PyTorch's error if a saved value was freed, or written to since. */
  checkSaved(): void {
    const { saved, versions } = this
    if (this.released) throw new RuntimeError(freed, 'In TypeScript: loss.backward({ retainGraph: true }).')
    if (saved === null) return
    for (let i = 0; i < saved.length; i++) {
      const value = saved[i]
      if (value === undefined || value.wrapped === true) continue
      if (value.wrapped === 'packed') {
        value.forget()
        continue
      }
      const now = (value as Tensor).storage.version
      const then = versions?.[i] ?? 0
      if (now === then) continue
      if (this.op.spare !== true || i < this.edges.length) this.#modified(i, now, then)
      delete saved[i]
    }
  }

  #modified(position: number, now: number, then: number): never {
    const value = (this.saved as Input[])[position] as Tensor
    if (value.storage.freed) {
      throw new RuntimeError(
        `one of the variables needed for gradient computation has been freed: ${this.name} saved it`,
        'Call backward before dispose(), or use scope(), which keeps values that gradients need.',
      )
    }
    const type = `torch.${dtypeName[value.dtype]}Tensor ${shapeString(value.sizes)}`
    const output = position - this.edges.length
    const own = output >= 0 && output < this.specs.length
    const node = own ? this : value.gradFn
    const source = node === null ? '' : `, which is output ${own ? output : value.outIndex} of ${node.name},`
    const hint =
      this.line === null
        ? 'enable anomaly detection to find the operation that failed to compute its gradient, with torch.autograd.set_detect_anomaly(True).'
        : 'the backtrace further above shows the operation that failed to compute its gradient. The variable in question was changed in there or anywhere later. Good luck!'
    throw new RuntimeError(
      `one of the variables needed for gradient computation has been modified by an inplace operation: [${type}]${source} is at version ${now}; expected version ${then} instead. Hint: ${hint}`,
      `The value was saved by ${this.name}. Use the operation's form without the trailing underscore, or clone() first.`,
    )
  }

  /** Releases the saved values; a second backward pass then throws. */
  release(): void {
    if (this.saved !== null) {
      this.saved = null
      this.released = true
    }
  }

  addHook(hook: Hook): void {
    this.hooks = this.hooks === null ? [hook] : [...this.hooks, hook]
  }

  removeHook(hook: Hook): void {
    const rest = this.hooks?.filter((h) => h !== hook) ?? []
    this.hooks = rest.length === 0 ? null : rest
  }
}

/** `exp` prints as ExpBackward0; a name that begins with a capital is printed unchanged. */
const gradFnName = (op: string): string =>
  op[0] === op[0].toUpperCase() ? op : `${op[0].toUpperCase()}${op.slice(1)}Backward0`

const accumulate: OpDef<null> = {
  name: 'accumulateGrad',
  infer: () => [],
  to: { kind: 'compose', compose: () => [] },
}

/** The node that adds arriving gradients to a leaf's `.grad`. */
export function accumulator(leaf: Tensor): Node {
  if (leaf.accumulator === null) {
    const node = new Node(accumulate, null, [{ sizes: leaf.sizes, dtype: leaf.dtype }])
    node.leaf = leaf
    leaf.accumulator = node as Node
  }
  return leaf.accumulator
}
