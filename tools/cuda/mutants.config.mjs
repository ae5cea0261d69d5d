// Vitest for tools/cuda/mutate.mjs: one file that loads the tests of CUDA, in one process, without limits of time.
import { mergeConfig } from 'vitest/config'
import base from '../../vitest.config.ts'

const { include, ...test } = base.test
export default mergeConfig(
  { ...base, test },
  {
    test: {
      include: ['packages/backend-native/test/cuda/mutants.ts'],
      testTimeout: 0,
      hookTimeout: 0,
      maxWorkers: 1,
      reporters: ['dot'],
    },
  },
)
