// Memory in 200,000 eager epochs of the breast-cancer model, after 20,000 to warm up; the device is an argument.
import { setDevice } from 'flambeau'
import { soak } from '../src/soak.ts'
import { breastCancer } from '../workloads/breast-cancer.ts'

const device = await setDevice(process.argv[2] ?? 'js')
const { step } = await breastCancer.program(await breastCancer.inputs())
soak(step, {
  steps: 200_000,
  warmup: 20_000,
  unit: 'epochs',
  // wasm has as much as it keeps, 256 MB, after some 60,000.
  settled: device === 'wasm' ? 100_000 : undefined,
})
