// Prints the samples of the conformance suite as JSON, for golden.py: the TypeScript side is the only place where a
// sample is written. Numbers that JSON has no word for become strings ("nan", "inf", "-inf", "-0").
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

const require = createRequire(process.env.FLAMBEAU_TOOLS ?? import.meta.url)
const esbuild = require('esbuild')
const entry = fileURLToPath(new URL('../packages/backend-conformance/src/samples/index.ts', import.meta.url))
const { outputFiles } = await esbuild.build({
  entryPoints: [entry],
  bundle: true,
  format: 'esm',
  platform: 'neutral',
  write: false,
  logLevel: 'error',
})
const { families, prepared } = await import(
  `data:text/javascript;base64,${Buffer.from(outputFiles[0].text).toString('base64')}`
)

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
