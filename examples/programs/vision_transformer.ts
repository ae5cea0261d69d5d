// A vision transformer by hand: patches by unfold, a class token, attention by einsum, stochastic depth, warm-up.
import {
  arange,
  cat,
  einsum,
  eye,
  F,
  linspace,
  manualSeed,
  nn,
  noGrad,
  ones,
  optim,
  randn,
  type Tensor,
  zeros,
} from 'flambeau'
import type { Compile, Print } from './setting.ts'

class DropPath extends nn.Module {
  p: number
  constructor(p = 0) {
    super()
    this.p = p
  }

  forward(x: Tensor) {
    if (this.p === 0 || !this.training) return x
    const keep = 1 - this.p
    const mask = x.newEmpty([x.shape[0], ...Array(x.ndim - 1).fill(1)]).bernoulli_(keep)
    return x.mul(mask.div_(keep))
  }
}

class Attention extends nn.Module {
  heads: number
  scale: number
  qkv: nn.Linear
  proj: nn.Linear
  last: Tensor

  constructor(dim: number, heads = 2) {
    super()
    this.heads = heads
    this.scale = (dim / heads) ** -0.5
    this.qkv = new nn.Linear(dim, dim * 3, { bias: false })
    this.proj = new nn.Linear(dim, dim)
    this.last = zeros(1)
  }

  forward(x: Tensor) {
    const [b, n, c] = x.shape
    const [q, k, v] = this.qkv
      .forward(x)
      .reshape(b, n, 3, this.heads, c / this.heads)
      .permute(2, 0, 3, 1, 4)
      .unbind(0)
    const attn = einsum('bhid,bhjd->bhij', q, k).mul(this.scale).softmax({ dim: -1 })
    if (!this.training) this.last = attn.detach()
    return this.proj.forward(einsum('bhij,bhjd->bhid', attn, v).transpose(1, 2).reshape(b, n, c))
  }
}

class Block extends nn.Module {
  norm1: nn.LayerNorm
  attn: Attention
  norm2: nn.LayerNorm
  mlp: nn.Sequential
  dropPath: nn.Module
  gamma: nn.Parameter

  constructor(dim: number, drop: number) {
    super()
    this.norm1 = new nn.LayerNorm(dim, { eps: 1e-6 })
    this.attn = new Attention(dim)
    this.norm2 = new nn.LayerNorm(dim, { eps: 1e-6 })
    this.mlp = new nn.Sequential(new nn.Linear(dim, dim * 2), new nn.GELU('tanh'), new nn.Linear(dim * 2, dim))
    this.dropPath = drop > 0 ? new DropPath(drop) : new nn.Identity()
    this.gamma = new nn.Parameter(ones(dim).mul(1e-1))
  }

  forward(x: Tensor) {
    x = x.add(this.dropPath.forward(this.gamma.mul(this.attn.forward(this.norm1.forward(x)))))
    return x.add(this.dropPath.forward(this.mlp.forward(this.norm2.forward(x))))
  }
}

class ViT extends nn.Module {
  patch: number
  embed: nn.Linear
  clsToken: nn.Parameter
  posEmbed: nn.Parameter
  blocks: nn.ModuleList<Block>
  norm: nn.LayerNorm
  head: nn.Linear

  constructor(image = 8, patch = 4, dim = 8, depth = 2, classes = 3) {
    super()
    this.patch = patch
    const n = Math.floor(image / patch) ** 2
    this.embed = new nn.Linear(patch * patch, dim)
    this.clsToken = new nn.Parameter(zeros(1, 1, dim))
    this.posEmbed = new nn.Parameter(zeros(1, n + 1, dim))
    this.blocks = new nn.ModuleList([...linspace(0, 0.2, depth)].map((r) => new Block(dim, r.item())))
    this.norm = new nn.LayerNorm(dim)
    this.head = new nn.Linear(dim, classes)
    nn.init.truncNormal_(this.posEmbed, { std: 0.02 })
    nn.init.truncNormal_(this.clsToken, { std: 0.02 })
    this.apply((m) => {
      if (m instanceof nn.Linear) {
        nn.init.truncNormal_(m.weight, { std: 0.1, a: -0.2, b: 0.2 })
        if (m.bias !== null) nn.init.zeros_(m.bias)
      }
    })
  }

  forward(x: Tensor) {
    const p = this.patch
    const patches = x.unfold(2, p, p).unfold(3, p, p).flatten(2, 3).flatten(3).squeeze(1)
    const tokens = this.embed.forward(patches)
    let h = cat([this.clsToken.expand(x.size(0), -1, -1), tokens], { dim: 1 }).add(this.posEmbed)
    for (const blk of this.blocks) h = blk.forward(h)
    return this.head.forward(this.norm.forward(h).at(':, 0'))
  }
}

export function main(seed: number, print: Print, compile: Compile): void {
  manualSeed(seed)
  const x = randn(9, 1, 8, 8)
  const y = arange(9).fmod(3)
  const top = y.eq(1)
  x.setAt([top, ':', ':4'], x.at(top, ':', ':4').add(2))
  const left = y.eq(2)
  x.setAt([left, ':', ':', ':4'], x.at(left, ':', ':', ':4').add(2))
  const model = new ViT()
  const isFree = (n: string, p: Tensor) => p.ndim < 2 || n.endsWith('cls_token') || n.endsWith('pos_embed')
  const named = model.namedParameters()
  const groups = [
    { params: named.filter(([n, p]) => !isFree(n, p)).map(([, p]) => p), weightDecay: 0.05 },
    { params: named.filter(([n, p]) => isFree(n, p)).map(([, p]) => p), weightDecay: 0 },
  ]
  print(groups[0].params.length, groups[1].params.length)
  const opt = new optim.AdamW(groups, { lr: 1e-2, betas: [0.9, 0.95] })
  const schedule = (s: number) => (s < 4 ? (s + 1) / 4 : 0.5 * (1 + Math.cos((Math.PI * (s - 4)) / 8)))
  const sched = new optim.lrScheduler.LambdaLR(opt, schedule)
  const train = compile((x: Tensor, y: Tensor) => {
    const logits = model.forward(x)
    const loss = F.crossEntropy(
      logits,
      F.oneHot(y, 3)
        .float()
        .mul(0.9)
        .add(0.1 / 3),
    )
    opt.zeroGrad()
    loss.backward()
    opt.step()
    return [loss, logits.argmax(1).eq(y).float().mean()] as const
  })
  for (let step = 0; step < 12; step++) {
    model.train()
    const [loss, acc] = train(x, y)
    sched.step()
    if (step % 4 === 3)
      print(
        `${step + 1} loss ${loss.item().toFixed(4)} acc ${acc.item().toFixed(3)} lr ${sched.getLastLr()[0].toFixed(5)}`,
      )
  }
  model.eval()
  noGrad(() => model.forward(x))
  let rollout = eye(5)
  for (const blk of model.blocks) {
    const a = blk.attn.last.at(0).mean(0).add(eye(5))
    rollout = a.div(a.sum(-1, { keepdim: true })).matmul(rollout)
  }
  print(`${rollout.at('0, 1:').view(2, 2)}`)
  const old = model.posEmbed.at(':, 1:').transpose(1, 2).reshape(1, 8, 2, 2)
  const grown = F.interpolate(old, { size: [3, 3], mode: 'bicubic', alignCorners: false })
  print(`${grown.size()}`, `${grown.at(0, 0)}`)
}
