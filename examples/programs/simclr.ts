// Contrastive learning (SimCLR): two views of each image, and the normalised temperature-scaled cross entropy.
import { arange, cat, empty, F, manualSeed, nn, noGrad, optim, randn, randnLike, type Tensor } from 'flambeau'
import type { Compile, Print } from './setting.ts'

function ntXent(z1: Tensor, z2: Tensor, t: number) {
  const n = z1.size(0)
  const z = F.normalize(cat([z1, z2]), { dim: 1 })
  const sim = z.matmul(z.t()).div(t)
  sim.fillDiagonal_(-Infinity)
  const target = cat([arange(n, 2 * n), arange(n)])
  return F.crossEntropy(sim, target)
}

export function main(seed: number, print: Print, compile: Compile): void {
  manualSeed(seed)
  const x = randn(8, 3, 6, 6)
  const enc = new nn.Sequential(
    new nn.Conv2d(3, 4, 3, { stride: 2, padding: 1, bias: false }),
    new nn.BatchNorm2d(4),
    new nn.ReLU({ inplace: true }),
    new nn.AdaptiveAvgPool2d([1, 1]),
    new nn.Flatten(),
  )
  const proj = new nn.Sequential(new nn.Linear(4, 8), new nn.ReLU(true), new nn.Linear(8, 4))
  const opt = new optim.SGD([...enc.parameters(), ...proj.parameters()], {
    lr: 0.1,
    momentum: 0.9,
    nesterov: true,
    weightDecay: 1e-4,
  })
  const step = compile((x: Tensor) => {
    const a = x.add(randnLike(x).mul(0.1))
    const b = x.flip(-1).mul(empty(8, 1, 1, 1).uniform_(0.8, 1.2))
    const loss = ntXent(proj.forward(enc.forward(a)), proj.forward(enc.forward(b)), 0.5)
    opt.zeroGrad()
    loss.backward()
    opt.step()
    return loss
  })
  for (let e = 0; e < 9; e++) {
    const loss = step(x)
    if (e % 3 === 2) print(loss.item().toFixed(4))
  }
  print(`${enc[1].runningMean} ${enc[1].numBatchesTracked}`)
  enc.eval()
  const [h, s] = noGrad(() => {
    const h = F.normalize(enc.forward(x))
    const s = h.matmul(h.T)
    const [v, i] = s.topk(3, { dim: 1 })
    print(JSON.stringify(i.tolist()).replace(/,/g, ', '))
    print(`${v.mean()}`)
    return [h, s]
  })
  print(
    F.cosineSimilarity(h.at(':', null), h.at(null), { dim: -1 }).sub(s).abs().max().lt(1e-6).item() ? 'True' : 'False',
  )
}
