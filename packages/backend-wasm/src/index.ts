// The C++ kernels of flambeau as WebAssembly SIMD, for browsers, workers, Node, Deno and Bun.
import { type Backend, ValueError } from '@flambeau/core/backend'
import { type Report, WasmBackend } from './backend.ts'
import { load, type ModuleSource } from './load.ts'

export type { Report } from './backend.ts'
export type { ModuleSource } from './load.ts'

/** The backend, with a report about itself. */
export interface Wasm extends Backend {
  /** Which module it took, and how much memory it has. */
  report(): Report
}

/** Options of the backend. */
export interface WasmOptions {
  /**
   * The bytes of tensors in the module's memory above which those used least recently move to JavaScript's; 256 MB if
   * not given. The module's memory never shrinks, so this limits what it holds for good.
   */
  readonly maxBytes?: number
  /**
   * The module, if it does not lie where the package has it: its address (a URL), its bytes, or a compiled
   * WebAssembly.Module.
   */
  readonly module?: ModuleSource
  /** Whether to take the module of relaxed SIMD; if not given, it is taken where the engine has relaxed SIMD. */
  readonly relaxed?: boolean
  /**
   * Whether the expressions of compiled steps, and of eager operations on many elements, are written as WebAssembly of
   * their own, which gives the same numbers in less time; true if not given. It holds for what is compiled from then on.
   */
  readonly emit?: boolean
}

const defaultBytes = 256 * 2 ** 20

let shared: Promise<WasmBackend> | undefined
let given: WasmOptions = {}

/** Whether two sources are one object, or name one address. */
function isSame(a: ModuleSource, b: ModuleSource | undefined): boolean {
  const addressOf = (x: ModuleSource | undefined): unknown => (x as { readonly href?: unknown } | undefined)?.href ?? x
  return addressOf(a) === addressOf(b)
}

function checkOptions({ maxBytes, module, relaxed }: WasmOptions): void {
  if (maxBytes !== undefined && !(maxBytes > 0)) throw new ValueError(`maxBytes must be above 0, not ${maxBytes}`)
  if (shared === undefined) return
  if ((module !== undefined && !isSame(module, given.module)) || (relaxed !== undefined && relaxed !== given.relaxed)) {
    throw new ValueError(
      "device 'wasm' is loaded already, with another module",
      'A thread has one module: pass `module` and `relaxed` to the first call of wasm().',
    )
  }
}

async function create({ module, relaxed }: WasmOptions): Promise<WasmBackend> {
  const loaded = await load(module, relaxed)
  given = { module, relaxed: loaded.relaxed }
  return new WasmBackend(loaded.exports, defaultBytes, loaded.relaxed)
}

/**
 * The WebAssembly backend. A thread has one: later calls may change `maxBytes`. Throws a RuntimeError with the remedy if
 * the module cannot be found, compiled or used.
 *
 * @example
 * useDevice(await wasm())
 */
export async function wasm(options: WasmOptions = {}): Promise<Wasm> {
  checkOptions(options)
  if (shared === undefined) {
    given = options
    shared = create(options)
    shared.catch(() => (shared = undefined))
  }
  const backend = await shared
  if (options.maxBytes !== undefined) backend.maxBytes = options.maxBytes
  if (options.emit !== undefined) backend.host.emits = options.emit
  return backend
}
