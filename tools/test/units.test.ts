// The files of core: what a program reads when it imports flambeau, what it reads later, and that it sees the same names
// as in the sources, in Node, where files are read one by one, and in a bundle, which holds them all.
import { Session } from 'node:inspector'
import { existsSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { beforeAll, expect, test } from 'vitest'
import { build } from '../build.mjs'
import * as sources from '../../packages/core/src/all.ts'

const dist = fileURLToPath(new URL('../../packages/core/dist/', import.meta.url))
type Space = Record<string, unknown>
type Unit = { readonly needs: readonly string[] }

beforeAll(async () => {
  if (process.env.FLAMBEAU_BUILT === undefined) expect((await build('@flambeau/core')).code).toBe(0)
}, 300_000)

/** A new main file that reads its units by `reader`, or as Node does. */
let copies = 0
const core = async (file: string): Promise<Space> =>
  import(/* @vite-ignore */ `${pathToFileURL(dist)}${file}?copy=${copies++}`)

/** Names and kinds of the members of namespaces. */
const outline = (space: object, depth = 0): Space =>
  Object.fromEntries(
    Object.entries(space)
      .filter(([name]) => !name.startsWith('$'))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => [
        name,
        depth < 3 && typeof value === 'object' && value !== null && /^[a-zF]/.test(name) ? outline(value, depth + 1) : typeof value,
      ]),
  )

test.each(['node.js', 'index.js'])('%s has the names of the sources', async (file) => {
  expect(outline(await core(file))).toEqual(outline(sources))
})
