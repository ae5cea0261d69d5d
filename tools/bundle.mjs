// Bundles the JavaScript of the package in the current folder into one file, which all its entry points share: a fresh
// process then reads three files for flambeau instead of eighty, and each file saved is a millisecond (bench/import).
// What a source imports on demand, by `import()`, is a file of its own, read when it is asked for.
// tsc writes declarations into .tsc; dist gets those that an entry point needs, so that types see only its names.
// Dependencies stay imports.
//
// The code is minified, in short lines, so that the message of an uncaught error does not get lost behind the line that
// threw; classes keep their names, which reprs, error classes and stack traces print. A bundled development dependency is a
// separate file beside it, with its licence.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build, transform } from 'esbuild'
import { writeDeclarations } from './declarations.mjs'
import { inLines } from './minified.mjs'
import { buildUnits } from './units.mjs'

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
  exports['./public'] === undefined ? [] : [exports['.'].types],
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
  // A break costs a byte: with 200 characters what is installed has 2 KB more and exceeds its limit, which pack.test.ts knows.
  lineLimit: 290,
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

/**
 * Classes of the sources get their names, those of a module together at its end. The name that a class has by itself
 * would not do, because minifiers of users shorten it; the keys of an object stay.
 */
const classNames = (change = (_, text) => text) => ({
  name: 'class names',
  setup: ({ onLoad }) =>
    onLoad({ filter: /\.ts$/, namespace: 'file' }, async ({ path }) => {
      const options = { loader: 'ts', target: common.target, tsconfigRaw: { compilerOptions } }
      const { code } = await transform(readFileSync(path, 'utf8'), options)
      const inner = code.replaceAll(/(?<=\s)class (\w+)( extends .*)? \{$/gm, (line, name, _, at) =>
        /\n(export )?$/.test(code.slice(0, at)) ? line : `${line} static { __named({ ${name}: this }) }`,
      )
      const names = [...code.matchAll(/^(?:export )?class (\w+)/gm)]
        .map(([, name]) => name)
        // The sources give it another name: `named('ModuleDict', Modules)`.
        .filter((name) => !new RegExp(`\\bnamed\\(\\s*"\\w+",\\s*${name}\\b`).test(code))
      const named = names.length === 0 ? inner : `${inner}\n__named({ ${names.join(', ')} })`
      return { contents: change(path, named) }
    }),
})

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
    named = named.replace(line, `export{${inLines(names)}}from"${specifier}";`)
  }
  return named
}

/** esbuild ends a line at the next place where it may, which is far where one unit's names after another's are filled. */
const withShortLines = (text) => text.replaceAll(/^.{800,}$/gm, (line) => line.replaceAll('=t)});var ', '=t)});\nvar '))

/** A name that is known only when it is imported: other bundlers shall leave it, and esbuild drops the comments. */
const withComments = (text) => text.replaceAll(/\bimport\((?=\w+\))/g, '$&/* @vite-ignore *//* webpackIgnore: true */')

/** Other bundlers know a file by its address as one string, which esbuild may continue on the next line. */
const withAddresses = (text) => text.replaceAll(/\bnew URL\("[^"]*"/g, (beginning) => beginning.replaceAll('\\\n', ''))

/** What esbuild does with a package's files. */
const optionsFor = (platform) => ({
  ...common,
  platform,
  define: {
    PACKAGE: JSON.stringify({ version, optionalDependencies }),
    'Number.POSITIVE_INFINITY': 'Infinity',
    'Number.NaN': 'NaN',
  },
  inject: [join(import.meta.dirname, 'named.js')],
})

/**
 * One import of core's kernel interface instead of one for each source, which names again what others have named: `text` is
 * the bundle that has many, so its names are those in use.
 */
const together = (text) => ({
  name: 'together',
  setup: ({ onResolve, onLoad }) => {
    const specifier = '@flambeau/core/backend'
    const lists = [...text.matchAll(new RegExp(`\\bimport\\s*\\{([^}]*)\\}\\s*from\\s*"${specifier}"`, 'g'))]
    if (lists.length < 2) return
    const names = new Set(lists.flatMap(([, list]) => list.split(',').map((name) => name.trim().split(/\s+as\s+/)[0])))
    onResolve({ filter: new RegExp(`^${specifier}$`) }, ({ path, namespace }) =>
      namespace === 'together' ? undefined : { path, namespace: 'together' },
    )
    onLoad({ filter: /./, namespace: 'together' }, () => ({
      contents: `export { ${[...names].join(', ')} } from '${specifier}'`,
      resolveDir: process.cwd(),
    }))
  },
})

const outside = (platform) => {
  const isImported = (path) =>
    path.startsWith('node:') || imported.some((name) => path === name || path.startsWith(`${name}/`))
  return {
    name: 'outside',
    setup: ({ onResolve }) =>
      onResolve({ filter: /^[^./]/ }, async ({ path, kind }) =>
        kind === 'entry-point' || isOwn(path)
          ? undefined
          : { path: isImported(path) ? path : await bring(path, platform), external: true },
      ),
  }
}

const write = async ({ path, text }) =>
  writeFileSync(path, withShortLines(withAddresses(withComments(await withNamesOf(text)))))

/** Bundles an entry point into a file. */
const bundle = async (outfile, platform, entry) => {
  const built = async (...plugins) => {
    const { outputFiles } = await build({
      ...optionsFor(platform),
      entryPoints: [entry],
      outfile,
      write: false,
      plugins: [...plugins, outside(platform), classNames()],
    })
    return outputFiles[0]
  }
  await write(await built(together((await built()).text)))
}

/**
 * Divides the entry points that share a file into units. `index.js` has them all for bundlers and browsers, `node.js` reads
 * them as files.
 */
const divide = async (listed) => {
  const options = optionsFor('neutral')
  const { texts, names } = await buildUnits(shared, listed, options, (change) => [
    outside('neutral'),
    classNames(change),
  ])
  for (const [name, text] of texts) await write({ path: `dist/${name}.js`, text })
  const imports = names.map((name) => `import ${name} from"./${name}.js";\n`).join('')
  const main = (reader) => `import{$readBy}from"./main.js";\n$readBy(${reader});\nexport*from"./main.js";\n`
  await write({ path: 'dist/index.js', text: `${imports}${main(`name=>({${names}})[name]`)}` })
  const require = 'import{createRequire}from"node:module";\nconst require=createRequire(import.meta.url);\n'
  await write({ path: 'dist/node.js', text: `${require}${main('name=>require("./"+name+".js").default')}` })
}

const { browser } = exports['.']
if (existsSync('units.json')) await divide(JSON.parse(readFileSync('units.json', 'utf8')))
else await bundle('dist/index.js', browser ? 'node' : 'neutral', shared[0])
if (browser) await bundle(browser, 'browser', shared[0])
for (const entry of entries.filter((each) => !isShared(each)))
  await bundle(entry.default, 'neutral', entry['@flambeau/source'])
if (licences.size > 0) writeFileSync('dist/LICENSES.txt', [...licences.values()].sort().join(`\n${'-'.repeat(80)}\n\n`))
