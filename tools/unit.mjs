// Runs the tests of the workspace package in the current folder, and writes their counts to .cache/counts.json. turbo
// calls it and caches both, so that tests run again only after a change. Arguments are vitest's: `--no-isolate` in the
// scripts of packages whose files need no process of their own, because to start one takes as long as most of the files.
import { mkdirSync, rmSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join, relative } from 'node:path'
import { node, root } from './lib.mjs'

const here = process.cwd()
const counts = join(here, '.cache', 'counts.json')
rmSync(counts, { force: true })
mkdirSync(join(here, '.cache'), { recursive: true })
// turbo runs other packages at once, so this one gets half of the cores.
const workers = Math.max(1, Math.floor(availableParallelism() / 2))
const args = ['run', '--passWithNoTests', `--maxWorkers=${workers}`, ...process.argv.slice(2), join(here, 'test')]
const { code } = await node('node_modules/vitest/vitest.mjs', args, {
  inherit: true,
  extraEnv: { FLAMBEAU_COUNTS: counts, FLAMBEAU_TESTED: relative(root, here) },
})
process.exitCode = code
