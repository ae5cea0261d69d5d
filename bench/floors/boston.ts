// Boston, Linear(13, 1), mean squared error, SGD: an epoch.
import { linear } from './linear.ts'

export const boston = linear({
  weight: 'weight',
  bias: 'bias',
  rate: 1e-3,
  slopes: `
    for (let i = 0; i < rows; i++) {
      const error = d[i] - y[i]
      const slope = 2 * error
      loss += error * error
      whole += slope
      d[i] = slope
    }`,
})
