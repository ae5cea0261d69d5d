// A page fetches a module before it computes anything, so each has a bound as servers send it.
import { readFileSync } from 'node:fs'
import { brotliCompressSync, constants } from 'node:zlib'
import { expect, it } from 'vitest'

const mostBytes = 110_000

it.each(['flambeau.wasm', 'flambeau-relaxed.wasm'])('%s has at most 110 KB, compressed by Brotli', (name) => {
  const bytes = readFileSync(new URL(`../wasm/${name}`, import.meta.url))
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length }
  expect(brotliCompressSync(bytes, { params }).length).toBeLessThanOrEqual(mostBytes)
})
