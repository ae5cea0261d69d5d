// PyTorch's torch.cuda, as scripts ask it before they choose a device. There is no CUDA device here, so every function
// answers as PyTorch does without one.
import { noCuda } from '../../tensor/device.ts'
import { type Kind, required, signature } from '../../tensor/signature.ts'

const refuse = (): never => {
  throw noCuda()
}
/** Whether there is a CUDA device: false. */
export const isAvailable = (): boolean => false
/** The number of CUDA devices: 0. */
export const deviceCount = (): number => 0
/** The index of the current CUDA device; throws an AssertionError, because there is none. */
export const currentDevice = (): number => refuse()
/** The name of a CUDA device; throws an AssertionError, because there is none. */
export const getDeviceName = (): string => refuse()
/** Waits for a CUDA device; throws an AssertionError, because there is none. */
export const synchronize = (): void => refuse()
/** The bytes of tensors on CUDA devices: 0. */
export const memoryAllocated = (): number => 0
/** The most bytes of tensors that there were on CUDA devices: 0. */
export const maxMemoryAllocated = (): number => 0
/** Frees what no tensor on a CUDA device needs: nothing. */
export const emptyCache = (): void => {}

const whole: Kind<number | bigint> = { expected: 'int', accepts: (x) => typeof x === 'bigint' || Number.isFinite(x) }
const seedArguments = signature('manual_seed', required('seed', whole))
/** Seeds the generator of the current CUDA device, of which there is none; `manualSeed` seeds all draws here. */
export const manualSeed = (...args: [seed: number | bigint]): void => void seedArguments(args)
/** Seeds the generators of all CUDA devices, of which there are none; `manualSeed` seeds all draws here. */
export const manualSeedAll = manualSeed
