// The TypeScript of a lesson's README is the lesson's own, line by line, so that what is read beside the Python is what
// runs; and so is the Python where the lesson has a file of it, which `pnpm golden lessons` runs.
import { readdirSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

const folder = new URL('../src/', import.meta.url)
/** Lines without their indentation; `...` stands for lines that are left out. */
const linesOf = (text: string): string =>
  text
    .split('\n')
    .map((line) => line.trim())
    .join('\n')

const images = ['lenet5', 'alexnet', 'zfnet', 'vgg', 'googlenet', 'resnet']
it.each(['boston', 'breast-cancer', 'shallow-network', ...images])('%s', (name) => {
  const files = readdirSync(new URL(`${name}/`, folder))
  const read = (file: string) => readFileSync(new URL(`${name}/${file}`, folder), 'utf8')
  for (const [language, ending] of [
    ['ts', '.ts'],
    ['python', '.py'],
  ]) {
    const sources = files.filter((file) => file.endsWith(ending)).map((file) => linesOf(read(file)))
    if (sources.length === 0) continue
    const blocks = read('README.md').matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))
    const shown = Array.from(blocks, ([, block]) => linesOf(block))
    expect(shown).not.toEqual([])
    const wrong = shown
      .flatMap((block) => block.split(/^\.\.\.$/m))
      .flatMap((part) => part.split('\n\n'))
      .filter((part) => !sources.some((source) => source.includes(part.trim())))
    expect(wrong).toEqual([])
  }
})
