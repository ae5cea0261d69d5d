import { describeBackend } from '@flambeau/backend-conformance'
import { wasm } from '../src/index.ts'

// Sums are added in memory order, which decides their last bit, and fused steps round less often.
describeBackend(() => wasm(), { level: 'backend', bitwise: false })
