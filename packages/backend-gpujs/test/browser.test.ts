// The conformance suite's smoke tests in a real browser, whose WebGL is SwiftShader's, unlike that of Node here.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Plugin } from 'esbuild'
import { beforeAll, expect } from 'vitest'
import { root } from '../../../tools/lib.mjs'
import { inPage } from '../../../tools/test/browser.ts'
import { chromiumMissing, testWith } from '../../../tools/test/machine.ts'
import type { Accuracy, Outcome } from './page.ts'
import { scriptOf } from './script.ts'

/** In a page, golden files come with the bundle; there are no forced collections and no test runner. */
const inBrowser: Plugin = {
  name: 'in-browser',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:/ }, ({ path }) => ({ path, namespace: 'node' }))
    onLoad({ filter: /.*/, namespace: 'node' }, ({ path }) => ({
      contents:
        path === 'node:fs'
          ? `export const readFileSync = (url) => {
               const request = new XMLHttpRequest()
               request.open('GET', url, false)
               request.send()
               return request.responseText
             }`
          : 'export const setFlagsFromString = undefined, runInNewContext = undefined',
    }))
  },
}

let script = ''
beforeAll(async () => {
  script = await scriptOf('page.ts', [inBrowser])
})

const golden = (path: string) =>
  path.startsWith('/golden/') ? readFileSync(join(root, 'packages/backend-conformance', path), 'utf8') : undefined

for (const { mode, kernelClass } of [
  { mode: 'webgl2', kernelClass: 'WebGL2Kernel' },
  { mode: 'webgl', kernelClass: 'WebGLKernel' },
]) {
  testWith(
    'browser',
    chromiumMissing,
    `conformance in Chromium on ${mode}`,
    async () => {
      const outcome = await inPage({ script, file: golden, args: ['--enable-unsafe-swiftshader'] }, (page) =>
        page.evaluate(
          (name) => (globalThis as unknown as { conformance: (mode: string) => Promise<Outcome> }).conformance(name),
          mode,
        ),
      )
      console.log(
        `${mode}: ${outcome.passed.length} cells, ${outcome.renderer}, on js: ${outcome.fallbacks.join(', ')}`,
      )
      expect(outcome.failed).toEqual([])
      expect(outcome.passed.length).toBeGreaterThan(80)
      expect(outcome.kernelClass).toBe(kernelClass)
    },
    600_000,
  )

  testWith(
    'browser',
    chromiumMissing,
    `accuracy in Chromium on ${mode}`,
    async () => {
      const { found, wrong } = await inPage({ script, args: ['--enable-unsafe-swiftshader'] }, (page) =>
        page.evaluate(
          (name) => (globalThis as unknown as { accuracy: (mode: string) => Promise<Accuracy> }).accuracy(name),
          mode,
        ),
      )
      if (process.env.FLAMBEAU_ACCURACY)
        console.log(mode, found.map(({ name, units }) => `${name}: ${units}`).join(', '))
      expect(wrong).toEqual([])
    },
    120_000,
  )
}
