// Every op with an operand overwritten before backward, on wasm: the outcomes are PyTorch's, including the errors and
// their node names.
import { describeWritten } from '../../backend-conformance/test/in-place.ts'
import { wasm } from '../src/index.ts'

describeWritten(await wasm(), {
  'crossEntropy inputs': 'its kernel keeps the inputs and computes their softmax in backward, where PyTorch keeps that',
})
