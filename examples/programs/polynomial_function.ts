// A sine by Legendre polynomials, whose gradient is written by hand in an autograd Function (PyTorch's tutorial).
import { autograd, type FunctionCtx, full, linspace, manualSeed, noGrad, randn, sin, type Tensor } from 'flambeau'
import type { Compile, Print } from './setting.ts'

class LegendrePolynomial3 extends autograd.Function {
  static forward(ctx: FunctionCtx, input: Tensor): Tensor {
    ctx.saveForBackward(input)
    return input.pow(3).mul(5).sub(input.mul(3)).mul(0.5)
  }

  static backward(ctx: FunctionCtx, gradOutput: Tensor): Tensor {
    const [input] = ctx.savedTensors
    return gradOutput.mul(1.5).mul(input.pow(2).mul(5).sub(1))
  }
}

export function main(seed: number, print: Print, compile: Compile): void {
  manualSeed(seed)
  const x = linspace(-Math.PI, Math.PI, 200)
  const y = sin(x)
  const [a, b, c, d] = [0, -1, 0, 0.3].map((value) => full([], value, { dtype: 'float32', requiresGrad: true }))
  noGrad(() => a.add_(randn([]).mul(0.1)))
  const learningRate = 5e-5

  const step = compile(() => {
    const yPred = a.add(b.mul(LegendrePolynomial3.apply(c.add(d.mul(x)))))
    const loss = yPred.sub(y).pow(2).sum()
    loss.backward()
    noGrad(() => {
      for (const p of [a, b, c, d]) {
        p.sub_(p.grad!.mul(learningRate))
        p.grad = null
      }
    })
    return loss
  })

  for (let t = 0; t < 150; t++) {
    const loss = step()
    if (t % 50 === 49) print(t, loss.item().toFixed(3))
  }
  const [A, B, C, D] = [a, b, c, d].map((p) => p.item().toFixed(4))
  print(`y = ${A} + ${B} * P3(${C} + ${D} x)`)
}
