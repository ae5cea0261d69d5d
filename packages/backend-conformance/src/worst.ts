// Measures how far a backend is from PyTorch: for every op the largest difference from the golden values and gradients,
// which the checks only compare within a tolerance.
import { useDevice } from '@flambeau/core'
import type { Backend } from '@flambeau/core/backend'
import { callOp, gradientsOf, prepareCall, readAll } from './call.ts'
import { plain } from './checks/values.ts'
import { isNd, type Result } from './compare.ts'
import { goldenOf } from './golden.ts'
import { subjectsOf, takesGradients } from './subject.ts'

/** The largest of `|a - b| / max(1, |b|)` over the finite elements of an op's results and of its gradients. */
export interface Worst {
  readonly op: string
  readonly values: number
  readonly gradients: number
}

function distance(actual: Result | null | undefined, expected: readonly number[] | null | undefined): number {
  if (!actual || !isNd(actual) || !expected) return 0
  const found = expected.map((b, i) => Math.abs(actual.values[i] - b) / Math.max(1, Math.abs(b)))
  return Math.max(0, ...found.filter(Number.isFinite))
}

/** The distances of every op that the backend has samples for. */
export async function worstOf(backend: Backend): Promise<Worst[]> {
  useDevice(backend)
  const found: Worst[] = []
  for (const { op, family, samples } of subjectsOf(backend, { bitwise: false, runs: 0, core: true })) {
    let [values, gradients] = [0, 0]
    for (const sample of samples) {
      const { outs, grads } = goldenOf(family, op, sample)
      const { args, leaves } = prepareCall(sample, plain, takesGradients(sample))
      const made = callOp(op, args, sample.seed)
      const results = await readAll(made)
      results.forEach((result, k) => {
        const expected = outs[k]
        if ('shape' in expected) values = Math.max(values, distance(result, expected.values))
      })
      const flowed = takesGradients(sample) ? await gradientsOf(made, leaves) : undefined
      flowed?.forEach((result, k) => {
        gradients = Math.max(gradients, distance(result, grads?.[k]))
      })
    }
    found.push({ op, values, gradients })
  }
  return found
}
