// A linear layer with one output, trained by full-batch SGD. Predictions from a dozen features at a time, whose weights
// stay in registers; sums for the gradient over two rows at a time. The code in between is each workload's own.
import { exp, type Floor, floats, log, repeat, written } from './lib.ts'

interface Trained {
  readonly weight: string
  readonly bias: string
  readonly rate: number
  /** Loops that turn the predictions in `d` into slopes, for targets `y`, and set `loss` and `whole` to their sums. */
  readonly slopes: string
}

/** Loops `d[i] = b + sum over k of x[i, k] * w[k]`. */
function predictions(features: number): string {
  const parts = Math.ceil(features / 13)
  const size = Math.ceil(features / parts)
  return repeat(parts, (part) => {
    const first = part * size
    const count = Math.min(size, features - first)
    const products = repeat(count, (j) => `x[(p + ${first + j}) | 0] * w${j}`, ' + ')
    return `{
      ${repeat(count, (j) => `const w${j} = w[${first + j}]`)}
      for (let i = 0, p = 0; i < rows; i++, p += ${features}) d[i] = ${part === 0 ? 'b' : 'd[i]'} + (${products})
    }`
  })
}

/** The loop `sums[k] = sum over i of d[i] * x[i, k]`; `rest` handles the last row of an odd number. */
const gradient = (features: number): string => `
  for (let i = 0, p = 0; i < rows - 1; i += 2, p += ${2 * features}) {
    const d0 = d[i]
    const d1 = d[(i + 1) | 0]
    ${repeat(features, (k) => `sums[${k}] += d0 * x[(p + ${k}) | 0] + d1 * x[(p + ${features + k}) | 0]`)}
  }
  if (rows % 2 === 1) for (let k = 0; k < ${features}; k++) sums[k] += d[rows - 1] * x[(rows - 1) * ${features} + k]`

export const linear =
  ({ weight: weightName, bias: biasName, rate, slopes }: Trained): Floor =>
  (inputs) => {
    const [rows, features] = inputs.x.shape
    const weight = floats(inputs, weightName).slice()
    const bias = floats(inputs, biasName).slice()
    const arrays = {
      x: floats(inputs, 'x'),
      y: floats(inputs, 'y'),
      w: new Float64Array(features),
      d: new Float64Array(rows),
      sums: new Float64Array(features),
    }
    const step = written<() => number>(
      { ...arrays, weight, bias, rows, scale: rate / rows, exp, log },
      `() => {
        for (let k = 0; k < ${features}; k++) { w[k] = weight[k]; sums[k] = 0 }
        const b = bias[0]
        let loss = 0
        let whole = 0
        ${predictions(features)}
        ${slopes}
        ${gradient(features)}
        for (let k = 0; k < ${features}; k++) weight[k] = w[k] - scale * sums[k]
        bias[0] = b - scale * whole
        return loss / rows
      }`,
    )
    return { step, results: (loss) => [[loss as number], weight, bias] }
  }
