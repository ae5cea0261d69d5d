// Scripts for pages of tests: a file with all its imports, bundled from the sources. Also the conformance suite's cells
// run in a page, because they are plain data and need no test runner.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Plugin } from 'esbuild'
import { root } from '../lib.mjs'

export const scriptOf = async (file: URL, plugins: Plugin[] = []): Promise<string> => {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(file)],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    conditions: ['@flambeau/source'],
    plugins,
    logLevel: 'error',
  })
  return outputFiles[0].text
}

const nodeModules: Readonly<Record<string, string>> = {
  'node:fs': `export const readFileSync = (url) => {
      const request = new XMLHttpRequest()
      request.open('GET', url, false)
      request.send()
      return request.responseText
    }`,
  'node:v8': 'export const setFlagsFromString = () => {}',
  'node:vm': 'export const runInNewContext = () => globalThis.gc',
}

/** What the suite uses of Node, for a page; collections need a browser with `--js-flags=--expose-gc`. */
export const suiteInPage: Plugin = {
  name: 'suite in a page',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:/ }, ({ path }) => ({ path, namespace: 'node' }))
    onLoad({ filter: /.*/, namespace: 'node' }, ({ path }) => ({ contents: nodeModules[path] }))
  },
}

/** The golden files as the suite in a page asks for them. */
export const golden = (path: string): string | undefined => {
  const file = join(root, 'packages/backend-conformance', path)
  return path.startsWith('/golden/') && existsSync(file) ? readFileSync(file, 'utf8') : undefined
}
