// Bayesian linear regression: posterior of the weights by solve and inv, predictions with their deviation.
import { distributions, eye, linalg, logdet, manualSeed, ones, rand, randn, stack, type Tensor } from 'flambeau'
import type { Print } from './setting.ts'

const fixed = (x: Tensor) => (x.tolist() as number[]).map((v) => v.toFixed(4))

export function main(seed: number, print: Print): void {
  manualSeed(seed)
  const x = rand(20).mul(4).sub(2)
  const y = x.pow(2).mul(0.5).sub(x).add(randn(20).mul(0.3))
  const phi = stack([ones(20), x, x.pow(2)], { dim: 1 })
  const [alpha, beta] = [0.5, 1 / 0.3 ** 2]
  const precision = eye(3).mul(alpha).add(phi.T.mul(beta).matmul(phi))
  const mean = linalg.solve(precision, phi.T.mul(beta).matmul(y))
  const covariance = linalg.inv(precision)
  print('mean', ...fixed(mean))
  print('std', ...fixed(covariance.diagonal().sqrt()))
  print(`determinant ${logdet(precision).item().toFixed(4)}`)
  const posterior = new distributions.MultivariateNormal(mean, covariance)
  print(`density ${posterior.logProb(mean).item().toFixed(3)} entropy ${posterior.entropy().item().toFixed(3)}`)
  const least = linalg.lstsq(phi, y.unsqueeze(1)).solution.squeeze(1)
  print('least squares', ...fixed(least))
}
