// Draws the pictures of the lecture, docs/lecture/images: all of them, or the named ones. A test compares the files with
// what this draws.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { importBundled } from './bundled.mjs'
import { readArgs, root, say } from './lib.mjs'

const { positionals: names } = readArgs('node tools/pictures.mjs [NAME...]    writes docs/lecture/images/*.svg', {
  allowPositionals: true,
})
const { pictures } = await importBundled('tools/pictures/index.ts', 'tools')
const unknown = names.find((name) => !Object.hasOwn(pictures, name))
if (unknown !== undefined) {
  say(`no picture is called ${unknown}; there are ${Object.keys(pictures).join(', ')}`)
  process.exit(2)
}
const folder = join(root, 'docs/lecture/images')
mkdirSync(folder, { recursive: true })
for (const name of names.length > 0 ? names : Object.keys(pictures)) {
  writeFileSync(join(folder, `${name}.svg`), pictures[name]())
  say(`${name}.svg is drawn`)
}
