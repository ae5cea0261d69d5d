// Checks that the way a call is performed does not matter: compiled, or in whatever way a backend's test adds, it gives the
// values and gradients of the plain call.
import { compile, manualSeed, type Tensor } from '@flambeau/core'
import { callOp, gradientTensors, prepareCall, readAll } from '../call.ts'
import { differenceOfAll } from '../compare.ts'
import type { Ready } from '../prepare.ts'
import { type Arg, isTensorSpec, type Sample, tensorsOf } from '../sample.ts'
import type { Check, Subject, Variant } from '../subject.ts'
import { plain, sameAs } from './values.ts'

/** The forward and the backward of a call as one step that returns tensors; null where it gives something else. */
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

/** Ops that look at elements, or whose shapes depend on them: they must refuse to be recorded, with a sentence. */
const looks: Readonly<Record<string, (sample: Sample) => boolean>> = {
  equal: () => true,
  allclose: () => true,
  nonzero: () => true,
  maskedSelect: () => true,
  oneHot: (sample) => sample.args.length < 2 && sample.kwargs === undefined,
  at: (sample) => counted(sample),
  setAt: (sample) => counted(sample),
  indexPut: (sample) => counted(sample),
}
/** A mask has an unknown number of true elements; an index tensor without dimensions is read as a number. */
const counted = (sample: Sample) =>
  tensorsOf(sample.args[1]).some(({ dtype, shape }) => dtype === 'bool' || shape.length === 0) ||
  (sample.args[1] as readonly Arg[]).some((index) => typeof index === 'boolean')

/** Enough calls to be recorded, agreed upon and replayed. */
const calls = 5

export const compiled: Check = (subject) =>
  subject.samples
    .filter((sample) => !sample.unwritten && sample.args.concat(Object.values(sample.kwargs ?? {})).some(isTensorIn))
    .map((sample) => ({
      label: sample.label,
      async run() {
        try {
          const wrong = await differs(subject, sample, (step) => {
            const compiledStep = compile(step)
            let outs: Tensor[] = []
            for (let i = 0; i < calls; i++) {
              manualSeed(sample.seed ?? 0)
              outs = compiledStep()
            }
            return outs
          })
          return wrong
        } catch (error) {
          const { name, message } = error as Error
          if (looks[subject.op]?.(sample) && name === 'RuntimeError' && message.includes('compiled step'))
            return undefined
          throw error
        }
      },
    }))
const isTensorIn = (arg: unknown): boolean => isTensorSpec(arg) || tensorsOf(arg).length > 0
