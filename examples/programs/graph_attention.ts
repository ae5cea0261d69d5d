// Graph attention by edges: softmax over neighbours by scatterReduce and indexAdd, PageRank and shortest paths.
import {
  arange,
  bernoulli,
  bool,
  empty,
  eye,
  F,
  full,
  isinf,
  long,
  manualSeed,
  minimum,
  nn,
  noGrad,
  optim,
  randn,
  randperm,
  Slice,
  tensor,
  type Tensor,
  where,
  zeros,
} from 'flambeau'
import type { Compile, Print } from './setting.ts'

function softmaxBy(src: Tensor, index: Tensor, n: number) {
  const m = full([n, src.size(1)], -Infinity).scatterReduce(0, index.at(':', null).expandAs(src), src, 'amax')
  const e = src.sub(m.at(index)).exp()
  return e.div(zeros(n, src.size(1)).indexAdd(0, index, e).at(index).clamp({ min: 1e-16 }))
}

class GATConv extends nn.Module {
  lin: nn.Linear
  aSrc: nn.Parameter
  aDst: nn.Parameter
  bias: nn.Parameter
  h: number
  concat: boolean
  p: number

  o: number

  constructor(i: number, o: number, { heads = 2, concat = true, dropout = 0.2 } = {}) {
    super()
    this.o = o
    this.h = heads
    this.concat = concat
    this.p = dropout
    this.lin = new nn.Linear(i, heads * o, { bias: false })
    this.aSrc = new nn.Parameter(empty(1, heads, o))
    this.aDst = new nn.Parameter(empty(1, heads, o))
    this.bias = new nn.Parameter(zeros(concat ? heads * o : o))
    nn.init.xavierUniform_(this.aSrc, { gain: 1.4 })
    nn.init.xavierUniform_(this.aDst, { gain: 1.4 })
  }

  forward(x: Tensor, edgeIndex: Tensor) {
    const [src, dst] = edgeIndex
    const n = x.size(0)
    const h = this.lin.forward(x).view(-1, this.h, this.o)
    const a = h.mul(this.aSrc).sum(-1).at(src).add(h.mul(this.aDst).sum(-1).at(dst))
    let alpha = softmaxBy(F.leakyRelu(a, 0.2), dst, n)
    alpha = F.dropout(alpha, this.p, { training: this.training })
    let out = zeros(n, this.h, this.o).indexAdd_(0, dst, h.at(src).mul(alpha.unsqueeze(-1)))
    out = this.concat ? out.flatten(1) : out.mean(1)
    return out.add(this.bias)
  }
}

export function main(seed: number, print: Print, compile: Compile): void {
  const s = (...v: unknown[]) => print(v.map(String).join(' '))
  manualSeed(seed)
  const n = 18
  const y = arange(n).floorDivide(6)
  const prob = where(y.at(':', null).eq(y.at(null, ':')), 0.6, 0.06)
  let adj = bernoulli(prob).triu(1)
  adj = adj.add(adj.t()).add(eye(n))
  const edge = adj.nonzero().t()
  s(edge.size(), edge.at(':, :5'), adj.sum(0))
  const x = eye(n).at(randperm(n)).at(':, :8').add(randn(n, 8).mul(0.1))
  const c1 = new GATConv(8, 4)
  const c2 = new GATConv(8, 3, { heads: 1, concat: false })
  const opt = new optim.Adam([{ params: c1.parameters(), weightDecay: 5e-4 }, { params: c2.parameters() }], {
    lr: 0.02,
  })
  const mask = zeros(n, { dtype: bool })
  mask.setAt([[0, 1, 6, 7, 12, 13]], true)
  const step = compile(() => {
    const out = c2.forward(F.elu(c1.forward(F.dropout(x, 0.2), edge)), edge)
    const loss = F.crossEntropy(out, where(mask, y, -100))
    opt.zeroGrad()
    loss.backward()
    opt.step()
    return loss
  })
  let p!: Tensor
  for (let e = 0; e < 20; e++) {
    c1.train()
    c2.train()
    const loss = step()
    if (e % 5 === 4) {
      c1.eval()
      c2.eval()
      p = noGrad(() => c2.forward(F.elu(c1.forward(x, edge)), edge).argmax(1))
      print(`${e} ${loss.item().toFixed(4)} right ${p.eq(y).logicalAnd(mask.logicalNot()).sum().item()}`)
    }
  }
  const conf = zeros(3, 3, { dtype: long }).indexPut_([y, p], tensor(1, { dtype: long }), { accumulate: true })
  s(conf)
  const A = adj.fillDiagonal_(0)
  const deg = A.sum(1)
  const Pm = A.div(deg.clamp({ min: 1 }).at(':', null)).T
  let r = full([n], 1 / n)
  for (let i = 0; i < 50; i++)
    r = Pm.mul(0.85)
      .matmul(r)
      .add(0.15 / n)
  const [values, indices] = r.topk(3)
  s(values, indices, deg.int().bincount())
  let dist = where(A.gt(0), 1, Infinity).fillDiagonal_(0)
  for (let k = 0; k < n; k++) dist = minimum(dist, dist.at(':', Slice(k, k + 1)).add(dist.at(Slice(k, k + 1), ':')))
  s(dist.at(0), dist.at(dist.isfinite()).max(), isinf(dist).sum())
  let comp = arange(n)
  for (let i = 0; i < n; i++) comp = minimum(comp, where(A.gt(0), comp.at(null, ':').expand(n, n), n).amin(1))
  const [u, inv, cnt] = comp.unique({ returnInverse: true, returnCounts: true })
  s(u, inv, cnt)
  const pooled = zeros(3, 8).scatterReduce(0, y.at(':', null).expand(n, 8), x, 'mean', { includeSelf: false })
  s(pooled)
}
