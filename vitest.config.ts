// Tests run on the sources: the '@flambeau/source' condition of every package's exports points at src, so no test ever
// reads a stale build. `npm test` has just built everything: there only the tested package and those that depend on it
// are read from their sources, and the rest as it is published, which loads and runs faster in one file than in eighty.
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const conditions = ['@flambeau/source', 'module', 'node', 'development|production']

interface Manifest {
  readonly name: string
  readonly exports?: Readonly<Record<string, string | { readonly default?: string }>>
  readonly dependencies?: object
  readonly peerDependencies?: object
}
const manifestOf = (folder: string): Manifest =>
  JSON.parse(readFileSync(new URL(`${folder}/package.json`, import.meta.url), 'utf8'))

/** The built files of packages by their names, without those of the tested package and of what depends on it. */
const builtBeside = (tested: string) => {
  const packages = readdirSync(new URL('packages', import.meta.url)).map((name) => {
    const folder = `packages/${name}`
    return { ...manifestOf(folder), folder }
  })
  const fromSource = new Set([manifestOf(tested).name])
  for (let before = 0; before < fromSource.size; ) {
    before = fromSource.size
    for (const { name, dependencies, peerDependencies } of packages)
      if (Object.keys({ ...dependencies, ...peerDependencies }).some((each) => fromSource.has(each)))
        fromSource.add(name)
  }
  return packages
    .filter(({ name }) => !fromSource.has(name))
    .flatMap(({ name, folder, exports = {} }) =>
      Object.entries(exports).flatMap(([entry, file]) =>
        typeof file === 'string' || file.default === undefined
          ? []
          : [
              {
                find: new RegExp(`^${name}${entry.slice(1)}$`),
                replacement: fileURLToPath(new URL(`${folder}/${file.default}`, import.meta.url)),
              },
            ],
      ),
    )
}

const { FLAMBEAU_BUILT, FLAMBEAU_TESTED } = process.env
// The tests of tools import sources by their paths, and one process must never hold two copies of a package.
const alias =
  FLAMBEAU_BUILT === undefined || FLAMBEAU_TESTED === undefined || FLAMBEAU_TESTED === 'tools'
    ? []
    : builtBeside(FLAMBEAU_TESTED)

export default defineConfig({
  resolve: { conditions, alias },
  ssr: { resolve: { conditions } },
  test: {
    include: ['{packages/*,examples,tools,bench}/test/**/*.test.ts'],
    reporters: ['default', './tools/count-reporter.mjs'],
    setupFiles: ['./tools/test/fresh.ts'],
    // A collection that waits for threads to help it stands still for as long as half a minute where the machine is busy.
    execArgv: ['--single-threaded-gc'],
    // Golden files are large and machines of continuous integration slow.
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
})
