// The tests are the conformance suite, one for each of its cells; isa.ts registers them.
import { describeKernels } from './isa.ts'

await describeKernels('v2')
