// The packages in the tools that people use: installed by every package manager, imported and required in every Node,
// type-checked by every TypeScript, bundled by every bundler. Every test run covers a sample; `pnpm packed` runs all of
// it and writes the table of docs/internals/packages.md.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { published, readJson } from '../lib.mjs'
import { chromiumMissing, nativeMissing, testWith } from './machine.ts'
import { exec, install, nodes, pack, root } from './pack/packed.ts'
import {
  bundleRows,
  engineRows,
  installTools,
  aloneRows,
  jestRows,
  managerRows,
  nodeRows,
  type Row,
  typeRows,
  writePrograms,
} from './pack/rows.ts'

const whole = process.env.FLAMBEAU_PACKED !== undefined
const temp = mkdtempSync(join(tmpdir(), 'flambeau-pack-tools-'))
const app = join(temp, 'app')
const tarballs: Record<string, string> = {}
const results: (Pick<Row, 'tool' | 'version' | 'what'> & { readonly result: string })[] = []

const platform = 'linux-x64-gnu'
const folders = published.filter((folder) => folder !== 'backend-conformance')
/** A package's files as its tarball has them. */
const contents = (name: string): string => join(app, 'node_modules', name)

beforeAll(async () => {
  const here = nativeMissing === undefined ? [...folders, `backend-native/npm/${platform}`] : folders
  const files = await pack(here, temp)
  const names = here.map((folder) =>
    folder === 'flambeau' ? folder : `@flambeau/${folder.replace('backend-native/npm/', 'native-')}`,
  )
  names.forEach((name, i) => {
    tarballs[name] = files[i]
  })
  await Promise.all([install(app, files), installTools()])
  writePrograms(app)
}, 600_000)

afterAll(() => {
  rmSync(temp, { recursive: true })
  if (process.env.FLAMBEAU_PACKED) writeFileSync(process.env.FLAMBEAU_PACKED, JSON.stringify(results))
})

/** Fetches a Node version that is not among the tools. */
const fetched = (version: string) => async (): Promise<string> => {
  const folder = join(temp, `node-${version}`)
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`
  const binary = join(folder, 'node_modules', name, 'bin/node')
  if (existsSync(binary)) return binary
  mkdirSync(folder)
  await exec('npm', ['install', '--no-audit', '--no-fund', '--prefix', folder, `${name}@${version}`])
  return binary
}

const versions = await Promise.all(
  nodes
    .filter(({ binary }) => existsSync(binary))
    .map(async ({ binary, name }) => ({
      version: (await exec(binary, ['--version'])).stdout.trim().slice(1),
      share: name === 'node-20',
      newest: name === 'node-newest',
      binary: async () => binary,
    })),
)
const all: Row[] = [
  ...managerRows(
    () => temp,
    () => tarballs,
  ),
  ...nodeRows(
    () => app,
    [
      {
        version: '20.18.3',
        share: false,
        // Before 20.19, Node cannot require modules, by which the units of core are read.
        expected: /^Error.*: require\(\) of ES Module /,
        binary: fetched('20.18.3'),
      },
      { version: '20.19.0', share: false, binary: fetched('20.19.0') },
      { version: '22.12.0', share: false, binary: fetched('22.12.0') },
      ...versions,
    ],
  ),
  ...engineRows(() => app),
  ...aloneRows(() => app),
  ...jestRows(() => app),
  ...typeRows(() => app),
  ...bundleRows(() => app, whole),
]
describe('every package', () => {
  const { repository } = readJson('package.json')

  test('states its description, repository and licence', () => {
    for (const name of Object.keys(tarballs)) {
      const manifest = JSON.parse(readFileSync(join(contents(name), 'package.json'), 'utf8'))
      expect(manifest).toMatchObject({
        name,
        description: expect.stringMatching(/^.{20,}[^.]$/),
        keywords: expect.arrayContaining(['pytorch', 'tensor']),
        license: 'MIT',
        engines: readJson('package.json').engines,
        homepage: expect.stringMatching(`^${repository}/tree/main/packages/`),
        bugs: `${repository}/issues`,
        repository: { type: 'git', url: `git+${repository}.git`, directory: expect.stringMatching('^packages/') },
      })
      expect(existsSync(join(root, manifest.repository.directory, 'package.json'))).toBe(true)
      expect(manifest).not.toHaveProperty('scripts')
      expect(JSON.stringify(manifest)).not.toMatch(/workspace:|@flambeau\/source/)
      expect(readFileSync(join(contents(name), 'LICENSE'), 'utf8')).toMatch(/^MIT License/)
    }
  })

  test('of wasm has both modules as its only large files', () => {
    const folder = contents('@flambeau/backend-wasm')
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    expect(files.filter((file) => file.endsWith('.wasm')).sort()).toEqual([
      'wasm/flambeau-relaxed.wasm',
      'wasm/flambeau.wasm',
    ])
    const sizes = files.map((file) => statSync(join(folder, file))).map((file) => (file.isFile() ? file.size : 0))
    const all = sizes.reduce((a, b) => a + b, 0)
    const packed = statSync(tarballs['@flambeau/backend-wasm']).size
    console.log(`wasm, installed: ${(all / 1e6).toFixed(2)} MB, tarball: ${(packed / 1e6).toFixed(2)} MB`)
    expect(all).toBeLessThan(1_200_000)
  })

  test('has a README whose links work on npm', () => {
    for (const name of Object.keys(tarballs)) {
      const text = readFileSync(join(contents(name), 'README.md'), 'utf8')
      for (const [, link] of text.matchAll(/\]\(([^)]*)\)/g)) expect(link, name).toMatch(/^https:\/\//)
    }
  })

  test('includes the third-party notices that its sources name', () => {
    for (const folder of folders) {
      const source = join(root, 'packages', folder, 'src')
      const named = readdirSync(source, { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('.ts'))
        .flatMap((file) => readFileSync(join(source, file), 'utf8').match(/Copyright \(c\) .*/gi) ?? [])
      const packed = contents(folder === 'flambeau' ? folder : `@flambeau/${folder}`)
      const notices = readdirSync(packed, { recursive: true, encoding: 'utf8' })
        .filter((file) => /(LICENSES|NOTICE)\.\w+$/.test(file))
        .map((file) => readFileSync(join(packed, file), 'utf8'))
        .join('\n')
      for (const line of named) expect(notices, folder).toContain(line)
    }
  })
})

const lacking = { native: nativeMissing, browser: chromiumMissing }

describe(whole ? 'all' : 'a share', () => {
  for (const { tool, version, what, expected = 'works', needs, run } of all.filter(({ share }) => share || whole)) {
    const missing = needs && lacking[needs]
    testWith(
      needs ?? 'js',
      missing,
      `${tool} ${version}: ${what}`,
      async () => {
        const result = await run()
        results.push({ tool, version, what, result })
        if (typeof expected === 'string') expect(result).toBe(expected)
        else expect(result).toMatch(expected)
      },
      whole ? 1_200_000 : 300_000,
    )
  }
})
