// Which folder may import which: the arrows of the repository in one table. `node tools/arrows.mjs` writes the table as
// lint rules (tools/arrows.json, which biome.json extends); tools/test/arrows.test.ts compares the two and proves that
// lint enforces them.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { node, readArgs, root, say } from './lib.mjs'

const kernels = ['base', 'expr', 'backend']
const ops = [...kernels, 'random', 'tensor', 'ops']

/**
 * The folders of core, and the other folders that each may import.
 *
 * @type {Record<string, readonly string[]>}
 */
export const folders = {
  base: [],
  expr: ['base'],
  backend: ['base', 'expr'],
  random: ['base'],
  tensor: kernels,
  ops: [...kernels, 'random', 'tensor'],
  autograd: ops,
  nn: [...ops, 'autograd', 'losses'],
  losses: [...ops, 'autograd', 'nn'],
  optim: [...ops, 'autograd', 'nn'],
  distributions: [...ops, 'autograd', 'losses'],
  compile: [...kernels, 'tensor'],
  io: ['base', 'backend', 'random', 'tensor', 'ops', 'nn', 'optim'],
}

/**
 * Packages and programs, and what each may import by name. `free` also allows any package outside this workspace.
 *
 * @type {readonly { files: readonly string[], imports: readonly string[], free?: boolean }[]}
 */
export const packages = [
  { files: ['packages/core/src'], imports: [] },
  {
    files: [
      'packages/backend-js/src',
      'packages/backend-gpujs/src',
      'packages/stream/src',
      'packages/backend-conformance/examples',
    ],
    imports: ['@flambeau/core/backend'],
  },
  { files: ['packages/backend-gpujs/src/adapter.ts'], imports: ['@flambeau/core/backend', 'gpu.js'] },
  { files: ['packages/backend-wasm/src'], imports: ['@flambeau/core/backend', '@flambeau/stream'] },
  { files: ['packages/backend-native/src'], imports: ['@flambeau/core/backend', '@flambeau/stream', 'node:*'] },
  {
    files: ['packages/backend-conformance/src'],
    imports: ['@flambeau/core', '@flambeau/core/backend', 'vitest', 'fast-check', 'node:*'],
  },
  {
    files: ['packages/data/src', 'packages/vision/src'],
    imports: ['@flambeau/core', '@flambeau/core/backend'],
    free: true,
  },
  { files: ['packages/data-mnist/src'], imports: ['@flambeau/vision', '@flambeau/vision/datasets'] },
  {
    files: ['packages/flambeau/src'],
    imports: [
      '@flambeau/core',
      '@flambeau/core/backend',
      '@flambeau/core/public',
      '@flambeau/backend-js',
      '@flambeau/backend-native',
      '@flambeau/backend-wasm',
      '@flambeau/backend-gpujs',
    ],
  },
  {
    files: ['examples', 'bench', 'docs'],
    imports: [
      'flambeau',
      'flambeau/inspect',
      '@flambeau/data',
      '@flambeau/vision',
      '@flambeau/data-mnist',
      '@flambeau/backend-native',
      '@flambeau/backend-wasm',
      '@flambeau/backend-gpujs',
    ],
    free: true,
  },
]

/** Packages that any JavaScript engine can load: they use nothing of Node and nothing of the DOM. */
export const everywhere = [
  'core',
  'backend-js',
  'backend-gpujs',
  'backend-wasm',
  'stream',
  'data',
  'vision',
  'data-mnist',
  'flambeau',
]
/** Their files for a single engine. */
const oneEngine = ['packages/{data,vision}/src/**/*-{node,web}.ts']
const globals = {
  Node: ['process', 'Buffer', 'global', 'require', 'module', '__dirname', '__filename', 'setImmediate'],
  DOM: ['window', 'document', 'navigator', 'self', 'location', 'localStorage', 'fetch', 'XMLHttpRequest', 'Worker'],
}

const within = (path) => (path.endsWith('.ts') ? path : `${path}/**`)
const refusing = (includes, ...patterns) => ({
  includes,
  linter: { rules: { style: { noRestrictedImports: { level: 'error', options: { patterns } } } } },
})
const only = (names) => (names.length === 0 ? 'nothing' : `${names.join(', ')} only`)

const workspace =
  '{core,backend-js,stream,backend-native,backend-wasm,backend-gpujs,backend-conformance,data,vision,data-mnist,flambeau}'
const byPath = {
  group: ['**/packages/**', `**/../${workspace}/**`, '**/dist/**'],
  message: 'Import another package by its name.',
}
const byName = ({ files, imports, free = false }) => ({
  group: [
    ...(free ? ['@flambeau/**', 'flambeau', 'flambeau/**'] : ['**', '!./**', '!../**']),
    ...imports.map((name) => `!${name}`),
  ],
  message: `${files.join(', ')} may import ${only(imports)}${free ? ' of this workspace' : ''}.`,
})

/** The table as biome reads it. */
export const config = () => ({
  overrides: [
    ...packages.map((entry) => refusing(entry.files.map(within), byName(entry), byPath)),
    ...Object.entries(folders).map(([from, to]) => {
      const others = Object.keys(folders).filter((folder) => folder !== from && !to.includes(folder))
      // Repeats the rules for all of core, because an override replaces earlier ones.
      return refusing([`packages/core/src/${from}/**`], byName(packages[0]), byPath, {
        group: [`**/{${others}}/**`],
        message: `core/src/${from} may import ${only(to)}.`,
      })
    }),
    {
      includes: [`packages/{${everywhere}}/src/**`],
      linter: {
        rules: {
          correctness: { noNodejsModules: 'error' },
          style: {
            noRestrictedGlobals: {
              level: 'error',
              options: {
                deniedGlobals: Object.fromEntries(
                  Object.entries(globals).flatMap(([of, names]) =>
                    names.map((name) => [name, `not in every JavaScript engine: no ${of} global here`]),
                  ),
                ),
              },
            },
          },
        },
      },
    },
    {
      includes: oneEngine,
      linter: { rules: { correctness: { noNodejsModules: 'off' }, style: { noRestrictedGlobals: 'off' } } },
    },
  ],
})

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  readArgs('node tools/arrows.mjs    writes tools/arrows.json, the rules of lint that follow from the table of arrows')
  const path = join(root, 'tools/arrows.json')
  writeFileSync(path, JSON.stringify(config()))
  await node('node_modules/@biomejs/biome/bin/biome', ['format', '--write', path])
  say('tools/arrows.json is written')
}
