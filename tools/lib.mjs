// Common code of the scripts: the root folder, starting programs, reporting steps.
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

export const root = fileURLToPath(new URL('..', import.meta.url))
export const readJson = (...path) => JSON.parse(readFileSync(join(root, ...path), 'utf8'))

/** The published packages, as folders under packages/. */
export const published = [
  'core',
  'backend-js',
  'backend-native',
  'backend-wasm',
  'backend-gpujs',
  'backend-conformance',
  'data',
  'vision',
  'data-mnist',
  'flambeau',
]

/**
 * What this machine must be able to run, from FLAMBEAU_REQUIRE: a test that would be skipped because something is
 * missing fails instead.
 */
export const required = new Set((process.env.FLAMBEAU_REQUIRE ?? '').split(',').filter(Boolean))

const chromiums = [
  process.env.FLAMBEAU_CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
]
/** The browser for tests, or undefined. */
export const findChromium = () => chromiums.find((path) => path && existsSync(path))

/**
 * Parses a script's arguments with node:util's parseArgs. `--help` prints the usage and exits; an unknown option is
 * reported in one line.
 */
export const readArgs = (usage, { options = {}, allowPositionals = false } = {}) => {
  let parsed
  try {
    parsed = parseArgs({ allowPositionals, options: { ...options, help: { type: 'boolean', short: 'h' } } })
  } catch (error) {
    say(`${error.message.split(/\. |\n/)[0]}; --help lists the options`)
    process.exit(2)
  }
  if (!parsed.values.help) return parsed
  process.stdout.write(`${usage}\n`)
  process.exit(0)
}

/** Messages of these scripts go to stderr, so that stdout has only the program's own lines. */
export const say = (line) => process.stderr.write(`${line}\n`)

const env = { TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1', CI: process.env.CI ?? '1' }

/** Runs a program to its end. With `inherit` it uses this terminal, otherwise its output is returned. */
export const run = (program, args, { inherit = false, cwd = root, extraEnv = {}, shell = false } = {}) =>
  new Promise((done) => {
    // With a terminal a program should detect that it isn't a CI job; when captured, it must not ask questions.
    const childEnv = { ...process.env, ...(inherit ? { ...env, CI: process.env.CI } : env), ...extraEnv }
    if (childEnv.CI === undefined) delete childEnv.CI
    const child = spawn(program, args, {
      cwd,
      env: childEnv,
      shell,
      stdio: inherit ? 'inherit' : ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    child.stdout?.on('data', (chunk) => (output += chunk))
    child.stderr?.on('data', (chunk) => (output += chunk))
    // Ctrl-C also reaches the child, which decides how to end; this process reports that.
    const wait = () => {}
    process.on('SIGINT', wait)
    child.on('error', (error) => done({ code: 127, output: `${program}: ${error.message}` }))
    child.on('close', (code, signal) => {
      process.off('SIGINT', wait)
      done({ code: code ?? 128 + (signal === 'SIGINT' ? 2 : 15), output })
    })
  })

/** Runs a script with this Node. */
export const node = (script, args = [], options = {}) => run(process.execPath, [join(root, script), ...args], options)

/**
 * Puts the pinned pnpm on the path of this process and its children; npm fetches it if it is missing. Returns the
 * result. If pnpm started this process, the path has it already.
 */
const findPnpm = async () => {
  const pin = readJson('package.json').packageManager
  const { npm_config_user_agent: agent, npm_execpath: npm, FLAMBEAU_PNPM: found } = process.env
  if (found === pin || agent?.startsWith(`${pin.replace('@', '/')} `)) return { code: 0, output: '' }
  const args = ['exec', '--yes', '--prefer-offline', `--package=${pin}`, '--', 'node', '-p', 'process.env.PATH']
  const result = npm?.endsWith('npm-cli.js')
    ? await run(process.execPath, [npm, ...args])
    : await run('npm', args, { shell: process.platform === 'win32' })
  if (result.code === 0)
    Object.assign(process.env, { FLAMBEAU_PNPM: pin, PATH: result.output.trim().split('\n').at(-1) })
  return result
}

/** Runs the pinned pnpm. */
export const pnpm = async (args, options = {}) => {
  const found = await findPnpm()
  return found.code === 0 ? run('pnpm', args, { ...options, shell: process.platform === 'win32' }) : found
}

/** Runs tasks of turbo.json; only failures show their output. */
export const turbo = (args, options = {}) =>
  pnpm(['exec', 'turbo', 'run', ...args, '--output-logs=errors-only'], options)

/**
 * Runs one step of a longer job and prints one line for it, with its output if it failed. Returns whether it passed.
 */
export const step = async (name, job) => {
  const start = performance.now()
  const { code, output } = await job()
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  say(`${code === 0 ? '✓' : '✗'} ${name} ${seconds} s`)
  if (code !== 0) say(output.trimEnd())
  return code === 0
}
