// t-SNE: perplexities by bisection, early exaggeration, and the embedding itself as the parameter.
import {
  arange,
  bool,
  cat,
  cdist,
  exp,
  eye,
  F,
  log,
  manualSeed,
  max,
  noGrad,
  optim,
  randn,
  stack,
  type Tensor,
  tensor,
  zeros,
} from 'flambeau'
import type { Compile, Print } from './setting.ts'

function pairwise(X: Tensor) {
  const s = X.pow(2).sum(1)
  return s.at(':', null).add(s.at(null, ':')).sub(X.mul(2).matmul(X.T)).clamp({ min: 0 })
}

function hbeta(Drow: Tensor, beta: Tensor) {
  const P = exp(Drow.neg().mul(beta))
  const s = P.sum()
  return [log(s).add(beta.mul(Drow.mul(P).sum()).div(s)), P.div(s)]
}

export function main(seed: number, print: Print, compile: Compile): void {
  manualSeed(seed)
  const X = cat([0, 1, 2].map((i) => randn(8, 5).add(eye(5).at(i).mul(4))))
  const n = X.length
  const Dm = pairwise(X)
  let P = zeros(n, n)
  const keep = eye(n, { dtype: bool }).logicalNot()
  const logU = Math.log(5)
  const all: Tensor[] = []
  for (let i = 0; i < n; i++) {
    let lo: Tensor | null = null
    let hi: Tensor | null = null
    let beta = tensor(1.0)
    const Di = Dm.at(i).at(keep.at(i))
    let p!: Tensor
    for (let k = 0; k < 30; k++) {
      let H: Tensor
      ;[H, p] = hbeta(Di, beta)
      const d = H.sub(logU).item()
      if (Math.abs(d) < 1e-4) break
      if (d > 0) {
        lo = beta.clone()
        beta = hi === null ? beta.mul(2) : beta.add(hi).div(2)
      } else {
        hi = beta.clone()
        beta = lo === null ? beta.div(2) : beta.add(lo).div(2)
      }
    }
    P.setAt([i, keep.at(i)], p)
    all.push(beta)
  }
  const betas = stack(all)
  P = P.add(P.t()).div(2 * n)
  P = max(P, tensor([1e-12]))
  print(`${P.sum()}`, `${betas.std()}`, P.argmax().item())
  const Y = randn(n, 2).mul(1e-2).requiresGrad_()
  const opt = new optim.SGD([Y], { lr: 20, momentum: 0.5 })
  const step = compile((ex: Tensor) => {
    let num = pairwise(Y).add(1).reciprocal()
    num = num.maskedFill(eye(n, { dtype: bool }), 0)
    const Q = num.div(num.sum()).clampMin(1e-12)
    const kl = F.klDiv(Q.log(), P.mul(ex), { reduction: 'sum' }).div(ex)
    opt.zeroGrad()
    kl.backward()
    opt.step()
    return kl
  })
  for (let it = 0; it < 40; it++) {
    if (it === 20) opt.paramGroups[0].momentum = 0.8
    const kl = step(tensor(it < 15 ? 4 : 1))
    noGrad(() => Y.sub_(Y.mean(0)))
    if (it % 10 === 9) print(`${it} ${kl.item().toFixed(4)} ${Y.grad!.norm().item().toFixed(5)}`)
  }
  const lab = arange(3).repeatInterleave(8)
  const near = cdist(Y.detach(), Y.detach()).fillDiagonal_(Infinity).argmin(1)
  print(`${lab.at(near).eq(lab).float().mean()}`)
}
