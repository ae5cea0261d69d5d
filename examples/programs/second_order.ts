// Second derivatives in double precision: Newton's method by a Hessian, Gauss-Newton by a Jacobian, and a gradient check.
import {
  allclose, autograd, exp, F, linalg, linspace, manualSeed, nn, ones, optim, randn, setDefaultDtype, type Tensor, tensor, zeros,
} from 'flambeau' // biome-ignore format: a list
import type { Print } from './setting.ts'

const { hessian, hvp, jacobian, jvp } = autograd.functional

export function main(seed: number, print: Print): void {
  manualSeed(seed)
  setDefaultDtype('float64')
  try {
    run(print)
  } finally {
    setDefaultDtype('float32')
  }
}

function run(print: Print): void {
  const listed = (x: Tensor, digits: number): string =>
    `[${x
      .tolist()
      .map((v) => `'${v.toFixed(digits)}'`)
      .join(', ')}]`
  const says = (x: boolean): string => (x ? 'True' : 'False')

  const x = randn(30, 3)
  const y = x
    .matmul(tensor([1, -2, 0.5]))
    .add(randn(30).mul(0.3))
    .gt(0)
    .to(x.dtype)
  const loss = (w: Tensor): Tensor => F.binaryCrossEntropyWithLogits(x.matmul(w), y).add(w.square().sum().mul(0.01))
  let w = zeros(3)
  for (let step = 0; step < 6; step++) {
    const h = hessian(loss, w, { vectorize: true, outerJacobianStrategy: 'forward-mode' })
    const g = jacobian(loss, w)
    w = w.sub(linalg.solve(h, g))
  }
  const flat = jacobian(loss, w).norm().item() < 1e-12
  print('newton', listed(w, 8), loss(w).item().toFixed(10), says(flat))
  const [, product] = hvp(loss, w, ones(3))
  print('hvp', says(allclose(product, hessian(loss, w).sum(1))), `torch.${w.dtype}`)

  const t = linspace(0, 2, 25)
  const data = exp(t.mul(-1.2)).mul(1.5).add(0.2).add(randn(25).mul(0.01))
  const residual = (p: Tensor): Tensor =>
    p
      .at(0)
      .mul(exp(p.at(1).neg().mul(t)))
      .add(p.at(2))
      .sub(data)
  let p = tensor([1, 1, 0])
  for (let step = 0; step < 5; step++) {
    const j = jacobian(residual, p, { vectorize: true, strategy: 'forward-mode' })
    p = p.sub(linalg.lstsq(j, residual(p).unsqueeze(1)).solution.squeeze(1))
  }
  print('gauss-newton', listed(p, 6), residual(p).norm().item().toFixed(6))
  const [, slope] = jvp(residual, p, tensor([1, 0, 0]))
  print('jvp', says(allclose(slope, exp(p.at(1).neg().mul(t)))))

  const model = new nn.Sequential(new nn.Linear(3, 4), new nn.Softplus({ beta: 2 }), new nn.Linear(4, 1))
  const checked = autograd.gradcheck((x: Tensor) => model.forward(x), [randn(2, 3, { requiresGrad: true })])
  print('gradcheck', says(checked), `torch.${model[0].weight.dtype}`)
  const optimizer = new optim.LBFGS(model.parameters(), { lr: 0.5, maxIter: 10, lineSearchFn: 'strong_wolfe' })

  const closure = (): Tensor => {
    optimizer.zeroGrad()
    const out = F.softMarginLoss(model.forward(x).squeeze(1), y.mul(2).sub(1))
    out.backward()
    return out
  }

  let value = tensor(0)
  for (let round = 0; round < 3; round++) value = optimizer.step(closure) as Tensor
  print(`lbfgs ${value.item().toFixed(4)} ${closure().item().toFixed(4)}`)
  const [u, s, v] = linalg.svd(x, { fullMatrices: false })
  const back = u.mul(s).matmul(v)
  print('svd', says(allclose(back, x)), listed(s, 6), linalg.cond(x).item().toFixed(6))
}
