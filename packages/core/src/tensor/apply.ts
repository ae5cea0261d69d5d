// The one road: everything a user calls goes through `apply`. It infers shapes and dtypes, runs the op as a kernel, a
// view or a composition, and records a node when a gradient will be wanted. In-place forms are here too.
import type { Instr, Operand, Prims, Spec, View } from '../backend/backend.ts'
import { dtypeName, isFloat } from '../base/dtype.ts'
import { RuntimeError } from '../base/errors.ts'
import { contiguousLayout, contiguousStrides, expandStrides, isContiguous, type Layout } from '../base/layout.ts'
import { canCast } from '../base/promotion.ts'
import { broadcastShapes, numelOf, sameShape, type Shape, scalarShape, shapeString } from '../base/shape.ts'
import { currentDevice, type Device, Storage } from './device.ts'
import { dispatch } from './dispatch.ts'
import { touch } from './effects.ts'
import { mode, noGrad } from './mode.ts'
import { Node } from './node.ts'
import { type Input, Num, type OpDef } from './op.ts'
import { edgeOf, Tensor, untracked } from './tensor.ts'

/** A new, contiguous tensor with memory that nothing has been written to. */
export function allocate(device: Device, spec: Spec): Tensor {
  const storage = new Storage(device, device.backend.alloc(spec), numelOf(spec.shape))
  return new Tensor(storage, spec.shape, contiguousStrides(spec.shape), 0, spec.dtype)
}

/** The device of the operands; the default one when there is no tensor among them. */
function deviceOf(inputs: readonly Input[], on?: Device): Device {
  let device: Device | undefined
  for (let i = 0; i < inputs.length; i++) {
    const x = inputs[i]
    if (!(x instanceof Tensor)) continue
    if (device === undefined) device = x.storage.device
    else if (device !== x.storage.device) {
      throw new RuntimeError(
        `Expected all tensors to be on the same device, but found at least two devices, ${device.name} and ${x.device}!`,
        `Move one of them: x.to('${device.name}').`,
      )
    }
  }
  return device ?? on ?? currentDevice()
}

/** The line of the user's program that is being run: the first on the stack that is not in this package. */
const callingLine = (): string => {
  const lines = (new Error().stack ?? '').split('\n').slice(1)
  // This file is a source among others or, where packages are installed, all of core in one.
  const own = (/[^\s(]+(?=:\d+:\d+\)?$)/.exec(lines[0])?.[0] ?? '').replace(/tensor[\\/]apply\.[jt]s$/, '')
  const user = own === '' ? undefined : lines.find((line) => !line.includes(own) && /:\d+:\d+\)?$/.test(line))
  return (user ?? lines[lines.length - 1] ?? '').trim().replace(/^at /, '')
}

/** Applies an op; the first (mostly only) output. `on` is the device where no input says so. */
export const apply = <A>(op: OpDef<A>, inputs: readonly Input[], attrs: A, on?: Device): Tensor =>
  applyAll(op, inputs, attrs, on)[0]

/** Applies an op; all outputs. */
export function applyAll<A>(op: OpDef<A>, inputs: readonly Input[], attrs: A, on?: Device): readonly Tensor[] {
  const { to } = op
  if (to.kind === 'compose') {
    if (op.vjp === undefined) return to.compose(inputs, attrs)
    const specs = op.infer(inputs, attrs)
    const outs = mode.grad && wantsGrad(inputs) ? noGrad(() => to.compose(inputs, attrs)) : to.compose(inputs, attrs)
    return record(op, inputs, attrs, specs, outs)
  }
  const specs = op.infer(inputs, attrs)
  if (to.kind === 'view') {
    const parent = inputs[0] as Tensor
    const layout = to.view(parent, attrs)
    if (layout === null) return applyAll(op, [apply(contiguousCopy(), [parent], null)], attrs)
    const out = new Tensor(parent.storage, layout.shape, layout.strides, layout.offset, parent.dtype)
    const base = parent.viewOf?.base ?? parent
    out.viewOf = { base, parent, op: op as OpDef<unknown>, attrs, tracked: mode.grad, version: parent.version }
    return record(op, inputs, attrs, specs, [out])
  }
  const device = deviceOf(inputs, on)
  // Arrays here have their length from the start: one that grows by push takes room for seventeen.
  const outs = specs.length === 1 ? [allocate(device, specs[0])] : specs.map((spec) => allocate(device, spec))
  runKernel(device, op, inputs, attrs, specs, outs, undefined)
  return record(op, inputs, attrs, specs, outs)
}

let copyOp: OpDef<null> | undefined
/** The op that copies to row-major order is defined in ops/, above this file; it registers itself here. */
export const setContiguousCopy = (op: OpDef<null>): void => void (copyOp = op)
const contiguousCopy = (): OpDef<null> => copyOp as OpDef<null>

function runKernel<A>(
  device: Device,
  op: OpDef<A>,
  inputs: readonly Input[],
  attrs: A,
  specs: readonly Spec[],
  outputs: readonly Tensor[],
  donate: readonly number[] | undefined,
): void {
  const to = op.to as Extract<OpDef<A>['to'], { kind: 'kernel' }>
  const prims = to.lower(attrs, inputs, specs)
  const operands: readonly Operand[] =
    to.prim === 'map'
      ? mapOperands(prims as Prims['map'], inputs, specs[0])
      : to.prim === 'matmul' && inputs.length > 2
        ? withEpilogue(inputs as Tensor[], specs[0].shape)
        : inputs
  const instr: Instr = {
    kind: to.prim,
    attrs: prims,
    inputs: operands,
    outputs,
    donate,
    check: to.check === undefined ? undefined : to.check(attrs, inputs),
    origin: mode.anomaly ? { name: op.name, line: callingLine() } : op,
  }
  dispatch(device, instr)
}

/** The views of a map read the shape that is iterated over; numbers have the dtype that the expression expects. */
function mapOperands(prims: Prims['map'], inputs: readonly Input[], spec: Spec): Operand[] {
  const { reduce } = prims.outs[0]
  let shape = spec.shape
  if (reduce !== undefined) {
    shape = scalarShape
    for (const x of inputs) shape = broadcastShapes(shape, x.shape)
  }
  const operands: Operand[] = new Array(inputs.length)
  for (let i = 0; i < inputs.length; i++) {
    const x = inputs[i]
    if (x instanceof Tensor) operands[i] = sameShape(x.shape, shape) ? x : expandView(x, shape)
    else operands[i] = x
  }
  return operands
}

/** What the epilogue of a matmul reads has the shape of the product. */
const withEpilogue = (inputs: readonly Tensor[], shape: Shape): readonly Operand[] =>
  inputs.map((x, i) => (i < 2 || sameShape(x.shape, shape) ? x : expandView(x, shape)))

const expandView = (x: Tensor, shape: Shape): View => ({
  buffer: x.buffer,
  dtype: x.dtype,
  shape,
  strides: expandStrides(x, shape),
  offset: x.offset,
})

/** The node through which a gradient reaches an operand, or null. */
function edgeTo(x: Input): Node | null {
  return x instanceof Tensor ? edgeOf(x) : null
}

function wantsGrad(inputs: readonly Input[]): boolean {
  for (let i = 0; i < inputs.length; i++) if (edgeTo(inputs[i]) !== null) return true
  return false
}

/** Gives results their node when a gradient can flow through them. */
export function record<A>(
  op: OpDef<A>,
  inputs: readonly Input[],
  attrs: A,
  specs: readonly Spec[],
  outs: readonly Tensor[],
): readonly Tensor[] {
  if (!mode.grad || op.vjp === undefined || !wantsGrad(inputs)) return outs
  const node = connected(op, inputs, attrs, specs)
  for (let i = 0; i < outs.length; i++) setNode(outs[i], node as Node, i)
  saveOutputs(node, inputs, outs)
  return outs
}

const setNode = (t: Tensor, node: Node, index: number): void => {
  if (t.dtype !== 'float32' && t.dtype !== 'float64') return
  t.node = node
  t.outIndex = index
}

/** A node with its edges and saved inputs. */
export function connected<A>(op: OpDef<A>, inputs: readonly Input[], attrs: A, specs: readonly Spec[]): Node<A> {
  const edges = new Array<Node | null>(inputs.length)
  let needed = 0
  let indices: number[] | null = null
  for (let i = 0; i < inputs.length; i++) {
    const edge = edgeTo(inputs[i])
    edges[i] = edge
    if (edge === null) continue
    needed |= 1 << i
    const { outIndex } = inputs[i] as Tensor
    if (outIndex !== 0 && edge.leaf === null) {
      indices ??= new Array<number>(inputs.length).fill(0)
      indices[i] = outIndex
    }
  }
  const node = new Node(op, attrs, specs, edges, indices, needed)
  if (mode.anomaly) node.line = callingLine()
  const positions = op.saves?.(needed).inputs
  if (positions !== undefined) for (let k = 0; k < positions.length; k++) node.keep(positions[k], inputs[positions[k]])
  return node
}

function saveOutputs<A>(node: Node<A>, inputs: readonly Input[], outs: readonly Tensor[]): void {
  const positions = node.op.saves?.(node.needed).outputs
  if (positions === undefined) return
  for (let k = 0; k < positions.length; k++) node.keep(inputs.length + positions[k], outs[positions[k]])
}

// ---- in place ----

/** The layout of a chain of view ops over a contiguous tensor of the root's shape. */
export interface ViewStep {
  readonly op: OpDef<unknown>
  readonly attrs: unknown
}

/** The view ops that lead from a view's base to it. */
export function viewChain(t: Tensor): readonly ViewStep[] {
  const chain: ViewStep[] = []
  for (let x: Tensor = t; x.viewOf !== null; x = x.viewOf.parent) chain.push({ op: x.viewOf.op, attrs: x.viewOf.attrs })
  return chain.reverse()
}

let assignOp: OpDef<readonly ViewStep[]> | undefined
/** The op that replaces a region is defined in ops/; it registers itself here. */
export const setAssign = (op: OpDef<readonly ViewStep[]>): void => void (assignOp = op)
const assignment = (): OpDef<readonly ViewStep[]> => assignOp as OpDef<readonly ViewStep[]>

/** Row-major over all of its storage: a kernel may write its output there. */
const fillsStorage = (t: Tensor): boolean => t.elements === t.storage.size && t.offset === 0 && isContiguous(t)

/** A view other than the target itself on the target's memory would be read while it is written. */
const overlaps = (x: Input, target: Tensor): boolean =>
  x instanceof Tensor &&
  x.storage === target.storage &&
  !(x === target || (x.offset === target.offset && sameShape(x.shape, target.shape) && isContiguous(x)))

/** The same checks as PyTorch's before the memory of `self` gets what comes of `inputs`. */
export function checkWritable(self: Tensor, inputs: readonly Input[]): void {
  if (self.strides.some((stride, i) => stride === 0 && self.shape[i] > 1)) {
    throw new RuntimeError(
      'unsupported operation: more than one element of the written-to tensor refers to a single memory location. Please clone() the tensor before performing the operation.',
    )
  }
  if (self.storage.inference && !mode.inference) {
    throw new RuntimeError(
      'Inplace update to inference tensor outside InferenceMode is not allowed.You can make a clone to get a normal tensor before doing inplace update.See https://github.com/pytorch/rfcs/pull/17 for more details.',
    )
  }
  if (!mode.grad) return
  const view = self.viewOf
  if (view !== null && !view.tracked && (edgeOf(view.base) !== null || wantsGrad(inputs))) throw untracked('is being')
  if (self.leafRequiresGrad && view === null) {
    throw new RuntimeError(
      'a leaf Variable that requires grad is being used in an in-place operation.',
      'Write to it inside noGrad(() => ...), or use the form without trailing underscore.',
    )
  }
  if (view?.base.leafRequiresGrad) {
    throw new RuntimeError(
      'a view of a leaf Variable that requires grad is being used in an in-place operation.',
      'Write to it inside noGrad(() => ...), or use the form without trailing underscore.',
    )
  }
}

/** A gradient rule that reads the old elements of what is overwritten gets a copy of them. */
function withOldSelf<A>(op: OpDef<A>, self: Tensor, inputs: readonly Input[]): readonly Input[] {
  if (!mode.grad || op.saves === undefined || !wantsGrad(inputs)) return inputs
  const needed = inputs.reduce((bits, x, i) => (edgeTo(x) === null ? bits : bits | (1 << i)), 0)
  const saved = op.saves(needed).inputs ?? []
  if (!saved.some((i) => inputs[i] === self)) return inputs
  const old = apply(contiguousCopy(), [self], null)
  return inputs.map((x) => (x === self ? old : x))
}

/**
 * Applies an op and writes its result into `self` (its in-place form). Shapes and dtypes are checked, nothing is
 * half-changed on errors, the version goes up, and autograd sees the write, through views too.
 */
export function applyInPlace<A>(op: OpDef<A>, self: Tensor, operands: readonly Input[], attrs: A): Tensor {
  checkWritable(self, operands)
  const inputs = withOldSelf(op, self, operands)
  const specs = op.infer(inputs, attrs)
  const spec = specs[0]
  if (!canCast(spec.dtype, self.dtype)) {
    throw new RuntimeError(
      `result type ${dtypeName[spec.dtype]} can't be cast to the desired output type ${dtypeName[self.dtype]}`,
      'Use the form without trailing underscore, or convert the tensor first: x.float().',
    )
  }
  if (!sameShape(spec.shape, self.shape)) {
    throw new RuntimeError(
      `output with shape ${shapeString(self.shape)} doesn't match the broadcast shape ${shapeString(spec.shape)}`,
    )
  }
  const records = mode.grad && op.vjp !== undefined && isFloat(self.dtype) && wantsGrad(inputs)
  // A result overwritten by what needs no gradient is still a result: the assignment's node says that its gradient is 0.
  const cut = mode.grad && !records && self.node !== null
  const { to } = op
  const fits = self.viewOf === null && spec.dtype === self.dtype && fillsStorage(self)
  const inside = to.kind === 'kernel' && (to.prim === 'map' || (to.prim === 'scatter' && inputs[0] === self))
  const direct = inside && fits && !cut
  if (!direct || inputs.some((x) => overlaps(x, self))) {
    const value = apply(op, inputs, attrs)
    return operands.includes(self) && self.viewOf === null && value.dtype === self.dtype
      ? become(self, value)
      : write(self, value)
  }

  const node = records ? connected(op, inputs, attrs, specs) : null
  runKernel(
    deviceOf(inputs),
    op,
    inputs,
    attrs,
    specs,
    [self],
    [inputs.indexOf(self)].filter((i) => i >= 0),
  )
  touch(self.storage)
  if (node !== null) {
    self.rebase(node as Node, 0)
    saveOutputs(node, inputs, [self])
  }
  return self
}

/** Gives a tensor that is no view the elements of a result that was computed from it, and its place in the graph. */
function become(self: Tensor, value: Tensor): Tensor {
  noGrad(() => write(self, value))
  if (mode.grad && value.node !== null) self.rebase(value.node, value.outIndex)
  return self
}

/**
 * Runs one map whose outputs replace the elements of `targets`, outside of autograd. The inputs begin with the targets.
 */
export function applyMapInto(
  name: string,
  prims: Prims['map'],
  targets: readonly Tensor[],
  inputs: readonly Input[],
): void {
  const device = deviceOf(inputs)
  const specs: readonly Spec[] = targets
  const inside =
    targets.every(fillsStorage) && !inputs.slice(targets.length).some((x) => targets.some((t) => overlaps(x, t)))
  const outputs = inside ? targets : targets.map((t) => allocate(device, t))
  dispatch(device, {
    kind: 'map',
    attrs: prims,
    inputs: mapOperands(prims, inputs, specs[0]),
    outputs,
    donate: inside ? targets.map((_, i) => i) : undefined,
    origin: { name },
  })
  noGrad(() => {
    targets.forEach((target, i) => {
      if (inside) touch(target.storage)
      else write(target, outputs[i])
    })
  })
}

/** Writes the elements of `value` (of the same shape) into `self`; the one way in which memory of a tensor changes. */
export function write(self: Tensor, value: Tensor): Tensor {
  checkWritable(self, [value])
  const source = value.storage === self.storage ? apply(contiguousCopy(), [value], null) : value
  const flat = flatView(self)
  dispatch(self.storage.device, {
    kind: 'assign',
    attrs: { region: { shape: self.shape, strides: self.strides, offset: self.offset } },
    inputs: [flat, sameShape(source.shape, self.shape) ? source : expandView(source, self.shape)],
    outputs: [flat],
    donate: [0],
    origin: assignment(),
  })
  touch(self.storage)
  recordWrite(self, source)
  return self
}

/** Tells autograd that the elements of `source` are now those of `self`, which may be a view. */
export function recordWrite(self: Tensor, source: Tensor): void {
  const base = self.viewOf?.base ?? self
  const inputs = [base, source]
  if (!mode.grad || !isFloat(base.dtype) || !wantsGrad(inputs)) return
  base.rebase(connected(assignment(), inputs, viewChain(self), [base]) as Node, 0)
}

/** All of a tensor's storage as one row of elements. */
const flatView = (t: Tensor): View & { shape: Shape } => ({
  buffer: t.buffer,
  dtype: t.dtype,
  ...contiguousLayout([t.storage.size]),
})

/** Where the chain's elements lie in a contiguous tensor of `shape`. */
export function chainLayout(shape: Shape, chain: readonly ViewStep[]): Layout {
  let layout: Layout = contiguousLayout(shape)
  for (const { op, attrs } of chain) {
    const next = op.to.kind === 'view' ? op.to.view(layout, attrs) : null
    if (next === null) throw new RuntimeError(`${op.name}: this view cannot be replayed on a contiguous tensor`)
    layout = next
  }
  return layout
}

/** A number or tensor as an operand of an op. */
export function operand(x: Tensor | number | boolean | (() => number)): Input {
  if (typeof x === 'number') return new Num(x, Number.isInteger(x) ? 'int32' : 'float32')
  if (typeof x === 'boolean') return new Num(x ? 1 : 0, 'bool')
  if (typeof x === 'function') return new Num(x, 'float32')
  return x
}
