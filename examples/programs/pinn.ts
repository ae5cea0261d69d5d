// A physics-informed network: u'' = -u by second derivatives through the network.
import { autograd, linspace, manualSeed, mean, nn, onesLike, optim, type Tensor, tensor, zeros } from 'flambeau'
import type { Compile, Print } from './setting.ts'

export function main(seed: number, print: Print, compile: Compile): void {
  manualSeed(seed)
  const net = new nn.Sequential(
    new nn.Linear(1, 16),
    new nn.Tanh(),
    new nn.Linear(16, 16),
    new nn.Tanh(),
    new nn.Linear(16, 1),
  )
  const t = linspace(0, 3, 20).view(-1, 1).requiresGrad_(true)
  const t0 = zeros(1, 1, { requiresGrad: true })
  const optimizer = new optim.Adam(net.parameters(), { lr: 1e-2 })

  const derivative = (u: Tensor, x: Tensor) => autograd.grad(u, x, { gradOutputs: onesLike(u), createGraph: true })[0]

  const step = compile(() => {
    optimizer.zeroGrad()
    const u = net.forward(t)
    const utt = derivative(derivative(u, t), t)
    const physics = mean(utt.add(u).pow(2))
    const u0 = net.forward(t0)
    const boundary = u0.sub(1).pow(2).squeeze().add(derivative(u0, t0).pow(2).squeeze())
    const loss = boundary.add(physics.mul(0.1))
    loss.backward()
    optimizer.step()
    return loss
  })

  for (let i = 1; i <= 40; i++) {
    const loss = step()
    if (i % 10 === 0) print(`step ${i} loss ${loss.item().toFixed(4)}`)
  }
  print(
    `u(1) = ${net
      .forward(tensor([[1]]))
      .item()
      .toFixed(3)}`,
  )
}
