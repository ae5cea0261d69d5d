// Indexing, assignment, masks, conversions and writes into tensors: runs every line of golden/ops-b.json and compares
// it with real PyTorch's output or error (tools/golden/ops_b.py). Tests without a golden line follow.
import { js } from '@flambeau/backend-js'
import {
  gradcheck,
  gradgradcheck,
  manualSeed,
  ones,
  randn,
  registerDevice,
  Slice,
  type Tensor,
  tensor,
  useDevice,
  where,
  zeros,
} from '@flambeau/core'
import { beforeAll, describe, expect, it } from 'vitest'
import { asPrinted, of, range, show } from './lines.ts'

beforeAll(() => void useDevice(js()))

const I = of('int32')
const R = (...values: number[]): Tensor => tensor(values, { requiresGrad: true })

asPrinted('ops-b')

const message = (fn: () => unknown): string => {
  try {
    fn()
  } catch (error) {
    return (error as Error).message
  }
  return 'nothing was thrown'
}

describe('gradients by finite differences', () => {
  const x = () => {
    manualSeed(3)
    return randn(3, 4, { dtype: 'float64', requiresGrad: true })
  }
  const v = (...shape: number[]) => randn(shape, { dtype: 'float64', requiresGrad: true })
  const square =
    (f: (...a: Tensor[]) => Tensor) =>
    (...a: Tensor[]) =>
      f(...a.map((t) => t.mul(t)))
  const cases: Record<string, () => [(...a: Tensor[]) => Tensor, Tensor[]]> = {
    'at: several tensors apart': () => [(a) => a.unsqueeze(1).at(I(0, 2), Slice(), I(1, 1)), [x()]],
    'at: tensor of two dimensions': () => [(a) => a.at(Slice(), I(0, 3, 3, 1).view(2, 2)), [x()]],
    'at: mask': () => [(a) => a.at(a.detach().gt(0)), [x()]],
    'setAt: slice of a transposed view': () => [
      (a, b) =>
        a
          .t()
          .clone()
          .setAt([Slice(1, 3), '::2'], b),
      [x(), v(2, 2)],
    ],
    'setAt: tensors beside a slice': () => [(a, b) => a.clone().setAt([Slice(), I(0, -1)], b), [x(), v(3, 2)]],
    'setAt: through two views': () => [
      (a, b) => {
        const y = a.clone()
        y.t().at(Slice(1)).setAt(0, b)
        return y
      },
      [x(), v(3)],
    ],
    'setAt: mask and one value': () => [(a, b) => a.clone().setAt(a.detach().gt(0), b), [x(), v(1)]],
    'indexPut: accumulate': () => [(a, b) => a.indexPut([I(0, 0, 2)], b, { accumulate: true }), [x(), v(3, 4)]],
    gather: () => [(a) => a.gather(1, I(0, 0, 3, 2).view(2, 2)), [x()]],
    scatter: () => [(a, b) => a.scatter(0, I(2, 1, 0).view(1, 3), b), [x(), v(1, 3)]],
    'scatter: source larger than the index': () => [(a, b) => a.scatter(0, I(2, 1).view(1, 2), b), [x(), v(2, 3)]],
    scatterAdd: () => [(a, b) => a.scatterAdd(1, I(1, 1).view(1, 2), b), [x(), v(1, 2)]],
    indexSelect: () => [(a) => a.indexSelect(1, I(3, 3, 0)), [x()]],
    maskedFill: () => [(a, b) => a.maskedFill(a.detach().gt(0), b), [x(), v()]],
    maskedSelect: () => [(a) => a.maskedSelect(tensor([true, false, true]).view(3, 1)), [x()]],
    copy_: () => [(a, b) => a.clone().copy_(b).mul(a), [x(), v(4)]],
    fill_: () => [(a, b) => a.clone().fill_(b).mul(a), [x(), v()]],
  }
  for (const [name, make] of Object.entries(cases)) {
    it(name, () => {
      const [f, inputs] = make()
      expect(gradcheck(square(f), inputs)).toBe(true)
      expect(gradgradcheck(square(f), inputs)).toBe(true)
    })
  }
})

describe('assignment in place', () => {
  it('keeps the memory, and raises the version, also for views', () => {
    const x = range(4, 3)
    const view = x.at(1)
    const { buffer } = x
    x.setAt(I(1), 9)
    expect(x.buffer).toBe(buffer)
    expect(x.version).toBe(1)
    expect(view.toNested()).toEqual([9, 9, 9])
  })

  it('changes nothing if it throws', () => {
    const x = range(2, 3)
    for (const wrong of [
      () => x.setAt(I(0, 5), 9),
      () => x.setAt([I(0, 1), I(0, 5)], 9),
      () => x.setAt(I(0), ones(2)),
      () => x.scatter_(1, I(0, 5).view(1, 2), 9),
      () => x.indexPut_([I(0, 5)], ones(3), { accumulate: true }),
      () => x.maskedFill_(tensor([true, false]), 1),
      () => x.copy_(ones(4)),
    ]) {
      expect(wrong).toThrow()
    }
    expect(x.toNested()).toEqual([[0, 1, 2], [3, 4, 5]]) // biome-ignore format: a matrix
    expect(x.version).toBe(0)
  })

  it('refuses a gradient through values saved before it', () => {
    const x = R(1, 2, 3).exp()
    const y = x.mul(x)
    x.setAt(I(0), 5)
    expect(message(() => y.sum().backward())).toContain('[torch.FloatTensor [3]], which is output 0 of')
  })
})

describe('other devices', () => {
  const inner = js()
  const named = (name: string, syncRead: boolean) => {
    const { caps, supports, alloc, write, run, read, readSync, free, sync, memory, dispose } = {
      caps: { ...inner.caps, syncRead },
      supports: () => true,
      alloc: inner.alloc.bind(inner),
      write: inner.write.bind(inner),
      run: inner.run.bind(inner),
      read: inner.read.bind(inner),
      readSync: inner.readSync.bind(inner),
      free: () => {},
      sync: async () => {},
      memory: inner.memory.bind(inner),
      dispose: () => {},
    }
    return { name, caps, supports, alloc, write, run, read, readSync, free, sync, memory, dispose }
  }

  it('a tensor moves, and its gradient moves back', () => {
    registerDevice(named('other', true))
    const x = R(1, 2)
    const y = x.to('other').mul(3)
    expect(show(y)).toBe("tensor([3., 6.], device='other', grad_fn=<MulBackward0>)")
    y.sum().backward()
    expect(show(x.grad)).toBe('tensor([3., 3.])')
    expect(x.to({ device: 'other', dtype: 'float64' }).dtype).toBe('float64')
    expect(x.to(y.detach()).device).toBe('other')
    expect(y.cpu().device).toBe('js')
    expect(x.cpu()).toBe(x)
    expect(zeros(2).copy_(y.detach()).device).toBe('js')
    expect(message(() => x.add(y))).toBe(
      "Expected all tensors to be on the same device, but found at least two devices, js and other!\nMove one of them: x.to('js').",
    )
  })

  it('cpu() leaves a tensor on the default device, unless that is a GPU', () => {
    const [fast, slow] = [named('fast', true), { ...named('slow', true), gpu: { kind: 'slow', ordinal: 0 } as never }]
    for (const [backend, device] of [
      [fast, 'fast'],
      [slow, 'js'],
    ] as const) {
      useDevice(backend)
      expect(ones(2).cpu().device).toBe(device)
      expect(ones(2).to('js').cpu().device).toBe('js')
    }
    useDevice(js())
    expect(ones(2).to('fast').cpu().device).toBe('js')
  })

  it('a tensor that cannot be read synchronously is printed without its elements', () => {
    registerDevice(named('far', false))
    expect(show(ones(2).to('far'))).toBe("tensor(..., device='far', size=(2,), dtype=torch.float32)")
    expect(ones(2).to('far').cpu().device).toBe('js')
  })

  it('a device that is not loaded is named, with the call that loads it', () => {
    expect(message(() => ones(2).to('native'))).toMatch(
      /^device 'native' is not loaded\nLoaded devices: .*setDevice\('native'\)/,
    )
    expect(message(() => ones(2).to('float16'))).toMatch(/^dtype float16 is not supported\nhalf precision/)
  })
})

it('indices are typed, and both forms of nonzero are', () => {
  const x: Tensor = range(2, 3)
    .at(0, Slice(1), null, '...')
    .setAt([I(0), 'None'], 1)
  const rows: Tensor[] = x.nonzero({ asTuple: true })
  const pairs: Tensor = x.nonzero()
  expect([rows.length, pairs.shape]).toEqual([2, [2, 2]])
  // @ts-expect-error an object is no index
  expect(() => x.at({ start: 1 })).toThrow('valid indices (got dict)')
})

describe('where of a condition alone', () => {
  it('gives the positions of its nonzero elements, an index tensor per dimension', () => {
    const x = range(2, 3)
    expect(where(x.gt(3)).map(String)).toEqual(['tensor([1, 1])', 'tensor([1, 2])'])
    expect(show(x.at(...where(x.gt(3))))).toBe('tensor([4., 5.])')
    expect(where(tensor(1)).map(String)).toEqual(['tensor([0])'])
    expect(where(tensor(0)).map(String)).toEqual(['tensor([], dtype=torch.int32)'])
  })
})
