// Tables of layers: what is counted, how it prints, and that the model stays as it was.
import { js } from '@flambeau/backend-js'
import { cat, F, nn, randn, type Tensor, TypeError, useDevice } from '@flambeau/core'
import { describe, expect, it } from 'vitest'

useDevice(js())

class Block extends nn.Module {
  conv = new nn.Conv2d(4, 4, 3, { padding: 1 })
  act = new nn.ReLU()
  override forward(x: Tensor): Tensor {
    return this.act.forward(this.conv.forward(x)).add(x)
  }
}
const make = (): nn.Sequential =>
  new nn.Sequential(
    new nn.Conv2d(1, 4, 3),
    new nn.Sequential(new Block(), new Block()),
    new nn.Flatten(),
    new nn.Linear(64, 1000),
  )

describe('a summary', () => {
  it('is a table', () => {
    const model = make()
    model.getParameter('0.weight').setRequiresGrad(false)
    expect(String(nn.utils.summary(model, [2, 1, 6, 6]))).toBe(
      `
===========================================================
Layer (type:depth-idx)   Output Shape  Param #  Mult-Adds
===========================================================
Sequential               [2, 1000]     --       --
├─Conv2d: 1-1            [2, 4, 4, 4]  40       1,280
├─Sequential: 1-2        [2, 4, 4, 4]  --       --
│    ├─Block: 2-1        [2, 4, 4, 4]  --       --
│    │    ├─Conv2d: 3-1  [2, 4, 4, 4]  148      4,736
│    │    └─ReLU: 3-2    [2, 4, 4, 4]  --       --
│    └─Block: 2-2        [2, 4, 4, 4]  --       --
│         ├─Conv2d: 3-3  [2, 4, 4, 4]  148      4,736
│         └─ReLU: 3-4    [2, 4, 4, 4]  --       --
├─Flatten: 1-3           [2, 64]       --       --
└─Linear: 1-4            [2, 1000]     65,000   130,000
===========================================================
Total params: 65,336
Trainable params: 65,300
Non-trainable params: 36
Total mult-adds (k): 140.75
===========================================================
Input size (MB): 0.00
Forward/backward pass size (MB): 0.02
Params size (MB): 0.26
Estimated Total Size (MB): 0.28
===========================================================
`.trim(),
    )
  })

  it('shows as many levels as one wants, and counts what it hides', () => {
    const rows = (depth: number): string[] =>
      String(nn.utils.summary(make(), [2, 1, 6, 6], { depth }))
        .split('\n')
        .slice(3, -11)
    const [model] = rows(0)
    expect(model.split(/ {2,}/)).toEqual(['Sequential', '[2, 1000]', '65,336', '140,752'])
    expect(rows(1).map((row) => row.split(/ {2,}/))).toEqual([
      ['Sequential', '[2, 1000]', '--', '--'],
      ['├─Conv2d: 1-1', '[2, 4, 4, 4]', '40', '1,280'],
      ['├─Sequential: 1-2', '[2, 4, 4, 4]', '296', '9,472'],
      ['├─Flatten: 1-3', '[2, 64]', '--', '--'],
      ['└─Linear: 1-4', '[2, 1000]', '65,000', '130,000'],
    ])
  })

  it('shows lazy layers as what their first call makes of them', () => {
    const model = new nn.Sequential(new nn.LazyConv2d(2, 3), new nn.Flatten(), new nn.LazyLinear(3))
    const { layers, multAdds } = nn.utils.summary(model, [2, 1, 4, 4])
    expect(layers.map(({ type, parameters, multAdds }) => [type, parameters, multAdds])).toEqual([
      ['Sequential', 47, 214],
      ['Conv2d', 20, 160],
      ['Flatten', 0, 0],
      ['Linear', 27, 54],
    ])
    expect(multAdds).toBe(214)
  })

  it('leaves modes, gradients and hooks as they were', () => {
    const model = make()
    model[1].eval()
    const before = model.modules().map((module) => module.training)
    nn.utils.summary(model, [1, 1, 6, 6])
    expect(() => nn.utils.summary(model, [1, 2, 6, 6])).toThrow('expected input[1, 2, 6, 6] to have 1 channels')
    expect(model.modules().map((module) => module.training)).toEqual(before)
    expect(model.modules().every((module) => !Object.hasOwn(module, 'forward'))).toBe(true)
    expect(model.parameters().every((p) => p.grad === null)).toBe(true)
  })

  it('takes lists of what forward takes: tensors, sizes and options', () => {
    class Pair extends nn.Module {
      left = new nn.Linear(3, 2)
      right = new nn.Linear(4, 2)
      override forward(x: Tensor, y: Tensor, { factor = 1 }: { factor?: number } = {}): Tensor {
        return cat([this.left.forward(x), this.right.forward(y).mul(factor)])
      }
    }
    const model = new Pair()
    const inputs = [
      [
        [5, 3],
        [6, 4],
      ],
      [randn(5, 3), [6, 4], { factor: 2 }],
      [randn(5, 3), randn(6, 4)],
    ]
    for (const input of inputs) {
      const { layers, multAdds, inputBytes } = nn.utils.summary(model, input)
      expect(layers.map(({ outputSize }) => outputSize)).toEqual([
        [11, 2],
        [5, 2],
        [6, 2],
      ])
      expect([multAdds, inputBytes]).toEqual([5 * 8 + 6 * 10, 4 * (15 + 24)])
    }
    const words = new nn.Sequential(new nn.Embedding(9, 2))
    expect(nn.utils.summary(words, [[3, 4]], { dtype: 'int32' }).layers[0].outputSize).toEqual([3, 4, 2])
    expect(() => nn.utils.summary(model, 'x' as never)).toThrow(TypeError)
  })

  it('leaves running statistics and the modes of shared layers as they were, also when forward throws', () => {
    class Shared extends nn.Module {
      norm = new nn.BatchNorm1d(3)
      first = new nn.Sequential(new nn.Linear(3, 3), this.norm, new nn.Dropout())
      second = new nn.Sequential(this.norm, new nn.Linear(3, 3))
      override forward(x: Tensor, fails = false): Tensor {
        const y = this.second.forward(this.first.forward(x))
        if (fails) throw new RangeError('too far')
        return y
      }
    }
    for (const model of [new Shared(), new Shared().eval()]) {
      model.first.train()
      model.norm.eval()
      const modes = () => model.modules().map(({ training }) => training)
      const state = () => [...model.stateDict()].map(([name, x]) => [name, x.toNested()])
      const before = [modes(), state()]
      expect(nn.utils.summary(model, [4, 3]).totalParameters).toBe(6 + 24)
      expect(() => nn.utils.summary(model, [randn(4, 3), true])).toThrow('too far')
      expect([modes(), state()]).toEqual(before)
      expect(model.modules().every((module) => !Object.hasOwn(module, 'forward'))).toBe(true)
    }
  })

  it('writes multiply-adds in thousands, millions and more', () => {
    const lineOf = (n: number) => String(nn.utils.summary(new nn.Linear(n, 1, false), [1, n])).split('\n')[8]
    expect([999, 1000, 1_234_567].map(lineOf)).toEqual([
      'Total mult-adds : 999',
      'Total mult-adds (k): 1.00',
      'Total mult-adds (M): 1.23',
    ])
  })

  it('counts a module that runs twice once, and its multiply-adds twice', () => {
    class Twice extends nn.Module {
      linear = new nn.Linear(3, 3)
      override forward(x: Tensor): Tensor {
        return this.linear.forward(this.linear.forward(x))
      }
    }
    const summary = nn.utils.summary(new Twice(), randn(5, 3))
    expect([summary.totalParameters, summary.multAdds]).toEqual([12, 120])
    expect(String(summary)).toContain('(recursive)')
  })

  it('takes models of other dtypes, single images and several outputs', () => {
    class Two extends nn.Module {
      conv = new nn.Conv2d(1, 2, 3).double()
      override forward(x: Tensor): Tensor[] {
        const y = this.conv.forward(x)
        return [y, F.relu(y)]
      }
    }
    const summary = nn.utils.summary(new Two(), [1, 5, 5], { dtype: 'float64' })
    expect(summary.layers[0].outputSize).toEqual([2, 3, 3])
    expect([summary.multAdds, summary.parameterBytes, summary.inputBytes]).toEqual([180, 160, 200])
  })
})

describe('skipInit', () => {
  it('makes a module of a class or by a function, and draws nothing', () => {
    const model = make()
    for (const empty of [nn.utils.skipInit(make), nn.utils.skipInit(() => make())]) {
      expect(empty.parameters().every((p) => p.abs().sum().item() === 0)).toBe(true)
      empty.loadStateDict(model.stateDict())
      expect(empty.getParameter('3.weight').equal(model.getParameter('3.weight'))).toBe(true)
    }
    expect(nn.utils.skipInit(nn.Linear, 2, 3, false).weight.sizes).toEqual([3, 2])
    // Later modules are initialised again, also after an error.
    expect(() => nn.utils.skipInit(() => new nn.Linear(-1, 2))).toThrow()
    expect(new nn.Linear(2, 2).weight.abs().sum().item()).toBeGreaterThan(0)
  })

  it('refuses what gives no module', () => {
    expect(() => nn.utils.skipInit((() => 1) as never)).toThrow('Expected a Module; got int')
    expect(() => nn.utils.skipInit(3 as never)).toThrow("argument 'module_cls' must be function, not int")
  })
})
