// Spectral clustering: two rings, a Gaussian affinity, the smallest eigenpairs of its Laplacian by lobpcg.
import { allclose, arange, cat, cdist, exp, eye, linalg, lobpcg, manualSeed, randn, stack, type Tensor } from 'flambeau'
import type { Print } from './setting.ts'

function ring(n: number, radius: number): Tensor {
  const angle = arange(n).mul((2 * Math.PI) / n)
  return stack([angle.cos(), angle.sin()], { dim: 1 }).mul(radius).add(randn(n, 2).mul(0.05))
}

export function main(seed: number, print: Print): void {
  manualSeed(seed)
  const x = cat([ring(20, 1), ring(30, 3)]).double()
  const n = x.length
  const affinity = exp(cdist(x, x).pow(2).neg().div(0.5))
  affinity.fillDiagonal_(0)
  const scale = affinity.sum(1).rsqrt().diag()
  const laplacian = eye(n, { dtype: 'float64' }).sub(scale.matmul(affinity).matmul(scale))
  const X = randn(n, 3, { dtype: 'float64' })
  const [values, vectors] = lobpcg(laplacian, { k: 3, largest: false, tol: 1e-9, X })
  const exact = linalg.eigvalsh(laplacian).at(':3')
  print('values', ...(values.abs().tolist() as number[]).map((v) => v.toFixed(5)))
  print('as eigvalsh', Number(allclose(values, exact, { atol: 1e-7 })))
  let rows = scale.matmul(vectors.at(':, :2'))
  rows = rows.div(rows.norm({ dim: 1, keepdim: true }))
  const labels = rows.matmul(rows.at(0)).gt(0.9).long()
  print('sizes', labels.eq(1).sum().item(), labels.eq(0).sum().item())
  print('rings', labels.at(':20').eq(1).all().item(), labels.at('20:').eq(0).all().item())
}
