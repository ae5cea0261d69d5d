// Proximal policy optimisation: Categorical, Normal and Beta policies at once, advantages by GAE, clipped ratios.
import {
  clamp,
  distributions as D,
  F,
  manualSeed,
  min,
  nn,
  noGrad,
  ones,
  optim,
  randn,
  tensor,
  type Tensor,
  zeros,
} from 'flambeau'
import type { Compile, Print } from './setting.ts'

export function main(seed: number, print: Print, compile: Compile): void {
  manualSeed(seed)
  const body = new nn.Sequential(new nn.Linear(3, 16), new nn.Tanh())
  const pi = new nn.Linear(16, 4)
  const mu = new nn.Linear(16, 2)
  const logStd = new nn.Parameter(zeros(2))
  const shape = new nn.Linear(16, 2)
  const v = new nn.Linear(16, 1)
  for (const l of [pi, mu, v]) {
    nn.init.orthogonal_(l.weight, 0.01)
    nn.init.zeros_(l.bias!)
  }
  const params = [
    ...body.parameters(),
    ...pi.parameters(),
    ...mu.parameters(),
    logStd,
    ...shape.parameters(),
    ...v.parameters(),
  ]
  const opt = new optim.Adam(params, { lr: 3e-3, eps: 1e-5 })
  const obs = randn(10, 3)
  const dists = () => {
    const h = body.forward(obs)
    const a = F.softplus(shape.forward(h)).add(1)
    return [
      new D.Categorical({ logits: pi.forward(h) }),
      new D.Independent(new D.Normal(mu.forward(h), logStd.exp().expand(10, 2)), 1),
      new D.Beta(a.at(':, 0'), a.at(':, 1')),
      v.forward(h).squeeze(-1),
    ] as const
  }
  const [chosen, moved, mixed, old, advantage, ret] = noGrad(() => {
    const [c, n, b, val] = dists()
    const chosen = c.sample()
    const moved = n.sample()
    const mixed = b.sample()
    const old = c.logProb(chosen).add(n.logProb(moved)).add(b.logProb(mixed))
    const r = chosen.eq(2).float().sub(moved.pow(2).sum(-1)).add(mixed)
    let advantage = zeros(10)
    let last: Tensor = zeros([])
    for (let t = 9; t >= 0; t--) {
      const following = t < 9 ? val.at(t + 1) : zeros([])
      const delta = r.at(t).add(following.mul(0.99)).sub(val.at(t))
      last = delta.add(last.mul(0.99 * 0.95))
      advantage.setAt(t, last)
    }
    const ret = advantage.add(val)
    advantage = advantage.sub(advantage.mean()).div(advantage.std().add(1e-8))
    return [chosen, moved, mixed, old, advantage, ret]
  })
  print(`[${(chosen.tolist() as number[]).join(', ')}] ${old.mean()}`)
  const step = compile(() => {
    const [c, n, b, val] = dists()
    const logProb = c.logProb(chosen).add(n.logProb(moved)).add(b.logProb(mixed))
    const ratio = logProb.sub(old).exp()
    const policyLoss = min(ratio.mul(advantage), clamp(ratio, 0.8, 1.2).mul(advantage))
      .mean()
      .neg()
    const valueLoss = F.mseLoss(val, ret).mul(0.5)
    const entropy = c.entropy().add(n.entropy()).add(b.entropy()).mean()
    const kl = old.sub(logProb).mean()
    const loss = policyLoss.add(valueLoss.mul(0.5)).sub(entropy.mul(0.01))
    opt.zeroGrad()
    loss.backward()
    const norm = nn.utils.clipGradNorm_(params, 0.5)
    opt.step()
    return [loss, kl, entropy, norm]
  })
  for (let k = 0; k < 8; k++) {
    const [loss, kl, entropy, norm] = step()
    if (k % 3 === 1)
      print(`${loss.item().toFixed(4)} ${kl.item().toFixed(5)} ${entropy.item().toFixed(4)} ${norm.item().toFixed(4)}`)
  }
  const coins = [{ logits: tensor([0.1, 0.2]) }, { probs: tensor([0.5, 0.5]) }].map((by) => new D.Categorical(by))
  const shares = [new D.Beta(tensor(2), tensor(3)), new D.Beta(tensor(1), tensor(1))]
  print(`${D.klDivergence(coins[0], coins[1])} ${D.klDivergence(shares[0], shares[1])}`)
  const transforms = [new D.TanhTransform({ cacheSize: 1 }), new D.AffineTransform(1, 2)]
  const t = new D.TransformedDistribution(new D.Normal(zeros(2), ones(2)), transforms)
  const a = t.rsample()
  print(`${a} ${t.logProb(a).sum()}`)
  print(`${t}`)
}
