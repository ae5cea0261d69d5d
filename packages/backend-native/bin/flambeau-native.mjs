#!/usr/bin/env node
// `npx flambeau-native build`: the addon from the sources that this package carries, for a machine that no prebuilt package
// fits.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { argv, stderr, stdout } from 'node:process'
import { fileURLToPath } from 'node:url'
import { buildAddon, missing } from './build.mjs'

const home = fileURLToPath(new URL('..', import.meta.url))
const sources = join(home, 'dist', 'native')

/** Returns the exit code. */
const run = (command) => {
  const say = (line) => stderr.write(`flambeau-native: ${line}\n`)
  if (command !== 'build') {
    const usage = 'npx flambeau-native build    builds the addon of the native backend for this machine'
    if (command !== '--help' && command !== '-h') {
      say(usage)
      return 2
    }
    stdout.write(`${usage}\n`)
    return 0
  }
  const lacking = missing()
  if (lacking !== undefined) {
    say(lacking)
    return 1
  }
  const { version } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'))
  const folder = join(sources, 'build', 'Release')
  const headers = ['node-api', 'node-addon-api'].map((name) => join(sources, name))
  const { code } = buildAddon({ sources, folder, headers, version })
  const built = join(folder, 'flambeau_native.node')
  if (code === 0 && existsSync(built)) say(`built ${built}`)
  else say('the build failed, see above')
  return code
}

process.exitCode = run(argv[2])
