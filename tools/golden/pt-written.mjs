// Writes the files of packages/core/test/io/pt-written.ts into a folder for pt_opened.py, with what flambeau says is in
// them: cases.json.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import esbuild from 'esbuild'

const [target] = process.argv.slice(2)
const tests = fileURLToPath(new URL('../../packages/core/test/io/', import.meta.url))
const { outputFiles } = await esbuild.build({
  stdin: {
    contents: `export { save, load } from '@flambeau/core'
      export { written } from './pt-written.ts'
      export { described } from './described.ts'`,
    resolveDir: tests,
  },
  bundle: true,
  format: 'esm',
  platform: 'node',
  conditions: ['@flambeau/source'],
  write: false,
  logLevel: 'error',
})
const folder = mkdtempSync(join(tmpdir(), 'golden-'))
writeFileSync(join(folder, 'written.mjs'), outputFiles[0].text)
const { described, load, save, written } = await import(pathToFileURL(join(folder, 'written.mjs')).href)
rmSync(folder, { recursive: true })

const cases = {}
for (const [name, { object, dtype, plainOnly = false }] of Object.entries(written())) {
  const bytes = await save(object, undefined, { format: 'pt', dtype })
  writeFileSync(join(target, `${name}.pt`), bytes)
  cases[name] = { plainOnly, holds: described(await load(bytes)) }
}
writeFileSync(join(target, 'cases.json'), JSON.stringify(cases))
