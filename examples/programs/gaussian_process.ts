// Gaussian process regression: a kernel's parameters by the marginal likelihood, through a Cholesky factor.
import {
  diagonal,
  exp,
  eye,
  linalg,
  linspace,
  log,
  manualSeed,
  noGrad,
  optim,
  randn,
  sin,
  type Tensor,
  tensor,
  zeros,
} from 'flambeau'
import type { Print } from './setting.ts'

const rbf = (a: Tensor, b: Tensor, scale: Tensor) =>
  exp(a.at(':', null).sub(b.at(null)).pow(2).mul(-0.5).div(scale.pow(2)))

const fixed = (x: Tensor) => (x.tolist() as number[]).map((v) => v.toFixed(3))

export function main(seed: number, print: Print): void {
  manualSeed(seed)
  const x = linspace(0, 5, 12)
  const y = sin(x).add(randn(12).mul(0.1))
  const logScale = zeros([], { requiresGrad: true })
  const logNoise = tensor(-1, { dtype: 'float32', requiresGrad: true })
  const optimizer = new optim.Adam([logScale, logNoise], { lr: 0.1 })

  function factor(): Tensor {
    const K = rbf(x, x, logScale.exp()).add(logNoise.exp().pow(2).mul(eye(12)))
    return linalg.cholesky(K)
  }

  for (let i = 1; i <= 20; i++) {
    const L = factor()
    const z = linalg.solveTriangular(L, y.unsqueeze(1), { upper: false })
    const loss = z
      .pow(2)
      .sum()
      .mul(0.5)
      .add(log(diagonal(L)).sum())
      .add(6 * Math.log(2 * Math.PI))
    optimizer.zeroGrad()
    loss.backward()
    optimizer.step()
    if (i % 5 === 0) print(`step ${i} loss ${loss.item().toFixed(4)}`)
  }
  noGrad(() => {
    const L = factor()
    const at = tensor([2.5, 6])
    const k = rbf(x, at, logScale.exp())
    const v = linalg.solveTriangular(L, k, { upper: false })
    const mean = v.T.matmul(linalg.solveTriangular(L, y.unsqueeze(1), { upper: false }))
    const deviation = tensor(1).sub(v.pow(2).sum(0)).sqrt()
    print('mean', ...fixed(mean.squeeze(1)), 'std', ...fixed(deviation))
  })
}
