// An adversarial example (FGSM) and a saliency map, by the gradient of the input of a small convolutional network.
import { clamp, F, flatten, manualSeed, nn, optim, rand, randint, type Tensor } from 'flambeau'
import type { Compile, Print } from './setting.ts'

class CNN extends nn.Module {
  conv = new nn.Conv2d(1, 4, 3, { padding: 1 })
  fc = new nn.Linear(4 * 3 * 3, 2)

  forward(x: Tensor): Tensor {
    x = F.maxPool2d(F.relu(this.conv.forward(x)), 2)
    return this.fc.forward(flatten(x, 1))
  }
}

const fgsmAttack = (image: Tensor, epsilon: number, dataGrad: Tensor) =>
  clamp(image.add(dataGrad.sign().mul(epsilon)), 0, 1)

export function main(seed: number, print: Print, compile: Compile): void {
  manualSeed(seed)
  const images = rand(20, 1, 6, 6).mul(0.5)
  const labels = randint(0, 2, [20])
  const ones = labels.eq(1)
  images.setAt([ones, ':, :, :3'], images.at(ones, ':, :, :3').add(0.3))
  const model = new CNN()
  const optimizer = new optim.Adam(model.parameters(), { lr: 0.02 })

  const step = compile(() => {
    optimizer.zeroGrad()
    const loss = F.crossEntropy(model.forward(images), labels)
    loss.backward()
    optimizer.step()
    return loss
  })

  for (let epoch = 1; epoch <= 20; epoch++) {
    const loss = step()
    if (epoch % 10 === 0) print(`epoch ${epoch} loss ${loss.item().toFixed(4)}`)
  }
  model.eval()
  const data = images.clone().requiresGrad_(true)
  F.crossEntropy(model.forward(data), labels).backward()
  for (const epsilon of [0, 0.1, 0.3]) {
    const perturbed = fgsmAttack(data.detach(), epsilon, data.grad!)
    const correct = model.forward(perturbed).max(1, { keepdim: true })[1].squeeze(1).eq(labels).sum().item()
    print(`epsilon ${epsilon} correct ${correct} / ${labels.length}`)
  }
  const saliency = data.grad!.abs().amax({ dim: 1 })
  const [left, right] = [saliency.at(':, :, :3'), saliency.at(':, :, 3:')].map((x) => x.mean().item().toFixed(5))
  print(`saliency left ${left} right ${right}`)
}
