// The gpu.js backend for its users: packed with gpu.js inside, installed with npm and with pnpm 12 into empty folders,
// where nothing is compiled and `gl` is not installed; run in Node's modes, and bundled for a browser.
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { inPage } from './browser.ts'
import { webglMissing } from './display.ts'
import { chromiumMissing, testWith } from './machine.ts'
import { exec, expectNearLines, install, nodes, pack, root } from './pack/packed.ts'

const temp = mkdtempSync(join(tmpdir(), 'flambeau-pack-gpujs-'))
const app = join(temp, 'npm')
const other = join(temp, 'pnpm')
afterAll(() => rmSync(temp, { recursive: true }))

const names = ['core', 'backend-js', 'data', 'flambeau', 'backend-gpujs']
let tarballs: string[] = []

const program = `
import { gpujs } from '@flambeau/backend-gpujs'
import { report, useDevice } from 'flambeau'
import { program } from './program.js'
const device = await gpujs({ mode: process.argv[2] })
useDevice(device)
const lines = program()
console.log(JSON.stringify({ lines, kernels: device.report().kernelClass, fallbacks: report() }))
`

const setUp = (folder: string): void => {
  cpSync(join(root, 'tools/test/pack/program.js'), join(folder, 'program.js'))
  writeFileSync(join(folder, 'node.js'), program)
}

beforeAll(async () => {
  tarballs = await pack(names, temp)
  await install(app, tarballs)
  setUp(app)
}, 300_000)

/** Runs the program in a mode: its lines are PyTorch's, its kernels of one class, and nothing runs elsewhere. */
const runs = async (mode: string, kernels: string, { folder = app, binary = process.execPath } = {}): Promise<void> => {
  const { stdout, stderr } = await exec(binary, ['node.js', mode], { cwd: folder })
  const said = JSON.parse(stdout)
  expectNearLines(said.lines)
  expect({ ...said, stderr }).toEqual({ lines: said.lines, kernels, fallbacks: {}, stderr: '' })
}

const host = [
  ['webasm', 'WebAssemblyKernel'],
  ['cpu', 'CPUKernel'],
]
test.each(host)('installed with npm, the program runs in mode %s', (mode, kernels) => runs(mode, kernels))

for (const { name, binary } of nodes) {
  const missing = existsSync(binary) ? undefined : `no binary of ${name} for this platform`
  testWith('gpujs', missing, `the program runs in ${name}`, () => runs('webasm', 'WebAssemblyKernel', { binary }))
}

test('it installs no other package, runs no scripts, and includes the licences of what it bundles', () => {
  const modules = join(app, 'node_modules')
  for (const name of ['gl', 'webgpu', 'gpu.js']) expect(existsSync(join(modules, name))).toBe(false)
  const folder = join(modules, '@flambeau/backend-gpujs')
  const {
    scripts = {},
    dependencies,
    peerDependenciesMeta,
  } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  expect(Object.keys(scripts).filter((script) => /install$/.test(script))).toEqual([])
  expect(Object.keys(dependencies)).toEqual(['@flambeau/core'])
  expect(peerDependenciesMeta.gl.optional).toBe(true)
  const licences = readFileSync(join(folder, 'dist/LICENSES.txt'), 'utf8')
  for (const name of ['acorn', 'gpu-mock.js', 'gpu.js'])
    expect(licences).toMatch(new RegExp(`^${name.replace('.', '\\.')} \\d+\\.\\d+\\.\\d+$`, 'm'))
  expect(licences.match(/Permission is hereby granted/g)).toHaveLength(3)
})

test('it is under 2 MB installed', () => {
  const files = readdirSync(join(app, 'node_modules/@flambeau/backend-gpujs'), { recursive: true, withFileTypes: true })
  const bytes = files.filter((file) => file.isFile()).map((file) => statSync(join(file.parentPath, file.name)).size)
  const all = bytes.reduce((a, b) => a + b, 0)
  const packed = statSync(tarballs.find((file) => file.includes('/flambeau-backend-gpujs-')) as string).size
  console.log(`installed: ${(all / 1e6).toFixed(2)} MB, tarball: ${(packed / 1e6).toFixed(2)} MB`)
  expect(all).toBeGreaterThan(1_000_000)
  expect(all).toBeLessThan(2_000_000)
})

test('installed with pnpm 12, the program runs', async () => {
  mkdirSync(other)
  const at = (name: string) => {
    const file = new RegExp(`/(flambeau-)?${name}-\\d`)
    return `file:${tarballs.find((tarball) => file.test(tarball))}`
  }
  const all = Object.fromEntries(names.map((name) => [name === 'flambeau' ? name : `@flambeau/${name}`, at(name)]))
  writeFileSync(join(other, 'package.json'), JSON.stringify({ private: true, type: 'module', dependencies: all }))
  const overrides = Object.entries(all).map(([name, file]) => `  '${name}': '${file}'\n`)
  writeFileSync(join(other, 'pnpm-workspace.yaml'), `overrides:\n${overrides.join('')}`)
  const pnpm = ['exec', '--yes', '--prefer-offline', '--package=pnpm@12.21.0', '--', 'pnpm']
  const run = (...args: string[]) =>
    exec('npm', [...pnpm, ...args], { cwd: other, shell: process.platform === 'win32' })
  expect((await run('--version')).stdout.trim()).toBe('12.21.0')
  await run('install', '--prefer-offline')
  expect(readdirSync(join(other, 'node_modules/.pnpm')).filter((name) => /^(gl|webgpu)@/.test(name))).toEqual([])
  setUp(other)
  await runs('webasm', 'WebAssemblyKernel', { folder: other })
}, 300_000)

testWith('gpujs', webglMissing, 'with gl beside it, the program runs on WebGL', async () => {
  symlinkSync(join(root, 'node_modules/gl'), join(app, 'node_modules/gl'))
  try {
    await runs('webgl2', 'WebGL2Kernel')
    await runs('headlessgl', 'HeadlessGLKernel')
  } finally {
    rmSync(join(app, 'node_modules/gl'))
  }
})

const bundle = async (): Promise<string> => {
  writeFileSync(
    join(app, 'browser.js'),
    `import { gpujs } from '@flambeau/backend-gpujs'
import { useDevice } from 'flambeau'
import { program } from './program.js'
globalThis.run = async (mode) => {
  const device = await gpujs({ mode })
  useDevice(device)
  return { lines: program(), kernels: device.report().kernelClass }
}
`,
  )
  const { outputFiles, metafile } = await build({
    absWorkingDir: app,
    entryPoints: ['browser.js'],
    bundle: true,
    write: false,
    metafile: true,
    minify: true,
    platform: 'browser',
    format: 'esm',
    target: 'es2022',
    logLevel: 'silent',
  })
  expect(Object.values(metafile.outputs).flatMap((output) => output.imports)).toEqual([])
  return outputFiles[0].text
}

test('a bundle for browsers holds no Node built-in and leaves no import unresolved', async () => {
  const text = await bundle()
  expect(text).not.toMatch(/["']node:/)
  expect(text).not.toMatch(/\bimport\s*\(\s*["']/)
}, 60_000)

testWith(
  'browser',
  chromiumMissing,
  'minified in a bundle, the program runs in Chromium in every mode',
  async () => {
    const script = await bundle()
    const modes = { webgl2: 'WebGL2Kernel', webgl: 'WebGLKernel', webasm: 'WebAssemblyKernel', cpu: 'CPUKernel' }
    for (const [mode, kernels] of Object.entries(modes)) {
      const said = await inPage({ script, args: ['--enable-unsafe-swiftshader'] }, (page) =>
        page.evaluate(
          (name) =>
            (globalThis as unknown as { run: (mode: string) => Promise<{ lines: string[]; kernels: string }> }).run(
              name,
            ),
          mode,
        ),
      )
      expectNearLines(said.lines)
      expect(said.kernels).toBe(kernels)
    }
  },
  180_000,
)
