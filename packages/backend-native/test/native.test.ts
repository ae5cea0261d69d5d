// What only native has: programs that run many times in one call, and its errors, limits, loading and worker threads.
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { js } from '@flambeau/backend-js'
import * as core from '@flambeau/core'
import { type Backend, hostOf } from '@flambeau/core/backend'
import { beforeEach, expect } from 'vitest'
import { nativeMissing, testWith } from '../../../tools/test/machine.ts'
import { native } from '../src/index.ts'
import { loadFrom, ownVersion } from '../src/loader.ts'
import { bundledWorker } from './bundled-worker.ts'

const { F, compile, manualSeed, nn, optim, randn, tensor, useDevice, zeros } = core

const it = (name: string, body: () => void | Promise<void>) => testWith('native', nativeMissing, name, body)
const file =
  process.env.FLAMBEAU_NATIVE_PATH ?? join(import.meta.dirname, '../../../native/build/Release/flambeau_native.node')

let device: Backend
beforeEach(async () => {
  if (nativeMissing !== undefined) return
  device = await native()
  useDevice(device)
})

/** A small network with draws, and with numbers that change between steps. */
function training() {
  manualSeed(1)
  const model = new nn.Sequential(new nn.Linear(5, 8), new nn.Tanh(), new nn.Dropout(0.25), new nn.Linear(8, 1))
  const optimizer = new optim.Adam(model.parameters(), { lr: 1e-2 })
  const x = randn(20, 5)
  const y = randn(20, 1)
  const step = compile(() => {
    const loss = F.mseLoss(model.forward(x), y)
    optimizer.zeroGrad()
    loss.backward()
    optimizer.step()
    return loss
  })
  return { model, step }
}

it('repeat gives the bits of single runs', () => {
  const one = training()
  const losses = Array.from({ length: 300 }, () => one.step().item())
  const all = training()
  expect(Array.from(all.step.repeat(300, { stack: true }).toArray())).toEqual(losses)
  expect(all.model.parameters().map((p) => p.tolist())).toEqual(one.model.parameters().map((p) => p.tolist()))
})

it('repeatAsync gives the bits of repeat, and the event loop continues', async () => {
  const one = training()
  const expected = Array.from(one.step.repeat(3000, { stack: true }).toArray())
  const other = training()
  other.step.repeat(20)
  let turns = 0
  const timer = setInterval(() => void turns++, 1)
  const promise = other.step.repeatAsync(2980, { stack: true })
  expect(() => other.step()).toThrow('the step is being repeated')
  // Other work waits: nothing is read in the middle of a step.
  const aside = tensor([1, 2]).add(1)
  const before = other.model.parameters().map((p) => p.tolist())
  expect(other.model.parameters().map((p) => p.tolist())).toEqual(before)
  expect(aside.tolist()).toEqual([2, 3])
  expect(Array.from((await promise).toArray())).toEqual(expected.slice(20))
  clearInterval(timer)
  expect(turns).toBeGreaterThan(0)
  expect(other.model.parameters().map((p) => p.tolist())).toEqual(one.model.parameters().map((p) => p.tolist()))
})

it('one thread and several give the same bits', async () => {
  const run = async (threads: number) => {
    useDevice(await native({ threads }))
    manualSeed(3)
    const x = randn(700, 900)
    const results = [x.matmul(x.t()), x.tanh().mul(x).sum(0), x.sum(), x.max(1).values, x.exp().add(1).log()]
    return results.map((r) => Array.from(r.reshape(-1).toArray() as ArrayLike<number>))
  }
  const [one, two] = [await run(1), await run(2)]
  expect(one.every((values, i) => values.every((v, k) => Object.is(v, two[i][k])))).toBe(true)
})

it('errors equal those of js, and nothing is written', async () => {
  const failing = (backend: Backend) => {
    useDevice(backend)
    const sentences: string[] = []
    const caught = (body: () => unknown) => {
      try {
        body()
      } catch (error) {
        sentences.push(`${(error as Error).name}: ${(error as Error).message}`)
      }
    }
    const x = tensor([1, 2, 3])
    caught(() => x.gather(0, tensor([0, 7], { dtype: 'int32' })))
    caught(() => x.indexSelect(0, tensor([3], { dtype: 'int32' })))
    caught(() => F.binaryCrossEntropy(tensor([0.5, 2]), tensor([0, 1])))
    caught(() => x.scatter_(0, tensor([0, 5], { dtype: 'int32' }), tensor([9, 9])))
    return [...sentences, x.tolist()]
  }
  const expected = failing(js())
  expect(expected.length).toBe(5)
  expect(expected[0]).toContain('index 7 is out of bounds for dimension 0 with size 3')
  expect(failing(device)).toEqual(expected)
})

it('a moved tensor is a copy: neither sees writes to the other', () => {
  useDevice(js())
  const there = tensor([1, 2, 3])
  const here = there.add(0).to('native')
  const moved = here.add(1)
  const back = moved.to('js')
  here.mul_(10)
  moved.zero_()
  expect([here.tolist(), moved.tolist(), back.tolist()]).toEqual([
    [10, 20, 30],
    [0, 0, 0],
    [2, 3, 4],
  ])
  const other = there.to('native')
  there.mul_(-1)
  back.fill_(7)
  expect([there.tolist(), other.tolist(), back.tolist()]).toEqual([
    [-1, -2, -3],
    [1, 2, 3],
    [7, 7, 7],
  ])
})

it('a check that fails during repeat ends it there', () => {
  const x = tensor(0.5)
  const step = compile(() => {
    const loss = F.binaryCrossEntropy(x, tensor(1))
    x.add_(0.01)
    return loss
  })
  expect(() => step.repeat(100)).toThrow('all elements of input should be between 0 and 1')
  expect(x.item()).toBeGreaterThan(1)
  expect(x.item()).toBeLessThan(1.011)
})

it('a scatter with an index out of bounds writes nothing, also in a program', () => {
  const spec = (...shape: number[]) => ({ sizes: shape, dtype: 'float32' as const })
  const use = (value: number, shape: readonly number[], dtype: 'float32' | 'int32' = 'float32') => ({
    value,
    dtype,
    sizes: shape,
    strides: [1],
    offset: 0,
  })
  const scatter = {
    kind: 'scatter' as const,
    attrs: { axis: 0, fn: 'add' as const },
    inputs: [use(0, [4]), use(1, [2], 'int32'), use(2, [2])],
    outputs: [3],
    origin: { name: 'scatter' },
  }
  const executable = device.compile?.(
    {
      values: [spec(4), { sizes: [2], dtype: 'int32' }, spec(2), spec(4)],
      given: new Map([0, 1, 2].map((argument) => [argument, { from: 'argument', argument } as const])),
      host: [],
      instrs: [scatter],
      kept: [],
      results: [],
    },
    {
      bodies: new Map(),
      places: [
        ...[0, 1, 2].map((argument) => ({ in: 'argument', argument }) as const),
        { in: 'result', result: 0 } as const,
      ],
      results: [3],
      bytes: 0,
    },
  )
  const [base, source, out] = [tensor([1, 2, 3, 4]), tensor([10, 20]), tensor([5, 6, 7, 8])]
  const run = (index: number[]) => {
    const args = [base, tensor(index, { dtype: 'int32' }), source].map((x) => x.storage.buffer)
    executable?.run({ numbers: new Float64Array(0), draws: [], args, results: [out.storage.buffer] })
  }
  expect(() => run([0, 4])).toThrow('index 4 is out of bounds for dimension 0 with size 4')
  expect(out.tolist()).toEqual([5, 6, 7, 8])
  run([0, 3])
  expect(out.tolist()).toEqual([11, 2, 3, 24])
})

it('more values than registers', () => {
  const inputs = Array.from({ length: 40 }, (_, i) => tensor([i / 7, 1 + i]))
  const calculate = () => {
    const squares = inputs.map((x) => x.mul(x).tanh())
    return squares.reduceRight((sum, x) => sum.mul(0.5).add(x)).add(squares.reduce((sum, x) => sum.add(x)))
  }
  const expected = calculate().tolist() as number[]
  const step = compile(calculate)
  for (let i = 0; i < 4; i++) {
    const values = step().tolist() as number[]
    values.forEach((value, k) => void expect(value).toBeCloseTo(expected[k], 4))
  }
})

it('exceeding a memory limit is an error before memory is allocated', async () => {
  try {
    await native({ maxBytes: process.memoryUsage().arrayBuffers + 2 ** 26 })
    expect(() => zeros(2 ** 26)).toThrow(
      "DefaultCPUAllocator: can't allocate memory: you tried to allocate 268435456 bytes. Error code 12 (Cannot allocate memory)",
    )
    // Garbage does not count.
    for (let i = 0; i < 40; i++) zeros(2 ** 22)
  } finally {
    await native({ maxBytes: Number.MAX_SAFE_INTEGER })
  }
})

testWith(
  'native',
  existsSync('/proc/self/statm') ? nativeMissing : 'no /proc',
  'a step gives its arena back while its own code runs',
  () => {
    const resident = () => Number(readFileSync('/proc/self/statm', 'utf8').split(' ')[1]) / 256
    const x = randn(2 ** 20)
    /** Of 24 MiB, in six values that are alive at the same time. */
    const during: number[] = []
    const step = compile((y: core.Tensor) => {
      during.push(resident())
      const parts = [1, 2, 3, 4, 5, 6].map((n) => x.cumsum(0).mul(n))
      return parts
        .reduce((sum, part) => sum.add(part.cumsum(0)))
        .sum()
        .add(y.sum())
    })
    const values = Array.from({ length: 8 }, () => step(zeros(1)).item())
    expect(new Set(values).size).toBe(1)
    const replaying = resident()
    // Another shape runs the step's own code first, and the arena is given back.
    expect(step(zeros(2)).item()).toBe(values[0])
    expect(replaying - (during.at(-1) as number)).toBeGreaterThan(16)
    expect(step(zeros(1)).item()).toBe(values[0])
  },
)

const pagesMissing = existsSync('/sys/kernel/mm/transparent_hugepage/enabled') ? undefined : 'no large pages'
testWith('native', nativeMissing ?? pagesMissing, 'a large buffer is in large pages', () => {
  const addressed = (address: number) => {
    // The first line of a mapping, then lines about it; the last of them are its flags.
    const mappings = readFileSync('/proc/self/smaps', 'utf8').split(/\n(?=[0-9a-f]+-[0-9a-f]+ )/)
    return mappings.find((mapping) => {
      const [from, to] = mapping.split(' ', 1)[0].split('-')
      return Number.parseInt(from, 16) <= address && address < Number.parseInt(to, 16)
    })
  }
  const { address } = hostOf(zeros(2 ** 20).storage).slab
  expect(addressed(address + 2 ** 21)).toMatch(/^VmFlags:.* hg/m)
})

it('invalid options are refused', async () => {
  await expect(native({ threads: 0 })).rejects.toThrow('threads must be a whole number from 1 to 1024, not 0')
  await expect(native({ isa: 'avx3' })).rejects.toThrow('avx3')
  await expect(native({ blas: '/nowhere/libblas.so' })).rejects.toThrow('/nowhere/libblas.so')
  await expect(native({ device: 'cudnn' })).rejects.toThrow("unknown device 'cudnn'")
})

it('a file that is not an addon, or an addon of another version, is refused', () => {
  const folder = mkdtempSync(join(tmpdir(), 'flambeau-'))
  const foreign = join(folder, 'foreign.node')
  writeFileSync(foreign, 'not an addon')
  expect(() => loadFrom(foreign)).toThrow()
  expect(() => loadFrom(file, '99.0.0')).toThrow(
    `its version is ${ownVersion()}, and @flambeau/backend-native's is 99.0.0`,
  )
})

it('a floored quotient of zero has the sign of the quotient', () => {
  const [x, y] = [
    [0, -0, 0, -0, 0, 1, 0.1],
    [-3, 3, 3, -3, -Infinity, -Infinity, -3],
  ]
  for (const dtype of ['float32', 'float64'] as const) {
    const quotients = tensor(x, { dtype }).floorDivide(tensor(y, { dtype }))
    expect(Array.from(quotients.toArray())).toEqual([-0, -0, 0, 0, -0, -1, -1])
  }
})

it('denormals still work after loading', () => {
  const half = (x: number) => x / 4
  expect(half(5e-324 * 4)).toBeGreaterThan(0)
  expect(half(2.2e-308)).toBeGreaterThan(0)
  expect(tensor([1e-40]).mul(0.5).item()).toBeGreaterThan(0)
})

it('worker threads load, train, and may be terminated at any time', async () => {
  const program = await bundledWorker(new URL('worker.ts', import.meta.url))
  const train = (stretches: number) =>
    new Promise<number>((resolve, reject) => {
      const worker = new Worker(program, { env: { ...process.env, FLAMBEAU_NATIVE_PATH: file } })
      let last = Number.NaN
      worker.on('message', (loss: number) => {
        last = loss
        if (--stretches === 0) void worker.terminate()
      })
      worker.on('error', reject)
      worker.on('exit', () => resolve(last))
    })
  const losses = await Promise.all(Array.from({ length: 8 }, (_, i) => train(2 + i)))
  for (const loss of losses) expect(loss).toBeLessThan(0.6)
  expect(losses[7]).toBeLessThan(losses[0])
})

it('gradients of views are where the views read: apart, side by side, or added up where they overlap', () => {
  const views: readonly ((x: core.Tensor) => core.Tensor)[] = [
    (x) => core.slice(x, 2, 0, 50, 2),
    (x) => core.slice(core.slice(x, 2, 1, 49, 3), 1, 3, 40, 2),
    (x) => core.unfold(x, 2, 3, 4),
    (x) => core.unfold(x, 2, 3, 3),
    (x) => core.unfold(x, 2, 3, 2),
    (x) => core.unfold(core.slice(x, 1, 2, 30, 2), 1, 4, 3),
  ]
  for (const view of views) {
    const [there, here] = [device, js()].map((backend) => {
      useDevice(backend)
      manualSeed(9)
      const x = randn(14, 40, 50).requiresGrad_()
      const y = view(x)
      const dy = randn(y.sizes)
      return core
        .grad([y], [x], { gradOutputs: [dy] })[0]
        .reshape(-1)
        .toArray()
    })
    expect(there).toEqual(here)
  }
})

it('a parameter of a lazy layer throws where it is used, although it has no elements', () => {
  for (const use of ['sum', 'exp', 'prod', 'mean'] as const)
    expect(() => new nn.LazyConv2d(2, 3).weight[use]()).toThrow('Attempted to use an uninitialized parameter')
})
