// Tests run on the sources: the '@flambeau/source' condition of every package's exports points at src, so no test ever
// reads a stale build.
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const conditions = ['@flambeau/source', 'module', 'node', 'development|production']

/** Private, so that no package of a user's depends on it: it is bundled into those that use it. */
const alias = { '@flambeau/stream': fileURLToPath(new URL('packages/stream/src/index.ts', import.meta.url)) }

export default defineConfig({
  resolve: { conditions, alias },
  ssr: { resolve: { conditions } },
  test: {
    include: ['{packages/*,examples,tools,bench}/test/**/*.test.ts'],
    reporters: ['default', './tools/count-reporter.mjs'],
    // A collection that waits for threads to help it stands still for as long as half a minute where the machine is busy.
    execArgv: ['--single-threaded-gc'],
    // Golden files are large and machines of continuous integration slow.
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
})
