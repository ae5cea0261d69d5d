// The CUDA backend: one object a device, opened at the first call for it.
import { RuntimeError } from '@flambeau/core/backend'
import type { CudaAddon, DeviceInfo } from './addon.ts'
import { CudaBackend } from './backend.ts'
import { callError, driverError } from './errors.ts'
import { loadCuda } from './loader.ts'
import type { Texts } from './plans/index.ts'

export { CudaBackend } from './backend.ts'

interface Driver {
  readonly addon: CudaAddon
  readonly texts: Texts
  readonly version: number
  readonly devices: readonly DeviceInfo[]
}

let driver: Driver | undefined
const opened = new Map<number, CudaBackend>()

/** The driver, opened once. FLAMBEAU_CUDA_DRIVER names another library. */
function openDriver(): Driver {
  if (driver !== undefined) return driver
  const { addon, texts } = loadCuda()
  const found = addon.open(process.env.FLAMBEAU_CUDA_DRIVER ?? '')
  if (found.failure !== undefined) throw driverError(found)
  driver = { addon, texts, version: found.version, devices: found.devices }
  return driver
}

/** The devices of this machine. */
export const cudaDevices = (): readonly DeviceInfo[] => openDriver().devices

/** Device number `ordinal`. Throws a RuntimeError if there is no driver, no such device, or it is too old. */
export function openCuda(ordinal: number): CudaBackend {
  const known = opened.get(ordinal)
  if (known !== undefined) return known
  const { addon, texts, version, devices } = openDriver()
  const info = devices[ordinal]
  if (info === undefined) {
    throw new RuntimeError(
      'CUDA error: invalid device ordinal',
      `There is no cuda:${ordinal}: this machine has ${devices.length} device${devices.length === 1 ? '' : 's'}, from cuda:0 on.`,
    )
  }
  if (info.major * 10 + info.minor < 75) {
    throw new RuntimeError(
      `Found GPU${ordinal} ${info.name} which is of cuda capability ${info.major}.${info.minor}. flambeau supports 7.5 and newer.`,
      "Use device 'native' or 'js' instead.",
    )
  }
  const handle = addon.device(ordinal)
  if (typeof handle === 'number') throw callError(addon, handle, 'opening the device')
  const backend = new CudaBackend(addon, handle, ordinal, { ...info, driver: version }, texts, devices, openCuda)
  opened.set(ordinal, backend)
  return backend
}
