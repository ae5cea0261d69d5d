import { describeBackend } from '@flambeau/backend-conformance'
import { openCuda } from '../../src/cuda/index.ts'
describeBackend(() => openCuda(0), { level: 'kernels', bitwise: false })
