// A bandit by Thompson sampling: Beta posteriors, Bernoulli rewards, and an epsilon-greedy rival.
import { distributions, manualSeed, ones, rand, randint, type Tensor, tensor, zeros } from 'flambeau'
import type { Print } from './setting.ts'

const { Bernoulli, Beta, klDivergence } = distributions

const fixed = (x: Tensor, digits: number) => (x.tolist() as number[]).map((v) => v.toFixed(digits))

export function main(seed: number, print: Print): void {
  manualSeed(seed)
  const arms = new Bernoulli(tensor([0.2, 0.5, 0.8]))
  const [alpha, beta] = [ones(3), ones(3)]
  for (let i = 0; i < 60; i++) {
    const arm = new Beta(alpha, beta).sample().argmax().item()
    const reward = arms.sample().at(arm)
    alpha.at(arm).add_(reward)
    beta.at(arm).add_(tensor(1).sub(reward))
  }
  const posterior = new Beta(alpha, beta)
  print('pulls', ...fixed(alpha.add(beta).sub(2), 0), 'mean', ...fixed(posterior.mean, 3))
  print('kl', ...fixed(klDivergence(posterior, new Beta(ones(3), ones(3))), 3))

  const [counts, values] = [zeros(3), zeros(3)]
  for (let i = 0; i < 60; i++) {
    const arm = rand([]).item() < 0.1 ? randint(3, [1]).item() : values.argmax().item()
    const reward = arms.sample().at(arm)
    counts.at(arm).add_(1)
    values.at(arm).add_(reward.sub(values.at(arm)).div(counts.at(arm)))
  }
  print('greedy', ...fixed(counts, 0), `best ${values.max().item().toFixed(3)}`)
}
