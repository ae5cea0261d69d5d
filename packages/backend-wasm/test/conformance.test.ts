import { describeBackend } from '@flambeau/backend-conformance'
import { setStrict } from '@flambeau/core'
import { afterAll, beforeEach } from 'vitest'
import { wasm } from '../src/index.ts'

// Nothing runs on a fallback, except where a test takes kernels away from the backend.
beforeEach(({ task }) => setStrict(!task.name.includes('unsupported instructions')))
afterAll(() => setStrict(false))

// Sums are added in memory order, which decides their last bit, and fused steps round less often.
describeBackend(() => wasm(), { level: 'backend', bitwise: false })
