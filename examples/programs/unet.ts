// Segmentation by a small U-Net: skips, transposed convolutions, dice and weighted cross entropy, IoU per class.
import {
  arange,
  bincount,
  cat,
  F,
  long,
  manualSeed,
  meshgrid,
  nn,
  noGrad,
  optim,
  randint,
  randnLike,
  Slice,
  type Tensor,
  zeros,
} from 'flambeau'
import type { Compile, Print } from './setting.ts'

class DoubleConv extends nn.Module {
  net: nn.Sequential

  constructor(cin: number, cout: number) {
    super()
    this.net = new nn.Sequential(
      new nn.Conv2d(cin, cout, 3, { padding: 1, bias: false }),
      new nn.BatchNorm2d(cout),
      new nn.ReLU({ inplace: true }),
      new nn.Conv2d(cout, cout, 3, { padding: 1 }),
      new nn.GroupNorm(2, cout),
      new nn.ReLU({ inplace: true }),
    )
  }

  forward(x: Tensor) {
    return this.net.forward(x)
  }
}

class UNet extends nn.Module {
  downs = new nn.ModuleList<DoubleConv>()
  ups = new nn.ModuleList<DoubleConv | nn.ConvTranspose2d>()
  pool = new nn.MaxPool2d(2)
  bottleneck: DoubleConv
  head: nn.Conv2d

  constructor(cin = 1, classes = 3, widths = [4, 8]) {
    super()
    for (const w of widths) {
      this.downs.append(new DoubleConv(cin, w))
      cin = w
    }
    this.bottleneck = new DoubleConv(widths.at(-1)!, widths.at(-1)! * 2)
    for (const w of [...widths].reverse()) {
      this.ups.append(new nn.ConvTranspose2d(w * 2, w, { kernelSize: 2, stride: 2 }))
      this.ups.append(new DoubleConv(w * 2, w))
    }
    this.head = new nn.Conv2d(widths[0], classes, { kernelSize: 1 })
  }

  forward(x: Tensor) {
    const skips: Tensor[] = []
    for (const down of this.downs) {
      x = down.forward(x)
      skips.push(x)
      x = this.pool.forward(x)
    }
    x = this.bottleneck.forward(x)
    skips.reverse()
    for (let i = 0; i < this.ups.length; i += 2) {
      x = this.ups[i].forward(x)
      const skip = skips[i / 2]
      if (x.size(2) !== skip.size(2) || x.size(3) !== skip.size(3))
        x = F.pad(x, [0, skip.size(3) - x.size(3), 0, skip.size(2) - x.size(2)])
      x = this.ups[i + 1].forward(cat([skip, x], { dim: 1 }))
    }
    return this.head.forward(x)
  }
}

function diceLoss(logits: Tensor, target: Tensor, eps = 1) {
  const probs = logits.softmax({ dim: 1 })
  const onehot = F.oneHot(target, logits.size(1)).permute(0, 3, 1, 2).float()
  const inter = probs.mul(onehot).sum({ dim: [0, 2, 3] })
  const total = probs.add(onehot).sum({ dim: [0, 2, 3] })
  return inter.mul(2).add(eps).div(total.add(eps)).mean().neg().add(1)
}

function shapes(n: number, size: number) {
  const [ys, xs] = meshgrid(arange(size), arange(size), { indexing: 'ij' })
  const images = zeros(n, 1, size, size)
  const masks = zeros(n, size, size, { dtype: long })
  for (let i = 0; i < n; i++) {
    const [cy, cx] = randint(3, size - 3, [2]).tolist() as number[]
    const disc = ys.sub(cy).pow(2).add(xs.sub(cx).pow(2)).le(6)
    const [top, left] = randint(0, size - 4, [2]).tolist() as number[]
    masks.setAt([i, Slice(top, top + 4), Slice(left, left + 4)], 1)
    masks.at(i).setAt(disc, 2)
    images.setAt([i, 0], masks.at(i).float().div(2))
  }
  return [images.add(randnLike(images).mul(0.1)), masks]
}

export function main(seed: number, print: Print, compile: Compile): void {
  manualSeed(seed)
  const [x, y] = shapes(4, 13)
  const weight = bincount(y.flatten(), { minlength: 3 }).float().clamp({ min: 1 }).reciprocal().mul(y.numel())
  weight.div_(weight.sum())
  print(`${weight}`)
  const net = new UNet()
  const count = net
    .parameters()
    .filter((p) => p.requiresGrad)
    .reduce((sum, p) => sum + p.numel(), 0)
  print(count, net.stateDict().size)
  const opt = new optim.Adam(net.parameters(), { lr: 0.01 })
  const step = compile((x: Tensor, y: Tensor) => {
    opt.zeroGrad()
    const out = net.forward(x)
    const ce = F.crossEntropy(out, y, { weight })
    const dice = diceLoss(out, y)
    ce.add(dice).backward()
    opt.step()
    return [ce, dice] as const
  })
  for (let epoch = 0; epoch < 4; epoch++) {
    const [ce, dice] = step(x, y)
    print(`${epoch}: ce ${ce.item().toFixed(4)} dice ${dice.item().toFixed(4)}`)
  }
  net.eval()
  const pred = noGrad(() => net.forward(x).argmax(1))
  const ious = [0, 1, 2].map((c) => {
    const inter = pred.eq(c).logicalAnd(y.eq(c)).sum().item()
    const union = pred.eq(c).logicalOr(y.eq(c)).sum().item()
    return union ? inter / union : NaN
  })
  print(ious.map((v) => v.toFixed(3)).join(' '), `(${pred.shape.join(', ')})`)
  print(`${pred.eq(y).float().mean()}`)
}
