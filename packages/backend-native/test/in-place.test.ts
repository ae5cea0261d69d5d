// Every op with an operand overwritten before backward, on native: the outcomes are PyTorch's, including the errors and
// their node names.
import { nativeMissing, testWith } from '../../../tools/test/machine.ts'
import { describeWritten } from '../../backend-conformance/test/in-place.ts'
import { native } from '../src/index.ts'

const differences = {
  'crossEntropy inputs': 'its kernel keeps the inputs and computes their softmax in backward, where PyTorch keeps that',
}
if (nativeMissing === undefined) describeWritten(await native(), differences)
else testWith('native', nativeMissing, 'written before backward on native', () => {})
