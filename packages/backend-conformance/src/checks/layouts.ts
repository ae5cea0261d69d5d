// Checks that memory layout does not matter: transposed, sliced, reversed and repeated inputs give the same results and
// gradients as contiguous inputs with the same values.
import {
  callOp,
  gradientsOf,
  inMemory,
  type Make,
  type Memory,
  prepareCall,
  readAll,
  specsOf,
  spread,
} from '../call.ts'
import { differenceOfAll } from '../compare.ts'
import type { Ready } from '../prepare.ts'
import { indices, numel } from '../property.ts'
import { isTensorSpec, type Sample, type TensorSpec, tensorsOf } from '../sample.ts'
import { type Check, onePerDTypes, type Subject } from '../subject.ts'
import { differenceOfGradients, plain, sameAs } from './values.ts'

const both = async (op: string, sample: Ready<Sample>, make: Make) => {
  const { args, leaves } = prepareCall(sample, make)
  const outs = callOp(op, args, sample.seed)
  return { outs: sample.unwritten ? specsOf(outs) : await readAll(outs), grads: await gradientsOf(outs, leaves) }
}

const compared = async (subject: Subject, sample: Ready<Sample>, make: Make) => {
  const expected = await both(subject.op, sample, plain)
  const actual = await both(subject.op, sample, make)
  return (
    differenceOfAll(actual.outs, expected.outs, sameAs(subject, 'values')) ??
    differenceOfGradients(actual.grads, expected.grads, sameAs(subject, 'gradients'))
  )
}

const order = 'as in PyTorch, it draws in memory order'
/** Ops whose results depend on strides by definition. */
const aboutStrides: Readonly<Record<string, string>> = {
  view: 'it throws if other sizes would need a copy',
  asStrided: 'it reads memory, however the tensor lies in it',
  asStridedScatter: 'as asStrided',
  randLike: order,
  randnLike: order,
  randintLike: order,
  bernoulli: order,
  multinomial: order,
}
/** Ops that take as many values as a mask has true elements, so the mask must not change. */
const countsMask = new Set(['setAt', 'indexPut'])

export const equalFrom =
  (memory: Memory): Check =>
  (subject) =>
    subject.op in aboutStrides
      ? []
      : subject.samples
          .filter((sample) => tensorsOf(sample).some(({ shape }) => numel(shape) > 1))
          .map((sample) => ({ label: sample.label, run: () => compared(subject, sample, inMemory(memory)) }))

/** The sample with all of its tensors constant along a dimension, and that dimension for each. */
const constant = (
  op: string,
  sample: Ready<Sample>,
  last: boolean,
): { sample: Ready<Sample>; dims: (number | undefined)[] } => {
  const dims: (number | undefined)[] = []
  const change = (arg: unknown): unknown => {
    if (isTensorSpec(arg)) {
      const candidates = arg.shape.flatMap((size, d) => (size > 1 ? [d] : []))
      const fixed = numel(arg.shape) === 0 || (arg.dtype === 'bool' && countsMask.has(op))
      const dim = fixed ? undefined : last ? candidates.at(-1) : candidates[0]
      dims.push(dim)
      if (dim === undefined) return arg
      const values = indices(arg.shape).map((index) => {
        const from = index.map((i, d) => (d === dim ? 0 : i))
        return (arg.values as readonly number[])[from.reduce((n, i, d) => n * arg.shape[d] + i, 0)]
      })
      return { ...arg, values } satisfies TensorSpec
    }
    if (Array.isArray(arg)) return arg.map(change)
    if (arg !== null && typeof arg === 'object') {
      return Object.fromEntries(Object.entries(arg).map(([key, item]) => [key, change(item)]))
    }
    return arg
  }
  const args = change(sample.args) as Sample['args']
  const kwargs = sample.kwargs && (change(sample.kwargs) as Sample['kwargs'])
  return { sample: { ...sample, args, ...(kwargs && { kwargs }) }, dims }
}

export const expanded: Check = (subject) =>
  subject.op in aboutStrides
    ? []
    : subject.samples.flatMap((sample) =>
        [false, true].flatMap((last) => {
          const made = constant(subject.op, sample, last)
          if (made.dims.every((dim) => dim === undefined)) return []
          const make: Make = (spec, position) => {
            const dim = made.dims[position]
            return dim === undefined ? plain(spec, position) : spread(spec, dim)
          }
          return [
            {
              label: `${sample.label}, ${last ? 'last' : 'first'} dimension repeated`,
              run: () => compared(subject, made.sample, make),
            },
          ]
        }),
      )

/** For other kernels of the same backend: a sample for each combination of dtypes. */
export const once =
  (check: Check): Check =>
  (subject) =>
    check(onePerDTypes(subject))
