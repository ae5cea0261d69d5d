// What `import * as flambeau` shows: the names of the public API and no others, although the file of core also holds what
// backends import.
import { readdirSync } from 'node:fs'
import * as backend from '@flambeau/core/backend'
import * as core from '@flambeau/core/public'
import { expect, test } from 'vitest'
import * as source from '../src/index.ts'

const names = (space: object): string[] => Object.keys(space).sort()

test('the built package shows the names of its source, and nothing of the entry for backends', async () => {
  expect(readdirSync(new URL('../dist', import.meta.url))).toContain('index.js')
  const built: object = await import(/* @vite-ignore */ new URL('../dist/index.js', import.meta.url).href)
  expect(names(built)).toEqual(names(source))
  expect(names(source)).toEqual([...names(core), 'deviceNames', 'js', 'loadDevice', 'setDevice'].sort())
  // Error classes and the like are the user's as well.
  const shared = names(backend).filter((name) => name in source && !/Error$/.test(name))
  expect(shared).toEqual([])
})

test("setDevice('cpu') is js", async () => {
  expect(await source.setDevice('cpu')).toBe('js')
})
