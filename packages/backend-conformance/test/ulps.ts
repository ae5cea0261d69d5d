// What js computes for the samples of every op, in both float dtypes: values, gradients, and gradients of gradients, for
// tools/golden/ulps.py, which compares them with PyTorch's and writes docs/internals/ulps.md.
import { js } from '@flambeau/backend-js'
import { type DType, grad, Tensor, useDevice } from '@flambeau/core'
import { callOp, cotangentOf, inMemory, prepareCall } from '../src/call.ts'
import type { Ready } from '../src/prepare.ts'
import { isFloat } from '../src/float.ts'
import { type Sample, tensorsOf } from '../src/sample.ts'
import { families, prepared } from '../src/samples/index.ts'
import { doubled, narrowed, takesGradients } from '../src/subject.ts'

type Numbers = readonly number[] | null

export interface Computed {
  readonly op: string
  readonly dtype: DType
  readonly sample: Sample
  readonly values: readonly Numbers[]
  readonly gradients: readonly Numbers[]
  readonly seconds: readonly Numbers[]
}

const numbersOf = (x: unknown): Numbers => (x instanceof Tensor ? Array.from(x.detach().toArray()) : null)

/** The gradients of `outs` by `leaves`, each weighted by the cotangent of its position. */
function gradientsOf(outs: readonly unknown[], leaves: readonly Tensor[], createGraph: boolean): (Tensor | null)[] {
  const through = outs.flatMap((out, k) => (out instanceof Tensor && out.requiresGrad ? [{ out, k }] : []))
  const wanted = leaves.filter((leaf) => leaf.requiresGrad)
  if (through.length === 0 || wanted.length === 0) return []
  const gradOutputs = through.map(({ out, k }) => cotangentOf(out, k))
  const tensors = through.map(({ out }) => out)
  return [...grad(tensors, wanted, { gradOutputs, allowUnused: true, createGraph })]
}

const isSpecial = (sample: Sample): boolean =>
  tensorsOf(sample).some(({ values = [] }) => values.some((x) => !Number.isFinite(x)))

/** At NaN and infinities gradients follow from the formula that happens to be used, at kinks those of gradients. */
function computed(op: string, dtype: DType, sample: Sample): Computed {
  const { args, leaves } = prepareCall(sample, inMemory('contiguous'), takesGradients(sample))
  const outs = callOp(op, args, sample.seed)
  const first = isSpecial(sample) ? [] : gradientsOf(outs, leaves, true)
  const seconds = sample.kink === undefined ? gradientsOf(first, leaves, false) : []
  const values = sample.unwritten === true ? outs.map(() => null) : outs.map(numbersOf)
  return { op, dtype, sample, values, gradients: first.map(numbersOf), seconds: seconds.map(numbersOf) }
}

/** A sample in both float dtypes; one that mixes them is left out, because PyTorch rounds parts of it to the smaller. */
function variants(sample: Ready<Sample>): (readonly [DType, Sample])[] {
  const floats = new Set(tensorsOf(sample).flatMap(({ dtype }) => (isFloat(dtype) ? [dtype] : [])))
  if (floats.size > 1) return []
  return [
    ['float32', narrowed(sample)],
    ['float64', doubled(sample)],
  ]
}

/** Every result, and what could not be computed. */
export function everything(): { readonly computed: readonly Computed[]; readonly failed: readonly string[] } {
  useDevice(js())
  const found: Computed[] = []
  const failed: string[] = []
  for (const ops of Object.values(families)) {
    for (const op of Object.keys(ops)) {
      for (const sample of prepared(op).samples) {
        for (const [dtype, variant] of variants(sample)) {
          try {
            found.push(computed(op, dtype, variant))
          } catch (error) {
            // In the other dtype a call may be none.
            failed.push(`${op} (${sample.label}) in ${dtype}: ${(error as Error).message.split('\n')[0]}`)
          }
        }
      }
    }
  }
  return { computed: found, failed }
}
