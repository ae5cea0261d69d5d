// WebGL in Node for the test files that import this: an X server that draws into memory, if the system's GL needs one.
// It ends with the process that started it, however that ends.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { glMissing } from '../gl.mjs'

/** The shell waits for the end of its input, which comes when this process ends, and then kills the server. */
const script = 'Xvfb -displayfd 3 -screen 0 64x64x24 -nolisten tcp -noreset & exec 3>&-; read -r _; kill $!; wait'

const startServer = async (): Promise<string> => {
  const shell = spawn('sh', ['-c', script], { stdio: ['pipe', 'ignore', 'pipe', 'pipe'], detached: true })
  const said = shell.stdio[3] as Readable
  // Its warnings are not failures: it also tries display numbers that are taken.
  let warned = ''
  shell.stderr?.on('data', (text) => {
    warned += text
  })
  const failed = once(said, 'end').then(() => {
    throw new Error(`Xvfb did not start: ${warned}`)
  })
  const [number] = await Promise.race([once(said, 'data'), failed])
  failed.catch(() => {})
  for (const each of [shell, shell.stdin, shell.stderr, said] as unknown as { unref(): void }[]) each.unref()
  return `:${String(number).trim()}`
}

/** Why Node has no WebGL here; undefined if it has, and then DISPLAY is set. */
export const webglMissing = glMissing()
if (webglMissing === undefined && process.platform === 'linux') {
  process.env.DISPLAY = await startServer()
  // Most shaders of tests run once on a few elements: Mesa's software GL compiles them in two thirds of the time without
  // the optimisations of LLVM. An earlier run may have left them in its cache, a fresh machine has none.
  process.env.GALLIVM_PERF ??= 'nopt'
}
