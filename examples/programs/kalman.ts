// A Kalman filter in double precision: a moving point seen through noise, whose variances the likelihood fits.
import {
  det,
  diag,
  distributions as D,
  eye,
  F,
  float32,
  float64,
  linalg,
  logdet,
  manualSeed,
  nn,
  noGrad,
  optim,
  randn,
  setDefaultDtype,
  stack,
  tensor,
  type Tensor,
  trace,
  zeros,
} from 'flambeau'
import type { Print } from './setting.ts'

function kalmanLoglik(y: Tensor, A: Tensor, C: Tensor, Q: Tensor, R: Tensor, m: Tensor, P: Tensor) {
  let ll = zeros([], { dtype: y.dtype })
  const means: Tensor[] = []
  const I = eye(2, { dtype: y.dtype })
  for (let t = 0; t < y.length; t++) {
    m = A.matmul(m)
    P = A.matmul(P).matmul(A.T).add(Q)
    const S = C.matmul(P).matmul(C.T).add(R)
    const v = y.at(t).sub(C.matmul(m))
    const K = linalg.solve(S, C.matmul(P)).mT
    ll = ll.add(new D.MultivariateNormal(zeros(1, { dtype: y.dtype }), S).logProb(v))
    m = m.add(K.matmul(v))
    P = I.sub(K.matmul(C)).matmul(P)
    means.push(m)
  }
  return [ll, stack(means), P] as const
}

export function main(seed: number, print: Print): void {
  manualSeed(seed)
  setDefaultDtype(float64)
  const dt = 0.5
  const A = tensor([
    [1, dt],
    [0, 1],
  ])
  const C = tensor([[1, 0]])
  const q0 = 0.05
  const r0 = 0.3
  const G = tensor([
    [dt ** 3 / 3, dt ** 2 / 2],
    [dt ** 2 / 2, dt],
  ])
  const L = linalg.cholesky(G.mul(q0))
  let x = zeros(2)
  const ys: Tensor[] = []
  const xs: Tensor[] = []
  for (let t = 0; t < 16; t++) {
    x = A.matmul(x).add(L.matmul(randn(2)))
    xs.push(x)
    ys.push(C.matmul(x).add(randn(1).mul(r0 ** 0.5)))
  }
  const y = stack(ys)
  const truth = stack(xs)
  print(`torch.${A.dtype}`, `${y.size()}`, `${y.at(':3').flatten()}`)
  const logQ = tensor(0.0, { requiresGrad: true })
  const logR = new nn.Parameter(zeros(1))
  const opt = new optim.LBFGS([logQ, logR], { lr: 0.5, maxIter: 4, lineSearchFn: 'strong_wolfe' })
  const m0 = zeros(2)
  const P0 = eye(2)
  const closure = () => {
    opt.zeroGrad()
    const [ll] = kalmanLoglik(y, A, C, G.mul(logQ.exp()), diag(logR.exp()), m0, P0)
    const loss = ll.neg().div(y.length)
    loss.backward()
    return loss
  }
  for (let i = 0; i < 3; i++) {
    const loss = opt.step(closure)
    print(`${i} nll ${loss.item().toFixed(6)} q ${logQ.exp().item().toFixed(5)} r ${logR.exp().item().toFixed(5)}`)
  }
  const [ll, means, P] = noGrad(() => kalmanLoglik(y, A, C, G.mul(logQ.exp()), logR.exp().diagEmbed(), m0, P0))
  print(ll.item().toFixed(6), `${F.mseLoss(means, truth)}`, `${F.mseLoss(y.at(':, 0'), truth.at(':, 0'))}`)
  print(`${P}\n${linalg.eigvalsh(P)}`)
  print(`${det(P)}`, `${logdet(P)}`, `${trace(P)}`)
  print(`${means.at('-2:')}`, `${logR}`)
  setDefaultDtype(float32)
}
