// Runs all checks that are not tests: format, lint and arrows (biome), types of sources and tests (tsc), the API
// reports, and the packed packages (publint, are-the-types-wrong).
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from './build.mjs'
import { node, readArgs, step, turbo } from './lib.mjs'

const bin = (name, path) => join('node_modules', name, path)

/** Returns how many of the checks failed. Requires built packages: turbo, which is told to reuse nothing in CI, would build again. */
export const check = async () => {
  const results = await Promise.all([
    step('format, lint, arrows', () => node(bin('@biomejs/biome', 'bin/biome'), ['check', '--error-on-warnings'])),
    step('types', () => node(bin('typescript', 'bin/tsc'), ['-b'])),
    step('API reports, packed packages', () => turbo(['check:api', 'check:package', '--only', '--continue'])),
  ])
  return results.filter((passed) => !passed).length
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  readArgs('node tools/check.mjs    format, lint and import arrows, types, API reports, packed packages')
  const built = await step('build', () => build())
  process.exitCode = built && (await check()) === 0 ? 0 : 1
}
