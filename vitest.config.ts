// Tests run on the sources: the '@flambeau/source' condition of every package's exports points at src, so no test ever
// reads a stale build.
import { defineConfig } from 'vitest/config'

const conditions = ['@flambeau/source', 'module', 'node', 'development|production']

export default defineConfig({
  resolve: { conditions },
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
