// What one layer of a Sequential hands to the next is freed when no node needs it any more, and nothing that a program may
// hold. Each program runs without and with that, for tensors of any size, and leaves the same bits.
import { arange, autograd, compile, F, grad, nn, noGrad, optim, scope, type Tensor, utils } from '@flambeau/core'
import { describe, expect, test } from 'vitest'
import { apply } from '../src/tensor/apply.ts'
import type { OpDef } from '../src/tensor/op.ts'
import { unseen } from '../src/tensor/temporaries.ts'
import type { Counting } from './counting.ts'
import { running } from './freeing.ts'

const numbers = (...shape: number[]) =>
  arange(
    shape.reduce((a, b) => a * b, 1),
    { dtype: 'float32' },
  )
    .sin()
    .reshape(shape)
    .detach()
const images = () => numbers(2, 4, 4, 4)

const stacks: Readonly<Record<string, () => nn.Module[]>> = {
  convolutions: () => [
    new nn.Conv2d(4, 4, 3, { padding: 1 }),
    new nn.Conv2d(4, 2, 1),
    new nn.ConvTranspose2d(2, 4, 3, { padding: 1 }),
    new nn.Conv2d(4, 4, 3, { padding: 1, paddingMode: 'reflect' }),
  ],
  norms: () => [
    new nn.BatchNorm2d(4),
    new nn.GroupNorm(2, 4),
    new nn.LayerNorm([4, 4]),
    new nn.LocalResponseNorm(2),
    new nn.BatchNorm2d(4, { affine: false, trackRunningStats: false }),
    new nn.GroupNorm(2, 4),
  ],
  activations: () => [
    new nn.ReLU(),
    new nn.Sigmoid(),
    new nn.LeakyReLU(),
    new nn.Tanh(),
    new nn.GELU(),
    new nn.ELU(),
    new nn.SiLU(),
    new nn.Mish(),
    new nn.Hardswish(),
    new nn.ReLU6(),
    new nn.Softplus(),
    new nn.Softmax(1),
    new nn.LogSoftmax(1),
  ],
  'activations in place': () => [
    new nn.Conv2d(4, 4, 1),
    new nn.ReLU(true),
    new nn.Conv2d(4, 4, 1),
    new nn.SiLU(true),
    new nn.Conv2d(4, 4, 1),
    new nn.LeakyReLU(0.1, true),
    new nn.Tanh(),
    new nn.Conv2d(4, 4, 1),
    new nn.Hardswish(true),
  ],
  'pooling of windows that overlap or not': () => [
    new nn.MaxPool2d(2, { stride: 1, padding: 1 }),
    new nn.AvgPool2d(2, { stride: 1 }),
    new nn.MaxPool2d(2),
    new nn.Upsample({ scaleFactor: 3 }),
    new nn.MaxPool2d(5, { stride: 1, padding: 2 }),
    new nn.AdaptiveAvgPool2d(2),
    new nn.AvgPool2d(2),
  ],
  views: () => [
    new nn.Tanh(),
    new nn.Flatten(),
    new nn.Unflatten(1, [4, 16]),
    new nn.Identity(),
    new nn.Linear(16, 4),
    new nn.Flatten(1),
    new nn.Dropout(0),
    new nn.Linear(16, 3),
    new nn.Unflatten(1, [3, 1]),
  ],
  dropout: () => [
    new nn.Dropout(0.5),
    new nn.Conv2d(4, 4, 1),
    new nn.Dropout2d(0.25),
    new nn.Tanh(),
    new nn.Dropout(0.5),
    new nn.Flatten(),
  ],
  'only views': () => [new nn.Identity(), new nn.Flatten(), new nn.Unflatten(1, [4, 4, 4])],
}

/** A model of layers in these, with weights that depend on nothing. */
function model(layers: readonly nn.Module[]): nn.Sequential {
  const made = new nn.Sequential(...layers)
  for (const p of made.parameters())
    noGrad(() =>
      p.copy_(
        numbers(...p.shape)
          .add(0.1)
          .mul(0.3),
      ),
    )
  return made
}
const gradients = (made: nn.Module) => made.parameters().map((p) => p.grad)

const bits = (results: readonly (Tensor | null)[]) =>
  results.map((x) => (x === null ? [0] : [...x.detach().reshape(-1).tolist()]))

/** The numbers that a program leaves are those without freeing; returns how much less is alive in the end. */
function same(program: () => readonly (Tensor | null)[]): Counting {
  const [expected] = running(Number.POSITIVE_INFINITY, () => bits(program()))
  const [found, device] = running(0, () => bits(program()))
  expect(found).toEqual(expected)
  expect(expected.flat().every(Number.isFinite)).toBe(true)
  return device
}

describe.each(Object.entries(stacks))('%s', (_, layers) => {
  test('a training', () => {
    same(() => {
      const made = model(layers())
      const optimizer = made.parameters().length > 0 ? new optim.SGD(made.parameters(), { lr: 1e-3 }) : null
      const found: (Tensor | null)[] = []
      for (let step = 0; step < 3; step++) {
        optimizer?.zeroGrad()
        const x = images().requiresGrad_()
        const y = made.forward(x.mul(1))
        y.square().mean().backward()
        optimizer?.step()
        found.push(x, x.grad, y, ...gradients(made))
      }
      return found
    })
  })

  test('scores without a graph, and with a frozen one', () => {
    same(() => {
      const made = model(layers()).eval()
      const [x, z] = [images(), images()]
      const y = noGrad(() => made.forward(x))
      for (const p of made.parameters()) p.requiresGrad_(false)
      return [x, y, z, made.forward(z)]
    })
  })

  test('a graph that is used again, and derivatives of derivatives', () => {
    same(() => {
      const made = model(layers()).eval()
      const x = images().requiresGrad_()
      const y = made.forward(x.mul(1)).square().sum()
      y.backward({ retainGraph: true })
      const [dx] = grad(y, x, { createGraph: true })
      dx.square().sum().backward()
      expect(() => y.backward()).toThrow(/second time|freed/)
      return [x.grad, dx, y, ...gradients(made)]
    })
  })

  test('computed again, and compiled', () => {
    same(() => {
      const made = model(layers()).eval()
      const x = images().requiresGrad_()
      const again = utils.checkpoint.checkpoint((z: Tensor) => made.forward(z), x.mul(1)) as Tensor
      again.square().sum().backward()
      const step = compile(() => {
        for (const p of [x, ...made.parameters()]) p.grad = null
        const y = made.forward(x.mul(1))
        y.square().sum().backward()
        return y.detach()
      })
      const found = [x.grad?.clone() ?? null, again]
      for (let i = 0; i < 3; i++) found.push(step().clone(), x.grad?.clone() ?? null)
      return found
    })
  })
})

/** Programs that see what is between layers: each with all that it can hold at its end. */
const seeing: Readonly<Record<string, () => readonly (Tensor | null)[]>> = {
  'hooks of modules, one of which goes when it was called': () => {
    const kept: Tensor[] = []
    const made = model([new nn.Conv2d(4, 4, 1), new nn.Tanh(), new nn.Conv2d(4, 4, 1), new nn.ReLU(), new nn.Flatten()])
    made[0].registerForwardHook((_, __, y) => void kept.push(y as Tensor))
    const { remove } = made[2].registerForwardPreHook((_, [x]) => {
      kept.push(x as Tensor)
      remove()
    })
    made[3].registerFullBackwardHook((_, dxs, dys) => void kept.push(...([...dxs, ...dys] as Tensor[])))
    const y = made.forward(images())
    y.square().sum().backward()
    return [...kept, y, ...gradients(made)]
  },
  'modules of a program': () => {
    const kept: Tensor[] = []
    class Keeping extends nn.Module {
      override forward(x: Tensor): Tensor {
        kept.push(x, x.view(-1))
        return x.mul(2)
      }
    }
    class Layer extends nn.Conv2d {
      override forward(x: Tensor): Tensor {
        kept.push(super.forward(x))
        return kept[kept.length - 1]
      }
    }
    class ByProperty extends nn.Module {
      override forward = (x: Tensor): Tensor => {
        kept.push(x)
        return x.tanh()
      }
    }
    const patched = new nn.Tanh()
    patched.forward = (x: Tensor) => {
      kept.push(x.sin())
      return kept[kept.length - 1]
    }
    const inner = model([new nn.Tanh(), new Keeping()])
    const made = model([
      new nn.Conv2d(4, 4, 1),
      new Keeping(),
      new nn.Flatten(),
      new nn.Unflatten(1, [4, 4, 4]),
      new nn.Tanh(),
      inner,
      new Layer(4, 4, 1),
      new nn.ReLU(),
      new ByProperty(),
      new nn.Sigmoid(),
      patched,
      new nn.Tanh(),
    ])
    const y = made.forward(images())
    y.square().sum().backward()
    return [...kept, y, ...gradients(made)]
  },
  'a method that another has replaced': () => {
    const kept: Tensor[] = []
    const { forward } = nn.Sigmoid.prototype
    try {
      const made = model([new nn.Conv2d(4, 4, 1), new nn.Sigmoid(), new nn.Conv2d(4, 4, 1)])
      nn.Sigmoid.prototype.forward = function (x) {
        kept.push(x, forward.call(this, x))
        return kept[kept.length - 1]
      }
      const y = made.forward(images())
      y.square().sum().backward()
      return [...kept, y, ...gradients(made)]
    } finally {
      nn.Sigmoid.prototype.forward = forward
    }
  },
  'saved tensors that a program packs': () => {
    const kept: Tensor[] = []
    const made = model(stacks.convolutions())
    const pack = (x: Tensor) => {
      kept.push(x)
      return x
    }
    const y = autograd.graph.savedTensorsHooks(
      pack,
      (x: Tensor) => x,
      () => made.forward(images()),
    )
    y.square().sum().backward()
    return [...kept, y, ...gradients(made)]
  },
  'a step in a scope': () => {
    const made = model(stacks.convolutions())
    const y = scope(() => {
      const y = made.forward(images())
      y.square().sum().backward()
      return y.detach()
    })
    return [y, ...gradients(made)]
  },
  'indices of maxima': () => {
    const made = model([new nn.Tanh(), new nn.MaxPool2d(2, { returnIndices: true })])
    const x = images().requiresGrad_()
    const [y, indices] = made.forward(x) as unknown as readonly [Tensor, Tensor]
    F.maxUnpool2d(y, indices, 2).square().sum().backward()
    return [y, indices, x.grad]
  },
  'a result of one network in two others': () => {
    const [first, left, right] = [stacks.convolutions, stacks.activations, stacks.norms].map((make) => model(make()))
    const y = first.forward(images())
    left.forward(y).sum().add(right.forward(y).square().sum()).backward()
    return [y, ...gradients(first), ...gradients(right)]
  },
}
test.each(Object.entries(seeing))('%s', (_, program) => void same(program))

test('a gradient that is what a node has saved', () => {
  const saving: OpDef<null> = {
    name: 'saving',
    infer: ([{ sizes, dtype }]) => [{ sizes, dtype }],
    saves: () => ({ inputs: [0] }),
    vjp: (ctx) => [ctx.input(0)],
    to: { kind: 'compose', compose: ([x]) => [(x as Tensor).mul(1)] },
  }
  same(() => {
    const x = images().requiresGrad_()
    const y = x.sin()
    const loss = y
      .square()
      .sum()
      .add(apply(saving, [y], null).sum())
    unseen(y)
    loss.backward()
    return [x.grad]
  })
})

test('alive is what nodes need, and after the backward pass what the program holds', () => {
  const alive = (elements: number) =>
    running(elements, ({ live }) => {
      const made = model(Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? new nn.Tanh() : new nn.AvgPool2d(1))))
      const x = images().requiresGrad_()
      const seed = images()
      const before = live.size
      const sizes: number[] = []
      const count = () => void sizes.push(live.size - before)
      const z = noGrad(() => made.forward(x))
      count()
      const y = made.forward(x)
      count()
      y.backward(seed)
      count()
      return [z, y, x.grad, sizes] as const
    })[0][3]
  // A result; another one and what ten layers saved of it; and the gradient.
  const expected = [1, 2 + 10, 3]
  expect(alive(images().numel())).toEqual(expected)
  // Of tensors with few elements nobody takes note.
  expect(alive(images().numel() + 1).every((size, i) => size > expected[i] + 8)).toBe(true)
})
