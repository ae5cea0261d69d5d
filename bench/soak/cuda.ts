// Memory in 20,000 synchronous steps on cuda: that of the process as on other devices, and that of the GPU, of which the
// driver for tests has 64 MB, so that a leak of 4 KB a step ends in an error. A machine without a GPU needs
// FLAMBEAU_CUDA_DRIVER=native/build/cuda/libcuda.so.1 FAKECUDA_MEMORY=64M; `steps` is an argument.
import { cuda, F, manualSeed, nn, optim, randn, setDevice } from 'flambeau'
import { report } from '../src/report.ts'
import { soak } from '../src/soak.ts'

await setDevice('cuda')
manualSeed(0)
const x = randn(16, 8)
const y = x.select(1, 0).gt(0).float().view(-1, 1)
const model = new nn.Sequential(new nn.Linear(8, 8), new nn.Tanh(), new nn.Linear(8, 1))
const optimizer = new optim.Adam(model.parameters(), { lr: 1e-3 })
let steps = 0
let [least, most] = [Number.POSITIVE_INFINITY, 0]
const step = () => {
  const loss = F.binaryCrossEntropyWithLogits(model.forward(x), y)
  optimizer.zeroGrad()
  loss.backward()
  optimizer.step()
  if (++steps < 2000) return
  const bytes = cuda.memoryAllocated()
  least = Math.min(least, bytes)
  most = Math.max(most, bytes)
}
soak(step, { steps: Number(process.argv[2] ?? 18_000), warmup: 2000, unit: 'steps', settled: 5000 })
report([
  {
    what: 'memory of the device after 2,000 steps',
    value: most / 1e6,
    unit: 'MB',
    note: `at least ${least / 1e6} MB`,
    atMost: 64,
  },
])
