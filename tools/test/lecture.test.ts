// The lecture as a whole: its pages are linked in order, its pictures are those that tools/pictures draws, and each block
// of Python stands before a block of TypeScript that states the same results. docs.test.ts runs the TypeScript, and
// tools/golden/lecture.py the Python.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { pictures } from '../pictures/index.ts'

const folder = fileURLToPath(new URL('../../docs/lecture', import.meta.url))
const read = (name: string): string => readFileSync(join(folder, name), 'utf8')
const pages = readdirSync(folder).filter((name) => /^\d\d-.*\.md$/.test(name))
const texts = Object.fromEntries(pages.map((name) => [name, read(name)]))

/** The places that a text links to in this repository: files, and headings in them. */
const links = (text: string): { to: string; heading: string | undefined }[] =>
  [...text.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, link]) => link.split('#'))
    .filter(([to]) => !/^https?:/.test(to))
    .map(([to, heading]) => ({ to, heading }))

/** The headings of a page as links name them. */
const headings = (text: string): string[] =>
  [...text.matchAll(/^#+ (.*)/gm)].map(([, words]) =>
    words
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s-]/gu, '')
      .replaceAll(' ', '-'),
  )

test('the index lists every page in order, by its title', () => {
  const listed = [...read('README.md').matchAll(/^\d+\. \[(.*)\]\((.*)\)/gm)].map(([, title, name]) => ({
    title,
    name,
  }))
  expect(listed).toEqual(pages.map((name) => ({ title: /^# (.*)/.exec(texts[name])?.[1], name })))
})

test.each(pages)('%s leads to the next page', (name) => {
  const next = pages[pages.indexOf(name) + 1]
  const to = /^Next: \[.*\]\((.*)\)$/m.exec(texts[name])?.[1]
  expect(to).toBe(next)
})

test.each(['README.md', ...pages])('%s links only to what is there', (name) => {
  const lost = links(read(name)).filter(
    ({ to, heading }) =>
      !existsSync(join(folder, to)) || (heading !== undefined && !headings(read(to)).includes(heading)),
  )
  expect(lost).toEqual([])
})

test('each picture is shown on a page, with words for those who cannot see it', () => {
  const shown = Object.values(texts).flatMap((text) => [...text.matchAll(/!\[(.*)\]\(images\/(.*)\.svg\)/g)])
  expect([...new Set(shown.map(([, , name]) => name))].sort()).toEqual(Object.keys(pictures).sort())
  expect(shown.filter(([, words]) => words.length < 40).map(([, , name]) => name)).toEqual([])
  expect(readdirSync(join(folder, 'images')).sort()).toEqual(
    Object.keys(pictures)
      .map((name) => `${name}.svg`)
      .sort(),
  )
})

test.each(Object.entries(pictures))('images/%s.svg is what node tools/pictures.mjs draws', (name, draw) => {
  // Not toBe, which would print both files.
  expect(read(`images/${name}.svg`) === draw()).toBe(true)
})

/** The comments of a block in order: the results that it states. */
const results = (code: string, mark: RegExp): string[] =>
  code.split('\n').flatMap((row) => {
    const found = mark.exec(row)
    return found === null ? [] : [found[1].trimEnd()]
  })

test.each(pages)('%s: each Python block stands before TypeScript that states the same results', (name) => {
  const blocks = [...texts[name].matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(([, language, code]) => ({
    language,
    code,
  }))
  const python = blocks.flatMap((block, i) => (block.language === 'python' ? [[block, blocks[i + 1]]] : []))
  expect(python.length).toBeGreaterThan(0)
  for (const [block, next] of python) {
    expect(next?.language, block.code).toBe('ts')
    expect(results(next.code, /(?:^|\s)\/\/ ?(.*)$/)).toEqual(results(block.code, /(?:^|\s)# ?(.*)$/))
  }
})
