// PyTorch's torch.cuda, as scripts ask it before they choose a device. Core has no device of its own: GPUs are there once
// one of them was loaded, by `setDevice('cuda')`, and its backend then tells of all.
import type { Backend } from '../../backend/backend.ts'
import type { GpuMemory, GpuProperties } from '../../backend/gpu.ts'
import { RuntimeError } from '../../base/errors.ts'
import { defaultGenerator } from '../../random/generator.ts'
import { currentDevice as defaultDevice, deviceNamed, gpusLoaded, noCuda, useDevice } from '../../tensor/device.ts'
import { either, int, type Kind, optional, required, signature, device as word } from '../../tensor/signature.ts'

/** A GPU by its index or its name. */
type Which = number | string

const which = either(int, word)
type Gpu = NonNullable<Backend['gpu']>

const loaded = (): readonly Gpu[] => gpusLoaded('cuda').flatMap(({ own }) => own.gpu ?? [])

/** The GPU that is the default device, otherwise the first that was loaded. */
function current(): Gpu {
  const gpus = loaded()
  if (gpus.length === 0) throw noCuda()
  const { gpu } = defaultDevice().own
  return gpu !== undefined && gpus.includes(gpu) ? gpu : gpus[0]
}

/** The index of a GPU of this machine. */
function indexOf(of: Which | undefined): number {
  if (of === undefined) return current().index
  const { all } = current()
  const [, number] = typeof of === 'number' ? ['', String(of)] : (/^cuda:(\d+)$/.exec(of) ?? ['', ''])
  const index = of === 'cuda' ? current().index : Number(number === '' ? Number.NaN : number)
  if (all[index] === undefined)
    throw new RuntimeError(
      'CUDA error: invalid device ordinal',
      `There is no GPU ${of}: this machine has ${all.length}.`,
    )
  return index
}
const gpuOf = (of: Which | undefined): Gpu => {
  const index = indexOf(of)
  return loaded().find((gpu) => gpu.index === index) ?? (deviceNamed(`cuda:${index}`).own.gpu as Gpu)
}
const asked = (name: string) => signature(name, optional('device', which, undefined))
const nameArguments = asked('get_device_name')
const capabilityArguments = asked('get_device_capability')
const propertiesArguments = signature('get_device_properties', required('device', which))
const chooseArguments = signature('set_device', required('device', which))
const waitArguments = asked('synchronize')
const infoArguments = asked('mem_get_info')
const resetArguments = asked('reset_peak_memory_stats')

/** Whether a GPU is loaded: `await setDevice('cuda')`, or `loadDevice('cuda')`, which leaves the default device as it is. */
export const isAvailable = (): boolean => loaded().length > 0
/** The number of GPUs of this machine; 0 until one is loaded. */
export const deviceCount = (): number => loaded()[0]?.all.length ?? 0
/** The index of the current GPU; throws an AssertionError if none is loaded. */
export const currentDevice = (): number => current().index
/** Makes a GPU the default device; throws an AssertionError if none is loaded. */
export const setDevice = (...args: [device: Which]): void => {
  const [of] = chooseArguments(args)
  useDevice(deviceNamed(`cuda:${indexOf(of)}`).own)
}
/** The name of a GPU, by default of the current one; throws an AssertionError if none is loaded. */
export const getDeviceName = (...args: [device?: Which]): string =>
  getDeviceProperties(nameArguments(args)[0] ?? currentDevice()).name
/** The compute capability of a GPU, by default of the current one. */
export const getDeviceCapability = (...args: [device?: Which]): [major: number, minor: number] => {
  const { major, minor } = getDeviceProperties(capabilityArguments(args)[0] ?? currentDevice())
  return [major, minor]
}
/** What the driver says of a GPU: its name, compute capability, bytes of memory and multiprocessors. */
export const getDeviceProperties = (...args: [device: Which]): GpuProperties => {
  const [of] = propertiesArguments(args)
  return current().all[indexOf(of)]
}
/** Waits for everything that a GPU was given to do, by default the current one; errors of it are thrown. */
export const synchronize = (...args: [device?: Which]): void => gpuOf(waitArguments(args)[0]).wait()

/** A function that returns a number of bytes of a GPU, 0 if none is loaded. */
const bytes = (name: string, of: (memory: GpuMemory) => number) => {
  const own = asked(name)
  return (...args: [device?: Which]): number => {
    const [which] = own(args)
    return isAvailable() ? of(gpuOf(which).memory()) : 0
  }
}
/** The bytes of memory that tensors on a GPU use, in whole blocks; 0 if none is loaded. */
export const memoryAllocated = bytes('memory_allocated', ({ allocated }) => allocated)
/** The bytes of memory taken from a GPU, also those kept for later tensors; 0 if none is loaded. */
export const memoryReserved = bytes('memory_reserved', ({ reserved }) => reserved)
/** The most bytes that tensors on a GPU used at once, since the start or `resetPeakMemoryStats`. */
export const maxMemoryAllocated = bytes('max_memory_allocated', ({ mostAllocated }) => mostAllocated)
/** The most bytes taken from a GPU at once, since the start or `resetPeakMemoryStats`. */
export const maxMemoryReserved = bytes('max_memory_reserved', ({ mostReserved }) => mostReserved)
/** The bytes of a GPU that are free for everybody, and all of them; throws an AssertionError if none is loaded. */
export const memGetInfo = (...args: [device?: Which]): [free: number, total: number] => {
  const { free, total } = gpuOf(infoArguments(args)[0]).memory()
  return [free, total]
}
/** From now on `maxMemoryAllocated` and `maxMemoryReserved` count anew. */
export const resetPeakMemoryStats = (...args: [device?: Which]): void => gpuOf(resetArguments(args)[0]).resetPeaks()
/** Returns the memory that no tensor on a GPU uses to the driver; does nothing if none is loaded. */
export const emptyCache = (): void => {
  for (const gpu of loaded()) gpu.emptyCache()
}

const whole: Kind<number | bigint> = { expected: 'int', accepts: (x) => typeof x === 'bigint' || Number.isFinite(x) }
const seedArguments = signature('manual_seed', required('seed', whole))
/** Seeds the draws of GPUs. All devices draw from one generator, so this is `manualSeed` once a GPU is loaded, before that nothing. */
export const manualSeed = (...args: [seed: number | bigint]): void => {
  const [seed] = seedArguments(args)
  if (isAvailable()) defaultGenerator.manualSeed(seed)
}
/** The same as `manualSeed`. */
export const manualSeedAll = manualSeed
