// Checks of memory shared with the argument: a write into a view changes exactly the elements of its base that the view
// shows, and the gradient accounts for it. The check finds these elements by passing a tensor of numbered elements to
// the op.
import * as ops from '@flambeau/core'
import type { Tensor } from '@flambeau/core'
import { callOp, gradientsOf, lay, prepareCall, readAll } from '../call.ts'
import { differenceOfAll, differenceOfValues, isNd } from '../compare.ts'
import type { Ready } from '../prepare.ts'
import { cotangent, isTensorSpec, type Sample, type TensorSpec } from '../sample.ts'
import type { Check } from '../subject.ts'
import { exact, plain } from './values.ts'

const overlap =
  'unsupported operation: more than one element of the written-to tensor refers to a single memory location. Please clone() the tensor before performing the operation.'

/** The effect of `written` on the elements of x that the view shows, and on the gradient of x. */
const writeThrough = async (op: string, sample: Ready<Sample>): Promise<string | undefined> => {
  const spec = sample.args[0] as TensorSpec
  const numbered = spec.shape.reduce((n, size) => n * size, 1)
  const numbers = lay(
    Array.from({ length: numbered }, (_, i) => i),
    spec.shape,
    spec.dtype,
    'contiguous',
  )
  const { args, leaves } = prepareCall(sample, plain)
  const [shown] = await readAll(callOp(op, [numbers, ...args.slice(1)]))
  if (!isNd(shown)) return 'the op does not return a tensor'
  const seen = new Set(Array.from(shown.values))

  const base = ops.mul(leaves[0], 3)
  const view = callOp(op, [base, ...args.slice(1)])[0] as Tensor
  if (view.storage !== base.storage) return undefined
  const once = seen.size === shown.values.length
  if (!once && !view.strides.some((stride, d) => stride === 0 && view.sizes[d] > 1)) return undefined
  const before = await readAll([base])
  try {
    view.mul_(2)
  } catch (error) {
    if (once) throw error
    const { name, message } = error as Error
    if (name !== 'RuntimeError' || !message.startsWith(overlap)) return `says "${message}" instead of "${overlap}"`
    return differenceOfAll(await readAll([base]), before, exact)
  }
  if (!once) return `did not throw RuntimeError: ${overlap}`

  const values = spec.values as readonly number[]
  const round = spec.dtype === 'float32' ? Math.fround : (x: number) => x
  const expected = values.map((x, i) => round(round(round(x) * 3) * (seen.has(i) ? 2 : 1)))
  const [written] = await readAll([base])
  if (!isNd(written)) return 'the base is not a tensor'
  const wrong = differenceOfValues(written.values, expected, [0, 0])
  if (wrong !== undefined) return `the base after the write: ${wrong}`
  const grads = await gradientsOf([base], [leaves[0]])
  const x = grads?.[0]
  if (!x || !isNd(x)) return 'the base has no gradient after the write'
  const slopes = values.map((_, i) => cotangent(i, 0) * 3 * (seen.has(i) ? 2 : 1))
  const off = differenceOfValues(x.values, slopes, [1e-6, 0])
  return off === undefined ? undefined : `the gradient after the write: ${off}`
}

export const throughViews: Check = ({ op, family, samples }) =>
  family !== 'views' && family !== 'joins' && op !== 'at'
    ? []
    : samples
        .filter(({ args: [first] }) => isTensorSpec(first) && first.grad && first.dtype.startsWith('float'))
        .map((sample) => ({ label: sample.label, run: () => writeThrough(op, sample) }))
