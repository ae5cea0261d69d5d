// Checks derived for every op: zeros of both signs, NaN and infinities, and empty tensors, against PyTorch. Signs of
// results count, also those of zeros. An empty tensor is a view of a larger one: elements beside it must not be read,
// and get no gradient.
import * as ops from '@flambeau/core'
import type { Tensor } from '@flambeau/core'
import type { Backend } from '@flambeau/core/backend'
import { callOp, gradientsOf, gradientTensors, lay, prepareCall, readAll, withTensors } from '../call.ts'
import { differenceOfAll, differenceOfSigns, differenceOfValues, type Expected, isNd, type Result } from '../compare.ts'
import { derivedGoldenOf } from '../golden.ts'
import { numel } from '../property.ts'
import type { DType } from '../sample.ts'
import type { Check } from '../subject.ts'
import { toleranceOf } from '../tolerances.ts'
import { plain } from './values.ts'

/** Ops whose zeros have another sign than PyTorch's, and why that is equally valid. */
const signless: Readonly<Record<string, string>> = {
  cumsum: 'PyTorch adds the first element to 0, here sums begin with it',
  logcumsumexp: 'as cumsum',
  nanmedian: 'zeros of both signs are equal, and either may be in the middle',
  ...Object.fromEntries(
    ['elu', 'celu', 'selu'].map((op) => [
      op,
      'PyTorch subtracts 1 from exp(x), which loses the sign of zero and digits of small numbers',
    ]),
  ),
  gelu: 'the vectors of PyTorch multiply -0 to 0',
  relu6: 'as relu',
  groupNorm: 'PyTorch subtracts the mean after it has scaled both, here it scales the difference',
  ...Object.fromEntries(
    ['maxPool1d', 'maxPool2d', 'maxPool3d', 'adaptiveMaxPool1d', 'adaptiveMaxPool2d', 'adaptiveMaxPool3d'].map((op) => [
      op,
      'the larger of -0 and 0 is 0 here; PyTorch takes the first of equal elements',
    ]),
  ),
  relu: 'the larger of -0 and 0: in PyTorch it depends on whether the element is processed in a vector',
}

/** Ops whose zeros may have either sign where shaders compute them, which may let a short sum begin with its first term. */
const shortSums: ReadonlySet<string> = new Set([
  ...['bilinear', 'inner', 'matrixPower', 'trace', 'avgPool1d', 'avgPool2d', 'avgPool3d', 'fold'],
  ...['adaptiveAvgPool1d', 'adaptiveAvgPool2d', 'adaptiveAvgPool3d'],
])
/** Shaders have no float64. */
const ignoresSigns = (op: string, { caps }: Backend): boolean =>
  op in signless || (shortSums.has(op) && !caps.dtypes.has('float64'))

const signsOf = (actual: readonly Result[], expected: readonly Expected[]): string | undefined => {
  for (const [k, x] of expected.entries()) {
    const y = actual[k]
    const wrong = 'values' in x && x.values !== null && isNd(y) ? differenceOfSigns(y.values, x.values) : undefined
    if (wrong !== undefined) return `output ${k}: ${wrong}`
  }
  return undefined
}

/** Compares gradients; a missing gradient equals zeros. */
const gradientsOff = (
  actual: readonly (Result | null)[] | undefined,
  expected: readonly (readonly number[] | null)[] | undefined,
  op: string,
): string | undefined => {
  const wanted = expected ?? actual?.map(() => null) ?? []
  for (const [i, x] of wanted.entries()) {
    const got = actual?.[i]
    const values = got && isNd(got) ? got.values : null
    const none = Array.from({ length: (x ?? values ?? []).length }, () => 0)
    const wrong = differenceOfValues(values ?? none, x ?? none, toleranceOf(op, 'float32', 'gradients'))
    if (wrong !== undefined) return `gradient of tensor ${i}: ${wrong}`
  }
  return undefined
}

/** Ops whose result for special values is not unique, and why. */
const unanswered: Readonly<Record<string, string>> = {
  to: 'NaN, and a number beyond int32, is another int32 on every processor',
  int: 'as to',
  long: 'as to',
  lpPool1d: 'the root of a negative infinity is infinite in C, and NaN by the pow of a shader',
  lpPool2d: 'as lpPool1d',
  renorm: 'a gradient of a NaN norm is NaN, where PyTorch leaves it out',
  unique: 'the order of NaN',
  histc: 'PyTorch counts NaN in some bin, by undefined conversion',
  histogram: 'as histc',
  histogramdd: 'as histc',
  searchsorted: 'a sequence that is not sorted',
  bucketize: 'as searchsorted',
  kthvalue: 'which of equal elements it takes is unspecified',
  polygamma: 'its limit at infinity is 0; the sum of PyTorch is NaN there',
  topk: 'which of equal elements it takes is unspecified',
  ...Object.fromEntries(
    ['conv1d', 'conv2d', 'conv3d', 'convTranspose1d', 'convTranspose2d', 'convTranspose3d'].map((op) => [
      op,
      'an infinite weight beside a zero of the padding: PyTorch multiplies them in one kernel and leaves them out in another',
    ]),
  ),
}

export const specialValues: Check = ({ derived, family, op, backend }) =>
  derived
    .filter(({ derivation }) => derivation !== 'nothing' && !(op in unanswered))
    .map((sample) => ({
      label: sample.label,
      async run() {
        const golden = derivedGoldenOf(family, op, sample)
        const { args, leaves } = prepareCall(sample, plain)
        try {
          const made = callOp(op, args)
          const actual = await readAll(made)
          await backend.sync()
          if ('error' in golden) return `did not throw ${golden.error}: ${golden.message}`
          const wrong = differenceOfAll(actual, golden.outs, (x) =>
            toleranceOf(op, x.dtype, 'values', sample.tolerance),
          )
          if (wrong !== undefined) return wrong
          const sign = ignoresSigns(op, backend) ? undefined : signsOf(actual, golden.outs)
          return sign ?? gradientsOff(await gradientsOf(made, leaves), golden.grads, op)
        } catch (error) {
          if ('error' in golden && (error as Error).name === golden.error) return undefined
          throw error
        }
      },
    }))

/** A view without elements of `base * 3`, which has elements, along the first dimension of size 0. */
function nothingOf(leaf: Tensor): { readonly base: Tensor; readonly view: Tensor } {
  const dim = leaf.sizes.indexOf(0)
  const shape = leaf.sizes.map((size, d) => (d === dim ? 1 : size))
  const base = lay(new Array<number>(numel(shape)).fill(1), shape, leaf.dtype, 'contiguous')
  base.requiresGrad = true
  return { base, view: ops.narrow(ops.mul(base, 3), dim, 1, 0) }
}

export const nothing: Check = ({ derived, family, op, backend }) =>
  derived
    .filter(({ derivation }) => derivation === 'nothing')
    .map((sample) => ({
      label: sample.label,
      async run() {
        const golden = derivedGoldenOf(family, op, sample)
        const { args, leaves } = prepareCall(sample, plain)
        const empty = leaves.filter((leaf) => leaf.requiresGrad && numel(leaf.sizes) === 0)
        const cut = empty.map(nothingOf)
        const views = new Map<unknown, Tensor>(empty.map((leaf, i) => [leaf, cut[i].view]))
        try {
          const made = callOp(op, withTensors(args, views))
          const actual = await readAll(made)
          await backend.sync()
          if ('error' in golden) return `did not throw ${golden.error}: ${golden.message}`
          const near = (x: { dtype: DType }) => toleranceOf(op, x.dtype, 'values', sample.tolerance)
          const wrong = differenceOfAll(actual, golden.outs, near)
          if (wrong !== undefined) return wrong
          const bases = cut.map(({ base }) => base)
          const found = (await readAll(gradientTensors(made, bases))).flatMap((x) => (isNd(x) ? x.values : []))
          return found.every((x) => x === 0) ? undefined : `a gradient of ${found} beside a view without elements`
        } catch (error) {
          if ('error' in golden && (error as Error).name === golden.error) return undefined
          throw error
        }
      },
    }))
