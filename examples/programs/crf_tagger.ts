// A tagger with a conditional random field: the forward algorithm in log space, Viterbi, masks for lengths.
import {
  arange,
  bool,
  cartesianProd,
  empty,
  isclose,
  logsumexp,
  long,
  manualSeed,
  nn,
  noGrad,
  ones,
  optim,
  randint,
  tanh,
  type Tensor,
  tensor,
  where,
  zerosLike,
} from 'flambeau'
import type { Compile, Print } from './setting.ts'

const show = (x: unknown): string =>
  Array.isArray(x) ? `[${x.map(show).join(', ')}]` : x === true ? 'True' : x === false ? 'False' : `${x}`

class CRF extends nn.Module {
  start: nn.Parameter
  end: nn.Parameter
  transitions: nn.Parameter

  constructor(tags: number) {
    super()
    this.start = new nn.Parameter(empty(tags).uniform_(-0.1, 0.1))
    this.end = new nn.Parameter(empty(tags).uniform_(-0.1, 0.1))
    this.transitions = new nn.Parameter(empty(tags, tags))
    nn.init.uniform_(this.transitions, -0.1, 0.1)
  }

  score(emissions: Tensor, tags: Tensor, mask: Tensor) {
    const [n, steps] = tags.shape
    const batch = arange(n)
    const first = tags.at(':, 0')
    let score = this.start.at(first).add(emissions.at(batch, 0, first))
    for (let t = 1; t < steps; t++) {
      const to = tags.at(':', t)
      const move = this.transitions.at(tags.at(':', t - 1), to).add(emissions.at(batch, t, to))
      score = score.add(move.mul(mask.at(':', t)))
    }
    const last = tags.gather(1, mask.long().sum(1).sub(1).unsqueeze(1)).squeeze(1)
    return score.add(this.end.at(last))
  }

  partition(emissions: Tensor, mask: Tensor) {
    let alpha = this.start.add(emissions.at(':, 0'))
    for (let t = 1; t < emissions.size(1); t++) {
      const inner = alpha.unsqueeze(2).add(this.transitions).add(emissions.at(':', t).unsqueeze(1))
      alpha = where(mask.at(':', t).unsqueeze(1), logsumexp(inner, { dim: 1 }), alpha)
    }
    return logsumexp(alpha.add(this.end), { dim: 1 })
  }

  forward(emissions: Tensor, tags: Tensor, mask: Tensor) {
    return this.partition(emissions, mask)
      .sub(this.score(emissions, tags, mask))
      .mean()
  }

  decode(emissions: Tensor, mask: Tensor) {
    return noGrad(() =>
      [...emissions].map((sentence, i) => {
        const [first, ...rest] = sentence.at(mask.at(i))
        let score = this.start.add(first)
        const history: Tensor[] = []
        for (const row of rest) {
          const [best, index] = score.at(':', null).add(this.transitions).max({ dim: 0 })
          score = best.add(row)
          history.push(index)
        }
        const path = [score.add(this.end).argmax().item()]
        for (const index of history.reverse()) path.push(index.at(path.at(-1)!).item())
        return path.reverse()
      }),
    )
  }
}

class Tagger extends nn.Module {
  embed: nn.Embedding
  conv: nn.Conv1d
  norm: nn.LayerNorm
  out: nn.Linear

  constructor(words: number, tags: number, dim = 8) {
    super()
    this.embed = new nn.Embedding(words, dim, { paddingIdx: 0 })
    this.conv = new nn.Conv1d(dim, dim, 3, { padding: 1 })
    this.norm = new nn.LayerNorm(dim)
    this.out = new nn.Linear(dim, tags)
  }

  forward(x: Tensor) {
    const h = this.embed.forward(x)
    return this.out.forward(this.norm.forward(h.add(tanh(this.conv.forward(h.mT)).mT)))
  }
}

export function main(seed: number, print: Print, compile: Compile): void {
  manualSeed(seed)
  const lengths = tensor([6, 4, 5, 2], { dtype: long })
  const mask = arange(6).at(null, ':').lt(lengths.at(':', null))
  const words = randint(1, 12, [4, 6]).maskedFill(mask.logicalNot(), 0)
  const tags = words.remainder(3).where(mask, zerosLike(words))
  const [tagger, crf] = [new Tagger(12, 3), new CRF(3)]
  const opt = new optim.NAdam([...tagger.parameters(), ...crf.parameters()], { lr: 0.05 })
  const step = compile((words: Tensor, tags: Tensor, mask: Tensor) => {
    const loss = crf.forward(tagger.forward(words), tags, mask)
    opt.zeroGrad()
    loss.backward()
    opt.step()
    return loss
  })
  for (let i = 0; i < 15; i++) {
    const loss = step(words, tags, mask)
    if (i % 5 === 4) print(`${i + 1} ${loss.item().toFixed(4)}`)
  }
  const { weight } = tagger.embed
  print(
    show((weight.at(0).tolist() as number[]).slice(0, 2).map((v) => v.toFixed(1))),
    weight.grad!.at(0).abs().sum().item().toFixed(1),
  )
  const paths = crf.decode(tagger.forward(words), mask)
  const rows = tags.tolist() as number[][]
  const right = paths.flatMap((path, i) => path.filter((p, j) => p === rows[i][j])).length
  print(show(paths.map((p) => p.length)), right, '/', mask.sum().item())
  const e = tagger.forward(words.at(':1, :3')).detach()
  const every = cartesianProd(arange(3), arange(3), arange(3))
  const all = ones(27, 3, { dtype: bool })
  const total = logsumexp(crf.score(e.expand(27, -1, -1), every, all), 0)
  print(
    isclose(total, crf.partition(e, all.at(':1')).at(0), { atol: 1e-4 }).item() ? 'True' : 'False',
    `${every.at('5:8')}`,
  )
}
