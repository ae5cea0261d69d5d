// Writes the generated pages of the documentation: the tables of ops and steps, of parity with torchvision, and of what is
// lacking, and of names. Run it after adding or changing an op, a step, a model or a public name:
// node tools/tables.mjs
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { importBundled } from './bundled.mjs'
import { readArgs, root, say } from './lib.mjs'

readArgs(
  'node tools/tables.mjs    writes docs/internals/{ops,steps,parity}.md, docs/guide/12-what-is-lacking.md, docs/names.md and docs/programs.md',
)
/** Modules with pages, and the packages whose dependencies they import. */
const modules = [
  ['packages/backend-conformance/test/tables.ts', 'packages/backend-conformance'],
  ['packages/vision/test/parity.ts', 'packages/vision'],
  ['tools/test/lacking.ts', 'packages/vision'],
  ['tools/test/names-page.ts', 'packages/vision'],
  ['examples/test/programs-page.ts', 'examples'],
]
for (const [module, within] of modules) {
  const { pages } = await importBundled(module, within)
  for (const [name, make] of Object.entries(pages)) {
    writeFileSync(join(root, 'docs', name), make(pathToFileURL(`${root}/`)))
    say(`docs/${name} is written`)
  }
}
