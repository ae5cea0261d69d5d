// The device's handling of buffers in every mode: reads return what was written, also through views; results replace
// operands; integers stay exact or run elsewhere; checks throw; and counters count.
import {
  type Backend,
  type DType,
  type Instr,
  type Layout,
  numelOf,
  type Output,
  s,
  type TypedArray,
} from '@flambeau/core/backend'
import { arange, compile, js, nn, ones, report, setStrict, type Tensor, tensor, useDevice, zeros } from 'flambeau'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Gpujs, gpujs, type Mode } from '../src/index.ts'
import { found, glModes } from './each-mode.ts'

const kernelClasses = {
  cpu: 'CPUKernel',
  webasm: 'WebAssemblyKernel',
  webgl2: 'WebGL2Kernel',
  webgl: 'WebGLKernel',
  headlessgl: 'HeadlessGLKernel',
}

afterEach(() => void useDevice(js()))

/** The changes of counters during some work. */
function counted(device: Gpujs, work: () => void): Record<'calls' | 'compilations' | 'uploads' | 'readbacks', number> {
  const before = device.report()
  work()
  const after = device.report()
  const names = ['calls', 'compilations', 'uploads', 'readbacks'] as const
  return Object.fromEntries(names.map((name) => [name, after[name] - before[name]])) as ReturnType<typeof counted>
}

function bufferOf(device: Backend, dtype: DType, shape: readonly number[], data: TypedArray): Output {
  const out = { dtype, sizes: shape, buffer: device.alloc({ dtype, sizes: shape }) }
  device.write(out, data)
  return out
}

const viewOf = ({ buffer, dtype }: Output, layout: Layout) => ({ buffer, dtype, ...layout })

describe.each(found)('%s', (mode) => {
  let device: Gpujs
  beforeEach(async () => {
    device = await gpujs({ mode })
    useDevice(device)
  })
  const onGpu = (glModes as readonly Mode[]).includes(mode)

  it('has the requested mode, and is the same device for the same options', async () => {
    const { mode: real, kernelClass, tried, why } = device.report()
    expect(real).toBe(mode)
    expect(kernelClass).toBe(kernelClasses[mode])
    expect(tried).toEqual([{ mode }])
    expect(why).toBe('it was requested')
    expect(await gpujs({ mode })).toBe(device)
  })

  it('reads what was written in every dtype, bit for bit', () => {
    const floats = Float32Array.of(0, -0, 1.5, NaN, Infinity, -Infinity, 1e-40, 3.4e38, 2 ** 24 + 2)
    const read = tensor(floats).toArray() as Float32Array
    expect(new Uint32Array(read.buffer, 0, 9)).toEqual(new Uint32Array(floats.buffer))
    expect(tensor([1, -2, 2 ** 24], { dtype: 'int32' }).toArray()).toEqual(Int32Array.of(1, -2, 2 ** 24))
    expect(tensor([0, 255], { dtype: 'uint8' }).toArray()).toEqual(Uint8Array.of(0, 255))
    expect(tensor([true, false]).toArray()).toEqual(Uint8Array.of(1, 0))
    expect(tensor([0.1], { dtype: 'float64' }).toArray()).toEqual(Float64Array.of(0.1))
    expect(tensor(1.5).item()).toBe(1.5)
    expect(zeros(0, 3).toArray()).toEqual(new Float32Array(0))
  })

  it('copies on write and on read', () => {
    const data = Float32Array.of(1, 2, 3)
    const x = bufferOf(device, 'float32', [3], data)
    data[0] = 9
    const view = viewOf(x, { sizes: [3], strides: [1], offset: 0 })
    const read = device.readSync(view)
    read[1] = 9
    expect(device.readSync(view)).toEqual(Float32Array.of(1, 2, 3))
  })

  it('reads views of every kind, from the host and from textures', () => {
    const n = 60
    const data = Float32Array.from({ length: n }, (_, i) => i)
    const layouts: Layout[] = [
      { sizes: [60], strides: [1], offset: 0 },
      { sizes: [7], strides: [1], offset: 13 },
      { sizes: [5, 3], strides: [12, -1], offset: 4 },
      { sizes: [3, 5], strides: [-1, 12], offset: 59 - 48 },
      { sizes: [4, 3], strides: [0, 2], offset: 31 },
      { sizes: [], strides: [], offset: 59 },
      { sizes: [2, 0], strides: [1, 1], offset: 0 },
    ]
    const elements = ({ sizes, strides, offset }: Layout): number[] => {
      const at: number[] = []
      for (let i = 0; i < numelOf(sizes); i++) {
        let rest = i
        let place = offset
        for (let d = sizes.length - 1; d >= 0; d--) {
          place += (rest % sizes[d]) * strides[d]
          rest = Math.floor(rest / sizes[d])
        }
        at.push(place)
      }
      return at
    }
    const written = bufferOf(device, 'float32', [n], data)
    const made = { ...written, buffer: device.alloc(written) }
    const whole = viewOf(written, layouts[0])
    const attrs = { outs: [{ expr: s.neg(s.input(0, 'float32')) }] }
    const instr: Instr = { kind: 'map', attrs, inputs: [whole], outputs: [made], origin: { name: 'neg' } }
    for (const layout of layouts) expect([...device.readSync(viewOf(written, layout))]).toEqual(elements(layout))
    expect(device.supports(instr)).toBe(true)
    device.run(instr)
    for (const layout of layouts)
      expect([...device.readSync(viewOf(made, layout))]).toEqual(elements(layout).map((i) => -i))
  })

  it('reads a few elements that lie far apart', () => {
    const x = arange(0, 400 * 400, 1, { dtype: 'float32' })
      .reshape(400, 400)
      .add(0)
    expect([...x.select(1, 7).toArray()]).toEqual(Array.from({ length: 400 }, (_, i) => 400 * i + 7))
  })

  it('reads zeros from a buffer that was never written to', () => {
    const never = { dtype: 'int32' as const, sizes: [3], buffer: device.alloc({ dtype: 'int32', sizes: [3] }) }
    expect(device.readSync(viewOf(never, { sizes: [3], strides: [1], offset: 0 }))).toEqual(new Int32Array(3))
  })

  it('stores a result in the buffer of one of its operands', () => {
    const x = tensor([1, 2, 3])
    x.mul_(x)
    x.add_(1)
    expect(x.tolist()).toEqual([2, 5, 10])
  })

  it('holds integers beyond float32 exactly, and runs their ops on js', () => {
    const large = tensor([2 ** 24 + 1, 5], { dtype: 'int32' })
    expect(large.add(1).tolist()).toEqual([2 ** 24 + 2, 6])
    const near = tensor([2 ** 24 - 1], { dtype: 'int32' })
    expect(near.add(near).tolist()).toEqual([2 ** 25 - 2])
    expect(near.add(1).tolist()).toEqual([2 ** 24])
    expect(Object.keys(report())).toContain('gpujs add')
    expect(large.clone().tolist()).toEqual([2 ** 24 + 1, 5])
  })

  it('throws in strict mode for ops that it cannot run', () => {
    setStrict(true)
    try {
      expect(() => tensor([1], { dtype: 'float64' }).add(1)).toThrow("device 'gpujs' cannot run add (map)")
    } finally {
      setStrict(false)
    }
  })

  it('compiles a kernel once for a shape, whatever the numbers and the offsets', () => {
    const x = ones(40, 6)
    const step = (i: number) => x.slice(0, 4 * i, 4 * i + 4).mul(0.5 + i)
    step(1)
    const counts = counted(device, () => {
      for (let i = 2; i < 10; i++) step(i)
    })
    expect(counts).toEqual({ calls: 8, compilations: 0, uploads: 0, readbacks: 0 })
    expect(step(9).toArray()).toEqual(new Float32Array(24).fill(9.5))
  })

  it('trains without reading back, and uploads only what is written', () => {
    const x = ones(8, 3).mul(0.5)
    const w = zeros(3).requiresGrad_()
    const step = (rate: number) => {
      const loss = x.mul(w).sub(1).square().mean()
      loss.backward()
      w.data.sub_((w.grad as Tensor).mul(rate))
      w.grad = null
    }
    step(0.1)
    const counts = counted(device, () => {
      for (let i = 0; i < 5; i++) step(0.1 / (i + 1))
    })
    expect(counts).toMatchObject({ compilations: 0, uploads: 0, readbacks: 0 })
  })

  it('replays a compiled step with the same kernels', () => {
    const w = ones(5)
    let rate = 1
    const step = compile((x: Tensor) => w.sub_(x.mul(0.25)).sum())
    for (let i = 0; i < 4; i++) step(ones(5))
    const given = ones(5)
    const counts = counted(device, () => {
      for (let i = 0; i < 3; i++) rate = (step(given) as Tensor).numel()
    })
    expect(rate).toBe(1)
    expect(counts).toMatchObject({ compilations: 0, readbacks: 0 })
    expect(w.tolist()).toEqual(new Array(5).fill(1 - 0.25 * 7))
  })

  it('throws the error of a failed check at the next read, and then continues', () => {
    const target = tensor([1, 0])
    const loss = (x: number[]) => nn.functional.binaryCrossEntropy(tensor(x), target)
    const refused = 'all elements of input should be between 0 and 1'
    if (onGpu) {
      const bad = loss([0.5, 2])
      loss([0.5, 0.5])
      expect(() => bad.item()).toThrow(refused)
      expect(loss([0.5, 0.5]).item()).toBeCloseTo(Math.log(2))
      loss([-1, 0.5])
      expect(() => target.tolist()).toThrow(refused)
    } else expect(() => loss([0.5, 2])).toThrow(refused)
    expect(target.tolist()).toEqual([1, 0])
  })

  it('reads its checks from time to time even without reads', () => {
    const target = tensor([1, 0])
    const loss = (x: Tensor) => nn.functional.binaryCrossEntropy(x, target)
    const good = tensor([0.5, 0.5])
    const many = () => {
      for (let i = 0; i < 300; i++) loss(good)
    }
    const { readbacks } = counted(device, many)
    expect(readbacks).toBe(onGpu ? 1 : 0)
    if (!onGpu) return
    loss(tensor([2, 2]))
    expect(many).toThrow('all elements of input should be between 0 and 1')
    expect(loss(good).item()).toBeCloseTo(Math.log(2))
  })

  it('throws after it was disposed of', async () => {
    const own = await gpujs({ mode, maxBytes: 1e6 })
    const x = { dtype: 'float32' as const, sizes: [1], buffer: own.alloc({ dtype: 'float32', sizes: [1] }) }
    own.dispose()
    own.dispose()
    const view = viewOf(x, { sizes: [1], strides: [1], offset: 0 })
    expect(() => own.readSync(view)).toThrow(/^device 'gpujs' was disposed of.*\n.*x\.to\("js"\)/)
    expect(() => own.alloc(x)).toThrow("device 'gpujs' was disposed of")
    await expect(own.sync()).rejects.toThrow("device 'gpujs' was disposed of")
    const next = await gpujs({ mode, maxBytes: 1e6 })
    expect(next).not.toBe(own)
    next.write({ ...x, buffer: next.alloc(x) }, Float32Array.of(1))
    next.dispose()
  })
})

it('computes in several modes side by side', async () => {
  const results = []
  const devices = []
  for (const mode of found) devices.push(await gpujs({ mode }))
  for (let i = 0; i < 3; i++) {
    for (const device of devices) {
      useDevice(device)
      results.push(tensor([1, 2, i]).mul(i).sum().item())
    }
  }
  expect(results).toEqual([0, 1, 2].flatMap((i) => found.map(() => 3 * i + i * i)))
})
