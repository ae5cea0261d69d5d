// Packages as tarballs, and folders into which npm installs them, as their users do.
import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'vitest'
import { build } from '../../build.mjs'
import { pnpm, root } from '../../lib.mjs'

export { root }
export const exec = promisify(execFile)

/** Packs folders under packages/ into a folder; the tarballs. */
export const pack = async (folders: readonly string[], to: string): Promise<string[]> => {
  // Without a build the tarballs would hold whatever was built last; `npm test` has built, and tests beside this one run it.
  if (process.env.FLAMBEAU_BUILT === undefined) {
    const built = await build()
    expect(built.code, built.output).toBe(0)
  }
  const tarballs: string[] = []
  for (const folder of folders) {
    const packed = await pnpm(['pack', '--json', '--pack-destination', to], { cwd: join(root, 'packages', folder) })
    expect(packed.code, packed.output).toBe(0)
    tarballs.push(/"filename": "(.*)"/.exec(packed.output)?.[1] ?? '')
  }
  return tarballs
}

/** Installs tarballs with npm into a folder, which is made where there is none. */
export const install = async (app: string, tarballs: readonly string[], env: NodeJS.ProcessEnv = process.env) => {
  mkdirSync(app, { recursive: true })
  writeFileSync(join(app, 'package.json'), '{ "private": true, "type": "module" }')
  const npm = ['install', '--no-audit', '--no-fund', ...tarballs]
  await exec('npm', npm, { cwd: app, env, shell: process.platform === 'win32' })
}

/** Every Node that is supported, where it was installed. */
export const nodes = ['node-20', 'node-22', 'node-24', 'node-newest'].map((name) => ({
  name,
  binary: join(root, 'tools/nodes/node_modules', name, 'bin/node'),
}))

/** The line that real PyTorch printed after 100 epochs with this seed. */
const transcript: { lines: string[] } = JSON.parse(
  readFileSync(join(root, 'examples/transcripts/boston-0.json'), 'utf8'),
)

/** For backends that round otherwise: PyTorch's lines within a thousandth. */
export const expectNearLines = (lines: string[]) => {
  expect(lines).toHaveLength(2)
  expect(lines[0]).toBe('tensor(5.7500)')
  const [loss, wanted] = [lines[1], transcript.lines[0]].map((line) => Number(line.split('loss=')[1]))
  expect(lines[1].split('loss=')[0]).toBe(transcript.lines[0].split('loss=')[0])
  expect(Math.abs(loss / wanted - 1)).toBeLessThan(1e-3)
}

/** Every engine must print the same; `first` is what the first of them printed. */
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
