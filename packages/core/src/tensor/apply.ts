// Every operation goes through `apply`. It infers shapes and dtypes, runs the op as a kernel, a view or a composition,
// and connects the result to a node if a gradient will be needed (graph.ts). In-place forms are in in-place.ts.
import type { Instr, Operand, Prims, Spec, View } from '../backend/backend.ts'
import type { CompositeKind } from '../backend/composites.ts'
import { contiguousStrides, expandStrides } from '../base/layout.ts'
import { broadcastShapes, numelOf, sameShape, type Shape, scalarShape } from '../base/shape.ts'
import { currentDevice, type Device, Storage, twoDevices } from './device.ts'
import { dispatch } from './dispatch.ts'
import { effects } from './effects.ts'
import { callingLine } from './line.ts'
import { mode, noGrad } from './mode.ts'
import { connect, wantsGrad } from './graph.ts'
import type { Input, OpDef } from './op.ts'
import { freeingRest, isLarge } from './temporaries.ts'
import { together } from './together.ts'
import { Tensor } from './tensor.ts'

export { operand } from './op.ts'

/** A new, contiguous tensor with uninitialized memory. */
export function allocate(device: Device, spec: Spec): Tensor {
  const storage = new Storage(device, device.backend.alloc(spec), numelOf(spec.sizes))
  return new Tensor(storage, spec.sizes, contiguousStrides(spec.sizes), 0, spec.dtype)
}

/** The device of the operands, or the default device if none is a tensor. */
export function deviceOf(inputs: readonly Input[], on?: Device): Device {
  let device: Device | undefined
  for (let i = 0; i < inputs.length; i++) {
    const x = inputs[i]
    if (!(x instanceof Tensor)) continue
    if (device === undefined) device = x.storage.device
    else if (device !== x.storage.device) {
      throw twoDevices(device, x.storage.device, (name) => `Move one of them: x.to('${name}').`)
    }
  }
  if (effects.sink !== null) effects.sink.looks.met(inputs)
  return device ?? on ?? currentDevice()
}

/** Applies an op; returns its first (usually only) output. `on` is the device if no input determines it. */
export const apply = <A>(op: OpDef<A>, inputs: readonly Input[], attrs: A, on?: Device): Tensor =>
  applyAll(op, inputs, attrs, on)[0]

/** Applies an op; returns all outputs. */
export function applyAll<A>(op: OpDef<A>, given: readonly Input[], attrs: A, on?: Device): readonly Tensor[] {
  const { to } = op
  const inputs = 'arity' in op ? together(given) : given
  if (to.kind === 'compose') {
    if (to.whole !== undefined && hasKernel(to.whole, inputs)) return applyAll(to.whole.op, inputs, attrs)
    if (op.vjp === undefined) return to.compose(inputs, attrs)
    deviceOf(inputs)
    const specs = op.infer(inputs, attrs)
    const compose = (): readonly Tensor[] => to.compose(inputs, attrs)
    const untracked = mode.grad && wantsGrad(inputs) ? () => noGrad(compose) : compose
    const outs = isLarge(inputs) ? freeingRest(untracked) : untracked()
    // A composition may end in a view op, but its result is not a view for the caller: nothing else refers to the
    // memory beneath.
    for (let i = 0; i < outs.length; i++) outs[i].viewOf = null
    return connect(op, inputs, attrs, specs, outs)
  }
  if (to.kind === 'view') {
    const parent = inputs[0] as Tensor
    if (effects.sink !== null) effects.sink.looks.met(inputs)
    // No kernel runs, so read the buffer of a freed storage here, which throws.
    if (parent.storage.freed) void parent.buffer
    const layout = to.view(parent, attrs)
    if (layout === null) return applyAll(op, [apply(contiguousCopy(), [parent], null)], attrs)
    const out = new Tensor(parent.storage, layout.sizes, layout.strides, layout.offset, parent.dtype)
    // The shape that the op infers is that of this layout.
    const specs = [{ sizes: layout.sizes, dtype: parent.dtype }]
    if (to.own === true) return connect(op, inputs, attrs, specs, [out])
    const base = parent.viewOf?.base ?? parent
    out.viewOf = { base, parent, op: op as OpDef<unknown>, attrs, tracked: mode.grad, version: parent.version }
    return connect(op, inputs, attrs, specs, [out])
  }
  const specs = op.infer(inputs, attrs)
  const device = deviceOf(inputs, on)
  // Arrays are created with their length, because one that grows by push allocates room for seventeen.
  const outs = new Array<Tensor>(specs.length)
  for (let i = 0; i < specs.length; i++) outs[i] = allocate(device, specs[i])
  runKernel(device, op, inputs, attrs, specs, outs, undefined, true)
  return connect(op, inputs, attrs, specs, outs)
}

/** Whether the backend has a kernel for a composition, and a rule exists for the gradients that are needed. */
function hasKernel({ kernel, op }: { kernel: CompositeKind; op: OpDef<never> }, inputs: readonly Input[]): boolean {
  const { caps } = deviceOf(inputs).backend
  if (caps.fused?.has(kernel) !== true || (inputs[0] as Tensor).elements === 0) return false
  return op.vjp !== undefined || !mode.grad || !wantsGrad(inputs)
}

let copyOp: OpDef<null> | undefined
/** ops/ defines the op that copies to row-major order and registers it here, because this file cannot import ops/. */
export const setContiguousCopy = (op: OpDef<null>): void => void (copyOp = op)
export const contiguousCopy = (): OpDef<null> => copyOp as OpDef<null>

export function runKernel<A>(
  device: Device,
  op: OpDef<A>,
  inputs: readonly Input[],
  attrs: A,
  specs: readonly Spec[],
  outputs: readonly Tensor[],
  donate: readonly number[] | undefined,
  fresh: boolean,
): void {
  const to = op.to as Extract<OpDef<A>['to'], { kind: 'kernel' }>
  const prims = to.lower(attrs, inputs, specs)
  const operands: readonly Operand[] =
    to.prim === 'map'
      ? mapOperands(prims as Prims['map'], inputs, specs[0])
      : to.prim === 'contract' && inputs.length > 2
        ? withEpilogue(inputs as Tensor[], specs[0].sizes)
        : inputs
  const instr = {
    kind: to.prim,
    attrs: prims,
    inputs: operands,
    outputs,
    donate,
    fresh,
    check: to.check === undefined ? undefined : to.check(attrs, inputs),
    origin: mode.anomaly ? { name: op.name, line: callingLine() } : op,
  }
  dispatch(device, instr as Instr)
}

/** The views of a map have the shape that is iterated over; numbers have the dtype that the expression expects. */
export function mapOperands(prims: Prims['map'], inputs: readonly Input[], spec: Spec): readonly Operand[] {
  const { reduce } = prims.outs[0]
  let { sizes } = spec
  if (reduce !== undefined) {
    sizes = scalarShape
    for (let i = 0; i < inputs.length; i++) sizes = broadcastShapes(sizes, inputs[i].sizes)
  }
  for (let i = 0; i < inputs.length; i++) if (!reads(inputs[i], sizes)) return expanded(inputs, sizes)
  return inputs
}

const reads = (x: Input, shape: Shape): boolean => !(x instanceof Tensor) || sameShape(x.sizes, shape)
const expanded = (inputs: readonly Input[], shape: Shape): readonly Operand[] =>
  inputs.map((x) => (reads(x, shape) ? x : expandView(x as Tensor, shape)))

/** Expands the operands of a contraction's epilogue to the shape of the product. */
const withEpilogue = (inputs: readonly Tensor[], shape: Shape): readonly Operand[] =>
  inputs.map((x, i) => (i < 2 || sameShape(x.sizes, shape) ? x : expandView(x, shape)))

export const expandView = (x: Tensor, shape: Shape): View => ({
  buffer: x.buffer,
  dtype: x.dtype,
  sizes: shape,
  strides: expandStrides(x, shape),
  offset: x.offset,
})
