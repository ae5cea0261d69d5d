// Every command of this repository prints its usage, and rejects an unknown option in one line.
import { exec } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (file: string): string => readFileSync(join(root, file), 'utf8')

// A build that is forced would take away what tests beside this one read.
const { TURBO_FORCE: _, ...env } = process.env

/** Through a shell, like pnpm. */
const run = (command: string) =>
  new Promise<{ code: number; stdout: string; stderr: string }>((done) => {
    exec(command, { cwd: root, env }, (error, stdout, stderr) => done({ code: error?.code ?? 0, stdout, stderr }))
  })

const tools = readdirSync(join(root, 'tools')).filter(
  (file) => file.endsWith('.mjs') && file !== 'lib.mjs' && /\breadArgs\(/.test(read(`tools/${file}`)),
)
const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
const commands = [
  ...tools.map((file) => `node tools/${file}`),
  ...Object.entries(scripts)
    // Others have their own help.
    .filter(([name, script]) => /^node tools/.test(script) && name !== 'release')
    .map(([, script]) => script),
  'node packages/backend-native/bin/flambeau-native.mjs',
]

test.each([...new Set(commands)])('%s --help', { timeout: 120_000 }, async (command) => {
  const { code, stdout, stderr } = await run(`${command} --help`)
  expect(code).toBe(0)
  // The build may print before the program does.
  if (!command.includes('&&')) expect(stderr).toBe('')
  expect(stdout).toMatch(/^(node tools\/\S+|npm|pnpm|npx) /m)
})

test.each(tools)('%s rejects an unknown option in one line', async (file) => {
  const { code, stdout, stderr } = await run(`node tools/${file} --no-such-option`)
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toBe("Unknown option '--no-such-option'; --help lists the options\n")
})

test('pnpm golden lists its names', async () => {
  const { code, stderr } = await run('node tools/golden/run.mjs smples')
  expect(code).toBe(2)
  expect(stderr).toMatch(/^nothing is called smples; there are samples, .*transcripts/)
})
