// REINFORCE: a policy of a Categorical, returns discounted and standardised, logProb.
import { cat, distributions, F, manualSeed, nn, optim, type Tensor, tensor } from 'flambeau'
import type { Print } from './setting.ts'

const { Categorical } = distributions
const eps = 1e-8

class Policy extends nn.Module {
  affine1 = new nn.Linear(2, 16)
  affine2 = new nn.Linear(16, 2)
  savedLogProbs: Tensor[] = []
  rewards: number[] = []

  forward(x: Tensor): Tensor {
    x = F.relu(this.affine1.forward(x))
    return F.softmax(this.affine2.forward(x), { dim: 1 })
  }
}

export function main(seed: number, print: Print): void {
  manualSeed(seed)
  const policy = new Policy()
  const optimizer = new optim.Adam(policy.parameters(), { lr: 2e-2 })

  function selectAction(position: number, velocity: number) {
    const probs = policy.forward(tensor([[position, velocity]]))
    const m = new Categorical(probs)
    const action = m.sample()
    policy.savedLogProbs.push(m.logProb(action))
    return [action.item(), m.entropy().item()] as const
  }

  function finishEpisode(): Tensor {
    let R = 0
    const list: number[] = []
    for (const r of policy.rewards.slice().reverse()) {
      R = r + 0.95 * R
      list.unshift(R)
    }
    let returns = tensor(list)
    returns = returns.sub(returns.mean()).div(returns.std().add(eps))
    const policyLoss = policy.savedLogProbs.map((logProb, i) => logProb.neg().mul(returns.at(i)))
    optimizer.zeroGrad()
    const loss = cat(policyLoss).sum()
    loss.backward()
    optimizer.step()
    policy.rewards = []
    policy.savedLogProbs = []
    return loss
  }

  for (let episode = 1; episode <= 8; episode++) {
    let [position, velocity, total, entropy] = [1, 0, 0, 0]
    for (let i = 0; i < 10; i++) {
      const [action, h] = selectAction(position, velocity)
      entropy = h
      velocity += action === 1 ? 0.25 : -0.25
      position += velocity
      const reward = -Math.abs(position)
      policy.rewards.push(reward)
      total += reward
    }
    const loss = finishEpisode()
    if (episode % 2 === 0)
      print(
        `episode ${episode} return ${total.toFixed(2)} loss ${loss.item().toFixed(3)} entropy ${entropy.toFixed(4)}`,
      )
  }
}
