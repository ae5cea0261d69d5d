// GloVe: word vectors from logarithms of co-occurrences, weighted.
import { clamp, manualSeed, nn, optim, randn, type Tensor, zeros } from 'flambeau'
import type { Compile, Print } from './setting.ts'

const TEXT = 'ice is cold and solid steam is hot and gas water is wet ice and steam are water and fire is hot'

class GloVe extends nn.Module {
  wi: nn.Parameter
  wj: nn.Parameter
  bi: nn.Parameter
  bj: nn.Parameter

  constructor(vocabulary: number, dim: number) {
    super()
    this.wi = new nn.Parameter(randn(vocabulary, dim).mul(0.1))
    this.wj = new nn.Parameter(randn(vocabulary, dim).mul(0.1))
    this.bi = new nn.Parameter(zeros(vocabulary))
    this.bj = new nn.Parameter(zeros(vocabulary))
  }

  forward(i: Tensor, j: Tensor): Tensor {
    return this.wi.at(i).mul(this.wj.at(j)).sum({ dim: 1 }).add(this.bi.at(i)).add(this.bj.at(j))
  }
}

export function main(seed: number, print: Print, compile: Compile): void {
  manualSeed(seed)
  const words = TEXT.split(' ')
  const vocabulary = [...new Set(words)].sort()
  const counts = zeros(vocabulary.length, vocabulary.length)
  for (let a = 0; a < words.length; a++)
    for (let b = Math.max(0, a - 3); b < a; b++) {
      const [i, j] = [vocabulary.indexOf(words[a]), vocabulary.indexOf(words[b])]
      counts.at(i, j).add_(1 / (a - b))
      counts.at(j, i).add_(1 / (a - b))
    }
  const [i, j] = counts.nonzero({ asTuple: true })
  const x = counts.at(i, j)
  const weight = clamp(x.div(2).pow(0.75), { max: 1 })
  const model = new GloVe(vocabulary.length, 4)
  const optimizer = new optim.Adadelta(model.parameters(), { lr: 2 })

  const step = compile(() => {
    const loss = weight.mul(model.forward(i, j).sub(x.log()).pow(2)).mean()
    optimizer.zeroGrad()
    loss.backward()
    optimizer.step()
    return loss
  })

  print(`${i.length} pairs`)
  for (let epoch = 1; epoch <= 40; epoch++) {
    const loss = step()
    if (epoch % 10 === 0) print(`epoch ${epoch} loss ${loss.item().toFixed(4)}`)
  }
}
