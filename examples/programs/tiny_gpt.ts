// A tiny GPT: one block of causal self-attention from Linear and softmax, trained on characters, then sampled from.
import {
  arange,
  cat,
  F,
  manualSeed,
  multinomial,
  nn,
  noGrad,
  ones,
  optim,
  randint,
  Slice,
  stack,
  type Tensor,
  tensor,
  tril,
} from 'flambeau'
import type { Compile, Print } from './setting.ts'

const TEXT = 'hello world, hello torch, hello flame. '

class SelfAttention extends nn.Module {
  qkv: nn.Linear
  proj: nn.Linear
  declare mask: Tensor
  heads: number

  constructor(dim: number, heads: number, blockSize: number) {
    super()
    this.heads = heads
    this.qkv = new nn.Linear(dim, 3 * dim)
    this.proj = new nn.Linear(dim, dim)
    this.registerBuffer('mask', tril(ones(blockSize, blockSize)).view(1, 1, blockSize, blockSize))
  }

  forward(x: Tensor): Tensor {
    const [B, T, C] = x.size()
    const [q, k, v] = this.qkv
      .forward(x)
      .split(C, { dim: 2 })
      .map((part) => part.view(B, T, this.heads, C / this.heads).transpose(1, 2))
    let att = q.matmul(k.transpose(-2, -1)).mul(1 / Math.sqrt(k.size(-1)))
    att = att.maskedFill(this.mask.at(Slice(), Slice(), Slice(null, T), Slice(null, T)).eq(0), -Infinity)
    att = F.softmax(att, { dim: -1 })
    const y = att.matmul(v).transpose(1, 2).contiguous().view(B, T, C)
    return this.proj.forward(y)
  }
}

class Block extends nn.Module {
  ln1: nn.LayerNorm
  attn: SelfAttention
  ln2: nn.LayerNorm
  mlp: nn.Sequential

  constructor(dim: number, heads: number, blockSize: number) {
    super()
    this.ln1 = new nn.LayerNorm(dim)
    this.attn = new SelfAttention(dim, heads, blockSize)
    this.ln2 = new nn.LayerNorm(dim)
    this.mlp = new nn.Sequential(new nn.Linear(dim, 2 * dim), new nn.GELU(), new nn.Linear(2 * dim, dim))
  }

  forward(x: Tensor): Tensor {
    const attended = x.add(this.attn.forward(this.ln1.forward(x)))
    return attended.add(this.mlp.forward(this.ln2.forward(attended)))
  }
}

class GPT extends nn.Module {
  token: nn.Embedding
  position: nn.Embedding
  blocks: nn.ModuleList<Block>
  ln: nn.LayerNorm
  head: nn.Linear
  blockSize: number

  constructor(vocabulary: number, { dim = 16, heads = 2, layers = 1, blockSize = 8 } = {}) {
    super()
    this.blockSize = blockSize
    this.token = new nn.Embedding(vocabulary, dim)
    this.position = new nn.Embedding(blockSize, dim)
    this.blocks = new nn.ModuleList(Array.from({ length: layers }, () => new Block(dim, heads, blockSize)))
    this.ln = new nn.LayerNorm(dim)
    this.head = new nn.Linear(dim, vocabulary, { bias: false })
  }

  forward(idx: Tensor): Tensor {
    const [, T] = idx.shape
    let x = this.token.forward(idx).add(this.position.forward(arange(T)))
    for (const block of this.blocks) x = block.forward(x)
    return this.head.forward(this.ln.forward(x))
  }

  generate(idx: Tensor, count: number): Tensor {
    return noGrad(() => {
      for (let i = 0; i < count; i++) {
        const logits = this.forward(idx.at(Slice(), Slice(-this.blockSize))).at(':, -1')
        const probs = F.softmax(logits, { dim: -1 })
        idx = cat([idx, multinomial(probs, 1)], { dim: 1 })
      }
      return idx
    })
  }
}

export function main(seed: number, print: Print, compile: Compile): void {
  manualSeed(seed)
  const chars = [...new Set(TEXT)].sort()
  const data = tensor(
    [...TEXT].map((c) => chars.indexOf(c)),
    { dtype: 'int64' },
  )
  const model = new GPT(chars.length)
  const optimizer = new optim.AdamW(model.parameters(), { lr: 1e-2 })

  const step = compile((x: Tensor, y: Tensor) => {
    const logits = model.forward(x)
    const loss = F.crossEntropy(logits.view(-1, logits.size(-1)), y.view(-1))
    optimizer.zeroGrad({ setToNone: true })
    loss.backward()
    optimizer.step()
    return loss
  })

  for (let i = 1; i <= 24; i++) {
    const starts = randint(data.length - 8, [4]).tolist() as number[]
    const x = stack(starts.map((s) => data.at(Slice(s, s + 8))))
    const y = stack(starts.map((s) => data.at(Slice(s + 1, s + 9))))
    const loss = step(x, y)
    if (i % 8 === 0) print(`step ${i} loss ${loss.item().toFixed(3)}`)
  }
  print(
    model.parameters().reduce((sum, p) => sum + p.numel(), 0),
    'parameters',
  )
  const [row] = model.generate(data.at(':1').unsqueeze(0), 12).tolist() as number[][]
  print(row.map((i) => chars[i]).join(''))
}
