// What flows through a network: forward and backward hooks, hooks of tensors and of saved tensors, and checkpoints.
import { allclose, autograd, equal, F, full, manualSeed, nn, optim, randn, type Tensor, tanh, utils } from 'flambeau'
import type { Print } from './setting.ts'

const { checkpoint } = utils.checkpoint

class Block extends nn.Module {
  norm: nn.LayerNorm
  linear: nn.Linear
  scale: nn.Parameter

  constructor(width: number) {
    super()
    this.norm = new nn.LayerNorm(width)
    this.linear = new nn.Linear(width, width)
    this.scale = new nn.Parameter(full([], 0.5))
  }

  override forward(x: Tensor): Tensor {
    return x.add(this.scale.mul(tanh(this.linear.forward(this.norm.forward(x)))))
  }
}

class Net extends nn.Module {
  blocks: nn.ModuleList<Block>
  head: nn.Linear
  remember = false

  constructor(width = 6, depth = 3) {
    super()
    this.blocks = new nn.ModuleList(Array.from({ length: depth }, () => new Block(width)))
    this.head = new nn.Linear(width, 1)
  }

  override forward(x: Tensor): Tensor {
    let h = x
    for (const block of this.blocks)
      h = this.remember ? checkpoint((x: Tensor) => block.forward(x), h) : block.forward(h)
    return this.head.forward(h).squeeze(-1)
  }
}

export function main(seed: number, print: Print): void {
  manualSeed(seed)
  const net = new Net()
  for (const [name, p] of net.namedParameters())
    if (name.endsWith('linear.weight')) nn.init.orthogonal_(p, { gain: 0.8 })
  const seen: Record<string, number> = {}
  const handles: { remove(): void }[] = []
  Array.from(net.blocks).forEach((block, i) => {
    handles.push(
      block.registerForwardHook((_, __, out) => {
        seen[`out ${i}`] = out.detach().std().item()
      }),
      block.registerFullBackwardHook((_, __, gradOutput) => {
        seen[`grad ${i}`] = (gradOutput[0] as Tensor).norm().item()
      }),
    )
  })
  handles.push(net.head.registerForwardPreHook((_, [x]) => [x.clamp(-2, 2)]))
  const x = randn(16, 6, { requiresGrad: true })
  const y = x.detach().sum(1)
  handles.push(net.head.weight.registerHook((g) => g.mul(0.5)))
  let loss = F.smoothL1Loss(net.forward(x), y)
  loss.backward()
  for (const key of Object.keys(seen).sort()) print(key, seen[key].toFixed(4))
  const size = (x: Tensor): string => x.grad!.norm().item().toFixed(4)
  print(`loss ${loss.item().toFixed(4)} head ${size(net.head.weight)} input ${size(x)}`)
  for (const handle of handles) handle.remove()
  const packed: number[] = []
  const { weight } = net.blocks[0].linear
  const plain = weight.grad!.clone()
  net.zeroGrad()
  const pack = (t: Tensor): Tensor => {
    packed.push(t.numel())
    return t
  }
  loss = autograd.graph.savedTensorsHooks(
    pack,
    (t: Tensor) => t,
    () => F.smoothL1Loss(net.forward(x), y),
  )
  loss.backward()
  const first = weight.grad!.clone()
  net.zeroGrad()
  net.remember = true
  loss = F.smoothL1Loss(net.forward(x), y)
  loss.backward()
  const says = (x: boolean): string => (x ? 'True' : 'False')
  print('packed', says(packed.length > 10), 'same', says(equal(first, weight.grad!)), says(allclose(first, plain)))
  const named = net.namedParameters()
  const norms = named.filter(([name]) => name.includes('norm')).map(([, p]) => p)
  const others = named.filter(([name]) => !name.includes('norm')).map(([, p]) => p)
  const optimizer = new optim.Rprop(others, { lr: 0.01 })
  optimizer.addParamGroup({ params: norms, lr: 0.001 })
  for (let step = 0; step < 15; step++) {
    optimizer.zeroGrad()
    loss = F.smoothL1Loss(net.forward(x), y)
    loss.backward()
    nn.utils.clipGradValue_(net.parameters(), 0.1)
    optimizer.step()
  }
  print(`trained ${loss.item().toFixed(4)}`, `[${optimizer.paramGroups.map(({ params }) => params.length).join(', ')}]`)
}
