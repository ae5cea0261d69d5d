// flambeau as a subject: `node serve.js flambeau.js DEVICE eager|compiled`. It imports flambeau from where this file lies, so a copy
// of it in another checkout times that checkout (compare.ts).
import * as flambeau from 'flambeau'
import { workloadNamed } from '../workloads/index.ts'
import { type Result, resultsOf } from '../workloads/workload.ts'
import type { Load, Numbers } from './serve.ts'

const [device, mode] = process.argv.slice(3)
await flambeau.setDevice(device)

const toTensor = ({ data, shape }: Numbers): flambeau.Tensor =>
  flambeau.tensor(data, { dtype: data instanceof Int32Array ? 'int32' : 'float32' }).view(...shape)

export const load: Load = (name, numbers) => {
  if (mode === 'compiled' && flambeau.compile === undefined) return { cannot: 'this revision has no compile' }
  const inputs = Object.fromEntries(Object.entries(numbers).map(([key, value]) => [key, toTensor(value)]))
  const program = workloadNamed(name).program(inputs)
  return {
    step: mode === 'compiled' ? flambeau.compile(program.step) : program.step,
    results: (last) => resultsOf(program, last as Result).map((tensor) => tensor.toArray()),
  }
}
