// Uses of the packages, each a row of the table in docs/internals/packages.md: the tool, its version, and the result. A
// row returns 'works', or the message that the user sees instead.
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { published, readJson } from '../../lib.mjs'
import { inPage } from '../browser.ts'
import { exec, expectLines, expectNearLines, root } from './packed.ts'

export interface Row {
  readonly tool: string
  readonly version: string
  readonly what: string
  /** The expected result; by default 'works'. */
  readonly expected?: string | RegExp
  /** Whether every test run includes it. */
  readonly share: boolean
  readonly needs?: 'native' | 'browser'
  run(): Promise<string>
}

export const toolsFolder = join(root, 'tools/packed')
const { dependencies } = JSON.parse(readFileSync(join(toolsFolder, 'package.json'), 'utf8'))
const versionOf = (tool: string): string => dependencies[tool]

/** Installs the tools in their pinned versions, unless that was done. */
export const installTools = async (): Promise<void> => {
  const key = JSON.stringify(dependencies)
  const stamp = join(toolsFolder, 'node_modules/.flambeau')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === key) return
  const npm = ['install', '--no-package-lock', '--no-audit', '--no-fund', '--prefer-offline']
  await exec('npm', npm, { cwd: toolsFolder, shell: process.platform === 'win32' })
  writeFileSync(stamp, key)
}

/** Checks of the printed lines by device. */
const lines = { js: expectLines, native: expectLines, wasm: expectLines, gpujs: expectNearLines }
type Device = keyof typeof lines
const making = (device: Device, options: string): string => `
import { ${device} } from '${device === 'js' ? 'flambeau' : `@flambeau/backend-${device}`}'
import { useDevice } from 'flambeau'
const set = async () => useDevice(await ${device}(${options})).name`
const naming = (device: Device): string => `
import { setDevice } from 'flambeau'
const set = () => setDevice('${device}')`
const sets = {
  js: making('js', ''),
  native: making('native', '{ threads: 1 }'),
  wasm: making('wasm', ''),
  gpujs: making('gpujs', "{ mode: 'webasm' }"),
  "setDevice('native')": naming('native'),
  "setDevice('wasm')": naming('wasm'),
  "setDevice('gpujs')": naming('gpujs'),
  // For bundlers that do not know the form in which the package names its module.
  'wasm({ module })': `
import address from '@flambeau/backend-wasm/flambeau.wasm'
${making('wasm', '{ module: new URL(address, import.meta.url) }').trim()}`,
}
type Program = keyof typeof sets
const deviceOf = (program: Program): Device =>
  (['native', 'wasm', 'gpujs'] as const).find((name) => program.includes(name)) ?? 'js'
/** What runs everywhere: without the page that imports a file. */
const devices = (Object.keys(sets) as Program[]).filter((program) => program !== 'wasm({ module })')
const fileOf = (program: Program): string => `${program.replace(/\W+/g, '-')}.js`

/** Writes the programs into a folder. Each reports its result: in Node on a line, in a page as a return value. */
export const writePrograms = (folder: string): void => {
  cpSync(join(root, 'tools/test/pack/program.js'), join(folder, 'program.js'))
  for (const [program, set] of Object.entries(sets) as [Program, string][])
    writeFileSync(
      join(folder, fileOf(program)),
      `import { program } from './program.js'${set}
const run = () => set().then((device) => JSON.stringify({ device, lines: program() }), (error) => String(error))
if (typeof process === 'object') run().then((said) => console.log(said))
else globalThis.run = run
`,
    )
}

/** 'works' if the lines are PyTorch's, otherwise the message. */
const verdict = (program: Program, said: string): string => {
  if (!said.startsWith('{')) return said.trim().split('\n')[0]
  const device = deviceOf(program)
  const { device: name, lines: printed } = JSON.parse(said)
  if (name !== device) return `it runs on ${name}`
  lines[device](printed)
  return 'works'
}

const failed = ({ stdout, stderr, message }: { stdout?: string; stderr?: string; message: string }): string =>
  /^\w*Error.*/m.exec(stderr ?? '')?.[0] ?? `${stdout || stderr || message}`.trim().split('\n')[0]

/** The output of a program in Node. */
const inNode = (file: string, cwd: string, node: readonly string[] = [process.execPath]): Promise<string> =>
  exec(node[0], [...node.slice(1), file], { cwd, shell: false }).then(
    ({ stdout, stderr }) => (stderr === '' ? stdout : stderr),
    failed,
  )

interface Job {
  readonly tool: string
  readonly program: Program
  readonly platform: 'browser' | 'node'
  readonly format: 'esm' | 'cjs'
}

const bundlers = ['esbuild', 'rollup', 'vite', 'webpack']
const jobs: Job[] = [
  ...bundlers.flatMap((tool) => [
    ...(['js', 'gpujs', 'wasm', 'native'] as const).map(
      (program) => ({ tool, program, platform: 'browser', format: 'esm' }) as const,
    ),
    ...devices.flatMap((program) =>
      (['esm', 'cjs'] as const).map((format) => ({ tool, program, platform: 'node', format }) as const),
    ),
  ]),
  { tool: 'esbuild', program: 'wasm({ module })', platform: 'browser', format: 'esm' },
]
/**
 * For each tool a page and a program for Node, and for one tool every device. The page is that on wasm, which includes
 * all of js; webpack minifies, which is slow.
 */
const inShare = ({ tool, program, platform, format }: Job): boolean =>
  platform === 'browser'
    ? program === 'wasm' || tool === 'esbuild'
    : format === 'cjs' &&
      (program === 'native' ||
        (program === 'gpujs' && tool === 'webpack') ||
        (program === 'wasm' && tool === 'esbuild'))

/** A page that may compile WebAssembly, and no text. */
const policy = "default-src 'none'; connect-src 'self'; script-src 'self' 'wasm-unsafe-eval'"
const forbidding = "default-src 'none'; connect-src 'self'; script-src 'self'"

/** A file in the first of some folders that has it. */
const contentsIn = (folders: readonly string[], path: string): Uint8Array | undefined => {
  const found = folders.map((folder) => join(folder, path)).find((file) => existsSync(file))
  return found === undefined ? undefined : readFileSync(found)
}

/** Bundled programs, with one run of each tool. */
export function bundleRows(app: () => string, whole: boolean): Row[] {
  const runs = new Map<string, Promise<Map<Job, string[]>>>()
  const fileFor = ({ tool, program, platform, format }: Job): string =>
    join(app(), 'out', `${tool}-${platform}-${fileOf(program).slice(0, -3)}.${format === 'cjs' ? 'cjs' : 'mjs'}`)
  const bundleAll = async (tool: string): Promise<Map<Job, string[]>> => {
    const own = jobs.filter((job) => job.tool === tool && (whole || inShare(job)))
    const asked = own.map((job) => ({ ...job, app: app(), entry: fileOf(job.program), file: fileFor(job) }))
    const child = execFile(process.execPath, ['bundle.mjs', tool], { cwd: toolsFolder, maxBuffer: 1 << 26 })
    child.stdin?.end(JSON.stringify(asked))
    let said = ''
    let complained = ''
    child.stdout?.on('data', (text) => (said += text))
    child.stderr?.on('data', (text) => (complained += text))
    const code = await new Promise((done) => child.on('close', done))
    if (code !== 0) throw new Error(`${tool}: ${complained}`)
    const warnings: string[][] = JSON.parse(said.trim().split('\n').at(-1) ?? '')
    return new Map(own.map((job, i) => [job, warnings[i]]))
  }
  const warningsOf = async (job: Job): Promise<string[]> => {
    if (!runs.has(job.tool)) runs.set(job.tool, bundleAll(job.tool))
    return (await runs.get(job.tool))?.get(job) ?? ['it was not bundled']
  }
  /** What a bundled page says. Its server has what the bundler wrote and, as the guide says, a copy of the modules. */
  const inBundle = (job: Job, policy?: string): Promise<string> => {
    const folders = [join(app(), 'out'), join(app(), 'node_modules/@flambeau/backend-wasm')]
    const file = (path: string) => contentsIn(folders, path)
    return inPage({ script: readFileSync(fileFor(job), 'utf8'), policy, file }, (page) =>
      page.evaluate(() => (globalThis as unknown as { run: () => Promise<string> }).run()),
    )
  }
  const rows = jobs.map((job): Row => {
    const { tool, program, platform, format } = job
    const inBrowser = platform === 'browser'
    return {
      tool,
      version: versionOf(tool),
      what: inBrowser ? `bundle for browsers, ${program}` : `bundle for Node, ${format}, ${program}`,
      expected: inBrowser && program === 'native' ? /^RuntimeError: device 'native' needs Node / : undefined,
      share: inShare(job),
      needs: inBrowser ? 'browser' : deviceOf(program) === 'native' ? 'native' : undefined,
      async run() {
        const warnings = await warningsOf(job)
        if (warnings.length > 0) return `warns: ${warnings[0].split('\n')[0]}`
        if (!inBrowser) return verdict(program, await inNode(fileFor(job), app()))
        return verdict(program, await inBundle(job, deviceOf(program) === 'wasm' ? policy : undefined))
      },
    }
  })
  const [onWasm] = jobs.filter(({ platform, program }) => platform === 'browser' && program === 'wasm')
  rows.push({
    ...rows[jobs.indexOf(onWasm)],
    what: "bundle for browsers, wasm, where the page's policy forbids it",
    expected: /^RuntimeError: device 'wasm' may not compile WebAssembly: a policy forbids it \(.*script-src/,
    async run() {
      await warningsOf(onWasm)
      return verdict('wasm', await inBundle(onWasm, forbidding))
    },
  })
  const moved: Job = { tool: 'esbuild', program: 'native', platform: 'node', format: 'cjs' }
  const alone =
    rows[jobs.findIndex((job) => Object.entries(moved).every(([key, value]) => job[key as keyof Job] === value))]
  rows.push({
    ...alone,
    what: 'bundle for Node, cjs, native, moved to where no package is',
    expected: /^RuntimeError: device 'native' found no addon for /,
    async run() {
      await alone.run()
      const folder = join(app(), '..', 'moved')
      mkdirSync(folder, { recursive: true })
      cpSync(fileFor(moved), join(folder, 'main.cjs'))
      return verdict('native', await inNode('main.cjs', folder))
    },
  })
  return rows
}

/** Trains on random numbers, on a device that is named and on js: what `@flambeau/data` imports is no page's module. */
const alone = `import { F, manualSeed, nn, optim, randn, setDevice } from 'flambeau'
const train = () => {
  manualSeed(0)
  const [x, y] = [randn(64, 13), randn(64, 1)]
  const model = new nn.Sequential(new nn.Linear(13, 8), new nn.Tanh(), new nn.Linear(8, 1))
  const optimizer = new optim.Adam(model.parameters(), { lr: 0.01 })
  return Array.from({ length: 100 }, () => {
    const loss = F.mseLoss(model.forward(x), y)
    optimizer.zeroGrad()
    loss.backward()
    optimizer.step()
    return loss.item()
  })
}
const run = async (name) => {
  const said = []
  console.warn = (text) => said.push(String(text))
  const device = await setDevice(name)
  const losses = train()
  await setDevice('js')
  return { device, losses, expected: train(), said: said.join() }
}
globalThis.run = (name) => run(name).catch((error) => ({ said: String(error) }))
`
interface Alone {
  readonly device: string
  readonly losses: readonly number[]
  readonly expected: readonly number[]
  readonly said: string
}

/** Pages that load the packages from node_modules, without a bundler. */
export function aloneRows(app: () => string): Row[] {
  const names = ['flambeau', '@flambeau/core', '@flambeau/backend-js', '@flambeau/backend-wasm']
  const opened = (device: string, scripts: string): Promise<Alone> => {
    const entries = names.flatMap((name) => {
      const { exports } = JSON.parse(readFileSync(join(app(), 'node_modules', name, 'package.json'), 'utf8'))
      return Object.entries<{ readonly default?: string }>(exports).map(([path, { default: file }]) => [
        name + path.slice(1),
        `/node_modules/${name}/${file}`,
      ])
    })
    const map = JSON.stringify({ imports: Object.fromEntries(entries) })
    const hash = createHash('sha256').update(map).digest('base64')
    return inPage(
      {
        script: alone,
        head: `<script type="importmap">${map}</script>`,
        policy: `default-src 'none'; connect-src 'self'; script-src 'self' 'sha256-${hash}' ${scripts}`,
        file: (path) => contentsIn([app()], path),
      },
      (page) =>
        page.evaluate((name) => (globalThis as unknown as { run: (name: string) => Promise<Alone> }).run(name), device),
    )
  }
  const row = { tool: 'no bundler', version: 'import map', share: true, needs: 'browser' } as const
  return [
    {
      ...row,
      what: "setDevice('wasm')",
      async run() {
        const { device, losses, expected, said } = await opened('wasm', "'wasm-unsafe-eval'")
        if (said !== '' || device !== 'wasm') return said || `it runs on ${device}`
        expect(losses[99]).toBeLessThan(losses[0])
        for (const [i, loss] of losses.entries()) expect(Math.abs(loss / expected[i] - 1)).toBeLessThan(1e-4)
        return 'works'
      },
    },
    {
      ...row,
      what: "setDevice('auto'), where the page's policy forbids WebAssembly",
      expected:
        /^js: UserWarning: setDevice\('auto'\) continues without 'wasm': device 'wasm' may not compile .* Add 'wasm-unsafe-eval' to script-src/,
      async run() {
        const { device, losses, expected, said } = await opened('auto', '')
        expect(losses).toEqual(expected)
        return `${device}: ${said.replaceAll('\n', ' ')}`
      },
    },
  ]
}

const user = `import { F, manualSeed, nn, optim, type Tensor, tensor } from 'flambeau'
import type { Backend } from '@flambeau/core/backend'
import { js } from '@flambeau/backend-js'
import { gpujs } from '@flambeau/backend-gpujs'
import { type WasmOptions, wasm } from '@flambeau/backend-wasm'
import { native } from '@flambeau/backend-native'
import { DataLoader, loadIris, StandardScaler, TensorDataset } from '@flambeau/data'
manualSeed(1)
const model = new nn.Sequential(new nn.Linear(2, 1), new nn.Sigmoid())
const optimizer = new optim.SGD(model.parameters(), { lr: 0.1 })
const loss: Tensor = F.mseLoss(model.forward(tensor([[1, 2]])), tensor([[1]]))
loss.backward()
optimizer.step()
export const value: number = loss.sum({ dim: 0 }).exp().item() as number
const options: WasmOptions = { maxBytes: 2 ** 28 }
export const backends: Promise<Backend>[] = [native({ threads: 1 }), wasm(options), gpujs(), Promise.resolve(js())]
const { data, target } = loadIris()
const set = new TensorDataset(new StandardScaler().fitTransform(data), target)
for (const [x, y] of new DataLoader(set, { batchSize: 2 })) x.add(y)
// @ts-expect-error an op that doesn't exist
loss.noSuchOp()
`
const resolutions = { nodenext: 'nodenext', preserve: 'bundler' }

/** Type-checks a program and all declarations in strict mode, with no library beyond the target's and no @types. */
export const typeRows = (app: () => string): Row[] =>
  ['5.6', '5.7', '5.8', '5.9', '6.0', '7.0'].flatMap((version) =>
    Object.entries(resolutions).map(([module, moduleResolution]) => ({
      tool: 'typescript',
      version: versionOf(`typescript-${version}`).replace('npm:typescript@', ''),
      what: `types, module ${module}, libraries checked`,
      share: (version === '5.6') === (module === 'nodenext') && (version === '5.6' || version === '7.0'),
      async run() {
        const folder = join(app(), `types-${version}-${module}`)
        mkdirSync(folder, { recursive: true })
        writeFileSync(join(folder, 'user.ts'), user)
        const compilerOptions = {
          noEmit: true,
          strict: true,
          exactOptionalPropertyTypes: true,
          skipLibCheck: false,
          types: [],
          target: 'es2022',
          module,
          moduleResolution,
        }
        writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['user.ts'] }))
        const tsc = join(toolsFolder, `node_modules/typescript-${version}/bin/tsc`)
        return exec(process.execPath, [tsc, '-p', '.', '--pretty', 'false'], { cwd: folder }).then(
          () => 'works',
          ({ stdout }) => stdout.split('\n')[0],
        )
      },
    })),
  )

/** A tool of npm, which is fetched if it is not there. */
const npx = (cwd: string, spec: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
  exec('npx', ['--yes', '--prefer-offline', spec, ...args], {
    cwd,
    env: { ...process.env, ...env },
    shell: process.platform === 'win32',
  })

/** Programs in other engines than Node. */
export const engineRows = (app: () => string): Row[] =>
  (
    [
      ['deno', '2.9.6', ['run', '--allow-all']],
      ['bun', '1.4.5', []],
    ] as const
  ).flatMap(([tool, version, options]) =>
    devices.map(
      (program): Row => ({
        tool,
        version,
        what: `import, ${program}`,
        share: false,
        needs: deviceOf(program) === 'native' ? 'native' : undefined,
        async run() {
          const said = await npx(app(), `${tool}@${version}`, [...options, fileOf(program)]).catch((error) => ({
            stdout: failed(error),
          }))
          return verdict(program, said.stdout)
        },
      }),
    ),
  )

const jestTest = `test('flambeau', () => {
  expect(tensor([1, 2]).sum().item()).toBe(3)
  expect(new nn.Linear(2, 1).weight.shape).toEqual([1, 2])
})
`
/** Tests in Jest, in the configurations that the guide names. */
export const jestRows = (app: () => string): Row[] =>
  (['esm', 'cjs'] as const).map((format) => ({
    tool: 'jest',
    version: '30.5.2',
    what: `tests, ${format}`,
    share: false,
    async run() {
      const folder = join(app(), `jest-${format}`)
      mkdirSync(folder, { recursive: true })
      const isModule = format === 'esm'
      writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: isModule ? 'module' : 'commonjs' }))
      writeFileSync(
        join(folder, 'first.test.js'),
        `${isModule ? "import { nn, tensor } from 'flambeau'" : "const { nn, tensor } = require('flambeau')"}\n${jestTest}`,
      )
      const presets = [['@babel/preset-env', { targets: { node: 'current' } }]]
      const config = {
        testEnvironmentOptions: { customExportConditions: ['node', 'node-addons', 'module'] },
        ...(isModule
          ? { transform: {} }
          : {
              transform: { '\\.js$': ['babel-jest', { presets, babelrc: false, configFile: false }] },
              transformIgnorePatterns: ['/node_modules/(?!@?flambeau)'],
            }),
      }
      writeFileSync(join(folder, 'jest.config.json'), JSON.stringify(config))
      const tools = ['install', '--no-audit', '--no-fund', '--no-save', '--prefer-offline']
      const needed = ['jest@30.5.2', ...(isModule ? [] : ['@babel/preset-env@7'])]
      await exec('npm', [...tools, ...needed], { cwd: folder, shell: process.platform === 'win32' })
      const options = isModule ? ['--experimental-vm-modules', '--no-warnings'] : []
      const jest = join(folder, 'node_modules/jest/bin/jest.js')
      return exec(process.execPath, [...options, jest, '--config', 'jest.config.json'], { cwd: folder }).then(
        () => 'works',
        ({ stderr }) => /\w*Error: .*|flambeau could not .*|Must use import .*/.exec(stderr)?.[0] ?? stderr,
      )
    },
  }))

/** Programs in a folder with the packages installed by another package manager. */
export function managerRows(temp: () => string, tarballs: () => Readonly<Record<string, string>>): Row[] {
  const yarnEnv = { YARN_ENABLE_IMMUTABLE_INSTALLS: 'false', YARN_ENABLE_TELEMETRY: '0' }
  const fresh = (name: string, manifest: (files: Record<string, string>) => object): string => {
    const folder = join(temp(), name)
    mkdirSync(folder)
    writePrograms(folder)
    const files = Object.fromEntries(Object.entries(tarballs()).map(([each, file]) => [each, `file:${file}`]))
    const { '@flambeau/native-linux-x64-gnu': _, ...dependencies } = files
    writeFileSync(
      join(folder, 'package.json'),
      JSON.stringify({ private: true, type: 'module', dependencies, ...manifest(files) }),
    )
    return folder
  }
  const all = async (folder: string, node: readonly string[]): Promise<string> => {
    for (const program of devices) {
      const said = verdict(program, await inNode(fileOf(program), folder, node))
      if (said !== 'works') return `${program}: ${said}`
    }
    return 'works'
  }
  const yarn = (linker: string, share: boolean): Row => ({
    tool: 'yarn',
    version: '4.18.1',
    what: `install, ${linker}; every device`,
    share,
    needs: 'native',
    async run() {
      const folder = fresh(`yarn-${linker}`, (resolutions) => ({ resolutions }))
      writeFileSync(join(folder, 'yarn.lock'), '')
      writeFileSync(join(folder, '.yarnrc.yml'), `nodeLinker: ${linker}\n`)
      await npx(folder, '@yarnpkg/cli-dist@4.18.1', ['install'], yarnEnv)
      const pnp = ['--require', './.pnp.cjs', '--loader', './.pnp.loader.mjs', '--no-warnings']
      return all(folder, [process.execPath, ...(linker === 'pnp' ? pnp : [])])
    },
  })
  const pnpm = (version: string): Row => ({
    tool: 'pnpm',
    version,
    what: 'install; every device',
    share: false,
    needs: 'native',
    async run() {
      const folder = fresh(`pnpm-${version}`, () => ({}))
      const overrides = Object.entries(tarballs()).map(([name, file]) => `  '${name}': 'file:${file}'\n`)
      writeFileSync(join(folder, 'pnpm-workspace.yaml'), `overrides:\n${overrides.join('')}`)
      await npx(folder, `pnpm@${version}`, ['install', '--prefer-offline'])
      return all(folder, [process.execPath])
    },
  })
  return [yarn('node-modules', true), yarn('pnp', false), pnpm('10.34.8'), pnpm('12.21.0')]
}

/** Every entry point of every package, from their package.json. */
const entries = published
  .filter((folder) => folder !== 'backend-conformance')
  .flatMap((folder) => {
    const { name, exports } = readJson('packages', folder, 'package.json')
    return Object.keys(exports)
      .filter((path) => !path.endsWith('.wasm'))
      .map((path) => name + path.slice(1))
  })
const required = `const names = ${JSON.stringify(entries)}
for (const name of names) require(name)
console.log(require('flambeau').tensor([1, 2]).sum().item() === 3 ? 'works' : 'wrong')`

/** Other places in Node that have the module of WebAssembly to themselves. */
const aside = [
  {
    what: 'wasm in a worker',
    file: 'worker.js',
    text: `import { Worker } from 'node:worker_threads'
new Worker(new URL('${fileOf("setDevice('wasm')")}', import.meta.url))
`,
  },
  { what: 'wasm, imported in CommonJS', file: 'imported.cjs', text: `import('./${fileOf('wasm')}')\n` },
]

/** `import` and `require` in Node; `nodes` gives the binaries. */
export const nodeRows = (
  app: () => string,
  nodes: readonly {
    version: string
    share: boolean
    newest?: boolean
    expected?: RegExp
    binary: () => Promise<string>
  }[],
): Row[] =>
  nodes.flatMap(({ version, share, newest = false, expected, binary }) => {
    const tool = 'node'
    return [
      ...devices.map(
        (program): Row => ({
          tool,
          version,
          what: `import, ${program}`,
          expected,
          share: program === "setDevice('wasm')" && (newest || share),
          needs: deviceOf(program) === 'native' ? 'native' : undefined,
          run: async () => verdict(program, await inNode(fileOf(program), app(), [await binary()])),
        }),
      ),
      ...aside.map(
        ({ what, file, text }): Row => ({
          tool,
          version,
          what,
          expected,
          share: newest || share,
          async run() {
            writeFileSync(join(app(), file), text)
            return verdict('wasm', await inNode(file, app(), [await binary()]))
          },
        }),
      ),
      {
        tool,
        version,
        what: 'require of every entry point',
        expected,
        share,
        async run() {
          writeFileSync(join(app(), 'required.cjs'), required)
          const quiet = '--disable-warning=ExperimentalWarning'
          return (await inNode('required.cjs', app(), [await binary(), quiet])).trim().split('\n')[0]
        },
      },
    ]
  })
