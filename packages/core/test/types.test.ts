// Programs as a PyTorch user writes them: that they compile is the test of the types, and what they compute is checked.
import { js } from '@flambeau/backend-js'
import { autograd, type FunctionCtx, nn, noGrad, ones, optim, type Tensor, tensor, useDevice } from '@flambeau/core'
import { expect, expectTypeOf, it } from 'vitest'

useDevice(js())
const x = tensor([
  [1, 5, 3],
  [4, 2, 6],
])

it('pairs of results have names, places and a length', () => {
  const [values, indices] = x.max(1)
  expectTypeOf(indices).toEqualTypeOf<Tensor>()
  expect([values.tolist(), indices.tolist()]).toEqual([
    [5, 6],
    [1, 2],
  ])
  for (const pair of [x.max(1), x.min(0), x.sort(), x.topk(1), x.cummax(0)]) {
    expectTypeOf(pair[0]).toEqualTypeOf<Tensor>()
    expect([pair[0], pair[1], ...pair].map(String)).toEqual(
      [0, 1].flatMap(() => [pair.values, pair.indices]).map(String),
    )
    expect(pair.length).toBe(2)
  }
})

it('a Sequential knows its members', () => {
  const model = new nn.Sequential(new nn.Linear(3, 4), new nn.ReLU(), new nn.Linear(4, 1))
  expectTypeOf(model[0]).toEqualTypeOf<nn.Linear>()
  expectTypeOf(model[1]).toEqualTypeOf<nn.ReLU>()
  expectTypeOf(model[-1].weight).toEqualTypeOf<nn.Parameter>()
  expectTypeOf(model.at(-1)).toEqualTypeOf<nn.Linear>()
  expectTypeOf(model.at(1)).toEqualTypeOf<nn.ReLU>()
  expect([model[-1], model.at(-1), model[-3]]).toEqual([model[2], model[2], model[0]])
  expect(model[-4]).toBeUndefined()
  model[-1] = new nn.Linear(4, 2)
  expect(model.forward(x).shape).toEqual([2, 2])
  const anyModel: nn.Sequential = model
  const layers: nn.Module[] = [...anyModel, new nn.Tanh()]
  expect(new nn.Sequential(...layers).length).toBe(4)
  const named = new nn.Sequential({ hidden: new nn.Linear(3, 2), act: new nn.Tanh() })
  expectTypeOf(named.hidden).toEqualTypeOf<nn.Linear>()
  expect([named.hidden.weight.shape, String(named.act)]).toEqual([[2, 3], 'Tanh()'])
  expect(() => new nn.Sequential({ forward: new nn.Tanh() })).toThrow("attribute 'forward' already exists")
})

it('a ModuleList knows its members', () => {
  const list = new nn.ModuleList([new nn.Linear(3, 3), new nn.Tanh()])
  expectTypeOf(list[0].weight).toEqualTypeOf<nn.Parameter>()
  expectTypeOf(list[-1]).toEqualTypeOf<nn.Tanh>()
  const layers = new nn.ModuleList(Array.from({ length: 3 }, () => new nn.Linear(3, 3)))
  let y = x
  for (const layer of layers) y = layer.forward(y.add(layer.weight.sum()))
  for (let i = 0; i < layers.length; i++) expectTypeOf(layers[i].inFeatures).toEqualTypeOf<number>()
  const empty = new nn.ModuleList()
  empty.append(new nn.Linear(1, 1))
  expect([y.shape, empty.length]).toEqual([[2, 3], 1])
  class Net extends nn.Sequential {
    constructor() {
      super(new nn.Linear(3, 1))
    }
  }
  expect([new Net().forward(x).shape, new Net() instanceof nn.Sequential]).toEqual([[2, 1], true])
})

class Block extends nn.Module {
  linear: nn.Linear = new nn.Linear(3, 3)
  inner: nn.ModuleList<Block> = new nn.ModuleList<Block>()
  override forward(x: Tensor): Tensor {
    return this.linear.forward(x)
  }
}
/** Containers as properties: their types name the class of the members, or each of them. */
class Net extends nn.Module {
  blocks: nn.ModuleList<Block>
  pair: nn.ModuleList<[nn.Linear, nn.ReLU]>
  later: nn.ModuleList<nn.Linear>
  heads: nn.ModuleDict<Block>
  named: nn.ModuleDict<{ scale: nn.Linear; act: nn.ReLU }>
  constructor() {
    super()
    this.blocks = new nn.ModuleList(Array.from({ length: 3 }, () => new Block()))
    this.pair = new nn.ModuleList([new nn.Linear(3, 3), new nn.ReLU()])
    this.later = new nn.ModuleList()
    this.later.append(new nn.Linear(3, 3))
    this.heads = new nn.ModuleDict<Block>({ first: new Block() })
    this.heads.set('second', new Block())
    this.named = new nn.ModuleDict({ scale: new nn.Linear(3, 3), act: new nn.ReLU() })
  }
  override forward(x: Tensor): Tensor {
    let y = this.blocks[0].linear.forward(x)
    for (const block of this.blocks) y = block.linear.forward(y)
    for (const layer of this.later) y = y.mul(layer.weight.sum())
    y = this.pair[1].forward(this.pair[0].forward(y.add(this.pair[0].weight.sum())))
    y = this.blocks.at(-1).linear.forward(this.blocks[-1].linear.forward(y))
    for (const key of this.heads) y = this.heads[key].linear.forward(y)
    for (const [, head] of this.heads.items()) y = head.linear.forward(y)
    y = this.named.get('scale').forward(this.heads.get('first')?.linear.forward(y) ?? y)
    return this.named.act.forward(y.add(this.named.scale.weight.sum()))
  }
}

it('a container has the type of its members as a property, too', () => {
  const net = new Net()
  const anyList: nn.ModuleList = net.blocks
  expect(new nn.Sequential(...net.blocks).forward(x).shape).toEqual([2, 3])
  expect([net.forward(x).shape, anyList.length, net.heads.length]).toEqual([[2, 3], 3, 2])
  expectTypeOf(net.heads.values()).toEqualTypeOf<Block[]>()
  expectTypeOf([...net.blocks]).toEqualTypeOf<Block[]>()
  expectTypeOf(net.named.get('act')).toEqualTypeOf<nn.ReLU>()
})

class Square extends autograd.Function {
  static override forward(ctx: FunctionCtx, x: Tensor): Tensor {
    ctx.saveForBackward(x)
    return x.mul(x)
  }
  static override backward(ctx: FunctionCtx, dy: Tensor): Tensor {
    return dy.mul(ctx.savedTensors[0]).mul(2)
  }
}

it('apply may be taken off its class', () => {
  const square = Square.apply
  const w = tensor([1, 2], { requiresGrad: true })
  square(w).sum().backward()
  expectTypeOf(Square.apply(w)).toEqualTypeOf<Tensor>()
  expect([w.grad?.tolist(), Square.apply === square]).toEqual([[2, 4], true])
  expect(String(square(w))).toContain('grad_fn=<SquareBackward>')
})

it('backward takes its gradient by name, and updates run without gradients', () => {
  const w = tensor([1, 2], { requiresGrad: true })
  w.mul(3).backward({ gradient: ones(2) })
  noGrad(() => {
    w.sub_(w.grad!.mul(0.5))
  })
  expect(w.tolist()).toEqual([-0.5, 0.5])
  const optimizer = new optim.Adam([w], 1e-3, [0.9, 0.99], 1e-8, 0.1)
  expect(optimizer.defaults.weightDecay).toBe(0.1)
})

it('tolist has the type that is asked of it', () => {
  const rows: number[][] = x.tolist()
  const sums = x.tolist().map((row) => row.reduce((a, b) => a + b))
  const flags = x.gt(2).tolist<boolean[][]>()
  expect([rows[1][2], sums, x.tolist()[0][1] + 1, flags[0]]).toEqual([6, [9, 12], 6, [false, true, true]])
})
