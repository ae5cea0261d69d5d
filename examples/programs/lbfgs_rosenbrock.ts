// Rosenbrock's valley by LBFGS, with its closure and with strong Wolfe conditions.
import { manualSeed, optim, randn, type Tensor, tensor } from 'flambeau'
import type { Print } from './setting.ts'

function rosenbrock(p: Tensor): Tensor {
  const [x, y] = [p.at(0), p.at(1)]
  return tensor(1)
    .sub(x)
    .pow(2)
    .add(y.sub(x.pow(2)).pow(2).mul(100))
}

export function main(seed: number, print: Print): void {
  manualSeed(seed)
  const p = randn(2).requiresGrad_()
  const optimizer = new optim.LBFGS([p], { lr: 1, maxIter: 10, lineSearchFn: 'strong_wolfe' })

  const closure = () => {
    optimizer.zeroGrad()
    const loss = rosenbrock(p)
    loss.backward()
    return loss
  }

  let loss = closure()
  for (let i = 0; i < 6; i++) loss = optimizer.step(closure)
  print(`below a hundredth: ${loss.item() < 0.01 ? 'True' : 'False'}`)
  print(`x ${p.at(0).item().toFixed(2)} y ${p.at(1).item().toFixed(2)}`)
}
