// Domain-adversarial training: autograd Functions with a reversed gradient, several outputs and second derivatives.
import {
  arange,
  atan2,
  autograd,
  cat,
  double,
  F,
  type FunctionCtx,
  hypot,
  manualSeed,
  nn,
  optim,
  rand,
  randint,
  randn,
  tanh,
  type Tensor,
  tensor,
} from 'flambeau'
import type { Compile, Print } from './setting.ts'

class Exp extends autograd.Function {
  static forward(ctx: FunctionCtx, i: Tensor) {
    const result = i.exp()
    ctx.saveForBackward(result)
    return result
  }

  static backward(ctx: FunctionCtx, gradOutput: Tensor) {
    const [result] = ctx.savedTensors
    return gradOutput.mul(result)
  }
}

class PolarMap extends autograd.Function {
  static forward(ctx: FunctionCtx & { scale: number }, x: Tensor, y: Tensor, scale: number): [Tensor, Tensor, Tensor] {
    const r = hypot(x, y)
    const th = atan2(y, x)
    ctx.saveForBackward(x, y, r)
    ctx.scale = scale
    const quad = th.floorDivide(Math.PI / 2).long()
    ctx.markNonDifferentiable(quad)
    return [r.mul(scale), th, quad]
  }

  static backward(ctx: FunctionCtx & { scale: number }, gr: Tensor, gth: Tensor, _: Tensor) {
    const [x, y, r] = ctx.savedTensors
    let gx = null
    let gy = null
    if (ctx.needsInputGrad[0])
      gx = gr
        .mul(ctx.scale)
        .mul(x)
        .div(r)
        .sub(gth.mul(y).div(r.pow(2)))
    if (ctx.needsInputGrad[1])
      gy = gr
        .mul(ctx.scale)
        .mul(y)
        .div(r)
        .add(gth.mul(x).div(r.pow(2)))
    return [gx, gy, null]
  }
}

class GradReverse extends autograd.Function {
  static forward(ctx: FunctionCtx & { lam: Tensor }, x: Tensor, lam: Tensor) {
    ctx.lam = lam
    return x.viewAs(x)
  }

  static backward(ctx: FunctionCtx & { lam: Tensor }, g: Tensor) {
    return [ctx.lam.neg().mul(g), null]
  }
}

const py = (b: boolean) => (b ? 'True' : 'False')

export function main(seed: number, print: Print, compile: Compile): void {
  manualSeed(seed)
  const x = randn(3, { dtype: double, requiresGrad: true })
  const y = rand(3, { dtype: double, requiresGrad: true })
  print(py(autograd.gradcheck(Exp.apply, [x])), py(autograd.gradgradcheck(Exp.apply, [x])))
  const [r, th, q] = PolarMap.apply(x, y, 2.0)
  print(`${r}\n${th}\n${q}\n${py(q.requiresGrad)}`)
  r.mul(th).sum().backward()
  print(`${x.grad}\n${y.grad}\n${r.gradFn!.name}`)
  print(py(autograd.gradcheck((a: Tensor, b: Tensor) => PolarMap.apply(a, b, 3.0).slice(0, 2), [x, y])))
  const [r2] = PolarMap.apply(x.detach(), y, 1.0)
  r2.sum().backward()
  print(`${y.grad}`)
  manualSeed(seed)
  const feat = new nn.Linear(4, 8)
  const cls = new nn.Linear(8, 3)
  const dom = new nn.Sequential(new nn.Linear(8, 8), new nn.ReLU(), new nn.Linear(8, 2))
  const params = [...feat.parameters(), ...cls.parameters(), ...dom.parameters()]
  const opt = new optim.SGD(params, { lr: 0.1, momentum: 0.9, nesterov: true })
  const src = randn(16, 4)
  const tgt = randn(16, 4).add(0.5)
  const lab = randint(3, [16])
  const step = compile((lam: Tensor) => {
    const f = tanh(feat.forward(cat([src, tgt])))
    const lc = F.crossEntropy(cls.forward(f.at(':16')), lab)
    const ld = F.crossEntropy(dom.forward(GradReverse.apply(f, lam)), arange(2).repeatInterleave(16))
    opt.zeroGrad()
    lc.add(ld).backward()
    opt.step()
    return [lc, ld]
  })
  for (let e = 0; e < 12; e++) {
    const [lc, ld] = step(tensor(2 / (1 + Math.exp((-10 * e) / 12)) - 1))
    if (e % 4 === 3)
      print(`${e} cls ${lc.item().toFixed(4)} dom ${ld.item().toFixed(4)}`, `${feat.weight.grad!.norm()}`)
  }
}
