import { describeBackend } from '@flambeau/backend-conformance'
import { nativeMissing, testWith } from '../../../tools/test/machine.ts'
import { native } from '../src/index.ts'

if (nativeMissing === undefined) describeBackend(() => native(), { skip: [] })
else testWith('native', nativeMissing, 'conformance of native', () => {})
