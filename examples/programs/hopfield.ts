// A Hopfield network: patterns stored by outer products, recalled from noise, with its energy.
import { dot, manualSeed, outer, rand, randperm, type Tensor, where } from 'flambeau'
import type { Print } from './setting.ts'

const energy = (W: Tensor, s: Tensor) => s.matmul(W).matmul(s).mul(-0.5)

export function main(seed: number, print: Print): void {
  manualSeed(seed)
  const patterns = where(rand(3, 32).gt(0.5), 1, -1).float()
  const [first, ...others] = [...patterns].map((p) => outer(p, p))
  const W = others.reduce((sum, product) => sum.add(product), first).div(patterns.shape[1])
  W.fillDiagonal_(0)
  for (let k = 0; k < patterns.length; k++) {
    const pattern = patterns.at(k)
    const s = pattern.clone()
    const flipped = randperm(32).at(':5')
    s.setAt(flipped, s.at(flipped).mul(-1))
    const before = energy(W, s).item()
    for (let sweep = 0; sweep < 3; sweep++)
      for (const i of randperm(32).tolist() as number[]) s.setAt(i, W.at(i).matmul(s).item() >= 0 ? 1 : -1)
    const overlap = dot(s, pattern).div(32)
    print(
      `pattern ${k} energy ${before.toFixed(3)} to ${energy(W, s).item().toFixed(3)} overlap ${overlap.item().toFixed(3)}`,
    )
  }
}
