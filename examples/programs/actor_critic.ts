// Actor-critic on a corridor: one body, two heads, entropy as a bonus, smooth L1 for the value.
import { cat, distributions, eye, F, manualSeed, nn, optim, stack, tanh, type Tensor, tensor } from 'flambeau'
import type { Print } from './setting.ts'

const { Categorical } = distributions

class ActorCritic extends nn.Module {
  body = new nn.Linear(4, 16)
  actionHead = new nn.Linear(16, 2)
  valueHead = new nn.Linear(16, 1)

  forward(x: Tensor) {
    x = tanh(this.body.forward(x))
    return [this.actionHead.forward(x), this.valueHead.forward(x)] as const
  }
}

export function main(seed: number, print: Print): void {
  manualSeed(seed)
  const model = new ActorCritic()
  const optimizer = new optim.Adam(model.parameters(), { lr: 0.03 })
  const oneHot = eye(4)
  for (let episode = 1; episode <= 12; episode++) {
    let state = 0
    const logProbs: Tensor[] = []
    const valueList: Tensor[] = []
    const rewards: number[] = []
    const entropies: Tensor[] = []
    while (state < 3 && rewards.length < 12) {
      const [logits, value] = model.forward(oneHot.at(state))
      const m = new Categorical({ logits })
      const action = m.sample()
      state = Math.max(0, state + (action.item() === 1 ? 1 : -1))
      logProbs.push(m.logProb(action))
      entropies.push(m.entropy())
      valueList.push(value)
      rewards.push(state === 3 ? 1 : -0.1)
    }
    const list: number[] = []
    let R = 0
    for (const r of [...rewards].reverse()) {
      R = r + 0.9 * R
      list.unshift(R)
    }
    const returns = tensor(list)
    const values = cat(valueList)
    const advantage = returns.sub(values.detach())
    const policyLoss = stack(logProbs).mul(advantage).sum().neg()
    const loss = policyLoss.add(F.smoothL1Loss(values, returns)).sub(stack(entropies).sum().mul(0.01))
    optimizer.zeroGrad()
    loss.backward()
    optimizer.step()
    if (episode % 3 === 0) {
      const value = values.at(0).item().toFixed(3)
      print(`episode ${episode} steps ${rewards.length} loss ${loss.item().toFixed(3)} value ${value}`)
    }
  }
}
