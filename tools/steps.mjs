// Writes native/src/steps.h, the C++ vocabulary of scalar steps, after a step was added: node tools/steps.mjs
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import esbuild from 'esbuild'
import { readArgs, root, say } from './lib.mjs'

readArgs('node tools/steps.mjs    writes native/src/steps.h')
const { outputFiles } = await esbuild.build({
  entryPoints: [join(root, 'packages/backend-native/test/steps-header.ts')],
  bundle: true,
  format: 'esm',
  platform: 'neutral',
  conditions: ['@flambeau/source'],
  write: false,
  logLevel: 'error',
})
const folder = mkdtempSync(join(tmpdir(), 'steps-'))
const file = join(folder, 'header.mjs')
writeFileSync(file, outputFiles[0].text)
const { stepsHeader } = await import(pathToFileURL(file).href)
rmSync(folder, { recursive: true })
writeFileSync(join(root, 'native/src/steps.h'), stepsHeader())
say('native/src/steps.h is written')
