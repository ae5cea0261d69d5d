// Checks that the way a call is performed does not matter: compiled, or in any way that a backend's test adds, it gives
// the values and gradients of the plain call.
import * as ops from '@flambeau/core'
import { compile, optim, type Tensor } from '@flambeau/core'
import { callOp, cotangentOf, gradientTensors, prepareCall, readAll, withTensors } from '../call.ts'
import { differenceOfAll, type Result } from '../compare.ts'
import type { Ready } from '../prepare.ts'
import { type Arg, type Sample, tensorsOf } from '../sample.ts'
import { type Check, onePerDTypes, type Subject, takesGradients, type Variant } from '../subject.ts'
import { plain, sameAs } from './values.ts'

/** Forward and backward of a call as one step that returns tensors; null if it returns something else. */
const stepOf = ({ op }: Subject, sample: Ready<Sample>): (() => Tensor[]) => {
  const { args, leaves } = prepareCall(sample, plain)
  return () => {
    const outs = callOp(op, args, sample.seed) as Tensor[]
    return [...outs, ...gradientTensors(outs, leaves)]
  }
}

const differs = async (subject: Subject, sample: Ready<Sample>, variant: Variant): Promise<string | undefined> => {
  const step = stepOf(subject, sample)
  const expected = await readAll(step())
  return differenceOfAll(await readAll(variant(step)), expected, sameAs(subject, 'gradients'))
}

export const like =
  (variant: Variant): Check =>
  (subject) =>
    subject.samples
      .filter((sample) => !sample.unwritten)
      .map((sample) => ({ label: sample.label, run: () => differs(subject, sample, variant) }))

/** Ops that read elements, or whose shapes depend on them: recording them must throw a clear error. */
const looks: Readonly<Record<string, (sample: Sample) => boolean>> = {
  equal: () => true,
  allclose: () => true,
  nonzero: () => true,
  // In training it draws a number for each element that is not positive.
  rrelu: (sample) => sample.seed !== undefined,
  maskedSelect: () => true,
  poisson: () => true,
  binomial: () => true,
  maskedScatter: () => true,
  unique: () => true,
  uniqueConsecutive: () => true,
  bincount: () => true,
  histc: ({ args, kwargs }) => args.length < 3 && kwargs === undefined,
  histogram: ({ args, kwargs }) => typeof args[1] === 'number' && kwargs?.range === undefined,
  histogramdd: ({ kwargs }) => kwargs?.range === undefined,
  tensorSplit: (sample) => tensorsOf(sample.args[1]).length > 0,
  repeatInterleave: (sample) => tensorsOf(sample.args.length < 2 ? sample.args : sample.args[1]).length > 0,
  oneHot: (sample) => sample.args.length < 2 && sample.kwargs === undefined,
  at: (sample) => counted(sample),
  setAt: (sample) => counted(sample),
  indexPut: (sample) => counted(sample),
}
/** A mask has an unknown number of true elements; a 0-d index tensor is read as a number. */
const counted = (sample: Sample) =>
  tensorsOf(sample.args[1]).some(({ dtype, shape }) => dtype === 'bool' || shape.length === 0) ||
  (sample.args[1] as readonly Arg[]).some((index) => typeof index === 'boolean')

/** Enough calls to record, agree and replay. */
const calls = 5

interface Training {
  readonly step: () => Tensor[]
  /** The tensors that the step changes. */
  readonly state: readonly Tensor[]
}
type Make = (subject: Subject, sample: Ready<Sample>) => Training

/** The result or error of one call. */
const outcome = async (step: () => Tensor[]): Promise<Result[]> => {
  try {
    return await readAll(step())
  } catch (error) {
    if ((error as Error).message.includes('compiled step')) throw error
    return [{ value: (error as Error).message.split('\n')[0] }]
  }
}

/** The results of all calls, and the final state. */
const trace = async ({ step, state }: Training): Promise<Result[]> => {
  const results: Result[] = []
  for (let i = 0; i < calls; i++) results.push(...(await outcome(step)))
  return [...results, ...(await readAll(state))]
}

/** The same of the step itself: one without state, which sets its seed, does the same in every call. */
const plainTrace = async (training: Training): Promise<Result[]> => {
  if (training.state.length > 0) return trace(training)
  const once = await outcome(training.step)
  return Array.from({ length: calls }, () => once).flat()
}

/** Consecutive calls of a compiled step must give the same results and the same state as calls of the step itself. */
const compiledLike =
  (make: Make, fits: (sample: Sample) => boolean): Check =>
  (subject) =>
    subject.samples
      .filter((sample) => !sample.unwritten && hasTensors(sample) && fits(sample))
      .map((sample) => ({
        label: sample.label,
        async run() {
          const expected = await plainTrace(make(subject, sample))
          const { step, state } = make(subject, sample)
          try {
            const actual = await trace({ step: compile(step), state })
            return differenceOfAll(actual, expected, sameAs(subject, 'gradients'))
          } catch (error) {
            if (!looks[subject.op]?.(sample) || (error as Error).name !== 'RuntimeError') throw error
            return undefined
          }
        },
      }))

const hasTensors = ({ args, kwargs = {} }: Sample): boolean => tensorsOf([args, kwargs]).length > 0

export const compiled = compiledLike(
  ({ op }, sample) => {
    const { args } = prepareCall(sample, plain, false)
    return { step: () => callOp(op, args, sample.seed) as Tensor[], state: [] }
  },
  () => true,
)

const only = (subject: Subject, fits: (sample: Sample) => boolean): Subject => ({
  ...subject,
  samples: subject.samples.filter(fits),
})

const gradientsOfStep = compiledLike(
  (subject, sample) => ({ step: stepOf(subject, sample), state: [] }),
  () => true,
)
/** Gradients as results, of a sample for each combination of dtypes: training computes those of every sample. */
export const compiledGradients: Check = (subject) => gradientsOfStep(onePerDTypes(only(subject, takesGradients)))

/**
 * Trains the inputs that take gradients through the op between other kernels, with momentum, which adds optimizer
 * state. Samples without gradients have a check of their own, `compiled`.
 */
export const compiledTraining = compiledLike(({ op }, sample) => {
  const { args, leaves } = prepareCall(sample, plain)
  const parameters = leaves.filter((leaf) => leaf.requiresGrad)
  const optimizer = new optim.SGD(parameters, { lr: 1e-3, momentum: 0.9 })
  const step = () => {
    const inputs = new Map<unknown, Tensor>(parameters.map((leaf) => [leaf, ops.mul(leaf, 1)]))
    const outs = callOp(op, withTensors(args, inputs), sample.seed) as Tensor[]
    const through = outs.flatMap((out, k) => (out.requiresGrad ? [ops.sum(ops.mul(out, cotangentOf(out, k)))] : []))
    optimizer.zeroGrad()
    if (through.length > 0) through.reduce((x, y) => ops.add(x, y)).backward()
    optimizer.step()
    return [...outs, ...parameters.flatMap(({ grad }) => grad ?? [])]
  }
  return { step, state: parameters }
}, takesGradients)

/** For other kernels of the same backend: a sample for each combination of dtypes, compiled only if it cannot train. */
export const once: Readonly<Record<'compiled' | 'compiled training', Check>> = {
  compiled: (subject) => compiled(onePerDTypes(only(subject, (sample) => !takesGradients(sample)))),
  'compiled training': (subject) => compiledTraining(onePerDTypes(only(subject, takesGradients))),
}
