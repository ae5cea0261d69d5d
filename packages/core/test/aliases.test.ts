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

it.each(lines)('$alias is $target', ({ file, said, target, alias }) => {
  const spaces = { 'special.ts': [core.special], 'functions.ts': [core] }[file] ?? [core, core.Tensor.prototype]
  for (const space of spaces as readonly Record<string, unknown>[]) {
    const wanted = space === core.special ? core : space
    for (const form of file === 'elementwise.ts' && space !== core ? ['', '_'] : [''])
      expect([alias + form, space[alias + form]]).toEqual([alias + form, wanted[target + form] ?? 'missing'])
  }
  expect(said).toBe(target)
})

it('there are aliases, and the functions of torch.special are those of the index', () => {
  expect(lines.length).toBeGreaterThan(25)
  const others = new Set(lines.filter(({ file }) => file === 'special.ts').map(({ alias }) => alias))
  for (const [name, fn] of Object.entries(core.special)) if (!others.has(name)) expect(fn).toBe((core as never)[name])
})
