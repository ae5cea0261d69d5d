// A backward pass frees the gradients that it made itself, and nothing that a program may still hold. Each program runs
// without and with that, for tensors of any size, and leaves the same bits.
import {
  AutogradFunction,
  arange,
  autograd,
  cat,
  enableGrad,
  F,
  type FunctionCtx,
  grad,
  nn,
  noGrad,
  ones,
  optim,
  scope,
  type Tensor,
  utils,
} from '@flambeau/core'
import { describe, expect, test } from 'vitest'
import { running } from './freeing.ts'

const leaf = (...shape: number[]) =>
  arange(
    shape.reduce((a, b) => a * b, 1),
    { dtype: 'float32' },
  )
    .mul(0.1)
    .sub(0.4)
    .reshape(shape)
    .detach()
    .requiresGrad_()

class Doubled extends AutogradFunction {
  static seen: Tensor[] = []
  static override forward(ctx: FunctionCtx, x: Tensor): [Tensor, Tensor] {
    ctx.saveForBackward(x)
    return [x.mul(2), x.add(1)]
  }
  static override backward(ctx: FunctionCtx, dy: Tensor, dz: Tensor): Tensor {
    const [x] = ctx.savedTensors
    const kept = dy.mul(2)
    Doubled.seen.push(dy, dz, kept, x.mul(dz))
    return kept
  }
}

/** Programs, each with all that it can hold at its end. */
const programs: Readonly<Record<string, () => readonly (Tensor | null)[]>> = {
  'the same gradient for two inputs': () => {
    const [x, y] = [leaf(2, 3), leaf(2, 3)]
    x.sin().add(y.cos()).exp().sum().backward()
    return [x.grad, y.grad]
  },
  'one tensor as both inputs, and a third time': () => {
    const x = leaf(2, 3)
    const y = x.sin()
    y.add(y).mul(y).add(y).tanh().sum().backward()
    return [x.grad]
  },
  'an operation that has one node twice among its inputs': () => {
    const x = leaf(4)
    const y = x.sin()
    cat([y, y, x.cos(), y]).tanh().square().sum().backward()
    return [x.grad]
  },
  'two leaves that get the same gradient': () => {
    const [x, y] = [leaf(3), leaf(3)]
    x.add(y).backward(ones(3).mul(2).sin())
    x.add(y).sin().sum().backward()
    noGrad(() => x.grad?.mul_(3))
    return [x.grad, y.grad]
  },
  'views of views, and expanded ones': () => {
    const x = leaf(2, 3)
    const y = x.sin().t().reshape(2, 3).unsqueeze(0).expand(4, 2, 3)
    y.exp().sum([0]).t().sum(0, { keepdim: true }).expand(3, 2).cos().sum().backward()
    return [x.grad]
  },
  'slices, which wait for each other': () => {
    const x = leaf(6, 2)
    const y = x.exp()
    const parts = [...y.split(2), y.narrow(0, 1, 3), y.narrow(0, 1, 3), y.at(0), y.narrow(1, 0, 1)]
    parts
      .map((part, i) =>
        part
          .sin()
          .mul(i + 1)
          .sum(),
      )
      .reduce((a, b) => a.add(b))
      .backward()
    return [x.grad]
  },
  'slices of one output of several': () => {
    const x = leaf(4, 3)
    const [values, rest] = [x.sin().max(1)[0], x.cos().chunk(2)]
    values.narrow(0, 1, 2).exp().sum().add(rest[1].exp().sum()).backward()
    return [x.grad]
  },
  'a detached branch, and writes in place': () => {
    const x = leaf(5)
    const y = x.sin()
    const z = y.mul(y.detach()).mul_(2).exp_()
    z.add(0).narrow(0, 1, 2).mul_(3).sum().backward({ retainGraph: true })
    z.tanh().sum().backward()
    return [x.grad, y, z]
  },
  'gradients that add up over two passes': () => {
    const x = leaf(5)
    x.sin().exp().sum().backward()
    const held = x.grad as Tensor
    x.cos().exp().sum().backward()
    return [x.grad, held]
  },
  'a graph that is used twice': () => {
    const x = leaf(5)
    const y = x.sin().exp().square().sum()
    y.backward({ retainGraph: true })
    const [dx] = grad(y, x, { retainGraph: true })
    y.backward()
    return [x.grad, dx]
  },
  'gradients of several inputs, inner ones among them': () => {
    const [x, w] = [leaf(3, 3), leaf(3, 3)]
    const y = x.matmul(w)
    const z = y.tanh()
    const found = grad(z.add(y).exp().sum(), [z, y, x, w, z])
    found[0].mul_(2)
    return found
  },
  'a gradient of the caller': () => {
    const x = leaf(4)
    const given = ones(4).mul(3)
    x.view(2, 2).t().backward(given.view(2, 2))
    const seed = ones(4).sin()
    x.sin().exp().backward(seed)
    return [x.grad, given, seed]
  },
  'second and third derivatives': () => {
    const x = leaf(4)
    const [dx] = grad(x.sin().exp().sum(), x, { createGraph: true })
    const [ddx] = grad(dx.square().sum(), x, { createGraph: true })
    ddx.sum().backward()
    return [dx, ddx, x.grad]
  },
  'hooks that keep gradients, replace them, and run passes of their own': () => {
    const kept: Tensor[] = []
    const [x, w] = [leaf(4), leaf(4)]
    const y = x.sin()
    const z = y.exp()
    z.registerHook((dy) => {
      const inner = enableGrad(() => w.sin().mul(dy).exp().sum())
      inner.backward()
      kept.push(dy, inner)
    })
    y.registerHook((dy) => {
      const view = dy.view(2, 2)
      kept.push(view, dy.mul(2))
      return dy.mul(3)
    })
    x.registerHook((dy) => void kept.push(dy.data))
    z.retainGrad()
    z.square().sum().backward()
    return [...kept, x.grad, w.grad, z.grad]
  },
  'hooks of modules': () => {
    const kept: (Tensor | null)[] = []
    const model = new nn.Sequential(new nn.Linear(3, 3), new nn.Tanh(), new nn.Linear(3, 2), new nn.Sigmoid())
    for (const p of model.parameters()) noGrad(() => p.copy_(leaf(...p.shape)))
    for (const [i, module] of [...model].slice(0, 2).entries())
      module.registerFullBackwardHook((_, dxs, dys) => {
        kept.push(...dxs, ...dys)
        return i === 1 ? dxs.map((dx) => dx?.mul(2) ?? null) : undefined
      })
    const x = leaf(2, 3)
    model.forward(x).square().sum().backward()
    return [...kept, x.grad, ...[...model.parameters()].map((p) => p.grad)]
  },
  'functions of a program': () => {
    Doubled.seen = []
    const x = leaf(4)
    const [y] = Doubled.apply(x.sin()) as [Tensor, Tensor]
    y.exp().square().sum().backward()
    return [x.grad, ...Doubled.seen]
  },
  'saved tensors that a program packs': () => {
    const kept: Tensor[] = []
    const x = leaf(4)
    const unpack = (saved: Tensor) => {
      kept.push(saved.mul(1))
      return kept[kept.length - 1]
    }
    autograd.graph
      .savedTensorsHooks(
        (saved: Tensor) => saved.clone(),
        unpack,
        () => x.sin().exp().square().sum(),
      )
      .backward()
    return [x.grad, ...kept]
  },
  'what is computed again': () => {
    const inner: Tensor[] = []
    const x = leaf(4)
    const again = (y: Tensor) => {
      inner.push(y.exp())
      return inner[inner.length - 1].sin().mul(y)
    }
    utils.checkpoint.checkpoint(again, x.cos()).square().sum().backward()
    return [x.grad, ...inner]
  },
  'a pass that fails, and the next': () => {
    const [x, kept] = [leaf(4), [] as Tensor[]]
    const y = x.sin()
    const { remove } = y.registerHook((dy) => {
      kept.push(dy)
      throw new RangeError('no')
    })
    const z = y.exp().square().sum()
    expect(() => z.backward({ retainGraph: true })).toThrow('no')
    remove()
    z.backward()
    return [x.grad, ...kept]
  },
  'a pass in a scope': () => {
    const x = leaf(4)
    const [dy] = scope(() => {
      const y = x.sin()
      y.retainGrad()
      y.exp().square().sum().backward()
      return [y.grad]
    })
    return [x.grad, dy]
  },
  'convolutions, pooling and norms that train': () => {
    const model = new nn.Sequential(
      new nn.Conv2d(1, 2, 3, { padding: 1 }),
      new nn.BatchNorm2d(2),
      new nn.ReLU(),
      new nn.MaxPool2d(2),
      new nn.Flatten(),
      new nn.Linear(8, 3),
    )
    for (const p of model.parameters()) noGrad(() => p.copy_(leaf(...p.shape).sin()))
    const optimizer = new optim.SGD(model.parameters(), { lr: 0.1, momentum: 0.9 })
    for (let step = 0; step < 3; step++) {
      optimizer.zeroGrad()
      F.crossEntropy(model.forward(leaf(2, 1, 4, 4)), arange(2)).backward()
      optimizer.step()
    }
    return [...model.parameters()].flatMap((p) => [p, p.grad])
  },
}

describe('with freed gradients, the results are the same', () => {
  test.each(Object.entries(programs))('%s', (_, program) => {
    const bits = (results: readonly (Tensor | null)[]) =>
      results.map((x) => (x === null ? [0] : [...x.detach().view(-1).tolist()]))
    const [expected] = running(Number.POSITIVE_INFINITY, () => bits(program()))
    const [found, device] = running(0, () => bits(program()))
    expect(found).toEqual(expected)
    expect(expected.flat().every(Number.isFinite)).toBe(true)
    expect(device.freed).toBeGreaterThan(0)
  })
})

test('a backward pass holds few gradients at a time, and in the end that of the leaf', () => {
  const chain = (elements: number) =>
    running(elements, (device) => {
      const x = leaf(9)
      let y = x
      for (let k = 0; k < 50; k++) y = y.sin()
      const loss = y.sum()
      const before = device.live.size
      loss.backward()
      return [before, device.live.size, device.most]
    })[0]
  const [before, after, most] = chain(8)
  // The leaf's, and the number that the pass began with.
  expect(after - before).toBe(2)
  expect(most - before).toBeLessThan(6)
  // Numbers and other small tensors are left alone.
  expect(chain(10)[1] - before).toBeGreaterThan(50)
})
