// A device by its name, as PyTorch's scripts choose one before they make tensors.
import { deviceNamed } from '../../tensor/device.ts'
import { device as deviceKind, required, signature } from '../../tensor/signature.ts'

const deviceArguments = signature('device', required('type', deviceKind))
/**
 * The name of a device, checked: it must have been loaded, except for 'cpu', which is js.
 *
 * @example
 * const where = device(cuda.isAvailable() ? 'cuda' : 'cpu')
 * ones(2, { device: where })
 */
export function device(...args: [type: string]): string {
  const [name] = deviceArguments(args)
  deviceNamed(name)
  return name
}
