// The conformance suite in a browser: every run some ops of every kind, on both modules, on the main thread and in a
// worker; with FLAMBEAU_WHOLE all of it, which takes minutes.
import { readFileSync } from 'node:fs'
import { beforeAll, expect } from 'vitest'
import { inPage } from '../../../tools/test/browser.ts'
import { chromiumMissing, testWith } from '../../../tools/test/machine.ts'
import { golden, scriptOf, suiteInPage } from '../../../tools/test/page-script.ts'
import { smoke } from '../../backend-gpujs/test/smoke.ts'
import type { Outcome, Run } from './page.ts'

const isWhole = process.env.FLAMBEAU_WHOLE !== undefined
const modules = ['flambeau.wasm', 'flambeau-relaxed.wasm']
const places = ['main thread', 'worker'] as const
const runs = modules.flatMap((module, i) =>
  places.filter((_, k) => isWhole || i === k).map((place) => ({ module, place })),
)

let script = ''
beforeAll(async () => {
  script = await scriptOf(new URL('page.ts', import.meta.url), [suiteInPage])
})

const file = (path: string) =>
  modules.includes(path.slice(1)) ? readFileSync(new URL(`../wasm${path}`, import.meta.url)) : golden(path)

for (const { module, place } of runs) {
  testWith(
    'browser',
    chromiumMissing,
    `conformance in Chromium, ${module}, ${place}`,
    async () => {
      const options: Run['options'] = isWhole ? { level: 'backend', bitwise: false } : { ...smoke }
      const outcome = await inPage({ script, file, args: ['--js-flags=--expose-gc'] }, (page) =>
        page.evaluate(
          (run) => (globalThis as unknown as { conformance(run: Run): Promise<Outcome> }).conformance(run),
          {
            module: `/${module}`,
            place,
            options,
          },
        ),
      )
      console.log(`${module}, ${place}: ${outcome.passed} cells`)
      expect(outcome.failed).toEqual([])
      expect(outcome.passed).toBeGreaterThan(150)
      expect(outcome.fallbacks).toEqual([])
    },
    1_800_000,
  )
}
