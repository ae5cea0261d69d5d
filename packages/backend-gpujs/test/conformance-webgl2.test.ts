import { describeMode } from './conformance.ts'

describeMode('webgl2', 'WebGL2Kernel')
