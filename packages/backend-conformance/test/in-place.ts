// Writes in place before backward, op by op, on any backend: what is written between a call and its backward, the
// outcome, and where it differs from real PyTorch's (described in tools/golden/inplace.py).
import { grad, noGrad, Tensor, useDevice } from '@flambeau/core'
import { type Backend, CheckedBackend } from '@flambeau/core/backend'
import { beforeAll, describe, expect, it } from 'vitest'
import { callOp, cotangentOf, prepareCall, withTensors } from '../src/call.ts'
import { plain } from '../src/checks/values.ts'
import { differenceOfValues } from '../src/compare.ts'
import { decode, readGolden } from '../src/golden.ts'
import type { Ready } from '../src/prepare.ts'
import type { Sample } from '../src/sample.ts'
import { hasKernels, prepared } from '../src/samples/index.ts'

type Done = { readonly grads: readonly (readonly (number | string)[] | null)[]; readonly names: readonly string[] }
type Failed = { readonly error: string; readonly message: string }
type Outcome = Done | Failed
type Record = { readonly key: string } & { readonly [kind: string]: Outcome }
/** PyTorch's outcomes, by op. */
export const golden = readGolden('in-place') as { readonly [op: string]: readonly Record[] }

const first = (x: Tensor): Tensor => (x.dim() === 0 ? x.unsqueeze(0) : x.narrow(0, 0, Math.min(1, x.shape[0])))
/** The write to every result; 'inputs' writes to the inputs instead. */
export const kinds: { readonly [kind: string]: (x: Tensor) => unknown } = {
  written: (x) => x.mul_(2),
  noGrad: (x) => noGrad(() => x.mul_(2)),
  view: (x) => first(x).mul_(2),
  blind: (x) => noGrad(() => first(x)).mul_(2),
  data: (x) => x.data.mul_(2),
}

/** The outcome of a call with a write between it and its backward. */
export function outcome(
  op: string,
  sample: Ready<Sample>,
  kind: string,
  around = <R>(fn: () => R): R => fn(),
): Outcome {
  const { args, leaves } = prepareCall(sample, plain)
  const wanted = leaves.filter((leaf) => leaf.requiresGrad)
  const inputs = new Map<unknown, Tensor>(wanted.map((leaf) => [leaf, leaf.mul(1)]))
  const outs = around(() => callOp(op, withTensors(args, inputs), sample.seed) as Tensor[])
  const through = outs.flatMap((out, k) => (out instanceof Tensor && out.requiresGrad ? [{ out, k }] : []))
  const gradOutputs = through.map(({ out, k }) => cotangentOf(out, k))
  const seen = through.map(({ out }) => out)
  try {
    return around(() => {
      if (kind === 'inputs') for (const x of inputs.values()) x.mul_(2)
      else for (const out of seen) kinds[kind](out)
      const found = grad(seen, wanted, { gradOutputs, allowUnused: true })
      return {
        grads: leaves.map((leaf) => (leaf.requiresGrad ? numbers(found.shift() ?? null) : null)),
        names: seen.map((out) => String(out.gradFn?.name)),
      }
    })
  } catch (error) {
    const { name, message } = error as Error
    return { error: name, message: message.split('\n')[0] }
  }
}
const numbers = (x: Tensor | null): number[] | null => (x === null ? null : Array.from(x.detach().toArray()))

const tolerance = [1e-5, 1e-6] as const

/** The difference between two outcomes, in words. */
export function difference(actual: Outcome, expected: Outcome): string | null {
  const text = JSON.stringify
  if ('error' in expected)
    return text(actual) === text(expected) ? null : `${text(actual)}\n      not ${text(expected)}`
  if ('error' in actual) return `${text(actual)}\n      not gradients`
  const wanted = expected.grads.map((g) => g && decode(g))
  const same = actual.grads.every((g, i) => {
    const other = wanted[i]
    if (g === null || other === null) return g === other
    return differenceOfValues(g as number[], other, tolerance) === undefined
  })
  if (!same) return `${text(actual.grads)}\n      not ${text(expected.grads)}`
  // After a write to its base, a view is as_strided of it in PyTorch, and the same view here.
  const alike = expected.names.every((name, i) => name === 'AsStridedBackward0' || name === actual.names[i])
  return alike ? null : `${actual.names} not ${expected.names}`
}

/** Writes that PyTorch refuses and that are possible here, by words of its error; other errors must match exactly. */
const possible: readonly (readonly [words: string, ops: readonly string[], because: string])[] = [
  ['returns multiple views', ['split', 'splitWithSizes', 'chunk', 'unbind'], 'pieces are ordinary views'],
  [
    'modified by an inplace',
    [
      ...['gather', 'maskedSelect', 'mean', 'sgn', 'batchNorm', 'cummax', 'cummin', 'rrelu', 'gridSample'],
      ...['combinations', 'indexAdd', 'indexCopy', 'put', 'take', 'takeAlongDim', 'embedding', 'pdist'],
      ...['max', 'avg', 'adaptiveMax', 'adaptiveAvg'].flatMap((kind) => [1, 2, 3].map((rank) => `${kind}Pool${rank}d`)),
      ...['fractionalMaxPool2d', 'fractionalMaxPool3d', 'maxUnpool1d', 'maxUnpool2d', 'maxUnpool3d'],
    ],
    'their gradients save fewer inputs',
  ],
]
const isPossible = (op: string, expected: Outcome): boolean =>
  'error' in expected && possible.some(([words, ops]) => ops.includes(op) && expected.message.includes(words))

/** Inputs are checked in another order, so the error may name another of the overwritten ones. */
const unnamed = (x: Outcome): Outcome =>
  'error' in x ? { ...x, message: x.message.replace(/(inplace operation): \[.*$/, '$1') } : x

/** Differences from PyTorch by op and kind, with the reason. */
type Differences = { readonly [opAndKind: string]: string }
const shuffle = 'in PyTorch it has no gradient; its values and gradients are compared with those of a reshape'
const cutAgain = 'in PyTorch 1.13 it takes other bounds; it is compared with an assignment to a slice of a copy'
const stridedAgain = 'in PyTorch 1.13 its gradient is memory that nobody wrote; it is compared as sliceScatter is'
const everywhere: Differences = {
  'l1Loss inputs': 'it saves its inputs, PyTorch saves their difference',
  'dist data': 'where the norm was overwritten no element has its size',
  'kron inputs': 'it saves its inputs, PyTorch saves copies of them',
  'special.ndtr inputs': 'it saves its input, PyTorch what it computes from it',
  ...Object.fromEntries(
    ['noGrad', 'data', 'inputs'].flatMap((kind) => [
      [`channelShuffle ${kind}`, shuffle],
      [`sliceScatter ${kind}`, cutAgain],
      [`asStridedScatter ${kind}`, stridedAgain],
    ]),
  ),
}
const ofCompositions: Differences = { 'logSoftmax data': 'it saves exponentials, which nothing writes to' }

/**
 * The differences between an op and PyTorch on the default device, one line each, including listed differences that do
 * not occur.
 */
function differencesFrom(op: string, known: Differences): string[] {
  const wrong: string[] = []
  const excused = new Map(Object.keys(known).flatMap((key) => (key.startsWith(`${op} `) ? [[key, 0]] : [])))
  for (const { key, ...expected } of golden[op]) {
    const sample = prepared(op).samples.find((s) => s.key === key)
    if (sample === undefined) throw new Error('no such sample: python3 tools/golden/inplace.py')
    for (const [kind, wanted] of Object.entries(expected)) {
      const actual = outcome(op, sample, kind)
      const same = kind === 'inputs' ? unnamed : (x: Outcome) => x
      const found = difference(same(actual), same(wanted as Outcome))
      if (found === null || (isPossible(op, wanted as Outcome) && 'grads' in actual)) continue
      const times = excused.get(`${op} ${kind}`)
      if (times === undefined) wrong.push(`${kind}, ${sample.label}: ${found}`)
      else excused.set(`${op} ${kind}`, times + 1)
    }
  }
  return [...wrong, ...[...excused].flatMap(([key, times]) => (times === 0 ? [`${key} equals PyTorch's`] : []))]
}

/**
 * Writes to the results of every op before backward, on a device behind a checked backend, and compares with PyTorch;
 * `own` lists the differences of its kernels.
 */
export function describeWritten(inner: Backend, own: Differences = ofCompositions): void {
  const known = { ...everywhere, ...own }
  const device = new CheckedBackend(inner)
  describe(`writes before backward on ${device.name} agree with PyTorch`, () => {
    beforeAll(() => void useDevice(device))
    it.each(Object.keys(golden).filter((op) => inner.name === 'js' || hasKernels(op)))('%s', (op) => {
      expect([...differencesFrom(op, known), ...device.found.splice(0)]).toEqual([])
    })
  })
}
