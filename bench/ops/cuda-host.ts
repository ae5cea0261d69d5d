// What an operation on a GPU costs the host, without a GPU: on the driver for tests, which runs kernels when it has to wait,
// so after the clock stops. It has everything up to the driver's queue: tensors, plans, parameters, memory, the addon. The
// same operations on native, which computes them meanwhile, are beside it.
import { existsSync } from 'node:fs'
import { native } from '@flambeau/backend-native'
import { noGrad, randn, type Tensor, useDevice } from 'flambeau'
import { consume, measure, type Sample } from '../src/harness.ts'
import { report, type Row } from '../src/report.ts'
import { here } from '../src/subjects.ts'

const driver = here('../../../native/build/cuda/libcuda.so.1')
process.env.FLAMBEAU_CUDA_DRIVER ??= driver

const ops: Readonly<Record<string, (x: Tensor, y: Tensor) => Tensor>> = {
  'x.add(y)': (x, y) => x.add(y),
  'x.mul(2)': (x) => x.mul(2),
  'x.exp()': (x) => x.exp(),
  'x.sum()': (x) => x.sum(),
  'x.matmul(y)': (x, y) => x.matmul(y),
  'x.softmax(1)': (x) => x.softmax(1),
}

if (!existsSync(process.env.FLAMBEAU_CUDA_DRIVER))
  report([], ['There is no driver for tests: node tools/native.mjs cuda.'])
else {
  const devices = { cuda: await native({ device: 'cuda' }), native: await native() }
  const samples: Record<string, Sample> = {}
  for (const [name, op] of Object.entries(ops)) {
    for (const [on, device] of Object.entries(devices)) {
      useDevice(device)
      const [x, y] = [randn(4, 4), randn(4, 4)]
      samples[`${name} ${on}`] = async (n) => {
        const start = performance.now()
        noGrad(() => {
          for (let i = 0; i < n; i++) consume(op(x, y))
        })
        const ns = (performance.now() - start) * 1e6
        await device.sync()
        return ns
      }
    }
  }
  const measured = await measure(samples, { rounds: 15, repeat: 200, warmupMs: 5 })
  report(
    Object.keys(ops).map((name): Row => {
      const { median, min, p90 } = measured.statistics(`${name} cuda`)
      const beside = measured.statistics(`${name} native`).median
      const us = (ns: number): string => (ns / 1000).toFixed(2)
      return {
        what: `the host's part of \`${name}\` on cuda, 4 x 4`,
        value: median / 1000,
        unit: 'µs',
        note: `min ${us(min)}, p90 ${us(p90)}; native with the computation ${us(beside)}`,
      }
    }),
  )
}
