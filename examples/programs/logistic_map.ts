// The rate of a logistic map, fitted through its own iterations by gradients.
import { F, manualSeed, optim, rand, stack, type Tensor, tensor } from 'flambeau'
import type { Compile, Print } from './setting.ts'

function orbit(r: Tensor, x: Tensor, steps: number): Tensor {
  const xs: Tensor[] = []
  for (let i = 0; i < steps; i++) {
    x = r.mul(x).mul(tensor(1).sub(x))
    xs.push(x)
  }
  return stack(xs)
}

export function main(seed: number, print: Print, compile: Compile): void {
  manualSeed(seed)
  const x0 = rand(5).mul(0.5).add(0.25)
  const target = orbit(tensor(2.9), x0, 6)
  const r = tensor(2, { requiresGrad: true })
  const optimizer = new optim.Rprop([r], { lr: 0.05 })

  const step = compile(() => {
    const loss = F.l1Loss(orbit(r, x0, 6), target)
    optimizer.zeroGrad()
    loss.backward()
    optimizer.step()
    return loss
  })

  for (let i = 1; i <= 12; i++) {
    const loss = step()
    if (i % 4 === 0) print(`step ${i} loss ${loss.item().toFixed(5)} r ${r.item().toFixed(4)}`)
  }
}
