// Packs packages as tarballs, and installs them into folders with npm, as users do.
import { execFile } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'vitest'
import { build } from '../../build.mjs'
import { root } from '../../lib.mjs'
import { tarballOf } from '../../tarballs.mjs'

export { root }
export const exec = promisify(execFile)

/** Packs folders under packages/ into a folder; returns the tarballs. */
export const pack = async (folders: readonly string[], to: string): Promise<string[]> => {
  // Without a build, the tarballs would contain an old one. `npm test` has built already, and tests beside this one run
  // that build.
  if (process.env.FLAMBEAU_BUILT === undefined) {
    const built = await build()
    expect(built.code, built.output).toBe(0)
  }
  const tarballs: string[] = []
  for (const folder of folders) {
    const { code, output, file } = await tarballOf(join(root, 'packages', folder))
    expect(code, output).toBe(0)
    const copy = join(to, basename(file))
    copyFileSync(file, copy)
    tarballs.push(copy)
  }
  return tarballs
}

/** Installs tarballs with npm into a folder, which is created if necessary. */
export const install = async (app: string, tarballs: readonly string[], env: NodeJS.ProcessEnv = process.env) => {
  mkdirSync(app, { recursive: true })
  writeFileSync(join(app, 'package.json'), '{ "private": true, "type": "module" }')
  const npm = ['install', '--no-audit', '--no-fund', ...tarballs]
  await exec('npm', npm, { cwd: app, env, shell: process.platform === 'win32' })
}

/** Every supported Node that is installed. */
export const nodes = ['node-20', 'node-22', 'node-24', 'node-newest'].map((name) => ({
  name,
  binary: join(root, 'tools/nodes/node_modules', name, 'bin/node'),
}))

/** The lines that real PyTorch printed with this seed, for every 100th epoch. */
const transcript: { lines: string[] } = JSON.parse(
  readFileSync(join(root, 'examples/transcripts/boston-0.json'), 'utf8'),
)

/** For backends with other rounding: PyTorch's lines within a thousandth. */
export const expectNearLines = (lines: string[]) => {
  expect(lines).toHaveLength(2)
  expect(lines[0]).toBe('tensor(5.7500)')
  const [loss, wanted] = [lines[1], transcript.lines[0]].map((line) => Number(line.split('loss=')[1]))
  expect(lines[1].split('loss=')[0]).toBe(transcript.lines[0].split('loss=')[0])
  expect(Math.abs(loss / wanted - 1)).toBeLessThan(1e-3)
}

/** Every engine must print the same lines; `first` has those of the first engine. */
let first: string[] | undefined
export const expectLines = (lines: string[]) => {
  expect(lines).toHaveLength(2)
  expect(lines[0]).toBe('tensor(5.7500)')
  const [epoch, loss] = lines[1].split('loss=')
  const [mantissa, exponent] = Number(loss).toExponential(4).split('e+')
  expect(`${epoch}loss=${mantissa}e+${exponent.padStart(2, '0')}`).toBe(transcript.lines[0])
  first ??= lines
  expect(lines).toEqual(first)
}
