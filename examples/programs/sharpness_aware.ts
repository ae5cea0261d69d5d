// Sharpness-aware minimisation: an optimizer around another that climbs before it descends, and lookahead weights.
import {
  abs,
  enableGrad,
  manualSeed,
  nn,
  noGrad,
  norm,
  optim,
  randn,
  stack,
  type Tensor,
  tensor,
  ValueError,
} from 'flambeau'
import type { Print } from './setting.ts'

interface Options {
  rho: number
  adaptive: boolean
  [name: string]: unknown
}
type Inner = optim.Optimizer<Options>

class SAM extends optim.Optimizer<Options, { oldP: Tensor }> {
  baseOptimizer: Inner

  constructor(
    params: optim.Params<Options>,
    baseOptimizer: new (params: never, options: object) => object,
    { rho = 0.05, adaptive = false, ...kwargs }: Partial<Options> = {},
  ) {
    if (rho < 0) throw new ValueError(`Invalid rho, should be non-negative: ${rho}`)
    super(params, { rho, adaptive, ...kwargs })
    this.baseOptimizer = new baseOptimizer(this.paramGroups as never, kwargs) as Inner
    this.paramGroups = this.baseOptimizer.paramGroups
    Object.assign(this.defaults, this.baseOptimizer.defaults)
  }

  firstStep({ zeroGrad = false } = {}): void {
    noGrad(() => {
      const gradNorm = this.gradNorm()
      for (const group of this.paramGroups) {
        const scale = gradNorm.add(1e-12).reciprocal().mul(group.rho)
        for (const p of group.params) {
          if (p.grad === null) continue
          this.state.set(p, { oldP: p.data.clone() })
          const eW = (group.adaptive ? p.pow(2).mul(p.grad) : p.grad).mul(scale.to(p))
          p.add_(eW)
        }
      }
      if (zeroGrad) this.zeroGrad()
    })
  }

  secondStep({ zeroGrad = false } = {}): void {
    noGrad(() => {
      for (const group of this.paramGroups)
        for (const p of group.params) {
          if (p.grad === null) continue
          p.data = this.state.get(p)!.oldP
        }
      this.baseOptimizer.step()
      if (zeroGrad) this.zeroGrad()
    })
  }

  override step(): void
  override step<L>(closure: () => L): L
  override step<L>(closure?: () => L): L | undefined {
    return noGrad(() => {
      this.firstStep({ zeroGrad: true })
      const loss = closure && enableGrad(closure)
      this.secondStep()
      return loss
    })
  }

  gradNorm(): Tensor {
    const norms = this.paramGroups.flatMap(({ adaptive, params }) =>
      params.filter((p) => p.grad !== null).map((p) => (adaptive ? abs(p).mul(p.grad!) : p.grad!).norm({ p: 2 })),
    )
    return norm(stack(norms), { p: 2 })
  }
}

class Lookahead {
  count = 0
  optimizer: optim.Optimizer
  k: number
  alpha: number
  slow: Tensor[][]

  constructor(optimizer: optim.Optimizer, k = 4, alpha = 0.5) {
    this.optimizer = optimizer
    this.k = k
    this.alpha = alpha
    this.slow = optimizer.paramGroups.map((g) => g.params.map((p) => p.clone().detach()))
  }

  step(): void {
    this.optimizer.step()
    if (++this.count % this.k === 0)
      for (const [i, g] of this.optimizer.paramGroups.entries())
        for (const [j, p] of g.params.entries()) {
          const q = this.slow[i][j]
          q.add_(p.data.sub(q), { alpha: this.alpha })
          p.data.copy_(q)
        }
  }
}

export function main(seed: number, out: Print): void {
  const print = (...values: unknown[]): void => out(...values.map(String))
  manualSeed(seed)
  const x = randn(64, 2)
  const y = x.at(':, 0').mul(x.at(':, 1')).gt(0).long()
  const lossFn = new nn.CrossEntropyLoss()
  const made = (): nn.Sequential<[nn.Linear, nn.ReLU, nn.BatchNorm1d, nn.Linear]> =>
    new nn.Sequential(new nn.Linear(2, 16), new nn.ReLU(), new nn.BatchNorm1d(16), new nn.Linear(16, 2))
  let model = made()
  for (const adaptive of [false, true]) {
    manualSeed(seed + 1)
    model = made()
    const decay = model.parameters().filter((p) => p.ndim > 1)
    const rest = model.parameters().filter((p) => p.ndim <= 1)
    const opt = new SAM([{ params: decay }, { params: rest, weightDecay: 0.0, rho: 0.1 }], optim.SGD, {
      rho: adaptive ? 0.5 : 0.05,
      adaptive,
      lr: 0.1,
      momentum: 0.9,
      weightDecay: 1e-3,
    })
    for (let epoch = 0; epoch < 12; epoch++) {
      const closure = (): Tensor => {
        const loss = lossFn.forward(model.forward(x), y)
        loss.backward()
        return loss
      }
      const first = closure()
      const second = opt.step(closure)
      opt.zeroGrad()
      if (epoch % 4 === 3) {
        const acc = model.forward(x).argmax(1).eq(y).float().mean()
        const rise = second.sub(first).item()
        print(
          `${epoch} ${first.item().toFixed(4)} ${second.item().toFixed(4)} ${rise < 0 ? '' : '+'}${rise.toFixed(4)} ${acc.item().toFixed(3)}`,
        )
      }
    }
    print(opt)
    const defaults = Object.keys(opt.defaults).map((name) => `'${name.replace('weightDecay', 'weight_decay')}'`)
    const sizes = opt.paramGroups.map((g) => g.params.length)
    print(opt.state.size, `[${sizes.join(', ')}]`, `[${defaults.sort().join(', ')}]`)
  }
  const base = new optim.Adam(model.parameters(), 0.05)
  const ahead = new Lookahead(base)
  let total = tensor(0)
  for (let k = 0; k < 9; k++) {
    base.zeroGrad({ setToNone: true })
    lossFn.forward(model.forward(x), y).backward()
    total = nn.utils.clipGradNorm_(model.parameters(), 1.0)
    ahead.step()
  }
  print(
    `${lossFn.forward(model.forward(x), y).item().toFixed(4)} ${total.item().toFixed(4)}`,
    ahead.count,
    ahead.slow[0][0].sum().item().toFixed(4),
  )
  try {
    new SAM(model.parameters(), optim.SGD, { rho: -1, lr: 0.1 })
  } catch (e) {
    print((e as Error).message)
  }
}
