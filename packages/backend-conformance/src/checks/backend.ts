// Checks of the interface beneath tensors: a read returns what was written, also through strides, and both ways to read
// agree, or the unsupported one names the other.
import {
  arange,
  compile,
  currentDevice,
  load,
  noGrad,
  save,
  setFallback,
  type Tensor,
  tensor,
  useDevice,
  zeros,
} from '@flambeau/core'
import { CheckedBackend, contiguousLayout, topological } from '@flambeau/core/backend'
import type { Backend, Expr, Instr, Output, Prims, View } from '@flambeau/core/backend'
import { differenceOfValues } from '../compare.ts'
import type { Cell } from '../subject.ts'

const lengths = [1, 5, 1000, 70_000]
const arrays = { float32: Float32Array, float64: Float64Array, int32: Int32Array, uint8: Uint8Array, bool: Uint8Array }

const written = (backend: Backend, dtype: keyof typeof arrays, length: number): { data: number[]; view: View } => {
  const data = Array.from({ length }, (_, i) => (dtype === 'bool' ? i % 2 : i % 251))
  const shape = [length]
  const out: Output = { sizes: shape, dtype, buffer: backend.alloc({ sizes: shape, dtype }) }
  backend.write(out, arrays[dtype].from(data))
  return { data, view: { ...contiguousLayout(shape), dtype, buffer: out.buffer } }
}

const must = (wrong: string | undefined, what: string): void => {
  if (wrong !== undefined) throw new Error(`${what}: ${wrong}`)
}

/**
 * A backend without a step of expressions and without a kind, which core must adapt to. A checked backend refuses a
 * program that contains them.
 */
function lacking(backend: Backend, step: Expr['step'], kind: Instr['kind']): Backend {
  const has = (instr: Instr): boolean => {
    const { outs } = instr.attrs as Prims['map']
    return instr.kind === 'map'
      ? topological(outs.map(({ expr }) => expr)).every((expr) => expr.step !== step)
      : instr.kind !== kind
  }
  const without: Partial<Backend> = {
    name: 'lacking',
    supports: (instr) => has(instr) && backend.supports(instr),
  }
  return new CheckedBackend(
    new Proxy(backend, {
      get(target, key: keyof Backend) {
        if (Object.hasOwn(without, key)) return without[key]
        const member = target[key]
        return typeof member === 'function' ? member.bind(target) : member
      },
    }),
  )
}

export const backendCells = (backend: Backend): Cell[] => [
  {
    name: 'backend › write and read back',
    async run() {
      for (const dtype of backend.caps.dtypes) {
        for (const length of lengths) {
          const { data, view } = written(backend, dtype, length)
          must(differenceOfValues(await backend.read(view), data, [0, 0]), `${dtype}, ${length} elements`)
        }
      }
    },
  },
  {
    name: 'backend › read through strides',
    async run() {
      for (const dtype of backend.caps.dtypes) {
        const { data, view } = written(backend, dtype, 24)
        // A 3 x 4 window, transposed and reversed, of the 24 elements.
        const strided: View = { ...view, sizes: [4, 3], strides: [-2, 8], offset: 7 }
        const expected = [0, 1, 2, 3].flatMap((i) => [0, 1, 2].map((j) => data[7 - 2 * i + 8 * j]))
        must(differenceOfValues(await backend.read(strided), expected, [0, 0]), dtype)
      }
    },
  },
  {
    // As the phases of a strided convolution do; kernels may interleave some numbers of them by vectors.
    name: 'backend › elements go between each other',
    async run() {
      for (const dtype of backend.caps.dtypes) {
        for (const [gap, wide] of [2, 3, 9].flatMap((n) => [5, 40].map((size) => [n, size]))) {
          const n = 2 * gap * gap * 3 * wide
          const x = arange(n).remainder(2).add(arange(n).remainder(101)).to(dtype).reshape(2, gap, gap, 3, wide)
          const y = x.permute(0, 3, 1, 4, 2).reshape(-1)
          const [from, to] = await Promise.all([x.reshape(-1).toArrayAsync(), y.toArrayAsync()])
          const at = Array.from(to, (_, i) => {
            const [column, across] = [i % gap, Math.floor(i / gap) % wide]
            const [row, down] = [Math.floor(i / gap / wide) % gap, Math.floor(i / gap / wide / gap) % 3]
            const image = Math.floor(i / gap / wide / gap / 3)
            return Number(from[(((image * gap + row) * gap + column) * 3 + down) * wide + across])
          })
          must(differenceOfValues(to, at, [0, 0]), `${dtype}, ${gap} of ${wide}`)
        }
      }
    },
  },
  {
    name: 'backend › a read returns a copy',
    async run() {
      const { data, view } = written(backend, 'float32', 5)
      const first = await backend.read(view)
      first[0] = 77
      must(differenceOfValues(await backend.read(view), data, [0, 0]), 'after writing into the array that was read')
    },
  },
  {
    // Core copies what a recorded step is about to overwrite, on the backend, and restores it.
    name: 'backend › a step that fails is undone',
    async run() {
      const x = tensor([1, 2, 3])
      const part = tensor([4, 5, 6]).narrow(0, 1, 2)
      let fails = false
      const make = () =>
        compile(() => {
          x.mul_(2)
          part.add_(x.narrow(0, 0, 2))
          if (fails) throw new Error('not now')
          return x.sum()
        })
      // The first call computes; from the second on, a call records, and its program computes.
      for (const calls of [0, 1]) {
        const step = make()
        fails = false
        for (let i = 0; i < calls; i++) step()
        const before = [Array.from(await x.toArrayAsync()), Array.from(await part.toArrayAsync())]
        fails = true
        try {
          step()
        } catch {}
        for (const [i, tensor] of [x, part].entries())
          must(differenceOfValues(await tensor.toArrayAsync(), before[i], [0, 0]), `tensor ${i} after the error`)
      }
    },
  },
  {
    // The backend stands behind a wrapper that lacks something: replays are adapted like eager instructions.
    name: 'backend › a compiled step with unsupported instructions',
    async run() {
      if (!backend.caps.syncRead) return
      const { own: before } = currentDevice()
      const fallback = setFallback(backend)
      useDevice(lacking(backend, 'tanh', 'scan'))
      try {
        const results = [(step: () => Tensor) => step, compile<[], Tensor>].map((how) => {
          const x = tensor([0.5, -1, 2], { requiresGrad: true })
          const step = how(() => {
            x.grad = null
            const y = x.mul(2).tanh().add(1).cumsum(0).sum()
            y.backward()
            noGrad(() => x.sub_((x.grad as Tensor).mul(0.1)))
            return y
          })
          return Array.from({ length: 6 }, () => [step().item(), ...x.detach().toArray()])
        })
        must(differenceOfValues(results[1].flat(), results[0].flat(), [1e-6, 1e-6]), 'compiled')
      } finally {
        useDevice(before)
        if (fallback !== undefined) setFallback(fallback)
      }
    },
  },
  {
    name: 'backend › files',
    async run() {
      for (const format of ['safetensors', 'npz', 'pt'] as const) {
        for (const dtype of backend.caps.dtypes) {
          const x = tensor([0, 1, 1, 0, 1, 0], { dtype }).reshape(2, 3)
          const bytes = await save({ x, t: x.t(), large: zeros(70_000, { dtype }) }, undefined, { format })
          // A page has no files, but blobs and their addresses.
          const loaded = await load(new Blob([bytes as Uint8Array<ArrayBuffer>]), { device: currentDevice().label })
          const get = (name: string): Tensor =>
            loaded instanceof Map ? loaded.get(name) : (loaded as Readonly<Record<string, Tensor>>)[name]
          for (const [name, y] of Object.entries({ x, t: x.t() })) {
            const values = [...(await y.toArrayAsync())]
            must(differenceOfValues(await get(name).toArrayAsync(), values, [0, 0]), `${format}, ${dtype}, ${name}`)
            const shape = String(get(name).shape)
            must(shape === String(y.shape) ? undefined : shape, `${format}, the shape of ${name}`)
          }
        }
      }
    },
  },
  {
    name: 'backend › readSync',
    async run() {
      const { data, view } = written(backend, 'float32', 5)
      if (backend.caps.syncRead) return must(differenceOfValues(backend.readSync(view), data, [0, 0]), 'readSync')
      try {
        backend.readSync(view)
      } catch (error) {
        return must(
          /async/i.test((error as Error).message) ? undefined : (error as Error).message,
          'names no async call',
        )
      }
      throw new Error('readSync neither reads nor throws although caps.syncRead is false')
    },
  },
]
