// Memory that a program frees itself is used again. Host memory is that of js and native.
import { arange, F, ones, scope, type Tensor, useDevice, zeros } from '@flambeau/core'
import { garbage, hostOf } from '@flambeau/core/backend'
import { beforeAll, expect, test } from 'vitest'
import { js } from '../src/index.ts'

beforeAll(() => void useDevice(js()))

const n = 2 ** 15
const memoryOf = (x: Tensor) => hostOf(x).data

test('the memory of a freed tensor goes to the next one of its dtype and size', () => {
  const x = ones(n)
  const memory = memoryOf(x)
  x.dispose()
  expect(memoryOf(ones(n + 1))).not.toBe(memory)
  expect(memoryOf(ones([n], { dtype: 'int32' }))).not.toBe(memory)
  const y = ones(n / 8, 8)
  expect(memoryOf(y)).toBe(memory)
  expect(memoryOf(ones(n))).not.toBe(memory)
  scope(() => void y.add(1))
  expect(() => x.sum()).toThrow('dispose()')
})

test('memory that several tensors share is not used again', () => {
  const x = ones(100)
  const { start } = hostOf(x)
  x.dispose()
  const { start: next, data } = hostOf(ones(100))
  expect(data !== memoryOf(ones(100)) || next !== start).toBe(true)
})

test('a collection finds freed memory dead, and there is never much of it', () => {
  const x = ones(n)
  const memory = memoryOf(x)
  x.dispose()
  garbage.all()
  expect(memoryOf(ones(n))).not.toBe(memory)
  const many = Array.from({ length: 1000 }, () => ones(n))
  const memories = new Set(many.map(memoryOf))
  for (const each of many) each.dispose()
  const again = Array.from({ length: 1000 }, () => memoryOf(ones(n))).filter((data) => memories.has(data))
  expect(again.length).toBeLessThanOrEqual(2 ** 26 / (4 * n))
  expect(again.length).toBeGreaterThan(0)
})

test('more of it waits where the C library would map each piece anew', () => {
  garbage.all()
  const reused = (bytes: number): number => {
    const many = Array.from({ length: 2 ** 27 / bytes }, () => zeros(bytes / 4))
    const memories = new Set(many.map(memoryOf))
    for (const each of many) each.dispose()
    return many.filter(() => memories.has(memoryOf(zeros(bytes / 4)))).length
  }
  expect(reused(2 ** 25)).toBe(4)
  garbage.all()
  expect(reused(2 ** 24)).toBe(4)
})

test('what a step uses again waits over the end of the next one, and is dead after that', () => {
  const collect = () => {
    // A collection waits until there was more other work than the one before took.
    const until = performance.now() + 60
    while (performance.now() < until) ones(4).add(1)
    garbage.opens(2 ** 22)
    garbage.ebbs()
  }
  garbage.all()
  const x = ones(n)
  const memory = memoryOf(x)
  x.dispose()
  collect()
  const y = ones(n)
  expect(memoryOf(y)).toBe(memory)
  y.dispose()
  collect()
  collect()
  expect(memoryOf(ones(n))).not.toBe(memory)
})

test.each<[string, () => Tensor]>([
  ['zeros', () => zeros(n)],
  ['a fill with zeros', () => ones(n).fill_(0)],
  ['zeros of bools', () => zeros([n], { dtype: 'bool' })],
  ['padding', () => F.pad(ones(8, n / 8 - 2), [1, 1])],
  [
    'one hot',
    () =>
      F.oneHot(arange(n / 8), n / 8)
        .narrow(0, 0, 2)
        .contiguous(),
  ],
  ['a scatter into zeros', () => zeros(n).scatterAdd(0, arange(8), ones(8))],
  ['a triangle', () => ones(8, n / 8).tril()],
  [
    'the gradient by a slice',
    () => {
      const x = ones(n).requiresGrad_()
      x.narrow(0, 3, 5).sum().backward()
      return x.grad as Tensor
    },
  ],
])('%s in memory that held ones', (_, make) => {
  garbage.all()
  const expected = make()
  for (const dtype of ['float32', 'int32', 'bool'] as const)
    for (const each of Array.from({ length: 4 }, () => ones([n], { dtype }))) each.dispose()
  expect(make().equal(expected)).toBe(true)
})
