// An autoregressive network (MADE): masked linear layers, checked by a Jacobian, then sampled.
import { DataLoader, TensorDataset } from '@flambeau/data'
import {
  arange,
  autograd,
  bernoulli,
  F,
  full,
  manualSeed,
  nn,
  noGrad,
  ones,
  optim,
  rand,
  randint,
  randLike,
  sigmoid,
  sub,
  type Tensor,
  where,
  zeros,
} from 'flambeau'
import type { Compile, Print } from './setting.ts'

class MaskedLinear extends nn.Linear {
  declare mask: Tensor
  constructor(nIn: number, nOut: number, bias = true) {
    super(nIn, nOut, bias)
    this.registerBuffer('mask', ones(nOut, nIn))
  }

  setMask(mask: Tensor) {
    this.mask.data.copy_(mask)
  }

  override forward(x: Tensor) {
    return F.linear(x, this.mask.mul(this.weight), this.bias)
  }

  override extraRepr() {
    return `${super.extraRepr()}, kept=${this.mask.sum().item()}`
  }
}

class MADE extends nn.Module {
  net: nn.Sequential
  n: number

  constructor(n: number, hidden: number) {
    super()
    this.n = n
    this.net = new nn.Sequential(
      new MaskedLinear(n, hidden),
      new nn.ReLU(),
      new MaskedLinear(hidden, hidden),
      new nn.ReLU(),
      new MaskedLinear(hidden, n),
    )
    const m = [arange(n), ...[0, 1].map(() => randint(0, n - 1, [hidden]))]
    const masks = [0, 1].map((l) => m[l].at(':', null).le(m[l + 1].at(null, ':')))
    masks.push(m[2].at(':', null).lt(m[0].at(null, ':')))
    const layers = [...this.net.modules()].filter((l) => l instanceof MaskedLinear)
    for (const [i, l] of layers.entries()) l.setMask(masks[i].t().float())
  }

  forward(x: Tensor) {
    return this.net.forward(x)
  }

  sample(k: number) {
    return noGrad(() => {
      const x = zeros(k, this.n)
      for (let i = 0; i < this.n; i++) x.setAt([':', i], bernoulli(sigmoid(this.forward(x).at(':', i))))
      return x
    })
  }
}

export function main(seed: number, print: Print, compile: Compile): void {
  manualSeed(seed)
  const n = 8
  const base = bernoulli(full([32, 1], 0.5))
  let data = base.add(arange(n).remainder(2)).remainder(2)
  const flip = randLike(data).lt(0.1)
  data = where(flip, sub(1, data), data)
  print(`${data.at(':2')}`, `${flip.sum()}`, `torch.${data.dtype}`)
  const model = new MADE(n, 24)
  print(`${model}`)
  const opt = new optim.Adagrad(model.parameters(), { lr: 0.05, weightDecay: 1e-4 })
  const sched = new optim.lrScheduler.StepLR(opt, { stepSize: 10, gamma: 0.5 })
  const loader = new DataLoader(new TensorDataset(data), { batchSize: 10, shuffle: true })
  const step = compile((xb: Tensor) => {
    const loss = F.binaryCrossEntropyWithLogits(model.forward(xb), xb, { reduction: 'none' }).sum(1).mean()
    opt.zeroGrad()
    loss.backward()
    opt.step()
    return loss
  })
  for (let epoch = 0; epoch < 12; epoch++) {
    let total = 0
    for (const [xb] of loader) total += step(xb).item() * xb.length
    sched.step()
    if (epoch % 4 === 3) print(`epoch ${epoch}: ${(total / data.length).toFixed(4)}, lr ${opt.paramGroups[0].lr}`)
  }
  const x = rand(1, n, { requiresGrad: true })
  const J = autograd.functional.jacobian((v) => model.forward(v).squeeze(0), x).squeeze(1)
  print(J.triu().eq(0).all().item() ? 'True' : 'False', J.tril(-1).ne(0).sum().item())
  const s = model.sample(4)
  print(`${s}\n${s.mean(0)}`)
  print(
    `[${[...model.stateDict().keys()]
      .slice(0, 3)
      .map((k) => `'${k}'`)
      .join(', ')}]`,
    [...model.buffers()].length,
  )
}
