// k-means: distances by broadcasting, argmin, means of the members, until nothing changes.
import { cat, manualSeed, randn, randperm, type Tensor, tensor } from 'flambeau'
import type { Print } from './setting.ts'

function kmeans(x: Tensor, k: number) {
  const centers = x.at(randperm(x.size(0)).at(`:${k}`)).clone()
  let labels: Tensor | null = null
  let distances: Tensor
  let i = 0
  for (; ; i++) {
    distances = x.unsqueeze(1).sub(centers.unsqueeze(0)).pow(2).sum(-1)
    const newLabels = distances.argmin({ dim: 1 })
    if (i === 19 || labels?.equal(newLabels)) break
    labels = newLabels
    for (let j = 0; j < k; j++) {
      const mask = labels.eq(j)
      if (mask.any().item()) centers.setAt(j, x.at(mask).mean({ dim: 0 }))
    }
  }
  return [centers, labels!, i, distances.min({ dim: 1 }).values.sum()] as const
}

export function main(seed: number, print: Print): void {
  manualSeed(seed)
  const x = cat(
    [
      [0, 0],
      [3, 1],
      [-1, 3],
    ].map((c) => randn(30, 2).mul(0.4).add(tensor(c))),
  )
  const [centers, labels, iterations, inertia] = kmeans(x, 3)
  print(`iterations ${iterations} inertia ${inertia.item().toFixed(3)}`)
  const counts = [0, 1, 2].map((j) => labels.eq(j).sum().item())
  print('sizes', ...counts)
  const order = centers.at(':, 0').argsort()
  for (const row of centers.at(order)) print((row.tolist() as number[]).map((v) => v.toFixed(3)).join(' '))
}
