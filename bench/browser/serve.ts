// A subject in headless Chromium: `node browser/serve.js MODULE [ARGUMENT...]` answers as src/serve.ts does, but the module
// runs in a worker of a page, bundled as users bundle it. The worker asks this process for questions.
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { buffer } from 'node:stream/consumers'
import { build, type Plugin } from 'esbuild'
import type { Question, Stored } from '../src/answering.ts'
import { here } from '../src/subjects.ts'

const { findChromium } = (await import(here('../../../tools/lib.mjs'))) as { findChromium(): string | undefined }
const chromium = findChromium()
if (chromium === undefined) throw new Error('there is no Chromium: install one, or set FLAMBEAU_CHROMIUM to its path')
const [module, ...args] = process.argv.slice(2)

/** What modules for Node import to find files: in a browser files have no folder. */
const ofNode = `
export const createRequire = () => ({ resolve: (name) => '/' + name })
export const dirname = (path) => path
export const fileURLToPath = String
`
const forBrowser: Plugin = {
  name: 'for-browser',
  setup(build) {
    build.onResolve({ filter: /^subject$/ }, () => ({ path: resolve(module) }))
    build.onResolve({ filter: /^node:/ }, ({ path }) => ({ path, namespace: 'node' }))
    build.onLoad({ filter: /.*/, namespace: 'node' }, () => ({ contents: ofNode }))
  },
}
const { outputFiles } = await build({
  entryPoints: [here('../browser/worker.js')],
  bundle: true,
  write: false,
  minify: true,
  format: 'esm',
  target: 'es2022',
  external: ['@flambeau/backend-native', '@flambeau/backend-gpujs', '@flambeau/data', '@flambeau/data-mnist'],
  define: { 'process.argv': JSON.stringify(['node', 'serve.js', module, ...args]) },
  plugins: [forBrowser],
  logLevel: 'error',
})
const worker = outputFiles[0].contents

/** The modules of WebAssembly that libraries fetch, by the names of their files. */
const folders = [
  here('../../../packages/backend-wasm/wasm'),
  here('../../vs/node_modules/@tensorflow/tfjs-backend-wasm/dist'),
]
function compiled(name: string): Buffer {
  for (const folder of folders) {
    try {
      return readFileSync(join(folder, name))
    } catch {}
  }
  throw new Error(`no library here has ${name}`)
}

let inputs: Readonly<Record<string, Stored>> = {}
let scratch = ''
const waiting: Question[] = []
let asking: ((question: Question) => void) | undefined

async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = request.url ?? '/'
  const name = basename(path)
  const end = (type: string, body: string | Uint8Array): void => {
    response.setHeader('content-type', type)
    response.end(body)
  }
  if (path === '/')
    return end('text/html', "<!doctype html><script>new Worker('/worker.js', { type: 'module' })</script>")
  if (path === '/worker.js') return end('text/javascript', worker)
  if (path === '/question') {
    const question = waiting.shift() ?? (await new Promise<Question>((found) => void (asking = found)))
    return end('application/json', JSON.stringify(question))
  }
  if (dirname(path) === '/inputs') return end('application/octet-stream', readFileSync(inputs[name].file))
  if (dirname(path) === '/results') writeFileSync(`${scratch}.${name}`, await buffer(request))
  else if (path === '/answer') process.stdout.write(`${(await buffer(request)).toString()}\n`)
  else if (name.endsWith('.wasm')) return end('application/wasm', compiled(name))
  else response.statusCode = 404
  response.end()
}

const server = createServer((request, response) => {
  respond(request, response).catch((error: Error) => {
    console.error(error.stack)
    response.statusCode = 500
    response.end()
  })
}).listen(0, '127.0.0.1', () => {
  const profile = mkdtempSync(join(tmpdir(), 'flambeau-chromium-'))
  const { port } = server.address() as AddressInfo
  const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking']
  const browser = spawn(chromium, [...flags, `--user-data-dir=${profile}`, `http://127.0.0.1:${port}/`], {
    stdio: 'ignore',
    detached: true,
  })
  const leave = (): void => {
    // Chromium is several processes, which are a group.
    process.kill(-(browser.pid as number), 'SIGKILL')
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 })
    process.exit()
  }
  process.on('SIGTERM', leave)
  createInterface({ input: process.stdin })
    .on('line', (line) => {
      const question = JSON.parse(line) as Question
      if ('load' in question) inputs = question.inputs
      if ('results' in question) scratch = question.results
      if (asking === undefined) waiting.push(question)
      else asking(question)
      asking = undefined
    })
    .on('close', leave)
})
