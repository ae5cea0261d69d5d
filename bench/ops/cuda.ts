// The goals on a GPU of NVIDIA's (src/cuda.ts), each with its target. Where there is none, they are skipped, and it says why.
import { native } from '@flambeau/backend-native'
import { here } from '../src/subjects.ts'
import { gpuRows, skippedGoals } from '../src/cuda.ts'
import { report } from '../src/report.ts'

const missing = await native({ device: 'cuda' }).then(
  () => undefined,
  ({ message }: Error) => message.split('\n')[0],
)
if (missing !== undefined) report(skippedGoals('there is no GPU'), [`No GPU: ${missing}`])
else {
  const { rows, remarks } = await gpuRows({
    blas: process.env.FLAMBEAU_CUBLAS ?? 'cublas',
    script: here('../../torch/cuda.py'),
    quick: process.argv.includes('quick'),
  })
  report(rows, remarks)
}
