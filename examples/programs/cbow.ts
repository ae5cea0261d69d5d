// Word vectors: a continuous bag of words, by EmbeddingBag, with a custom Dataset.
import { DataLoader, Dataset } from '@flambeau/data'
import { cat, manualSeed, nn, optim, Slice, type Tensor, tensor } from 'flambeau'
import type { Compile, Print } from './setting.ts'

const TEXT = 'we are about to study the idea of a computational process and the processes are abstract beings'.split(
  ' ',
)

class Windows extends Dataset<[context: Tensor, word: Tensor]> {
  readonly ids: Tensor
  readonly length: number

  constructor(words: readonly string[], vocabulary: readonly string[]) {
    super()
    this.ids = tensor(
      words.map((w) => vocabulary.indexOf(w)),
      { dtype: 'int64' },
    )
    this.length = this.ids.length - 4
  }

  at(i: number): [Tensor, Tensor] {
    const context = cat([this.ids.at(Slice(i, i + 2)), this.ids.at(Slice(i + 3, i + 5))])
    return [context, this.ids.at(i + 2)]
  }
}

class CBOW extends nn.Module {
  embeddings: nn.EmbeddingBag
  linear: nn.Linear

  constructor(vocabulary: number, dim: number) {
    super()
    this.embeddings = new nn.EmbeddingBag(vocabulary, dim, { mode: 'mean' })
    this.linear = new nn.Linear(dim, vocabulary)
  }

  forward(context: Tensor): Tensor {
    return this.linear.forward(this.embeddings.forward(context))
  }
}

export function main(seed: number, print: Print, compile: Compile): void {
  manualSeed(seed)
  const vocabulary = [...new Set(TEXT)].sort()
  const dataset = new Windows(TEXT, vocabulary)
  const loader = new DataLoader(dataset, { batchSize: 4, shuffle: true, dropLast: true })
  const model = new CBOW(vocabulary.length, 8)
  const criterion = new nn.CrossEntropyLoss()
  const optimizer = new optim.RAdam(model.parameters(), { lr: 0.05 })

  const step = compile((context: Tensor, target: Tensor) => {
    optimizer.zeroGrad()
    const loss = criterion.forward(model.forward(context), target)
    loss.backward()
    optimizer.step()
    return loss
  })

  for (let epoch = 1; epoch <= 12; epoch++) {
    const losses: number[] = []
    for (const [context, target] of loader) losses.push(step(context, target).item())
    const mean = losses.reduce((sum, loss) => sum + loss) / losses.length
    if (epoch % 4 === 0) print(`epoch ${epoch} loss ${mean.toFixed(4)}`)
  }
}
