// Prints the samples of the conformance suite as JSON for golden.py, because samples are only written in TypeScript.
// Numbers that JSON lacks become strings ("nan", "inf", "-inf", "-0").
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import esbuild from 'esbuild'

const entry = fileURLToPath(new URL('../../packages/backend-conformance/src/samples/index.ts', import.meta.url))
const { outputFiles } = await esbuild.build({
  entryPoints: [entry],
  bundle: true,
  format: 'esm',
  platform: 'neutral',
  write: false,
  logLevel: 'error',
})
const folder = mkdtempSync(join(tmpdir(), 'golden-'))
writeFileSync(join(folder, 'samples.mjs'), outputFiles[0].text)
const { families, prepared } = await import(pathToFileURL(join(folder, 'samples.mjs')).href)
rmSync(folder, { recursive: true })

const names = { NaN: 'nan', Infinity: 'inf', '-Infinity': '-inf' }
const number = (_, value) => {
  if (typeof value !== 'number') return value
  if (Object.is(value, -0)) return { number: '-0' }
  return Number.isFinite(value) ? value : { number: names[String(value)] }
}
const out = {}
for (const [family, ops] of Object.entries(families)) {
  out[family] = {}
  for (const op of Object.keys(ops)) out[family][op] = prepared(op)
}
process.stdout.write(JSON.stringify(out, number))
