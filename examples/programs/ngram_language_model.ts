// An n-gram language model (PyTorch's tutorial of word embeddings): two words predict the third.
import { F, long, manualSeed, nn, optim, type Tensor, tensor } from 'flambeau'
import type { Compile, Print } from './setting.ts'

const TEXT = `when forty winters shall besiege thy brow and dig deep trenches in thy beauty's field
thy youth's proud livery so gazed on now will be a tattered weed of small worth held`.split(/\s+/)

class NGramLanguageModeler extends nn.Module {
  embeddings: nn.Embedding
  linear1: nn.Linear
  linear2: nn.Linear

  constructor(vocabSize: number, embeddingDim: number, contextSize: number) {
    super()
    this.embeddings = new nn.Embedding(vocabSize, embeddingDim)
    this.linear1 = new nn.Linear(contextSize * embeddingDim, 32)
    this.linear2 = new nn.Linear(32, vocabSize)
  }

  forward(inputs: Tensor): Tensor {
    const embeds = this.embeddings.forward(inputs).view(1, -1)
    const out = F.relu(this.linear1.forward(embeds))
    return F.logSoftmax(this.linear2.forward(out), { dim: 1 })
  }
}

export function main(seed: number, print: Print, compile: Compile): void {
  manualSeed(seed)
  const trigrams = TEXT.slice(2).map((word, i) => [[TEXT[i], TEXT[i + 1]], word] as const)
  const vocabulary = [...new Set(TEXT)].sort()
  const wordToIx = new Map(vocabulary.map((word, i) => [word, i]))
  const model = new NGramLanguageModeler(wordToIx.size, 6, 2)
  const lossFunction = new nn.NLLLoss()
  const optimizer = new optim.SGD(model.parameters(), { lr: 0.05 })

  const step = compile((context: Tensor, target: Tensor) => {
    model.zeroGrad()
    const logProbs = model.forward(context)
    const loss = lossFunction.forward(logProbs, target)
    loss.backward()
    optimizer.step()
    return loss
  })

  for (let epoch = 0; epoch < 4; epoch++) {
    let totalLoss = 0
    for (const [context, target] of trigrams) {
      const contextIdxs = tensor(
        context.map((w) => wordToIx.get(w)!),
        { dtype: long },
      )
      const targetIdx = tensor([wordToIx.get(target)!], { dtype: long })
      totalLoss += step(contextIdxs, targetIdx).item()
    }
    print(`epoch ${epoch} loss ${totalLoss.toFixed(3)}`)
  }
}
