// The native backend for its users: packed with the addon of this platform, installed with npm without a compiler, run
// in every supported Node, broken in every way that an installation can be, and rebuilt from the sources in the
// package.
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cudaAddon, faults, fakeCuda, fakeCudaMissing, look, oldestGlibc } from '../native.mjs'
import { nativeMissing, testWith } from './machine.ts'
import { exec, expectLines, install, nodes, pack, root } from './pack/packed.ts'

const temp = mkdtempSync(join(tmpdir(), 'flambeau-pack-native-'))
const app = join(temp, 'app')
afterAll(() => rmSync(temp, { recursive: true }))

const libc = process.platform === 'linux' ? '-gnu' : ''
const platform = `${process.platform}-${process.arch}${libc}`
/** Why CUDA cannot be tested here. */
const cudaMissing = () =>
  [cudaAddon, fakeCuda].every((file) => existsSync(file))
    ? undefined
    : (fakeCudaMissing() ?? 'node tools/native.mjs && node tools/native.mjs cuda')

/** This path has only Node and npm, no compiler and no cmake. */
const bare = join(temp, 'bin')
const env = { ...process.env, PATH: bare, FLAMBEAU_NATIVE_PATH: '' }

const runs = (code: string, { binary = process.execPath, folder = app } = {}) =>
  exec(binary, ['--input-type=module', '-e', code], { cwd: folder, env })

/** The output of a program in the installed folder. */
const printed = async (code: string, where = {}): Promise<string[]> => {
  const { stdout } = await runs(code, where)
  return stdout.split('\n').slice(0, -1)
}

const boston = `
import { setDevice } from 'flambeau'
import { program } from './program.js'
const name = await setDevice('native')
console.log(name)
for (const line of program()) console.log(line)`

/** Whether loading succeeds, and on which device flambeau then computes. */
const broken = `
import { setDevice, tensor } from 'flambeau'
try {
  await setDevice('native')
  console.log('loaded')
} catch (error) {
  console.log(JSON.stringify(String(error)))
}
console.log(await setDevice('auto'))
console.log(String(tensor([1, 2]).sum()))`

describe('packed', () => {
  if (nativeMissing !== undefined) {
    testWith('native', nativeMissing, 'the native backend, packed', () => {})
    return
  }

  beforeAll(async () => {
    mkdirSync(bare)
    symlinkSync(process.execPath, join(bare, 'node'))
    // Not beside Node: a package manager may run tests with a Node from a package.
    const npm = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, 'npm'))
    symlinkSync(npm.find((file) => existsSync(file)) ?? 'npm', join(bare, 'npm'))
    for (const name of ['sh', 'env']) symlinkSync(join('/bin', name), join(bare, name))
    const packages = ['core', 'backend-js', 'data', 'flambeau', 'backend-native', `backend-native/npm/${platform}`]
    await install(app, await pack(packages, temp), env)
    cpSync(join(root, 'tools/test/pack/program.js'), join(app, 'program.js'))
  }, 300_000)

  const installed = (...path: string[]) => join(app, 'node_modules', '@flambeau', ...path)

  for (const { name, binary } of [{ name: 'this Node', binary: process.execPath }, ...nodes]) {
    const missing = existsSync(binary) ? undefined : `no binary of ${name} for this platform`
    testWith('native', missing, `runs in ${name}`, async () => {
      const [device, ...lines] = await printed(boston, { binary })
      expect(device).toBe('native')
      expectLines(lines)
    })
  }

  test('npm installs the package of this platform, and runs no scripts', () => {
    expect(existsSync(installed(`native-${platform}`))).toBe(true)
    for (const name of ['backend-native', `native-${platform}`]) {
      const { scripts = {}, license } = JSON.parse(readFileSync(installed(name, 'package.json'), 'utf8'))
      expect(Object.keys(scripts).filter((script) => /install$/.test(script))).toEqual([])
      expect(license).toBe('MIT')
      expect(existsSync(installed(name, 'LICENSE'))).toBe(true)
    }
    // It is compiled into the addon.
    const license = readFileSync(installed(`native-${platform}`, 'LICENSE.node-addon-api.md'), 'utf8')
    expect(license).toContain('Node.js API collaborators')
  })

  testWith(
    'native',
    process.platform === 'linux' ? undefined : 'symbols are looked at on Linux',
    'the addon exports only its entries, is under 3 MB, and runs with the stated C library',
    () => {
      const file = installed(`native-${platform}`, 'flambeau_native.node')
      console.log(`addon: ${(look(file).bytes / 1e6).toFixed(3)} MB, glibc ${look(file).glibc}`)
      expect(faults(file, 3_000_000)).toEqual([])
      const said = `glibc ${oldestGlibc} or newer`
      expect(readFileSync(installed('backend-native', 'README.md'), 'utf8')).toContain(said)
    },
  )

  describe('CUDA', () => {
    const cuda = `
import { setDevice, tensor } from 'flambeau'
try {
  console.log(await setDevice('cuda'))
  const x = tensor([[1, 2], [3, 4]], { requiresGrad: true })
  x.matmul(x).softmax(1).sort(0)[0].square().sum().backward()
  console.log(x.grad.isfinite().all().item())
} catch (error) {
  console.log(JSON.stringify(String(error)))
}`
    const missing = cudaMissing()
    const withDriver = (FLAMBEAU_CUDA_DRIVER: string) =>
      exec(process.execPath, ['--input-type=module', '-e', cuda], { cwd: app, env: { ...env, FLAMBEAU_CUDA_DRIVER } })

    test('is not there, and says how to install it', async () => {
      expect(existsSync(installed(`cuda-${platform}`))).toBe(false)
      const { stdout, stderr } = await withDriver('')
      expect(stderr).toBe('')
      expect(JSON.parse(stdout)).toBe(
        `RuntimeError: device 'cuda' found no addon for ${process.platform}-${process.arch}\nInstall it: npm install @flambeau/cuda-${platform}. Devices 'native' and 'js' work without it.`,
      )
    })

    testWith(
      'native',
      missing,
      'runs after it was installed, and says where there is no driver',
      async () => {
        const tarballs = await pack([`backend-native/npm/cuda-${platform}`], temp)
        await exec('npm', ['install', '--no-audit', '--no-fund', ...tarballs], { cwd: app, env })
        const file = installed(`cuda-${platform}`, 'flambeau_cuda.node')
        expect(faults(file, 300_000)).toEqual([])
        const { stdout } = await withDriver(fakeCuda)
        expect(stdout).toBe('cuda:0\n1\n')
        const without = await withDriver('/nowhere/libcuda.so.1')
        expect(without.stderr).toBe('')
        expect(JSON.parse(without.stdout)).toMatch(/^RuntimeError: Found no NVIDIA driver on your system\./)
        // An addon of another version is refused.
        const manifest = installed('backend-native', 'dist/index.js')
        const own = readFileSync(manifest, 'utf8')
        writeFileSync(manifest, own.replace('version:"0.0.0"', 'version:"7.8.9"'))
        expect((await withDriver(fakeCuda)).stdout).toContain(
          "its version is 0.0.0, and @flambeau/backend-native's is 7.8.9",
        )
        writeFileSync(manifest, own)
      },
      120_000,
    )
  })

  describe('broken', () => {
    const copy = join(temp, 'broken')
    const changed = async (
      change: (folder: string) => void,
    ): Promise<{ error: string; device: string; sum: string; warning: string }> => {
      rmSync(copy, { recursive: true, force: true })
      for (const name of ['flambeau', '@flambeau'])
        cpSync(join(app, 'node_modules', name), join(copy, 'node_modules', name), { recursive: true })
      change(join(copy, 'node_modules', '@flambeau'))
      const { stdout, stderr } = await runs(broken, { folder: copy })
      const [error, device, sum] = stdout.split('\n')
      return { error: error === 'loaded' ? error : JSON.parse(error), device, sum, warning: stderr }
    }
    /** 'auto' skips a missing backend silently, and warns about one that does not load. */
    const quietly = { device: 'js', sum: 'tensor(3.)', warning: '' }
    const warned = (reason: string) => ({
      ...quietly,
      warning: expect.stringMatching(
        new RegExp(`^UserWarning: setDevice\\('auto'\\) continues without 'native': [\\s\\S]*${reason}`),
      ),
    })
    const file = `native-${platform}/flambeau_native.node`

    test('a truncated addon', async () => {
      const { error, ...rest } = await changed((folder) => {
        const whole = readFileSync(join(folder, file))
        writeFileSync(join(folder, file), whole.subarray(0, whole.length >> 1))
      })
      expect(error).toMatch(
        /^RuntimeError: device 'native' found no addon for .*\n[\s\S]*^Tried .*: the file is truncated: /m,
      )
      expect(rest).toEqual(warned('the file is truncated: '))
    })

    test('no package of the platform', async () => {
      const { error, ...rest } = await changed((folder) =>
        rmSync(join(folder, `native-${platform}`), { recursive: true }),
      )
      expect(error).toMatch(
        /^RuntimeError: device 'native' found no addon for .*\n[\s\S]*^Tried .*: Cannot find module/m,
      )
      expect(error).toContain(
        `Install it: npm install @flambeau/native-${platform}, or build it: npx flambeau-native build`,
      )
      expect(rest).toEqual(quietly)
    })

    test('an addon of another version', async () => {
      const { error, ...rest } = await changed((folder) => {
        const code = join(folder, 'backend-native', 'dist/index.js')
        writeFileSync(code, readFileSync(code, 'utf8').replace('version:"0.0.0"', 'version:"7.8.9"'))
      })
      expect(error).toMatch(/Tried .*: its version is 0\.0\.0, and @flambeau\/backend-native's is 7\.8\.9$/m)
      expect(rest).toEqual(warned('its version is 0\\.0\\.0'))
    })

    test('no backend at all', async () => {
      const { error, ...rest } = await changed((folder) => rmSync(join(folder, 'backend-native'), { recursive: true }))
      expect(error).toMatch(
        /^RuntimeError: device 'native' is not installed\nInstall it: npm install @flambeau\/backend-native/,
      )
      expect(rest).toEqual(quietly)
    })

    test('a backend with a missing file', async () => {
      const { error, ...rest } = await changed((folder) =>
        writeFileSync(join(folder, 'backend-native/dist/index.js'), "import 'nowhere'"),
      )
      expect(error).toMatch(/^RuntimeError: device 'native' could not be loaded\nReinstall @flambeau\/backend-native /)
      expect(rest).toEqual(warned("Cannot find package 'nowhere'"))
    })

    test('a build without a compiler says what it needs', async () => {
      const build = exec(process.execPath, [installed('backend-native', 'bin/flambeau-native.mjs'), 'build'], { env })
      const { code, stderr } = await build.then(
        () => ({ code: 0, stderr: '' }),
        (error) => error,
      )
      expect(code).toBe(1)
      expect(stderr).toMatch(/^flambeau-native: building the addon needs a C\+\+17 compiler .* and cmake .* \(.*\)\n$/)
    })
  })

  test('the sources come with their headers, and cmake-js would download none', () => {
    const sources = installed('backend-native/dist/native')
    const { binary } = JSON.parse(readFileSync(join(sources, 'package.json'), 'utf8'))
    expect(binary).toEqual({ napi_versions: [8] })
    for (const [folder, header] of [
      ['node-api', 'node_api.h'],
      ['node-addon-api', 'napi.h'],
    ]) {
      const files = readdirSync(join(sources, folder))
      expect(files).toContain(header)
      expect(files.some((file) => /^license/i.test(file))).toBe(true)
    }
  })

  test('npx flambeau-native build builds an addon from the sources in the package', async () => {
    rmSync(installed(`native-${platform}`), { recursive: true })
    // The smallest kernels, because the repository's own build has compiled all of them.
    const env = { ...process.env, FLAMBEAU_SETS: process.arch === 'x64' ? 'v2' : 'neon' }
    const npx = await exec('npx', ['--no-install', 'flambeau-native', 'build'], { cwd: app, env })
    expect(npx.stderr).toMatch(/^flambeau-native: built .*flambeau_native\.node$/m)
    expect(existsSync(installed('backend-native/dist/native/build/Release/flambeau_native.node'))).toBe(true)
    expect((await printed(boston))[0]).toBe('native')
  }, 600_000)
})

test('the packages of all platforms are alike, and optionalDependencies names exactly the published ones', () => {
  const folder = join(root, 'packages/backend-native')
  const { optionalDependencies, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const isCuda = (short: string): boolean => short.startsWith('cuda-')
  const all = readdirSync(join(folder, 'npm'))
  const platforms = all.filter((short) => !isCuda(short))
  expect(Object.keys(optionalDependencies)).toEqual(platforms.map((short) => `@flambeau/native-${short}`))
  expect(platforms).toContain('linux-x64-gnu')
  for (const short of all) {
    const [os, cpu, clib] = short.replace('cuda-', '').split('-')
    const manifest = JSON.parse(readFileSync(join(folder, 'npm', short, 'package.json'), 'utf8'))
    expect(manifest).toMatchObject({
      name: isCuda(short) ? `@flambeau/${short}` : `@flambeau/native-${short}`,
      version,
      os: [os],
      cpu: [cpu],
      files: isCuda(short) ? ['flambeau_cuda.node', '*.ptx'] : ['flambeau_native.node'],
      license: 'MIT',
    })
    expect(manifest.libc).toEqual(clib === undefined ? undefined : [clib === 'gnu' ? 'glibc' : 'musl'])
  }
})
