// The two commands of a clone: they reject an old Node in one clear line, pass arguments and exit codes through, add
// nothing to a program's output, and count tests correctly.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { tested } from '../setup.mjs'
import { nativeMissing, testWith } from './machine.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const frontDoor = join(root, 'tools/front-door.mjs')
// Inside the tree, so that the test files written there can import vitest.
mkdirSync(join(root, '.cache'), { recursive: true })
const temp = mkdtempSync(join(root, '.cache/counts-'))
afterAll(() => rmSync(temp, { recursive: true }))

const node = (args: string[], env: Record<string, string> = {}) =>
  new Promise<{ code: number; stdout: string; stderr: string }>((done) => {
    execFile(process.execPath, args, { cwd: root, env: { ...process.env, ...env } }, (error, stdout, stderr) =>
      done({ code: typeof error?.code === 'number' ? error.code : error ? 1 : 0, stdout, stderr }),
    )
  })

const asNode = (version: string) =>
  `data:text/javascript,Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } })`

test.each([
  ['start', '18.20.8'],
  ['test', '18.20.8'],
  ['start', '20.18.0'],
  ['test', '22.11.0'],
])('npm %s with Node %s is refused in one line', async (command, version) => {
  const { code, stdout, stderr } = await node(['--import', asNode(version), frontDoor, command])
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toBe(
    `flambeau: this is Node ${version}; npm ${command} needs Node 20.19, 22.12 or newer (https://nodejs.org)\n`,
  )
})

// The first call may have to install or build, which is not under test.
beforeAll(() => node([frontDoor, 'start', '--help']), 300_000)

test('npm start shows only the help of the examples', async () => {
  const direct = await node(['examples/dist/main.js', '--help'])
  const { code, stdout, stderr } = await node([frontDoor, 'start', '--help'])
  // It prints a line if it builds or installs.
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: direct.stdout, stderr: '' })
  expect(stdout).toContain('--backend')
}, 30_000)

test('npm start passes on the exit code', async () => {
  const { code, stderr } = await node([frontDoor, 'start', 'no-such-example'])
  expect(code).toBe(2)
  expect(stderr.trimEnd().split('\n')).toHaveLength(1)
}, 30_000)

testWith(
  'native',
  nativeMissing,
  'npm start uses native if it loads, and builds it for --backend native',
  async () => {
    const transcript = JSON.parse(readFileSync(join(root, 'examples/transcripts/boston-0.json'), 'utf8'))
    for (const args of [[], ['--backend', 'native'], ['--backend=native']]) {
      const { code, stdout, stderr } = await node([frontDoor, 'start', 'boston', '--epochs', '100', ...args])
      expect({ code, stdout }).toEqual({ code: 0, stdout: `${transcript.lines[0]}\n` })
      expect(stderr).toMatch(/^# boston, on native$/m)
    }
    const { stdout } = await node([frontDoor, 'start', 'doctor'])
    expect(stdout).toMatch(/^✓ native +ready: kernels \w+ \(of .+\), .+, \d+ of \d+ threads$/m)
  },
  300_000,
)

testWith(
  'native',
  nativeMissing,
  'if native does not load, npm start continues with wasm, and doctor says what to do',
  async () => {
    const env = { FLAMBEAU_NATIVE_PATH: join(temp, 'none.node') }
    const run = (...args: string[]) => node([frontDoor, 'start', ...args], env)
    expect((await run('boston', '--epochs', '1')).stderr).toMatch(/^# boston, on wasm$/m)
    const named = await run('boston', '--epochs', '1', '--backend', 'native')
    expect(named.code).toBe(2)
    expect(named.stderr).toMatch(
      /^flambeau: device 'native' found no addon for .*; npm start -- doctor says what is there/m,
    )
    expect((await run('doctor')).stdout).toMatch(
      /^– native +installed, but not built; npm start -- boston --backend native builds it/m,
    )
    writeFileSync(env.FLAMBEAU_NATIVE_PATH, 'no addon')
    expect((await run('doctor')).stdout).toMatch(
      /^– native +built, and does not load: FLAMBEAU_NATIVE_PATH \(.*none\.node\): .*; npm start/m,
    )
  },
  60_000,
)

test('npm start uses gpujs on request, in a mode without requirements if there is no other', async () => {
  const transcript = JSON.parse(readFileSync(join(root, 'examples/transcripts/boston-0.json'), 'utf8'))
  const { code, stdout, stderr } = await node([frontDoor, 'start', 'boston', '--epochs', '100', '--backend', 'gpujs'])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '# boston, on gpujs\n' })
  const [loss, wanted] = [stdout, transcript.lines[0]].map((line) => Number(line.split('loss=')[1]))
  expect(Math.abs(loss / wanted - 1)).toBeLessThan(1e-3)
  const doctor = await node([frontDoor, 'start', 'doctor'])
  for (const mode of ['webasm', 'cpu'])
    expect(doctor.stdout).toMatch(new RegExp(`^✓ gpujs ${mode} +ready: kernels on the host$`, 'm'))
  for (const mode of ['webgl2', 'headlessgl'])
    expect(doctor.stdout).toMatch(
      new RegExp(`^(✓ gpujs ${mode} +ready: kernels on .*|– gpujs ${mode} +.*\\. .*)$`, 'm'),
    )
}, 60_000)

test('npm start -- page prints an address, and serves a page until Ctrl-C', async () => {
  const child = spawn(process.execPath, [frontDoor, 'start', 'page', '--port', '0'], { cwd: root, detached: true })
  try {
    const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string]
    const address = /^The page is at (http:\/\/127\.0\.0\.1:\d+\/) \(Ctrl-C ends it\)\n$/.exec(line)?.[1] as string
    const page = await fetch(address)
    expect(page.headers.get('content-security-policy')).toMatch(/^default-src 'none'; script-src 'self'/)
    for (const [, file] of (await page.text()).matchAll(/(?:src|href)="([^"]+)"/g)) {
      expect((await fetch(address + file)).status, file).toBe(200)
    }
    expect((await fetch(`${address}package.json`)).status).toBe(404)
    expect((await fetch(address, { method: 'POST' })).status).toBe(404)
  } finally {
    // Ctrl-C goes to all processes of a terminal.
    process.kill(-(child.pid as number), 'SIGINT')
  }
  const [code] = await once(child, 'exit')
  expect(code).toBe(130)
}, 30_000)

/** The test files below a folder, without installed packages and what was built. */
const testFiles = (folder: string): string[] =>
  readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (!entry.isDirectory()) return path.endsWith('.test.ts') ? [path] : []
    return /^(node_modules|dist|\..*)$/.test(entry.name) ? [] : testFiles(path)
  })

test('npm test runs every test file', () => {
  const folders = testFiles('').map((file) => file.slice(0, file.indexOf('/test/')))
  expect(folders.length).toBeGreaterThan(30)
  expect([...new Set(folders)].filter((folder) => !tested.includes(folder))).toEqual([])
  for (const folder of tested) {
    const { scripts } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'))
    expect(`${folder}: ${scripts.test}`).toMatch(/(unit|native|wasm|cuda)\.mjs( test| --no-isolate)?$/)
  }
})

test('the last lines count every test and name what failed, including broken files and errors outside tests', async () => {
  writeFileSync(join(temp, 'vitest.config.mjs'), 'export default {}\n')
  const vitest = "import { test } from 'vitest'\n"
  writeFileSync(
    join(temp, 'a.test.js'),
    `${vitest}test('passes', () => {})\ntest('fails', () => { throw new Error('first\\nsecond') })\ntest.skip('skipped', () => {})\n`,
  )
  writeFileSync(join(temp, 'broken.test.js'), "throw new Error('failed')\n")
  writeFileSync(join(temp, 'c.test.js'), `${vitest}test('passes', () => void Promise.reject(new Error('unhandled')))\n`)
  const counts = join(temp, 'counts.json')
  const reporter = `--reporter=${join(root, 'tools/count-reporter.mjs')}`
  const args = [join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--root', temp, reporter]
  const { code } = await node(args, { FLAMBEAU_COUNTS: counts })
  expect(code).toBe(1)
  const { failures, ...numbers } = JSON.parse(readFileSync(counts, 'utf8'))
  expect(numbers).toEqual({ passed: 2, failed: 3, skipped: 1 })
  expect(failures.map((name: string) => name.replace(/^.*[/]/, '')).sort()).toEqual([
    'a.test.js > fails: first',
    'broken.test.js: failed',
    'outside of any test: unhandled',
  ])
}, 30_000)
