// Serves the page of browser/: bundled from the sources at start, kept in memory, compressed when it is first asked for,
// and sent only to this machine.
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { dirname, extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import type { Plugin, transform as Transform } from 'esbuild'

const folder = fileURLToPath(new URL('../browser/', import.meta.url))

const target = 'es2022'

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff': 'font/woff',
  '.woff2': 'font/woff2',
  '.wasm': 'application/wasm',
}

interface Content {
  readonly type: string
  readonly plain: Uint8Array
  /** Present if it is smaller. */
  gzipped(): Uint8Array | undefined
}

const contentOf = (path: string, plain: Uint8Array): Content => {
  const type = types[extname(path)]
  const isPacked = type.startsWith('font/')
  let gzipped: Uint8Array | undefined
  return { type, plain, gzipped: () => (isPacked ? undefined : (gzipped ??= gzipSync(plain))) }
}

/**
 * The classes of the lessons keep the names that modules print. The packages name their own; keeping all names, of
 * functions too, would make the page 7 % larger.
 */
const lessonNames = (transform: typeof Transform): Plugin => ({
  name: 'lesson names',
  setup: ({ onLoad }) =>
    onLoad({ filter: /[\\/]examples[\\/]src[\\/].*\.ts$/ }, async ({ path }) => {
      const { code } = await transform(await readFile(path, 'utf8'), { loader: 'ts', keepNames: true, target })
      return { contents: code, loader: 'js' }
    }),
})

/** All files of the page by path. */
const makePage = async (): Promise<ReadonlyMap<string, Content>> => {
  // Imported on demand, so that other commands don't wait for it.
  const { build, transform } = await import('esbuild')
  const { outputFiles } = await build({
    absWorkingDir: folder,
    entryPoints: ['page.ts', 'worker.ts', 'page.css'],
    outdir: folder,
    write: false,
    bundle: true,
    splitting: true,
    minify: true,
    format: 'esm',
    target,
    conditions: ['@flambeau/source'],
    loader: { '.woff': 'file', '.woff2': 'file' },
    plugins: [lessonNames(transform)],
    logLevel: 'error',
  })
  const files = new Map<string, Content>()
  const add = (path: string, contents: Uint8Array) => files.set(path, contentOf(path, contents))
  for (const { path, contents } of outputFiles) add(path.slice(folder.length - 1).replaceAll('\\', '/'), contents)
  for (const name of ['index.html', 'icon.svg']) add(`/${name}`, await readFile(`${folder}${name}`))
  const { resolve } = createRequire(import.meta.url)
  const wasm = join(dirname(resolve('@flambeau/backend-wasm/package.json')), 'wasm', 'flambeau.wasm')
  add('/flambeau.wasm', await readFile(wasm))
  return files.set('/', files.get('/index.html') as Content)
}

let made: ReturnType<typeof makePage> | undefined

/** The page may only load its own files. The caller decides whether it may generate code from text. */
const policy = (mayEvaluate: boolean): string =>
  [
    "default-src 'none'",
    `script-src 'self' 'wasm-unsafe-eval'${mayEvaluate ? " 'unsafe-eval'" : ''}`,
    "worker-src 'self'",
    // The module of WebAssembly.
    "connect-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "font-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')

export interface PageOptions {
  /** 0 chooses a free port. */
  readonly port?: number
  /** Whether the page may generate code from text, which makes js fast and which gpujs needs; by default true. */
  readonly mayEvaluate?: boolean
}

/** Serves the page until the server is closed. Throws Node's error if it cannot listen. */
export const servePage = async ({
  port = 0,
  mayEvaluate = true,
}: PageOptions = {}): Promise<{ address: string; server: Server }> => {
  const server = createServer()
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  // All servers of a process serve the same bytes.
  const files = await (made ??= makePage())
  server.on('request', ({ method, url = '/', headers }, response) => {
    const found = method === 'GET' || method === 'HEAD' ? files.get(url.split('?')[0]) : undefined
    const gzipped = /\bgzip\b/.test(String(headers['accept-encoding'])) ? found?.gzipped() : undefined
    response.setHeader('content-security-policy', policy(mayEvaluate))
    response.setHeader('x-content-type-options', 'nosniff')
    response.setHeader('cache-control', 'no-store')
    response.setHeader('vary', 'accept-encoding')
    response.setHeader('content-type', found?.type ?? 'text/plain')
    if (gzipped !== undefined) response.setHeader('content-encoding', 'gzip')
    response.statusCode = found ? 200 : 404
    response.end(method === 'HEAD' ? undefined : (gzipped ?? found?.plain ?? 'Nothing is here.'))
  })
  return { address: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, server }
}
