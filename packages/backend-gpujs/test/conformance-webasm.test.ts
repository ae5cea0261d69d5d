import { describeMode } from './conformance.ts'

describeMode('webasm', 'WebAssemblyKernel')
