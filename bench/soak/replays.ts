// Memory in 10,000 replays of a compiled step, after 20,000 to warm up; the device is an argument. On wasm, in 800,000 with a
// limit of 64 MB, which it reaches after some 490,000.
import { wasm } from '@flambeau/backend-wasm'
import { compile, setDevice } from 'flambeau'
import { soak } from '../src/soak.ts'
import { breastCancer } from '../workloads/breast-cancer.ts'

const device = await setDevice(process.argv[2] ?? 'js')
if (device === 'wasm') await wasm({ maxBytes: 2 ** 26 })
const length = device === 'wasm' ? { steps: 800_000, settled: 600_000 } : { steps: 10_000 }
const { step } = await breastCancer.program(await breastCancer.inputs())
soak(compile(step), { ...length, warmup: 20_000, unit: 'replays' })
