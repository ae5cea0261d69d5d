// Word vectors: skip-gram with negative samples drawn by frequency.
import { bmm, F, manualSeed, multinomial, nn, ones, optim, type Tensor, tensor, zeros } from 'flambeau'
import type { Compile, Print } from './setting.ts'

const TEXT =
  'the king loves the queen and the queen loves the king but the dog loves the bone and the cat hates the dog'

class SkipGram extends nn.Module {
  center: nn.Embedding
  context: nn.Embedding

  constructor(vocabulary: number, dim: number) {
    super()
    this.center = new nn.Embedding(vocabulary, dim)
    this.context = new nn.Embedding(vocabulary, dim)
  }

  forward(center: Tensor, context: Tensor, negative: Tensor): Tensor {
    const v = this.center.forward(center).unsqueeze(2)
    const positive = bmm(this.context.forward(context).unsqueeze(1), v).squeeze()
    const negatives = bmm(this.context.forward(negative), v).squeeze()
    return F.logsigmoid(positive).add(F.logsigmoid(negatives.neg()).sum(1)).mean().neg()
  }
}

export function main(seed: number, print: Print, compile: Compile): void {
  manualSeed(seed)
  const words = TEXT.split(' ')
  const vocabulary = [...new Set(words)].sort()
  const ids = words.map((word) => vocabulary.indexOf(word))
  const pairs = ids.flatMap((id, i) =>
    [i - 2, i - 1, i + 1, i + 2].filter((j) => j >= 0 && j < ids.length).map((j) => [id, ids[j]]),
  )
  const [center, context] = tensor(pairs, { dtype: 'int64' }).unbind(1)
  const counts = zeros(vocabulary.length).indexAdd_(0, tensor(ids, { dtype: 'int64' }), ones(ids.length))
  const frequency = counts.pow(0.75)
  const model = new SkipGram(vocabulary.length, 8)
  const optimizer = new optim.Adagrad(model.parameters(), { lr: 0.5 })

  const step = compile((negative: Tensor) => {
    const loss = model.forward(center, context, negative)
    optimizer.zeroGrad()
    loss.backward()
    optimizer.step()
    return loss
  })

  for (let epoch = 1; epoch <= 15; epoch++) {
    const negative = multinomial(frequency, pairs.length * 3, { replacement: true }).view(-1, 3)
    const loss = step(negative)
    if (epoch % 5 === 0) print(`epoch ${epoch} loss ${loss.item().toFixed(4)}`)
  }
  const vectors = F.normalize(model.center.weight, { dim: 1 })
  const similarity = vectors.matmul(vectors.at(vocabulary.indexOf('king')))
  const [values, nearest] = similarity.topk(3)
  for (let i = 0; i < 3; i++) print(vocabulary[nearest.at(i).item()], values.at(i).item().toFixed(3))
}
