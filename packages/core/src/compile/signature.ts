// The signature of a call, which its recording depends on: the structure of the arguments, autograd's switches, the
// default device and dtype. notes.ts has the other assumptions.
import { defaults } from '../base/default-dtype.ts'
import type { DType } from '../base/dtype.ts'
import { RuntimeError } from '../base/errors.ts'
import { currentDevice, type Device } from '../tensor/device.ts'
import { mode } from '../tensor/mode.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { isResult, matches, noArgument, type Slot, slotOf } from './nested.ts'

export interface Signature {
  readonly slot: Slot
  readonly device: Device
  readonly grad: boolean
  readonly inference: boolean
  /** The default dtype. */
  readonly float: DType
}

/** Throws for a tensor argument that no step can be recorded with. */
function checkArgument(x: Tensor, path: string, device: Device): void {
  if (x.storage.device !== device) {
    throw new RuntimeError(
      `Expected all tensors to be on the same device, but ${path} of a compiled step is on ${x.device} and the default device is ${device.name}!`,
      `Move it, x.to('${device.name}'), or make the other the default device: setDevice('${x.device}').`,
    )
  }
  if (!isResult(x)) return
  throw new RuntimeError(
    `${path} of a compiled step is the result of an operation that requires grad: its gradient would leave the step`,
    'Pass x.detach(), or compute it inside the step.',
  )
}

/** The signature of a call; adds its tensor arguments to `tensors`. Throws for an invalid argument. */
export function signatureOf(args: readonly unknown[], tensors: Tensor[]): Signature {
  const items = Array.from(args, (x, i) => slotOf(x, `argument ${i}`, tensors, noArgument))
  const device = currentDevice()
  const check = (slot: Slot): void => {
    if (slot.kind === 'tensor') checkArgument(tensors[slot.at], slot.path, device)
    else if (slot.kind !== 'value') slot.items.forEach(check)
  }
  items.forEach(check)
  const { grad, inference } = mode
  return { slot: { kind: 'list', path: 'the arguments', items }, device, grad, inference, float: defaults.float }
}

/** Whether a call has this signature; its tensor arguments replace `tensors`. */
export function hasSignature(signature: Signature, args: readonly unknown[], tensors: Tensor[]): boolean {
  if (signature.grad !== mode.grad || signature.inference !== mode.inference || signature.device !== currentDevice())
    return false
  if (signature.float !== defaults.float) return false
  // Setting the length is slow even if it does not change.
  if (tensors.length > 0) tensors.length = 0
  return matches(signature.slot, args, tensors)
}
