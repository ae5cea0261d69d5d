import { describeKernels } from './isa.ts'

await describeKernels('avx2')
