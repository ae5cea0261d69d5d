// Derives samples for every op: one of its own samples with values that gradient rules tend to forget (zeros of both
// signs, two NaN in a row, infinities), and one without elements.
import { type Arg, isTensorSpec, type Sample, type TensorSpec, tensorsOf } from './sample.ts'

/** `nothing` sets all sizes that equal the first tensor's first size to 0. */
export type Derivation = 'zeros' | 'special values' | 'nothing'
export const derivations: readonly Derivation[] = ['zeros', 'special values', 'nothing']

/** Lists whose lengths have no common factor with the samples' sizes, so that operands meet in many pairs. */
const values: Readonly<Record<Exclude<Derivation, 'nothing'>, readonly number[]>> = {
  zeros: [-0, 0.25, 0, -0.5, -0, 1, -0],
  'special values': [
    -0,
    Number.NaN,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    0,
    Number.NEGATIVE_INFINITY,
    -1.5,
    2,
    -0,
    0.5,
    0,
  ],
}

const isFloat = ({ dtype }: TensorSpec): boolean => dtype === 'float32'
const size = (shape: readonly number[]): number => shape.reduce((n, x) => n * x, 1)

/** The sample with its tensors changed. */
function withTensors(sample: Sample, change: (spec: TensorSpec, position: number) => TensorSpec): Sample {
  let position = 0
  const each = (arg: Arg | undefined): Arg | undefined => {
    if (isTensorSpec(arg)) return change(arg, position++)
    if (Array.isArray(arg)) return arg.map((x) => each(x) as Arg)
    if (arg === null || typeof arg !== 'object') return arg
    return Object.fromEntries(Object.entries(arg).map(([key, x]) => [key, each(x as Arg)])) as Arg
  }
  const args = sample.args.map((x) => each(x) as Arg)
  return { ...sample, args, ...(sample.kwargs && { kwargs: each(sample.kwargs as Arg) as Sample['kwargs'] }) }
}

/** The sample derived from a sample, or undefined if nothing can be changed. */
export function deriveFrom(sample: Sample, derivation: Derivation): Sample | undefined {
  const tensors = tensorsOf([sample.args, sample.kwargs ?? {}])
  const floats = tensors.filter(isFloat)
  const [first] = tensors
  // Not for random draws, uninitialized memory, and other dtypes.
  if (sample.seed !== undefined || sample.unwritten || floats.length === 0) return undefined
  if (tensors.some(({ dtype }) => dtype === 'float64') || size(floats[0].shape) < 3) return undefined
  const derived = { ...sample, kink: `made of ${derivation}` }
  if (derivation !== 'nothing') {
    const list = values[derivation]
    return withTensors(derived, (spec, position) =>
      isFloat(spec)
        ? {
            ...spec,
            values: Array.from({ length: size(spec.shape) }, (_, i) => list[(i + 3 * position) % list.length]),
          }
        : spec,
    )
  }
  const [n] = first.shape
  return withTensors(derived, (spec) =>
    spec.shape[0] === n ? { ...spec, shape: [0, ...spec.shape.slice(1)], values: [] } : spec,
  )
}
