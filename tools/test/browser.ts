// Pages for tests: served from memory and opened in this machine's Chromium, which starts once for a file and its arguments.
// Each page is in a context of its own, so none sees the storage or the cache of another.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname } from 'node:path'
import { type Browser, type Page, chromium as playwright } from 'playwright-core'
import { afterAll } from 'vitest'
import { chromium, chromiumArgs } from './machine.ts'

export interface Served {
  /** The script of the page, a module. */
  readonly script: string
  /** The content security policy of the page. */
  readonly policy?: string
  /** Other files, by path; the server has no others. */
  readonly file?: (path: string) => string | Uint8Array | undefined
  /** What the page has before its script, such as an import map. */
  readonly head?: string
  /** Further arguments of the browser. */
  readonly args?: readonly string[]
}

const browsers = new Map<string, Promise<Browser>>()
const browserWith = (args: readonly string[]): Promise<Browser> => {
  const key = args.join(' ')
  const started = browsers.get(key) ?? playwright.launch({ executablePath: chromium, args: [...chromiumArgs, ...args] })
  browsers.set(key, started)
  return started
}
afterAll(async () => {
  for (const started of browsers.values()) await (await started).close()
  browsers.clear()
})

const types: Readonly<Record<string, string>> = { '.wasm': 'application/wasm' }

/** Opens a page, and evaluates a function on it once its script has run. */
export const inPage = async <T>(
  { script, policy, file, head = '', args = [] }: Served,
  look: (page: Page) => Promise<T>,
): Promise<T> => {
  const server = createServer((request, response) => {
    const path = request.url ?? '/'
    if (policy) response.setHeader('content-security-policy', policy)
    const page = `<!doctype html><meta charset="utf-8"><title>flambeau</title>${head}<script type="module" src="bundle.js"></script>`
    const found = path === '/' ? page : path === '/bundle.js' ? script : file?.(path)
    response.statusCode = found === undefined ? 404 : 200
    response.setHeader('content-type', path === '/' ? 'text/html' : (types[extname(path)] ?? 'text/javascript'))
    response.end(found)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const context = await (await browserWith(args)).newContext()
  try {
    const page = await context.newPage()
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, { waitUntil: 'load' })
    return await look(page)
  } finally {
    await context.close()
    server.close()
  }
}
