// Checks of derivatives without PyTorch: finite differences in float64 along a random direction, for first and second
// derivatives; if the backend has no float64, the gradients of a reference backend.
import { gradcheck, gradgradcheck, Tensor, useDevice } from '@flambeau/core'
import type { Backend } from '@flambeau/core/backend'
import { callOp, gradientsOf, prepareCall, withTensors } from '../call.ts'
import { goldenOf } from '../golden.ts'
import type { Ready } from '../prepare.ts'
import { numel } from '../property.ts'
import { type Sample, tensorsOf } from '../sample.ts'
import { type Case, type Check, doubled, hasDoubles, type Subject, takesGradients } from '../subject.ts'
import { toleranceOf } from '../tolerances.ts'
import { differenceOfGradients, plain } from './values.ts'

/** Samples through which a gradient flows, at points where the op is differentiable. */
const smooth = ({ samples, family, op }: Subject): Ready<Sample>[] =>
  samples.filter(
    (sample) =>
      sample.kink === undefined &&
      goldenOf(family, op, sample).grads?.some((x) => x !== null && x.length > 0) &&
      tensorsOf(sample).every(({ shape, values }) => numel(shape) === values?.length),
  )

const along =
  (verify: (fn: (...leaves: Tensor[]) => Tensor[], inputs: Tensor[]) => unknown): Check =>
  (subject) =>
    !hasDoubles(subject)
      ? []
      : smooth(subject).map(
          (sample): Case => ({
            label: sample.label,
            run() {
              const { args, leaves } = prepareCall(doubled(sample), plain)
              const inputs = leaves.filter((leaf) => leaf.requiresGrad)
              const call = (...given: Tensor[]) => {
                const by = new Map<unknown, Tensor>(inputs.map((leaf, i) => [leaf, given[i]]))
                const outs = callOp(subject.op, withTensors(args, by), sample.seed)
                return outs.filter((out): out is Tensor => out instanceof Tensor && out.requiresGrad)
              }
              return verify(call, inputs) === false ? 'returned false' : undefined
            },
          }),
        )

export const first: Check = along((fn, inputs) => gradcheck(fn, inputs, { fastMode: true }))
export const second: Check = along((fn, inputs) => gradgradcheck(fn, inputs, undefined, { fastMode: true }))

/** Compares with the gradients of another backend instead of finite differences. */
export const likeReference =
  (reference: Backend | undefined): Check =>
  (subject) =>
    reference === undefined || hasDoubles(subject)
      ? []
      : subject.samples.filter(takesGradients).map((sample) => ({
          label: sample.label,
          async run() {
            const { op, backend } = subject
            const on = async (device: Backend) => {
              useDevice(device)
              const { args, leaves } = prepareCall(sample, plain)
              return gradientsOf(callOp(op, args, sample.seed), leaves)
            }
            const expected = await on(reference).finally(() => useDevice(backend))
            const actual = await on(backend)
            return differenceOfGradients(actual, expected, (x) =>
              toleranceOf(op, x.dtype, 'gradients', sample.tolerance),
            )
          },
        }))
