// The generated pages of the documentation match the definitions.
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { families } from '../src/samples/index.ts'
import { pages } from './tables.ts'

it.each(Object.entries(pages))('docs/%s is up to date; node tools/tables.mjs writes it', (name, make) => {
  expect(readFileSync(new URL(`../../../docs/${name}`, import.meta.url), 'utf8')).toBe(make())
})

it('docs/internals/ulps.md has a row for every op; pnpm golden ulps writes it', () => {
  const page = readFileSync(new URL('../../../docs/internals/ulps.md', import.meta.url), 'utf8')
  const rows = [...page.matchAll(/^\| `(.+?)` \|/gm)].map(([, op]) => op)
  expect(rows).toEqual(Object.values(families).flatMap(Object.keys).sort())
})
