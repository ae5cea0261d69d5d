// Breast cancer, Linear(30, 1), sigmoid, binary cross entropy, SGD: an epoch. As in PyTorch, logarithms are clamped at
// -100, and the slope is the loss's quotient times the sigmoid's slope. Two loops are faster than one here.
import { linear } from './linear.ts'

export const breastCancer = linear({
  weight: '0.weight',
  bias: '0.bias',
  rate: 1e-2,
  slopes: `
    for (let i = 0; i < rows; i++) d[i] = 1 / (1 + exp(-d[i]))
    for (let i = 0; i < rows; i++) {
      const t = y[i]
      const p = d[i]
      const q = 1 - p
      const logP = log(p)
      const logQ = log(q)
      loss -= t * (logP < -100 ? -100 : logP) + (1 - t) * (logQ < -100 ? -100 : logQ)
      const slope = (p - t) / (p * q < 1e-12 ? 1e-12 : p * q) * (p * q)
      whole += slope
      d[i] = slope
    }`,
})
