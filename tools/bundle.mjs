// Bundles the JavaScript of the package in the current folder into one file, which all its entry points share: a fresh
// process reads three files for flambeau, not eighty, and every file less is a millisecond (bench/import). tsc writes the
// declarations, one for each entry point, so that types see only its names. Names are kept, errors are known by them.
// Its dependencies stay imports; what it imports of its devDependencies goes into the bundle, and their licences beside it.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { build } from 'esbuild'

const { exports, dependencies, peerDependencies } = JSON.parse(readFileSync('package.json', 'utf8'))
const [main, ...others] = Object.values(exports).flatMap((entry) => entry['@flambeau/source'] ?? [])
const imported = Object.keys({ ...dependencies, ...peerDependencies })

for (const file of readdirSync('dist', { recursive: true })) if (file.endsWith('.js')) rmSync(join('dist', file))

/** Bundles for every JavaScript engine, unless it is said for which; the files that went into it. */
const bundle = async (outfile, options) => {
  const { metafile } = await build({
    stdin: {
      contents: [
        readFileSync(main, 'utf8'),
        ...others.map((file) => `export * from ${JSON.stringify(resolve(file))}`),
      ].join('\n'),
      sourcefile: main,
      resolveDir: dirname(main),
      loader: 'ts',
    },
    outfile,
    bundle: true,
    metafile: true,
    format: 'esm',
    target: 'es2022',
    external: ['node:*', ...imported.flatMap((name) => [name, `${name}/*`])],
    minifyWhitespace: true,
    minifySyntax: true,
    logLevel: 'warning',
    logOverride: { 'ambiguous-reexport': 'error' },
    ...options,
  })
  return Object.keys(metafile.inputs)
}

/** CommonJS that is bundled calls `require` for what Node brings; in a browser it does without. */
const forNode = {
  platform: 'node',
  banner: {
    js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
  },
}
const { browser } = exports['.']
const inputs = browser
  ? [...(await bundle('dist/index.js', forNode)), ...(await bundle(browser, { platform: 'browser' }))]
  : await bundle('dist/index.js', {})

const bundled = new Set(inputs.flatMap((file) => /^.*\/node_modules\/(@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? []))
const licences = [...bundled].map((folder) => {
  const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each))
  if (file === undefined) throw new Error(`${name} is bundled and has no file of its licence`)
  return `${name} ${version}\n\n${readFileSync(join(folder, file), 'utf8').trim()}\n`
})
if (licences.length > 0) writeFileSync('dist/LICENSES.txt', licences.sort().join(`\n${'-'.repeat(80)}\n\n`))
