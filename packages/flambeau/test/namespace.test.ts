// What `import * as flambeau` shows: the names of the public API and no others, although the file of core also holds what
// backends import.
import { readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import * as backend from '../../core/src/backend/index.ts'
import * as core from '../../core/src/index.ts'
import * as source from '../src/index.ts'

const names = (space: object): string[] => Object.keys(space).sort()

test('the built package shows the names of its source, and nothing of the entry for backends', async () => {
  expect(readdirSync(new URL('../dist', import.meta.url))).toContain('index.js')
  const built: object = await import(/* @vite-ignore */ new URL('../dist/index.js', import.meta.url).href)
  // The sources of core, because its file has the names of all its entry points.
  const all = [...names(core), 'deviceNames', 'js', 'loadDevice', 'setDevice'].sort()
  expect(names(built)).toEqual(all)
  // Error classes and the like are the user's as well.
  const shared = names(backend).filter((name) => all.includes(name) && !/Error$/.test(name))
  expect(shared).toEqual([])
})

test("setDevice('cpu') is js", async () => {
  expect(await source.setDevice('cpu')).toBe('js')
})
