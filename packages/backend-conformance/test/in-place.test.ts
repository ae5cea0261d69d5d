// Writes in place for every op: the outcome for its result and its gradients if the result, a view of it, or an input
// is written to before the backward pass, compared with real PyTorch (in-place.ts). Also on a device that is not the
// default, where the results of every op must stay, and the in-place form of every op on a view.
import { js } from '@flambeau/backend-js'
import { grad, noGrad, Tensor, useDevice } from '@flambeau/core'
import { describe, expect, it } from 'vitest'
import { plain } from '../src/checks/values.ts'
import { callMethod, callOp, cotangentOf, hasMethod, prepareCall, withTensors } from '../src/call.ts'
import type { Ready } from '../src/prepare.ts'
import { type Arg, type Sample, tensorsOf } from '../src/sample.ts'
import { families, prepared } from '../src/samples/index.ts'
import { wrapped } from '../src/watched.ts'
import { difference, describeWritten, golden, kinds, outcome } from './in-place.ts'

const backend = js()
const otherwise = wrapped(backend, { name: 'other' })
useDevice(backend)

const ops = Object.values(families).flatMap((family) => Object.keys(family))

describe('the table', () => {
  it('they cover every op whose results have gradients', () => {
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
})

const holdsTensors = (arg: Arg): boolean => tensorsOf(arg).length > 0

/** Calls a function while another device is the default. */
function elsewhere<R>(fn: () => R): R {
  useDevice(otherwise)
  try {
    return fn()
  } finally {
    useDevice(backend)
  }
}

describe('the same outcome on a device that is not the default', () => {
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

describe('results are on the device of their inputs, whatever the default', () => {
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

/**
 * The gradients of a call, ignoring signs of zeros; null for a sample whose result cannot replace its first argument.
 */
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

describe('through a view, the in-place form gives the result of the form without underscore', () => {
  // Exclude ops that draw again, views that cannot be detached, ops without gradients, and forms that change the shape.
  const others = [
    'bernoulli',
    'detach',
    'floorDivide',
    'nextafter',
    'floatPower',
    'polygamma',
    'igamma',
    'igammac',
    'heaviside',
    'gcd',
    'lcm',
    ...['asStrided', 'squeeze', 'swapaxes', 'swapdims', 't', 'transpose', 'unsqueeze'],
  ]
  const without = (op: string): boolean => others.includes(op) || op.startsWith('bitwise')
  const forms = ops.filter((op) => hasMethod(op) && hasMethod(`${op}_`) && !without(op))
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

// Last, because from here on another device is the default.
describeWritten(backend)
