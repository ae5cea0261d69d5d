// Backward passes: accumulation, freeing, sharing, hooks, modes, errors. Real PyTorch runs each case, too, and the
// results are compared.
import { js } from '@flambeau/backend-js'
import {
  arange,
  autograd,
  backward,
  compile,
  enableGrad,
  F,
  grad,
  inferenceMode,
  noGrad,
  ones,
  profile,
  randn,
  type Tensor,
  tensor,
  useDevice,
  zeros,
} from '@flambeau/core'
import { describe, expect, it } from 'vitest'
import { freeing } from '../src/tensor/effects.ts'
import { agrees, type Golden, type GoldenError } from './agreement.ts'

useDevice(js())
// Small gradients are freed as large ones are.
freeing.from = 0

const wanted = { requiresGrad: true }
const leaf = (...values: number[]) => tensor(values, wanted)
const scalar = (value: number) => tensor(value, wanted)
const float64 = { dtype: 'float64' } as const
const seq = (shape: number[], { start = 1, step = 1, requiresGrad = false } = {}) => {
  const n = shape.reduce((a, b) => a * b, 1)
  return arange(n, { dtype: 'float32' }).mul(step).add(start).reshape(shape).detach().requiresGrad_(requiresGrad)
}

agrees('backward', {
  'two backwards add up': () => {
    const x = leaf(1, 2)
    x.mul(x).sum().backward()
    const first = x.grad?.clone()
    x.mul(x).sum().backward()
    return [first, x.grad]
  },
  'two backwards add up in every leaf': () => {
    const [x, y, z] = [leaf(1, 2), leaf(3, 4), leaf(5, 6)]
    for (let i = 0; i < 2; i++) x.mul(y).mul(z).sum().backward()
    return [x.grad, y.grad, z.grad]
  },
  'a leaf used many times': () => {
    const x = leaf(1, 2, 3)
    x.mul(x).mul(x).add(x).add(x).sum().backward()
    return x.grad
  },
  'a leaf itself': () => {
    const x = scalar(2)
    x.backward()
    return x.grad
  },
  'with a gradient': () => {
    const x = leaf(1, 2)
    x.mul(x).backward(tensor([1, 10]))
    return x.grad
  },
  'with a gradient of another dtype': () => {
    const x = leaf(1, 2)
    x.mul(x).backward(tensor([1, 10], float64))
    x.mul(x).backward(tensor([1, 10], { dtype: 'int32' }))
    return x.grad
  },
  'of several elements that need no gradient': () => ones(2).backward(),
  'with a gradient of another shape': () => leaf(1, 2).square().backward(ones(3)),
  'of several elements': () => leaf(1, 2).mul(2).backward(),
  'of several outputs': () => {
    const x = leaf(1, 2)
    backward([x.mul(x).sum(), x.mul(3)], [null, tensor([1, 2])])
    return x.grad
  },
  'of two outputs with one gradient': () => {
    const x = leaf(1, 2)
    backward([x.mul(2), x.mul(3)], [ones(2)])
  },
  'the same output twice': () => {
    const x = leaf(1, 2)
    const y = x.mul(x).sum()
    backward([y, y])
    return x.grad
  },
  'an output and what it was made from': () => {
    const x = leaf(1, 2)
    const y = x.mul(x)
    backward([y.mul(y).sum(), y.sum()])
    return x.grad
  },
  'without a graph': () => ones(2).sum().backward(),
  'of the second output, without a graph': () => backward([leaf(1, 2).sum(), ones(2).sum()]),
  twice: () => {
    const x = leaf(1, 2)
    const y = x.mul(x).sum()
    y.backward()
    y.backward()
  },
  'twice, where nothing was saved': () => {
    const x = leaf(1, 2)
    const y = x.add(1).sum()
    y.backward()
    y.backward()
    return x.grad
  },
  'twice through a part that was shared': () => {
    const y = leaf(1, 2).exp()
    y.sum().backward()
    y.mul(2).sum().backward()
  },
  'twice with retain_graph': () => {
    const x = leaf(1, 2)
    const y = x.mul(x).sum()
    y.backward({ retainGraph: true })
    y.backward()
    return x.grad
  },
  'three times, the second lets go': () => {
    const x = leaf(1, 2)
    const y = x.mul(x).sum()
    y.backward(null, { retainGraph: true })
    y.backward()
    y.backward()
  },
  'with create_graph': () => {
    const x = leaf(1, 2)
    x.mul(x).mul(x).sum().backward({ createGraph: true })
    const g = x.grad as Tensor
    x.grad = null
    g.sum().backward()
    return [g.detach(), x.grad, g.gradFn]
  },
  'create_graph adds to a gradient': () => {
    const x = leaf(1, 2)
    x.mul(x).mul(x).sum().backward({ createGraph: true })
    x.mul(x).mul(x).sum().backward({ createGraph: true })
    const g = x.grad as Tensor
    x.grad = null
    g.sum().backward()
    return [g.detach(), x.grad]
  },
  'inside no_grad': () => {
    const x = leaf(1, 2)
    const y = x.mul(x).sum()
    noGrad(() => y.backward())
    return [x.grad, x.grad?.requiresGrad]
  },
  'create_graph inside no_grad': () => {
    const x = leaf(1, 2)
    const y = x.mul(x).mul(x).sum()
    const [g] = noGrad(() => grad(y, x, { createGraph: true }))
    return [g, g.requiresGrad]
  },
  'only into some inputs': () => {
    const [x, w] = [leaf(1, 2), leaf(3, 4)]
    x.mul(w)
      .sum()
      .backward({ inputs: [w] })
    return [x.grad, w.grad]
  },
  'only into a result': () => {
    const x = leaf(1, 2)
    const y = x.mul(2)
    y.mul(y)
      .sum()
      .backward({ inputs: [y] })
    return [y.grad, x.grad]
  },
  'only into an input that was not used': () => {
    const [x, w] = [leaf(1, 2), leaf(3, 4)]
    x.mul(2).sum().backward({ inputs: w })
    return [x.grad, w.grad]
  },
  'only into nothing': () => leaf(1, 2).sum().backward({ inputs: [] }),
  'only into what needs no gradient': () =>
    leaf(1, 2)
      .sum()
      .backward({ inputs: [ones(2)] }),
  'gradients of a sum are not shared': () => {
    const [x, y] = [leaf(1, 2), leaf(3, 4)]
    x.add(y).sum().backward()
    x.grad?.zero_()
    return [x.grad, y.grad]
  },
  'gradients under create_graph are not shared': () => {
    const [x, y] = [leaf(1, 2), leaf(3, 4)]
    x.add(y).backward(tensor([1, 2]), { createGraph: true })
    x.grad?.zero_()
    return [x.grad, y.grad]
  },
  'the given gradient is not taken over': () => {
    const x = leaf(1, 2)
    const g = tensor([1, 2])
    x.add(1).backward(g)
    x.grad?.zero_()
    return [x.grad, g]
  },
  'adding to a gradient keeps its memory': () => {
    const x = leaf(1, 2)
    x.mul(3).sum().backward()
    const g = x.grad
    x.mul(4).sum().backward()
    return [g, g === x.grad]
  },
  'gradients through a transpose and a sum': () => {
    const x = seq([2, 3], wanted)
    const y = seq([3, 2], wanted)
    x.add(y.t()).backward(seq([2, 3]))
    x.grad?.zero_()
    return [x.grad, y.grad]
  },
  'of a zero-dimensional with a vector': () => {
    const [a, x] = [scalar(2), leaf(1, 2, 3)]
    a.mul(x)
      .add(a)
      .backward(tensor([1, 10, 100]))
    return [a.grad, x.grad]
  },
  'of broadcast operands': () => {
    const [x, y, z] = [seq([3, 1], wanted), seq([2, 1, 4], wanted), leaf(5)]
    x.mul(y)
      .add(z)
      .backward(seq([2, 3, 4]))
    return [x.grad, y.grad, z.grad]
  },
  'of float32 with float64': () => {
    const x = leaf(1, 2)
    const y = tensor([3, 4], { ...float64, ...wanted })
    const z = x.mul(y)
    z.sum().backward()
    return [z.detach(), x.grad, y.grad]
  },
  'of float32 with a zero-dimensional float64': () => {
    const x = leaf(1, 2)
    const y = tensor(3, { ...float64, ...wanted })
    const z = x.mul(y)
    z.sum().backward()
    return [z.detach(), x.grad, y.grad]
  },
  'with an integer operand': () => {
    const x = leaf(1, 2)
    x.mul(tensor([2, 3], { dtype: 'int32' }))
      .add(tensor([true, false]))
      .sum()
      .backward()
    return x.grad
  },
  'through a cast to int and back': () => {
    const x = leaf(1.5, 2.5)
    const y = x.int().float()
    return [y.requiresGrad, x.mul(y).gradFn]
  },
  'through a cast to double': () => {
    const x = leaf(1, 2)
    const y = x.double().mul(2)
    y.sum().backward()
    return [y.gradFn, x.grad]
  },
  'of an empty tensor': () => {
    const x = zeros(0, 3, wanted)
    x.mul(2).sum().backward()
    return x.grad
  },
})

agrees('grad', {
  'of several inputs': () => {
    const [x, w] = [leaf(1, 2), leaf(3, 4)]
    return [grad(x.mul(w).sum(), [x, w]), x.grad]
  },
  'of a result and a leaf': () => {
    const x = leaf(1, 2)
    const y = x.mul(2)
    return grad(y.mul(y).sum(), [y, x])
  },
  'of the output itself': () => {
    const x = leaf(1, 2)
    const y = x.mul(x).sum()
    return grad(y, [y, x])
  },
  'of a leaf by itself': () => {
    const x = scalar(2)
    return grad(x, x)
  },
  'the same input twice': () => {
    const x = leaf(1, 2)
    return grad(x.mul(x).sum(), [x, x])
  },
  'of several outputs': () => {
    const x = leaf(1, 2)
    return grad([x.mul(x), x.mul(3)], x, { gradOutputs: [tensor([1, 0]), tensor([0, 1])] })
  },
  unused: () => grad(leaf(1, 2).mul(2).sum(), leaf(1, 2)),
  'unused and allowed': () => {
    const [x, w] = [leaf(1, 2), leaf(3, 4)]
    return grad(x.mul(2).sum(), [w, x], { allowUnused: true })
  },
  'of what needs no gradient': () => grad(leaf(1, 2).mul(2).sum(), ones(2)),
  'with a gradient of another shape': () => {
    const x = leaf(1, 2)
    return grad(x.mul(2), x, { gradOutputs: ones(3) })
  },
  'of several elements': () => {
    const x = leaf(1, 2)
    return grad(x.mul(2), x)
  },
  twice: () => {
    const x = leaf(1, 2)
    const y = x.mul(x).sum()
    grad(y, x)
    grad(y, x)
  },
  'lets go only what it passed': () => {
    const [x, w] = [leaf(1, 2), leaf(3, 4)]
    const s = x.exp().add(w.exp()).sum()
    grad(s, x)
    return grad(s, w)
  },
  'three times differentiated': () => {
    const x = scalar(3)
    const nodes: unknown[] = []
    let y: Tensor = x.pow(4)
    for (let i = 0; i < 3; i++) {
      y = grad(y, x, { createGraph: true })[0]
      nodes.push(y.gradFn)
    }
    return [y.detach(), grad(y, x), nodes]
  },
  'a penalty on a gradient': () => {
    const [x, w] = [seq([2, 3], wanted), seq([3, 2], { step: 0.5, ...wanted })]
    const [g] = grad(x.matmul(w).mul(0.1).tanh().sum(), x, { createGraph: true })
    g.mul(g).sum().backward()
    return [x.grad, w.grad]
  },
  'mixed second derivatives': () => {
    const [x, y] = [scalar(1.5), scalar(0.5)]
    const f = x.mul(y).sin().mul(x)
    const [gx, gy] = grad(f, [x, y], { createGraph: true })
    return [grad(gx, [x, y], { retainGraph: true }), grad(gy, [x, y])]
  },
})

agrees(
  'hooks',
  {
    'a hook on a leaf replaces': () => {
      const x = leaf(1, 2)
      x.registerHook((g) => g.mul(10))
      x.mul(2).sum().backward()
      return x.grad
    },
    'a hook on a result replaces': () => {
      const x = leaf(1, 2)
      const y = x.mul(2)
      y.registerHook((g) => g.mul(10))
      y.mul(3).sum().backward()
      return x.grad
    },
    'hooks in their order': () => {
      const x = leaf(1, 2)
      const y = x.mul(2)
      const seen: Tensor[] = []
      y.registerHook((g) => {
        seen.push(g)
        return g.add(1)
      })
      y.registerHook((g) => void seen.push(g))
      y.registerHook((g) => g.mul(2))
      y.mul(3).sum().backward()
      return [x.grad, seen]
    },
    'a hook that was removed': () => {
      const x = leaf(1, 2)
      x.registerHook((g) => g.mul(10)).remove()
      x.mul(2).sum().backward()
      return x.grad
    },
    'one of three hooks that was removed': () => {
      const x = leaf(1, 2)
      const [, h] = [(g: Tensor) => g.mul(10), (g: Tensor) => g.mul(0), (g: Tensor) => g.add(5)].map((f) =>
        x.registerHook(f),
      )
      h.remove()
      x.mul(2).sum().backward()
      return x.grad
    },
    'a hook sees the sum of all that arrives': () => {
      const y = leaf(1, 2).mul(2)
      const seen: Tensor[] = []
      y.registerHook((g) => void seen.push(g))
      y.mul(3).add(y.mul(4)).sum().backward()
      return [seen[0]]
    },
    'what a hook saw stays as it was': () => {
      const x = leaf(1, 2)
      const seen: Tensor[] = []
      x.registerHook((g) => void seen.push(g))
      x.mul(2).sum().backward()
      x.mul(3).sum().backward()
      return [seen, x.grad]
    },
    'a hook of a leaf and grad()': () => {
      const x = leaf(1, 2)
      x.registerHook((g) => g.mul(10))
      return grad(x.mul(2).sum(), x)
    },
    'a hook of a result and grad()': () => {
      const x = leaf(1, 2)
      const y = x.mul(2)
      y.registerHook((g) => g.mul(10))
      return grad(y.mul(3).sum(), [y, x])
    },
    'on what needs no gradient': () => ones(2).registerHook((g) => g),
    'that changes the size': () => {
      const x = leaf(1, 2)
      x.registerHook((g) => g.select(0, 0))
      x.sum().backward()
    },
    'that changes the dtype': () => {
      const x = leaf(1, 2)
      x.registerHook((g) => g.double())
      x.sum().backward()
    },
    retain_grad: () => {
      const x = leaf(1, 2)
      const y = x.mul(2)
      y.retainGrad()
      const z = y.mul(3)
      z.sum().backward()
      return [y.grad, x.grad, y.retainsGrad, z.retainsGrad, x.retainsGrad]
    },
    'retain_grad adds up': () => {
      const y = leaf(1, 2).mul(2)
      y.retainGrad()
      y.mul(3).sum().backward({ retainGraph: true })
      y.mul(4).sum().backward()
      return y.grad
    },
    'retain_grad of a leaf': () => {
      const x = leaf(1, 2)
      x.retainGrad()
      x.mul(2).sum().backward()
      return x.grad
    },
    'retain_grad of what needs no gradient': () => ones(2).retainGrad(),
    'retain_grad, then a hook': () => {
      const x = leaf(1, 2)
      const y = x.mul(2)
      y.retainGrad()
      y.registerHook((g) => g.mul(10))
      y.mul(3).sum().backward()
      return [y.grad, x.grad]
    },
    'a hook, then retain_grad': () => {
      const x = leaf(1, 2)
      const y = x.mul(2)
      y.registerHook((g) => g.mul(10))
      y.retainGrad()
      y.mul(3).sum().backward()
      return [y.grad, x.grad]
    },
    'retain_grad moves with a write': () => {
      const x = leaf(1, 2)
      const y = x.mul(2)
      y.retainGrad()
      y.mul_(5)
      y.mul(3).sum().backward()
      return [y.grad, x.grad]
    },
    'retain_grad moves with a write through a view': () => {
      const x = leaf(1, 2)
      const y = x.mul(2)
      y.retainGrad()
      y.narrow(0, 0, 1).mul_(5)
      y.mul(3).sum().backward()
      return [y.grad, x.grad]
    },
    'retain_grad of a view moves with a write to the base': () => {
      const x = leaf(1, 2)
      const y = x.mul(2)
      const v = y.narrow(0, 0, 1)
      v.retainGrad()
      y.mul_(5)
      v.mul(3).sum().backward()
      return [v.grad, x.grad]
    },
    'a hook stays where it was after a write': () => {
      const x = leaf(1, 2)
      const y = x.mul(2)
      y.registerHook((g) => g.add(100))
      y.mul_(5)
      y.mul(3).sum().backward()
      return x.grad
    },
    'backward inside a hook': () => {
      const [x, w] = [leaf(1, 2), leaf(3, 4)]
      const y = x.mul(2)
      y.registerHook(() => autograd.enableGrad(() => w.mul(w).sum().backward()))
      y.mul(3).sum().backward()
      return [x.grad, w.grad]
    },
    'backward through the same graph inside a hook': () => {
      const x = leaf(1, 2)
      const y = x.mul(x)
      const z = y.mul(y)
      let done = false
      y.registerHook(() => {
        if (done) return
        done = true
        autograd.enableGrad(() => y.mul(3).sum().backward({ retainGraph: true }))
      })
      z.sum().backward({ retainGraph: true })
      return x.grad
    },
  },
  {
    'retain_grad moves with a write through a view': {
      because: 'here it moves as with any other write',
      edit: (x) => [{ dtype: 'float32', shape: [2], data: [3, 3] }, (x as Golden[])[1]],
    },
  },
)

const inferred = () => inferenceMode(() => ones(2))
const untracked = (): [Tensor, Tensor] => {
  const b = leaf(1, 2, 3).mul(2)
  return [b, noGrad(() => b.narrow(0, 0, 2))]
}

agrees(
  'modes',
  {
    'leaves and results': () => {
      const [x, c] = [leaf(1, 2), ones(2)]
      const y = x.mul(2)
      return [x, c, y, c.mul(2), y.detach()].map((t) => [t.isLeaf, t.requiresGrad])
    },
    'requires_grad of integers': () => tensor([1, 2], { dtype: 'int32' }).requiresGrad_(),
    'requires_grad of integers, set': () => {
      tensor([1, 2], { dtype: 'int32' }).requiresGrad = true
    },
    'requires_grad of integers, made': () => ones(2, { dtype: 'int32', requiresGrad: true }),
    'requires_grad of a result': () => {
      leaf(1, 2).mul(2).requiresGrad = false
    },
    'requires_grad of a result, true': () => {
      const y = leaf(1, 2).mul(2)
      y.requiresGrad_()
      return [y.requiresGrad, y.isLeaf]
    },
    'requires_grad later': () => {
      const x = ones(2)
      const y = x.mul(2)
      x.requiresGrad_()
      x.mul(3).sum().backward()
      return [y.requiresGrad, x.grad]
    },
    no_grad: () => {
      const x = leaf(1, 2)
      return noGrad(() => {
        const w = autograd.enableGrad(() => x.mul(2))
        return [x.mul(2).requiresGrad, ones(1, wanted).requiresGrad, w.requiresGrad, w.gradFn]
      })
    },
    inference_mode: () => {
      const [x, c] = [leaf(1, 2), ones(2)]
      const [y, v, d, z, made, inPlace] = inferenceMode(() => [
        x.mul(2),
        c.narrow(0, 0, 1),
        c.detach(),
        autograd.enableGrad(() => x.mul(2)),
        ones(2, wanted),
        ones(2).add_(1),
      ])
      return [
        y.requiresGrad,
        y.isInference(),
        v.isInference(),
        d.isInference(),
        z.requiresGrad,
        made.requiresGrad,
        y.narrow(0, 0, 1).isInference(),
        y.add(1).isInference(),
        y.clone().isInference(),
        inPlace.isInference(),
        c.isInference(),
      ]
    },
    'a write to an inference tensor': () => inferred().add_(1),
    'a write to an inference tensor in no_grad': () => noGrad(() => inferred().add_(1)),
    'an inference tensor that is saved': () => leaf(1, 2).mul(inferred()),
    'an inference tensor that is not saved': () => {
      const x = leaf(1, 2)
      const y = x.add(inferred())
      y.sum().backward()
      return [y.gradFn, x.grad]
    },
    'an inference tensor that shall require a gradient': () => inferred().requiresGrad_(),
    'a write to a leaf': () => leaf(1, 2).add_(1),
    'a write to a view of a leaf': () => leaf(1, 2).narrow(0, 0, 1).add_(1),
    'a write to a leaf in no_grad': () => {
      const x = leaf(1, 2)
      noGrad(() => {
        x.add_(1)
        x.narrow(0, 0, 1).mul_(5)
      })
      x.mul(x).sum().backward()
      return [x.detach(), x.grad, x.version]
    },
    'a write to a leaf that was saved': () => {
      const [x, w] = [leaf(1, 2), leaf(3, 4)]
      const y = x.mul(w).sum()
      noGrad(() => w.add_(1))
      y.backward()
    },
    'a write to a saved result': () => {
      const y = leaf(1, 2).exp()
      y.add_(1)
      y.sum().backward()
    },
    'a write to a saved operand': () => {
      const y = leaf(1, 2).mul(2)
      const z = y.mul(leaf(3, 4))
      y.add_(1)
      z.sum().backward()
    },
    'a write to a saved constant': () => {
      const c = ones(2)
      const z = leaf(1, 2).mul(c)
      c.add_(1)
      z.sum().backward()
    },
    'a write through a view of a saved operand': () => {
      const y = leaf(1, 2).mul(2)
      const z = y.mul(leaf(3, 4))
      y.narrow(0, 0, 1).add_(1)
      z.sum().backward()
    },
    'a write to the base of a saved view': () => {
      const y = leaf(1, 2, 3).mul(2)
      const z = y.narrow(0, 0, 2).mul(leaf(3, 4))
      y.add_(1)
      z.sum().backward()
    },
    'a write to a saved constant, anomaly': () =>
      autograd.detectAnomaly(() => {
        const c = ones(2)
        const z = leaf(1, 2).mul(c)
        c.add_(1)
        z.sum().backward()
      }),
    'NaN, anomaly': () => autograd.detectAnomaly(() => leaf(-1, 4).sqrt().sum().backward()),
    'NaN in the second input, anomaly': () =>
      autograd.detectAnomaly(() => {
        const [x, w] = [leaf(1, 2), leaf(0, 0)]
        x.log().mul(Number.NaN).mul(0).add(x.div(w).mul(0).mul(w)).sum().backward()
      }),
    'an input without a gradient, anomaly': () =>
      autograd.detectAnomaly(() => {
        const x = leaf(1, 2)
        tensor([3, 4]).mul(x).mul(ones(2)).sum().backward()
        return x.grad
      }),
    'a write to what was read but not saved': () => {
      const x = leaf(1, 2)
      const y = x.mul(2)
      const z = y.add(1)
      y.mul_(100)
      z.sum().backward()
      return x.grad
    },
    'a write to repeated memory': () => ones(3, 1).expand(3, 4).add_(1),
    versions: () => {
      const x = ones(3)
      const v = x.narrow(0, 0, 2)
      const d = x.detach()
      const before = [x.version]
      x.add_(1)
      v.mul_(2)
      d.zero_()
      return [before, x.version, v.version, d.version]
    },
    'a view made in no_grad, written to': () => untracked()[1].add_(1),
    'a view made in no_grad, its base written to': () => {
      const [b, v] = untracked()
      b.add_(1)
      v.mul(2)
    },
    'a view made in no_grad, written to in no_grad': () => {
      const [b, v] = untracked()
      noGrad(() => v.add_(1))
      return [b.detach(), b.requiresGrad]
    },
    'a view made in no_grad, asked in no_grad after a write': () => {
      const [b, v] = untracked()
      return noGrad(() => {
        b.add_(1)
        return [v.requiresGrad, v.mul(2)]
      })
    },
    'a view made in no_grad of what needs no gradient': () => {
      const b = ones(3)
      const v = noGrad(() => b.narrow(0, 0, 2))
      v.add_(1)
      return [b, v.requiresGrad]
    },
    'a view made in no_grad gets what needs a gradient': () => {
      const b = ones(3)
      const v = noGrad(() => b.narrow(0, 0, 2))
      v.mul_(leaf(1, 2))
    },
  },
  {
    'a write through a view of a saved operand': {
      because: 'the name of CopySlices has no namespace',
      edit: (x) => renamed(x, 'torch::autograd::CopySlices', 'CopySlices'),
    },
    'a write to the base of a saved view': {
      because: 'a view that is derived anew keeps its own name',
      edit: (x) => renamed(x, 'AsStridedBackward0', 'SliceBackward0'),
    },
  },
)

function renamed(x: Golden, from: string, to: string): Golden {
  const { error, message } = x as GoldenError
  return { error, message: message.replace(from, to) }
}

describe('anomaly mode', () => {
  const failing = (fn: () => void): string => {
    try {
      fn()
    } catch (error) {
      return (error as Error).message
    }
    return ''
  }
  /** The line number of its caller. */
  const line = (): number => Number(/:(\d+):\d+\)?$/m.exec((new Error().stack ?? '').split('\n')[2])?.[1])

  it('names the forward line of NaN', () => {
    let at = 0
    const text = failing(() =>
      autograd.detectAnomaly(() => {
        const x = leaf(-1, 4)
        at = line() + 1
        const y = x.sqrt()
        y.sum().backward()
      }),
    )
    expect(text).toMatch(/^Function 'SqrtBackward0' returned nan values in its 0th output\.\n/)
    expect(text).toContain(`autograd.test.ts:${at}:`)
  })

  it('names the forward line of an overwritten value, for methods and for views', () => {
    let at = 0
    const text = failing(() =>
      autograd.detectAnomaly(() => {
        const y = leaf(1, 2, 3).mul(2)
        at = line() + 1
        const z = y.narrow(0, 0, 2).mul(leaf(3, 4))
        y.add_(1)
        z.sum().backward()
      }),
    )
    expect(text).toContain('The forward call of MulBackward0 was made at')
    expect(text).toContain(`autograd.test.ts:${at}:`)
  })

  it('names the lines of what throws, without a look at NaN, if told so', () => {
    const root = (): void => leaf(-1).sqrt().backward()
    const written = (): void => {
      const y = leaf(1, 2).mul(2)
      const z = y.mul(y)
      y.add_(1)
      z.sum().backward()
    }
    for (const checkNan of [false, { checkNan: false }]) {
      expect(failing(() => autograd.detectAnomaly(root, checkNan))).toBe('')
      expect(failing(() => autograd.detectAnomaly(written, checkNan))).toContain('The forward call of MulBackward0')
    }
    expect(failing(() => autograd.detectAnomaly(() => autograd.detectAnomaly(root, false), true))).toBe('')
    autograd.setDetectAnomaly(true, false)
    expect([failing(root), autograd.isAnomalyEnabled()]).toEqual(['', true])
    autograd.setDetectAnomaly({ mode: true })
    expect(failing(root)).toContain('nan values')
    autograd.setDetectAnomaly(false)
  })

  it('says so if the forward pass was outside', () => {
    const y = leaf(-1).sqrt()
    expect(failing(() => autograd.detectAnomaly(() => y.backward()))).toContain('outside detectAnomaly')
  })

  it('names the line of a custom function whose backward throws, and rethrows the error', () => {
    class Throwing extends autograd.Function {
      static override forward(_: autograd.FunctionCtx, x: Tensor) {
        return x.mul(2)
      }
      static override backward(): Tensor {
        throw new TypeError('boom')
      }
    }
    let at = 0
    let caught: unknown
    try {
      autograd.detectAnomaly(() => {
        const x = leaf(1)
        at = line() + 1
        const y = Throwing.apply(x)
        y.sum().backward()
      })
    } catch (error) {
      caught = error
    }
    expect(caught).toBeInstanceOf(TypeError)
    expect((caught as Error).message).toMatch(/^boom\nThe forward call of ThrowingBackward was made at/)
    expect((caught as Error).message).toContain(`autograd.test.ts:${at}:`)
  })

  it('names only the innermost forward call if one backward runs inside another', () => {
    class Inner extends autograd.Function {
      static override forward(_: autograd.FunctionCtx, x: Tensor) {
        return x.mul(2)
      }
      static override backward(): Tensor {
        throw new TypeError('boom')
      }
    }
    class Outer extends Inner {
      static override backward(): Tensor {
        autograd.enableGrad(() => Inner.apply(leaf(1)).sum().backward())
        return leaf(1)
      }
    }
    const text = failing(() => autograd.detectAnomaly(() => Outer.apply(leaf(1)).sum().backward()))
    expect(text.match(/The forward call of \w+/g)).toEqual(['The forward call of InnerBackward'])
  })

  it('is off outside the function, and can be switched globally', () => {
    expect(autograd.isAnomalyEnabled()).toBe(false)
    autograd.setDetectAnomaly(true)
    try {
      expect(failing(() => leaf(-1).sqrt().backward())).toContain('nan values')
    } finally {
      autograd.setDetectAnomaly(false)
    }
    expect(failing(() => leaf(-1).sqrt().backward())).toBe('')
  })
})

describe('modes', () => {
  it('refuse a function that returns a Promise', () => {
    expect(() => noGrad(async () => 1)).toThrow('noGrad cannot run an async function')
    expect(() => inferenceMode(() => Promise.resolve(1))).toThrow('inferenceMode cannot run an async function')
    expect(autograd.isGradEnabled()).toBe(true)
  })

  it('are restored after an error, also in backward', () => {
    expect(() =>
      noGrad(() => {
        throw new Error('inside')
      }),
    ).toThrow('inside')
    expect(autograd.isGradEnabled()).toBe(true)
    const x = leaf(1, 2)
    x.registerHook(() => {
      throw new Error('in a hook')
    })
    const y = x.add(x)
    expect(() => y.sum().backward()).toThrow('in a hook')
    expect(autograd.isGradEnabled()).toBe(true)
    // Nothing remains of the failed pass.
    const [g] = grad(y.sum(), x)
    expect(Array.from(g.toArray())).toEqual([2, 2])
  })

  it('setGradEnabled', () => {
    const x = leaf(1)
    expect(autograd.setGradEnabled(false, () => x.mul(2)).requiresGrad).toBe(false)
    expect(noGrad(() => autograd.setGradEnabled(true, () => x.mul(2))).requiresGrad).toBe(true)
  })

  it('setGradEnabled without a function holds until the next call or the end of the mode around it', () => {
    const x = leaf(1)
    const recorded = (): boolean => x.mul(2).requiresGrad
    expect(noGrad(() => [autograd.setGradEnabled(true), recorded()])).toEqual([undefined, true])
    try {
      autograd.setGradEnabled(false)
      expect([recorded(), enableGrad(recorded), recorded()]).toEqual([false, true, false])
    } finally {
      autograd.setGradEnabled(true)
    }
    expect(recorded()).toBe(true)
    const step = compile(() => autograd.setGradEnabled(false))
    expect(step).toThrow('setGradEnabled() without a function')
    expect(recorded()).toBe(true)
  })
})

describe('gradients of several inputs', () => {
  const kernels = (step: () => void): string[] =>
    profile(step)
      .events.filter(({ kind }) => kind === 'map')
      .map(({ name, outputs }) => `${name} ${outputs.length}`)
  const leaves = () => [0.3, -1.7].map((value) => tensor([value, 2 * value], { requiresGrad: true }))

  it('are one kernel, with the bits of separate rules', () => {
    const [a, b] = leaves()
    const y = a.div(b)
    const dy = tensor([0.1, 0.7])
    expect(kernels(() => y.backward(dy))).toEqual(['div 2'])
    const [x] = grad(a.div(b.detach()), a, { gradOutputs: dy })
    const [z] = grad(a.detach().div(b), b, { gradOutputs: dy })
    expect(a.grad?.toArray()).toEqual(x.toArray())
    expect(b.grad?.toArray()).toEqual(z.toArray())
  })

  it('are recorded separately if they require gradients, and if shapes or dtypes differ', () => {
    const [a, b] = leaves()
    expect(
      kernels(() => void grad(a.mul(b).sum(), [a, b], { createGraph: true })).filter((x) => x.endsWith(' 2')),
    ).toEqual([])
    const row = tensor([[1], [2]], { requiresGrad: true })
    const y = row.mul(a)
    expect(kernels(() => y.backward(ones(2, 2))).filter((x) => x.endsWith(' 2'))).toEqual([])
    const [alone] = grad(row.mul(a.detach()), row, { gradOutputs: ones(2, 2) })
    expect(row.grad?.toArray()).toEqual(alone.toArray())
  })
})

describe('gradients of one tensor', () => {
  const factors = (count: number) =>
    Array.from({ length: count }, (_, i) => ones(1).mul(Math.sin(i + 1) * 10 ** (i % 4)))
  const uses = (x: Tensor, by: readonly Tensor[]) => by.map((factor) => x.mul(factor)).reduce((sum, y) => sum.add(y))
  /** The number of operands of each addition in the backward pass. */
  const additions = (y: Tensor, options = {}): number[] =>
    profile(() => y.backward(ones(y.shape), options))
      .events.filter(({ name }) => name === 'add')
      .map(({ inputs }) => inputs.length)

  it('wait for each other, and the sum has the bits of separate additions, last use first', () => {
    const by = factors(10)
    const x = tensor([1], { requiresGrad: true })
    expect(additions(uses(x, by))).toEqual([10])
    const values = by.map((factor) => factor.item()).reverse()
    const sum = values.reduce((a, b) => Math.fround(a + b))
    expect(x.grad?.item()).toBe(sum)
    expect(sum).not.toBe(Math.fround(values.reduce((a, b) => a + b)))
    expect(sum).not.toBe([...values].reverse().reduce((a, b) => Math.fround(a + b)))
  })

  it('wait at non-leaf tensors, too, before hooks see them', () => {
    const seen: unknown[] = []
    const x = tensor([2], { requiresGrad: true })
    const y = x.mul(3)
    y.registerHook((dy) => void seen.push(dy.item()))
    expect(
      additions(
        uses(
          y,
          factors(3).map((_, i) => ones(1).mul(i + 1)),
        ),
      ),
    ).toEqual([3])
    expect(seen).toEqual([6])
    expect(x.grad?.item()).toBe(18)
  })

  it('wait up to sixteen at a time', () => {
    const x = tensor([1], { requiresGrad: true })
    expect(additions(uses(x, factors(40)))).toEqual([16, 16, 10])
  })

  it('are added one by one if they are large, expanded or recorded', () => {
    const by = factors(3)
    expect(additions(uses(ones(1025, wanted), by))).toEqual([2, 2])
    expect(additions(uses(ones(1024, wanted), by))).toEqual([3])
    const x = ones(4, wanted)
    expect(additions(x.sum().add(x.sum()).add(x.sum()))).toEqual([2, 2])
    const z = tensor([1], { requiresGrad: true })
    expect(additions(uses(z, by), { createGraph: true })).toEqual([2, 2])
  })
})

it.each([
  ['conv2d', () => [randn(2, 3, 8, 8), randn(4, 3, 3, 3)], (x: Tensor, w: Tensor) => F.conv2d(x, w)],
  ['matmul', () => [randn(8, 4), randn(4, 6)], (x: Tensor, w: Tensor) => x.matmul(w)],
  ['bmm', () => [randn(2, 8, 4), randn(2, 4, 6)], (x: Tensor, w: Tensor) => x.bmm(w)],
  ['linear', () => [randn(8, 4), randn(6, 4)], (x: Tensor, w: Tensor) => F.linear(x, w)],
] as const)('grad of %s computes no gradient that nobody asks for', (_, inputs, run) => {
  const products = (isOther: boolean): number => {
    const [x, w] = inputs()
    x.requiresGrad_(isOther)
    const y = run(x, w.requiresGrad_()).sum()
    return profile(() => grad(y, w)).events.filter(({ kind }) => kind === 'contract').length
  }
  expect(products(true)).toBe(products(false))
  expect(products(true)).toBeGreaterThan(0)
})
