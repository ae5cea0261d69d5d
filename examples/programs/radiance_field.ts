// A radiance field in two dimensions: positional encoding, stratified and importance sampling, volume rendering.
import {
  arange,
  cat,
  cumprod,
  einsum,
  exp,
  F,
  fullLike,
  gather,
  linspace,
  manualSeed,
  nn,
  noGrad,
  onesLike,
  optim,
  rand,
  randn,
  searchsorted,
  sort,
  stack,
  type Tensor,
  tensor,
  where,
} from 'flambeau'
import type { Compile, Print } from './setting.ts'

const show = (x: unknown): string =>
  Array.isArray(x) ? `[${x.map(show).join(', ')}]` : x === true ? 'True' : x === false ? 'False' : `${x}`

function encode(x: Tensor, levels = 4) {
  const freqs = tensor(2).pow(arange(levels))
  const angles = x.at('...', null).mul(freqs)
  return cat([x, angles.sin().flatten(-2), angles.cos().flatten(-2)], { dim: -1 })
}

class Field extends nn.Module {
  first: nn.Sequential
  second: nn.Sequential

  constructor(levels = 4, width = 16) {
    super()
    const cin = 2 + 2 * 2 * levels
    const soft = () => new nn.Softplus({ beta: 10 })
    this.first = new nn.Sequential(new nn.Linear(cin, width), soft(), new nn.Linear(width, width), soft())
    this.second = new nn.Sequential(new nn.Linear(width + cin, width), soft(), new nn.Linear(width, 4))
    for (const m of this.modules())
      if (m instanceof nn.Linear) {
        nn.init.xavierUniform_(m.weight, { gain: nn.init.calculateGain('relu') })
        m.bias!.data.fill_(0.01)
      }
  }

  forward(x: Tensor): [Tensor, Tensor] {
    const e = encode(x)
    const out = this.second.forward(cat([this.first.forward(e), e], -1))
    return [out.at('..., :3').sigmoid(), F.softplus(out.at('..., 3').sub(1))]
  }
}

function render(field: Field, origins: Tensor, dirs: Tensor, t: Tensor) {
  const points = origins.at(':, None, :').add(dirs.at(':, None, :').mul(t.at('..., None')))
  const [rgb, sigma] = field.forward(points)
  const delta = cat([t.diff({ dim: -1 }), fullLike(t.at(':, :1'), 0.5)], { dim: -1 })
  const alpha = tensor(1).sub(exp(sigma.neg().mul(delta)))
  const trans = cumprod(cat([onesLike(alpha.at(':, :1')), tensor(1).sub(alpha).add(1e-10)], -1), -1).at(':, :-1')
  const weights = alpha.mul(trans)
  return [einsum('rs,rsc->rc', weights, rgb), weights, weights.mul(t).sum(-1)] as const
}

function samplePdf(bins: Tensor, weights: Tensor, n: number) {
  const pdf = weights.add(1e-5).div(weights.add(1e-5).sum(-1, { keepdim: true }))
  const cdf = F.pad(pdf.cumsum(-1), [1, 0])
  const u = rand(cdf.shape[0], n)
  const idx = searchsorted(cdf.detach(), u, { right: true })
  const [below, above] = [idx.sub(1).clamp({ min: 0 }), idx.clamp({ max: cdf.shape[1] - 1 })]
  const [c0, c1] = [gather(cdf, 1, below), gather(cdf, 1, above)]
  const b0 = gather(bins, 1, below.clamp({ max: bins.shape[1] - 1 }))
  const b1 = gather(bins, 1, above.clamp({ max: bins.shape[1] - 1 }))
  const denom = where(c1.sub(c0).lt(1e-5), onesLike(c0), c1.sub(c0))
  return b0.add(u.sub(c0).div(denom).mul(b1.sub(b0)))
}

export function main(seed: number, print: Print, compile: Compile): void {
  manualSeed(seed)
  const angles = linspace(0, 2 * Math.PI, 13).at(':-1')
  const origins = stack([angles.cos(), angles.sin()], 1).mul(3)
  const dirs = F.normalize(origins.neg().add(randn(12, 2).mul(0.2)), { dim: -1 })
  const target = stack([angles.sin().add(1).div(2), angles.cos().add(1).div(2), fullLike(angles, 0.3)], -1)
  const field = new Field()
  const opt = new optim.Adam(field.parameters(), { lr: 5e-3, eps: 1e-7 })
  const sched = new optim.lrScheduler.LambdaLR(opt, { lrLambda: (it) => 0.1 ** (it / 20) })
  const base = linspace(1.5, 4.5, 9)
  const [lower, upper] = [base.at(':-1'), base.at('1:')]
  const step = compile((t: Tensor) => {
    const [color, weights] = render(field, origins, dirs, t)
    const loss = F.mseLoss(color, target)
    opt.zeroGrad()
    loss.backward()
    opt.step()
    return [loss, weights] as const
  })
  let [t, weights]: Tensor[] = []
  for (let it = 0; it < 10; it++) {
    t = lower.add(upper.sub(lower).mul(rand(12, 8)))
    const [loss, w] = step(t)
    weights = w
    sched.step()
    if (it % 3 === 0) {
      const psnr = -10 * Math.log10(loss.item())
      print(`${it} ${loss.item().toFixed(5)} psnr ${psnr.toFixed(3)} lr ${opt.paramGroups[0].lr.toFixed(6)}`)
    }
  }
  noGrad(() => {
    const mids = t.at(':, 1:').add(t.at(':, :-1')).mul(0.5)
    const fine = samplePdf(mids, weights.at(':, 1:-1'), 5)
    const [both, order] = sort(cat([t, fine], { dim: -1 }), { dim: -1 })
    const [color, w, depth] = render(field, origins, dirs, both)
    print(`${both.size()}`, show((order.ge(8).sum(-1).tolist() as number[]).every((n) => n === 5)))
    print(
      F.mseLoss(color, target).item().toFixed(4),
      `${depth.at(':3')}`,
      `${w
        .sum(-1)
        .max()
        .le(1 + 1e-6)}`,
    )
  })
}
