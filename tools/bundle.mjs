// Bundles the JavaScript of the package in the current folder into one file, which all its entry points share: a fresh
// process then reads three files for flambeau instead of eighty, and each file saved is a millisecond (bench/import).
// What a source imports on demand, by `import()`, is a file of its own, read when it is asked for.
// tsc writes declarations into .tsc; dist gets those that an entry point needs, so that types see only its names.
// Dependencies stay imports.
//
// The code is minified, in short lines, so that the message of an uncaught error does not get lost behind the line that
// threw; classes keep their names, which reprs, error classes and stack traces print. A bundled development dependency is a
// separate file beside it, with its licence.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { build, transform } from 'esbuild'
import { writeDeclarations } from './declarations.mjs'

const { version, exports, dependencies, devDependencies, optionalDependencies, peerDependencies } = JSON.parse(
  readFileSync('package.json', 'utf8'),
)
const entries = Object.values(exports).filter((entry) => entry['@flambeau/source'] !== undefined)
/** An entry point for another program, such as a linter, has a file of its own. */
const isShared = (entry) => entry.default === exports['.'].default
const shared = entries.filter(isShared).map((entry) => entry['@flambeau/source'])
const imported = Object.keys({ ...dependencies, ...peerDependencies })
/** Workspace packages that are not published are bundled as the package's own text. */
const isOwn = (name) => devDependencies?.[name]?.startsWith('workspace:')

mkdirSync('dist', { recursive: true })
for (const file of readdirSync('dist', { recursive: true }))
  if (/(\.js|\.d\.ts)$/.test(file)) rmSync(join('dist', file))
writeDeclarations(
  entries.map(({ types }) => types),
  'dist',
  '.tsc',
)

/** For every JavaScript engine by default. */
const common = {
  bundle: true,
  conditions: ['@flambeau/source'],
  format: 'esm',
  target: 'es2022',
  minify: true,
  lineLimit: 160,
  legalComments: 'none',
  external: ['node:*', ...imported.flatMap((name) => [name, `${name}/*`])],
  logLevel: 'warning',
  logOverride: { 'ambiguous-reexport': 'error' },
}

/** Licences of bundled dependencies. */
const licences = new Map()
const license = (file) => {
  const [folder] = /^.*\/node_modules\/(@[^/]+\/)?[^/]+/.exec(file) ?? []
  if (folder === undefined) return
  const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const text = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each))
  if (text === undefined) throw new Error(`${name} is bundled and has no file of its licence`)
  licences.set(name, `${name} ${version}\n\n${readFileSync(join(folder, text), 'utf8').trim()}\n`)
}

/** Bundled CommonJS calls `require` for Node's modules; in a browser it works without. */
const forNode = {
  js: 'const require = (name) => process.getBuiltinModule(name) ?? (() => { throw Error("no module " + name) })();',
}

/** Bundles a dependency into a separate file; returns its path. */
const bring = async (name, platform) => {
  const file = platform === 'browser' ? `${name.replace(/\.js$/, '')}-browser.js` : name
  const { metafile } = await build({
    ...common,
    entryPoints: [name],
    outfile: join('dist', file),
    platform,
    metafile: true,
    minifyIdentifiers: false,
    ...(platform === 'node' && { banner: forNode }),
  })
  for (const input of Object.keys(metafile.inputs)) license(input)
  return `./${file}`
}

const { compilerOptions } = JSON.parse(readFileSync(join(import.meta.dirname, '../tsconfig.base.json'), 'utf8'))

/** Classes of the sources give themselves their names. */
const classNames = {
  name: 'class names',
  setup: ({ onLoad }) =>
    onLoad({ filter: /\.ts$/, namespace: 'file' }, async ({ path }) => {
      const options = { loader: 'ts', target: common.target, tsconfigRaw: { compilerOptions } }
      const { code } = await transform(readFileSync(path, 'utf8'), options)
      return { contents: code.replaceAll(/\bclass (\w+)( extends .*)? \{$/gm, '$& static { __named("$1", this) }') }
    }),
}

/** The names that a file exports when it is bundled. */
const namesOf = async (file) => {
  const { metafile } = await build({
    ...common,
    entryPoints: [file],
    outfile: 'names.js',
    write: false,
    metafile: true,
  })
  return Object.values(metafile.outputs)[0].exports.sort()
}

/**
 * A package that passes on an entry point of another one names what it passes on: that package's file holds the names of
 * all its entry points, of which a namespace import would show those of the others, too.
 */
const withNamesOf = async (text) => {
  const found = [...text.matchAll(/\bexport\s*\*\s*from\s*"(@flambeau\/([\w-]+)(\/[\w-]+)?)";/g)]
  let named = text
  for (const [line, specifier, folder, path = ''] of found) {
    const { exports } = JSON.parse(readFileSync(join('..', folder, 'package.json'), 'utf8'))
    const names = await namesOf(join('..', folder, exports[`.${path}`]['@flambeau/source']))
    named = named.replace(line, `export{\n${names.join(',\n')}}from"${specifier}";`)
  }
  return named
}

/** A module with the text, which imports other files. */
const module = (text, verb, files, resolveDir = resolve('.')) => ({
  contents: text + files.map((file) => `\n${verb} ${JSON.stringify(resolve(file))}`).join(''),
  resolveDir,
  loader: 'ts',
})

/** A name that is known only when it is imported: other bundlers shall leave it, and esbuild drops the comments. */
const withComments = (text) => text.replaceAll(/\bimport\((?=\w+\))/g, '$&/* @vite-ignore *//* webpackIgnore: true */')

/** Names without a hash: `files.js` for io/files.ts, `shared.js`, `shared2.js` for what files share, the largest first. */
const fileNames = (outputs) => {
  let count = 0
  const shared = () => (count++ === 0 ? 'shared' : `shared${count}`)
  const bySize = Object.entries(outputs).sort(([, a], [, b]) => b.bytes - a.bytes)
  return bySize.map(([path, { entryPoint }]) => [
    basename(path),
    `${entryPoint === undefined ? shared() : basename(path, '.js').replace(/-[A-Z0-9]{8}$/, '')}.js`,
  ])
}

/**
 * Bundles files into `dist/name.js`. What they import on demand, `import('./io/files.ts')`, becomes a file of its own,
 * `dist/files.js`, which holds only what the entries do not need; then the rest is a file, too, which they share.
 */
const bundle = async (name, platform, files) => {
  const isImported = (path) =>
    path.startsWith('node:') || imported.some((name) => path === name || path.startsWith(`${name}/`))
  const outside = {
    name: 'outside',
    setup: ({ onResolve }) =>
      onResolve({ filter: /^[^./]/ }, async ({ path, kind }) =>
        kind === 'entry-point' || isOwn(path)
          ? undefined
          : { path: isImported(path) ? path : await bring(path, platform), external: true },
      ),
  }
  // Every part imports what the entries import, or esbuild would write a file for every set of parts that share code.
  const parts = {
    name: 'parts',
    setup: ({ onResolve, onLoad }) => {
      onResolve({ filter: /^all$/ }, ({ kind }) =>
        kind === 'entry-point' ? { path: name, namespace: 'all' } : undefined,
      )
      onLoad({ filter: /./, namespace: 'all' }, () =>
        module(readFileSync(files[0], 'utf8'), 'export * from', files.slice(1), dirname(files[0])),
      )
      onResolve({ filter: /^\./ }, ({ path, kind, resolveDir }) =>
        kind === 'dynamic-import' ? { path: relative('.', join(resolveDir, path)), namespace: 'part' } : undefined,
      )
      onLoad({ filter: /./, namespace: 'part' }, ({ path }) =>
        module(`export * from ${JSON.stringify(resolve(path))}`, 'import', files),
      )
    },
  }
  const { outputFiles, metafile } = await build({
    ...common,
    entryPoints: { [name]: 'all' },
    outdir: 'dist',
    splitting: true,
    chunkNames: '[name]-[hash]',
    metafile: true,
    platform,
    define: { PACKAGE: JSON.stringify({ version, optionalDependencies }) },
    write: false,
    plugins: [parts, outside, classNames],
    inject: [join(import.meta.dirname, 'named.js')],
  })
  const names = fileNames(metafile.outputs)
  const renamed = (text) => names.reduce((all, [from, to]) => all.replaceAll(from, to), text)
  for (const { path, text } of outputFiles) writeFileSync(renamed(path), withComments(await withNamesOf(renamed(text))))
}

const { browser } = exports['.']
await bundle('index', browser ? 'node' : 'neutral', shared)
if (browser) await bundle('browser', 'browser', shared)
for (const entry of entries.filter((each) => !isShared(each)))
  await bundle(basename(entry.default, '.js'), 'neutral', [entry['@flambeau/source']])
if (licences.size > 0) writeFileSync('dist/LICENSES.txt', [...licences.values()].sort().join(`\n${'-'.repeat(80)}\n\n`))
