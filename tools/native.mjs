// The C++ of the native backend: builds its addon (`node tools/native.mjs`), runs its tests (`... test`), and copies
// its sources into the package that carries them (`... sources`), and the addon into the package of this platform (`...
// package`, `... unpackage`).
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { argv } from 'node:process'
import { pathToFileURL } from 'node:url'
import { build, buildAddon, compiler, missing } from '../packages/backend-native/bin/build.mjs'
import { readArgs, readJson, required, root, run, say, step } from './lib.mjs'

const sources = join(root, 'native')
const builds = join(sources, 'build')
export const addon = join(builds, 'Release', 'flambeau_native.node')
export const cudaAddon = join(builds, 'Release', 'flambeau_cuda.node')

/** The packages with Node-API's headers: the names of their copies, the folder of their headers, and their licences. */
const headers = () =>
  [
    { copy: 'node-api', name: 'node-api-headers', include: 'include', license: 'LICENSE' },
    { copy: 'node-addon-api', name: 'node-addon-api', include: '.', license: 'LICENSE.md' },
  ].map(({ copy, name, include, license }) => {
    const folder = join(root, 'packages', 'backend-native', 'node_modules', name)
    if (!existsSync(folder)) throw new Error(`the package ${name} is not installed: pnpm install`)
    return { copy, include: realpathSync(join(folder, include)), license: join(folder, license) }
  })
/** node-addon-api is compiled into the addon, whose package has its licence under this name. */
const foreignLicense = 'LICENSE.node-addon-api.md'

/** Why the addon cannot be built here, or undefined. */
export const addonMissing = missing
const testsMissing = () => {
  const lacking = missing()
  if (lacking !== undefined) return lacking
  const { status } = spawnSync(compiler(), ['-E', '-x', 'c++', '-'], { input: '#include <doctest/doctest.h>' })
  return status === 0 ? undefined : 'the C++ tests need doctest (Debian and Ubuntu: apt-get install doctest-dev)'
}

/** A key for turbo of this machine's compiler and addon, so that it does not reuse results of other machines. */
export const compilerKey = () => {
  if (missing() !== undefined) return ''
  const said = [compiler(), 'cmake'].map((program) => spawnSync(program, ['--version'], { encoding: 'utf8' }).stdout)
  return said.map((text) => text.split('\n')[0]).join(', ')
}
export const addonDigest = () =>
  existsSync(addon) ? createHash('sha256').update(readFileSync(addon)).digest('hex').slice(0, 16) : ''

const makeAddon = () => {
  const { version } = readJson('packages', 'backend-native', 'package.json')
  const include = headers().map((each) => each.include)
  return buildAddon({
    sources,
    folder: join(builds, 'Release'),
    headers: include,
    version,
    target: 'addons',
    quiet: true,
  })
}

/** The driver library of CUDA for tests (docs/internals/cuda.md), which FLAMBEAU_CUDA_DRIVER names. */
export const fakeCuda = join(builds, 'cuda', 'libcuda.so.1')
/** A cuBLAS over it, for tests. */
export const fakeCublas = join(builds, 'cuda', 'libcublas.so.13')
export const fakeCudaMissing = () =>
  process.platform === 'linux' ? missing() : 'the driver library for tests is built on Linux'
export const makeFakeCuda = () => build({ sources, folder: join(builds, 'cuda'), target: 'fakes', quiet: true })

/** What of the sources is no part of the addon: that of CUDA is published apart, and WebAssembly's modules are built here. */
const elsewhere = new Set(['cuda', 'wasm'])

/** Copies the sources of the addon, as @flambeau/backend-native carries them. */
const copySources = () => {
  const to = join(root, 'packages', 'backend-native', 'dist', 'native')
  rmSync(to, { recursive: true, force: true })
  for (const name of ['CMakeLists.txt', 'exports.map', 'src'])
    cpSync(join(sources, name), join(to, name), { recursive: true, filter: (path) => !elsewhere.has(basename(path)) })
  // cmake-js looks here for whether Node's own headers are needed.
  const { binary } = readJson('native', 'package.json')
  writeFileSync(join(to, 'package.json'), `${JSON.stringify({ private: true, binary }, null, 2)}\n`)
  for (const { copy, include, license } of headers()) {
    mkdirSync(join(to, copy))
    const files = readdirSync(include).filter((file) => file.endsWith('.h'))
    for (const file of [...files.map((name) => join(include, name)), license])
      copyFileSync(file, join(to, copy, basename(file)))
  }
}

/** The oldest C library that the Linux packages support. */
export const oldestGlibc = '2.34'
const entries = ['napi_register_module_v1', 'node_api_module_get_api_version_v1']

/** What the package in the current folder holds: an addon, of so many bytes at most, and other files. */
const contents = (name) =>
  name.startsWith('@flambeau/cuda-')
    ? { addon: cudaAddon, largest: 300_000, others: ptxTexts() }
    : { addon, largest: 3_000_000, others: [] }
export const ptxTexts = () =>
  ['.', 'kernels'].flatMap((folder) =>
    readdirSync(join(sources, 'src', 'cuda', folder))
      .filter((file) => file.endsWith('.ptx'))
      .map((file) => join(sources, 'src', 'cuda', folder, file)),
  )

/** Reads the dynamic symbols of a Linux addon: the newest glibc that it needs, and its exports. */
export const look = (file) => {
  const { stdout } = spawnSync('readelf', ['--wide', '--dyn-syms', file], { encoding: 'utf8', maxBuffer: 1 << 26 })
  const symbols = stdout.split('\n').map((line) => line.trim().split(/\s+/).slice(6))
  const versions = symbols.flatMap(([, name]) => /@GLIBC_([\d.]+)/.exec(name)?.[1] ?? [])
  const newest = versions.reduce((a, b) => (a.localeCompare(b, 'en', { numeric: true }) < 0 ? b : a), '0')
  const exported = symbols.flatMap(([section, name]) => (/^\d+$/.test(section) && name ? [name.split('@')[0]] : []))
  return { glibc: newest, exports: exported.sort(), bytes: statSync(file).size }
}

/** The faults of an addon that is to be published in so many bytes at most, as messages. */
export const faults = (file, largest) => {
  if (process.platform !== 'linux') return []
  const { glibc, exports, bytes } = look(file)
  return [
    glibc.localeCompare(oldestGlibc, 'en', { numeric: true }) > 0 && `it needs glibc ${glibc}, not ${oldestGlibc}`,
    exports.join() !== entries.join() && `it exports ${exports.join(', ')}`,
    bytes > largest && `it has ${bytes} bytes, more than ${largest}`,
  ].filter(Boolean)
}

/** Copies what the package in the current folder holds into it; it must be one of this platform. */
const fillPackage = () => {
  const { name, os, cpu, libc } = JSON.parse(readFileSync('package.json', 'utf8'))
  const own = process.report.getReport().header.glibcVersionRuntime === undefined ? 'musl' : 'glibc'
  if (!os.includes(process.platform) || !cpu.includes(process.arch) || (libc && !libc.includes(own)))
    return { code: 1, output: `this package is made on ${os} ${cpu}${libc ? ` with ${libc}` : ''}` }
  const { addon: file, largest, others } = contents(name)
  if (!existsSync(file)) return { code: 1, output: 'there is no addon: node tools/native.mjs builds it' }
  const wrong = faults(file, largest)
  if (wrong.length > 0) return { code: 1, output: `the addon cannot be published: ${wrong.join('; ')}` }
  for (const each of [file, ...others, join(root, 'LICENSE')]) copyFileSync(each, basename(each))
  copyFileSync(headers()[1].license, foreignLicense)
  return { code: 0 }
}

/** Removes it again: in this repository an addon is loaded from where it was built. */
const emptyPackage = () => {
  const { addon: file, others } = contents(JSON.parse(readFileSync('package.json', 'utf8')).name)
  for (const each of [file, ...others, 'LICENSE', foreignLicense]) rmSync(basename(each), { force: true })
  return { code: 0 }
}

/** Debian's cross compiler, the emulator for its output, and the emulator's libraries. */
const arm = { compiler: 'aarch64-linux-gnu-g++', emulator: 'qemu-aarch64-static', libraries: '/usr/aarch64-linux-gnu' }
const armMissing = () =>
  [arm.compiler, arm.emulator].every((program) => spawnSync(program, ['--version']).status === 0)
    ? undefined
    : "NEON's kernels are tested with g++-aarch64-linux-gnu and qemu-user-static (Debian and Ubuntu: apt-get install)"

/**
 * The programs to build and run. Sanitizers, random streams and another processor's kernels run only if native is
 * required.
 */
const programs = () => {
  const tests = {
    name: 'C++ tests',
    folder: 'Release',
    settings: {},
    target: 'native_tests',
    args: [],
    missing: testsMissing(),
  }
  const cuda = {
    ...tests,
    name: 'C++ tests of the driver for CUDA',
    folder: 'cuda',
    target: 'cuda_tests',
    settings: { FLAMBEAU_CUDA_TESTS: '' },
    missing: tests.missing ?? fakeCudaMissing(),
  }
  if (!required.has('native')) return [tests, cuda]
  // Compilers must not move arithmetic from one rounding to another, nor hide a function. The sanitizers read the rest, too.
  const numbers = {
    ...cuda,
    name: 'C++ tests of the arithmetic of the driver for CUDA',
    settings: { FLAMBEAU_CUDA_TESTS: 'instructions|expected|library' },
  }
  // Kernels have one text for all instruction sets, so each sanitizer reads it as one set compiles it.
  const [address, threads] = process.arch === 'x64' ? [{ FLAMBEAU_SETS: 'v3' }, { FLAMBEAU_SETS: 'v2' }] : [{}, {}]
  const addresses = {
    ...tests,
    folder: 'address',
    settings: { ...address, FLAMBEAU_SANITIZE: 'address;undefined' },
  }
  const emulated = {
    ...tests,
    name: 'C++ tests on NEON, emulated',
    folder: 'neon',
    settings: { CMAKE_SYSTEM_NAME: 'Linux', CMAKE_SYSTEM_PROCESSOR: 'aarch64', CMAKE_CXX_COMPILER: arm.compiler },
    under: [arm.emulator, '-L', arm.libraries],
    missing: tests.missing ?? armMissing(),
  }
  return [
    tests,
    numbers,
    { ...addresses, name: 'C++ tests with AddressSanitizer and UndefinedBehaviorSanitizer' },
    {
      ...addresses,
      name: 'C++ tests of the driver for CUDA with both',
      target: 'cuda_tests',
      missing: cuda.missing,
    },
    { ...addresses, name: '20,000 random streams with both', target: 'fuzz_stream', args: ['20000'] },
    {
      ...tests,
      name: 'C++ tests of threads with ThreadSanitizer',
      folder: 'thread',
      settings: { ...threads, FLAMBEAU_SANITIZE: 'thread' },
      args: ['--test-suite=threads'],
    },
    ...(process.arch === 'arm64' ? [] : [emulated]),
  ]
}

/**
 * doctest's count of its cases, or a count of one for a program without doctest; a program that did not finish has
 * failed.
 */
const countsOf = (output, code) => {
  const counted = /test cases: +\d+ \| +(\d+) passed \| +(\d+) failed/.exec(output)
  const [passed, failed] = counted?.slice(1).map(Number) ?? [code === 0 ? 1 : 0, 0]
  return { passed, failed: failed === 0 && code !== 0 ? 1 : failed }
}

const runTests = async () => {
  const counts = { passed: 0, failed: 0, skipped: 0 }
  const fail = () => void counts.failed++
  const lacks = ({ missing }) => missing !== undefined
  for (const missing of new Set(
    programs()
      .filter(lacks)
      .map((program) => program.missing),
  )) {
    say(required.has('native') ? `FAILED: ${missing}, and FLAMBEAU_REQUIRE names native` : `SKIPPED: ${missing}`)
    counts[required.has('native') ? 'failed' : 'skipped']++
  }
  // A build uses all cores, a program hardly more than one, so programs run side by side.
  const built = []
  for (const program of programs().filter((each) => !lacks(each))) {
    const { folder, target, settings } = program
    const job = () => build({ sources, folder: join(builds, folder), target, settings, quiet: true })
    if (await step(`${target} in native/build/${folder}`, job)) built.push(program)
    else fail()
  }
  const runs = built.map(({ name, folder, target, args, under = [] }) =>
    step(name, async () => {
      const [program, ...rest] = [...under, join(builds, folder, target), ...args]
      const { code, output } = await run(program, rest)
      const { passed, failed } = countsOf(output, code)
      counts.passed += passed
      counts.failed += failed
      return { code: failed === 0 ? 0 : 1, output }
    }),
  )
  await Promise.all(runs)
  return counts
}

const commands = {
  addon: () => {
    const lacking = missing()
    if (lacking === undefined) return makeAddon()
    return { code: 1, output: lacking }
  },
  cuda: () => {
    const lacking = fakeCudaMissing()
    return lacking === undefined ? makeFakeCuda() : { code: 1, output: lacking }
  },
  sources: () => {
    copySources()
    return { code: 0 }
  },
  package: fillPackage,
  unpackage: emptyPackage,
  test: async () => {
    const counts = await runTests()
    mkdirSync(join(sources, '.cache'), { recursive: true })
    writeFileSync(join(sources, '.cache', 'counts.json'), JSON.stringify(counts))
    return { code: counts.failed === 0 ? 0 : 1 }
  },
}

if (import.meta.url === pathToFileURL(argv[1]).href) {
  const usage = `node tools/native.mjs [COMMAND]

  addon                 builds the addon (default)
  test                  builds and runs the C++ tests
  cuda                  builds the driver library of CUDA for tests
  sources               copies the C++ sources into the package that carries them
  package, unpackage    puts the addon into this platform's package, and takes it out again`
  const [command = 'addon', ...others] = readArgs(usage, { allowPositionals: true }).positionals
  const isKnown = others.length === 0 && Object.hasOwn(commands, command)
  const wrong = () => ({ code: 2, output: `there is no command ${[command, ...others].join(' ')}\n${usage}` })
  const { code, output } = await (isKnown ? commands[command]() : wrong())
  if (code !== 0 && output) say(output.trimEnd())
  process.exitCode = code
}
