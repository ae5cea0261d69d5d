// The conformance suite by the driver for tests, with no op left to the fallback: at level `kernels`, or at the one that
// FLAMBEAU_CUDA_LEVEL names. All that is for a backend beside another, FLAMBEAU_CUDA_LEVEL=backend, takes two minutes.
import { describeBackend, type Level } from '@flambeau/backend-conformance'
import { setStrict } from '@flambeau/core'
import { afterAll, beforeEach } from 'vitest'
import { testWith } from '../../../../tools/test/machine.ts'
import { openCuda } from '../../src/cuda/index.ts'
import { cudaMissing } from './driver.ts'

const level = (process.env.FLAMBEAU_CUDA_LEVEL ?? 'kernels') as Level

if (cudaMissing === undefined) {
  // With memory as users have it; other tests have allocations of their own.
  process.env.FLAMBEAU_CUDA_CACHING = '1'
  beforeEach(({ task }) => setStrict(!task.name.includes('unsupported instructions')))
  afterAll(() => setStrict(false))
  describeBackend(() => openCuda(0), { level })
} else testWith('native', cudaMissing, 'conformance of cuda', () => {})
