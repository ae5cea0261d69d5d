// What profile() records: every kernel with its shapes and bytes, in eager and in compiled steps, on the device and on
// the fallback; afterwards the device is unwrapped.
import { js } from '@flambeau/backend-js'
import {
  compile,
  currentDevice,
  F,
  manualSeed,
  nn,
  optim,
  profile,
  randn,
  setFallback,
  type Tensor,
  tensor,
  useDevice,
} from '@flambeau/core'
import type { Backend } from '@flambeau/core/backend'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'

beforeEach(() => {
  useDevice(js())
  setFallback(js())
})
afterEach(() => void vi.restoreAllMocks())

const training = (): { step: () => Tensor; model: nn.Linear } => {
  manualSeed(0)
  const [x, y] = [randn(6, 3), randn(6, 1)]
  const model = new nn.Linear(3, 1)
  const optimizer = new optim.SGD(model.parameters(), { lr: 0.1 })
  const step = (): Tensor => {
    const loss = F.mseLoss(model.forward(x), y)
    optimizer.zeroGrad()
    loss.backward()
    optimizer.step()
    return loss
  }
  return { step, model }
}

test('an event for every kernel, with shapes and bytes', () => {
  const { step } = training()
  const { events } = profile(step)
  expect(events.map(({ name }) => name)).toContain('mseLoss')
  const addmm = events.find(({ name }) => name === 'addmm')
  expect(addmm).toMatchObject({
    kind: 'contract',
    outputs: [{ sizes: [6, 1], dtype: 'float32' }],
    // The bias is broadcast, so four bytes of it are read.
    bytesRead: 4 * (6 * 3 + 3 * 1 + 1),
    bytesWritten: 4 * 6,
  })
  expect(addmm?.inputs.map(({ sizes }) => sizes)).toEqual([
    [6, 3],
    [3, 1],
    [6, 1],
  ])
  expect(addmm).not.toHaveProperty('line')
  for (const [i, { start, duration }] of events.entries()) {
    expect(duration).toBeGreaterThanOrEqual(0)
    if (i > 0) expect(start).toBeGreaterThanOrEqual(events[i - 1].start)
  }
})

test('uploads and downloads of data', () => {
  const { events } = profile(() => tensor([1, 2, 3]).toArray())
  expect(events.map(({ kind, bytesRead, bytesWritten }) => [kind, bytesRead, bytesWritten])).toEqual([
    ['write', 0, 12],
    ['read', 12, 0],
  ])
})

test('the lines that called, when asked for', () => {
  const x = tensor([1, 2])
  const { events } = profile(() => x.exp(), { withStack: true })
  expect(events[0].line).toContain('profile.test.ts')
  // Through the layers, the backward pass and the optimizer, all lines are in this file.
  for (const step of [training().step, compile(training().step)]) {
    const { events } = profile(step, { withStack: true })
    expect(events.length).toBeGreaterThan(5)
    for (const { line } of events) expect(line).toContain('profile.test.ts')
  }
  expect(profile(() => x.exp(), { withStack: true }).table()).toMatch(/Source Location[\s\S]*profile\.test\.ts/)
})

test('a table has one row per name, the slowest first, with the requested number of rows', () => {
  const [a, b] = [randn(200, 200), randn(2, 2)]
  const seen = profile(() => {
    for (let i = 0; i < 3; i++) {
      b.matmul(b)
      a.matmul(a)
      b.exp()
    }
  })
  const rows = (text: string): string[][] =>
    text
      .split('\n')
      .slice(3, -3)
      .map((row) => row.trim().split(/ {2,}/))
  const [first, second] = rows(String(seen))
  expect([first[0], first[4]]).toEqual(['mm', '6'])
  expect([second[0], second[4], second[5]]).toEqual(['exp', '3', '96 b'])
  const shaped = rows(seen.table({ groupByInputShape: true }))
  expect(shaped.map((row) => [row[0], row[4], row[6]])).toContainEqual(['mm', '3', '[[200, 200], [200, 200]]'])
  expect(shaped).toHaveLength(3)
  expect(rows(seen.table({ rowLimit: 1 }))).toEqual([first])
  expect(String(seen)).toMatch(/\nSelf CPU time total: [\d.]+(us|ms|s)\nTime of the function: .* outside of kernels$/)
})

test('a trace that Chrome reads', () => {
  const { step } = training()
  const seen = profile(step)
  const { traceEvents } = JSON.parse(seen.chromeTrace())
  const [process, ...rest] = traceEvents
  expect(process).toMatchObject({ ph: 'M', name: 'process_name', args: { name: 'flambeau on js' } })
  expect(rest.map(({ name }: { name: string }) => name)).toEqual(seen.events.map(({ name }) => name))
  expect(rest.every((event: { ph: string }) => event.ph === 'X')).toBe(true)
  const mm = rest.find(({ name }: { name: string }) => name === 'addmm')
  expect(mm).toMatchObject({ cat: 'contract', args: { inputs: ['float32[6, 3]', 'float32[3, 1]', 'float32[6, 1]'] } })
  expect(mm.dur).toBe(seen.events.find(({ name }) => name === 'addmm')?.duration)
})

test('events are kept up to a number, the table counts all', () => {
  const x = randn(4)
  const seen = profile(
    () => {
      for (let i = 0; i < 10; i++) x.exp()
    },
    { maxEvents: 3 },
  )
  expect(seen.events).toHaveLength(3)
  expect(seen.table()).toMatch(/exp +100\.00% .* 10 +320 b/)
})

const trained = (calls: number, watch: (i: number, step: () => Tensor) => Tensor): unknown => {
  const { step, model } = training()
  const compiled = compile(step)
  const losses = Array.from({ length: calls }, (_, i) => watch(i, compiled).item())
  return { losses, state: [...model.stateDict().values()].map((x) => [...(x as Tensor).toArray()]) }
}

test('a compiled step is timed by its instructions, and gives the same numbers', () => {
  const unseen = trained(40, (_, step) => step())
  const counts: number[] = []
  const seen = trained(40, (i, step) => {
    let loss: Tensor | undefined
    const { events } = profile(() => (loss = step()))
    counts[i] = events.length
    return loss as Tensor
  })
  expect(seen).toEqual(unseen)
  expect(Math.min(...counts)).toBeGreaterThan(0)
})

test('a step compiled under the profiler is not profiled afterwards', () => {
  const compiled = compile(training().step)
  const { events } = profile(() => {
    for (let i = 0; i < 6; i++) compiled()
  })
  const seen = events.length
  compiled()
  expect(events).toHaveLength(seen)
  expect(profile(compiled).events.length).toBeGreaterThan(0)
})

test('kernels of the fallback are recorded', () => {
  vi.spyOn(console, 'warn').mockReturnValue()
  const own: Partial<Backend> = { name: 'sortless', supports: ({ kind }) => kind !== 'sort' }
  const backend = new Proxy(js(), {
    get(target, key: keyof Backend) {
      const value = own[key] ?? target[key]
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  useDevice(backend)
  const { events } = profile(() => tensor([3, 1, 2]).sort())
  expect(events.map(({ name }) => name).join(' ')).toBe('write read write sort read write read write')
})

test('the device is unwrapped, also after an error', () => {
  const { backend } = currentDevice()
  profile(() => {
    expect(currentDevice().backend).not.toBe(backend)
  })
  expect(currentDevice().backend).toBe(backend)
  expect(() => profile(() => tensor([1]).add(tensor([1, 2, 3]).matmul(tensor([1])))).toString()).toThrow(/size/)
  expect(currentDevice().backend).toBe(backend)
  expect(() => profile(async () => {})).toThrow('profile cannot run an async function')
  expect(currentDevice().backend).toBe(backend)
})
