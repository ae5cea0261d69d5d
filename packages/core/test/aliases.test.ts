// Aliases: each is the very function that its comment names, as a function, as a method and in place.
import { readdirSync, readFileSync } from 'node:fs'
import * as core from '@flambeau/core'
import { expect, it } from 'vitest'

const folder = new URL('../src/ops/aliases/', import.meta.url)
const lines = readdirSync(folder).flatMap((file) =>
  [...readFileSync(new URL(file, folder), 'utf8').matchAll(/(?:Alias of `(\w+)`\. \*\/\s+)?(\w+) as (\w+),/g)].map(
    ([, said, target, alias]) => ({ file, said, target, alias }),
  ),
)

type Space = Readonly<Record<string, unknown>>
const [index, methods] = [core as Space, core.Tensor.prototype as unknown as Space]
/** Where the aliases of a file are, where their targets are, and in which forms. */
const places: Readonly<Record<string, readonly (readonly [Space, Space, ...string[]])[]>> = {
  'elementwise.ts': [
    [index, index, ''],
    [methods, methods, '', '_'],
  ],
  'functions.ts': [[index, index, '']],
  'methods.ts': [
    [index, index, ''],
    [methods, methods, ''],
  ],
  'special.ts': [[core.special, { ...core.special, ...index }, '']],
}

it.each(lines)('$alias is $target', ({ file, said, target, alias }) => {
  expect(said).toBe(target)
  for (const [space, wanted, ...forms] of places[file])
    for (const form of forms)
      expect([alias + form, space[alias + form]]).toEqual([alias + form, wanted[target + form] ?? 'missing'])
})

it('there are aliases, and the functions of torch.special are those of the index that has them', () => {
  expect(lines.length).toBeGreaterThan(25)
  const others = new Set(lines.filter(({ file }) => file === 'special.ts').map(({ alias }) => alias))
  for (const [name, fn] of Object.entries(core.special))
    if (!others.has(name) && name in index) expect(fn).toBe(index[name])
})
