// The C++ kernels as WebAssembly: builds the modules that packages/backend-wasm carries (`node tools/wasm.mjs`), and runs
// the C++ tests there (`... test`). The modules are committed, so that only who changes the C++ needs its compiler; the
// tests build them again and compare the bytes.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { argv } from 'node:process'
import { pathToFileURL } from 'node:url'
import { readArgs, required, root, run, say, step } from './lib.mjs'

const native = join(root, 'native')
const folder = join(native, 'build', 'wasm')
const committed = join(root, 'packages', 'backend-wasm', 'wasm')
const modules = ['flambeau.wasm', 'flambeau-relaxed.wasm']
const compiler = 'clang++-19'
const packages = 'clang-19 lld-19 libc++-19-dev-wasm32 libclang-rt-19-dev-wasm32 wasi-libc cmake ninja-build'

const firstLine = (program) =>
  spawnSync(program, ['--version'], { encoding: 'utf8' })
    .stdout?.split('\n')
    .find((line) => /\d/.test(line))

/** Why the modules cannot be built here, or undefined. */
export const missing = () => {
  const lacking = [compiler, 'wasm-ld-19', 'cmake', 'ninja'].filter((program) => !firstLine(program))
  if (lacking.length === 0) return undefined
  return `WebAssembly is built with ${lacking.join(', ')} (Debian: apt-get install ${packages})`
}

/** What the modules' bytes follow from: a digest of the sources, and the tools. */
const origin = () => {
  const hash = createHash('sha256')
  const src = readdirSync(join(native, 'src'), { recursive: true }).map((file) => `src/${file.replaceAll('\\', '/')}`)
  for (const file of [...src.filter((name) => /\.(cc|h|inl)$/.test(name)), 'wasm/CMakeLists.txt'].sort())
    if (!/^src\/((addon|blas(_check)?|javascript|pages|pool|terminate)\.|cuda\/)/.test(file))
      hash.update(`${file}\n`).update(readFileSync(join(native, file)))
  return { sources: hash.digest('hex'), tools: [compiler, 'wasm-ld-19'].map(firstLine).join(', ') }
}

/** What the module of these bytes offers and asks for that it must not, as messages. */
const faults = (bytes) => {
  const module = new WebAssembly.Module(bytes)
  const names = (list) => list.map(({ module, name }) => (module ? `${module}.${name}` : name)).join(' ')
  const wanted =
    'memory __stack_pointer _initialize format allocate release submit define program drop run keep forget matrices __indirect_function_table normals narrow sin cos tan atan2 message'
  const imports = names(WebAssembly.Module.imports(module))
  const exports = names(WebAssembly.Module.exports(module))
  return [
    imports !== 'flambeau.outOfMemory' && `it imports ${imports}`,
    exports !== wanted && `it exports ${exports}, not ${wanted}`,
  ].filter(Boolean)
}

/** Builds targets of native/wasm; what is up to date stays. */
const build = async (targets) => {
  const settings = [`-DCMAKE_CXX_COMPILER=${compiler}`, '-DCMAKE_BUILD_TYPE=Release']
  const configured = await run('cmake', ['-S', join(native, 'wasm'), '-B', folder, '-G', 'Ninja', ...settings])
  if (configured.code !== 0) return configured
  return run('cmake', ['--build', folder, '--parallel', String(availableParallelism()), '--target', ...targets])
}

/** Builds the modules; returns what is wrong with them. */
const buildModules = async () => {
  const result = await build(modules.map((name) => name.replace('.wasm', '')))
  if (result.code !== 0) return result
  const { setFlagsFromString } = await import('node:v8')
  if (!WebAssembly.validate(readFileSync(join(folder, modules[1]))))
    setFlagsFromString('--experimental-wasm-relaxed-simd')
  const wrong = modules.flatMap((name) => faults(readFileSync(join(folder, name))).map((fault) => `${name}: ${fault}`))
  return { code: wrong.length === 0 ? 0 : 1, output: wrong.join('\n') }
}

const remedy = 'node tools/wasm.mjs builds them; commit what it writes'
const record = join(committed, 'origin.json')

/** Compares the committed modules with those that are built here. */
const compare = async () => {
  const result = await buildModules()
  if (result.code !== 0) return result
  const isSame = (name) =>
    existsSync(join(committed, name)) && readFileSync(join(committed, name)).equals(readFileSync(join(folder, name)))
  const others = modules.filter((name) => !isSame(name))
  if (others.length === 0) return { code: 0, output: '' }
  const [now, then] = [
    origin(),
    existsSync(record) ? JSON.parse(readFileSync(record, 'utf8')) : { tools: 'no compiler' },
  ]
  const why = now.tools === then.tools ? 'the C++ has changed' : `they were built by ${then.tools}, not ${now.tools}`
  return {
    code: 1,
    output: `${others.join(' and ')} in packages/backend-wasm/wasm are not what is built here: ${why}. ${remedy}`,
  }
}

/** Why the modules may not be those of these sources, where they cannot be built. */
const stale = () =>
  existsSync(record) && JSON.parse(readFileSync(record, 'utf8')).sources === origin().sources
    ? ''
    : `; and the C++ has changed since the modules were built: ${remedy}`

/** doctest's count of its cases; a program that did not finish has failed. */
const countsOf = (output, code) => {
  const counted = /test cases: +\d+ \| +(\d+) passed \| +(\d+) failed/.exec(output)
  const [passed, failed] = counted?.slice(1).map(Number) ?? [code === 0 ? 1 : 0, 0]
  return { passed, failed: failed === 0 && code !== 0 ? 1 : failed }
}

const execute = (program, args) =>
  run(process.execPath, [
    '--no-warnings',
    '--no-turbo-fast-api-calls',
    join(root, 'tools', 'wasi.mjs'),
    join(folder, `${program}.wasm`),
    ...args,
  ])

const runTests = async () => {
  const counts = { passed: 0, failed: 0, skipped: 0 }
  const lacking = missing()
  if (lacking !== undefined) {
    const isRequired = required.has('wasm')
    say(isRequired ? `FAILED: ${lacking}, and FLAMBEAU_REQUIRE names wasm${stale()}` : `SKIPPED: ${lacking}${stale()}`)
    counts[isRequired ? 'failed' : 'skipped']++
    return counts
  }
  const count = async (name, job) => {
    await step(name, async () => {
      const { code, output } = await job()
      const { passed, failed } = countsOf(output, code)
      counts.passed += passed
      counts.failed += failed
      return { code: failed === 0 ? 0 : 1, output }
    })
  }
  await count('the committed modules are those of the C++', compare)
  if (!(await step('C++ tests for WASI', () => build(['tests_simd', 'tests_relaxed', 'fuzz_stream'])))) {
    counts.failed++
    return counts
  }
  await Promise.all([
    count('C++ tests in WebAssembly', () => execute('tests_simd', [])),
    // Nothing else differs.
    count('of products, relaxed', () =>
      execute('tests_relaxed', ['--source-file=*contract_test*,*nests_test*,*winograd_test*']),
    ),
    count('20,000 random streams in WebAssembly', () => execute('fuzz_stream', ['20000'])),
  ])
  return counts
}

const commands = {
  build: async () => {
    const lacking = missing()
    if (lacking !== undefined) return { code: 1, output: lacking }
    const result = await buildModules()
    if (result.code !== 0) return result
    mkdirSync(committed, { recursive: true })
    for (const name of modules) writeFileSync(join(committed, name), readFileSync(join(folder, name)))
    writeFileSync(record, `${JSON.stringify(origin(), null, 2)}\n`)
    return { code: 0 }
  },
  test: async () => {
    const counts = await runTests()
    const to = join(native, 'wasm', '.cache')
    mkdirSync(to, { recursive: true })
    writeFileSync(join(to, 'counts.json'), JSON.stringify(counts))
    return { code: counts.failed === 0 ? 0 : 1 }
  },
  bench: async (program = 'kernels', word = '') => {
    const built = await build([`bench_${program}`])
    if (built.code !== 0) return built
    const result = await execute(`bench_${program}`, program === 'map' ? ['1', word] : [word])
    say(result.output.trimEnd())
    return { code: result.code }
  },
  fuzz: async (count = '20000', first = '1000') => {
    const built = await build(['fuzz_stream'])
    if (built.code !== 0) return built
    const result = await execute('fuzz_stream', [count, first])
    say(result.output.trimEnd())
    return { code: result.code }
  },
}

if (import.meta.url === pathToFileURL(argv[1]).href) {
  const usage = `node tools/wasm.mjs [COMMAND]

  build                   builds the modules into packages/backend-wasm/wasm (default)
  test                    compares them with what is built here, and runs the C++ tests
  fuzz [COUNT [FIRST]]    runs random streams, from seed FIRST on
  bench [NAME [WORD]]     times kernels, map or roof, the first and last also _relaxed: those whose names have this word`
  const [command = 'build', ...others] = readArgs(usage, { allowPositionals: true }).positionals
  const most = { fuzz: 2, bench: 2 }[command] ?? 0
  const isKnown = Object.hasOwn(commands, command) && others.length <= most
  const wrong = () => ({ code: 2, output: `there is no command ${[command, ...others].join(' ')}\n${usage}` })
  const { code, output } = await (isKnown ? commands[command](...others) : wrong())
  if (code !== 0 && output) say(output.trimEnd())
  process.exitCode = code
}
