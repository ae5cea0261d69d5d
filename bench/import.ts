// The cost of a fresh process up to its first gradient: bare Node; Node with `import 'flambeau'` and one gradient; the
// same on native if its addon is available, and on wasm; other libraries if bench/vs is installed; and the newest Node with and
// without its compile cache. Each is a new process, run alternately. Also the bytes that the three packages take on
// disk.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { loadDevice } from 'flambeau'
import { measure, type Sample, timed } from './src/harness.ts'
import { packed } from './src/installed.ts'
import { report, type Row } from './src/report.ts'

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url))
const bare = path('./src/processes/bare.js')
const imported = path('./src/processes/imported.js')
const gradient = path('./src/processes/first-gradient.js')
const native = path('./src/processes/first-gradient-native.js')
const wasm = path('./src/processes/first-gradient-wasm.js')
const isHere = (device: string): Promise<boolean> =>
  loadDevice(device).then(
    () => true,
    () => false,
  )
const hasNative = await isHere('native')
const hasWasm = await isHere('wasm')
const others = existsSync(path('../vs/node_modules/.package-lock.json'))
const newest = path('../../tools/nodes/node_modules/node-newest/bin/node')
const hasNewest = existsSync(newest)
const cache = mkdtempSync(join(tmpdir(), 'flambeau-compile-cache-'))
process.on('exit', () => rmSync(cache, { recursive: true }))

/** A new process for every repetition; all must print the same, which shows that they did their work. */
const running = (file: string, node = process.execPath, env = process.env) =>
  timed((n) => {
    let last = ''
    for (let i = 0; i < n; i++) {
      const { stdout, stderr, status } = spawnSync(node, [file], { encoding: 'utf8', env })
      if (status !== 0 || !stdout.trim().endsWith('2.75'))
        throw new Error(`${file} ended with ${status}: ${stdout}${stderr}`)
      last = stdout
    }
    return last
  })

const processes: Record<string, Sample> = {
  bare: running(bare),
  imported: running(imported),
  gradient: running(gradient),
  ...(hasNative && { native: running(native) }),
  ...(hasWasm && { wasm: running(wasm) }),
  ...(others && {
    jax: running(path('../vs/first-gradient-jax.mjs')),
    tfjs: running(path('../vs/first-gradient-tfjs.mjs')),
  }),
  ...(hasNewest && {
    newestBare: running(bare, newest),
    newest: running(gradient, newest),
    cached: running(gradient, newest, { ...process.env, NODE_COMPILE_CACHE: cache }),
  }),
}

const measured = await measure(processes, { rounds: 41, repeat: 1, warmupMs: 500 })

const ms = (ns: number): number => ns / 1e6
const row = (what: string, subject: 'bare' | 'imported' | 'gradient'): Row => {
  const { median, min, p10, p90 } = measured.statistics(subject)
  const note = `min ${ms(min).toFixed(1)}, ${ms(p10).toFixed(1)} to ${ms(p90).toFixed(1)}`
  return { what, value: ms(median), unit: 'ms', note }
}
const over = (what: string, subject: string, held: object, than = 'bare'): Row => {
  const { median, p10, p90 } = measured.difference(subject, than)
  return { what, value: ms(median), unit: 'ms', note: `${ms(p10).toFixed(1)} to ${ms(p90).toFixed(1)}`, ...held }
}
const overBare = (subject: string): number => measured.difference(subject, 'bare').median

const sizes = ['core', 'backend-js', 'flambeau'].map(packed)
const total = sizes.reduce((sum, { unpackedSize }) => sum + unpackedSize, 0)

report(
  [
    over("`import 'flambeau'` and a first gradient, over bare Node", 'gradient', { atMost: 20 }),
    ...(hasNative ? [over('the same on native, over bare Node', 'native', { atMost: 30 })] : []),
    ...(hasWasm ? [over('the same on wasm, over js', 'wasm', { atMost: 20 }, 'gradient')] : []),
    over("`import 'flambeau'` alone, over bare Node", 'imported', {}),
    ...(others
      ? [
          {
            what: 'the same, in what jax-js takes over bare Node',
            value: overBare('gradient') / overBare('jax'),
            unit: 'x',
            atMost: 1,
          },
          over('jax-js and a first gradient, over bare Node', 'jax', {}),
          over('TensorFlow.js and a first gradient, over bare Node', 'tfjs', {}),
        ]
      : []),
    ...(hasNewest
      ? [
          over("`import 'flambeau'` and a first gradient on the newest Node, over bare", 'newest', {}, 'newestBare'),
          over('the same with its cache, `NODE_COMPILE_CACHE`', 'cached', { atMost: 20 }, 'newestBare'),
        ]
      : []),
    row('bare Node', 'bare'),
    row("Node with `import 'flambeau'` and a first gradient", 'gradient'),
    {
      what: 'core, backend-js and flambeau installed',
      value: total / 1e6,
      unit: 'MB',
      note: sizes
        .map(({ name, unpackedSize, entryCount }) => `${name} ${unpackedSize} bytes in ${entryCount} files`)
        .join(', '),
      atMost: 1.5,
    },
  ],
  [
    ...(hasNative ? [] : ['Native is absent: `node tools/native.mjs` builds its addon.']),
    ...(hasWasm ? [] : ['wasm is absent: this engine has no SIMD of WebAssembly.']),
    ...(hasNewest ? [] : ['The newest Node of tools/nodes is absent.']),
    ...(others ? [] : ['Other libraries are absent: `pnpm bench vs` installs them.']),
  ],
)
