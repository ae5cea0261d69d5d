// The conformance suite's smoke tests in a real browser, whose WebGL is SwiftShader's, unlike that of Node here.
import { beforeAll, expect } from 'vitest'
import { inPage } from '../../../tools/test/browser.ts'
import { chromiumMissing, testWith } from '../../../tools/test/machine.ts'
import { golden, scriptOf, suiteInPage } from '../../../tools/test/page-script.ts'
import type { Accuracy, Outcome } from './page.ts'

let script = ''
beforeAll(async () => {
  script = await scriptOf(new URL('page.ts', import.meta.url), [suiteInPage])
})

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
