// The page about parity matches the golden values and the bounds of the tests.
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { pages } from './parity.ts'

const root = new URL('../../../', import.meta.url)

it.each(Object.entries(pages))('docs/%s is up to date; node tools/tables.mjs writes it', (name, make) => {
  expect(readFileSync(new URL(`docs/${name}`, root), 'utf8')).toBe(make(root))
})
