// An echo state network: a random reservoir, scaled by its norm, and a readout by ridge regression.
import { arange, cos, eye, linalg, manualSeed, rand, sin, stack, tanh, type Tensor, zeros } from 'flambeau'
import type { Print } from './setting.ts'

export function main(seed: number, print: Print): void {
  manualSeed(seed)
  const t = arange(80).float()
  const series = sin(t.mul(0.3)).mul(cos(t.mul(0.11)))
  let W = rand(16, 16).sub(0.5)
  W = W.mul(linalg.matrixNorm(W, { ord: 2 }).reciprocal().mul(0.9))
  const Win = rand(16, 1).sub(0.5)
  let state = zeros(16)
  const states: Tensor[] = []
  for (const u of series.at(':-1')) {
    state = tanh(W.matmul(state).add(Win.matmul(u.view(1))))
    states.push(state)
  }
  const [X, y] = [stack(states).at('10:'), series.at('11:')]
  const gram = X.T.matmul(X).add(eye(16).mul(1e-1))
  const readout = linalg.solve(gram, X.T.matmul(y))
  const error = X.matmul(readout).sub(y).square().mean().sqrt()
  print(`rmse ${error.item().toFixed(4)} norm ${readout.norm().item().toFixed(4)}`)
  print('states', ...(state.at(':4').tolist() as number[]).map((v) => v.toFixed(4)))
}
