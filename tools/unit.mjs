// Runs the tests of the workspace package in the current folder, and leaves their numbers in .cache/counts.json. turbo calls it
// and keeps both, so that tests run again only when something changed.
import { mkdirSync, rmSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { node } from './lib.mjs'

const here = process.cwd()
const counts = join(here, '.cache', 'counts.json')
rmSync(counts, { force: true })
mkdirSync(join(here, '.cache'), { recursive: true })
// turbo runs two packages at once: half of the cores are this one's.
const workers = Math.max(1, Math.floor(availableParallelism() / 2))
const args = ['run', '--passWithNoTests', `--maxWorkers=${workers}`, join(here, 'test')]
const { code } = await node('node_modules/vitest/vitest.mjs', args, {
  inherit: true,
  extraEnv: { FLAMBEAU_COUNTS: counts },
})
process.exitCode = code
