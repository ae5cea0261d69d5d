// The generated pages of the documentation match the definitions.
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { pages } from './tables.ts'

it.each(Object.entries(pages))('docs/%s is up to date; node tools/tables.mjs writes it', (name, make) => {
  expect(readFileSync(new URL(`../../../docs/${name}`, import.meta.url), 'utf8')).toBe(make())
})
