// Proves that lint enforces the arrows: writes good and bad imports into an empty copy of the tree; biome must report
// exactly the bad ones.
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { afterAll, expect, test } from 'vitest'
import { config, everywhere, folders, packages } from '../arrows.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))
const biome = join(root, 'node_modules/@biomejs/biome/bin/biome')
const tree = mkdtempSync(join(tmpdir(), 'flambeau-arrows-'))
afterAll(() => rmSync(tree, { recursive: true }))

const read = (path: string) => JSON.parse(readFileSync(join(root, path), 'utf8'))
writeFileSync(join(tree, 'biome.json'), JSON.stringify({ ...read('biome.json'), $schema: undefined, vcs: undefined }))
mkdirSync(join(tree, 'tools'))
copyFileSync(join(root, 'tools/arrows.json'), join(tree, 'tools/arrows.json'))

/** Writes each file, lints the tree with the given rules, and returns the files that got an error. */
const lint = (files: Record<string, string>, rules: string[]) => {
  for (const [path, source] of Object.entries(files)) {
    mkdirSync(dirname(join(tree, path)), { recursive: true })
    writeFileSync(join(tree, path), `${source}\n`)
  }
  const args = [
    'lint',
    ...rules.map((rule) => `--only=${rule}`),
    '--reporter=json',
    '--max-diagnostics=none',
    ...Object.keys(files),
  ]
  let output: string
  try {
    output = execFileSync(process.execPath, [biome, ...args], {
      cwd: tree,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
  } catch (error) {
    output = (error as { stdout: string }).stdout
  }
  const { diagnostics } = JSON.parse(output) as { diagnostics: { severity: string; location: { path: string } }[] }
  const bad = diagnostics.filter(({ severity }) => severity === 'error').map(({ location }) => location.path)
  return [...new Set(bad)].sort()
}

const imports = 'style/noRestrictedImports'

test('the lint rules follow from the table of arrows', () => {
  expect(read('tools/arrows.json'), 'node tools/arrows.mjs rewrites them').toEqual(config())
})

test('each folder of core imports only what its arrow allows', () => {
  const good: Record<string, string> = {}
  const bad: Record<string, string> = {}
  for (const [from, allowed] of Object.entries(folders)) {
    for (const to of Object.keys(folders).filter((folder) => folder !== from)) {
      const files = allowed.includes(to) ? good : bad
      files[`packages/core/src/${from}/to-${to}.ts`] = `export * from '../${to}/x.ts'`
      files[`packages/core/src/${from}/deep/type-${to}.ts`] =
        `import type { X } from '../../${to}/x.ts'\nexport type Y = X`
    }
  }
  expect(Object.keys(bad).length).toBeGreaterThan(100)
  expect(lint({ ...good, ...bad }, [imports])).toEqual(Object.keys(bad).sort())
})

test('each package imports only what its arrow allows', () => {
  const everything = [
    '@flambeau/core',
    '@flambeau/core/backend',
    '@flambeau/backend-js',
    '@flambeau/stream',
    'flambeau',
    'flambeau/deep',
    'fs',
    'node:fs',
    'gpu.js',
    'lodash',
  ]
  const good: Record<string, string> = {}
  const bad: Record<string, string> = {}
  for (const { files, imports, free } of packages) {
    const allowed = imports.map((name) => name.replace('*', 'fs'))
    // Programs may use any package outside the workspace, and data any parser; another rule covers Node's modules
    // there.
    const ours = everything.filter((name) => !free || name.includes('flambeau'))
    for (const path of files) {
      const file = path.endsWith('.ts') ? path : `${path}/good.ts`
      good[file] = allowed.map((name) => `export * from '${name}'`).join('\n')
      if (file === path) continue
      ours
        .filter((name) => !allowed.includes(name))
        .forEach((name, i) => {
          bad[`${path}/bad-${i}.ts`] = `export * from '${name}'`
        })
      bad[`${path}/bad-path.ts`] = "export * from '../../core/src/index.ts'"
    }
  }
  expect(lint({ ...good, ...bad }, [imports])).toEqual(Object.keys(bad).sort())
})

test('core and what browsers load use nothing of Node and nothing of the DOM', () => {
  const good: Record<string, string> = {}
  const bad: Record<string, string> = {}
  for (const name of everywhere) {
    good[`packages/${name}/src/math.ts`] = 'export const x = Math.exp(1) + globalThis.Number(1)'
    bad[`packages/${name}/src/process.ts`] = 'export const x = process.env'
    bad[`packages/${name}/src/buffer.ts`] = 'export const x = Buffer.alloc(1)'
    bad[`packages/${name}/src/document.ts`] = 'export const x = document.title'
    bad[`packages/${name}/src/window.ts`] = 'export const x = window.name'
    bad[`packages/${name}/src/node.ts`] = "export * from 'node:fs'"
  }
  expect(lint({ ...good, ...bad }, ['style/noRestrictedGlobals', 'correctness/noNodejsModules'])).toEqual(
    Object.keys(bad).sort(),
  )
})

test('two files never import each other', () => {
  const bad = {
    'packages/core/src/ops/a.ts': "import { b } from './b.ts'\nexport const a = b",
    'packages/core/src/ops/b.ts': "import { a } from './a.ts'\nexport const b = a",
  }
  expect(
    lint({ ...bad, 'packages/core/src/ops/c.ts': "export * from './a.ts'" }, ['suspicious/noImportCycles']),
  ).toEqual(Object.keys(bad))
})

/** Files whose types define each other. The compiler does not mind, but nobody can read one of them first. */
const circles: Readonly<Record<string, readonly string[]>> = {
  'core/src/tensor': ['node', 'op', 'tensor'],
  'core/src/backend': ['backend', 'composites', 'host-instruction', 'program'],
  'core/src/expr': ['expr', 'step', 'steps', 'arithmetic', 'functions', 'logic'],
  'core/src/nn': ['held', 'hidden', 'hooks', 'members', 'module', 'module-arguments'],
}

const packagesFolder = join(root, 'packages')
const sources = readdirSync(packagesFolder, { recursive: true, encoding: 'utf8' })
  .filter((path) => /^[^/]+\/src\/.*\.ts$/.test(path))
  .map((path) => join(packagesFolder, path))

test('registries of finalizers are constants of their modules: docs/decisions/0115', () => {
  const made = sources.flatMap((file) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line.includes('new FinalizationRegistry')),
  )
  expect(made.length).toBeGreaterThan(3)
  expect(made.filter((line) => !/^const \w+ = new FinalizationRegistry</.test(line))).toEqual([])
})

test('types go one way, too, but for a few files that define each other', () => {
  const imports = new Map(
    sources.map((file) => [
      file,
      ts
        .preProcessFile(readFileSync(file, 'utf8'))
        .importedFiles.map(({ fileName }) => join(dirname(file), fileName))
        .filter((path) => path !== file && sources.includes(path)),
    ]),
  )
  const reached = (from: string): Set<string> => {
    const seen = new Set<string>()
    const waiting = [from]
    for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
      for (const to of imports.get(file) ?? []) if (!seen.has(to)) waiting.push(to) && seen.add(to)
    }
    return seen
  }
  const inCircles = sources.filter((file) => reached(file).has(file)).map((file) => relative(packagesFolder, file))
  const known = (path: string): boolean =>
    Object.entries(circles).some(([folder, names]) => path.startsWith(folder) && names.includes(basename(path, '.ts')))
  expect(sources.length).toBeGreaterThan(200)
  expect(inCircles.filter((path) => !known(path))).toEqual([])
})
