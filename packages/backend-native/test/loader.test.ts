// Files that are not addons: each gives one clear error, the process survives, and flambeau continues with js.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test, vi } from 'vitest'
import { root } from '../../../tools/lib.mjs'
import { addon } from '../../../tools/native.mjs'
import { nativeMissing, testWith } from '../../../tools/test/machine.ts'
import { loadAddon, loadFrom } from '../src/loader.ts'

const temp = mkdtempSync(join(tmpdir(), 'flambeau-loader-'))
afterAll(() => rmSync(temp, { recursive: true }))

const own = process.env.FLAMBEAU_NATIVE_PATH ?? addon

/** The error of loading a file. */
const errorOf = (file: string): string => {
  vi.stubEnv('FLAMBEAU_NATIVE_PATH', file)
  try {
    loadAddon()
  } catch (error) {
    return String(error)
  } finally {
    vi.unstubAllEnvs()
  }
  throw new Error(`${file} was loaded`)
}

const written = (name: string, content: string | Uint8Array): string => {
  const file = join(temp, name)
  writeFileSync(file, content)
  return file
}

test('a path without a file: the error says what was tried, what to do, and that js works', () => {
  const file = join(temp, 'none.node')
  expect(errorOf(file)).toMatch(
    new RegExp(
      `^RuntimeError: device 'native' found no addon for \\S+ and Node ${process.versions.node}\n` +
        `Tried FLAMBEAU_NATIVE_PATH \\(${file}\\): there is no such file\n` +
        '(Install it: npm install @flambeau/native-\\S+, or b|B)uild it: npx flambeau-native build, which needs .*\n' +
        "Device 'js' works without it: await setDevice\\('js'\\)\\.$",
    ),
  )
})

test('files that are not addons', () => {
  expect(errorOf(written('empty.node', ''))).toMatch(/^Tried .*: \S/m)
  expect(errorOf(written('text.node', 'an addon'))).toMatch(/^Tried .*: \S/m)
  expect(errorOf(written('head.node', '\x7fELF\x02'))).toMatch(/^Tried .*: \S/m)
})

testWith('native', nativeMissing, 'a truncated addon', () => {
  const whole = readFileSync(own)
  for (const bytes of [63, 64, 4096, whole.length >> 1, whole.length - 1]) {
    expect(errorOf(written(`part-${bytes}.node`, whole.subarray(0, bytes)))).toMatch(/^Tried .*: \S/m)
  }
  expect(errorOf(join(temp, 'part-4096.node'))).toContain(`the file is truncated: it has 4096 bytes of ${whole.length}`)
})

testWith('native', nativeMissing, 'an addon for another processor', () => {
  const other = Buffer.from(readFileSync(own))
  other.writeUInt16LE(0xf3, 18)
  expect(errorOf(written('riscv.node', other))).toMatch(/^Tried .*: \S/m)
})

testWith('native', nativeMissing, 'an addon of older sources, which lacks a function', () => {
  const whole = loadFrom(own)
  const names = Object.keys(whole).filter((name) => typeof whole[name as keyof typeof whole] === 'function')
  expect(names).toContain('trim')
  for (const name of names) {
    const stale = vi.spyOn(process, 'dlopen').mockImplementation((module) => {
      ;(module as { exports: unknown }).exports = { ...whole, [name]: undefined }
    })
    const sentence = name === 'submit' ? 'it is not an addon' : 'it was built from other sources; build it again'
    expect(() => loadFrom(own)).toThrow(sentence)
    stale.mockRestore()
  }
})

/** Vite's addon, which exists wherever tests run. */
const foreign = (): string | undefined => {
  const store = join(root, 'node_modules', '.pnpm')
  const folder = readdirSync(store).find((name) => /^lightningcss-\w+-/.test(name))
  if (folder === undefined) return undefined
  const files = readdirSync(join(store, folder), { recursive: true, encoding: 'utf8' })
  return files.filter((file) => file.endsWith('.node')).map((file) => join(store, folder, file))[0]
}

test("an addon of somebody else's", () => {
  const file = foreign()
  expect(file).toBeDefined()
  expect(errorOf(file as string)).toMatch(/^Tried .*: it is not an addon of flambeau$/m)
})

testWith('native', nativeMissing, 'an addon of another version: the error names both versions', () => {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  expect(() => loadFrom(own, '9.9.9')).toThrow(`its version is ${version}, and @flambeau/backend-native's is 9.9.9`)
})

testWith('native', nativeMissing, 'loading the addon does not flush denormals', () => {
  const code = `require(${JSON.stringify(own)}); console.log(5e-324 > 0, 2.2e-308 / 4 > 0, Math.fround(1e-45) > 0)`
  expect(execFileSync(process.execPath, ['-e', code], { encoding: 'utf8' })).toBe('true true true\n')
})
