// Collaborative filtering: users and items as embeddings with biases, in batches of a DataLoader.
import { DataLoader, Dataset, randomSplit } from '@flambeau/data'
import { F, manualSeed, nn, noGrad, optim, randint, randn, type Tensor } from 'flambeau'
import type { Compile, Print } from './setting.ts'

class Ratings extends Dataset<[user: Tensor, item: Tensor, rating: Tensor]> {
  readonly length: number
  readonly users: Tensor
  readonly items: Tensor
  readonly ratings: Tensor

  constructor(users: Tensor, items: Tensor, ratings: Tensor) {
    super()
    this.users = users
    this.items = items
    this.ratings = ratings
    this.length = ratings.length
  }

  at(i: number): [Tensor, Tensor, Tensor] {
    return [this.users.at(i), this.items.at(i), this.ratings.at(i)]
  }
}

class MF extends nn.Module {
  user: nn.Embedding
  item: nn.Embedding
  userBias: nn.Embedding
  itemBias: nn.Embedding

  constructor(users: number, items: number, dim: number) {
    super()
    this.user = new nn.Embedding(users, dim)
    this.item = new nn.Embedding(items, dim)
    this.userBias = new nn.Embedding(users, 1)
    this.itemBias = new nn.Embedding(items, 1)
    nn.init.normal_(this.user.weight, { std: 0.1 })
    nn.init.normal_(this.item.weight, { std: 0.1 })
    nn.init.zeros_(this.userBias.weight)
    nn.init.zeros_(this.itemBias.weight)
  }

  forward(user: Tensor, item: Tensor): Tensor {
    const dot = this.user.forward(user).mul(this.item.forward(item)).sum(1)
    return dot.add(this.userBias.forward(user).squeeze()).add(this.itemBias.forward(item).squeeze()).add(3)
  }
}

export function main(seed: number, print: Print, compile: Compile): void {
  manualSeed(seed)
  const truth = randn(8, 2).matmul(randn(2, 10)).add(3)
  const [users, items] = [randint(8, [60]), randint(10, [60])]
  const dataset = new Ratings(users, items, truth.at(users, items).clamp(1, 5))
  const [train, test] = randomSplit(dataset, [48, 12])
  const model = new MF(8, 10, 3)
  const optimizer = new optim.Adam(model.parameters(), { lr: 0.05, weightDecay: 1e-4 })
  const loader = new DataLoader(train, { batchSize: 16, shuffle: true })

  const step = compile((user: Tensor, item: Tensor, rating: Tensor) => {
    const loss = F.mseLoss(model.forward(user, item), rating)
    optimizer.zeroGrad()
    loss.backward()
    optimizer.step()
    return loss
  })

  for (let epoch = 1; epoch <= 8; epoch++) {
    let total = 0
    for (const [user, item, rating] of loader) total += step(user, item, rating).item() * rating.length
    if (epoch % 2 === 0) print(`epoch ${epoch} rmse ${Math.sqrt(total / train.length).toFixed(4)}`)
  }
  noGrad(() => {
    const [[user, item, rating]] = new DataLoader(test, { batchSize: 12 })
    print(`test mae ${model.forward(user, item).sub(rating).abs().mean().item().toFixed(4)}`)
  })
}
