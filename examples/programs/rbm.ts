// A restricted Boltzmann machine by contrastive divergence: Bernoulli draws and updates by hand, no autograd.
import { addmm, manualSeed, randn, sigmoid, type Tensor, tensor, zeros } from 'flambeau'
import type { Compile, Print } from './setting.ts'

class RBM {
  W: Tensor
  vBias: Tensor
  hBias: Tensor
  k: number

  constructor(visible: number, hidden: number, k = 1) {
    this.k = k
    this.W = randn(hidden, visible).mul(0.1)
    this.vBias = zeros(visible)
    this.hBias = zeros(hidden)
  }

  sampleH(v: Tensor) {
    const p = sigmoid(addmm(this.hBias, v, this.W.t()))
    return [p, p.bernoulli()] as const
  }

  sampleV(h: Tensor) {
    const p = sigmoid(addmm(this.vBias, h, this.W))
    return [p, p.bernoulli()] as const
  }

  train(v0: Tensor, lr: number): Tensor {
    const [ph0, h0] = this.sampleH(v0)
    let [h, ph, pv, v] = [h0, ph0, v0, v0]
    for (let i = 0; i < this.k; i++) {
      ;[pv, v] = this.sampleV(h)
      ;[ph, h] = this.sampleH(v)
    }
    const n = v0.size(0)
    this.W.add_(ph0.t().matmul(v0).sub(ph.t().matmul(v)).mul(lr).div(n))
    this.vBias.add_(v0.sub(v).mean(0).mul(lr))
    this.hBias.add_(ph0.sub(ph).mean(0).mul(lr))
    return v0.sub(pv).pow(2).mean()
  }
}

export function main(seed: number, print: Print, compile: Compile): void {
  manualSeed(seed)
  const patterns = tensor([
    [1, 1, 1, 0, 0, 0],
    [0, 0, 0, 1, 1, 1],
  ])
  const data = patterns.repeat(10, 1)
  const rbm = new RBM(6, 3)
  const step = compile(() => rbm.train(data, 0.3))
  for (let epoch = 1; epoch <= 60; epoch++) {
    const error = step()
    if (epoch % 20 === 0) print(`epoch ${epoch} error ${error.item().toFixed(4)}`)
  }
  print(`weights ${rbm.W.abs().mean().item().toFixed(4)}`)
}
