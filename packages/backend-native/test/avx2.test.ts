// The tests are cells of the conformance suite; isa.ts registers them.
import { describeKernels } from './isa.ts'

await describeKernels('avx2')
