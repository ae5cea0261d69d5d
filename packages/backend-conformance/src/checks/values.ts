// Checks of results: against PyTorch, as a method, in place, and for errors.
import { noGrad, type Tensor } from '@flambeau/core'
import {
  callMethod,
  callOp,
  gradientsOf,
  hasMethod,
  inMemory,
  lay,
  prepareCall,
  readAll,
  specsOf,
  writes,
} from '../call.ts'
import { differenceOfAll, differenceOfValues, isNd, type Result } from '../compare.ts'
import { goldenErrorOf, goldenOf } from '../golden.ts'
import type { Nd } from '../property.ts'
import { type DType, isTensorSpec, type Sample, tensorsOf } from '../sample.ts'
import { type Case, type Check, type Subject, takesGradients } from '../subject.ts'
import { type Tolerance, toleranceOf } from '../tolerances.ts'

export const plain = inMemory('contiguous')
export const exact = (): Tolerance => [0, 0]

/** Equality in the last bit, or within the table's tolerance if the backend does not promise it. */
export const sameAs =
  ({ bitwise, op }: Subject, kind: 'values' | 'gradients') =>
  (x: Pick<Nd, 'dtype'>): Tolerance =>
    bitwise ? exact() : toleranceOf(op, x.dtype, kind)

export const differenceOfGradients = (
  actual: readonly (Result | null)[] | undefined,
  expected: readonly (Result | null)[] | undefined,
  tolerance: (x: Pick<Nd, 'dtype'>) => Tolerance,
): string | undefined => {
  if (!actual || !expected)
    return actual === expected
      ? undefined
      : `${actual ? 'a' : 'no'} gradient where ${expected ? 'one' : 'none'} was expected`
  for (let i = 0; i < expected.length; i++) {
    const [a, b] = [actual[i], expected[i]]
    if (a === null || b === null) {
      if (a !== b)
        return `gradient of tensor ${i}: ${a === null ? 'none' : 'one'} instead of ${b === null ? 'none' : 'one'}`
      continue
    }
    const wrong = differenceOfAll([a], [b], tolerance)
    if (wrong) return `gradient of tensor ${i}: ${wrong}`
  }
  return undefined
}

export const golden: Check = ({ samples, family, op }) =>
  samples.map((sample) => ({
    label: sample.label,
    async run() {
      const { outs } = goldenOf(family, op, sample)
      const call = prepareCall(sample, plain, takesGradients(sample))
      const made = callOp(op, call.args, sample.seed)
      const actual = sample.unwritten ? specsOf(made) : await readAll(made)
      return differenceOfAll(actual, outs, (x) => toleranceOf(op, x.dtype, 'values', sample.tolerance))
    },
  }))

/** Where float32 and float64 are mixed, PyTorch computes some steps of a float64 gradient in float32. */
const coarsest = (sample: Sample): DType =>
  tensorsOf(sample).some(({ dtype }) => dtype === 'float32') ? 'float32' : 'float64'

export const gradients: Check = ({ samples, family, op }) =>
  samples
    .filter((sample) => takesGradients(sample))
    .map((sample) => ({
      label: sample.label,
      async run() {
        const { grads } = goldenOf(family, op, sample)
        const { args, leaves } = prepareCall(sample, plain)
        const actual = await gradientsOf(callOp(op, args, sample.seed), leaves)
        if (!grads || !actual) {
          // PyTorch has no graph where no gradient can flow; zeros, or a graph that leads to no leaf, are equivalent.
          const flows = actual?.some((x) => x !== null && isNd(x) && x.values.some((y) => y !== 0))
          return grads ? 'no gradient where one was expected' : flows ? 'a gradient where none was expected' : undefined
        }
        for (let i = 0; i < grads.length; i++) {
          const expected = grads[i]
          const x = actual[i]
          if (expected === null && x === null) continue
          if (expected === null || x === null) {
            const zero = (expected ?? (x !== null && isNd(x) ? x.values : [])).every((y) => y === 0)
            if (zero) continue
            return `gradient of tensor ${i}: ${x === null ? 'none' : 'one'} instead of ${expected === null ? 'none' : 'one'}`
          }
          if (!isNd(x)) return `gradient of tensor ${i} is not a tensor`
          const leaf = leaves[i]
          if (`${x.shape}` !== `${leaf.sizes}` || x.dtype !== leaf.dtype) {
            return `gradient of tensor ${i}: ${x.dtype}[${x.shape}] instead of ${leaf.dtype}[${leaf.sizes}]`
          }
          const wrong = differenceOfValues(
            x.values,
            expected,
            toleranceOf(op, coarsest(sample), 'gradients', sample.tolerance),
          )
          if (wrong) return `gradient of tensor ${i}: ${wrong}`
        }
        return undefined
      },
    }))

export const errors: Check = ({ errors: samples, family, op, backend }) =>
  samples.map((sample) => ({
    label: sample.label,
    async run() {
      const { error: name, message } = goldenErrorOf(family, op, sample)
      const { args } = prepareCall(sample, plain, false)
      try {
        // Read the results, and synchronize if there are none, because some backends only check values then.
        await readAll(callOp(op, args))
        await backend.sync()
      } catch (error) {
        if (!(error instanceof Error)) return `threw ${String(error)}`
        if (error.name !== name) return `${error.name} instead of ${name} (${error.message})`
        const [sentence] = error.message === message ? [message] : error.message.split('\n')
        return sentence === message || error.message.startsWith(`${message}\n`)
          ? undefined
          : `says "${sentence}" instead of "${message}"`
      }
      return `did not throw ${name}: ${message}`
    },
  }))

/** A method of a tensor is the function of the same name. */
export const method: Check = (subject) => {
  const { samples, op } = subject
  if (!hasMethod(op)) return []
  return samples
    .filter((sample) => isTensorSpec(sample.args[op === 'where' ? 1 : 0]))
    .map((sample) => ({
      label: sample.label,
      async run() {
        const { args } = prepareCall(sample, plain)
        const expected = await readAll(callOp(op, args, sample.seed))
        return differenceOfAll(await readAll(callMethod(op, args, sample.seed, writes(op))), expected, exact)
      },
    }))
}

const category = (dtype: string) => (dtype === 'bool' ? 0 : dtype.startsWith('float') ? 2 : 1)

/** Names that look like in-place forms but are separate ops. */
const ownOps: Readonly<Record<string, string>> = {
  bernoulli: 'bernoulli_ draws with a given probability, bernoulli with those in x',
  floatPower: 'floatPower_ takes only float64, the dtype of its result',
  detach: 'detach_ removes x itself from the graph and writes nothing',
  ...Object.fromEntries(
    ['asStrided', 'squeeze', 'swapaxes', 'swapdims', 't', 'transpose', 'unsqueeze'].map((op) => [
      op,
      `${op}_ turns x itself into the view and writes nothing`,
    ]),
  ),
}

/** `x.op_()` must give the result of `op(x)`, write it into x, also through a view, or throw and leave x unchanged. */
export const inPlace: Check = (subject) => {
  const { samples, op } = subject
  const name = `${op}_`
  if (!hasMethod(name) || op in ownOps) return []
  return samples
    .filter((sample) => isTensorSpec(sample.args[0]))
    .flatMap((sample): Case[] => {
      const outOf = async () => {
        const { args, leaves } = prepareCall(sample, plain)
        const outs = callOp(op, args, sample.seed)
        return { outs: await readAll(outs), grads: await gradientsOf(outs, leaves) }
      }
      const into = async (view: boolean) => {
        const { args, leaves } = prepareCall(sample, plain)
        const [first, ...rest] = args as [Tensor, ...unknown[]]
        const before = await readAll([first])
        // A tensor that is not a leaf and has its own memory.
        const own = first.clone()
        const target = view ? own.unsqueeze(0).squeeze(0) : own
        const version = own.version
        let outs: unknown[]
        try {
          outs = callMethod(name, [target, ...rest], sample.seed)
        } catch (error) {
          const same = differenceOfAll(await readAll([own]), before, exact)
          return { error: error as Error, wrong: same && `changed x although it threw: ${same}` }
        }
        const wrong =
          outs[0] !== target
            ? 'did not return x itself'
            : own.version === version && differenceOfAll(await readAll([own]), before, exact) !== undefined
              ? 'did not change the version'
              : differenceOfAll(await readAll([own]), await readAll(outs), exact)
        return { outs: await readAll(outs), grads: await gradientsOf(outs, leaves), wrong }
      }
      return [false, true].map((view) => ({
        label: `${sample.label}${view ? ' (through a view)' : ''}`,
        async run() {
          const { outs, grads } = await outOf()
          const out = outs[0]
          const x = tensorsOf(sample.args[0])[0]
          if (!isNd(out)) return 'the op does not return a tensor'
          const fits = `${out.shape}` === `${x.shape}` && category(out.dtype) <= category(x.dtype)
          const got = await into(view)
          if (got.wrong) return got.wrong
          if (!fits) return got.error ? undefined : `wrote ${out.dtype}[${out.shape}] into ${x.dtype}[${x.shape}]`
          if (!got.outs) return `threw ${got.error?.message}`
          const cast = out.dtype === x.dtype ? out : (await readAll([recast(out, x.dtype)]))[0]
          const wrong = differenceOfAll(got.outs, [cast], exact)
          return wrong ?? (out.dtype === x.dtype ? differenceOfGradients(got.grads, grads, exact) : undefined)
        },
      }))
    })
}
const recast = (out: Nd, dtype: Nd['dtype']): Tensor =>
  noGrad(() => lay(out.values, out.shape, out.dtype, 'contiguous').to(dtype))
