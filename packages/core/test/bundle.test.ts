// Printing must not depend on the names that a bundler assigns: this bundles and minifies core, and checks its reprs.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { expect, test } from 'vitest'

test('reprs and error names survive a minifier', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'flambeau-bundle-'))
  try {
    const outfile = join(folder, 'all.mjs')
    const contents = `export * from '@flambeau/core'; export { js } from '@flambeau/backend-js'`
    await build({
      stdin: { contents, resolveDir: fileURLToPath(new URL('.', import.meta.url)) },
      outfile,
      bundle: true,
      minify: true,
      format: 'esm',
      conditions: ['@flambeau/source'],
      logLevel: 'error',
    })
    const { js, nn, optim, tensor, useDevice } = await import(pathToFileURL(outfile).href)
    useDevice(js())
    const model = new nn.Sequential(new nn.Linear(2, 3), new nn.ReLU())
    expect(String(model)).toBe('Sequential(\n  (0): Linear(in_features=2, out_features=3, bias=True)\n  (1): ReLU()\n)')
    expect(String(new optim.SGD(model.parameters(), { lr: 0.1 }))).toMatch(/^SGD \(/)
    let name = ''
    try {
      tensor([1, 2]).add(tensor([1, 2, 3]))
    } catch (error) {
      name = (error as Error).name
    }
    expect(name).toBe('RuntimeError')
  } finally {
    rmSync(folder, { recursive: true })
  }
})
