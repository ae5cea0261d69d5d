// Every command of this repository says how it is called, and says in a line that an option is none.
import { exec } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (file: string): string => readFileSync(join(root, file), 'utf8')

/** By a shell, as pnpm does it. */
const run = (command: string) =>
  new Promise<{ code: number; stdout: string; stderr: string }>((done) => {
    exec(command, { cwd: root }, (error, stdout, stderr) => done({ code: error?.code ?? 0, stdout, stderr }))
  })

const tools = readdirSync(join(root, 'tools')).filter(
  (file) => file.endsWith('.mjs') && file !== 'lib.mjs' && /\breadArgs\(/.test(read(`tools/${file}`)),
)
const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
const commands = [
  ...tools.map((file) => `node tools/${file}`),
  ...Object.entries(scripts)
    // Others bring their own help.
    .filter(([name, script]) => /^node tools/.test(script) && name !== 'release')
    .map(([, script]) => script),
  'node packages/backend-native/bin/flambeau-native.mjs',
]

test.each([...new Set(commands)])('%s --help', { timeout: 120_000 }, async (command) => {
  const { code, stdout, stderr } = await run(`${command} --help`)
  expect(code).toBe(0)
  // The build before a program speaks for itself.
  if (!command.includes('&&')) expect(stderr).toBe('')
  expect(stdout).toMatch(/^(node tools\/\S+|npm|pnpm|npx) /m)
})

test.each(tools)('%s refuses an option that is none, in a line', async (file) => {
  const { code, stdout, stderr } = await run(`node tools/${file} --no-such-option`)
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toBe("Unknown option '--no-such-option'; --help says what there is\n")
})

test('pnpm golden names what there is', async () => {
  const { code, stderr } = await run('node tools/golden/run.mjs smples')
  expect(code).toBe(2)
  expect(stderr).toMatch(/^nothing is called smples; there are samples, .*transcripts/)
})
