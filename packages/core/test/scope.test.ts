// Freeing memory early: `dispose` and `scope`. A counting backend reports what was freed; memory that is still needed
// is used afterwards, with the same results as without a scope.
import { js } from '@flambeau/backend-js'
import {
  AutogradFunction,
  compile,
  F,
  type FunctionCtx,
  full,
  grad,
  manualSeed,
  nn,
  noGrad,
  ones,
  optim,
  RuntimeError,
  randn,
  scope,
  type Tensor,
  tensor,
  useDevice,
} from '@flambeau/core'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Counting } from './counting.ts'

let device = new Counting()
beforeEach(() => {
  device = new Counting()
  useDevice(device)
})
afterEach(() => void useDevice(js()))

const afterDispose = 'a tensor is used after dispose(): its memory was freed'
const afterScope = 'a tensor is used after the scope that created it'

describe('dispose', () => {
  test('frees the memory, once', () => {
    const x = ones(2)
    expect(device.live.size).toBe(1)
    x.dispose()
    expect(device.live.size).toBe(0)
    x.dispose()
  })

  test('a later use of the tensor or of a view of it throws', () => {
    const x = ones(2, 3)
    const view = x.t()
    view.dispose()
    const uses: (() => unknown)[] = [
      () => x.add(1),
      () => ones(2, 3).mul(x),
      () => x.t(),
      () => view.toArray(),
      () => x.sum(),
      () => x.mul_(2),
      () => ones(2, 3).copy_(x),
      () => x.clone(),
      () => String(x),
      () => x.matmul(ones(3, 1)),
    ]
    for (const use of uses) {
      expect(use).toThrow(RuntimeError)
      expect(use).toThrow(afterDispose)
    }
  })

  test('a later asynchronous read throws, too', async () => {
    const x = ones(2)
    x.dispose()
    await expect(x.toArrayAsync()).rejects.toThrow(afterDispose)
  })

  test('a backward pass that needs it throws, and has changed nothing', () => {
    const w = tensor([1, 2], { requiresGrad: true })
    const y = w.exp()
    const z = y.square().sum()
    y.dispose()
    expect(() => z.backward()).toThrow(
      'one of the variables needed for gradient computation has been freed: PowBackward0 saved it',
    )
    expect(w.grad).toBeNull()
  })

  test('is what `using` calls at the end of a block', () => {
    const x = ones(2)
    {
      using y = x.add(1)
      expect(y.sum().item()).toBe(4)
      expect(device.live.size).toBe(3)
    }
    expect(device.live.size).toBe(2)
  })
})

describe('scope', () => {
  test('frees what was created in it and is not returned', () => {
    const x = ones(10)
    const y = scope(() => x.mul(2).add(1).sum())
    expect(device.live.size).toBe(2)
    expect(y.item()).toBe(30)
    expect(x.sum().item()).toBe(10)
  })

  test('a tensor that escaped otherwise throws on use', () => {
    let kept: Tensor | undefined
    scope(() => void (kept = ones(2)))
    expect(() => kept?.add(1)).toThrow(afterScope)
  })

  test('keeps tensors returned in arrays, objects, maps, sets and modules, and the memory behind views', () => {
    const result = scope(() => ({
      list: [ones(2), { deep: ones(2) }],
      map: new Map([['x', ones(2)]]),
      set: new Set([ones(2)]),
      model: new nn.Linear(2, 1),
      view: ones(2, 2).t(),
      numbers: [1, null, undefined, 'x'],
    }))
    expect(device.live.size).toBe(7)
    const [first, { deep }] = result.list as [Tensor, { deep: Tensor }]
    const all = [first, deep, ...result.map.values(), ...result.set, result.view]
    expect(all.map((x) => x.sum().item())).toEqual([2, 2, 2, 2, 4])
    expect((result.model.forward(ones(1, 2)) as Tensor).shape).toEqual([1, 1])
  })

  test('the result of an inner scope belongs to the outer one', () => {
    const y = scope(() => {
      const inner = scope(() => ones(3).mul(2))
      expect(device.live.size).toBe(1)
      return inner.sum()
    })
    expect(device.live.size).toBe(1)
    expect(y.item()).toBe(6)
  })

  test('frees when the function throws', () => {
    const fail = (): never => {
      ones(3)
      throw new Error('mine')
    }
    expect(() => scope(fail)).toThrow('mine')
    expect(device.live.size).toBe(0)
  })

  test('refuses async functions', () => {
    expect(() => scope(async () => ones(1))).toThrow('scope cannot run an async function')
  })

  test('returns other values, and large arrays of numbers', () => {
    expect(scope(() => 5)).toBe(5)
    expect(scope(() => ones(300000).tolist())).toHaveLength(300000)
  })
})

describe('values that gradients need outlive a scope', () => {
  test('a returned loss can be differentiated', () => {
    const gradient = (wrap: (loss: () => Tensor) => Tensor): unknown => {
      const w = tensor([1, 2], { requiresGrad: true })
      wrap(() => {
        const y = w.exp()
        return y.mul(y.detach().add(1)).sum()
      }).backward()
      return (w.grad as Tensor).tolist()
    }
    expect(gradient(scope)).toEqual(gradient((loss) => loss()))
  })

  test('gradients of tensors from outside survive, those of intermediate tensors are freed', () => {
    const w = tensor([1, 2], { requiresGrad: true })
    scope(() => w.square().sum().backward())
    expect(device.live.size).toBe(2)
    scope(() => w.square().sum().backward())
    expect(device.live.size).toBe(2)
    expect((w.grad as Tensor).toArray()).toEqual(Float32Array.of(4, 8))
  })

  test('a gradient that was replaced in the scope is freed', () => {
    const w = tensor([1, 2], { requiresGrad: true })
    scope(() => {
      for (let i = 0; i < 3; i++) {
        w.grad = null
        w.square().sum().backward()
      }
    })
    expect(device.live.size).toBe(2)
  })

  test('a graph that a write gave to a tensor from outside', () => {
    const w = tensor([1, 2], { requiresGrad: true })
    const y = ones(2)
    scope(() => void y.mul_(w.exp()))
    y.sum().backward()
    expect((w.grad as Tensor).toArray()).toEqual(Float32Array.of(Math.exp(1), Math.exp(2)))
  })

  test('a gradient with its own graph', () => {
    const w = tensor([2], { requiresGrad: true })
    scope(() => w.pow(3).sum().backward({ createGraph: true }))
    const [first] = grad([(w.grad as Tensor).sum()], [w]) as [Tensor]
    expect(first.toArray()).toEqual(Float32Array.of(12))
  })

  test('the saved values of a custom function, and its context', () => {
    class Scaled extends AutogradFunction {
      static override forward(ctx: FunctionCtx & { scale?: Tensor }, x: Tensor): Tensor {
        ctx.saveForBackward(x.mul(1))
        ctx.scale = full([2], 3)
        return x.square().mul(ctx.scale)
      }
      static override backward(ctx: FunctionCtx & { scale?: Tensor }, dy: Tensor): Tensor {
        const [x] = ctx.savedTensors as [Tensor]
        return dy
          .mul(x)
          .mul(ctx.scale as Tensor)
          .mul(2)
      }
    }
    const w = tensor([1, 2], { requiresGrad: true })
    const y = scope(() => (Scaled.apply(w) as Tensor).sum())
    y.backward()
    expect((w.grad as Tensor).toArray()).toEqual(Float32Array.of(6, 12))
  })
})

/** Ten losses of a network with batch norm, dropout and Adam, each step wrapped by `wrap`. */
function losses(wrap: (step: () => Tensor) => () => Tensor | number, setToNone = true): number[] {
  manualSeed(1)
  const model = new nn.Sequential(
    new nn.Linear(4, 8),
    new nn.BatchNorm1d(8),
    new nn.ReLU(),
    new nn.Dropout(0.2),
    new nn.Linear(8, 1),
  )
  const optimizer = new optim.Adam(model.parameters(), { lr: 0.01 })
  const [x, y] = [randn(16, 4), randn(16, 1)]
  const step = wrap(() => {
    const loss = F.mseLoss(model.forward(x) as Tensor, y)
    optimizer.zeroGrad({ setToNone })
    loss.backward()
    optimizer.step()
    return loss
  })
  return Array.from({ length: 10 }, () => Number(step()))
}

describe('training', () => {
  test('in scopes: the same losses, and no extra memory except gradients that are written into', () => {
    const sizes: number[] = []
    const scoped = losses(
      (step) => () => {
        const loss = scope(() => step().item())
        sizes.push(device.live.size)
        return loss
      },
      false,
    )
    expect(scoped).toEqual(losses((step) => step))
    expect(sizes).toEqual(new Array(10).fill(sizes[0]))
  })

  test('a compiled step in a scope is replayed; a scope in a compiled step changes nothing', () => {
    const expected = losses((step) => step)
    let calls = 0
    const outside = losses((step) => {
      const compiled = compile(() => {
        calls++
        return step()
      })
      return () => scope(() => compiled())
    })
    expect(outside).toEqual(expected)
    expect(calls).toBe(4)
    expect(losses((step) => compile(() => scope(() => step())))).toEqual(expected)
  })
})

describe('in compiled steps', () => {
  test('a tensor that the step reads is freed between two calls', () => {
    const [x, y] = [ones(2), ones(2)]
    const step = compile(() => x.add(y))
    for (let i = 0; i < 5; i++) step()
    y.dispose()
    expect(() => step()).toThrow(afterDispose)
    expect(() => step()).toThrow(afterDispose)
  })

  test('a parameter that the step replaces is freed between two calls', () => {
    const [w, x] = [ones(2), ones(2)]
    const step = compile(() => {
      noGrad(() => w.mul_(2))
      return x.mul(w)
    })
    for (let i = 0; i < 5; i++) step()
    w.dispose()
    expect(() => step()).toThrow(afterDispose)
    expect(x.toArray()).toEqual(Float32Array.of(1, 1))
  })

  test('an argument that was freed', () => {
    const step = compile((x: Tensor) => x.add(1))
    for (let i = 0; i < 5; i++) step(ones(2))
    const x = ones(2)
    x.dispose()
    expect(() => step(x)).toThrow(afterDispose)
    expect(step(ones(2)).toArray()).toEqual(Float32Array.of(2, 2))
  })

  test('a result that is freed leaves the step as it is', () => {
    const x = ones(2)
    const step = compile(() => x.add(1))
    for (let i = 0; i < 6; i++) {
      const y = step()
      expect(y.toArray()).toEqual(Float32Array.of(2, 2))
      y.dispose()
    }
    expect(() => step.explain()).not.toThrow()
  })

  test('only tensors created inside may be disposed of inside', () => {
    const x = ones(2)
    const inside = compile(() => {
      const y = x.add(1)
      const z = y.mul(2)
      y.dispose()
      return z
    })
    for (let i = 0; i < 5; i++) expect(inside().toArray()).toEqual(Float32Array.of(4, 4))
    const outside = compile(() => {
      const y = x.add(1)
      x.dispose()
      return y
    })
    expect(() => outside()).toThrow('dispose() of a tensor from outside cannot be called inside a compiled step')
    expect(x.toArray()).toEqual(Float32Array.of(1, 1))
  })

  test('leftovers of a recording are freed', () => {
    const x = ones(2)
    const step = compile(() => x.add(1).mul(2).exp())
    step()
    const before = device.live.size
    step()
    expect(device.live.size - before).toBe(1)
  })
})

describe('a composition', () => {
  const convolve = (images: number): Tensor =>
    F.convTranspose2d(ones(images, 8, 16, 16), ones(8, 2, 3, 3), { stride: 2, padding: 1, outputPadding: 1 })

  test('frees what it made besides its results if it is large', () => {
    const y = convolve(4)
    // Its two inputs, the result, and the flipped weight, which is small.
    expect(device.live.size).toBe(4)
    expect(y.sum().item()).toBe(convolve(1).mul(4).sum().item())
    convolve(1)
    expect(device.live.size).toBeGreaterThan(8)
  })

  test('leaves its results to a scope around it, and its gradients to their leaves', () => {
    const x = ones(4, 8, 16, 16, { requiresGrad: true })
    const w = ones(6, 8, 3, 3)
    const before = device.live.size
    const y = scope(() => F.conv2d(x, w, { stride: 2, padding: 1 }).mul(2))
    expect(device.live.size).toBe(before + 1)
    scope(() => y.sum().backward())
    expect(device.live.size).toBe(before + 2)
    expect(x.grad?.max().item()).toBe(48)
    expect(x.grad?.min().item()).toBe(12)
  })
})

test('temporaries of an instruction are freed after it', () => {
  device = new Counting({ strided: false, multiOutput: false })
  useDevice(device)
  const x = ones(2, 3)
  const y = x.t().add(1)
  expect(device.live.size).toBe(2)
  expect(y.sum().item()).toBe(12)
  const w = ones(3, { requiresGrad: true })
  const optimizer = new optim.SGD([w], { momentum: 0.9 })
  const step = (): void =>
    scope(() => {
      optimizer.zeroGrad({ setToNone: false })
      w.square().sum().backward()
      optimizer.step()
    })
  step()
  const before = device.live.size
  for (let i = 0; i < 3; i++) step()
  expect(device.live.size).toBe(before)
})
