// The documentation is run: every ts block of the guide and the readmes, and every `@example` of a doc comment. A comment
// that says what comes out is compared with what does. The blocks of one page are one session, from top to bottom.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import * as gpujs from '../../packages/backend-gpujs/src/index.ts'
import * as wasm from '../../packages/backend-wasm/src/index.ts'
import * as backend from '../../packages/core/src/backend/index.ts'
import * as frame from '../../packages/data/src/frame/index.ts'
import * as data from '../../packages/data/src/index.ts'
import * as training from '../../packages/data/src/training/index.ts'
import * as dataMnist from '../../packages/data-mnist/src/index.ts'
import * as vision from '../../packages/vision/src/index.ts'
import * as flambeau from '../../packages/flambeau/src/index.ts'
import { type Block, exampleBlocks, markdownBlocks, pageModule, run } from '../doc-examples.ts'
import { pages as lacking } from './lacking.ts'
import { pages as named } from './names-page.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const filesUnder = (folder: string, ending: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending))
    .sort()
    .map((name) => join(root, folder, name))

type Scope = Readonly<Record<string, unknown>>
const modules: Readonly<Record<string, Scope>> = {
  flambeau,
  '@flambeau/core': flambeau,
  '@flambeau/core/backend': backend,
  '@flambeau/backend-gpujs': gpujs,
  '@flambeau/backend-wasm': wasm,
  '@flambeau/data': data,
  '@flambeau/data/frame': frame,
  '@flambeau/data/training': training,
  '@flambeau/data-mnist': dataMnist,
  '@flambeau/vision': vision,
  '@flambeau/vision/models': vision.models,
  '@flambeau/vision/datasets': vision.datasets,
  '@flambeau/vision/io': vision.io,
  '@flambeau/vision/inspect': vision.inspect,
  '@flambeau/vision/transforms': vision.transforms,
  '@flambeau/vision/utils': vision.utils,
  arquero: await import('../../packages/data/node_modules/arquero/src/index.js' as string),
}
const scope: Scope = { ...modules.flambeau }

/** Files that a page names without a folder are in one of their own. */
const [here, folder] = [process.cwd(), mkdtempSync(join(tmpdir(), 'flambeau-docs-'))]
beforeAll(() => process.chdir(folder))
afterAll(() => {
  process.chdir(here)
  rmSync(folder, { recursive: true })
})

/** What has the state of the process is put back after each block. */
const fresh = (): void => {
  flambeau.useDevice(flambeau.js())
  flambeau.manualSeed(0)
  flambeau.setUniformFused(true)
  flambeau.setPrintOptions({ profile: 'default' })
  flambeau.setDetectAnomaly(false)
}
beforeEach(() => {
  fresh()
  vi.spyOn(console, 'warn').mockReturnValue()
})
afterEach(() => {
  fresh()
  vi.restoreAllMocks()
})

const nameOf = ({ file, line }: Block): string => `${relative(root, file)}:${line}`
const texts = [
  join(root, 'README.md'),
  ...['flambeau', 'backend-wasm', 'data', 'vision', 'data-mnist'].map((name) =>
    join(root, 'packages', name, 'README.md'),
  ),
  ...filesUnder('docs', '.md'),
]
const pages = texts.map((file) => ({ file, page: relative(root, file), blocks: markdownBlocks(file) }))
let compared = 0

describe.each(pages.filter(({ blocks }) => blocks.length > 0))('$page', ({ blocks }) => {
  let session: Scope = {}
  for (const block of blocks) {
    const { noRun } = block
    if (noRun !== undefined) {
      test(`${nameOf(block)} says why it is not run`, () => expect(noRun).not.toBe(''))
      continue
    }
    test(nameOf(block), { timeout: 60_000 }, async () => {
      const outcome = await run(block, { ...scope, ...session }, modules)
      session = { ...session, ...outcome.declared }
      compared += outcome.compared
    })
  }
})

/** Default values of some names in doc comments. */
const usual = (): Scope => {
  const { F, nn, optim, randn, zeros } = flambeau
  const [x, y] = [randn(4, 13), randn(4, 1)]
  const model = new nn.Linear(13, 1)
  const optimizer = new optim.SGD(model.parameters(), { lr: 1e-3 })
  const yHat = model.forward(x)
  const labels = zeros([4], { dtype: 'int32' })
  return { x, y, model, optimizer, yHat, loss: F.mseLoss(yHat, y), images: x, labels }
}

/** The names of the vision package, for its own comments: some of them are other packages' as well. */
const visible: Scope = {
  ...vision.transforms,
  ...vision.transforms.functional,
  ...modules['@flambeau/vision'],
  ...vision.models,
  ...vision.inspect,
}
const packages = ['core', 'backend-js', 'data', 'vision', 'data-mnist', 'flambeau', 'backend-conformance']
const examples = packages.flatMap((name) => filesUnder(`packages/${name}/src`, '.ts')).flatMap(exampleBlocks)

describe('doc comments', () => {
  test.each(examples.filter(({ noRun }) => noRun === undefined).map((block) => [nameOf(block), block] as const))(
    '%s',
    async (_, block) => {
      const own = (await import(block.file)) as Scope
      const outcome = await run(
        block,
        {
          ...modules['@flambeau/core/backend'],
          ...modules['@flambeau/data/frame'],
          ...modules.arquero,
          ...scope,
          ...(block.file.includes('/packages/vision/') ? visible : {}),
          ...usual(),
          ...own,
        },
        modules,
        { strict: false, self: new flambeau.nn.Module() },
      )
      compared += outcome.compared
    },
  )
})

/** Type-checks the pages as modules of an in-memory program, as a user's program would be. */
function typeErrors(): string[] {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.base.json'), ts.sys.readFile)
  const { options } = ts.parseJsonConfigFileContent({ ...config, files: [] }, ts.sys, root)
  const known = { flambeau: Object.keys(flambeau) }
  // Beside the examples, where the packages' names resolve.
  const sources = new Map(
    pages
      .filter(({ blocks }) => blocks.length > 0)
      .map(({ file, blocks }) => {
        const runs = blocks.filter(({ noRun }) => noRun === undefined)
        return [
          join(root, 'examples/src', `${relative(root, file).replaceAll(/[^\w-]+/g, '-')}.ts`),
          pageModule(runs, known),
        ]
      }),
  )
  const checked: ts.CompilerOptions = {
    ...options,
    composite: false,
    declaration: false,
    declarationMap: false,
    noEmit: true,
    rewriteRelativeImportExtensions: false,
    allowImportingTsExtensions: true,
    noImplicitOverride: false,
    noUnusedLocals: false,
    noUnusedParameters: false,
    lib: ['lib.es2022.d.ts', 'lib.esnext.disposable.d.ts', 'lib.dom.d.ts'],
  }
  const host = ts.createCompilerHost(checked)
  const { fileExists, readFile, getSourceFile } = host
  host.fileExists = (name) => sources.has(name) || fileExists(name)
  host.readFile = (name) => sources.get(name) ?? readFile(name)
  host.getSourceFile = (name, ...rest) => {
    const source = sources.get(name)
    return source === undefined ? getSourceFile(name, ...rest) : ts.createSourceFile(name, source, rest[0])
  }
  const program = ts.createProgram([...sources.keys()], checked, host)
  return [...sources.keys()].flatMap((name) => {
    const file = program.getSourceFile(name)
    return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)].map((found) => {
      const at = file?.getLineAndCharacterOfPosition(found.start ?? 0)
      const line = file?.text.split('\n')[at?.line ?? 0] ?? ''
      return `${relative(join(root, 'examples/src'), name)}: ${line.trim()}\n  ${ts.flattenDiagnosticMessageText(found.messageText, '\n')}`
    })
  })
}

test.each(Object.entries({ ...lacking, ...named }))(
  'docs/%s is up to date; node tools/tables.mjs writes it',
  (name, make) => expect(readFileSync(join(root, 'docs', name), 'utf8')).toBe(make(new URL('../../', import.meta.url))),
)

test('the blocks of the guide have no type errors', { timeout: 120_000 }, () => expect(typeErrors()).toEqual([]))

test('the tour knows how long it is', () => {
  const tour = readFileSync(join(root, 'docs/internals/tour.md'), 'utf8')
  const files = [...tour.matchAll(/^\| `(.*\.ts)` \|/gm)].map(([, name]) => join(root, 'packages/core/src', name))
  const lines = files.reduce((sum, file) => sum + readFileSync(file, 'utf8').trimEnd().split('\n').length, 0)
  const said = Number(/They are ([\d,]+) lines together/.exec(tour)?.[1].replace(',', ''))
  expect(files.length).toBe(6)
  expect(Math.abs(lines - said), `${lines} lines`).toBeLessThan(0.05 * lines)
  // Nobody reads more of them in one go.
  expect(lines).toBeLessThan(1100)
})

test.each([
  ['a value', 'tensor([1]).add(1) // tensor([3.])'],
  ['a value below', 'tensor([1]).add(1)\n// tensor([3.])'],
  ['lines', 'for (const i of [1, 2]) console.log(i)\n// 1'],
  ['an error', 'ones(2).add(ones(3)) // RuntimeError: The size of tensor a (2) must match'],
  ['an error that is not thrown', 'ones(2).add(1) // RuntimeError: no'],
  ['an error that is not mentioned', 'ones(2).add(ones(3))'],
])('a block that is wrong about %s fails', async (_, code) => {
  await expect(run({ file: '', line: 1, code, noRun: undefined }, scope, modules)).rejects.toThrow()
})

// Counts of a whole run; a filter by name compares fewer.
test('the extractor finds what there is', () => {
  const blocks = pages.flatMap(({ blocks }) => blocks)
  expect(blocks.length).toBeGreaterThanOrEqual(110)
  expect(examples.length).toBeGreaterThanOrEqual(90)
  expect(compared).toBeGreaterThanOrEqual(175)
})
