// flambeau as a subject: `node serve.js flambeau.js DEVICE eager|compiled|repeated`, where 'gpujs webgl2' is a device's
// mode; `repeated` does all steps of a sample in one call. It imports flambeau relative to this file, so a copy in
// another checkout times that checkout (compare.ts).
import type { Mode } from '@flambeau/backend-gpujs'
import * as flambeau from 'flambeau'
import * as convolution from '../workloads/convolution.ts'
import { productNamed, programOf } from '../workloads/gemm.ts'
import { workloadNamed } from '../workloads/index.ts'
import * as pooling from '../workloads/pooling.ts'
import { type Result, resultsOf } from '../workloads/workload.ts'
import type { Load, Numbers } from './answering.ts'

const [name, way] = process.argv.slice(3)
const [device, mode] = name.split(' ')
if (device === 'wasm') {
  // By its module, which a bundle for a browser has, too.
  const { wasm } = await import('@flambeau/backend-wasm')
  flambeau.useDevice(await wasm())
} else if (mode === undefined) await flambeau.setDevice(device)
else {
  const { gpujs } = await import('@flambeau/backend-gpujs')
  flambeau.useDevice(await gpujs({ mode: mode as Mode }))
}

const toTensor = ({ data, shape }: Numbers): flambeau.Tensor =>
  flambeau.tensor(data, { dtype: data instanceof Int32Array ? 'int32' : 'float32' }).view(...shape)

/** A GPU has finished when an element of the result has been read. */
const settle = (last: unknown): unknown => {
  const [result] = [last as Result].flat()
  result.detach().view(-1).narrow(0, 0, 1).item()
  return last
}

/**
 * Frees a step's results before the next step, as the steps of other libraries do, and reference counts in PyTorch. Single
 * numbers are left to garbage collection.
 */
const freeing = (step: () => Result): (() => Result) => {
  let last: readonly flambeau.Tensor[] | undefined = []
  return () => {
    if (last === undefined) return step()
    for (const tensor of last) tensor.dispose()
    const result = step()
    const results = [result].flat()
    last = results.every((tensor) => tensor.numel() === 1) ? undefined : results
    return result
  }
}

export const load: Load = async (workload, numbers) => {
  if (way !== 'eager' && flambeau.compile === undefined) return { cannot: 'this revision has no compile' }
  const inputs = Object.fromEntries(Object.entries(numbers).map(([key, value]) => [key, toTensor(value)]))
  const product = productNamed(workload)
  const convolved = convolution.convolutionNamed(workload)
  const made = product === undefined ? undefined : programOf(product)
  const layer = pooling.layerNamed(workload)
  const pooled = layer === undefined ? made : pooling.programOf(...layer)
  const named = convolved === undefined ? pooled : convolution.programOf(convolved)
  const program = await (named ?? workloadNamed(workload).program)(inputs)
  if (way === 'repeated' && product === undefined && program.results === undefined)
    return { cannot: 'only training is repeated' }
  const common = {
    ...(mode === undefined ? {} : { settle }),
    results: (last: unknown) => resultsOf(program, last as Result).map((tensor) => tensor.toArray()),
  }
  // What training returns is small, or stays.
  const free = program.results === undefined ? freeing : (each: () => Result) => each
  if (way === 'eager') return { step: free(program.step), ...common }
  const step = flambeau.compile(program.step)
  return { step: free(step), ...(way === 'repeated' ? { steps: (n) => step.repeat(n) } : {}), ...common }
}
