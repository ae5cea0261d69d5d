// MAML: gradients through a step of gradient descent on tasks of sines.
import { autograd, empty, F, manualSeed, optim, randn, sin, type Tensor, tensor, zeros } from 'flambeau'
import type { Compile, Print } from './setting.ts'

function net(x: Tensor, params: readonly Tensor[]): Tensor {
  x = F.linear(x, params[0], params[1]).relu()
  return F.linear(x, params[2], params[3])
}

export function main(seed: number, print: Print, compile: Compile): void {
  manualSeed(seed)
  const params = [
    randn(16, 1).mul_(0.5).requiresGrad_(),
    zeros(16, { requiresGrad: true }),
    randn(1, 16).mul_(0.25).requiresGrad_(),
    zeros(1, { requiresGrad: true }),
  ]
  const optimizer = new optim.Adam(params, { lr: 1e-2 })

  function sampleTask() {
    const [amplitude, phase] = [empty(1).uniform_(0.1, 5), empty(1).uniform_(0, 3.14)]
    const x = empty(10, 1).uniform_(-5, 5)
    const y = amplitude.mul(sin(x.add(phase)))
    return [x.at(':5'), y.at(':5'), x.at('5:'), y.at('5:')] as const
  }

  const step = compile(() => {
    let metaLoss = tensor(0)
    for (let task = 0; task < 3; task++) {
      const [xSupport, ySupport, xQuery, yQuery] = sampleTask()
      const loss = F.mseLoss(net(xSupport, params), ySupport)
      const grads = autograd.grad(loss, params, { createGraph: true })
      const fast = params.map((p, i) => p.sub(grads[i].mul(0.01)))
      metaLoss = metaLoss.add(F.mseLoss(net(xQuery, fast), yQuery))
    }
    optimizer.zeroGrad()
    metaLoss.backward()
    optimizer.step()
    return metaLoss
  })

  for (let it = 1; it <= 15; it++) {
    const metaLoss = step()
    if (it % 5 === 0) print(`iteration ${it} loss ${(metaLoss.item() / 3).toFixed(4)}`)
  }
}
