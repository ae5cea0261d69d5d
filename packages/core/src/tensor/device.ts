// Devices by name, the default device, and storages: a buffer with the version counter that autograd checks. Core has
// no device of its own; a package registers one with `useDevice`.
import type { Backend, DeviceBuffer } from '../backend/backend.ts'
import { RuntimeError, TypeError, ValueError } from '../base/errors.ts'
import { typeName } from '../base/python.ts'
import { effects } from './effects.ts'
import { mode } from './mode.ts'

/**
 * Where tensors live. `backend` is what runs instructions now: the device's own, or what stands in front of that, a
 * recorder or a profiler.
 */
export class Device {
  readonly name: string
  /** Its name, with the backend's variant where it has several: 'gpujs:cpu'. */
  readonly label: string
  readonly own: Backend
  backend: Backend

  constructor(backend: Backend) {
    this.name = backend.name
    this.label = backend.variant === undefined ? backend.name : `${backend.name}:${backend.variant}`
    this.own = backend
    this.backend = backend
  }
}

let storages = 0
/** How many storages were made so far: what has a serial of at least this is newer than now. */
export const storagesMade = (): number => storages

/** The memory behind a tensor and all its views. */
export class Storage {
  readonly device: Device
  /** The buffer; once it was freed, what tells that to who uses it; of an alias, what asks the root for it. */
  #held: DeviceBuffer | (() => never)
  /** Elements in the buffer. */
  readonly size: number
  /** Raised by every write; a saved value whose version moved can no longer be differentiated. */
  version = 0
  /** Creation order among storages. */
  readonly serial: number
  /** Set once the storage became some leaf's `.grad`: no other leaf may have it. */
  owned = false
  /** Made in `inferenceMode`: it takes no part in autograd. */
  readonly inference: boolean
  /** The storage whose memory it is: itself, or what it is an alias of. */
  readonly root: Storage

  constructor(device: Device, held: DeviceBuffer | (() => DeviceBuffer), size: number, root: Storage | null = null) {
    this.device = device
    this.#held = held as DeviceBuffer | (() => never)
    this.size = size
    this.root = root ?? this
    this.inference = root === null ? mode.inference : root.inference
    this.serial = root === null ? storages++ : root.serial
    if (root !== null) return
    if (effects.sink !== null) effects.sink.made(this)
    if (effects.scope !== null) effects.scope.made(this)
  }

  /** The same memory with versions of its own: autograd does not see in one what is written through the other. */
  alias(): Storage {
    const { root } = this
    root.owned = true
    const alias = new Storage(this.device, () => root.buffer, this.size, root)
    alias.owned = true
    return alias
  }

  /** The handle of the memory; throws where that was given back. */
  get buffer(): DeviceBuffer {
    const held = this.#held
    return typeof held === 'function' ? held() : held
  }

  /** The handle, or null once it was given back. */
  get memory(): DeviceBuffer | null {
    const held = this.#held
    return typeof held === 'function' ? (this.root === this ? null : this.root.memory) : held
  }

  /** Gives the memory back. Whoever uses it afterwards is told so by `used`, which throws. */
  free(used: () => never): void {
    if (this.root !== this) return this.root.free(used)
    if (this.freed) return
    const { buffer, device } = this
    effects.sink?.freeing(this)
    this.#held = used
    this.version = -1
    device.backend.free(buffer)
  }

  /** Whether the memory was given back. */
  get freed(): boolean {
    return this.root.version < 0
  }
}

/** Throws for what is no backend. */
export function checkBackend(name: string, backend: unknown): void {
  const { name: own, run, caps } = Object(backend) as Partial<Backend>
  if (typeof own === 'string' && typeof run === 'function' && typeof caps === 'object') return
  throw new TypeError(
    `${name}(): argument 'backend' must be Backend, not ${typeName(backend)}`,
    'Pass what js(), await native() or await gpujs() gives.',
  )
}

const devices = new Map<string, Device>()
let current: Device | undefined

/**
 * Makes a backend the default device for new tensors, and known by its name.
 *
 * @example
 * useDevice(js())
 */
export function useDevice(backend: Backend): Device {
  const device = registerDevice(backend)
  current = device
  return device
}

/** Makes a backend known by its name (`tensor.to(name)`) without making it the default. */
export function registerDevice(backend: Backend): Device {
  checkBackend('registerDevice', backend)
  const device = knownAs(backend)
  devices.set(device.name, device)
  devices.set(device.label, device)
  return device
}

/** The device of a backend, always the same. */
function knownAs(backend: Backend): Device {
  for (const device of devices.values()) if (device.own === backend) return device
  return new Device(backend)
}

/** PyTorch's error for tensors of two devices, by names that tell them apart. */
export function twoDevices(a: Device, b: Device, hint: (name: string) => string): RuntimeError {
  const [x, y] = a.name === b.name ? [a.label, b.label] : [a.name, b.name]
  return new RuntimeError(
    `Expected all tensors to be on the same device, but found at least two devices, ${x} and ${y}!`,
    hint(x),
  )
}

/** The default device. */
export function currentDevice(): Device {
  if (current === undefined) {
    throw new RuntimeError('no device', "Import 'flambeau', which brings one, or call useDevice(backend) first.")
  }
  return current
}

/** The device of that name; it must have been loaded before. */
export function deviceNamed(name: string | Device | undefined): Device {
  if (name === undefined) return currentDevice()
  if (typeof name !== 'string') return name
  const device = devices.get(name)
  if (device === undefined) {
    const known = [...devices.keys()].join(', ') || 'none'
    throw new ValueError(
      `device '${name}' is not loaded`,
      `Loaded devices: ${known}. Call await setDevice('${name}') once before using it.`,
    )
  }
  return device
}
