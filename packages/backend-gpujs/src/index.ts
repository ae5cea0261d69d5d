// The gpu.js backend of flambeau: WebGL in browsers, headless GL in Node, and gpu.js's WebAssembly and CPU modes.
import { type Backend, ValueError } from '@flambeau/core/backend'
import type { Mode } from './adapter.ts'
import { GpujsBackend, type Limits, type Report } from './backend.ts'
import { choose } from './modes.ts'
import * as planning from './plans/index.ts'

export type { Mode } from './adapter.ts'
export type { Report } from './backend.ts'
export type { Tried } from './modes.ts'

/** The backend with its report. */
export interface Gpujs extends Backend {
  /** What was found on this machine and chosen, and what the device has done so far. */
  report(): Report
}

/** Options of the backend. */
export interface GpujsOptions {
  /**
   * A mode of gpu.js: 'webgl2', 'webgl' (in browsers), 'headlessgl' (in Node), 'webasm' or 'cpu'. By default the best
   * available.
   */
  readonly mode?: Mode
  /** Above this many bytes of textures, the least recently used move to the host; at least 1, 256 MiB by default. */
  readonly maxBytes?: number
}

const limits: Limits = {
  bytes: 256 * 2 ** 20,
  textures: 2048,
  kernels: { kernels: 512, bytes: 256 * 2 ** 20 },
}

/** A page may have few contexts, so calls with equal options share one device as long as it is usable. */
const shared = new Map<string, Promise<GpujsBackend>>()

async function make(mode: Mode | undefined, bytes: number): Promise<GpujsBackend> {
  const { engine, tried } = await choose(mode)
  const why = mode === undefined ? 'the best mode found' : 'it was requested'
  return new GpujsBackend(engine, { why, tried }, planning, { ...limits, bytes })
}

/**
 * Creates the gpu.js backend, or returns the same one for the same options until it is disposed of or its context is
 * lost. Throws a RuntimeError if a requested mode is not available, saying why and what to do, and a ValueError for an
 * unknown mode.
 *
 * @example
 * useDevice(await gpujs({ mode: 'webgl2' }))
 */
export async function gpujs(options: GpujsOptions = {}): Promise<Gpujs> {
  const { mode, maxBytes = limits.bytes } = options
  if (!(maxBytes >= 1)) throw new ValueError(`maxBytes must be at least 1, not ${maxBytes}`)
  const key = `${mode} ${maxBytes}`
  const before = shared.get(key)?.catch(() => undefined) ?? Promise.resolve(undefined)
  const device = before.then((known) => (known?.usable ? known : make(mode, maxBytes)))
  shared.set(key, device)
  return device
}
