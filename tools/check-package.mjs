// Packs the package in the current folder and inspects the tarball: publint checks its package.json,
// are-the-types-wrong checks how TypeScript resolves it.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root, run } from './lib.mjs'
import { tarballOf } from './tarballs.mjs'

const binary = (name, path) => join(root, 'tools', 'node_modules', name, path)
const cwd = process.cwd()
const { exports } = JSON.parse(readFileSync(join(cwd, 'package.json'), 'utf8'))
/** Files for build tools, which have no types. */
const files = Object.keys(exports).filter((entry) => /\.(?!json$)\w+$/.test(entry))
const excluded = files.length > 0 ? ['--exclude-entrypoints', ...files.map((entry) => entry.slice(2))] : []
const { file, ...packed } = await tarballOf(cwd)
const jobs = [
  () => packed,
  () => run(process.execPath, [binary('publint', 'src/cli.js'), 'run', file, '--strict'], { cwd }),
  () =>
    run(
      process.execPath,
      [binary('@arethetypeswrong/cli', 'dist/index.js'), file, '--profile', 'esm-only', ...excluded],
      { cwd },
    ),
]
for (const job of jobs) {
  const { code, output } = await job()
  if (code === 0) continue
  console.error(output.trimEnd())
  process.exitCode = 1
  break
}
