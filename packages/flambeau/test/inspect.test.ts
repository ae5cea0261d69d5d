// The table of what a file holds: its columns, and that a terminal obeys nothing that a file says.
import { type io, nn, save, tensor } from '@flambeau/core'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import '../src/index.ts'
import { inspect } from '../src/inspect.ts'

const folder = mkdtempSync(join(tmpdir(), 'flambeau-inspect-'))
afterAll(() => rmSync(folder, { recursive: true }))

const tableOf = async (object: unknown, options?: io.SaveOptions): Promise<string[]> => {
  const file = join(folder, 'file.safetensors')
  await save(object, file, options)
  return (await inspect(file)).split('\n')
}

it('has a line for every tensor, and what they are together', async () => {
  const lines = await tableOf(new nn.Linear(1000, 20), { metadata: { made: `by\u202e ${'a'.repeat(100)}` } })
  const [, weight] = lines[1].split('weight')
  expect(lines[0]).toMatch(/^name {4}dtype {2}shape +bytes {2}offset$/)
  expect(weight).toMatch(/^ {2}F32 {4}\[20, 1000\] {2}80,000 +[\d,]+$/)
  expect(lines[4]).toMatch(/^safetensors, 80,[\d,]+ bytes: 2 tensors, 20,020 numbers$/)
  expect(lines.find((line) => line.startsWith('made: '))).toBe(`made: by\\u202e ${'a'.repeat(54)}...`)
})

it('replaces the characters that a terminal obeys', async () => {
  const lines = await tableOf({ '\u001b[2J\nname\u009b': tensor([1]) })
  expect(lines[1]).toMatch(/^\\u001b\[2J\\u000aname\\u009b {2}F32 /)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters
  expect(lines.join('')).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/)
})
