import { describeKernels } from './isa.ts'

await describeKernels('v2')
