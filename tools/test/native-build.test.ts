// How the addon is built: with cmake-js if it is installed, otherwise with CMake. Programs that only record their
// arguments replace both.
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { build, cmakeJs } from '../../packages/backend-native/bin/build.mjs'
import { readJson, root } from '../lib.mjs'
import { addon } from '../native.mjs'
import { nativeMissing, testWith } from './machine.ts'

const temp = mkdtempSync(join(tmpdir(), 'flambeau-build-'))
const { PATH } = process.env
afterAll(() => {
  process.env.PATH = PATH
  rmSync(temp, { recursive: true })
})

const calls = join(temp, 'calls')
beforeEach(() => writeFileSync(calls, ''))
const called = () =>
  readFileSync(calls, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
const recorder = (name: string) =>
  `require('node:fs').appendFileSync(${JSON.stringify(calls)}, JSON.stringify(['${name}', ...process.argv.slice(2)]) + '\\n')\n`

/** Sources next to a given version of cmake-js. */
const sourcesWith = (version: string): string => {
  const sources = mkdtempSync(join(temp, 'sources-'))
  const folder = join(sources, 'node_modules', 'cmake-js')
  mkdirSync(join(folder, 'bin'), { recursive: true })
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ version, bin: { 'cmake-js': './bin/cmake-js' } }))
  writeFileSync(join(folder, 'bin', 'cmake-js'), recorder('cmake-js'))
  return sources
}

test('cmake-js is used from version 8 on', () => {
  expect(cmakeJs(mkdtempSync(join(temp, 'none-')))).toBeUndefined()
  expect(cmakeJs(sourcesWith('7.3.1'))).toBeUndefined()
  for (const version of ['8.0.0', '10.1.0']) expect(cmakeJs(sourcesWith(version))).toMatch(/cmake-js.bin.cmake-js$/)
})

const settings = { FLAMBEAU_VERSION: '1.2.3' }

test('an installed cmake-js configures and builds', () => {
  const sources = sourcesWith('8.0.0')
  const folder = join(sources, 'build')
  expect(build({ sources, folder, target: 'flambeau_native', settings, quiet: true }).code).toBe(0)
  const [configured, built] = called()
  const where = ['--directory', sources, '--out', folder]
  expect(configured.slice(0, 7)).toEqual(['cmake-js', 'configure', ...where, '--'])
  expect(configured).toContain('-DFLAMBEAU_VERSION=1.2.3')
  expect(built.slice(0, 8)).toEqual(['cmake-js', 'build', ...where, '--target', 'flambeau_native'])
})

test.skipIf(process.platform === 'win32')('elsewhere CMake does', () => {
  const bin = mkdtempSync(join(temp, 'bin-'))
  writeFileSync(join(bin, 'cmake'), `#!${process.execPath}\n${recorder('cmake')}`)
  chmodSync(join(bin, 'cmake'), 0o755)
  process.env.PATH = `${bin}${delimiter}${PATH}`
  const sources = mkdtempSync(join(temp, 'sources-'))
  const folder = join(sources, 'build')
  expect(build({ sources, folder, target: 'flambeau_native', settings, quiet: true }).code).toBe(0)
  const [configured, built] = called()
  expect(configured.slice(0, 5)).toEqual(['cmake', '-S', sources, '-B', folder])
  expect(configured).toContain('-DFLAMBEAU_VERSION=1.2.3')
  expect(built.slice(0, 5)).toEqual(['cmake', '--build', folder, '--target', 'flambeau_native'])
})

test('cmake-js downloads nothing', () => {
  // For other addons it downloads Node's headers.
  expect(readJson('native', 'package.json').binary).toEqual({ napi_versions: [8] })
})

testWith('native', nativeMissing, 'the addon of this repository is built by cmake-js', () => {
  const cache = join(dirname(addon), 'CMakeCache.txt')
  if (process.env.FLAMBEAU_NATIVE_PATH && !existsSync(cache)) return
  const { version } = JSON.parse(readFileSync(join(root, 'native/node_modules/cmake-js/package.json'), 'utf8'))
  expect(readFileSync(cache, 'utf8')).toMatch(new RegExp(`^CMAKE_JS_VERSION:\\w+=${version}$`, 'm'))
})
