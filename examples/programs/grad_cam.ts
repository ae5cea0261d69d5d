// Looking into a network: Grad-CAM by hooks, guided gradients, integrated gradients, occlusion.
import {
  arange,
  autograd,
  F,
  manualSeed,
  nn,
  noGrad,
  optim,
  randn,
  Slice,
  type Tensor,
  zeros,
  zerosLike,
} from 'flambeau'
import type { Compile, Print } from './setting.ts'

class Net extends nn.Module {
  conv1 = new nn.Conv2d(1, 4, 3, { padding: 'same', paddingMode: 'replicate' })
  relu1 = new nn.ReLU()
  conv2 = new nn.Conv2d(4, 6, 3, { stride: 2, padding: 1 })
  relu2 = new nn.ReLU()
  fc = new nn.Linear(6 * 4 * 4, 3)

  forward(x: Tensor) {
    x = this.relu1.forward(this.conv1.forward(x))
    x = this.relu2.forward(this.conv2.forward(x))
    return this.fc.forward(x.flatten({ startDim: 1 }))
  }
}

class GradCam {
  model: nn.Module
  handles
  activation!: Tensor
  grad!: Tensor

  constructor(model: nn.Module, layer: nn.Module) {
    this.model = model
    this.handles = [
      layer.registerForwardHook((_module, _inputs, output) => {
        this.activation = output.detach()
      }),
      layer.registerFullBackwardHook((_module, _gradInput, gradOutput) => {
        this.grad = gradOutput[0]!.detach()
      }),
    ]
  }

  call(x: Tensor, cls: number) {
    this.model.zeroGrad()
    this.model.forward(x).at(':', cls).sum().backward()
    const weights = this.grad.mean({ dim: [2, 3], keepdim: true })
    let cam = F.relu(weights.mul(this.activation).sum({ dim: 1, keepdim: true }))
    cam = F.interpolate(cam, { size: x.shape.slice(-2), mode: 'bilinear', alignCorners: false })
    const lo = cam.amin({ dim: [2, 3], keepdim: true })
    const hi = cam.amax({ dim: [2, 3], keepdim: true })
    return cam.sub(lo).div(hi.sub(lo).add(1e-8))
  }

  remove() {
    for (const h of this.handles) h.remove()
  }
}

function integratedGradients(model: nn.Module, x: Tensor, cls: number, steps = 8) {
  const baseline = zerosLike(x)
  const alphas = arange(steps).add(0.5).div(steps)
  const path = baseline.add(alphas.view(-1, 1, 1, 1).mul(x.sub(baseline))).requiresGrad_()
  const [grads] = autograd.grad(model.forward(path).at(':', cls).sum(), path)
  return x.sub(baseline).mul(grads.mean({ dim: 0, keepdim: true }))
}

export function main(seed: number, print: Print, compile: Compile): void {
  manualSeed(seed)
  const y = arange(12).remainder(3)
  const x = randn(12, 1, 8, 8).mul(0.2)
  for (const [i, c] of (y.tolist() as number[]).entries())
    x.at(i, ':', Slice(2 * c, 2 * c + 3), Slice(2 * c, 2 * c + 3)).add_(1)
  const net = new Net()
  const opt = new optim.Adam(net.parameters(), 0.01)
  const step = compile((x: Tensor, y: Tensor) => {
    opt.zeroGrad()
    const loss = F.crossEntropy(net.forward(x), y)
    loss.backward()
    opt.step()
    return loss
  })
  let loss!: Tensor
  for (let i = 0; i < 12; i++) loss = step(x, y)
  print(loss.item().toFixed(4))
  net.eval().requiresGrad_(false)
  const image = x.at('1:2').clone().requiresGrad_()
  net.requiresGrad_(true)
  const cam = new GradCam(net, net.conv2)
  const heat = cam.call(image, 1)
  print(`${heat.at('0, 0, ::2, ::2')}`)
  cam.remove()
  print(`${image.grad!.size()}`, image.grad!.abs().sum().item().toFixed(4))
  const handles = net
    .modules()
    .filter((m) => m instanceof nn.ReLU)
    .map((m) => m.registerFullBackwardHook((_module, gradInput) => [gradInput[0]!.clamp({ min: 0 })]))
  image.grad = null
  net.forward(image).at(0, 1).backward()
  print(`guided ${image.grad!.norm().item().toFixed(4)} ${image.grad!.eq(0).sum().item()}`)
  for (const h of handles) h.remove()
  const ig = integratedGradients(net, x.at('1:2'), 1)
  const gap = net
    .forward(x.at('1:2'))
    .at(0, 1)
    .sub(net.forward(zerosLike(x.at('1:2'))).at(0, 1))
  print(`ig ${ig.sum().item().toFixed(4)} of ${gap.item().toFixed(4)}`)
  const drops = zeros(4, 4)
  noGrad(() => {
    const base = F.softmax(net.forward(x.at('1:2')), { dim: 1 }).at(0, 1)
    for (let r = 0; r < 4; r++)
      for (let c = 0; c < 4; c++) {
        const hidden = x.at('1:2').clone()
        hidden.setAt(['...', Slice(2 * r, 2 * r + 2), Slice(2 * c, 2 * c + 2)], 0)
        drops.setAt([r, c], base.sub(F.softmax(net.forward(hidden), { dim: 1 }).at(0, 1)))
      }
  })
  print(`${drops.mul(1000).round()}`)
  const at = drops.argmax().item()
  print(`(${Math.floor(at / 4)}, ${at % 4})`)
  const captured: string[] = []
  for (const [name, module] of net.namedChildren())
    module.registerForwardPreHook((_m, args) => {
      captured.push(`'${name}': (${args[0].shape.join(', ')})`)
    })
  net.forward(x)
  print(`{${captured.join(', ')}}`)
}
