// Tests run on the sources: the '@flambeau/source' condition of every package's exports points at src, so no test ever
// reads a stale build.
import { defineConfig } from 'vitest/config'

const conditions = ['@flambeau/source']

export default defineConfig({
  resolve: { conditions: [...conditions, 'module', 'browser', 'development|production'] },
  ssr: { resolve: { conditions: [...conditions, 'module', 'node', 'development|production'] } },
  test: {
    include: ['{packages/*,examples,tools,bench}/test/**/*.test.ts'],
    reporters: ['default', './tools/count-reporter.mjs'],
    maxWorkers: 2,
  },
})
