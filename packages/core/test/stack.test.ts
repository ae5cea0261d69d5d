// Where an error comes from: its stack reaches the line of the program, however many modules, ops and kernels lie between,
// and a node of the graph is shown by its name.
import { inspect } from 'node:util'
import { js } from '@flambeau/backend-js'
import { F, linalg, nn, ones, randn, TypeError, tensor, useDevice, zeros } from '@flambeau/core'
import { afterEach, beforeEach, expect, test } from 'vitest'

useDevice(js())

const { stackTraceLimit } = Error
// What V8 keeps unless told otherwise; the test runner keeps more.
beforeEach(() => void Object.assign(Error, { stackTraceLimit: 10 }))
afterEach(() => void Object.assign(Error, { stackTraceLimit }))

const nested = (depth: number): nn.Module =>
  depth === 0 ? new nn.Linear(2, 3) : new nn.Sequential(new nn.Identity(), nested(depth - 1))
const model = nested(8)

test.each<[string, () => unknown]>([
  ['a kernel', () => F.crossEntropy(zeros(1, 3), tensor([4], { dtype: 'int32' }))],
  ['modules in modules', () => (model as nn.Linear).forward(randn(1, 5))],
  ['a backward pass', () => ones(2).sum().backward()],
  ['a wrong argument', () => (model as nn.Linear).forward('x' as never)],
])('the stack of an error in %s', (_, fail) => {
  let stack = ''
  try {
    fail()
  } catch (error) {
    stack = (error as Error).stack ?? ''
  }
  expect(stack).toContain('stack.test.ts')
  expect(Error.stackTraceLimit).toBe(10)
})

test('a program that keeps no frames or more of them gets what it asked for', () => {
  for (const limit of [0, 70]) {
    Error.stackTraceLimit = limit
    let error: unknown
    const dig = (depth: number): void => (depth === 0 ? void (error = new TypeError('deep')) : dig(depth - 1))
    dig(100)
    expect((error as Error).stack?.split('\n').length).toBe(limit + 1)
  }
})

test('where V8 may not be told how many frames to keep, an error is the same', () => {
  Object.defineProperty(Error, 'stackTraceLimit', { writable: false })
  try {
    expect(() => ones(2).item()).toThrow('a Tensor with 2 elements cannot be converted to Scalar')
    expect(new TypeError('a', 'b').message).toBe('a\nb')
    expect(Error.stackTraceLimit).toBe(10)
  } finally {
    Object.defineProperty(Error, 'stackTraceLimit', { writable: true })
  }
})

test('a node of the graph shows its name, and those that its gradients go to', () => {
  const x = tensor([1, 2], { requiresGrad: true })
  const { gradFn } = x.mul(2).sub(x)
  expect([String(gradFn), inspect(gradFn)]).toEqual(['<SubBackward0>', '<SubBackward0>'])
  expect(gradFn?.nextFunctions.map(([node, i]) => `${node} ${i}`)).toEqual(['<MulBackward0> 0', '<AccumulateGrad> 0'])
  const { R } = linalg.qr(x.mul(ones(2, 1)))
  expect(R.neg().gradFn?.nextFunctions).toEqual([[R.gradFn, 1]])
  expect(x.mul(2).gradFn?.nextFunctions[1]).toEqual([null, 0])
})
