// Detection by hand: anchors, IoU, matching, focal loss, non-maximum suppression, average precision.
import {
  arange,
  argsort,
  cat,
  diff,
  F,
  log,
  long,
  manualSeed,
  max,
  meshgrid,
  min,
  nn,
  noGrad,
  optim,
  rand,
  randint,
  sigmoid,
  Slice,
  stack,
  type Tensor,
  tensor,
  zeros,
} from 'flambeau'
import type { Compile, Print } from './setting.ts'

const show = (x: unknown): string =>
  Array.isArray(x) ? `[${x.map(show).join(', ')}]` : x === true ? 'True' : x === false ? 'False' : `${x}`

const area = (x: Tensor) =>
  x
    .at(':, 2')
    .sub(x.at(':, 0'))
    .mul(x.at(':, 3').sub(x.at(':, 1')))

function iou(a: Tensor, b: Tensor) {
  const lt = max(a.at(':, None, :2'), b.at(':, :2'))
  const rb = min(a.at(':, None, 2:'), b.at(':, 2:'))
  const inter = rb.sub(lt).clamp({ min: 0 }).prod({ dim: 2 })
  return inter.div(area(a).at(':', null).add(area(b)).sub(inter))
}

function makeAnchors(size: number, stride: number, scales: number[]) {
  const c = arange(size).add(0.5).mul(stride)
  const [cy, cx] = meshgrid(c, c, { indexing: 'ij' })
  const centers = stack([cx, cy], { dim: -1 }).reshape(-1, 1, 2)
  const half = tensor(scales).view(1, -1, 1).div(2)
  return cat([centers.sub(half), centers.add(half)], { dim: -1 }).reshape(-1, 4)
}

const toCenter = (b: Tensor) =>
  cat([b.at('..., :2').add(b.at('..., 2:')).div(2), b.at('..., 2:').sub(b.at('..., :2'))], -1)

function encode(boxes: Tensor, anchors: Tensor) {
  const [g, a] = [toCenter(boxes), toCenter(anchors)]
  return cat([g.at(':, :2').sub(a.at(':, :2')).div(a.at(':, 2:')), log(g.at(':, 2:').div(a.at(':, 2:')))], { dim: 1 })
}

function decode(deltas: Tensor, anchors: Tensor) {
  const a = toCenter(anchors)
  const center = deltas.at(':, :2').mul(a.at(':, 2:')).add(a.at(':, :2'))
  const size = deltas.at(':, 2:').exp().mul(a.at(':, 2:'))
  return cat([center.sub(size.div(2)), center.add(size.div(2))], 1)
}

function nms(boxes: Tensor, scores: Tensor, threshold = 0.5) {
  let order = scores.argsort({ descending: true })
  const keep: number[] = []
  while (order.numel() > 0) {
    const i = order.at(0)
    keep.push(i.item())
    if (order.numel() === 1) break
    const rest = order.at('1:')
    order = rest.at(iou(boxes.at(i).unsqueeze(0), boxes.at(rest)).at(0).le(threshold))
  }
  return tensor(keep, { dtype: long })
}

function focalLoss(logits: Tensor, targets: Tensor, alpha = 0.25, gamma = 2) {
  const p = sigmoid(logits)
  const ce = F.binaryCrossEntropyWithLogits(logits, targets, { reduction: 'none' })
  const rest = tensor(1).sub(targets)
  const pT = p.mul(targets).add(tensor(1).sub(p).mul(rest))
  return targets
    .mul(alpha)
    .add(rest.mul(1 - alpha))
    .mul(ce)
    .mul(tensor(1).sub(pT).pow(gamma))
    .sum()
}

class Detector extends nn.Module {
  body = new nn.Sequential(new nn.Conv2d(1, 8, 3, 2, 1), new nn.ReLU6(), new nn.Conv2d(8, 8, 3, 2, 1), new nn.ReLU6())
  cls: nn.Conv2d
  reg: nn.Conv2d

  constructor(k: number) {
    super()
    this.cls = new nn.Conv2d(8, k, 3, { padding: 1 })
    this.reg = new nn.Conv2d(8, 4 * k, 3, { padding: 1 })
    nn.init.constant_(this.cls.bias!, -2)
  }

  forward(x: Tensor): [Tensor, Tensor] {
    const f = this.body.forward(x)
    return [
      this.cls.forward(f).permute(0, 2, 3, 1).flatten(1),
      this.reg.forward(f).permute(0, 2, 3, 1).reshape(x.size(0), -1, 4),
    ]
  }
}

export function main(seed: number, print: Print, compile: Compile): void {
  manualSeed(seed)
  const corner = randint(0, 9, [6, 2]).float()
  const boxes = cat([corner, corner.add(randint(4, 8, [6, 2]))], { dim: 1 })
  const images = zeros(6, 1, 16, 16)
  for (const [i, [x1, y1, x2, y2]] of (boxes.long().tolist() as number[][]).entries())
    images.setAt([i, 0, Slice(y1, y2), Slice(x1, x2)], 1)
  const anchors = makeAnchors(4, 4, [4, 7])
  const overlap = iou(boxes, anchors)
  const [best, bestIdx] = overlap.max({ dim: 1 })
  print(`${anchors.size()}`, `${best}`, show(bestIdx.tolist()))
  const positive = overlap.gt(0.4)
  positive.setAt([arange(6), bestIdx], true)
  const targets = stack([...boxes].map((b) => encode(b.expandAs(anchors), anchors)))
  print(show(positive.sum(1).tolist()), `${targets.at(positive).abs().max()}`)
  const net = new Detector(2)
  const opt = new optim.AdamW(net.parameters(), { lr: 0.01 })
  const chosen = positive.nonzero({ asTuple: true })
  const step = compile((images: Tensor) => {
    const [cls, reg] = net.forward(images)
    const n = positive.sum()
    const lossCls = focalLoss(cls, positive.float()).div(n)
    const lossReg = F.smoothL1Loss(reg.at(...chosen), targets.at(...chosen), { reduction: 'sum', beta: 1 / 9 }).div(n)
    opt.zeroGrad({ setToNone: true })
    lossCls.add(lossReg).backward()
    opt.step()
    return [lossCls, lossReg] as const
  })
  for (let i = 0; i < 12; i++) {
    const [cls, reg] = step(images)
    if (i % 4 === 3) print(`${i + 1} cls ${cls.item().toFixed(4)} reg ${reg.item().toFixed(4)}`)
  }
  const [cls, reg] = noGrad(() => net.forward(images))
  const kept: number[] = []
  for (let i = 0; i < 6; i++) {
    const pred = decode(reg.at(i), anchors).clamp_(0, 16)
    const keep = nms(pred, cls.at(i))
    kept.push(keep.length)
    if (i === 0) print(show(keep.at(':3').tolist()), `${pred.at(keep.at(0))}`)
  }
  print(show(kept))
  const [scores, hit] = [rand(10), rand(10).gt(0.4)]
  const order = argsort(scores, { dim: 0, descending: true })
  const tp = hit.at(order).cumsum(0)
  const [precision, recall] = [tp.div(arange(1, 11)), tp.div(hit.sum())]
  const envelope = precision.flip(0).cummax(0).values.flip(0)
  print(
    `${diff(recall, { prepend: zeros(1) })
      .mul(envelope)
      .sum()}`,
  )
}
