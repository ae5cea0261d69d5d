// A normalising flow (RealNVP): affine couplings, log-determinants, a Normal as the base.
import {
  cat,
  cos,
  distributions,
  exp,
  manualSeed,
  nn,
  ones,
  optim,
  rand,
  randn,
  sin,
  stack,
  tanh,
  type Tensor,
  zeros,
} from 'flambeau'
import type { Compile, Print } from './setting.ts'

const { Independent, Normal } = distributions

class Coupling extends nn.Module {
  net = new nn.Sequential(new nn.Linear(1, 16), new nn.Tanh(), new nn.Linear(16, 2))

  flip: boolean

  constructor(flip: boolean) {
    super()
    this.flip = flip
  }

  forward(x: Tensor) {
    let [a, b] = x.chunk(2, { dim: 1 })
    if (this.flip) [a, b] = [b, a]
    let [s, t] = this.net.forward(a).chunk(2, { dim: 1 })
    s = tanh(s)
    b = b.mul(exp(s)).add(t)
    return [cat(this.flip ? [b, a] : [a, b], { dim: 1 }), s.sum({ dim: 1 })] as const
  }
}

class RealNVP extends nn.Module {
  couplings: nn.ModuleList<Coupling>

  constructor(layers: number) {
    super()
    this.couplings = new nn.ModuleList(Array.from({ length: layers }, (_, i) => new Coupling(i % 2 === 1)))
  }

  logProb(x: Tensor): Tensor {
    let total = zeros(x.size(0))
    for (const coupling of this.couplings) {
      const [y, logDet] = coupling.forward(x)
      x = y
      total = total.add(logDet)
    }
    const base = new Independent(new Normal(zeros(2), ones(2)), 1)
    return base.logProb(x).add(total)
  }
}

export function main(seed: number, print: Print, compile: Compile): void {
  manualSeed(seed)
  const angle = rand(64).mul(Math.PI)
  const x = stack([cos(angle).mul(2), sin(angle).mul(2).sub(1)], { dim: -1 }).add(randn(64, 2).mul(0.1))
  const flow = new RealNVP(4)
  const optimizer = new optim.Adam(flow.parameters(), { lr: 1e-2 })

  const step = compile(() => {
    const loss = flow.logProb(x).mean().neg()
    optimizer.zeroGrad()
    loss.backward()
    optimizer.step()
    return loss
  })

  for (let epoch = 1; epoch <= 30; epoch++) {
    const loss = step()
    if (epoch % 10 === 0) print(`epoch ${epoch} nll ${loss.item().toFixed(4)}`)
  }
}
