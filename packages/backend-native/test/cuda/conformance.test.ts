import { describeBackend } from '@flambeau/backend-conformance'
import { testWith } from '../../../../tools/test/machine.ts'
import { openCuda } from '../../src/cuda/index.ts'
import { cudaMissing } from './driver.ts'

if (cudaMissing === undefined) describeBackend(() => openCuda(0), { level: 'kernels' })
else testWith('native', cudaMissing, 'conformance of cuda', () => {})
