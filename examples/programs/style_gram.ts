// Style transfer in small: an image is optimised so that its Gram matrices are those of another image.
import { F, manualSeed, mm, nn, noGrad, optim, rand, type Tensor } from 'flambeau'
import type { Compile, Print } from './setting.ts'

function gramMatrix(input: Tensor): Tensor {
  const [a, b, c, d] = input.size()
  const features = input.view(a * b, c * d)
  const G = mm(features, features.t())
  return G.div(a * b * c * d)
}

export function main(seed: number, print: Print, compile: Compile): void {
  manualSeed(seed)
  const layers = new nn.Sequential(
    new nn.Conv2d(1, 6, 3),
    new nn.Softplus(),
    new nn.AvgPool2d(2),
    new nn.Conv2d(6, 8, 3),
    new nn.Tanh(),
  )
  for (const p of layers.parameters()) p.requiresGrad_(false)
  const [style, content] = [rand(1, 1, 12, 12), rand(1, 1, 12, 12)]
  const styleTargets = [gramMatrix(layers.slice(0, 1).forward(style)), gramMatrix(layers.forward(style))]
  const contentTarget = layers.slice(0, 3).forward(content)
  const image = content.clone().requiresGrad_(true)
  const optimizer = new optim.Adam([image], { lr: 0.03 })

  const step = compile(() => {
    const first = layers[0].forward(image)
    const middle = layers[2].forward(layers[1].forward(first))
    const last = layers[4].forward(layers[3].forward(middle))
    const styleLoss = F.mseLoss(gramMatrix(first), styleTargets[0]).add(F.mseLoss(gramMatrix(last), styleTargets[1]))
    const contentLoss = F.mseLoss(middle, contentTarget)
    const loss = styleLoss.mul(1000).add(contentLoss)
    optimizer.zeroGrad()
    loss.backward()
    optimizer.step()
    noGrad(() => image.clamp_(0, 1))
    return [styleLoss, contentLoss] as const
  })

  for (let i = 1; i <= 20; i++) {
    const [styleLoss, contentLoss] = step()
    if (i % 5 === 0)
      print(`step ${i} style ${(1000 * styleLoss.item()).toFixed(4)} content ${contentLoss.item().toFixed(5)}`)
  }
}
