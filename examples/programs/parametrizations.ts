// Weights that are computed from others: symmetric, orthogonal, of unit norm, and with a bounded spectrum.
import { eye, F, linalg, manualSeed, matrixExp, nn, ones, optim, randn, type Tensor } from 'flambeau'
import type { Compile, Print } from './setting.ts'

const P = nn.utils.parametrize

class Sym extends nn.Module {
  forward(X: Tensor) {
    return X.triu().add(X.triu(1).transpose(-1, -2))
  }
  rightInverse(A: Tensor) {
    return A.triu()
  }
}

class Skew extends nn.Module {
  forward(X: Tensor) {
    const A = X.triu(1)
    return A.sub(A.transpose(-1, -2))
  }
}

class MatExp extends nn.Module {
  forward(A: Tensor) {
    return matrixExp(A)
  }
}

const py = (b: boolean) => (b ? 'True' : 'False')

const list = (x: Iterable<string>) => `[${[...x].map((s) => `'${s}'`).join(', ')}]`

export function main(seed: number, print: Print, compile: Compile): void {
  manualSeed(seed)
  const l = new nn.Linear(3, 3)
  P.registerParametrization(l, 'weight', new Sym())
  print(py(l.weight.allclose(l.weight.T)), py(P.isParametrized(l)), list(l.namedParameters().map(([n]) => n)))
  const o = new nn.Linear(3, 3)
  P.registerParametrization(o, 'weight', new Skew())
  P.registerParametrization(o, 'weight', new MatExp())
  print(py(o.weight.matmul(o.weight.T).allclose(eye(3), { atol: 1e-5 })))
  const w = nn.utils.weightNorm(new nn.Linear(3, 2), 'weight', 0)
  const sp = nn.utils.spectralNorm(new nn.Conv2d(1, 2, 3), { nPowerIterations: 2 })
  const orth = nn.utils.parametrizations.orthogonal(new nn.Linear(3, 3))
  const sp2 = nn.utils.parametrizations.spectralNorm(new nn.Linear(3, 4))
  const net = new nn.Sequential(l, new nn.Tanh(), o, w)
  const opt = new optim.SGD([...net.parameters(), ...orth.parameters(), ...sp2.parameters(), ...sp.parameters()], {
    lr: 0.1,
  })
  const x = randn(6, 3)
  const y = randn(6, 2)
  const img = randn(2, 1, 5, 5)
  const step = compile(() => {
    const loss = P.cached(() =>
      F.mseLoss(net.forward(x), y)
        .add(orth.forward(x).pow(2).mean().mul(0.1))
        .add(sp2.forward(x).mean())
        .add(sp.forward(img).pow(2).mean()),
    )
    opt.zeroGrad()
    loss.backward()
    opt.step()
    return loss
  })
  for (let e = 0; e < 6; e++) {
    const loss = step()
    if (e % 2) print(loss.item().toFixed(4))
  }
  const g = w as unknown as { weightG: Tensor }
  const u = sp as unknown as { weightU: Tensor }
  print(`${g.weightG.squeeze()} ${u.weightU}`)
  print(
    py(orth.weight.T.matmul(orth.weight).allclose(eye(3), { atol: 1e-4 })),
    `${linalg.matrixNorm(sp2.weight, 2).lt(1.1)}`,
  )
  nn.utils.removeWeightNorm(w)
  print(
    list(
      w
        .namedParameters()
        .map(([n]) => n)
        .sort(),
    ),
    py(w.weight.isLeaf),
  )
  P.removeParametrizations(l, 'weight', { leaveParametrized: true })
  print(l.weight.constructor.name, py(l.weight.allclose(l.weight.T)), list(l.stateDict().keys()))
  const l2 = new nn.Linear(3, 3)
  P.registerParametrization(l2, 'weight', new Sym())
  l2.weight = ones(3, 3) as nn.Parameter
  print(`${l2.weight.at(0)}`)
  print(list(o.stateDict().keys()))
}
