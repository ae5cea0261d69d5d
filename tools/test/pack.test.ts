// The packages for their users: packed, installed with npm into an empty folder, run in every supported Node, and
// bundled for a browser, also for pages that forbid eval.
import { execFile } from 'node:child_process'
import {
  cpSync,
  existsSync,
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
import { promisify } from 'node:util'
import { pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { markdownBlocks, run as runBlock } from '../doc-examples.ts'
import { inPage } from './browser.ts'
import { chromiumMissing, testWith } from './machine.ts'
import { shown } from './pack/hover.ts'
import { expectLines, install, nodes, pack, root } from './pack/packed.ts'

const exec = promisify(execFile)
const temp = mkdtempSync(join(tmpdir(), 'flambeau-pack-'))
const app = join(temp, 'app')
afterAll(() => rmSync(temp, { recursive: true }))

const installed = (name: string) => join(app, 'node_modules', name)

beforeAll(async () => {
  const tarballs = await pack(['core', 'backend-js', 'data', 'flambeau'], temp)
  await install(app, tarballs)
  cpSync(join(root, 'tools/test/pack/program.js'), join(app, 'program.js'))
  writeFileSync(
    join(app, 'node.js'),
    "import { program } from './program.js'\nconsole.log(JSON.stringify(program()))\n",
  )
}, 300_000)

test.each([{ name: 'this Node', binary: process.execPath }])('the program runs in $name', async ({ binary }) => {
  const { stdout, stderr } = await exec(binary, ['node.js'], { cwd: app })
  expectLines(JSON.parse(stdout))
  expect(stderr).toBe('')
})

for (const { name, binary } of nodes) {
  const missing = existsSync(binary) ? undefined : `no binary of ${name} for this platform`
  testWith('js', missing, `the program runs in ${name}`, async () => {
    const version = (await exec(binary, ['--version'])).stdout.trim()
    const { stdout } = await exec(binary, ['node.js'], { cwd: app })
    expectLines(JSON.parse(stdout))
    if (name !== 'node-newest') expect(version).toMatch(`v${name.slice('node-'.length)}.`)
  })
}

test('core, backend-js and flambeau together are under 1.5 MB installed', () => {
  let bytes = 0
  for (const name of ['@flambeau/core', '@flambeau/backend-js', 'flambeau']) {
    const files = readdirSync(installed(name), { recursive: true, withFileTypes: true }).filter((file) => file.isFile())
    for (const file of files) bytes += statSync(join(file.parentPath, file.name)).size
  }
  console.log(`installed size: ${(bytes / 1e6).toFixed(2)} MB`)
  expect(bytes).toBeGreaterThan(10_000)
  expect(bytes).toBeLessThan(1_500_000)
})

test('an installation has one core, no workspace files, and the terms of the data sets', () => {
  expect(existsSync(join(installed('@flambeau/data'), 'src/datasets/NOTICE.md'))).toBe(true)
  expect(readdirSync(installed('@flambeau')).sort()).toEqual(['backend-js', 'core', 'data'])
  for (const name of ['@flambeau/backend-js', '@flambeau/data', 'flambeau'])
    expect(existsSync(join(installed(name), 'node_modules'))).toBe(false)
})

test('other devices are not there: their names say how to install them, and auto is js', async () => {
  const program = `import { setDevice, tensor } from 'flambeau'
for (const name of ['wasm', 'native', 'gpujs']) await setDevice(name).catch(({ message }) => console.log(message))
console.log(await setDevice('auto'), String(tensor([1, 2]).sum()))`
  const { stdout, stderr } = await exec(process.execPath, ['--input-type=module', '-e', program], { cwd: app })
  const lines = stdout.split('\n')
  for (const [i, name] of ['wasm', 'native', 'gpujs'].entries()) {
    expect(lines[2 * i]).toBe(`device '${name}' is not installed`)
    expect(lines[2 * i + 1]).toContain(`Install it: npm install @flambeau/backend-${name}.`)
  }
  expect({ rest: lines.slice(6), stderr }).toEqual({ rest: ['js tensor(3.)', ''], stderr: '' })
})

test('errors name the line of the program, and so does a step that cannot be compiled', async () => {
  writeFileSync(
    join(app, 'wrong.js'),
    `import { compile, F, nn, tensor, zeros } from 'flambeau'
const target = tensor([4], { dtype: 'long' })
const step = compile(() => F.oneHot(target))
const model = new nn.Sequential(new nn.Sequential(new nn.Sequential(new nn.Sequential(new nn.Linear(2, 3)))))
for (const wrong of [
  () => F.crossEntropy(zeros(1, 3), target),
  () => model.forward(zeros(1, 5)),
  () => step(),
]) {
  try {
    wrong()
  } catch ({ message, stack }) {
    console.log(/wrong.js:[0-9]+/.exec(stack.replace(message, ''))[0], /at .*wrong.js:[0-9]+/.exec(message)?.[0].replace(/.*[/]/, ''))
  }
}`,
  )
  const { stdout } = await exec(process.execPath, ['wrong.js'], { cwd: app })
  expect(stdout.trim().split('\n')).toEqual(['wrong.js:6 undefined', 'wrong.js:7 undefined', 'wrong.js:3 wrong.js:3'])
})

test("a user's program type-checks against the installed declarations, these included", async () => {
  writeFileSync(
    join(app, 'user.ts'),
    `import { F, manualSeed, nn, optim, type Tensor, tensor } from 'flambeau'
manualSeed(1)
const model = new nn.Sequential(new nn.Linear(2, 1), new nn.Sigmoid())
const optimizer = new optim.SGD(model.parameters(), { lr: 0.1 })
const loss: Tensor = F.mseLoss(model.forward(tensor([[1, 2]])), tensor([[1]]))
loss.backward()
optimizer.step()
export const value: number = loss.sum({ dim: 0 }).item() as number
// @ts-expect-error an op that doesn't exist
loss.noSuchOp()
`,
  )
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  for (const module of ['nodenext', 'preserve']) {
    const args = [
      '--noEmit',
      '--strict',
      '--target',
      'es2022',
      '--module',
      module,
      '--lib',
      'es2022,esnext.disposable',
      'user.ts',
    ]
    const { stdout } = await exec(process.execPath, [tsc, ...args], { cwd: app }).catch((error) => error)
    expect(stdout).toBe('')
  }
}, 60_000)

test('the examples, on the installed packages, print what PyTorch prints', async () => {
  cpSync(join(root, 'examples/dist'), join(app, 'examples'), { recursive: true })
  symlinkSync(join(root, 'examples/node_modules/cli-progress'), join(installed('cli-progress')))
  // With the number of the transcript's lines that each begins with.
  const runs: [name: string, lines: number, ...options: string[]][] = [
    ['autograd-basics', 5],
    ['boston', 20, '--epochs', '2000'],
    ['breast-cancer', 1, '--epochs', '10000'],
  ]
  for (const [name, count, ...options] of runs) {
    const { lines } = JSON.parse(readFileSync(join(root, `examples/transcripts/${name}-0.json`), 'utf8'))
    const args = ['examples/main.js', name, '--backend', 'js', ...options]
    const { stdout } = await exec(process.execPath, args, { cwd: app })
    expect(stdout.split('\n').slice(0, count)).toEqual(lines.slice(0, count))
  }
}, 120_000)

const readmes = ['README.md', ...['flambeau', 'data'].map((name) => `packages/${name}/README.md`)]
test.each(readmes)('the programs of %s run on the installed packages', async (page) => {
  const load = (name: string, file = 'index.js') =>
    import(pathToFileURL(join(installed(name), 'dist', file)).href) as Promise<Record<string, unknown>>
  const modules = {
    flambeau: await load('flambeau'),
    '@flambeau/data': await load('@flambeau/data'),
    '@flambeau/data/frame': await load('@flambeau/data', 'frame/index.js'),
  }
  const blocks = markdownBlocks(join(root, page)).filter(({ noRun }) => noRun === undefined)
  expect(blocks.length).toBeGreaterThan(0)
  let session = {}
  for (const block of blocks) session = { ...session, ...(await runBlock(block, session, modules)).declared }
})

test('data loads without arquero, and frames load it', async () => {
  const program = `import { register } from 'node:module'
register('data:text/javascript,' + encodeURIComponent(\`
export const resolve = (name, context, next) => {
  if (name === 'arquero') console.log('arquero')
  return next(name, context)
}\`))
await import(process.argv[1])
console.log('loaded')`
  const loading = async (name: string) =>
    (await exec(process.execPath, ['--input-type=module', '-e', program, name], { cwd: app })).stdout.split('\n')
  expect(await loading('@flambeau/data')).toEqual(['loaded', ''])
  expect(await loading('@flambeau/data/frame')).toContain('arquero')
})

test('no line of code is so long that the message of an uncaught error would get lost behind it', async () => {
  for (const name of ['@flambeau/core', '@flambeau/backend-js', '@flambeau/data', 'flambeau']) {
    const files = readdirSync(installed(name), { recursive: true, encoding: 'utf8' })
    for (const file of files.filter((each) => each.endsWith('.js'))) {
      const lines = readFileSync(join(installed(name), file), 'utf8').split('\n')
      expect(Math.max(...lines.map((line) => line.length)), file).toBeLessThan(1000)
    }
  }
  const program = "import { optim } from 'flambeau'; new optim.SGD([3], { lr: 0.1 })"
  const { stderr } = await exec(process.execPath, ['--input-type=module', '-e', program], { cwd: app }).catch((e) => e)
  const sentence = 'TypeError: optimizer can only optimize Tensors, but one of the params is int'
  expect(stderr.indexOf(`\n${sentence}`)).toBeGreaterThan(0)
  expect(stderr.indexOf(sentence)).toBeLessThan(500)
  expect(stderr.split('\n', 2)[1].length).toBeLessThan(400)
  expect(stderr).toMatch(/at new SGD \(/)
})

test('classes have their names from the start', async () => {
  const program = `import * as flambeau from 'flambeau'
import * as data from '@flambeau/data'
const { nn, optim } = flambeau
const wrong = []
let classes = 0
for (const names of [flambeau, nn, optim, optim.lrScheduler, data])
  for (const [name, value] of Object.entries(names))
    if (typeof value === 'function' && /^class\\b/.test(String(value))) {
      classes++
      if (value.name !== name) wrong.push([name, value.name])
    }
console.log(JSON.stringify({ wrong, classes }))`
  const { stdout } = await exec(process.execPath, ['--input-type=module', '-e', program], { cwd: app })
  const { wrong, classes } = JSON.parse(stdout)
  expect(wrong).toEqual([])
  expect(classes).toBeGreaterThan(50)
})

/** Their overloads return different types. */
const withForms = [
  'x.max',
  'x.median',
  'x.min',
  'x.nanmedian',
  'x.nonzero',
  'x.size',
  'x.stride',
  'x.type',
  'x.unique',
  'x.uniqueConsecutive',
]

test('an editor shows a signature and a sentence for every method of Tensor, a sentence for everything else', () => {
  const names = shown(app)
  const methods = names.filter(({ name }) => name.startsWith('x.'))
  console.log(`hover: ${methods.length} members of Tensor, ${names.length - methods.length} functions and classes`)
  expect(methods.length).toBeGreaterThan(200)
  expect(names.length - methods.length).toBeGreaterThan(200)
  expect(names.filter(({ sentence }) => sentence === '').map(({ name }) => name)).toEqual([])
  expect(
    methods
      .filter(({ text }) => /overload/.test(text))
      .map(({ name }) => name)
      .sort(),
  ).toEqual(withForms)
  const exp = methods.find(({ name }) => name === 'x.exp')
  expect(exp).toMatchObject({
    text: '(property) exp: () => all.Tensor',
    sentence: expect.stringMatching(/^e to the power/),
  })
}, 60_000)

const bundle = async () => {
  writeFileSync(
    join(app, 'browser.js'),
    `import { program } from './program.js'
try { globalThis.lines = program() } catch (error) { globalThis.failure = String(error?.stack ?? error) }
try { globalThis.evalAllowed = new Function('return true')() } catch { globalThis.evalAllowed = false }
`,
  )
  return build({
    absWorkingDir: app,
    entryPoints: ['browser.js'],
    bundle: true,
    write: false,
    metafile: true,
    minifyWhitespace: true,
    platform: 'browser',
    format: 'esm',
    target: 'es2022',
    logLevel: 'silent',
  })
}

test('a bundle for browsers holds no Node built-in and leaves no import unresolved', async () => {
  const { metafile, outputFiles } = await bundle()
  const open = Object.values(metafile.outputs).flatMap((output) => output.imports)
  expect(open).toEqual([])
  const text = outputFiles[0].text
  expect(text).not.toMatch(/\bfrom\s*["'](node:)?(fs|path|url|util|os|module|worker_threads|process)\b/)
  expect(text).not.toMatch(/\b(import|require)\s*\(\s*["']/)
  expect(text).not.toMatch(/["']node:/)
}, 60_000)

const inChromium = async (policy: string | undefined) =>
  inPage({ script: (await bundle()).outputFiles[0].text, policy }, (page) =>
    page.evaluate(() => {
      const { lines, failure, evalAllowed } = globalThis as {
        lines?: string[]
        failure?: string
        evalAllowed?: boolean
      }
      return { lines, failure, evalAllowed }
    }),
  )

testWith(
  'browser',
  chromiumMissing,
  'the bundle runs in Chromium',
  async () => {
    const { lines, failure, evalAllowed } = await inChromium(undefined)
    expect(failure).toBeUndefined()
    expect(evalAllowed).toBe(true)
    expectLines(lines ?? [])
  },
  120_000,
)

testWith(
  'browser',
  chromiumMissing,
  'the bundle runs in Chromium under a policy that forbids eval',
  async () => {
    const { lines, failure, evalAllowed } = await inChromium("default-src 'none'; script-src 'self'")
    expect(failure).toBeUndefined()
    expect(evalAllowed).toBe(false)
    expectLines(lines ?? [])
  },
  120_000,
)
