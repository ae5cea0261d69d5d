import { describeMode } from './conformance.ts'
import { smoke } from './smoke.ts'

describeMode('headlessgl', 'HeadlessGLKernel', smoke)
