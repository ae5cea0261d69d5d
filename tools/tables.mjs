// Writes the generated pages of the documentation, the tables of ops and steps. Run it after adding or changing one:
// node tools/tables.mjs
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { importBundled } from './bundled.mjs'
import { readArgs, root, say } from './lib.mjs'

readArgs('node tools/tables.mjs    writes docs/internals/ops.md and docs/internals/steps.md')
const { pages } = await importBundled('packages/backend-conformance/test/tables.ts', 'packages/backend-conformance')
for (const [name, make] of Object.entries(pages)) {
  writeFileSync(join(root, 'docs', name), make())
  say(`docs/${name} is written`)
}
