// Bundles the JavaScript of the package in the current folder into one file, which all its entry points share: a fresh
// process then reads three files for flambeau instead of eighty, and each file saved is a millisecond (bench/import).
// tsc writes the declarations, one for each entry point, so that types see only its names. Dependencies stay imports.
//
// The bundle is meant to be read, neither minified nor renamed: an uncaught error prints the line that threw, a stack
// trace names functions and lines, and comments for other bundlers stay. A bundled development dependency is a separate
// file beside it, minified, in short lines, with its licence.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { build } from 'esbuild'

const { version, exports, dependencies, devDependencies, optionalDependencies, peerDependencies } = JSON.parse(
  readFileSync('package.json', 'utf8'),
)
const entries = Object.values(exports).filter((entry) => entry['@flambeau/source'] !== undefined)
/** An entry point for another program, such as a linter, has a file of its own. */
const isShared = (entry) => entry.default === exports['.'].default
const [main, ...others] = entries.filter(isShared).map((entry) => entry['@flambeau/source'])
const imported = Object.keys({ ...dependencies, ...peerDependencies })
/** Workspace packages that are not published are bundled as the package's own text. */
const isOwn = (name) => devDependencies?.[name]?.startsWith('workspace:')

for (const file of readdirSync('dist', { recursive: true })) if (file.endsWith('.js')) rmSync(join('dist', file))

/** For every JavaScript engine by default. */
const common = {
  bundle: true,
  conditions: ['@flambeau/source'],
  format: 'esm',
  target: 'es2022',
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
    minifyWhitespace: true,
    minifySyntax: true,
    lineLimit: 200,
    legalComments: 'none',
    ...(platform === 'node' && { banner: forNode }),
  })
  for (const input of Object.keys(metafile.inputs)) license(input)
  return `./${file}`
}

/**
 * esbuild renames a class that refers to itself, `_Generator`, and one whose name its own helpers may use,
 * `TypeError2`. Nothing else has these names, so they are undone.
 */
const withNames = (text) => {
  const inside = [...text.matchAll(/\bclass (_([A-Z]\w*))\b/g)]
  const exported = [...text.matchAll(/^ {2}(([A-Z]\w*?)\d+) as \2\b/gm)]
  return [...inside, ...exported].reduce(
    (all, [, given, name]) => all.replaceAll(new RegExp(`\\b${given}\\b`, 'g'), name),
    text,
  )
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
  const found = [...text.matchAll(/^export \* from "(@flambeau\/([\w-]+)(\/[\w-]+)?)";$/gm)]
  let named = text
  for (const [line, specifier, folder, path = ''] of found) {
    const { exports } = JSON.parse(readFileSync(join('..', folder, 'package.json'), 'utf8'))
    const names = await namesOf(join('..', folder, exports[`.${path}`]['@flambeau/source']))
    named = named.replace(line, `export {\n  ${names.join(',\n  ')}\n} from "${specifier}";`)
  }
  return named
}

/** Doc comments belong to the declarations; in the bundle every process would parse past them. */
const withoutDocs = (text) => text.replaceAll(/^ *\/\*\*(?: .*\*\/|\n(?: *\*.*\n)*? *\*\/)\n/gm, '')

const bundle = async (outfile, platform, files = [main, ...others]) => {
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
  const { outputFiles } = await build({
    ...common,
    stdin: {
      contents: [
        readFileSync(files[0], 'utf8'),
        ...files.slice(1).map((file) => `export * from ${JSON.stringify(resolve(file))}`),
      ].join('\n'),
      sourcefile: files[0],
      resolveDir: dirname(files[0]),
      loader: 'ts',
    },
    outfile,
    platform,
    define: { PACKAGE: JSON.stringify({ version, optionalDependencies }) },
    write: false,
    plugins: [outside],
  })
  writeFileSync(outfile, withoutDocs(await withNamesOf(withNames(outputFiles[0].text))))
}

const { browser } = exports['.']
await bundle('dist/index.js', browser ? 'node' : 'neutral')
if (browser) await bundle(browser, 'browser')
for (const entry of entries.filter((each) => !isShared(each)))
  await bundle(entry.default, 'neutral', [entry['@flambeau/source']])
if (licences.size > 0) writeFileSync('dist/LICENSES.txt', [...licences.values()].sort().join(`\n${'-'.repeat(80)}\n\n`))
