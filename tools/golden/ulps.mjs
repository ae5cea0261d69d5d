// Prints what js computes for the samples of every op, as JSON for ulps.py. Numbers that JSON lacks become strings.
import { importBundled } from '../bundled.mjs'

const { everything } = await importBundled('packages/backend-conformance/test/ulps.ts', 'packages/backend-conformance')
const names = { NaN: 'nan', Infinity: 'inf', '-Infinity': '-inf' }
const number = (_, value) => {
  if (typeof value !== 'number') return value
  if (Object.is(value, -0)) return { number: '-0' }
  return Number.isFinite(value) ? value : { number: names[String(value)] }
}
const { computed, failed } = everything()
for (const line of failed) process.stderr.write(`${line}\n`)
process.stdout.write(JSON.stringify(computed, number))
