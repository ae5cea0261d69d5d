// A masked language model: a small transformer encoder with tied weights, sentence pairs, and decay for matrices only.
import {
  arange,
  bernoulli,
  cos,
  exp,
  F,
  full,
  inferenceMode,
  manualSeed,
  matmul,
  nn,
  optim,
  rand,
  randint,
  sin,
  softmax,
  tanh,
  tensor,
  type Tensor,
  zeros,
} from 'flambeau'
import type { Compile, Print } from './setting.ts'

class PositionalEncoding extends nn.Module {
  pe!: Tensor
  constructor(d: number, n = 50) {
    super()
    const pe = zeros(n, d)
    const position = arange(0, n, { dtype: 'float' }).unsqueeze(1)
    const div = exp(
      arange(0, d, 2)
        .float()
        .mul(-Math.log(10000) / d),
    )
    pe.setAt(':, 0::2', sin(position.mul(div)))
    pe.setAt(':, 1::2', cos(position.mul(div)))
    this.registerBuffer('pe', pe.unsqueeze(0), { persistent: false })
  }
  forward(x: Tensor) {
    return x.add(this.pe.at(`:, :${x.size(1)}`))
  }
}

class Layer extends nn.Module {
  q
  k
  v
  o
  n1
  n2
  ff
  drop
  readonly h: number
  constructor(d: number, h: number, p: number) {
    super()
    this.h = h
    this.q = new nn.Linear(d, d)
    this.k = new nn.Linear(d, d)
    this.v = new nn.Linear(d, d)
    this.o = new nn.Linear(d, d)
    this.n1 = new nn.LayerNorm(d)
    this.n2 = new nn.LayerNorm(d, { eps: 1e-6 })
    this.ff = new nn.Sequential(new nn.Linear(d, 2 * d), new nn.GELU(), new nn.Dropout(p), new nn.Linear(2 * d, d))
    this.drop = new nn.Dropout(p)
  }
  split(x: Tensor) {
    const [B, T, D] = x.shape
    return x.view(B, T, this.h, D / this.h).permute(0, 2, 1, 3)
  }
  forward(x: Tensor, mask: Tensor) {
    const [q, k, v] = [this.q, this.k, this.v].map((f) => this.split(f.forward(x)))
    let s = matmul(q, k.transpose(-1, -2)).div(Math.sqrt(q.size(-1)))
    s = s.maskedFill(mask.at(':', null, null, ':').eq(0), -Infinity)
    const a = this.drop.forward(softmax(s, -1))
    const y = a.matmul(v).transpose(1, 2).contiguous().flatten(2)
    x = this.n1.forward(x.add(this.drop.forward(this.o.forward(y))))
    return this.n2.forward(x.add(this.ff.forward(x)))
  }
}

class Bert extends nn.Module {
  emb
  seg
  pos
  layers
  head
  bias
  cls
  constructor(V: number, d: number, h: number, n: number) {
    super()
    this.emb = new nn.Embedding(V, d, { paddingIdx: 0 })
    this.seg = new nn.Embedding(2, d)
    this.pos = new PositionalEncoding(d)
    this.layers = new nn.ModuleList(Array.from({ length: n }, () => new Layer(d, h, 0.1)))
    this.head = new nn.Linear(d, V, { bias: false })
    this.head.weight = this.emb.weight
    this.bias = new nn.Parameter(zeros(V))
    this.cls = new nn.Linear(d, 2)
  }
  forward(x: Tensor, seg: Tensor, mask: Tensor) {
    let y = this.pos.forward(this.emb.forward(x).add(this.seg.forward(seg)))
    for (const l of this.layers) y = l.forward(y, mask)
    return [this.head.forward(y).add(this.bias), this.cls.forward(tanh(y.at(':, 0')))] as const
  }
}

const list = (x: readonly string[]) => `[${x.map((s) => `'${s}'`).join(', ')}]`

export function main(seed: number, print: Print, compile: Compile): void {
  manualSeed(seed)
  const [V, B, T] = [20, 4, 8]
  const m = new Bert(V, 8, 2, 2)
  print(list([...m.stateDict().keys()].sort().slice(0, 5)), m.parameters().length, m.stateDict().size)
  let x: Tensor = randint(4, V, [B, T])
  const lengths = tensor([8, 6, 7, 5], { dtype: 'long' })
  const mask = arange(T).at(null).lt(lengths.at(':', null)).long()
  x = x.mul(mask)
  const seg = arange(T)
    .ge(T / 2)
    .long()
    .expand(B, T)
  const follows = randint(0, 2, [B])
  const decay = m
    .namedParameters()
    .filter(([, p]) => p.dim() >= 2)
    .map(([, p]) => p)
  const rest = m
    .namedParameters()
    .filter(([, p]) => p.dim() < 2)
    .map(([, p]) => p)
  const opt = new optim.AdamW(
    [
      { params: decay, weightDecay: 0.1 },
      { params: rest, weightDecay: 0 },
    ],
    { lr: 3e-3, betas: [0.9, 0.98] },
  )
  const sched = new optim.lrScheduler.LambdaLR(opt, (s) => Math.min((s + 1) ** -0.5, (s + 1) * 5 ** -1.5))
  const step = compile((x: Tensor) => {
    const prob = full(x.shape, 0.3)
    prob.maskedFill_(mask.eq(0), 0)
    const chosen = bernoulli(prob).bool()
    const labels = x.clone()
    labels.setAt(chosen.bitwiseNot(), -100)
    const input = x.clone()
    input.setAt(chosen.bitwiseAnd(rand(x.shape).lt(0.8)), 3)
    const [lm, cls] = m.forward(input, seg, mask)
    const loss = F.crossEntropy(lm.transpose(1, 2), labels).add(F.crossEntropy(cls, follows))
    opt.zeroGrad()
    loss.backward()
    opt.step()
    sched.step()
    return { loss, count: chosen.sum() }
  })
  for (let e = 0; e < 12; e++) {
    const { loss, count } = step(x)
    if (e % 4 === 3) print(`${loss.item().toFixed(4)} lr ${sched.getLastLr()[0].toFixed(6)} ${count.item()}`)
  }
  m.eval()
  print(
    `[${inferenceMode(() => m.forward(x, seg, mask)[1].argmax(1))
      .tolist()
      .join(', ')}]`,
  )
}
