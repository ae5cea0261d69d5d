// Writes to the memory of tensors: in-place forms, assignment through views, updates of several tensors by one kernel.
// Checks come first, so that an error changes nothing; versions are incremented, and autograd sees every write.
import type { Prims, View } from '../backend/backend.ts'
import { dtypeName, isFloat } from '../base/dtype.ts'
import { RuntimeError } from '../base/errors.ts'
import { contiguousLayout, isContiguous } from '../base/layout.ts'
import { canCast } from '../base/promotion.ts'
import { broadcastShapes, sameShape, type Shape, shapeString } from '../base/shape.ts'
import { allocate, apply, contiguousCopy, deviceOf, expandView, mapOperands, runKernel } from './apply.ts'
import { connected, edgeTo, linked, saveInputs, saveOutputs, wantsGrad } from './graph.ts'
import type { Storage } from './device.ts'
import { dispatch } from './dispatch.ts'
import { effects, touch } from './effects.ts'
import { mode, noGrad } from './mode.ts'
import type { Node } from './node.ts'
import type { Input, OpDef } from './op.ts'
import { edgeOf, isLost, Tensor, untracked } from './tensor.ts'
import { together } from './together.ts'
import { assignment, type ViewStep } from './view-step.ts'

/** The view ops that lead from a view's base to it. */
function viewChain(t: Tensor): readonly ViewStep[] {
  const chain: ViewStep[] = []
  for (let x: Tensor = t; x.viewOf !== null; x = x.viewOf.parent) chain.push({ op: x.viewOf.op, attrs: x.viewOf.attrs })
  return chain.reverse()
}

/** Whether a tensor is row-major over all of its storage, so that a kernel may write its output there. */
export const fillsStorage = (t: Tensor): boolean => t.elements === t.storage.size && t.offset === 0 && isContiguous(t)

/** Whether a view other than the target uses the target's memory, which would be read while it is written. */
const overlaps = (x: Input, target: Tensor): boolean =>
  x instanceof Tensor &&
  x.storage.root === target.storage.root &&
  !(x === target || (x.offset === target.offset && sameShape(x.sizes, target.sizes) && isContiguous(x)))

/** Whether an operand from that position on overlaps the target. */
function overlapsAny(inputs: readonly Input[], from: number, target: Tensor): boolean {
  for (let i = from; i < inputs.length; i++) if (overlaps(inputs[i], target)) return true
  return false
}

/** The positions of the operands in the memory of a tensor; if nothing overlaps, these are the target itself. */
function onMemoryOf({ storage }: Tensor, inputs: readonly Input[]): number[] {
  let count = 0
  for (let i = 0; i < inputs.length; i++) if (isOn(inputs[i], storage)) count++
  const positions = new Array<number>(count)
  for (let i = inputs.length - 1; i >= 0; i--) if (isOn(inputs[i], storage)) positions[--count] = i
  return positions
}
const isOn = (x: Input, storage: Storage): boolean => x instanceof Tensor && x.storage === storage

export const overlapping = (): RuntimeError =>
  new RuntimeError(
    'unsupported operation: more than one element of the written-to tensor refers to a single memory location. Please clone() the tensor before performing the operation.',
  )

/** PyTorch's checks before the memory of `self` gets a result of `inputs`, recorded if `grad`. */
export function checkWritable(self: Tensor, inputs: readonly Input[], grad: boolean = mode.grad): void {
  if (effects.sink !== null) effects.sink.looks.met([self])
  checkGraph(self, inputs, grad)
  const { strides, sizes } = self
  for (let i = 0; i < strides.length; i++) {
    if (strides[i] !== 0 || sizes[i] < 2 || self.elements === 0) continue
    throw overlapping()
  }
}

/** Throws if autograd cannot follow a write. */
export function checkGraph(self: Tensor, inputs: readonly Input[], grad: boolean): void {
  if (self.storage.inference && !mode.inference) {
    throw new RuntimeError(
      'Inplace update to inference tensor outside InferenceMode is not allowed.You can make a clone to get a normal tensor before doing inplace update.See https://github.com/pytorch/rfcs/pull/17 for more details.',
    )
  }
  if (!grad) return
  const view = self.viewOf
  if (view !== null && isLost(view) && (edgeOf(view.base) !== null || wantsGrad(inputs))) throw untracked('is being')
  // A view of a leaf, or a view that is itself a leaf, whatever its memory.
  if (view === null ? !self.leafRequiresGrad : view.base.node !== null || !self.requiresGrad) return
  throw new RuntimeError(
    `a ${view === null ? '' : 'view of a '}leaf Variable that requires grad is being used in an in-place operation.`,
    'Write to it inside noGrad(() => ...), or use the form without the trailing underscore.',
  )
}

/** Copies the old elements of an overwritten tensor for a gradient rule that reads them. */
function withOldSelf<A>(op: OpDef<A>, self: Tensor, inputs: readonly Input[]): readonly Input[] {
  if (!mode.grad || op.saves === undefined || !wantsGrad(inputs)) return inputs
  const needed = inputs.reduce((bits, x, i) => (edgeTo(x) === null ? bits : bits | (1 << i)), 0)
  const saved = op.saves(needed).inputs ?? []
  if (!saved.some((i) => inputs[i] === self)) return inputs
  const old = apply(contiguousCopy(), [self], null)
  return inputs.map((x) => (x === self ? old : x))
}

/**
 * Applies an op and writes its result into `self` (its in-place form). Shapes and dtypes are checked, an error changes
 * nothing, the version is incremented, and autograd sees the write, also through views.
 */
export function applyInPlace<A>(op: OpDef<A>, self: Tensor, given: readonly Input[], attrs: A): Tensor {
  checkWritable(self, given)
  const operands = together(given, self.storage.device)
  const inputs = withOldSelf(op, self, operands)
  const specs = op.infer(inputs, attrs)
  const spec = specs[0]
  if (!canCast(spec.dtype, self.dtype)) {
    throw new RuntimeError(
      `result type ${dtypeName[spec.dtype]} can't be cast to the desired output type ${dtypeName[self.dtype]}`,
      'Use the form without the trailing underscore, or convert the tensor first: x.float().',
    )
  }
  if (!sameShape(spec.sizes, self.sizes)) {
    throw notThatShape(self.sizes, spec.sizes)
  }
  const records = mode.grad && op.vjp !== undefined && isFloat(self.dtype) && wantsGrad(inputs)
  // A result overwritten with a value that needs no gradient remains a non-leaf: the assignment's node says that its
  // gradient is 0.
  const cut = mode.grad && !records && self.node !== null
  const { to } = op
  const fits = self.viewOf === null && spec.dtype === self.dtype && fillsStorage(self)
  const inside = to.kind === 'kernel' && (to.prim === 'map' || (to.prim === 'scatter' && inputs[0] === self))
  const direct = inside && fits && !cut
  if (!direct || overlapsAny(inputs, 0, self)) {
    const value = apply(op, inputs, attrs)
    return operands.includes(self) && self.viewOf === null && value.dtype === self.dtype
      ? become(self, value)
      : write(self, value, op.name)
  }

  const node = records ? linked(op, inputs, attrs, specs) : null
  const saves = node === null ? undefined : saveInputs(node, inputs)
  runKernel(deviceOf(inputs), op, inputs, attrs, specs, [self], onMemoryOf(self, inputs), false)
  touch(self.storage)
  if (node !== null) {
    self.rebase(node as Node, 0)
    saveOutputs(node, saves, inputs, [self])
  }
  return self
}

/**
 * Gives a tensor that is not a view the elements of a result computed from it, and that result's place in the graph.
 */
function become(self: Tensor, value: Tensor): Tensor {
  noGrad(() => write(self, value))
  if (mode.grad && value.node !== null) self.rebase(value.node, value.outIndex)
  return self
}

/**
 * Checks that a map over the shape of its first target can read the inputs and write the targets, which come first
 * among the inputs.
 */
function checkMapInto(targets: readonly Tensor[], inputs: readonly Input[]): void {
  const [{ sizes, dtype }] = targets
  for (let i = 0; i < inputs.length; i++) {
    const x = inputs[i]
    if (!(x instanceof Tensor)) continue
    // Reading the buffer of a freed storage throws.
    if (x.storage.freed) void x.buffer
    const isTarget = i < targets.length
    if (isTarget && x.dtype !== dtype) {
      throw new RuntimeError(
        `expected the targets of an update to be of one dtype, but got ${dtypeName[dtype]} and ${dtypeName[x.dtype]}`,
      )
    }
    if (!sameShape(x.sizes, sizes)) {
      const broadcast = broadcastShapes(x.sizes, sizes)
      if (isTarget || !sameShape(broadcast, sizes))
        throw notThatShape(sameShape(broadcast, sizes) ? x.sizes : sizes, broadcast)
    }
    if (!isTarget) continue
    checkWritable(x, inputs, false)
    for (let k = 0; k < i; k++) {
      if (targets[k].storage.root === x.storage.root && (fillsStorage(x) || fillsStorage(targets[k]))) throw shared()
    }
  }
}

const notThatShape = (shape: Shape, broadcast: Shape): RuntimeError =>
  new RuntimeError(
    `output with shape ${shapeString(shape)} doesn't match the broadcast shape ${shapeString(broadcast)}`,
  )

const shared = (): RuntimeError =>
  new RuntimeError(
    'unsupported operation: some elements of the input tensor and the written-to tensor refer to a single memory location. Please clone() the tensors before performing the operation.',
  )

/**
 * Runs one map whose outputs replace the elements of `targets`, outside autograd. The inputs begin with the targets,
 * which have one shape and dtype.
 */
export function applyMapInto(
  name: string,
  prims: Prims['map'],
  targets: readonly Tensor[],
  given: readonly Input[],
): void {
  const inputs = together(given, targets[0].storage.device)
  const device = deviceOf(inputs)
  checkMapInto(targets, inputs)

  let inside = true
  for (let k = 0; inside && k < targets.length; k++)
    inside = fillsStorage(targets[k]) && !overlapsAny(inputs, targets.length, targets[k])
  const outputs = inside ? targets : targets.map((t) => allocate(device, t))
  dispatch(device, {
    kind: 'map',
    attrs: prims,
    inputs: mapOperands(prims, inputs, targets[0]),
    outputs,
    donate: inside ? firsts(targets.length) : undefined,
    origin: { name },
  })
  if (inside) for (let k = 0; k < targets.length; k++) touch(targets[k].storage)
  else noGrad(() => targets.forEach((target, k) => void write(target, outputs[k])))
}

const counted: (readonly number[])[] = []
/** The positions below `length`; always the same array. */
const firsts = (length: number): readonly number[] => (counted[length] ??= Array.from({ length }, (_, i) => i))

/**
 * Writes the elements of `value` (of the same shape) into `self`; only this function changes a tensor's memory. `name`
 * is that of the node if `self` is not a view.
 */
export function write(self: Tensor, value: Tensor, name?: string): Tensor {
  checkWritable(self, [value])
  const source = value.storage.root === self.storage.root ? apply(contiguousCopy(), [value], null) : value
  const flat = flatView(self)
  dispatch(self.storage.device, {
    kind: 'assign',
    attrs: { region: { sizes: self.sizes, strides: self.strides, offset: self.offset } },
    inputs: [flat, sameShape(source.sizes, self.sizes) ? source : expandView(source, self.sizes)],
    outputs: [flat],
    donate: [0],
    origin: assignment(),
  })
  touch(self.storage)
  recordWrite(self, source, name)
  return self
}

/** Records that the elements of `source` are now those of `self`, which may be a view. */
export function recordWrite(self: Tensor, source: Tensor, name?: string): void {
  const base = self.viewOf?.base ?? self
  const inputs = [base, source]
  if (!mode.grad || !isFloat(base.dtype) || !wantsGrad(inputs)) return
  const op = name === undefined || base !== self ? assignment() : { ...assignment(), name }
  base.rebase(connected(op, inputs, viewChain(self), [base]) as Node, 0)
}

/** All of a tensor's storage as one row of elements. */
const flatView = (t: Tensor): View => ({
  buffer: t.buffer,
  dtype: t.dtype,
  ...contiguousLayout([t.storage.size]),
})
