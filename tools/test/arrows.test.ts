// Proves that lint holds the arrows of the house: bad imports are written into an empty copy of the tree, beside the good
// ones, and biome must complain about exactly the bad ones.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const tree = mkdtempSync(join(tmpdir(), 'flambeau-arrows-'))
afterAll(() => rmSync(tree, { recursive: true }))

const config = JSON.parse(readFileSync(join(root, 'biome.json'), 'utf8'))
writeFileSync(join(tree, 'biome.json'), JSON.stringify({ ...config, $schema: undefined, vcs: undefined }))

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
    output = execFileSync(process.execPath, [join(root, 'node_modules/@biomejs/biome/bin/biome'), ...args], {
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

const below = ['base', 'expr', 'backend', 'tensor', 'ops']
const upTo = (folder: string) => below.slice(0, below.indexOf(folder) + 1)
const arrows: Record<string, string[]> = {
  base: [],
  expr: upTo('base'),
  backend: upTo('expr'),
  random: ['base'],
  tensor: upTo('backend'),
  ops: [...upTo('tensor'), 'random'],
  autograd: [...below, 'random'],
  nn: [...below, 'random', 'autograd', 'losses'],
  losses: [...below, 'random', 'autograd', 'nn'],
  optim: [...below, 'random', 'autograd', 'nn'],
  compile: upTo('tensor'),
  io: ['base', 'tensor', 'random', 'nn', 'optim'],
}

const imports = 'style/noRestrictedImports'

test('each folder of core imports only what its arrow allows', () => {
  const good: Record<string, string> = {}
  const bad: Record<string, string> = {}
  for (const [from, allowed] of Object.entries(arrows)) {
    for (const to of Object.keys(arrows).filter((folder) => folder !== from)) {
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
  const allowed: Record<string, string[]> = {
    'packages/core/src/base': [],
    'packages/core/src': [],
    'packages/backend-js/src': ['@flambeau/core/backend'],
    'packages/backend-gpujs/src': ['@flambeau/core/backend'],
    'packages/stream/src': ['@flambeau/core/backend'],
    'packages/backend-native/src': ['@flambeau/core/backend', '@flambeau/stream', 'node:fs'],
    'packages/backend-conformance/examples': ['@flambeau/core/backend'],
    'packages/backend-conformance/src': ['@flambeau/core', '@flambeau/core/backend', 'vitest', 'fast-check', 'node:fs'],
    'packages/data/src': ['@flambeau/core', 'arquero', 'papaparse'],
    'packages/flambeau/src': ['@flambeau/core', '@flambeau/core/backend', '@flambeau/backend-js'],
    'examples/src': ['flambeau', '@flambeau/data', 'arquero', 'node:fs'],
    'bench/ops': ['flambeau', '@flambeau/data', 'arquero', 'node:fs'],
    'docs/guide': ['flambeau', '@flambeau/data', 'arquero', 'node:fs'],
  }
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
  for (const [folder, names] of Object.entries(allowed)) {
    names.forEach((name, i) => {
      good[`${folder}/good-${i}.ts`] = `export * from '${name}'`
    })
    // Programs may use any package that isn't one of ours, and data any parser; Node's modules are another rule there.
    const free = /^(examples|bench|docs|packages\/data)\//.test(folder)
    const refused = everything.filter(
      (name) => !names.includes(name) && !(free && ['fs', 'node:fs', 'gpu.js', 'lodash'].includes(name)),
    )
    refused.forEach((name, i) => {
      bad[`${folder}/bad-${i}.ts`] = `export * from '${name}'`
    })
    if (folder.includes('gpujs')) good[`${folder}/adapter.ts`] = "export * from 'gpu.js'"
    if (!folder.includes('core')) bad[`${folder}/bad-path.ts`] = "export * from '../../core/src/index.ts'"
  }
  expect(lint({ ...good, ...bad }, [imports])).toEqual(Object.keys(bad).sort())
})

test('core and what browsers load use nothing of Node and nothing of the DOM', () => {
  const good: Record<string, string> = {}
  const bad: Record<string, string> = {}
  for (const name of ['core', 'backend-js', 'backend-gpujs', 'stream', 'data', 'flambeau']) {
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
