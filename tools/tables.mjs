// Writes the generated pages of the documentation, the tables of ops and steps. Run it after adding or changing one:
// node tools/tables.mjs
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import esbuild from 'esbuild'
import { readArgs, root, say } from './lib.mjs'

readArgs('node tools/tables.mjs    writes docs/internals/ops.md and docs/internals/steps.md')
// Inside the package, so that the bundle finds the packages that it imports.
const folder = mkdtempSync(join(root, 'packages/backend-conformance/.cache-'))
try {
  const outfile = join(folder, 'tables.mjs')
  await esbuild.build({
    entryPoints: [join(root, 'packages/backend-conformance/test/tables.ts')],
    bundle: true,
    format: 'esm',
    platform: 'node',
    conditions: ['@flambeau/source'],
    outfile,
    logLevel: 'error',
  })
  const { pages } = await import(pathToFileURL(outfile).href)
  for (const [name, make] of Object.entries(pages)) {
    writeFileSync(join(root, 'docs', name), make())
    say(`docs/${name} is written`)
  }
} finally {
  rmSync(folder, { recursive: true })
}
