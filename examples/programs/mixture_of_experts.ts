// A mixture of experts by topk, and vector quantisation with a straight-through gradient and moving averages.
import { exp, F, log, manualSeed, nn, noGrad, ones, optim, randn, type Tensor, topk, zeros, zerosLike } from 'flambeau'
import type { Print } from './setting.ts'

class VQ extends nn.Module {
  declare code: Tensor
  declare n: Tensor
  declare s: Tensor
  readonly K: number
  readonly decay: number
  constructor(K: number, d: number, decay = 0.9) {
    super()
    this.K = K
    this.decay = decay
    this.registerBuffer('code', randn(K, d))
    this.registerBuffer('n', ones(K))
    this.registerBuffer('s', this.code.clone())
  }
  forward(z: Tensor) {
    const dist = z.pow(2).sum(1, { keepdim: true }).sub(z.mul(2).matmul(this.code.t())).add(this.code.pow(2).sum(1))
    const idx = dist.argmin(1)
    const hot = F.oneHot(idx, this.K).typeAs(z)
    let q = F.embedding(idx, this.code)
    if (this.training)
      noGrad(() => {
        this.n.mul_(this.decay).add_(hot.sum(0), { alpha: 1 - this.decay })
        this.s.mul_(this.decay).add_(hot.t().matmul(z), { alpha: 1 - this.decay })
        const n = this.n.sum()
        const c = this.n
          .add(1e-5)
          .div(n.add(this.K * 1e-5))
          .mul(n)
        this.code.copy_(this.s.div(c.unsqueeze(1)))
      })
    const commit = F.mseLoss(q.detach(), z)
    q = z.add(q.sub(z).detach())
    const p = hot.mean(0)
    const perp = exp(
      p
        .mul(log(p.add(1e-10)))
        .sum()
        .neg(),
    )
    return [q, commit, perp]
  }
}

class MoE extends nn.Module {
  gate
  experts
  readonly k: number
  constructor(d: number, E: number, k: number) {
    super()
    this.k = k
    this.gate = new nn.Linear(d, E, { bias: false })
    this.experts = new nn.ModuleList(
      Array.from({ length: E }, () => new nn.Sequential(new nn.Linear(d, d), new nn.SiLU())),
    )
  }
  forward(x: Tensor) {
    const [g, idx] = topk(this.gate.forward(x), this.k, { dim: -1 })
    const w = zeros(x.size(0), this.experts.length).scatter(1, idx, g.softmax(-1))
    const out = zerosLike(x)
    let e = 0
    for (const ex of this.experts) {
      const [rows] = idx.eq(e).any(-1).nonzero({ asTuple: true })
      if (rows.numel()) out.indexAdd_(0, rows, ex.forward(x.at(rows)).mul(w.at(rows, e, null)))
      e++
    }
    return [out, w.sum(0).var()]
  }
}

export function main(seed: number, print: Print): void {
  manualSeed(seed)
  const x = randn(20, 4)
  const moe = new MoE(4, 3, 2)
  const vq = new VQ(5, 4)
  const dec = new nn.Linear(4, 4)
  const opt = new optim.Adam([...moe.parameters(), ...dec.parameters()], { lr: 0.02 })
  for (let e = 0; e < 9; e++) {
    const [h, bal] = moe.forward(x)
    const [q, c, perp] = vq.forward(h)
    const loss = F.mseLoss(dec.forward(q), x).add(c.mul(0.25)).add(bal.mul(0.01))
    opt.zeroGrad()
    loss.backward()
    opt.step()
    if (e % 4 === 0) print(`${loss.item().toFixed(4)} ${perp.item().toFixed(3)} ${bal.item().toFixed(4)}`)
  }
  print(
    `${vq.n} [${[...vq.stateDict().keys()]
      .sort()
      .map((k) => `'${k}'`)
      .join(', ')}]`,
  )
}
