// Bundles the JavaScript of the package in the current folder into one file for each entry point. What two entry points
// share is in the smaller one, which the larger imports: a fresh process reads four files for flambeau, not eighty, and
// every file less is a millisecond (bench/import). tsc writes the declarations. Names are kept, errors are known by them.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { build } from 'esbuild'

const { exports } = JSON.parse(readFileSync('package.json', 'utf8'))
const entryPoints = Object.values(exports).flatMap((entry) => entry['@flambeau/source'] ?? [])

for (const file of readdirSync('dist', { recursive: true })) if (file.endsWith('.js')) rmSync(join('dist', file))

const bundle = (entry, plugins = []) =>
  build({
    entryPoints: [entry],
    outdir: 'dist',
    outbase: 'src',
    bundle: true,
    format: 'esm',
    target: 'es2022',
    packages: 'external',
    minifyWhitespace: true,
    minifySyntax: true,
    metafile: true,
    plugins,
    logLevel: 'warning',
  })

const distOf = (entry) => entry.replace(/^(\.\/)?src\//, './').replace(/\.ts$/, '.js')

const [main, ...parts] = entryPoints
/** Source file: the entry point that has it. */
const owner = new Map()
for (const part of parts) {
  const { metafile } = await bundle(part)
  for (const input of Object.keys(metafile.inputs)) owner.set(resolve(input), distOf(part))
}
await bundle(main, [
  {
    name: 'import what another entry point has',
    setup: ({ onResolve }) =>
      onResolve({ filter: /^\./ }, ({ path, resolveDir }) => {
        const file = owner.get(resolve(resolveDir, path))
        return file === undefined ? undefined : { path: file, external: true }
      }),
  },
])

// esbuild writes one import statement for every file that had one; the loader is quicker with one for all.
for (const part of new Set(owner.values())) {
  const file = join('dist', distOf(main))
  const names = []
  const code = readFileSync(file, 'utf8').replaceAll(`from"${part}"`, `from "${part}"`)
  const statement = new RegExp(`import\\{([^}]*)\\}from "${part.replaceAll('.', '\\.')}";`, 'g')
  const rest = code.replace(statement, (_, list) => {
    names.push(...list.split(','))
    return ''
  })
  writeFileSync(file, `import{${names.join(',')}}from"${part}";${rest}`)
}
