// Whatever goes wrong on the way to a running module has a sentence that says what, where, and what to do.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { isMissing } from '@flambeau/core/backend'
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { wasm } from '../src/index.ts'
import { load } from '../src/load.ts'
import { type Engine, engine, probes } from '../src/webassembly.ts'

const file = new URL('../wasm/flambeau.wasm', import.meta.url)
const bytes = readFileSync(file)
const real = engine() as Engine
const temp = mkdtempSync(join(tmpdir(), 'flambeau-wasm-'))

/** What the server answers, by path. */
const answers: Readonly<Record<string, (response: ServerResponse) => void>> = {
  '/streamed.wasm': (response) => response.setHeader('content-type', 'application/wasm').end(bytes),
  '/plain.wasm': (response) => response.end(bytes),
  // compileStreaming refuses both types.
  '/octets.wasm': (response) => response.setHeader('content-type', 'application/octet-stream').end(bytes),
  '/parameter.wasm': (response) => response.setHeader('content-type', 'application/wasm; charset=utf-8').end(bytes),
  '/cut.wasm': (response) => response.setHeader('content-type', 'application/wasm').end(bytes.subarray(0, 10_000)),
  '/page.wasm': (response) =>
    response.setHeader('content-type', 'text/html').end('<!doctype html><title>Not here</title>'),
  '/broken.wasm': (response) => {
    response.setHeader('content-length', bytes.length)
    response.write(bytes.subarray(0, 1000))
    setTimeout(() => response.destroy(), 20)
  },
  '/none.wasm': (response) => response.writeHead(404).end(),
}
let server: Server
let at = ''
beforeAll(async () => {
  server = createServer(({ url }, response) => answers[url ?? '']?.(response))
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  at = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => {
  server.close()
  rmSync(temp, { recursive: true, force: true })
})
afterEach(() => void vi.unstubAllGlobals())

/** The engine with some members replaced. */
const stub = (members: Partial<Engine>): void => {
  const { validate, compile, compileStreaming, Module, Instance, CompileError } = real
  vi.stubGlobal('WebAssembly', { validate, compile, compileStreaming, Module, Instance, CompileError, ...members })
}

const caught = async (loading: Promise<unknown>): Promise<Error> => {
  const error = await loading.then(
    () => new Error('it loads'),
    (error: Error) => error,
  )
  expect(error.message.split('\n').length, error.message).toBeGreaterThan(1)
  return error
}

it('a module is an address, bytes, or compiled', async () => {
  const compiled = await real.compile(bytes)
  const copy = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)
  const sources = [
    undefined,
    file,
    file.href,
    bytes,
    copy,
    compiled,
    `${at}/streamed.wasm`,
    new URL(`${at}/plain.wasm`),
    `${at}/octets.wasm`,
    `${at}/parameter.wasm`,
  ]
  for (const source of sources) {
    const { exports, relaxed } = await load(source)
    expect(relaxed).toBe(source === undefined ? real.validate(probes.relaxed) : undefined)
    expect(exports.memory.buffer.byteLength).toBeGreaterThan(0)
  }
})

it('a relative address counts from the current folder, in a page from the page', async () => {
  const path = relative(process.cwd(), fileURLToPath(file))
  expect((await load(path)).exports.memory.buffer.byteLength).toBeGreaterThan(0)
  vi.stubGlobal('location', { href: `${at}/pages/first.html?x` })
  expect((await load('../streamed.wasm')).exports.memory.buffer.byteLength).toBeGreaterThan(0)
  expect((await caught(load('../none.wasm'))).message).toContain(`${at}/none.wasm: the server answers 404`)
})

it('a module that cannot be read', async () => {
  const absent = pathToFileURL(join(temp, 'absent.wasm'))
  expect((await caught(load(absent))).message).toMatch(
    /^device 'wasm' could not read its module at file:.*absent\.wasm: ENOENT.*\nServe the file there, .*Pass the module from elsewhere: wasm\(\{ module \}\)/s,
  )
  expect((await caught(load(`${at}/none.wasm`))).message).toContain('/none.wasm: the server answers 404\n')
  expect((await caught(load(`${at}/broken.wasm`))).message).toContain('could not read its module')
  expect((await caught(load('http://127.0.0.1:1/x.wasm'))).message).toContain(
    'could not read its module at http://127.0.0.1:1/x.wasm',
  )
  vi.stubGlobal('fetch', undefined)
  expect((await caught(load(`${at}/plain.wasm`))).message).toContain('there is no fetch here')
  expect((await caught(load({}))).message).toContain('got a module that is none of those it takes')
})

it('a module that is damaged, cut off, or something else', async () => {
  const cut = join(temp, 'cut.wasm')
  writeFileSync(cut, bytes.subarray(0, 100_000))
  for (const source of [pathToFileURL(cut), bytes.subarray(0, 200_000), `${at}/cut.wasm`]) {
    const { message } = await caught(load(source))
    expect(message).toContain("device 'wasm' cannot use the module ")
    expect(message).toMatch(/it is truncated or damaged \(.*\)\nReinstall @flambeau\/backend-wasm/)
  }
  expect((await caught(load(`${at}/page.wasm`))).message).toContain(
    'it is not WebAssembly, it begins with "<!doctype ht"',
  )
  expect((await caught(load(new Uint8Array(0)))).message).toContain('it is empty')
})

it('a module of another version', async () => {
  expect((await caught(load(probes.simd))).message).toContain('it is another version, or not flambeau')
  class Other {
    readonly exports: object
    constructor(...[module, imports]: ConstructorParameters<Engine['Instance']>) {
      this.exports = { ...new real.Instance(module, imports).exports, format: () => 3 }
    }
  }
  stub({ Instance: Other })
  expect((await caught(load())).message).toMatch(
    /it is another version: it reads format 3, and this package writes \d+\nReinstall/,
  )
})

it('an engine without WebAssembly, or without its vectors, counts as missing', async () => {
  vi.stubGlobal('WebAssembly', undefined)
  const none = await caught(load())
  expect(none.message).toContain("device 'wasm' needs WebAssembly, which this JavaScript engine does not have\n")
  stub({ validate: () => false })
  const scalar = await caught(load())
  expect(scalar.message).toContain("device 'wasm' needs WebAssembly SIMD, which this JavaScript engine does not have\n")
  expect([none, scalar].map(isMissing)).toEqual([true, true])
})

it('a policy that forbids it, and memory that is not there', async () => {
  const refuse = async () => {
    throw new real.CompileError(
      "WebAssembly.compile(): Refused to compile or instantiate WebAssembly module because neither 'wasm-eval' nor 'unsafe-eval' is an allowed source of script",
    )
  }
  stub({ compile: refuse })
  const error = await caught(load())
  expect(error.message).toMatch(
    /^device 'wasm' may not compile WebAssembly: a policy forbids it .*\nAdd 'wasm-unsafe-eval' to script-src/,
  )
  expect(isMissing(error)).toBe(false)
  class Poor {
    readonly exports = {}
    constructor() {
      throw new RangeError('WebAssembly.Memory(): could not allocate memory')
    }
  }
  stub({ Instance: Poor })
  expect((await caught(load())).message).toContain("device 'wasm' found no memory for its module")
})

it('relaxed SIMD is taken where the engine has it, or refused', async () => {
  const has = real.validate(probes.relaxed)
  expect((await load()).relaxed).toBe(has)
  expect((await load(undefined, false)).relaxed).toBe(false)
  if (has) expect((await load(undefined, true)).relaxed).toBe(true)
  else expect((await caught(load(undefined, true))).message).toContain('cannot use relaxed SIMD')
})

it('options are checked; a failed call leaves the next one free, and a thread has one module', async () => {
  await expect(wasm({ maxBytes: 0 })).rejects.toThrow('maxBytes must be above 0, not 0')
  await expect(wasm({ module: new Uint8Array(4) })).rejects.toThrow('it is not WebAssembly')
  const device = await wasm({ maxBytes: 2 ** 26 })
  expect(await wasm()).toBe(device)
  const { linearBytes, ...rest } = device.report()
  expect(rest).toEqual({ relaxed: real.validate(probes.relaxed), emit: true, bytes: 0, maxBytes: 2 ** 26 })
  expect(linearBytes).toBeGreaterThan(2 ** 20)
  await expect(wasm({ module: bytes })).rejects.toThrow('is loaded already, with another module')
})
