// The guide's table of formats: it has every format with its endings, each is read and written here, and where it names
// another program, files of both have been compared (tools/golden).
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { js } from '@flambeau/backend-js'
import { io, load, save, type Tensor, tensor, useDevice } from '@flambeau/core'
import { afterAll, expect, it } from 'vitest'
import { bitsOf } from './files.ts'

useDevice(js())
const folder = mkdtempSync(join(tmpdir(), 'flambeau-formats-'))
afterAll(() => rmSync(folder, { recursive: true }))

const textOf = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8')
const rows = [
  ...textOf('../../../../docs/guide/13-saving-and-loading.md').matchAll(
    /^\| `(\w+)` \| (.*?) \| yes.*?\| yes \|.*\| (.*) \|$/gm,
  ),
].map(([, format, endings, others]) => ({
  format,
  others,
  endings: [...endings.matchAll(/`(.*?)`/g)].map(([, x]) => x),
}))

it('has every format and every ending', async () => {
  const refused = await save({}, undefined, { format: '' as 'pt' }).catch(String)
  expect([...String(refused).matchAll(/'(\w+)'/g)].map(([, name]) => name).sort()).toEqual(
    rows.map(({ format }) => format).sort(),
  )
  const unknown = await save({}, 'x.unknown').catch(String)
  expect([...String(unknown).matchAll(/\.(?!unknown)(\w+)(?=[,;])/g)].map(([ending]) => ending).sort()).toEqual(
    rows.flatMap(({ endings }) => endings).sort(),
  )
})

it.each(rows)('$format is written and read', async ({ format, endings }) => {
  const x = tensor([1, Number.NaN, -0])
  for (const ending of endings) {
    const file = join(folder, `x${ending}`)
    await save(format === 'npy' ? x : { x }, file)
    expect((await io.list(file)).format).toBe(format)
    const read = (await load(file)) as Tensor | Map<string, Tensor> | { x: Tensor }
    const back = format === 'npy' ? read : read instanceof Map ? read.get('x') : (read as { x: Tensor }).x
    expect(bitsOf(back as Tensor)).toEqual(bitsOf(x))
  }
})

it.each(rows)('$format is compared with $others', ({ format, others }) => {
  expect(others).toMatch(/, both ways$/)
  const files = JSON.parse(textOf('../golden/files.json')) as Record<'read' | 'written', Record<string, unknown>>
  const [read, written] =
    format === 'pt'
      ? ['../golden/pt.json', '../golden/pt-opened.json'].map((path) => Object.keys(JSON.parse(textOf(path))))
      : [files.read, files.written].map((all) => Object.keys(all).filter((name) => name.endsWith(`.${format}`)))
  expect(read.length).toBeGreaterThan(0)
  expect(written.length).toBeGreaterThan(0)
})
