// A neural ODE: a spiral's field learnt through Euler steps.
import { manualSeed, mean, nn, optim, randn, stack, type Tensor, tensor } from 'flambeau'
import type { Compile, Print } from './setting.ts'

class Field extends nn.Module {
  net = new nn.Sequential(new nn.Linear(2, 16), new nn.Softplus(), new nn.Linear(16, 2))

  constructor() {
    super()
    for (const m of this.net.modules())
      if (m instanceof nn.Linear) {
        nn.init.normal_(m.weight, { mean: 0, std: 0.1 })
        nn.init.constant_(m.bias!, 0)
      }
  }

  forward(_t: number, y: Tensor): Tensor {
    return this.net.forward(y)
  }
}

function odeint(func: (t: number, y: Tensor) => Tensor, y0: Tensor, steps: number, dt: number): Tensor {
  const ys = [y0]
  for (let i = 0; i < steps; i++) ys.push(ys[i].add(func(i * dt, ys[i]).mul(dt)))
  return stack(ys)
}

export function main(seed: number, print: Print, compile: Compile): void {
  manualSeed(seed)
  const A = tensor([
    [-0.1, 2],
    [-2, -0.1],
  ])
  const y0 = randn(4, 2)
  const target = odeint((_t, y) => y.matmul(A), y0, 6, 0.15)
  const field = new Field()
  const optimizer = new optim.NAdam(field.parameters(), { lr: 0.02 })

  const step = compile(() => {
    optimizer.zeroGrad()
    const loss = mean(
      odeint((t, y) => field.forward(t, y), y0, 6, 0.15)
        .sub(target)
        .abs(),
    )
    loss.backward()
    optimizer.step()
    return loss
  })

  for (let i = 1; i <= 24; i++) {
    const loss = step()
    if (i % 8 === 0) print(`step ${i} loss ${loss.item().toFixed(4)}`)
  }
}
