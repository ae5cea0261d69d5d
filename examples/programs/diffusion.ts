// Denoising diffusion (DDPM) of points on a circle: a schedule, a network that predicts noise, averaged weights.
import {
  cumprod,
  F,
  full,
  inferenceMode,
  linspace,
  long,
  manualSeed,
  nn,
  noGrad,
  optim,
  rand,
  randint,
  randn,
  randnLike,
  randperm,
  stack,
  sub,
  tensor,
  type Tensor,
} from 'flambeau'
import type { Compile, Print } from './setting.ts'

class Block extends nn.Module {
  ff: nn.Linear
  act = new nn.SiLU()
  constructor(d: number) {
    super()
    this.ff = new nn.Linear(d, d)
  }

  forward(x: Tensor) {
    return x.add(this.act.forward(this.ff.forward(x)))
  }
}

class Denoiser extends nn.Module {
  time: nn.Embedding
  inp: nn.Linear
  mid: nn.Sequential
  out: nn.Linear
  constructor(T: number, d = 24) {
    super()
    this.time = new nn.Embedding(T, d)
    this.inp = new nn.Linear(2, d)
    this.mid = new nn.Sequential(...[0, 1].map(() => new Block(d)))
    this.out = new nn.Linear(d, 2)
  }

  forward(x: Tensor, t: Tensor) {
    return this.out.forward(this.mid.forward(this.inp.forward(x).add(this.time.forward(t))))
  }
}

class EMA {
  shadow: Map<string, Tensor>
  decay: number

  constructor(model: nn.Module, decay: number) {
    this.decay = decay
    this.shadow = new Map([...model.stateDict()].map(([k, v]) => [k, v.clone()]))
  }

  update(model: nn.Module) {
    noGrad(() => {
      for (const [k, v] of model.stateDict())
        this.shadow
          .get(k)!
          .mul_(this.decay)
          .add_(v, { alpha: 1 - this.decay })
    })
  }
}

export function main(seed: number, print: Print, compile: Compile): void {
  manualSeed(seed)
  const T = 20
  const betas = linspace(1e-4, 0.2, T)
  const alphas = tensor(1).sub(betas)
  const abar = cumprod(alphas, { dim: 0 })
  const abarPrev = F.pad(abar.at(':-1'), [1, 0], { value: 1 })
  const postVar = betas.mul(tensor(1).sub(abarPrev)).div(tensor(1).sub(abar))
  print(`${abar.at(':4')}`, `${postVar.at(':4')}`)
  const extract = (a: Tensor, t: Tensor, shape: readonly number[]) =>
    a.gather(-1, t).reshape(t.shape[0], ...Array(shape.length - 1).fill(1))
  const theta = rand(64).mul(2).mul(Math.PI)
  const data = stack([theta.cos(), theta.sin()], { dim: -1 }).mul(2).add(randn(64, 2).mul(0.05))
  const model = new Denoiser(T)
  const ema = new EMA(model, 0.9)
  const opt = new optim.AdamW(model.parameters(), { lr: 5e-3, weightDecay: 1e-2 })
  const train = compile((x0: Tensor, t: Tensor) => {
    const noise = randnLike(x0)
    const xt = extract(abar.sqrt(), t, x0.shape)
      .mul(x0)
      .add(extract(sub(1, abar).sqrt(), t, x0.shape).mul(noise))
    const loss = F.smoothL1Loss(model.forward(xt, t), noise)
    opt.zeroGrad()
    loss.backward()
    nn.utils.clipGradNorm_(model.parameters(), 1)
    opt.step()
    return loss
  })
  for (let step = 0; step < 40; step++) {
    const idx = randperm(64).at(':32')
    const x0 = data.at(idx)
    const t = randint(0, T, [32]).long()
    const loss = train(x0, t)
    ema.update(model)
    if (step % 10 === 9) print(`step ${String(step).padStart(3)} loss ${loss.item().toFixed(5)}`)
  }
  model.loadStateDict(ema.shadow)
  model.eval()
  inferenceMode(() => {
    let x = randn(8, 2)
    for (let i = T - 1; i >= 0; i--) {
      const t = full([8], i, { dtype: long })
      const mean = x
        .sub(
          extract(betas, t, x.shape)
            .mul(model.forward(x, t))
            .div(extract(sub(1, abar).sqrt(), t, x.shape)),
        )
        .div(extract(alphas.sqrt(), t, x.shape))
      x = mean.add(i > 0 ? extract(postVar, t, x.shape).sqrt().mul(randnLike(x)) : 0)
    }
    print(`${x.at(':3')}`, `${x.norm({ dim: 1 }).mean()}`, x.isInference() ? 'True' : 'False')
  })
}
