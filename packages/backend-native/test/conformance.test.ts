import { describeBackend } from '@flambeau/backend-conformance'
import { nativeMissing, testWith } from '../../../tools/test/machine.ts'
import { native } from '../src/index.ts'

// Sums are added in memory order, which decides their last bit, and fused steps round less often.
if (nativeMissing === undefined) describeBackend(() => native(), { level: 'backend', bitwise: false })
else testWith('native', nativeMissing, 'conformance of native', () => {})
