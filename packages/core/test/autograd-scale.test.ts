// Deep and wide graphs: the backward pass is a loop, not a recursion, and its time is linear in the size of the graph.
import { js } from '@flambeau/backend-js'
import {
  autograd,
  backward,
  type FunctionCtx,
  grad,
  noGrad,
  ones,
  stack,
  type Tensor,
  tensor,
  useDevice,
} from '@flambeau/core'
import { describe, expect, it } from 'vitest'

useDevice(js())

const scalar = (value: number): Tensor => tensor(value, { requiresGrad: true })
const values = (x: Tensor | null): number[] => Array.from(x?.detach().toArray() ?? [])

describe('graphs of 100,000 nodes', () => {
  const n = 100_000

  it('a chain', () => {
    const x = scalar(1)
    let y = x
    for (let i = 0; i < n; i++) y = i % 2 === 0 ? y.mul(2) : y.mul(0.5)
    y.backward()
    expect(values(x.grad)).toEqual([1])
  })

  it('a chain that uses one leaf at every step', () => {
    const x = scalar(0)
    let y: Tensor = tensor(0)
    for (let i = 0; i < n; i++) y = y.add(x)
    y.backward()
    expect(values(x.grad)).toEqual([n])
  })

  it('a chain in place', () => {
    const x = scalar(1)
    const y = x.mul(1)
    for (let i = 0; i < n; i++) i % 2 === 0 ? y.mul_(2) : y.mul_(0.5)
    y.backward()
    expect(values(x.grad)).toEqual([1])
  })

  it('a chain with a gradient for an early part only', () => {
    const [x, w] = [scalar(1), scalar(1)]
    let y = x.mul(w)
    for (let i = 0; i < n; i++) y = y.add(1)
    expect(values(grad(y, w)[0])).toEqual([1])
  })

  it('a chain differentiated twice', () => {
    const x = scalar(1.5)
    let y = x.mul(x)
    for (let i = 0; i < n / 2; i++) y = y.mul(1)
    const [first] = grad(y, x, { createGraph: true })
    expect(values(grad(first, x)[0])).toEqual([2])
  })

  it('a ladder: every step uses the two before', () => {
    const x = scalar(1)
    let [a, b] = [x, x.mul(1)]
    for (let i = 0; i < n / 2; i++) [a, b] = [b, a.add(b).mul(0.5)]
    b.backward()
    expect(values(x.grad)[0]).toBeCloseTo(1, 5)
  })
})

describe('graphs of 10,000 branches', () => {
  const n = 10_000
  const branches = (x: Tensor): Tensor[] => Array.from({ length: n }, (_, i) => x.mul(i % 2 === 0 ? 1 : -1))

  it('created first, then summed from the first on', () => {
    const x = scalar(2)
    const ys = branches(x)
    ys.reduce((sum, y) => sum.add(y)).backward()
    expect(values(x.grad)).toEqual([0])
  })

  it('created first, then summed from the last on', () => {
    const x = scalar(2)
    const ys = branches(x)
    ys.reduceRight((sum, y) => sum.add(y)).backward()
    expect(values(x.grad)).toEqual([0])
  })

  it('stacked', () => {
    const x = scalar(2)
    stack(branches(x)).sum().backward()
    expect(values(x.grad)).toEqual([0])
  })

  it('as outputs of one backward', () => {
    const x = scalar(2)
    backward(branches(x))
    expect(values(x.grad)).toEqual([0])
  })

  it('leaves of one backward pass', () => {
    const leaves = Array.from({ length: n }, (_, i) => scalar(i))
    let y: Tensor = tensor(0)
    for (const leaf of leaves) y = y.add(leaf)
    y.backward()
    expect(leaves.every((leaf) => leaf.grad?.item() === 1)).toBe(true)
  })

  it('rows of one tensor written through views', () => {
    const x = scalar(3)
    const rows = ones(1000, 2)
    for (let i = 0; i < 1000; i++) rows.select(0, i).mul_(x)
    rows.sum().backward()
    expect(values(x.grad)).toEqual([2000])
  })
})

describe('nested backward passes', () => {
  it('a function whose backward differentiates again, 200 deep', () => {
    let depth = 0
    class Nested extends autograd.Function {
      static override forward(ctx: FunctionCtx, x: Tensor, level: number) {
        ctx.saveForBackward(x)
        ctx.level = level
        return x.mul(x)
      }
      static override backward(ctx: FunctionCtx, dy: Tensor) {
        const level = ctx.level as number
        depth = Math.max(depth, level)
        const x = ctx.savedTensors[0].detach().requiresGrad_()
        const inner = (): Tensor => (level === 200 ? x.mul(x) : Nested.apply(x, level + 1))
        return [dy.mul(autograd.enableGrad(() => grad(inner(), x)[0])), null]
      }
    }
    const x = scalar(3)
    Nested.apply(x, 0).backward()
    expect([depth, ...values(x.grad)]).toEqual([200, 6])
  })

  it('a hook that runs backward to the same leaves', () => {
    const x = scalar(3)
    const y = x.mul(x)
    const z = y.mul(y)
    const inner: number[] = []
    y.registerHook(() => {
      // The inner pass reaches this hook, too.
      if (inner.push(0) === 1) inner.push(...values(grad(y, x, { retainGraph: true })[0]))
    })
    z.backward()
    expect(inner).toEqual([0, 0, 6])
    expect(values(x.grad)).toEqual([4 * 27])
  })
})

describe('memory of gradients', () => {
  it('a gradient created in the pass is taken over, one held elsewhere is copied', () => {
    const [x, y] = [tensor([1, 2], { requiresGrad: true }), tensor([3, 4], { requiresGrad: true })]
    const g = tensor([1, 1])
    x.add(y).backward(g)
    x.mul(2).backward(g)
    const storages = [g, x.grad, y.grad].map((t) => t?.storage)
    expect(new Set(storages).size).toBe(3)
    expect(values(g)).toEqual([1, 1])
  })

  it('a gradient is row-major and fills its storage', () => {
    const x = tensor([1, 2], { requiresGrad: true })
    x.unsqueeze(0).expand(3, 2).t().sum().backward()
    expect([x.grad?.isContiguous(), x.grad?.storage.size]).toEqual([true, 2])
  })

  it('gradients that grad() returned stay as they were', () => {
    const x = tensor([1, 2], { requiresGrad: true })
    const y = x.mul(2).sum()
    const [g] = grad(y, x, { retainGraph: true })
    y.backward()
    noGrad(() => x.grad?.mul_(100))
    expect(values(g)).toEqual([2, 2])
  })
})
