// Every op written in place before backward on gpu.js: the same outcomes as PyTorch's, errors and names of nodes too.
import { js } from '@flambeau/backend-js'
import { setFallback } from '@flambeau/core'
import { beforeAll, vi } from 'vitest'
import { describeWritten } from '../../backend-conformance/test/in-place.ts'
import { gpujs } from '../src/index.ts'

// What it lacks runs on js, which it says once an op.
beforeAll(() => void vi.spyOn(console, 'warn').mockImplementation(() => {}))
setFallback(js())
describeWritten(await gpujs({ mode: 'cpu' }))
