// The two models in plain JavaScript: loops over typed arrays, one array for each intermediate, no library. The
// arithmetic alone, to see what bookkeeping adds to it.
import type { Data } from './models.ts'

export interface Floor {
  /** One epoch; the loss. */
  readonly epoch: () => number
}

/** `out[i] = x[i] · w + b`. */
function affine({ rows, features, x }: Data, w: Float32Array, b: number, out: Float32Array): void {
  for (let i = 0; i < rows; i++) {
    const start = i * features
    let sum = b
    for (let k = 0; k < features; k++) sum += x[start + k] * w[k]
    out[i] = sum
  }
}

/** `w -= lr * xᵀ d`, and what to take from b. */
function descend(
  { rows, features, x }: Data,
  d: Float32Array,
  w: Float32Array,
  sums: Float64Array,
  lr: number,
): number {
  sums.fill(0)
  let whole = 0
  for (let i = 0; i < rows; i++) {
    const start = i * features
    const di = d[i]
    for (let k = 0; k < features; k++) sums[k] += di * x[start + k]
    whole += di
  }
  for (let k = 0; k < features; k++) w[k] -= lr * sums[k]
  return lr * whole
}

export function bostonFloor(data: Data, weight: Float32Array, bias: number): Floor {
  const { rows, y } = data
  const w = weight.slice()
  const b = new Float32Array([bias])
  const out = new Float32Array(rows)
  const d = new Float32Array(rows)
  const sums = new Float64Array(data.features)
  const epoch = (): number => {
    affine(data, w, b[0], out)
    let loss = 0
    for (let i = 0; i < rows; i++) {
      const error = out[i] - y[i]
      loss += error * error
      d[i] = (2 / rows) * error
    }
    b[0] -= descend(data, d, w, sums, 1e-3)
    return loss / rows
  }
  return { epoch }
}

export function breastCancerFloor(data: Data, weight: Float32Array, bias: number): Floor {
  const { rows, y } = data
  const w = weight.slice()
  const b = new Float32Array([bias])
  const out = new Float32Array(rows)
  const d = new Float32Array(rows)
  const sums = new Float64Array(data.features)
  const epoch = (): number => {
    affine(data, w, b[0], out)
    let loss = 0
    for (let i = 0; i < rows; i++) {
      const p = Math.fround(1 / (1 + Math.exp(-out[i])))
      const t = y[i]
      loss -= t * Math.max(Math.log(p), -100) + (1 - t) * Math.max(Math.log(1 - p), -100)
      d[i] = (((p - t) / Math.max((1 - p) * p, 1e-12)) * ((1 - p) * p)) / rows
    }
    b[0] -= descend(data, d, w, sums, 1e-2)
    return loss / rows
  }
  return { epoch }
}
