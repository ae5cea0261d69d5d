// An optimizer of one's own (Lion) with groups, slow weights around it, and a schedule of one's own with a warm-up.
import {
  enableGrad,
  equal,
  F,
  manualSeed,
  nn,
  noGrad,
  optim,
  randn,
  sign,
  type Tensor,
  ValueError,
  zeros,
  zerosLike,
} from 'flambeau'
import type { Print } from './setting.ts'

type Betas = [number, number]

class Lion extends optim.Optimizer<
  { lr: number; betas: Betas; weightDecay: number },
  { expAvg: Tensor; step: number }
> {
  constructor(
    params: optim.Params<{ lr: number; betas: Betas; weightDecay: number }>,
    { lr = 1e-4, betas = [0.9, 0.99] as Betas, weightDecay = 0.0 } = {},
  ) {
    if (!(lr >= 0)) throw new ValueError(`Invalid learning rate: ${lr}`)
    super(params, { lr, betas, weightDecay })
  }

  override step(): void
  override step<L>(closure: () => L): L
  override step<L>(closure?: () => L): L | undefined {
    return noGrad(() => {
      const loss = closure && enableGrad(closure)
      for (const group of this.paramGroups) {
        for (const p of group.params) {
          if (p.grad === null) continue
          p.data.mul_(1 - group.lr * group.weightDecay)
          const grad = p.grad
          let state = this.state.get(p)
          if (state === undefined) this.state.set(p, (state = { expAvg: zerosLike(p), step: 0 }))
          state.step += 1
          const { expAvg } = state
          const [beta1, beta2] = group.betas
          const update = expAvg.mul(beta1).add(grad.mul(1 - beta1))
          p.add_(sign(update), { alpha: -group.lr })
          expAvg.mul_(beta2).add_(grad, { alpha: 1 - beta2 })
        }
      }
      return loss
    })
  }
}

class Lookahead {
  n = 0
  slow: Tensor[][]
  base: Lion
  k: number
  alpha: number

  constructor(base: Lion, k = 3, alpha = 0.5) {
    this.base = base
    this.k = k
    this.alpha = alpha
    this.slow = base.paramGroups.map((g) => g.params.map((p) => p.clone().detach()))
  }

  zeroGrad() {
    this.base.zeroGrad()
  }

  step() {
    this.base.step()
    this.n += 1
    if (this.n % this.k) return
    for (const [i, { params }] of this.base.paramGroups.entries()) {
      for (const [j, p] of params.entries()) {
        const q = this.slow[i][j]
        q.data.add_(p.data.sub(q.data), { alpha: this.alpha })
        p.data.copy_(q.data)
      }
    }
  }
}

class WarmupCosine extends optim.lrScheduler.LRScheduler {
  warmup: number
  total: number

  constructor(optimizer: Lion, warmup: number, total: number, lastEpoch = -1) {
    super(optimizer, { lastEpoch })
    this.warmup = warmup
    this.total = total
    this.start()
  }

  override getLr() {
    const s = this.lastEpoch
    if (s < this.warmup) return this.baseLrs.map((b) => (b * (s + 1)) / this.warmup)
    const q = (s - this.warmup) / (this.total - this.warmup)
    return this.baseLrs.map((b) => b * 0.5 * (1 + Math.cos(Math.PI * q)))
  }
}

const py = (b: boolean) => (b ? 'True' : 'False')

export function main(seed: number, print: Print): void {
  manualSeed(seed)
  const first = new nn.Linear(5, 8)
  const last = new nn.Linear(8, 1)
  const net = new nn.Sequential(first, new nn.Hardswish(), last)
  const x = randn(20, 5)
  const y = x.pow(2).sum(1, { keepdim: true })
  const opt = new Lion([{ params: first.parameters() }, { params: last.parameters(), lr: 0.005 }], {
    lr: 0.01,
    weightDecay: 0.1,
  })
  print(`${opt}`)
  const sched = new WarmupCosine(opt, 4, 20)
  const la = new Lookahead(opt)
  for (let e = 0; e < 20; e++) {
    const loss = F.mseLoss(net.forward(x), y)
    la.zeroGrad()
    loss.backward()
    la.step()
    sched.step()
    if (e % 6 === 0)
      print(
        loss.item().toFixed(5),
        `[${sched
          .getLastLr()
          .map((v) => `'${v.toFixed(6)}'`)
          .join(', ')}]`,
      )
  }
  const closure = () => {
    opt.zeroGrad()
    const l = F.l1Loss(net.forward(x), y)
    l.backward()
    return l
  }
  print(opt.step(closure).item().toFixed(5))
  const sd = opt.stateDict()
  print(
    `[${Object.keys(sd.state).join(', ')}]`,
    sd.state[0].step as number,
    `[${(sd.state[1].expAvg as Tensor).shape.join(', ')}]`,
    `[${sd.paramGroups.map((g) => `[${g.params.join(', ')}]`).join(', ')}]`,
  )
  const other = new Lion([{ params: [...first.parameters()] }, { params: [...last.parameters()] }])
  other.loadStateDict(sd)
  print(
    py(other.paramGroups[1].lr === opt.paramGroups[1].lr),
    py(equal(other.state.get(first.weight)!.expAvg, opt.state.get(first.weight)!.expAvg)),
  )
  const extra = new nn.Parameter(zeros(3))
  other.addParamGroup({ params: extra, weightDecay: 0.5 })
  print(other.paramGroups.length, other.paramGroups[2].weightDecay, `(${other.defaults.betas.join(', ')})`)
  const chained = new optim.lrScheduler.ChainedScheduler([
    new optim.lrScheduler.ConstantLR(other, { factor: 0.1, totalIters: 2 }),
    new optim.lrScheduler.ExponentialLR(other, { gamma: 0.9 }),
  ])
  for (let i = 0; i < 4; i++) {
    other.step()
    chained.step()
  }
  print(
    `[${chained
      .getLastLr()
      .map((v) => `'${v.toFixed(7)}'`)
      .join(', ')}]`,
  )
}
