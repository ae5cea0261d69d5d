// A hidden Markov model: the forward algorithm in logarithms, Viterbi paths, and posteriors as gradients.
import {
  autograd,
  distributions as D,
  F,
  gather,
  logsumexp,
  long,
  manualSeed,
  max,
  multinomial,
  nn,
  noGrad,
  ones,
  optim,
  randn,
  type Tensor,
  tensor,
  zeros,
} from 'flambeau'
import type { Compile, Print } from './setting.ts'

class HMM extends nn.Module {
  start: nn.Parameter
  trans: nn.Parameter
  emit: nn.Parameter
  K: number

  constructor(K: number, V: number) {
    super()
    this.K = K
    this.start = new nn.Parameter(randn(K))
    this.trans = new nn.Parameter(randn(K, K))
    this.emit = new nn.Parameter(randn(K, V))
  }

  forward(x: Tensor, lengths: Tensor) {
    const A = F.logSoftmax(this.trans, { dim: 1 })
    const B = F.logSoftmax(this.emit, { dim: 1 })
    const [n, T] = x.shape
    const alpha = zeros(n, T, this.K)
    alpha.setAt(':, 0', F.logSoftmax(this.start, 0).add(B.at(':', x.at(':, 0')).t()))
    for (let t = 1; t < T; t++)
      alpha.setAt(
        [':', t],
        logsumexp(
          alpha
            .at(':', t - 1)
            .clone()
            .unsqueeze(2)
            .add(A),
          { dim: 1 },
        ).add(B.at(':', x.at(':', t)).t()),
      )
    const last = alpha.logsumexp({ dim: 2 })
    return gather(last, 1, lengths.view(-1, 1).sub(1)).squeeze(1)
  }

  viterbi(x: Tensor): [number[], Tensor] {
    return noGrad(() => {
      const A = F.logSoftmax(this.trans, 1)
      const B = F.logSoftmax(this.emit, 1)
      let delta = F.logSoftmax(this.start, 0).add(B.at(':', x.at(0)))
      const back: Tensor[] = []
      for (let t = 1; t < x.length; t++) {
        const [score, ind] = max(delta.unsqueeze(1).add(A), { dim: 0 })
        delta = score.add(B.at(':', x.at(t)))
        back.push(ind)
      }
      const [best, z] = delta.max(0)
      const path = [z.item()]
      for (const ind of back.reverse()) path.unshift(ind.at(path[0]).item())
      return [path, best]
    })
  }
}

export function main(seed: number, print: Print, compile: Compile): void {
  manualSeed(seed)
  const trueTrans = tensor([
    [0.9, 0.1],
    [0.2, 0.8],
  ])
  const trueEmit = tensor([
    [0.7, 0.2, 0.1],
    [0.05, 0.15, 0.8],
  ])
  const seqs: Tensor[] = []
  const lens: number[] = []
  for (let i = 0; i < 6; i++) {
    let z = multinomial(tensor([0.5, 0.5]), 1).item()
    const T = 8 + i
    const s: number[] = []
    for (let t = 0; t < T; t++) {
      s.push(multinomial(trueEmit.at(z), 1).item())
      z = new D.Categorical(trueTrans.at(z)).sample().item()
    }
    seqs.push(tensor(s, { dtype: long }))
    lens.push(T)
  }
  const x = nn.utils.rnn.padSequence(seqs, { batchFirst: true, paddingValue: 0 })
  const lengths = tensor(lens, { dtype: long })
  print(`${x}`)
  const model = new HMM(2, 3)
  const opt = new optim.Adam(model.parameters(), { lr: 0.1 })
  const step = compile(() => {
    const nll = model.forward(x, lengths).mean().neg()
    opt.zeroGrad()
    nll.backward()
    opt.step()
    return nll
  })
  const round = (v: number) => Math.round(v * 1e4) / 1e4
  for (let it = 0; it < 25; it++) {
    const nll = step()
    if (it % 8 === 0)
      print(it, round(nll.item()), `[${[...model.parameters()].map((p) => round(p.grad!.norm().item())).join(', ')}]`)
  }
  const [path, best] = model.viterbi(seqs.at(-1)!)
  print(`[${path.join(', ')}]`, `${best}`)
  print(`${model.trans.softmax(1).detach()}\n${F.softmax(model.emit.data, { dim: -1 })}`)
  const e = F.logSoftmax(model.emit, 1).detach().at(':', seqs[0]).t().requiresGrad_()
  let a = F.logSoftmax(model.start, 0).add(e.at(0))
  for (let t = 1; t < e.shape[0]; t++) a = logsumexp(a.at(':', null).add(F.logSoftmax(model.trans, 1)), 0).add(e.at(t))
  const [g] = autograd.grad(a.logsumexp(0), e)
  print(g.sum(1).allclose(ones(8)) ? 'True' : 'False', `${g.at(':2')}`)
}
