// Writing in place, by construction: for every op, what becomes of its result and of its gradients when the result, a view
// of it, or an input is written to before backward, as real PyTorch has it (tools/golden_inplace.py says what is done). The
// same on a device that is not the default one, where the results of every op lie, and the in-place form of every op on a
// view.
import { js } from '@flambeau/backend-js'
import { grad, noGrad, Tensor, useDevice } from '@flambeau/core'
import type { Backend } from '@flambeau/core/backend'
import { describe, expect, it } from 'vitest'
import { callMethod, callOp, cotangentOf, hasMethod, prepareCall, withTensors } from '../src/call.ts'
import { decode, readGolden } from '../src/golden.ts'
import type { Ready } from '../src/prepare.ts'
import { type Arg, type Sample, tensorsOf } from '../src/sample.ts'
import { families, prepared } from '../src/samples/index.ts'
import { plain } from '../src/checks/values.ts'

const backend = js()
const otherwise: Backend = {
  name: 'other',
  caps: backend.caps,
  supports: (instr) => backend.supports(instr),
  run: (instr) => backend.run(instr),
  alloc: (spec) => backend.alloc(spec),
  write: (out, data) => backend.write(out, data),
  read: (view) => backend.read(view),
  readSync: (view) => backend.readSync(view),
  free: (buffer) => backend.free(buffer),
  sync: () => backend.sync(),
  memory: () => backend.memory(),
  dispose: () => backend.dispose(),
}
useDevice(backend)

type Done = { readonly grads: readonly (readonly (number | string)[] | null)[]; readonly names: readonly string[] }
type Failed = { readonly error: string; readonly message: string }
type Outcome = Done | Failed
type Record = { readonly key: string } & { readonly [kind: string]: Outcome }
const golden = readGolden('in-place') as { readonly [op: string]: readonly Record[] }

const first = (x: Tensor): Tensor => (x.dim() === 0 ? x.unsqueeze(0) : x.narrow(0, 0, Math.min(1, x.shape[0])))
const kinds: { readonly [kind: string]: (x: Tensor) => unknown } = {
  written: (x) => x.mul_(2),
  noGrad: (x) => noGrad(() => x.mul_(2)),
  view: (x) => first(x).mul_(2),
  blind: (x) => noGrad(() => first(x)).mul_(2),
  data: (x) => x.data.mul_(2),
}

/** What comes of a call between which and backward something was done. */
function outcome(op: string, sample: Ready<Sample>, kind: string, around = <R>(fn: () => R): R => fn()): Outcome {
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

const near = (a: number, b: number): boolean =>
  Object.is(a, b) || a === b || Math.abs(a - b) <= 1e-5 * Math.max(Math.abs(b), 1e-2)
/** Where two outcomes differ, in words. */
function difference(actual: Outcome, expected: Outcome): string | null {
  const text = JSON.stringify
  if ('error' in expected)
    return text(actual) === text(expected) ? null : `${text(actual)}\n      not ${text(expected)}`
  if ('error' in actual) return `${text(actual)}\n      not gradients`
  const wanted = expected.grads.map((g) => g && decode(g))
  const same = actual.grads.every((g, i) => {
    const other = wanted[i]
    if (g === null || other === null) return g === other
    return g.length === other.length && g.every((x, j) => near(x as number, other[j]))
  })
  if (!same) return `${text(actual.grads)}\n      not ${text(expected.grads)}`
  // A view whose base was written to is as_strided of it in PyTorch, and the same view again here.
  const alike = expected.names.every((name, i) => name === 'AsStridedBackward0' || name === actual.names[i])
  return alike ? null : `${actual.names} not ${expected.names}`
}

/** Where PyTorch refuses what is possible here, by words of its error; the others are compared to the word. */
const possible: readonly (readonly [words: string, ops: readonly string[], because: string])[] = [
  ['returns multiple views', ['split', 'chunk', 'unbind'], 'pieces are views like others'],
  ['modified by an inplace', ['gather', 'maskedSelect', 'mean', 'batchNorm'], 'their rules need less of their inputs'],
]
const isPossible = (op: string, expected: Outcome): boolean =>
  'error' in expected && possible.some(([words, ops]) => ops.includes(op) && expected.message.includes(words))

/** Inputs are looked at in another order, so that another one of those that were written to is named. */
const unnamed = (x: Outcome): Outcome =>
  'error' in x ? { ...x, message: x.message.replace(/(inplace operation): \[.*$/, '$1') } : x

const differences: { readonly [opAndKind: string]: string } = {
  'l1Loss inputs': 'it keeps its inputs, where PyTorch keeps their difference',
  'logSoftmax data': 'it keeps exponentials, which nobody writes to',
}

const ops = Object.values(families).flatMap((family) => Object.keys(family))

describe('as PyTorch has it', () => {
  it('every op whose results have gradients is among them', () => {
    const others = ops.filter((op) => !(op in golden))
    const missing = others.filter((op) =>
      prepared(op).samples.some((sample) => {
        if (sample.unwritten) return false
        const { args } = prepareCall(sample, plain)
        return callOp(op, args, sample.seed).some((out) => out instanceof Tensor && !out.isLeaf)
      }),
    )
    expect(missing).toEqual([])
  })
  it.each(Object.keys(golden))('%s', (op) => {
    const wrong: string[] = []
    for (const { key, ...expected } of golden[op]) {
      const sample = prepared(op).samples.find((s) => s.key === key)
      if (sample === undefined) throw new Error('no such sample: python3 tools/golden_inplace.py')
      for (const [kind, wanted] of Object.entries(expected)) {
        const actual = outcome(op, sample, kind)
        const same = kind === 'inputs' ? unnamed : (x: Outcome) => x
        const found = difference(same(actual), same(wanted as Outcome))
        if (found === null || (isPossible(op, wanted as Outcome) && 'grads' in actual)) continue
        if (`${op} ${kind}` in differences) continue
        wrong.push(`${kind}, ${sample.label}: ${found}`)
      }
    }
    expect(wrong).toEqual([])
  })
})

const holdsTensors = (arg: Arg): boolean => tensorsOf(arg).length > 0

/** Does something while another device is the default one. */
function elsewhere<R>(fn: () => R): R {
  useDevice(otherwise)
  try {
    return fn()
  } finally {
    useDevice(backend)
  }
}

describe('no other way on a device that is not the default one', () => {
  it.each(Object.keys(golden))('%s', (op) => {
    const wrong: string[] = []
    for (const { key } of golden[op]) {
      const sample = prepared(op).samples.find((s) => s.key === key) as Ready<Sample>
      for (const kind of [...Object.keys(kinds), 'inputs']) {
        const found = difference(outcome(op, sample, kind, elsewhere), outcome(op, sample, kind))
        if (found !== null) wrong.push(`${kind}, ${sample.label}: ${found}`)
      }
    }
    expect(wrong).toEqual([])
  })
})

describe('results lie where their inputs lie, whatever device is the default one', () => {
  const fromTensors = ops.flatMap((op) => {
    const samples = prepared(op).samples.filter(({ unwritten, args }) => !unwritten && args.some(holdsTensors))
    return samples.length === 0 ? [] : [{ op, samples }]
  })
  it('is there', () => expect(fromTensors.length).toBeGreaterThan(140))
  it.each(fromTensors)('$op', ({ op, samples }) => {
    for (const sample of samples) {
      const { args } = prepareCall(sample, plain)
      const { device } = args.flat(2).find((arg) => arg instanceof Tensor) as Tensor
      const outs = elsewhere(() => callOp(op, args, sample.seed))
      for (const out of outs) if (out instanceof Tensor) expect(out.device, sample.label).toBe(device)
    }
  })
})

/** The gradients of a call, but for the signs of zeros; null for a sample whose result could not be its first argument's. */
function gradientsOf(op: string, sample: Ready<Sample>, inPlace: boolean): number[][] | null {
  const { args, leaves } = prepareCall(sample, plain)
  const wanted = leaves.filter((leaf) => leaf.requiresGrad)
  const inputs = new Map<unknown, Tensor>(wanted.map((leaf) => [leaf, leaf.mul(1)]))
  const [self, ...rest] = withTensors(args, inputs)
  if (!(self instanceof Tensor) || !inputs.has(args[0])) return null
  const [out] = callMethod(op, [self, ...rest], sample.seed) as Tensor[]
  if (out.shape.join() !== self.shape.join()) return null
  const cotangent = cotangentOf(self, 0)
  return elsewhere(() => {
    let result = out.to(self.dtype)
    if (inPlace) {
      const view = self.at('...')
      callMethod(`${op}_`, [view, ...rest], sample.seed)
      expect([view.gradFn === null, Array.from(noGrad(() => view.toArray()))]).toEqual([
        false,
        Array.from(noGrad(() => result.toArray())),
      ])
      result = self
    }
    const through = result.requiresGrad ? grad(result, wanted, { gradOutputs: cotangent, allowUnused: true }) : []
    return wanted.map((leaf, i) =>
      Array.from(through[i]?.toArray() ?? new Array<number>(leaf.numel()).fill(0), (x) => x + 0),
    )
  })
}

describe('through a view, what the form without underscore gives', () => {
  // What is drawn is drawn anew, a view cannot be detached, and nothing has a gradient.
  const others = ['bernoulli', 'detach', 'floorDivide']
  const forms = ops.filter((op) => hasMethod(op) && hasMethod(`${op}_`) && !others.includes(op))
  it('is there', () => expect(forms.length).toBeGreaterThan(45))
  it.each(forms)('%s_', (op) => {
    let compared = 0
    for (const sample of prepared(op).samples) {
      const expected = gradientsOf(op, sample, false)
      if (expected === null) continue
      compared++
      expect(gradientsOf(op, sample, true), sample.label).toEqual(expected)
    }
    expect(compared).toBeGreaterThan(0)
  })
})
