// Finds the module, compiles it and makes an instance of it. Whatever can go wrong on the way has a sentence with its
// remedy; where an engine has nothing to run the module with, the error is marked as missing, so that 'auto' goes on.
import { lackingMemory, missing, RuntimeError } from '@flambeau/core/backend'
import { format } from '@flambeau/stream'
import type { Exports } from './exports.ts'
import { type Engine, engine, type Module, probes } from './webassembly.ts'

/** Where a module comes from: an address, its bytes, or itself, compiled. */
export type ModuleSource = string | { readonly href: string } | ArrayBuffer | ArrayBufferView | object

/** The modules of the package. Bundlers know this form of an address, so each must be written out. */
const own = {
  simd: { file: 'flambeau.wasm', address: () => new URL('../wasm/flambeau.wasm', import.meta.url) },
  relaxed: { file: 'flambeau-relaxed.wasm', address: () => new URL('../wasm/flambeau-relaxed.wasm', import.meta.url) },
}

const elsewhere = "Device 'js' works without it: await setDevice('js')."
const passIt =
  'Pass the module from elsewhere: wasm({ module }) takes an address (URL), bytes, or a compiled WebAssembly.Module.'

interface Response {
  readonly ok: boolean
  readonly status: number
  readonly headers: { get(name: string): string | null }
  arrayBuffer(): Promise<ArrayBuffer>
}
/** The part of Node's own modules that is used here; Deno and Bun have it, too. */
interface Node {
  readonly 'node:fs': {
    existsSync(address: URL): boolean
    readonly promises: { readFile(address: URL): Promise<Uint8Array> }
  }
  readonly 'node:module': {
    createRequire(file: string): { resolve(name: string, options: { readonly paths: readonly string[] }): string }
  }
  readonly 'node:path': { dirname(path: string): string; join(...parts: readonly string[]): string }
  readonly 'node:url': { pathToFileURL(path: string): URL }
}
interface Globals {
  fetch?(address: string): Promise<Response>
  readonly location?: { readonly href: string }
  readonly process?: {
    readonly argv: readonly string[]
    cwd(): string
    getBuiltinModule?<Name extends keyof Node>(name: Name): Node[Name] | undefined
  }
}
const globals = globalThis as unknown as Globals
const node = <Name extends keyof Node>(name: Name): Node[Name] | undefined => globals.process?.getBuiltinModule?.(name)

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

const unread = (address: string, why: string): RuntimeError =>
  new RuntimeError(
    `device 'wasm' could not read its module at ${address}: ${why}`,
    `Serve the file there, as a bundler does with files that new URL() names. ${passIt}`,
  )

/** Bytes that are no module, cut off, or made of other sources. */
const damaged = (from: string, why: string): RuntimeError =>
  new RuntimeError(
    `device 'wasm' cannot use the module ${from}: ${why}`,
    `Reinstall @flambeau/backend-wasm, or pass the file of the same version. ${elsewhere}`,
  )

const isMagic = (bytes: Uint8Array): boolean => [0, 0x61, 0x73, 0x6d].every((byte, i) => bytes[i] === byte)

/** The engine's error for a module that does not compile, with its remedy. */
function uncompiled(error: unknown, from: string): RuntimeError {
  const why = textOf(error)
  if (/unsafe-eval|\bCSP\b|Content Security Policy|disallowed by embedder/i.test(why)) {
    return new RuntimeError(
      `device 'wasm' may not compile WebAssembly: a policy forbids it (${why})`,
      `Add 'wasm-unsafe-eval' to script-src of the page's Content-Security-Policy. ${elsewhere}`,
    )
  }
  if (error instanceof RangeError) return noMemoryFor(why)
  return damaged(from, `it is truncated or damaged (${why})`)
}

const noMemoryFor = (why: string): RuntimeError =>
  new RuntimeError(`device 'wasm' found no memory for its module (${why})`, elsewhere)

async function compileBytes(engine: Engine, bytes: Uint8Array, from: string): Promise<Module> {
  if (!isMagic(bytes)) {
    const start = JSON.stringify(String.fromCharCode(...bytes.subarray(0, 12)))
    throw damaged(from, bytes.length === 0 ? 'it is empty' : `it is not WebAssembly, it begins with ${start}`)
  }
  try {
    return await engine.compile(bytes)
  } catch (error) {
    throw uncompiled(error, from)
  }
}

/** Reads a file where the engine can, else fetches; compiles while the bytes arrive if the server calls them wasm. */
async function compileAt(engine: Engine, address: string): Promise<Module> {
  const from = `at ${address}`
  const files = address.startsWith('file:') ? node('node:fs') : undefined
  if (files !== undefined) {
    const bytes = await files.promises.readFile(new URL(address)).catch((error: unknown) => {
      throw unread(address, textOf(error))
    })
    return compileBytes(engine, bytes, from)
  }
  if (globals.fetch === undefined) throw unread(address, 'there is no fetch here')
  const response = await globals.fetch(address).catch((error: unknown) => {
    throw unread(address, textOf(error))
  })
  if (!response.ok) throw unread(address, `the server answers ${response.status}`)
  if (engine.compileStreaming !== undefined && response.headers.get('content-type') === 'application/wasm') {
    try {
      return await engine.compileStreaming(response)
    } catch (error) {
      throw error instanceof TypeError ? unread(address, textOf(error)) : uncompiled(error, from)
    }
  }
  const bytes = await response.arrayBuffer().catch((error: unknown) => {
    throw unread(address, textOf(error))
  })
  return compileBytes(engine, new Uint8Array(bytes), from)
}

/** The package's file as the running program finds it, which may be a bundle that has no files beside it. */
function installed(file: string): URL | undefined {
  const [path, modules, urls] = [node('node:path'), node('node:module'), node('node:url')]
  if (path === undefined || modules === undefined || urls === undefined) return undefined
  const { argv, cwd } = globals.process as NonNullable<Globals['process']>
  const paths = [...argv.slice(1, 2).map(path.dirname), cwd()]
  try {
    const { resolve } = modules.createRequire(path.join(cwd(), '_'))
    return urls.pathToFileURL(resolve(`@flambeau/backend-wasm/${file}`, { paths }))
  } catch {
    return undefined
  }
}

/** The address of a module of the package: beside this file, or else in the program's packages. */
function ownAddress({ file, address }: (typeof own)['simd']): URL {
  const files = node('node:fs')
  let beside: URL | undefined
  try {
    beside = address()
  } catch (error) {
    // Where a bundler made a script of this file, it has no address.
    if (files === undefined) throw error
  }
  if (files !== undefined && (beside === undefined || (beside.protocol === 'file:' && !files.existsSync(beside))))
    beside = installed(file) ?? beside
  return beside ?? address()
}

/** The address that a source stands for, relative to the page or to the current folder; or undefined. */
function addressIn(source: ModuleSource): string | undefined {
  if (typeof source === 'string') {
    const { location, process } = globals
    return new URL(source, location?.href ?? node('node:url')?.pathToFileURL(`${process?.cwd()}/`)).href
  }
  const { href } = source as { readonly href?: unknown }
  return typeof href === 'string' ? href : undefined
}

async function compile(engine: Engine, source: ModuleSource | undefined, relaxed: boolean): Promise<Module> {
  if (source instanceof engine.Module) return source
  if (source instanceof ArrayBuffer) return compileBytes(engine, new Uint8Array(source), 'in the given bytes')
  if (ArrayBuffer.isView(source)) {
    const { buffer, byteOffset, byteLength } = source
    return compileBytes(engine, new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength), 'in the given bytes')
  }
  let address: string | undefined
  try {
    address = source === undefined ? ownAddress(own[relaxed ? 'relaxed' : 'simd']).href : addressIn(source)
  } catch (error) {
    throw new RuntimeError(`device 'wasm' does not know the address of its module (${textOf(error)})`, passIt)
  }
  if (address === undefined) throw new RuntimeError("device 'wasm' got a module that is none of those it takes", passIt)
  return compileAt(engine, address)
}

/** Thrown by the import that C++ calls when there is no memory. */
export const outOfMemory = lackingMemory('an operation')

/** What a module must export: one with these and the format of the stream was built from these sources. */
const functions: readonly (keyof Exports)[] = [
  '_initialize',
  'allocate',
  'define',
  'drop',
  'forget',
  'matrices',
  'format',
  'keep',
  'message',
  'narrow',
  'normals',
  'program',
  'release',
  'run',
  'submit',
]

function instantiate({ Instance }: Engine, module: Module): Exports {
  const imports = {
    flambeau: {
      outOfMemory() {
        throw outOfMemory
      },
    },
  }
  let exports: Exports
  try {
    exports = new Instance(module, imports).exports as Exports
  } catch (error) {
    throw error instanceof RangeError
      ? noMemoryFor(textOf(error))
      : damaged('', `its imports differ (${textOf(error)})`)
  }
  const lacks = functions.find((name) => typeof exports[name] !== 'function')
  if (lacks !== undefined || exports.memory === undefined || exports.__stack_pointer === undefined)
    throw damaged('', `it is another version, or not flambeau's: it has no ${lacks ?? 'memory'}`)
  exports._initialize()
  if (exports.format() !== format)
    throw damaged('', `it is another version: it reads format ${exports.format()}, and this package writes ${format}`)
  return exports
}

export interface Loaded {
  readonly exports: Exports
  /** Undefined for a module that the caller passed and said nothing about. */
  readonly relaxed: boolean | undefined
}

/** Loads the module, relaxed if the engine has relaxed SIMD and the caller does not say otherwise. */
export async function load(source?: ModuleSource, relaxed?: boolean): Promise<Loaded> {
  const found = engine()
  if (found === undefined) {
    throw missing(
      new RuntimeError("device 'wasm' needs WebAssembly, which this JavaScript engine does not have", elsewhere),
    )
  }
  if (!found.validate(probes.simd)) {
    throw missing(
      new RuntimeError(
        "device 'wasm' needs WebAssembly SIMD, which this JavaScript engine does not have",
        `Node 20, Chrome 91, Firefox 89 and Safari 16.4 have it. ${elsewhere}`,
      ),
    )
  }
  const hasRelaxed = found.validate(probes.relaxed)
  if (relaxed === true && !hasRelaxed) {
    throw new RuntimeError(
      "device 'wasm' cannot use relaxed SIMD, which this JavaScript engine does not have",
      'Leave the option out: wasm() takes what the engine has.',
    )
  }
  const chosen = relaxed ?? hasRelaxed
  return {
    exports: instantiate(found, await compile(found, source, chosen)),
    relaxed: source === undefined ? chosen : relaxed,
  }
}
