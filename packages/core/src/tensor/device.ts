// Devices by name, the default device, and storages: a buffer with the version counter that autograd checks. Core has
// no device of its own; a package registers one with `useDevice`.
import type { Backend, DeviceBuffer } from '../backend/backend.ts'
import { AssertionError, RuntimeError, TypeError, ValueError } from '../base/errors.ts'
import { typeName } from '../base/python.ts'
import { effects, freeing, type Lease, nodesMade } from './effects.ts'
import { mode } from './mode.ts'

/**
 * A device holds tensors. `backend` currently runs its instructions: the device's own backend, or a recorder or
 * profiler that wraps it.
 */
export class Device {
  readonly name: string
  /** Its name, with the variant if its backend has several: 'gpujs:cpu'. */
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
/** The number of storages so far: a storage created later has at least this serial number. */
export const storagesMade = (): number => storages

/** The memory behind a tensor and all its views. */
export class Storage {
  readonly device: Device
  /** The buffer; a function that throws if it was freed, or asks the root of an alias. */
  #held: DeviceBuffer | (() => DeviceBuffer)
  /**
   * Made by a recording that does not let it outlive the step. It is a field and not a function around the buffer, because
   * V8's collections of young garbage did not free what such functions held.
   */
  #lease: Lease | null = null
  /** The number of elements in the buffer. */
  readonly size: number
  /** Incremented by every write; a saved value whose version has changed can no longer be differentiated. */
  version = 0
  /** Creation order among storages. */
  readonly serial: number
  /** Set once the storage has become some leaf's `.grad`: no other leaf may take it. */
  owned = false
  /** Who may use the memory: the program, and each node that saved it. A backward pass frees what nobody holds any more. */
  holders = 1
  /** Created in `inferenceMode`, so it takes no part in autograd. */
  readonly inference: boolean
  /** The storage that owns the memory: itself, or the one that it is an alias of. */
  readonly root: Storage

  constructor(device: Device, held: DeviceBuffer | (() => DeviceBuffer), size: number, root: Storage | null = null) {
    this.device = device
    this.#held = held
    this.size = size
    this.root = root ?? this
    this.inference = root === null ? mode.inference : root.inference
    this.serial = root === null ? storages++ : root.serial
    if (root !== null) return
    if (size >= freeing.from) freeing.node = nodesMade()
    if (effects.sink !== null) this.#lease = effects.sink.made(this)
    if (effects.scope !== null) effects.scope.made(this)
  }

  /** Keeps the memory of a recording after its end. */
  outlive(): void {
    this.#lease = null
  }

  /** The same memory with a separate version counter: autograd does not see in one the writes through the other. */
  alias(): Storage {
    const { root } = this
    root.owned = true
    const alias = new Storage(this.device, () => root.buffer, this.size, root)
    alias.owned = true
    return alias
  }

  /** The handle of the memory; throws if it was freed. */
  get buffer(): DeviceBuffer {
    const lease = this.#lease
    if (lease?.over) return lease.refuse()
    const held = this.#held
    return typeof held === 'function' ? held() : held
  }

  /** The handle, or null if the memory was freed. */
  get memory(): DeviceBuffer | null {
    return this.freed ? null : this.buffer
  }

  /** Frees the memory. Later uses call `used`, which throws. */
  free(used: () => never): void {
    if (this.root !== this) return this.root.free(used)
    if (this.freed) return
    const { buffer, device } = this
    effects.sink?.freeing(this)
    this.#held = used
    this.#lease = null
    this.version = -1
    device.backend.free(buffer)
  }

  /** Whether the memory was freed. */
  get freed(): boolean {
    const { root } = this
    return root.version < 0 || root.#lease?.over === true
  }
}

/** Throws for a value that is not a backend. */
export function checkBackend(name: string, backend: unknown): void {
  const { name: own, run, caps } = Object(backend) as Partial<Backend>
  if (typeof own === 'string' && typeof run === 'function' && typeof caps === 'object') return
  throw new TypeError(
    `${name}(): argument 'backend' must be Backend, not ${typeName(backend)}`,
    'Pass the result of js(), await native(), await wasm() or await gpujs().',
  )
}

const devices = new Map<string, Device>()
let current: Device | undefined

/**
 * Makes a backend the default device for new tensors, and registers it by its name.
 *
 * @example
 * useDevice(js())
 */
export function useDevice(backend: Backend): Device {
  const device = registerDevice(backend)
  current = device
  return device
}

/** Registers a backend by its name (for `tensor.to(name)`) without making it the default. */
export function registerDevice(backend: Backend): Device {
  checkBackend('registerDevice', backend)
  const device = knownAs(backend)
  devices.set(device.name, device)
  // PyTorch's name of the device that is always there.
  if (device.name === 'js') devices.set('cpu', device)
  if (device.name === 'cuda:0') devices.set('cuda', device)
  devices.set(device.label, device)
  return device
}

/** The device of a backend, always the same object. */
function knownAs(backend: Backend): Device {
  for (const device of devices.values()) if (device.own === backend) return device
  return new Device(backend)
}

/** PyTorch's error for tensors on two devices, with names that distinguish them. */
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

/** PyTorch's error where CUDA is needed. */
export const noCuda = (): AssertionError =>
  new AssertionError(
    'Torch not compiled with CUDA enabled',
    "No GPU is loaded: await setDevice('cuda') opens one. Other devices are 'cpu', which is js, 'native', 'wasm' and 'gpujs'.",
  )

/** The GPUs of a kind that are loaded. */
export const gpusLoaded = (kind: string): readonly Device[] => [
  ...new Set([...devices.values()].filter(({ own }) => own.gpu?.kind === kind)),
]

/** Another GPU of a kind of which one is loaded: 'cuda:1'. */
function opened(name: string): Device | undefined {
  const [, kind, index] = /^(\w+):(\d+)$/.exec(name) ?? []
  const [known] = gpusLoaded(kind)
  return known?.own.gpu && registerDevice(known.own.gpu.open(Number(index)))
}

/** The device of that name, which must have been loaded. */
export function deviceNamed(name: string | Device | undefined): Device {
  if (name === undefined) return currentDevice()
  if (typeof name !== 'string') return name
  const device = devices.get(name) ?? opened(name)
  if (device === undefined) {
    if (/^cuda\b/.test(name)) throw noCuda()
    const known = [...devices.keys()].join(', ') || 'none'
    throw new ValueError(
      `device '${name}' is not loaded`,
      `Loaded devices: ${known}. Call await setDevice('${name}') once before using it.`,
    )
  }
  return device
}
