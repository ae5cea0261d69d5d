// The TypeScript of a lesson's README is the lesson's own, line by line, so that what is read beside the Python is what runs.
import { readdirSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

const folder = new URL('../src/', import.meta.url)
/** Lines without their indentation; `...` stands for lines that are left out. */
const linesOf = (text: string): string =>
  text
    .split('\n')
    .map((line) => line.trim())
    .join('\n')

it.each(['boston', 'breast-cancer', 'shallow-network', 'alexnet', 'zfnet', 'vgg', 'googlenet'])('%s', (name) => {
  const files = readdirSync(new URL(`${name}/`, folder))
  const read = (file: string) => readFileSync(new URL(`${name}/${file}`, folder), 'utf8')
  const sources = files.filter((file) => file.endsWith('.ts')).map((file) => linesOf(read(file)))
  const shown = Array.from(read('README.md').matchAll(/^```ts\n([\s\S]*?)^```$/gm), ([, block]) => linesOf(block))
  expect(shown).not.toEqual([])
  const wrong = shown
    .flatMap((block) => block.split(/^\.\.\.$/m))
    .flatMap((part) => part.split('\n\n'))
    .filter((part) => !sources.some((source) => source.includes(part.trim())))
  expect(wrong).toEqual([])
})
