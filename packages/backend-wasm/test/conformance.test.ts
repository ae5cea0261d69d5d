import { describeBackend } from '@flambeau/backend-conformance'
import { setStrict } from '@flambeau/core'
import { afterAll, beforeAll } from 'vitest'
import { wasm } from '../src/index.ts'

// Nothing runs on a fallback.
beforeAll(() => setStrict(true))
afterAll(() => setStrict(false))

// Sums are added in memory order, which decides their last bit, and fused steps round less often.
describeBackend(() => wasm(), { level: 'backend', bitwise: false })
