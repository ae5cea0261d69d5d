// Principal components by the singular values, and by the eigenvalues of the covariance.
import { cov, linalg, manualSeed, randn, sign, type Tensor } from 'flambeau'
import type { Print } from './setting.ts'

const fixed = (x: Tensor, digits: number) => (x.tolist() as number[]).map((v) => v.toFixed(digits))

export function main(seed: number, print: Print): void {
  manualSeed(seed)
  const x = randn(50, 2).matmul(randn(2, 5)).add(randn(50, 5).mul(0.1))
  const centered = x.sub(x.mean({ dim: 0 }))
  const [, S, Vh] = linalg.svd(centered, { fullMatrices: false })
  const explained = S.pow(2).div(S.pow(2).sum())
  print('explained', ...fixed(explained, 4))
  const eigenvalues = linalg.eigvalsh(cov(x.T)).flip(0)
  print('eigenvalues', ...fixed(eigenvalues, 4))
  const projected = centered.matmul(Vh.at(':2').T)
  const restored = projected.matmul(Vh.at(':2'))
  print(`error ${restored.sub(centered).norm().item().toFixed(4)} of ${centered.norm().item().toFixed(4)}`)
  const components = Vh.at(':2').mul(sign(Vh.at(':2, :1')))
  for (const row of components) print(...fixed(row, 3))
}
