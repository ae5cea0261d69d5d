// Sequence to sequence: a GRU encoder, a decoder with additive attention over masked positions, teacher forcing.
import {
  arange,
  bmm,
  cat,
  F,
  full,
  manualSeed,
  nn,
  noGrad,
  ones,
  optim,
  rand,
  randint,
  stack,
  tanh,
  type Tensor,
  where,
} from 'flambeau'
import type { Print } from './setting.ts'

class Attention extends nn.Module {
  W
  v
  constructor(h: number) {
    super()
    this.W = new nn.Linear(2 * h, h)
    this.v = new nn.Linear(h, 1, { bias: false })
  }
  forward(hidden: Tensor, enc: Tensor, mask: Tensor) {
    const L = enc.size(1)
    const h = hidden.unsqueeze(1).repeat(1, L, 1)
    let e = this.v.forward(tanh(this.W.forward(cat([h, enc], { dim: 2 })))).squeeze(2)
    e = e.maskedFill(mask.logicalNot(), -1e10)
    return F.softmax(e, { dim: 1 })
  }
}

class Seq2Seq extends nn.Module {
  emb
  enc
  dec
  attn
  out
  drop
  readonly h: number
  constructor(v: number, h: number) {
    super()
    this.h = h
    this.emb = new nn.Embedding(v, h)
    this.enc = new nn.GRUCell(h, h)
    this.dec = new nn.GRUCell(2 * h, h)
    this.attn = new Attention(h)
    this.out = new nn.Linear(2 * h, v)
    this.drop = new nn.Dropout(0.1)
  }
  forward(source: Tensor, target: Tensor, mask: Tensor, ratio = 0.5) {
    const [B, L] = source.shape
    let h: Tensor = source.newZeros(B, this.h, { dtype: 'float' })
    const hs: Tensor[] = []
    for (let t = 0; t < L; t++) {
      const nh = this.enc.forward(this.drop.forward(this.emb.forward(source.at(':', t))), h)
      h = where(mask.at(':', t, null), nh, h)
      hs.push(h)
    }
    const enc = stack(hs, { dim: 1 })
    let y: Tensor = target.at(':', 0)
    const outs: Tensor[] = []
    const ws: Tensor[] = []
    for (let t = 1; t < target.shape[1]; t++) {
      const a = this.attn.forward(h, enc, mask)
      const c = bmm(a.unsqueeze(1), enc).squeeze(1)
      h = this.dec.forward(cat([this.emb.forward(y), c], -1), h)
      const o = this.out.forward(cat([h, c], -1))
      outs.push(o)
      ws.push(a)
      const teacher = rand(1).item() < ratio
      y = teacher ? target.at(':', t) : o.argmax(-1)
    }
    return [stack(outs, 1), stack(ws, 1)]
  }
}

export function main(seed: number, print: Print): void {
  manualSeed(seed)
  const V = 9
  const B = 6
  const L = 5
  const source = randint(3, V, [B, L])
  const lengths = randint(2, L + 1, [B])
  const mask = arange(L).expand(B, L).lt(lengths.unsqueeze(1))
  source.maskedFill_(mask.bitwiseNot(), 0)
  const target = cat([full([B, 1], 1, { dtype: 'int64' }), source.flip(1)], 1)
  const m = new Seq2Seq(V, 10)
  m.apply((mod) => {
    for (const p of mod.parameters({ recurse: false })) nn.init.uniform_(p, -0.08, 0.08)
  })
  const n = m
    .parameters()
    .filter((p) => p.requiresGrad)
    .reduce((s, p) => s + p.numel(), 0)
  print(`The model has ${n.toLocaleString('en-US')} trainable parameters`)
  const opt = new optim.Adam(m.parameters(), { lr: 5e-2, weightDecay: 1e-4, amsgrad: true })
  for (let e = 0; e < 12; e++) {
    const [o] = m.forward(source, target, mask)
    const loss = F.crossEntropy(o.flatten(0, 1), target.at(':, 1:').flatten(), { ignoreIndex: 0, labelSmoothing: 0.1 })
    opt.zeroGrad({ setToNone: true })
    loss.backward()
    nn.utils.clipGradNorm_(m.parameters(), 1)
    opt.step()
    if (e % 4 === 3) print(`${e} loss ${loss.item().toFixed(4)} ppl ${Math.exp(loss.item()).toFixed(3)}`)
  }
  m.eval()
  const [o, w] = noGrad(() => m.forward(source, target, mask, 0))
  print(`[${(o.argmax(2).at(mask.flip(1)).tolist() as number[]).join(', ')}]`)
  print(`${w.at(0, 0)} ${w.sum(-1).allclose(ones(B, L)) ? 'True' : 'False'}`)
}
