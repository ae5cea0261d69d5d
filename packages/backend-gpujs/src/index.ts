// The gpu.js backend of flambeau: WebGL in browsers, headless GL in Node, and gpu.js's WebAssembly and CPU modes.
import { type Backend, ValueError } from '@flambeau/core/backend'
import type { Mode } from './adapter.ts'
import { GpujsBackend, type Limits, type Report } from './backend.ts'
import { choose } from './modes.ts'
import * as planning from './plans/index.ts'

export type { Mode } from './adapter.ts'
export type { Report } from './backend.ts'
export type { Tried } from './modes.ts'

/** The backend, with what it tells of itself. */
export interface Gpujs extends Backend {
  /** What was found of this machine and chosen for it, and what the device has done so far. */
  report(): Report
}

/** What the backend is asked for. */
export interface GpujsOptions {
  /**
   * A mode of gpu.js: 'webgl2', 'webgl' (in browsers), 'headlessgl' (in Node), 'webasm' or 'cpu'. The best that there is
   * if not said.
   */
  readonly mode?: Mode
  /** Bytes of textures above which the least recently used move to the host, from 1; 256 MiB if not said. */
  readonly maxBytes?: number
}

const limits: Limits = {
  bytes: 256 * 2 ** 20,
  textures: 2048,
  kernels: { kernels: 512, bytes: 256 * 2 ** 20 },
}

/** A page may have few contexts, so there is one device for what was asked for, as long as it is usable. */
const shared = new Map<string, Promise<GpujsBackend>>()

async function make(mode: Mode | undefined, bytes: number): Promise<GpujsBackend> {
  const { engine, tried } = await choose(mode)
  const why = mode === undefined ? 'the best that was found' : 'it was asked for'
  return new GpujsBackend(engine, { why, tried }, planning, { ...limits, bytes })
}

/**
 * The gpu.js backend; the same one for the same options, until it is disposed of or its context is lost. Throws a
 * RuntimeError where a mode that was asked for cannot be had, saying why and what to do, and a ValueError for a mode that
 * there is not.
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
