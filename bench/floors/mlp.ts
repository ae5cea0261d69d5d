// A training step of 784-256-128-10, relu, cross entropy, Adam, batch 64; and only its products. Activations are
// transposed, features by batch, so that products read weights in order.
import { exp, type Floor, floats, type Inputs, integers, log, written } from './lib.ts'
import { product } from './product.ts'

const batch = 64
/** The last layer has ten outputs and six padding zeros, because `product` needs multiples of 8. */
const sizes = [784, 256, 128, 16]
const classes = 10

const transpose = (from: Float32Array | Float64Array, to: Float64Array, m: number, n: number): (() => void) =>
  written<() => void>(
    { from, to },
    `() => { for (let i = 0; i < ${m}; i++) for (let j = 0; j < ${n}; j++) to[(j * ${m} + i) | 0] = from[(i * ${n} + j) | 0] }`,
  )

/** Adam with PyTorch's defaults on the first elements of an array. */
function adam(parameter: Float32Array, gradient: Float32Array, count: number): (t: number) => void {
  const arrays = { parameter, gradient, first: new Float32Array(count), second: new Float32Array(count) }
  return written<(t: number) => void>(
    { ...arrays, fround: Math.fround },
    `(t) => {
      const rate = 1e-3 / (1 - 0.9 ** t)
      const scale = 1 / Math.sqrt(1 - 0.999 ** t)
      for (let i = 0; i < ${count}; i++) {
        const g = gradient[i]
        const m = fround(0.9 * first[i] + 0.1 * g)
        const v = fround(0.999 * second[i] + 0.001 * g * g)
        first[i] = m
        second[i] = v
        parameter[i] -= rate * m / (Math.sqrt(v) * scale + 1e-8)
      }
    }`,
  )
}

class Layer {
  readonly weight: Float32Array
  readonly bias: Float32Array
  readonly out: Float64Array
  /** The slopes of the results. */
  readonly slopes: Float64Array
  readonly forward: () => void
  readonly weightGradient: () => void
  readonly inputSlopes: () => void
  readonly transposeInput: () => void
  readonly update: (t: number) => void
  readonly addBias: () => void
  readonly biasGradient: () => void

  /** `input` is features by batch; its slopes are computed if it is another layer's result. */
  constructor(inputs: Inputs, name: string, [from, to]: readonly number[], input: Float64Array, before?: Layer) {
    const weight = floats(inputs, `${name}.weight`)
    const bias = floats(inputs, `${name}.bias`)
    this.weight = new Float32Array(to * from)
    this.weight.set(weight)
    this.bias = new Float32Array(to)
    this.bias.set(bias)
    this.out = new Float64Array(to * batch)
    this.slopes = new Float64Array(to * batch)
    const { out, slopes } = this
    const rowsOfInput = new Float64Array(batch * from)
    const dWeight = new Float32Array(to * from)
    const dBias = new Float32Array(to)
    this.forward = product({ data: this.weight, rowStep: from, columnStep: 1 }, input, out, [to, from, batch])
    this.transposeInput = transpose(input, rowsOfInput, from, batch)
    this.weightGradient = product({ data: slopes, rowStep: batch, columnStep: 1 }, rowsOfInput, dWeight, [
      to,
      batch,
      from,
    ])
    this.inputSlopes =
      before === undefined
        ? () => undefined
        : product({ data: this.weight, rowStep: 1, columnStep: from }, slopes, before.slopes, [from, to, batch])
    this.addBias = written<() => void>(
      { out, bias: this.bias },
      `() => {
        for (let i = 0, p = 0; i < ${to}; i++) for (let j = 0; j < ${batch}; j++, p++) {
          const z = out[p] + bias[i]
          out[p] = ${to === sizes[3] ? 'z' : 'z > 0 ? z : 0'}
        }
      }`,
    )
    this.biasGradient = written<() => void>(
      { slopes, dBias },
      `() => {
        for (let i = 0, p = 0; i < ${to}; i++) {
          let sum = 0
          for (let j = 0; j < ${batch}; j++, p++) sum += slopes[p]
          dBias[i] = sum
        }
      }`,
    )
    const updateWeight = adam(this.weight, dWeight, weight.length)
    const updateBias = adam(this.bias, dBias, bias.length)
    this.update = (t) => {
      updateWeight(t)
      updateBias(t)
    }
  }
}

/** The loss of the logits, classes by batch, and their slopes. */
const crossEntropy = (logits: Float64Array, slopes: Float64Array, y: Int32Array): (() => number) =>
  written<() => number>(
    { logits, slopes, y, exp, log },
    `() => {
      let loss = 0
      for (let j = 0; j < ${batch}; j++) {
        let most = -Infinity
        for (let k = 0; k < ${classes}; k++) most = Math.max(most, logits[k * ${batch} + j])
        let sum = 0
        for (let k = 0; k < ${classes}; k++) sum += exp(logits[k * ${batch} + j] - most)
        for (let k = 0; k < ${classes}; k++) slopes[k * ${batch} + j] = exp(logits[k * ${batch} + j] - most) / (sum * ${batch})
        loss += log(sum) + most - logits[y[j] * ${batch} + j]
        slopes[y[j] * ${batch} + j] -= 1 / ${batch}
      }
      return loss / ${batch}
    }`,
  )

/** Slopes pass where the result of the relu is positive. */
const relu = ({ out, slopes }: Layer): (() => void) =>
  written<() => void>(
    { out, slopes },
    `() => { for (let p = 0; p < ${out.length}; p++) if (!(out[p] > 0)) slopes[p] = 0 }`,
  )

function network(inputs: Inputs) {
  const x = new Float64Array(sizes[0] * batch)
  const first = new Layer(inputs, '0', [sizes[0], sizes[1]], x)
  const second = new Layer(inputs, '2', [sizes[1], sizes[2]], first.out, first)
  const third = new Layer(inputs, '4', [sizes[2], sizes[3]], second.out, second)
  return { transposeBatch: transpose(floats(inputs, 'x'), x, batch, sizes[0]), layers: [first, second, third] }
}

export const mlp: Floor = (inputs) => {
  const { transposeBatch, layers } = network(inputs)
  const [first, second, third] = layers
  const loss = crossEntropy(third.out, third.slopes, integers(inputs, 'y'))
  const relus = [relu(first), relu(second)]
  let t = 0
  const step = (): number => {
    transposeBatch()
    for (const layer of layers) {
      layer.forward()
      layer.addBias()
    }
    const found = loss()
    for (let l = 2; l >= 0; l--) {
      const layer = layers[l]
      layer.transposeInput()
      layer.weightGradient()
      layer.biasGradient()
      layer.inputSlopes()
      if (l > 0) relus[l - 1]()
    }
    t++
    for (const layer of layers) layer.update(t)
    return found
  }
  const parameters = (): Float32Array[] =>
    [first, second, third].flatMap(({ weight, bias }, l) => {
      const outputs = l === 2 ? classes : sizes[l + 1]
      return [weight.slice(0, outputs * sizes[l]), bias.slice(0, outputs)]
    })
  return { step, results: (last) => [[last as number], ...parameters()] }
}

/** Only the products of a step: a lower limit, not the work, so there is nothing to compare. */
export const mlpProducts: Floor = (inputs) => {
  const { transposeBatch, layers } = network(inputs)
  transposeBatch()
  const step = (): void => {
    for (const layer of layers) layer.forward()
    for (const layer of layers) {
      layer.weightGradient()
      layer.inputSlopes()
    }
  }
  return { step, results: () => [] }
}
