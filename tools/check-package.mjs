// Packs the package in the current folder and inspects the tarball: publint checks its package.json,
// are-the-types-wrong checks how TypeScript resolves it.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pnpm, root, run } from './lib.mjs'

const binary = (name, path) => join(root, 'tools', 'node_modules', name, path)
const folder = mkdtempSync(join(tmpdir(), 'flambeau-pack-'))
const cwd = process.cwd()
try {
  const jobs = [() => pnpm(['pack', '--pack-destination', folder], { cwd })]
  const tarball = () =>
    join(
      folder,
      readdirSync(folder).find((file) => file.endsWith('.tgz')),
    )
  jobs.push(() => run(process.execPath, [binary('publint', 'src/cli.js'), 'run', tarball(), '--strict'], { cwd }))
  jobs.push(() =>
    run(process.execPath, [binary('@arethetypeswrong/cli', 'dist/index.js'), tarball(), '--profile', 'esm-only'], {
      cwd,
    }),
  )
  for (const job of jobs) {
    const { code, output } = await job()
    if (code === 0) continue
    console.error(output.trimEnd())
    process.exitCode = 1
    break
  }
} finally {
  rmSync(folder, { recursive: true })
}
