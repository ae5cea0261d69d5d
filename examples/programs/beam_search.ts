// Decoding a small recurrent language model: greedy, beam search with length penalties, top-k, nucleus and temperature.
import {
  cat,
  cumsum,
  div,
  F,
  full,
  manualSeed,
  multinomial,
  nn,
  noGrad,
  optim,
  stack,
  tensor,
  type Tensor,
  zeros,
} from 'flambeau'
import type { Print } from './setting.ts'

const TEXT = 'the cat sat on the mat . the dog sat on the log . a cat and a dog ran to the mat . '
const [BOS, EOS, PAD] = [0, 1, 2]

class Vocab {
  itos: string[]
  stoi: Record<string, number>

  constructor(words: readonly string[]) {
    this.itos = ['<bos>', '<eos>', '<pad>', ...[...new Set(words)].filter((w) => w !== '.').sort()]
    this.stoi = Object.fromEntries(this.itos.map((w, i) => [w, i]))
    this.stoi['.'] = EOS
  }

  get length(): number {
    return this.itos.length
  }

  decode(ids: readonly number[]): string {
    return ids
      .filter((i) => ![BOS, EOS, PAD].includes(i))
      .map((i) => this.itos[i])
      .join(' ')
  }
}

class LM extends nn.Module {
  embed: nn.Embedding
  cells: nn.ModuleList<nn.GRUCell>
  drop = new nn.Dropout(0.1)
  out: nn.Linear

  constructor(vocab: number, d = 24, layers = 2) {
    super()
    this.embed = new nn.Embedding(vocab, d, { paddingIdx: PAD })
    this.cells = new nn.ModuleList(Array.from({ length: layers }, () => new nn.GRUCell(d, d)))
    this.out = new nn.Linear(d, vocab)
    this.out.weight = this.embed.weight
  }

  step(token: Tensor, state: Tensor): [Tensor, Tensor] {
    let x = this.embed.forward(token)
    const next: Tensor[] = []
    for (const [i, cell] of [...this.cells].entries()) {
      x = cell.forward(this.drop.forward(x), state.at(i))
      next.push(x)
    }
    return [F.logSoftmax(this.out.forward(x), { dim: -1 }), stack(next)]
  }

  override forward(tokens: Tensor): Tensor {
    let state = tokens.newZeros(this.cells.length, tokens.shape[0], this.embed.embeddingDim, { dtype: 'float' })
    const logits: Tensor[] = []
    for (let t = 0; t < tokens.shape[1]; t++) {
      const [y, s] = this.step(tokens.at(':', t), state)
      state = s
      logits.push(y)
    }
    return stack(logits, { dim: 1 })
  }
}

function beamSearch(model: LM, k = 3, maxLen = 8, alpha = 0.7): [score: number, ids: number[]][] {
  let state = zeros(model.cells.length, 1, model.embed.embeddingDim)
  let tokens = full([1, 1], BOS, { dtype: 'int64' })
  let scores = zeros(1)
  const done: [score: number, ids: number[]][] = []
  for (let step = 0; step < maxLen; step++) {
    const [logp, s] = model.step(tokens.at(':, -1'), state)
    logp.setAt([':', [BOS, PAD]], -Infinity)
    const total = scores.at(':', null).add(logp).flatten()
    const [best, index] = total.topk(Math.min(2 * k, total.isfinite().sum().item()))
    const [beam, token] = [div(index, logp.size(-1), { roundingMode: 'floor' }), index.remainder(logp.size(-1))]
    const ended = token.eq(EOS)
    const [ends, points] = [beam.at(ended).at(`:${k}`), best.at(ended).at(`:${k}`)]
    for (const [i, b] of [...ends].entries())
      done.push([points.at(i).item() / ((5 + step + 1) / 6) ** alpha, tokens.at(b, '1:').tolist() as number[]])
    const keep = ended.logicalNot().nonzero().squeeze(1).at(`:${k}`)
    const kept = beam.at(keep)
    scores = best.at(keep)
    tokens = cat([tokens.at(kept), token.at(keep).at(':', null)], { dim: 1 })
    state = s.indexSelect(1, kept)
    if (done.length >= k) break
  }
  return done.sort((a, b) => b[0] - a[0]).slice(0, k)
}

function filtered(logp: Tensor, { topK = 0, topP = 1.0 } = {}): Tensor {
  logp = logp.clone()
  if (topK) logp.setAt(logp.lt(logp.topk(topK)[0].at('...', -1, null)), -Infinity)
  if (topP < 1) {
    const [ordered, index] = logp.sort({ descending: true })
    const drop = cumsum(ordered.softmax(-1), -1).gt(topP)
    drop.setAt('..., 1:', drop.at('..., :-1').clone())
    drop.setAt('..., 0', false)
    logp.maskedFill_(drop.scatter(-1, index, drop), -Infinity)
  }
  return logp
}

export function main(seed: number, out: Print): void {
  const print = (...values: unknown[]): void => out(...values.map(String))
  manualSeed(seed)
  const sentences = TEXT.split('.')
    .slice(0, -1)
    .map((s) => s.trim().split(/\s+/))
  const vocab = new Vocab(TEXT.trim().split(/\s+/))
  const ids = sentences.map((s) => tensor([BOS, ...s.map((w) => vocab.stoi[w]), EOS], { dtype: 'int64' }))
  const batch = nn.utils.rnn.padSequence(ids, { batchFirst: true, paddingValue: PAD })
  print(vocab.length, batch.size(), batch.at(0))
  const model = new LM(vocab.length)
  const opt = new optim.RAdam(model.parameters(), { lr: 0.03 })
  const nll = new nn.NLLLoss({ ignoreIndex: PAD })
  for (let epoch = 0; epoch < 20; epoch++) {
    model.train()
    opt.zeroGrad()
    const logp = model.forward(batch.at(':, :-1'))
    const loss = nll.forward(logp.transpose(1, 2), batch.at(':, 1:'))
    loss.backward()
    nn.utils.clipGradNorm_(model.parameters(), 1.0)
    opt.step()
    if (epoch % 10 === 9) {
      model.eval()
      const perplexity = noGrad(() =>
        nll.forward(model.forward(batch.at(':, :-1')).transpose(1, 2), batch.at(':, 1:')).exp(),
      )
      print(`epoch ${epoch + 1}: loss ${loss.item().toFixed(4)}, perplexity ${perplexity.item().toFixed(3)}`)
    }
  }
  model.eval()
  const says = (x: boolean): string => (x ? 'True' : 'False')
  print(
    model.parameters().reduce((s, p) => s + p.numel(), 0),
    says(model.out.weight === model.embed.weight),
    says(model.embed.weight.at(PAD).abs().sum().item() > 0),
  )
  for (const [score, ids] of noGrad(() => beamSearch(model))) print(score.toFixed(4).padStart(8), vocab.decode(ids))
  for (const kind of [{ topK: 3 }, { topP: 0.8 }, { topK: 5, topP: 0.9 }, {}] as { topK?: number; topP?: number }[]) {
    let [token, state, probs] = [tensor([BOS], { dtype: 'int64' }), zeros(2, 1, 24), zeros(1)]
    const words: number[] = []
    noGrad(() => {
      while (words.length < 8 && token.item() !== EOS) {
        const [logp, s] = model.step(token, state)
        state = s
        probs = filtered(logp.div(0.8), kind).softmax(-1)
        token = multinomial(probs, 1).squeeze(1)
        words.push(token.item())
      }
    })
    const said = Object.entries(kind)
      .map(([k, v]) => `'${k === 'topK' ? 'top_k' : 'top_p'}': ${v}`)
      .join(', ')
    print(`{${said}}`, '->', vocab.decode(words), probs.gt(0).sum().item())
  }
  const near = noGrad(() => F.cosineSimilarity(model.embed.weight.at(vocab.stoi.cat), model.embed.weight, { dim: -1 }))
  print(`[${[...near.topk(3).indices].map((i) => `'${vocab.itos[i.item()]}'`).join(', ')}]`)
}
