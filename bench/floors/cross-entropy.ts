// Softmax cross entropy, mean over the rows, and its gradient: one row at a time, with its exponentials in the
// first-level cache.
import { exp, type Floor, floats, integers, log, written } from './lib.ts'

export const crossEntropy: Floor = (inputs) => {
  const [rows, classes] = inputs.x.shape
  const x = floats(inputs, 'x')
  const gradient = new Float32Array(x.length)
  const step = written<() => number>(
    { x, y: integers(inputs, 'y'), gradient, exps: new Float64Array(classes), exp, log, rows, classes },
    `() => {
      let loss = 0
      for (let row = 0; row < rows; row++) {
        const p = Math.imul(row, classes)
        const target = (p + y[row]) | 0
        let most = x[p]
        for (let k = 1; k < classes; k++) {
          const v = x[(p + k) | 0]
          if (!(v <= most)) most = most === most ? v : most
        }
        let sum = 0
        for (let k = 0; k < classes; k++) {
          const e = exp(x[(p + k) | 0] - most)
          exps[k] = e
          sum += e
        }
        loss += log(sum) + most - x[target]
        const scale = 1 / (sum * rows)
        for (let k = 0; k < classes; k++) gradient[(p + k) | 0] = exps[k] * scale
        gradient[target] -= 1 / rows
      }
      return loss / rows
    }`,
  )
  return { step, results: (loss) => [[loss as number], gradient] }
}
