// The lines of a first tutorial and the mistakes of a first week: each is run here and compared with the text that real
// PyTorch printed for it (tools/golden/semantics.py). Where this project follows 2.x, texts carry `newer`.
import { readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import { js } from '@flambeau/backend-js'
import {
  arange,
  bmm,
  cat,
  distributions,
  F,
  full,
  Generator,
  grad,
  linspace,
  logspace,
  manualSeed,
  maximum,
  mm,
  nn,
  noGrad,
  ones,
  stack,
  type Tensor,
  tensor,
  useDevice,
  zeros,
} from '@flambeau/core'
import { beforeAll, describe, expect, it } from 'vitest'

beforeAll(() => void useDevice(js()))

interface Golden {
  readonly printed?: string
  readonly error?: string
  readonly message?: string
  readonly newer?: string
}
const golden: Record<string, Golden> = JSON.parse(
  readFileSync(new URL('../../backend-conformance/golden/semantics.json', import.meta.url), 'utf8'),
)

const wanted = { requiresGrad: true }
const int32 = { dtype: 'int32' } as const
const uint8 = { dtype: 'uint8' } as const
const float64 = { dtype: 'float64' } as const
const i = () => tensor([1, 2, 3], int32)
const leaf = (...values: number[]) => tensor(values, wanted)
const cubic = () => {
  const x = tensor(3.5, wanted)
  return { x, y: x.sub(1).mul(x.sub(2)).mul(x.sub(3)) }
}
/** The gradient of `fn` at a leaf with these values. */
const slope = (values: number | number[], fn: (x: Tensor) => Tensor) => {
  const x = tensor(values, wanted)
  fn(x).sum().backward()
  return x.grad
}

const rows: Record<string, () => unknown> = {
  'tensor(3.5, { requiresGrad: true })': () => tensor(3.5, { requiresGrad: true }),
  'x.sub(1).mul(x.sub(2)).mul(x.sub(3))': () => cubic().y,
  'y.backward(); x.grad': () => {
    const { x, y } = cubic()
    y.backward()
    return x.grad
  },
  'x.item()': () => cubic().x.item(),
  'y.item()': () => cubic().y.item(),
  'tensor(12.345).item()': () => tensor(12.345).item(),
  'tensor([0.1, 0.2]).sum().item()': () => tensor([0.1, 0.2]).sum().item(),
  'tensor([1, 2, 3])': () => tensor([1, 2, 3]),
  'tensor([1, 2.5])': () => tensor([1, 2.5]),
  'tensor(3)': () => tensor(3),
  'full([2], 3)': () => full([2], 3),
  'linspace(0, 1, 3)': () => linspace(0, 1, 3),
  'logspace(0, 2, 3)': () => logspace(0, 2, 3),
  i,
  'i.mul(2)': () => i().mul(2),
  'i.floorDivide(2)': () => i().floorDivide(2),
  'i.mul(2.5)': () => i().mul(2.5),
  'i.div(2)': () => i().div(2),
  'arange(3)': () => arange(3),
  "arange(3, { dtype: 'float32' })": () => arange(3, { dtype: 'float32' }),
  'arange(0, 1, 0.25)': () => arange(0, 1, 0.25),
  'tensor([[3, 1], [2, 5]]).argmax(1)': () => tensor([[3, 1], [2, 5]]).argmax(1), // biome-ignore format: a matrix
  'tensor([1, 2, 3]).gt(2)': () => tensor([1, 2, 3]).gt(2),
  'tensor([.2, .7]).gt(.5).float()': () => tensor([0.2, 0.7]).gt(0.5).float(),
  'tensor([true, false, true]).sum()': () => tensor([true, false, true]).sum(),
  'tensor([true, false]).add(1)': () => tensor([true, false]).add(1),
  'tensor([true, false]).mul(2.5)': () => tensor([true, false]).mul(2.5),
  "tensor([1, 2], { dtype: 'uint8' }).add(300)": () => tensor([1, 2], uint8).add(300),
  'cat([zeros(2, 1), ones(2, 1)], 1)': () => cat([zeros(2, 1), ones(2, 1)], 1),
  'ones(2, 3).size()': () => ones(2, 3).size(),
  'new nn.Parameter(ones(2))': () => new nn.Parameter(ones(2)),
  "arange(6, { dtype: 'float32' }).reshape(2, 3).max(1)": () => arange(6, { dtype: 'float32' }).reshape(2, 3).max(1),
  'manualSeed(0); new nn.Linear(2, 3).stateDict()': () => {
    manualSeed(0)
    return new nn.Linear(2, 3).stateDict()
  },

  "tensor([-7, 7], { dtype: 'int32' }).floorDivide(2)": () => tensor([-7, 7], int32).floorDivide(2),
  "tensor([-7, 7], { dtype: 'int32' }).remainder(-3)": () => tensor([-7, 7], int32).remainder(-3),
  'tensor([1, 2, 4]).std()': () => tensor([1, 2, 4]).std(),
  'tensor([1, 2, 4]).var({ unbiased: false })': () => tensor([1, 2, 4]).var({ unbiased: false }),
  'tensor([0.5, 1.5, 2.5, -0.5]).round()': () => tensor([0.5, 1.5, 2.5, -0.5]).round(),
  "ones(2).add(ones(2, { dtype: 'float64' }))": () => ones(2).add(ones(2, float64)),
  "ones(2).add(tensor(1, { dtype: 'float64' }))": () => ones(2).add(tensor(1, float64)),
  'i.add(tensor(1.5))': () => i().add(tensor(1.5)),
  "tensor([250, 10], { dtype: 'uint8' }).add(tensor([10, 10], { dtype: 'uint8' }))": () =>
    tensor([250, 10], uint8).add(tensor([10, 10], uint8)),

  'two backwards of the sum of squares accumulate': () => {
    const x = leaf(1, 2)
    x.mul(x).sum().backward()
    x.mul(x).sum().backward()
    return x.grad
  },
  'a non-scalar backward with an argument': () => {
    const x = leaf(1, 2)
    x.mul(x).backward(tensor([1, 10]))
    return x.grad
  },
  'retainGrad on a non-leaf': () => {
    const y = leaf(1, 2).mul(3)
    y.retainGrad()
    y.sum().backward()
    return y.grad
  },
  'a hook that replaces the gradient': () => {
    const x = leaf(1, 2)
    x.registerHook((g) => g.mul(10))
    x.sum().backward()
    return x.grad
  },
  'noGrad(() => x.mul(2))': () => noGrad(() => leaf(1, 2).mul(2)),
  'x.detach()': () => leaf(1, 2).detach(),
  'grad(x ** 3, x, { createGraph: true })': () => {
    const x = tensor(3, wanted)
    return grad(x.pow(3), x, { createGraph: true })[0]
  },
  'grad of that grad': () => {
    const x = tensor(3, wanted)
    const [g] = grad(x.pow(3), x, { createGraph: true })
    return grad(g, x)[0]
  },
  'slope of relu at 0': () => slope(0, (x) => x.relu()),
  'slope of abs at 0': () => slope(0, (x) => x.abs()),
  'slope of sqrt at 0': () => slope(0, (x) => x.sqrt()),
  'slope of clamp at both edges': () => slope([-1, 0, 1], (x) => x.clamp(-1, 1)),
  'slope of max() over ties': () => slope([2, 2, 1], (x) => x.max()),
  'slope of amax over ties': () => slope([2, 2, 1], (x) => x.amax()),
  'slope of maximum over ties': () => slope([2, 3], (x) => maximum(x, tensor([2, 1]))),
  'slope of max(0) over ties': () => slope([2, 2, 1], (x) => x.max(0).values),
  'a write through a view and its gradient': () => {
    const x = ones(2, 3, wanted)
    const b = x.mul(2)
    b.t().mul_(arange(6, { dtype: 'float32' }).reshape(3, 2))
    b.sum().backward()
    return x.grad
  },
  'a view after its base was written': () => {
    const b = ones(2, 2, wanted).mul(2)
    const v = b.select(0, 0)
    b.mul_(3)
    return v.detach()
  },

  'ones(2, 3).add(ones(2, 4))': () => ones(2, 3).add(ones(2, 4)),
  'ones(2, 3).matmul(ones(2, 3))': () => ones(2, 3).matmul(ones(2, 3)),
  'new nn.Linear(3, 2).forward(ones(4, 5))': () => new nn.Linear(3, 2).forward(ones(4, 5)),
  'ones(2, 3).matmul(ones(2))': () => ones(2, 3).matmul(ones(2)),
  'bmm(ones(2, 3, 4), ones(2, 3, 5))': () => bmm(ones(2, 3, 4), ones(2, 3, 5)),
  'ones(2, 3, 4).matmul(ones(2, 3, 5))': () => ones(2, 3, 4).matmul(ones(2, 3, 5)),
  'ones(6).view(4, 2)': () => ones(6).view(4, 2),
  'ones(6).reshape(4, 2)': () => ones(6).reshape(4, 2),
  'ones(2, 3).t().view(6)': () => ones(2, 3).t().view(6),
  'cat([ones(2, 3), ones(1, 4)])': () => cat([ones(2, 3), ones(1, 4)]),
  'cat([ones(2, 3), ones(3)])': () => cat([ones(2, 3), ones(3)]),
  'stack([ones(2), ones(3)])': () => stack([ones(2), ones(3)]),
  'ones(2, 3).sum(2)': () => ones(2, 3).sum(2),
  'ones(2, 3).at(5)': () => ones(2, 3).at(5),
  'ones(2, 3).at(0, 0, 0)': () => ones(2, 3).at(0, 0, 0),
  'ones(2, 3).expand(3, 3)': () => ones(2, 3).expand(3, 3),
  'ones(3).item()': () => ones(3).item(),
  // JavaScript never converts an object for its truth; converting to a number comes closest.
  'if (ones(2))': () => Number(ones(2)),
  'tensor([[1, 2], [3]])': () => tensor([[1, 2], [3]]),
  'i.add_(1.5)': () => i().add_(1.5),
  "tensor([1, 2], { dtype: 'int32', requiresGrad: true })": () =>
    tensor([1, 2], { dtype: 'int32', requiresGrad: true }),
  'ones(2).sum().backward()': () => ones(2).sum().backward(),
  'ones(2, { requiresGrad: true }).mul(2).backward()': () => ones(2, wanted).mul(2).backward(),
  'y.backward() again': () => {
    const x = tensor(3.5, wanted)
    const y = x.sub(1).mul(x.sub(2))
    y.backward()
    y.backward()
  },
  'ones(2, { requiresGrad: true }).add_(1)': () => ones(2, wanted).add_(1),
  'an in-place edit of a saved result': () => {
    const y = ones(2, wanted).exp()
    y.add_(1)
    y.sum().backward()
  },
  'grad(y, unused)': () => grad(ones(2, wanted).mul(2).sum(), ones(2, wanted)),
  'ones(2, { requiresGrad: true }).toArray()': () => ones(2, wanted).toArray(),
  'new nn.BatchNorm1d(3).forward(ones(1, 3))': () => new nn.BatchNorm1d(3).forward(ones(1, 3)),
  'F.crossEntropy(ones(2, 3), [0, 4])': () => F.crossEntropy(ones(2, 3), tensor([0, 4], int32)),
  'F.crossEntropy(ones(3, 2), [0, 1])': () => F.crossEntropy(ones(3, 2), tensor([0, 1], int32)),
  'F.nllLoss(ones(2, 3), zeros(2))': () => F.nllLoss(ones(2, 3), zeros(2)),
  "mm(ones(2, 2, { dtype: 'float64' }), ones(2, 2))": () => mm(ones(2, 2, float64), ones(2, 2)),
  'i.mean()': () => i().mean(),
  'linear.loadStateDict(wrong)': () => new nn.Linear(2, 1).loadStateDict({ weight: ones(1, 3) }),
  'linear.loadStateDict(more)': () =>
    new nn.Linear(2, 1).loadStateDict({ weight: ones(1, 2), bias: ones(1), other: ones(1) }),
  'new nn.Module().forward()': () => (new nn.Module() as unknown as { forward(): void }).forward(),
  'F.mseLoss(ones(3, 2), ones(4))': () => F.mseLoss(ones(3, 2), ones(4)),
  'F.binaryCrossEntropy(tensor([1.5]), ones(1))': () => F.binaryCrossEntropy(tensor([1.5]), ones(1)),
  'F.binaryCrossEntropy(ones(2), ones(3))': () => F.binaryCrossEntropy(ones(2), ones(3)),
  'F.binaryCrossEntropy(ones(2), i)': () => F.binaryCrossEntropy(ones(2), tensor([1, 1], int32)),
  'ones(2, 2, { requiresGrad: true }).t().add_(1)': () => ones(2, 2, wanted).t().add_(1),
  'nn.init.kaimingUniform_(ones(3))': () => nn.init.kaimingUniform_(ones(3)),

  'arange(1001)': () => arange(1001),
  'arange(1000) has no dots': () => arange(1000),
  'tensor([1, 1001])': () => tensor([1, 1001]),
  'tensor([1, 1000])': () => tensor([1, 1000]),
  'tensor([1000.5, 1.5])': () => tensor([1000.5, 1.5]),
  'tensor([99999999])': () => tensor([99999999]),
  'tensor([123456789])': () => tensor([123456789]),
  'tensor([2.5, Infinity, NaN])': () => tensor([2.5, Number.POSITIVE_INFINITY, Number.NaN]),
  'tensor([-0])': () => tensor([-0]),
  'zeros(2, 2, 2)': () => zeros(2, 2, 2),
  'tensor([])': () => tensor([]),
  "tensor([], { dtype: 'int32' })": () => tensor([], int32),
  'zeros(0, 3)': () => zeros(0, 3),
  'tensor([0.0001])': () => tensor([0.0001]),
  'tensor(1e-3)': () => tensor(1e-3),
  'tensor([1.5, -2.25, 3.125])': () => tensor([1.5, -2.25, 3.125]),
  'tensor([true, false])': () => tensor([true, false]),
  'tensor([0.03125])': () => tensor([0.03125]),
  'tensor([1.03125, 2000])': () => tensor([1.03125, 2000]),
  'arange(60).reshape(3, 20).div(7)': () => arange(60).reshape(3, 20).div(7),
  'zeros(40, 30)': () => zeros(40, 30),
  'linspace(0, 1, 2001).reshape(3, 23, 29)': () => linspace(0, 1, 2001).reshape(3, 23, 29),
  "ones(2, { dtype: 'float64', requiresGrad: true })": () => ones(2, { dtype: 'float64', requiresGrad: true }),
  'ones(20, { requiresGrad: true }).mul(1.5)': () => ones(20, wanted).mul(1.5),
  'ones(7, { requiresGrad: true }).mul(1.5).sigmoid()': () => ones(7, wanted).mul(1.5).sigmoid(),
  "tensor([1, 255], { dtype: 'uint8' })": () => tensor([1, 255], uint8),
  'tensor([1e10, 1])': () => tensor([1e10, 1]),
  'ones(2, 3).dim()': () => ones(2, 3).dim(),
  'ones(2, 3).ndim': () => ones(2, 3).ndim,
  'ones(2, 3).numel()': () => ones(2, 3).numel(),
  'tensor([NaN, Infinity, -Infinity])': () => tensor([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]),
}

const text = (value: unknown): string => (typeof value === 'number' ? String(value) : inspect(value))

describe('as in real PyTorch', () => {
  it('the rows here and the golden texts are the same', () => {
    expect(Object.keys(rows).sort()).toEqual(Object.keys(golden).sort())
  })

  for (const [key, { printed, error, message, newer }] of Object.entries(golden)) {
    const label = newer === undefined ? key : `${key} (as 2.x: ${newer})`
    if (printed !== undefined) {
      it(label, () => {
        expect(text(rows[key]())).toBe(printed)
      })
    } else {
      it(label, () => {
        let thrown: unknown
        try {
          rows[key]()
        } catch (e) {
          thrown = e
        }
        expect(thrown).toBeInstanceOf(Error)
        const { name, message: said } = thrown as Error
        expect(name).toBe(error)
        // PyTorch's sentence first; the hint may follow on the next line.
        expect(`${said}\n`.startsWith(`${message}\n`) ? message : said).toBe(message)
      })
    }
  }
})

it('a console prints a generator and a constraint in a line', () => {
  expect(inspect(new Generator())).toBe('<torch._C.Generator>')
  expect(inspect(distributions.constraints.interval(0, 1))).toBe('Interval(lower_bound=0.0, upper_bound=1.0)')
})
