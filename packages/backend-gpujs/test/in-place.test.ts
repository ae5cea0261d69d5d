// Writes to the results of every op before backward on gpu.js: the outcomes, errors and node names are PyTorch's.
import { js } from '@flambeau/backend-js'
import { setFallback } from '@flambeau/core'
import { beforeAll, vi } from 'vitest'
import { describeWritten } from '../../backend-conformance/test/in-place.ts'
import { gpujs } from '../src/index.ts'

// Unsupported ops run on js, with one warning per op.
beforeAll(() => void vi.spyOn(console, 'warn').mockImplementation(() => {}))
setFallback(js())
describeWritten(await gpujs({ mode: 'cpu' }))
