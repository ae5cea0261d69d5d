// Hooks for saved tensors, checkpoints and dual numbers, compared with real PyTorch.
import { js } from '@flambeau/backend-js'
import {
  autograd,
  compile,
  type FunctionCtx,
  F,
  grad,
  manualSeed,
  nn,
  ones,
  rand,
  scope,
  type Tensor,
  tensor,
  useDevice,
  utils,
} from '@flambeau/core'
import { describe, expect, it } from 'vitest'
import { freeing } from '../src/tensor/effects.ts'
import { agrees } from './agreement.ts'

useDevice(js())
// Small gradients are freed as large ones are.
freeing.from = 0

const { saveOnCpu, savedTensorsHooks } = autograd.graph
const { checkpoint, checkpointSequential } = utils.checkpoint
const { dualLevel, makeDual, unpackDual } = autograd.forwardAd
const leaf = (...values: readonly number[]): Tensor => tensor(values, { requiresGrad: true })
const same = (x: Tensor): Tensor => x
const curve = (x: Tensor): Tensor => x.exp().mul(x).sum()

/** The result under hooks, its gradient, and the gradient of that. */
function hooked<P>(pack: (x: Tensor) => P, unpack: (packed: P) => Tensor, fn = curve): unknown {
  const x = leaf(1, 2)
  const y = savedTensorsHooks(pack, unpack, () => fn(x))
  const [dx] = grad(y, x, { createGraph: true })
  return [y, dx, grad(dx.sum(), x)[0]]
}

class Square extends autograd.Function {
  static override forward(ctx: FunctionCtx, x: Tensor): Tensor {
    ctx.saveForBackward(x)
    return x.mul(x)
  }
  static override backward(ctx: FunctionCtx, dy: Tensor): Tensor {
    const [x] = ctx.savedTensors
    return dy.mul(x).mul(2)
  }
}

agrees('saved', {
  'hooks that keep': () => hooked(same, same),
  'hooks that make lists': () =>
    hooked(
      (x) => x.tolist(),
      (list) => tensor(list as number[]),
    ),
  'hooks that double': () => hooked((x) => x.mul(2), same),
  'unpacking doubles': () => hooked(same, (x) => x.mul(2)),
  'a hook that writes': () => hooked((x) => x.mul_(2), same),
  'a hook that returns a number': () => hooked(same, () => 5 as unknown as Tensor),
  'what was written to since is not checked': () =>
    hooked(
      (x) => x.clone(),
      same,
      (x) => x.mul(2).mul_(x).mul_(x).sum(),
    ),
  'inner hooks': () => {
    const seen: string[] = []
    const noting = (name: string) => (x: Tensor) => {
      seen.push(name)
      return x
    }
    savedTensorsHooks(noting('outer'), same, () =>
      savedTensorsHooks(noting('inner'), same, () => leaf(1, 2).exp()).sin(),
    )
    return seen
  },
  'hooks of a function with its own gradient': () =>
    hooked(
      (x) => x.mul(3),
      same,
      (x) => Square.apply(x).sum(),
    ),
  saveOnCpu: () => {
    const x = leaf(1, 2)
    saveOnCpu(() => curve(x)).backward()
    return x.grad
  },
})

const network = (): nn.Sequential =>
  new nn.Sequential(new nn.Linear(2, 3), new nn.Tanh(), new nn.Linear(3, 3), new nn.Tanh(), new nn.Linear(3, 1))

agrees('checkpoint', {
  checkpoint: () => {
    const [x, w] = [leaf(1, 2), leaf(3, 4)]
    const y = checkpoint((x: Tensor) => x.exp().mul(w).sin(), x.mul(1), { useReentrant: false })
    y.sum().backward()
    return [y, x.grad, w.grad]
  },
  'checkpoint of several results': () => {
    const [x, w] = [leaf(1, 2), leaf(3, 4)]
    const [y, z] = checkpoint((x: Tensor, w: Tensor) => [x.mul(w), x.add(w).exp()], x, w)
    y.sum().mul(z.sum()).backward()
    return [x.grad, w.grad]
  },
  'checkpoint that draws': () => {
    manualSeed(0)
    const x = ones(20, { requiresGrad: true })
    const y = checkpoint((x: Tensor) => F.dropout(x.exp(), 0.5).mul(x), x)
    y.sum().backward()
    return [y, x.grad, rand(3)]
  },
  checkpointSequential: () => {
    manualSeed(0)
    const model = network()
    const x = tensor([1, 2, 3, 4, 5, 6, 7, 8]).view(4, 2).detach().requiresGrad_()
    checkpoint(new nn.Identity(), checkpointSequential(model, 2, x))
      .sum()
      .backward()
    return [x.grad, ...model.parameters().map((p) => p.grad)]
  },
})

describe('checkpoint', () => {
  it('keeps nothing until the backward pass, which runs the function once more', () => {
    let runs = 0
    const x = leaf(1, 2)
    const y = checkpoint((x: Tensor) => {
      runs++
      return x.exp().sin().cos()
    }, x)
    expect(runs).toBe(1)
    y.sum().backward({ retainGraph: true })
    expect(runs).toBe(2)
    const once = x.grad?.tolist()
    x.grad = null
    y.sum().backward()
    expect([runs, x.grad === null ? null : (x.grad as Tensor).tolist()]).toEqual([3, once])
  })

  it('works inside a scope, under noGrad, and with options that belong to the function', () => {
    const w = leaf(2, 3)
    scope(() => checkpoint((x: Tensor) => x.mul(w).exp().sum(), tensor([0.1, 0.2])).backward())
    expect(w.grad?.tolist()).toEqual(grad(tensor([0.1, 0.2]).mul(w).exp().sum(), w)[0].tolist())
    const scaled = (x: Tensor, { by }: { by: number }): Tensor => x.mul(by)
    expect(checkpoint(scaled, w, { by: 3 }).tolist()).toEqual([6, 9])
    expect(checkpoint(scaled, w, { by: 3 }, { preserveRngState: false }).tolist()).toEqual([6, 9])
  })

  it('says when the second run differs', () => {
    let times = 0
    const x = leaf(1, 2)
    const y = checkpoint((x: Tensor) => (times++ === 0 ? x.exp() : x.exp().sin()), x)
    expect(() => y.sum().backward()).toThrow('saved 1 tensors for its gradient, and 2 when it ran again')
  })

  it('compiles, but not with random numbers', () => {
    const w = leaf(1, 2)
    const eager = (x: Tensor): Tensor => {
      w.grad = null
      checkpoint((x: Tensor) => x.mul(w).exp().sum(), x).backward()
      return (w.grad as unknown as Tensor).clone()
    }
    const step = compile(eager)
    for (const x of [tensor([0.1, 0.2]), tensor([0.3, 0.1]), tensor([1, 2])])
      expect(step(x).tolist()).toEqual(eager(x).tolist())
    const drawing = compile((x: Tensor) => checkpoint((x: Tensor) => F.dropout(x.mul(w)), x).sum())
    expect(() => drawing(tensor([1, 2]))).toThrow(
      'checkpoint of a function that draws random numbers cannot be called inside a compiled step',
    )
  })

  it('reports invalid segments', () => {
    for (const segments of [0, -1, 6])
      expect(() => checkpointSequential(network(), segments, ones(1, 2))).toThrow('segments must be from 1 to')
    expect(() => checkpointSequential(5 as never, 1, ones(1, 2))).toThrow(
      "argument 'functions' must be torch.nn.Sequential",
    )
    expect(() => checkpoint(5 as never, ones(2))).toThrow("checkpoint(): argument 'function' must be function, not int")
  })
})

const seq = (n: number, start = 1): Tensor => tensor(Array.from({ length: n }, (_, i) => start + i))
const parts = (x: Tensor): unknown => {
  const { primal, tangent } = unpackDual(x)
  return [primal, tangent]
}
const dual = (fn: (x: Tensor) => unknown, v: readonly number[] = [1, 10]): unknown =>
  dualLevel(() => fn(makeDual(tensor([1, 2]), tensor(v))))

agrees('forwardAd', {
  'a dual tensor': () => dual(parts),
  'a product': () => dual((x) => parts(x.mul(x).mul(seq(2)))),
  'a sum of functions': () => dual((x) => parts(x.exp().sum().add(x.sin().prod()))),
  'a linear function': () => dual((x) => parts(x.mul(3).add(1))),
  'a constant': () => dual(() => parts(ones(2).mul(2))),
  'what is detached': () => dual((x) => parts(x.detach().mul(2))),
  'indices and views': () => dual((x) => parts(x.slice(0, 1).expand(3).clone())),
  'two dual tensors': () =>
    dualLevel(() => {
      const [x, y] = [makeDual(seq(2), seq(2)), makeDual(seq(2, 3), seq(2, 5))]
      return [parts(x.mul(y)), parts(x.pow(2)), parts(y.div(x))]
    }),
  'the gradient of a tangent': () => {
    const [x, v] = [leaf(1, 2), leaf(1, 10)]
    const { primal, tangent } = dualLevel(() => unpackDual(makeDual(x, v).pow(3)))
    tangent?.sum().add(primal.sum()).backward()
    return [x.grad, v.grad]
  },
  'after the level': () => parts(dualLevel(() => makeDual(seq(2), seq(2))).detach()),
  'without a level': () => makeDual(seq(2), seq(2)),
  'another size': () => dual(parts, [1, 2, 3]),
  integers: () => dual((x) => makeDual(ones(2, { dtype: 'int32' }), x)),
  'a tangent of integers': () => dual(() => makeDual(seq(2), ones(2, { dtype: 'int32' }))),
  'a dual of a dual': () => dual((x) => makeDual(x, seq(2))),
  'a level in a level': () => dual(() => dual(parts)),
})
