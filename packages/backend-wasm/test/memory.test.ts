// Memory: it stays flat in a loop that never yields; what has moved out comes back unchanged; what nobody uses anymore is
// released; and where there is none, PyTorch's sentence says so.
import { readFileSync } from 'node:fs'
import { memoryUsage } from 'node:process'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import {
  compile,
  manualSeed,
  nn,
  noGrad,
  ones,
  optim,
  F,
  randn,
  scope,
  type Tensor,
  tensor,
  useDevice,
  zeros,
} from '@flambeau/core'
import { garbage } from '@flambeau/core/backend'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { WasmBackend } from '../src/backend.ts'
import type { Exports } from '../src/exports.ts'
import { load } from '../src/load.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void
const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve))

const MB = 2 ** 20
/** A device of its own, with a low limit; `change` replaces some of the module's functions. */
async function limited(
  bytes: number,
  change: (exports: Exports) => Partial<Exports> = () => ({}),
): Promise<WasmBackend> {
  const { exports } = await load()
  const device = new WasmBackend({ ...exports, ...change(exports) }, bytes)
  useDevice(device)
  return device
}

let device: WasmBackend
beforeEach(async () => {
  device = await limited(4 * MB)
})
afterEach(() => void vi.restoreAllMocks())

const of = (value: number, length = MB / 4): Tensor => zeros(length).add(value)
const valuesOf = (x: Tensor): number[] => [...new Set(x.toArray() as Float32Array)]

describe.each(['with sweeps', 'without sweeps, as in browsers'])('%s', (way) => {
  beforeEach(() => {
    if (way === 'with sweeps') return expect(garbage.sweeps).toBe(true)
    vi.spyOn(garbage, 'sweeps', 'get').mockReturnValue(false)
    vi.spyOn(garbage, 'sweep').mockReturnValue(false)
  })

  it('a loop that allocates 2 GB without yielding stays flat', async () => {
    device = await limited(64 * MB)
    const kept = of(7)
    const [x, small] = [randn(MB), randn(1000)]
    const resident = [0, 1, 2, 3].map(() => {
      for (let i = 0; i < 64; i++) {
        x.mul(1.5).add(0.5)
        for (let k = 0; k < 10; k++) small.mul(k)
      }
      expect(device.memory().bytes).toBeLessThanOrEqual(64 * MB)
      collect()
      return memoryUsage().rss
    })
    expect(resident[3] - resident[1]).toBeLessThan(100 * MB)
    expect(valuesOf(kept)).toEqual([7])
  })

  it('tensors that moved out come back unchanged, whether they are read, computed with or written to', () => {
    const all = Array.from({ length: 12 }, (_, i) => of(i))
    expect(all.slice(0, 3).map(valuesOf)).toEqual([[0], [1], [2]])
    all.slice(2, 5).forEach((x) => void x.mul_(10))
    all[5].copy_(ones(MB / 4))
    const sums = all.map((x, i) => x.add(all[(i + 7) % 12]))
    const values = [0, 1, 20, 30, 40, 1, 6, 7, 8, 9, 10, 11]
    expect(sums.flatMap(valuesOf)).toEqual(values.map((x, i) => x + values[(i + 7) % 12]))
    expect(all.flatMap(valuesOf)).toEqual(values)
    expect(device.memory().bytes).toBeLessThanOrEqual(4 * MB)
  })

  it('tensors of any length that moved out have each element where it was', () => {
    const all = [8191, 8192, 8193, 100_001].map((n) => Float32Array.from({ length: n }, (_, i) => i))
    const moved = all.map((values) => tensor(values).add(0))
    const push = (): void => {
      for (let i = 0; i < 8; i++) of(i)
    }
    push()
    expect(moved.map((x) => x.add(1).sub(1).toArray())).toEqual(all)
    push()
    expect(moved.map((x) => x.toArray())).toEqual(all)
    expect(moved.map((x) => x.mul(2).toArray())).toEqual(all.map((values) => values.map((x) => 2 * x)))
  })

  it('small tensors move out in slabs, and views see the memory of their base', () => {
    const small = Array.from({ length: 3000 }, (_, i) => tensor([i, -i]))
    const view = small[17].slice(0, 1, 2)
    for (let i = 0; i < 8; i++) of(i)
    small[17].mul_(2)
    expect(view.tolist()).toEqual([-34])
    expect(small.filter((x, i) => x.select(0, 0).item() !== (i === 17 ? 34 : i))).toEqual([])
  })

  it('programs find their parameters, arguments, results and intermediate values again', () => {
    manualSeed(1)
    const model = new nn.Sequential(new nn.Linear(64, 256), new nn.Dropout(0.5), new nn.Linear(256, 64))
    const optimizer = new optim.Adam(model.parameters(), { lr: 1e-3 })
    const x = randn(128, 64)
    const train = (): Tensor => {
      const loss = F.mseLoss(model.forward(x), x)
      optimizer.zeroGrad()
      loss.backward()
      optimizer.step()
      return loss
    }
    const parameters = model.parameters()
    const begin = parameters.map((p) => p.detach().clone())
    const states = optimizer.stateDict()
    const losses = (step: () => Tensor, between: () => void): number[] => {
      manualSeed(2)
      return Array.from({ length: 8 }, () => {
        between()
        return step().item()
      })
    }
    const eager = losses(train, () => {})
    noGrad(() => parameters.forEach((p, i) => void p.copy_(begin[i])))
    optimizer.loadStateDict(states)
    const step = compile(train)
    const compiled = losses(step, () => {
      for (let i = 0; i < 6; i++) of(i)
    })
    compiled.forEach((loss, i) => void expect(loss).toBeCloseTo(eager[i], 5))
  })
})

it('what is disposed or leaves a scope is released at once, also while instructions that use it wait', () => {
  const rest = of(1)
  // What comes is small enough for the slab that this opens.
  rest.select(0, 0).add(4).item()
  const before = device.memory().bytes
  const x = zeros(MB / 4)
  const y = x.select(0, 0).add(4)
  expect(device.memory().bytes - before).toBe(MB)
  x.dispose()
  expect(device.memory().bytes).toBe(before)
  expect(y.item()).toBe(4)
  expect(scope(() => rest.add(rest).add(2).sum()).item()).toBe(4 * (MB / 4))
  expect(device.memory().bytes).toBeLessThanOrEqual(before)
})

/** Turns until little more than `begin` is in use; true if that comes. A busy machine may call finalizers some turns later. */
async function falls(begin: number): Promise<boolean> {
  const isLittle = (): boolean => device.memory().bytes < begin + MB / 2
  for (let i = 0; i < 20 && !isLittle(); i++) {
    collect()
    await turn()
  }
  return isLittle()
}

it('finalizers release what nobody uses, and what programs used', async () => {
  const begin = device.memory().bytes
  const use = (): void => {
    const x = of(1)
    const step = compile((y: Tensor) => x.mul(y).cumsum(0).sum())
    for (let i = 0; i < 3; i++) step(x)
    expect(device.memory().bytes).toBeGreaterThan(begin + MB)
  }
  use()
  expect(await falls(begin)).toBe(true)
})

it('finalizers go on after a device was collected together with its tensors and programs', async () => {
  const use = (): void => {
    const x = of(1)
    const step = compile((y: Tensor) => x.mul(y).sum())
    for (let i = 0; i < 3; i++) step(x).item()
  }
  const { exports } = await load()
  use()
  await turn()
  // What nobody uses waits for its finalizers from here on, and the device goes in the same turn.
  collect()
  device = new WasmBackend(exports, 4 * MB)
  useDevice(device)
  for (let i = 0; i < 3; i++) collect()
  await turn()
  const begin = device.memory().bytes
  use()
  expect(device.memory().bytes).toBeGreaterThan(begin + MB)
  expect(await falls(begin)).toBe(true)
})

it('arrays over memory are renewed when it grows', async () => {
  device = await limited(1024 * MB)
  const x = tensor([1, 2, 3])
  const step = compile((y: Tensor) => y.mul(2).cumsum(0))
  for (let i = 0; i < 3; i++) step(x)
  for (let i = 0; i < 3; i++) {
    device.alloc({ sizes: [200 * MB], dtype: 'uint8' })
    x.add_(1)
    expect(step(x).tolist()).toEqual([2 + i, 5 + 2 * i, 9 + 3 * i].map((sum) => 2 * sum))
  }
})

it('what is larger than any memory is refused with PyTorch’s sentence, and nothing is lost', () => {
  const x = of(5)
  expect(() => zeros(2 ** 30, { dtype: 'float64' })).toThrow(
    "DefaultCPUAllocator: can't allocate memory: you tried to allocate 8589934592 bytes. Error code 12 (Cannot allocate memory)",
  )
  expect(valuesOf(x.add(1))).toEqual([6])
})

it('where linear memory ends, everything that can moves out; then it is an error, and work goes on', async () => {
  let most = 40 * MB
  let given = 0
  const sizes = new Map<number, number>()
  device = await limited(1024 * MB, (exports) => ({
    allocate(bytes) {
      if (given + bytes > most) return 0
      const at = exports.allocate(bytes)
      sizes.set(at, bytes)
      given += bytes
      return at
    },
    release(at) {
      given -= sizes.get(at) ?? 0
      sizes.delete(at)
      exports.release(at)
    },
  }))
  const all = Array.from({ length: 80 }, (_, i) => of(i))
  expect(all.flatMap(valuesOf)).toEqual([...all.keys()])
  most = 0
  expect(() => of(1)).toThrow("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1048576 bytes")
  most = 40 * MB
  expect(valuesOf(all[3].add(all[70]))).toEqual([73])
})

it('an operation that finds no memory in C++ is an error, and the next one computes', async () => {
  const { exports } = await load()
  const { outOfMemory } = await import('../src/load.ts')
  let fails = false
  device = new WasmBackend(
    {
      ...exports,
      submit(...all) {
        if (!fails) return exports.submit(...all)
        exports.__stack_pointer.value -= 1024
        throw outOfMemory
      },
    },
    4 * MB,
  )
  useDevice(device)
  const [x, before] = [of(2), exports.__stack_pointer.value]
  expect(valuesOf(x)).toEqual([2])
  fails = true
  expect(() => x.add(1).tolist()).toThrow('an operation needs more memory than is available')
  fails = false
  expect(exports.__stack_pointer.value).toBe(before)
  expect(valuesOf(x.add(1))).toEqual([3])
})

/** The module with a memory of so many bytes at most, which the engine itself keeps it to. */
function ending(bytes: number): Uint8Array {
  const whole = readFileSync(new URL('../wasm/flambeau.wasm', import.meta.url))
  const leb = (x: number): number[] => (x < 128 ? [x] : [(x & 127) | 128, ...leb(x >> 7)])
  const read = (at: number): [value: number, end: number] => {
    let [value, end] = [0, at]
    do value |= (whole[end] & 127) << (7 * (end - at))
    while (whole[end++] >= 128)
    return [value, end]
  }
  for (let at = 8; ; ) {
    const [length, from] = read(at + 1)
    const end = from + length
    if (whole[at] === 5) {
      // One memory, without a maximum, of so many pages.
      expect([...whole.subarray(from, from + 2)]).toEqual([1, 0])
      const section = [1, 1, ...whole.subarray(from + 2, end), ...leb(bytes / 65_536)]
      return Buffer.concat([
        whole.subarray(0, at),
        Buffer.from([5, ...leb(section.length), ...section]),
        whole.subarray(end),
      ])
    }
    at = end
  }
}

it('where the engine lets memory grow no further, tensors move out, and what has no place is an error that changes nothing', async () => {
  const { exports } = await load(ending(32 * MB))
  device = new WasmBackend(exports, 1024 * MB)
  useDevice(device)
  const all = Array.from({ length: 60 }, (_, i) => of(i))
  expect(all.flatMap(valuesOf)).toEqual([...all.keys()])
  expect(() => zeros(16 * MB)).toThrow(/^DefaultCPUAllocator: can't allocate memory: .*\nTake smaller batches, or free/)

  const model = new nn.Linear(512, 512)
  const optimizer = new optim.Adam(model.parameters())
  const train = (x: Tensor): Tensor => {
    const loss = model.forward(x).pow(2).mean()
    optimizer.zeroGrad()
    loss.backward()
    optimizer.step()
    return loss
  }
  for (const step of [train, compile(train)]) {
    const before = model.weight.tolist()
    expect(() => step(ones(12 * 1024, 512)).item()).toThrow(
      /can't allocate memory|needs more memory than is available\nTake/,
    )
    expect(model.weight.tolist()).toEqual(before)
    const losses = Array.from({ length: 5 }, () => step(ones(8, 512)).item())
    expect(losses[4]).toBeLessThan(losses[0])
  }
  expect(exports.memory.buffer.byteLength).toBeLessThanOrEqual(32 * MB)
})
