// 'auto' with a device that is installed but does not load. tools/test/pack-native.test.ts covers missing packages,
// which it can remove.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, expect, test, vi } from 'vitest'
import { js, setDevice, tensor, useDevice } from '../src/index.ts'

const temp = mkdtempSync(join(tmpdir(), 'flambeau-auto-'))
afterEach(() => {
  vi.unstubAllEnvs()
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
  useDevice(js())
})
afterAll(() => rmSync(temp, { recursive: true }))

/** Types of Node alone do not have it. */
const { WebAssembly: real } = globalThis as unknown as {
  readonly WebAssembly: Readonly<Record<'compile' | 'Instance' | 'Module' | 'validate', unknown>> & {
    readonly CompileError: ErrorConstructor
  }
}
const stub = (members: object): void => {
  const { compile, Instance, Module, validate } = real
  vi.stubGlobal('WebAssembly', { compile, Instance, Module, validate, ...members })
}
/** Lets the module's file have other bytes, or none. */
const file = (change: (bytes: Buffer) => Buffer): void => {
  const { getBuiltinModule } = process
  const readFile = async (address: URL) => change(readFileSync(address))
  vi.spyOn(process, 'getBuiltinModule').mockImplementation(((name: string) =>
    name === 'node:fs' ? { existsSync, promises: { readFile } } : getBuiltinModule(name)) as never)
}

/** Everything that keeps wasm from loading: what the warning says, if there is something to mend, and the remedy. */
const faults: Readonly<Record<string, readonly [breakIt: () => void, said?: RegExp]>> = {
  'there is no WebAssembly': [() => vi.stubGlobal('WebAssembly', undefined)],
  'there is no SIMD': [() => stub({ validate: () => false })],
  'the file is not there': [
    () =>
      file(() => {
        throw new Error('ENOENT: no such file or directory')
      }),
    /could not read its module at file:.*: ENOENT.*\nServe the file there/,
  ],
  'the file is cut off': [
    () => file((bytes) => bytes.subarray(0, 100_000)),
    /it is truncated or damaged \(.*\)\nReinstall/,
  ],
  'the file is a page': [() => file(() => Buffer.from('<!doctype html>')), /it is not WebAssembly.*\nReinstall/],
  'the file is of another version': [
    () => file((bytes) => bytes.subarray(0, 8)),
    /it is another version, or not flambeau's.*\nReinstall/,
  ],
  'a policy forbids WebAssembly': [
    () =>
      stub({
        async compile() {
          throw new real.CompileError(
            "violates the directive because neither 'wasm-unsafe-eval' nor 'unsafe-eval' is allowed",
          )
        },
      }),
    /a policy forbids it .*\nAdd 'wasm-unsafe-eval' to script-src/,
  ],
  'there is no memory': [
    () =>
      stub({
        Instance: class {
          constructor() {
            throw new RangeError('could not allocate memory')
          }
        },
      }),
    /found no memory for its module \(.*\)\nDevice 'js' works without it/,
  ],
}
for (const [fault, [breakIt, said]] of Object.entries(faults)) {
  test(`where ${fault}, 'auto' goes on to js${said === undefined ? '' : ', and warns'}`, async () => {
    // Without native.
    vi.stubEnv('FLAMBEAU_NATIVE_PATH', join(temp, 'none.node'))
    const shown = vi.spyOn(console, 'warn').mockReturnValue()
    breakIt()
    expect(await setDevice('auto')).toBe('js')
    expect(tensor([1, 2]).sum().item()).toBe(3)
    const ours = shown.mock.calls.map(([text]) => String(text)).filter((text) => text.includes("without 'wasm'"))
    expect(ours).toHaveLength(said === undefined ? 0 : 1)
    if (said !== undefined) expect(ours[0]).toMatch(said)
    await expect(setDevice('wasm')).rejects.toThrow(/^device 'wasm' .*\n/)
    expect(tensor([1, 2]).sum().item()).toBe(3)
  })
}

test('an addon that does not load is skipped with one warning that says why', async () => {
  const file = join(temp, 'text.node')
  writeFileSync(file, 'no addon')
  vi.stubEnv('FLAMBEAU_NATIVE_PATH', file)
  const shown = vi.spyOn(console, 'warn').mockReturnValue()
  const name = await setDevice('auto')
  expect(name).toBe('wasm')
  expect(await setDevice('auto')).toBe(name)
  expect(tensor([1, 2]).sum().item()).toBe(3)
  const ours = shown.mock.calls.map(([text]) => String(text)).filter((text) => text.includes("'native'"))
  expect(ours).toHaveLength(1)
  expect(ours[0]).toContain("UserWarning: setDevice('auto') continues without 'native': device 'native' found no addon")
  expect(ours[0]).toContain(`\nTried FLAMBEAU_NATIVE_PATH (${file}): `)
  await expect(setDevice('native')).rejects.toThrow("device 'native' found no addon")
})
