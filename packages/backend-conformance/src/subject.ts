// The input of the checks: an op with the samples that the backend's capabilities allow, and the types of checks and
// cells.
import { isFloat } from './float.ts'
import type { Tensor } from '@flambeau/core'
import type { Backend } from '@flambeau/core/backend'
import { goldenOf } from './golden.ts'
import type { Derived, OpSamples, Ready } from './prepare.ts'
import { type DType, type ErrorSample, type Sample, tensorsOf } from './sample.ts'
import { families, hasKernels, prepared } from './samples/index.ts'

export interface Case {
  readonly label: string
  /** Returns undefined if all is well, otherwise the failure. */
  run(): string | undefined | Promise<string | undefined>
}
export type Check = (subject: Subject) => Case[]
export interface Cell {
  readonly name: string
  run(): Promise<void>
}
/** Performs a step in another way: takes a function that calls an op and its gradients, and returns its results. */
export type Variant = (step: () => Tensor[]) => Tensor[]

export interface Subject {
  readonly family: string
  readonly op: string
  readonly entry: OpSamples
  readonly samples: readonly Ready<Sample>[]
  readonly errors: readonly Ready<ErrorSample>[]
  readonly derived: readonly Derived[]
  readonly backend: Backend
  readonly bitwise: boolean
  readonly runs: number
}

/** float64 if the backend has it, because finite differences need its digits. */
export const hasDoubles = ({ backend }: Pick<Subject, 'backend'>): boolean => backend.caps.dtypes.has('float64')

const special = (sample: Sample): boolean =>
  tensorsOf(sample).some((spec) => spec.values?.some((x) => !Number.isFinite(x)))

const dtypesOf = (sample: Sample | ErrorSample): DType[] => {
  const named = JSON.stringify(sample).match(/"(float32|float64|int32|uint8|bool)"/g) ?? []
  return named.map((name) => name.slice(1, -1) as DType)
}

/** Every op with samples that this backend can run; with `core`, also those that test only core. */
export const subjectsOf = (
  backend: Backend,
  { core, ...options }: Pick<Subject, 'bitwise' | 'runs'> & { readonly core: boolean },
): Subject[] => {
  const { dtypes, strictFloat } = backend.caps
  const fits = (sample: Ready<Sample | ErrorSample>) => dtypesOf(sample).every((dtype) => dtypes.has(dtype))
  return Object.entries(families).flatMap(([family, ops]) =>
    Object.entries(ops as Readonly<Record<string, OpSamples>>).map(([op, entry]) => {
      const { samples, errors, derived } = prepared(op)
      const finite = (sample: Ready<Sample>) =>
        strictFloat ||
        (!special(sample) &&
          goldenOf(family, op, sample).outs.every(
            (out) => !('shape' in out && out.values) || out.values.every((x) => Number.isFinite(x)),
          ))
      return {
        ...options,
        family,
        op,
        entry,
        backend,
        samples: samples.filter((sample) => fits(sample) && finite(sample) && (core || sample.core !== true)),
        errors: errors.filter(fits),
        derived:
          core || hasKernels(op) ? derived.filter((sample) => fits(sample) && (strictFloat || !special(sample))) : [],
      }
    }),
  )
}

/** The subject with the first sample for each combination of dtypes alone. */
export const onePerDTypes = (subject: Subject): Subject => {
  const seen = new Set<string>()
  const isFirst = ({ args, kwargs = {} }: Sample): boolean => {
    const dtypes = tensorsOf([args, kwargs]).map(({ dtype }) => dtype)
    return seen.size < seen.add(dtypes.join()).size
  }
  return { ...subject, samples: subject.samples.filter(isFirst) }
}

/** The data with one dtype replaced by another, also where it is named; numbers that JSON lacks stay the same. */
const withDType = <T>(data: T, from: DType, to: DType): T =>
  JSON.parse(
    JSON.stringify(data, (_, x) =>
      typeof x === 'number' && (!Number.isFinite(x) || Object.is(x, -0)) ? { $: String(x) } : x,
    ).replaceAll(`"${from}"`, `"${to}"`),
    (_, x) => (x !== null && typeof x === 'object' && '$' in x ? Number(x.$) : x),
  )
export const doubled = <T>(data: T): T => withDType(data, 'float32', 'float64')
export const narrowed = <T>(data: T): T => withDType(data, 'float64', 'float32')

export const takesGradients = (sample: Sample): boolean =>
  tensorsOf(sample).some((spec) => isFloat(spec.dtype) && spec.grad)
