import { describeMode } from './conformance.ts'

describeMode('cpu', 'CPUKernel')
