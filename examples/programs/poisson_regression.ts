// Poisson regression: counts drawn in every step from a model's rates, and fitted by the Poisson loss.
import { binomial, exp, full, manualSeed, nn, noGrad, optim, poisson, randn, sigmoid, tensor, zeros } from 'flambeau'
import type { Compile, Print } from './setting.ts'

export function main(seed: number, print: Print, compile: Compile): void {
  manualSeed(seed)
  const truth = tensor([[0.8], [-0.5], [0.3]])
  const model = new nn.Linear(3, 1)
  const criterion = new nn.PoissonNLLLoss()
  const optimizer = new optim.Adam(model.parameters(), { lr: 0.05 })
  const total = zeros([])

  const step = compile(() => {
    const x = randn(64, 3)
    const counts = poisson(exp(x.matmul(truth).add(0.5)))
    optimizer.zeroGrad()
    const loss = criterion.forward(model.forward(x), counts)
    loss.backward()
    optimizer.step()
    noGrad(() => total.add_(counts.sum()))
    return loss
  })
  for (let epoch = 1; epoch <= 90; epoch++) {
    const loss = step()
    if (epoch % 30 === 0) print(`epoch ${epoch} loss ${loss.item().toFixed(4)} counts ${total.item()}`)
  }
  print('weight', ...(model.weight.flatten().tolist() as number[]).map((w) => w.toFixed(3)))
  print(`bias ${model.bias!.item().toFixed(3)}`)
  const trials = binomial(full([1000], 10), sigmoid(model.bias!.detach()).expand(1000))
  print(`mean ${trials.mean().item().toFixed(3)} variance ${trials.var().item().toFixed(3)}`)
}
