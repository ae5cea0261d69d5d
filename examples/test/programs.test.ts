// The small programs of examples/programs, Python and TypeScript side by side: what the TypeScript prints for two seeds is
// what real PyTorch prints for the Python, up to one in the last place, and for one of them
// the same to the letter with compiled steps.
import { readFileSync } from 'node:fs'
import { compile as compiling } from 'flambeau'
import { describe, expect, test } from 'vitest'
import type { Compile, Print } from '../programs/setting.ts'
import { names, page, sourceOf } from './programs-page.ts'

const root = new URL('../..', import.meta.url)
const golden: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = JSON.parse(
  readFileSync(new URL('golden/programs.json', import.meta.url), 'utf8'),
)
const compiled = compiling as unknown as Compile
const eager: Compile = (step) => step
const number = /-?\d+(?:\.\d+)?/g

async function printedBy(name: string, seed: number, compile: Compile): Promise<string[]> {
  const { main } = (await import(`../programs/${name}.ts`)) as {
    main(seed: number, print: Print, compile: Compile): void
  }
  const lines: string[] = []
  main(seed, (...values) => lines.push(...values.join(' ').split('\n')), compile)
  return lines
}

/** Lines in which numbers that differ by one in their last place from those of the golden lines are replaced by these. */
function settled(lines: readonly string[], wanted: readonly string[]): string[] {
  return lines.map((line, i) => {
    const golden = wanted[i]?.match(number) ?? []
    let at = 0
    return line.replace(number, (text) => {
      const other = golden[at++]
      const places = other?.split('.')[1]?.length
      if (other === undefined || places === undefined) return text
      return Math.abs(Number(text) - Number(other)) < 1.01 * 10 ** -places ? other : text
    })
  })
}

describe.each(names(root))('%s', (name) => {
  test.each([0, 1])('seed %i', async (seed) => {
    const wanted = golden[name][seed]
    const lines = await printedBy(name, seed, eager)
    expect(settled(lines, wanted)).toEqual(wanted)
    if (seed === 0 && sourceOf(root, name).includes('compile('))
      expect(await printedBy(name, seed, compiled)).toEqual(lines)
  })
})

test('each program is written in both languages, and its golden lines are there', () => {
  expect(names(root, '.py')).toEqual(names(root))
  expect(Object.keys(golden)).toEqual(names(root))
})

test('the page of programs is what node tools/tables.mjs writes', () => {
  expect(readFileSync(new URL('docs/programs.md', root), 'utf8')).toBe(page(root))
})
