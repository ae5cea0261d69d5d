// Writes native/src/steps.h and native/src/composites.h, the C++ vocabulary of scalar steps and of kernels for
// compositions. Run it after adding one: node tools/steps.mjs
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import esbuild from 'esbuild'
import { readArgs, root, say } from './lib.mjs'

readArgs('node tools/steps.mjs    writes native/src/steps.h and native/src/composites.h')
const folder = mkdtempSync(join(tmpdir(), 'steps-'))
const headers = ['steps', 'composites']
const entryPoints = headers.map((name) => join(root, `packages/stream/test/${name}-header.ts`))
await esbuild.build({
  entryPoints,
  bundle: true,
  format: 'esm',
  platform: 'neutral',
  conditions: ['@flambeau/source'],
  outdir: folder,
  outExtension: { '.js': '.mjs' },
  logLevel: 'error',
})
for (const name of headers) {
  const module = await import(pathToFileURL(join(folder, `${name}-header.mjs`)).href)
  writeFileSync(join(root, `native/src/${name}.h`), module[`${name}Header`]())
  say(`native/src/${name}.h is written`)
}
rmSync(folder, { recursive: true })
