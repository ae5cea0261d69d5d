// Memory in 10,000 replays of a compiled step, after 20,000 to warm up; the device is an argument.
import { compile, setDevice } from 'flambeau'
import { soak } from '../src/soak.ts'
import { breastCancer } from '../workloads/breast-cancer.ts'

await setDevice(process.argv[2] ?? 'js')
const { step } = await breastCancer.program(await breastCancer.inputs())
soak(compile(step), { steps: 10_000, warmup: 20_000, unit: 'replays' })
