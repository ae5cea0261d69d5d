// Survival analysis: Cox's partial likelihood over sets at risk, ties, censoring, concordance, and a baseline hazard.
import {
  arange,
  autograd,
  bucketize,
  cumprod,
  distributions,
  exp,
  full,
  log,
  logcumsumexp,
  manualSeed,
  minimum,
  nn,
  noGrad,
  optim,
  randn,
  searchsorted,
  sort,
  type Tensor,
  tensor,
  unique,
  zerosLike,
} from 'flambeau'
import type { Print } from './setting.ts'

const { Weibull, Exponential } = distributions

function coxLoss(risk: Tensor, time: Tensor, event: Tensor): Tensor {
  const order = sort(time, { stable: true, descending: true }).indices
  risk = risk.at(order)
  event = event.at(order)
  const logCum = logcumsumexp(risk, { dim: 0 })
  return risk
    .sub(logCum)
    .mul(event)
    .sum()
    .neg()
    .div(event.sum().clamp({ min: 1 }))
}

function efronLoss(risk: Tensor, time: Tensor, event: Tensor): Tensor {
  let total = risk.newZeros([])
  for (const t of unique(time.at(event.bool()))) {
    const dead = time.eq(t).logicalAnd(event.bool())
    const atRisk = time.ge(t)
    const d = dead.sum().item()
    const [allRisk, tied] = [risk.at(atRisk).exp().sum(), risk.at(dead).exp().sum()]
    const steps = arange(d).div(d)
    total = total.add(risk.at(dead).sum()).sub(log(allRisk.sub(steps.mul(tied))).sum())
  }
  return total.neg().div(event.sum())
}

function concordance(risk: Tensor, time: Tensor, event: Tensor): Tensor {
  const earlier = time.at(':', null).lt(time.at(null, ':')).bitwiseAnd(event.at(':', null).bool())
  const right = risk.at(':', null).gt(risk.at(null, ':')).bitwiseAnd(earlier)
  const same = risk.at(':', null).eq(risk.at(null, ':')).bitwiseAnd(earlier)
  return right.sum().add(same.sum().mul(0.5)).div(earlier.sum())
}

export function main(seed: number, out: Print): void {
  const print = (...values: unknown[]): void => out(...values.map(String))
  const float = (x: number): string => (Number.isInteger(x) ? x.toFixed(1) : String(x))
  manualSeed(seed)
  const [n, d] = [80, 4]
  const x = randn(n, d)
  const beta = tensor([1.0, -0.8, 0.0, 0.5])
  const life = new Weibull({ scale: exp(x.matmul(beta).neg()), concentration: tensor(1.5) }).sample()
  const censor = new Exponential(full([n], 0.3)).sample()
  const time = minimum(life, censor).mul(4).ceil().div(4)
  const event = life.le(censor).float()
  print(
    `${event.sum().item()} events, ${tensor(1).sub(event).mean().mul(100).item().toFixed(2)}% censored, ${time.unique().numel()} times, longest ${float(time.max().item())}`,
  )
  const model = new nn.Linear(d, 1, { bias: false })
  nn.init.zeros_(model.weight)
  let risk = tensor(0)
  for (const [name, criterion] of Object.entries({ breslow: coxLoss, efron: efronLoss })) {
    const opt = new optim.LBFGS(model.parameters(), { lr: 0.5, maxIter: 10 })
    const closure = (): Tensor => {
      opt.zeroGrad()
      const loss = criterion(model.forward(x).squeeze(-1), time, event).add(model.weight.pow(2).sum().mul(1e-3))
      loss.backward()
      return loss
    }
    let loss = tensor(0)
    for (let epoch = 0; epoch < 3; epoch++) loss = opt.step(closure)
    noGrad(() => {
      risk = model.forward(x).squeeze(1)
      print(
        `${name.padStart(8)} ${loss.item().toFixed(4)} ${criterion(risk, time, event).item().toFixed(4)} c ${concordance(risk, time, event).item().toFixed(4)}`,
      )
    })
    print(...(model.weight.flatten().tolist() as number[]).map((w) => (w < 0 ? '' : '+') + w.toFixed(3)))
  }
  const weight = model.weight.detach().at(0)
  const partial = (w: Tensor): Tensor => coxLoss(x.matmul(w), time, event).mul(event.sum())
  const se = autograd.functional.hessian(partial, weight).inverse().diagonal().sqrt()
  print('z', weight.div(se))
  const [times, where, counts] = unique(time, { returnInverse: true, returnCounts: true })
  const deaths = zerosLike(times).indexAdd_(0, where, event)
  const hazards = zerosLike(times).indexAdd(0, where, risk.exp())
  const atRisk = hazards.flip(0).cumsum(0).flip(0)
  const hazard = deaths.div(atRisk).cumsum(0)
  const survival = exp(hazard.neg()).at(null).pow(risk.at(':3', null).exp())
  print(times.at(':5'), counts.at(':5'), deaths.at(':5'))
  print(survival.at(':, ::3'))
  const km = cumprod(tensor(1).sub(deaths.div(counts.flip(0).cumsum(0).flip(0))), { dim: 0 })
  print(km.at('-4:'), float(times.at(searchsorted(km.neg(), tensor(-0.5))).item()))
  const groups = bucketize(risk, risk.quantile(tensor([1 / 3, 2 / 3])))
  for (let g = 0; g < 3; g++) {
    const m = groups.eq(g)
    print(g, m.sum().item(), float(time.at(m).median().item()), event.at(m).mean().item().toFixed(3))
  }
}
