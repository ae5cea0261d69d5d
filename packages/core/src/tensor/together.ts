// A tensor without dimensions on js, the device that PyTorch calls 'cpu', is a number: elementwise ops take it with
// tensors of any other device, and its gradient comes back to js. All else has to be on one device.
import type { Device } from './device.ts'
import type { Input } from './op.ts'
import { Tensor } from './tensor.ts'

let move: (x: Tensor, device: Device) => Tensor
/** ops/ defines the op that copies to a device and registers it here, because this file cannot import ops/. */
export const setMove = (op: typeof move): void => void (move = op)

const isNumber = (x: Input): x is Tensor =>
  x instanceof Tensor && x.sizes.length === 0 && x.storage.device.name === 'js'

/** Operands in which numbers on js are on the device of the others, or on `target`. */
export function together(inputs: readonly Input[], target?: Device): readonly Input[] {
  let device = target
  let differ = false
  for (let i = 0; i < inputs.length; i++) {
    const x = inputs[i]
    if (!(x instanceof Tensor)) continue
    device ??= x.storage.device
    differ ||= device !== x.storage.device
  }
  if (!differ) return inputs
  const other = inputs.find((x) => x instanceof Tensor && !isNumber(x)) as Tensor | undefined
  const to = target ?? other?.storage.device
  return to === undefined ? inputs : inputs.map((x) => (isNumber(x) ? move(x, to) : x))
}
