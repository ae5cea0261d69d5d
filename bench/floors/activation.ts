// tanh(1.5 x + 0.5) * sigmoid(x) of a million, summed, and its gradient: one pass over memory. Short loops over a block
// that stays in the first-level cache are faster than one long loop. An eager op rounds its result to float32, so code
// that reproduces eager's bits rounds eight times per element: `activation` does so, by stores where the next loop
// reads the result anyway; `activationUnrounded` computes in doubles to the end.
import { exp, type Floor, floats, tanh, written } from './lib.ts'

/** A divisor of a million. */
const size = 500

const floor =
  (Scratch: new (length: number) => Float32Array | Float64Array, rounded: (x: string) => string): Floor =>
  (inputs) => {
    const x = floats(inputs, 'x')
    const gradient = new Float32Array(x.length)
    const [scaled, tanhs, sigmoids] = [new Scratch(size), new Scratch(size), new Scratch(size)]
    const step = written<() => number>(
      { x, gradient, scaled, tanhs, sigmoids, exp, tanh, fround: Math.fround },
      `() => {
        let sum = 0
        for (let p = 0; p < ${x.length}; p += ${size}) {
          for (let i = 0; i < ${size}; i++) scaled[i] = ${rounded('1.5 * x[(p + i) | 0]')} + 0.5
          for (let i = 0; i < ${size}; i++) tanhs[i] = tanh(scaled[i])
          for (let i = 0; i < ${size}; i++) sigmoids[i] = 1 / (1 + exp(-x[(p + i) | 0]))
          for (let i = 0; i < ${size}; i++) {
            const s = sigmoids[i]
            const t = tanhs[i]
            sum += ${rounded('t * s')}
            const bySigmoid = ${rounded('t * ((1 - s) * s)')}
            const byTanh = ${rounded(`${rounded('s * (1 - t * t)')} * 1.5`)}
            gradient[(p + i) | 0] = bySigmoid + byTanh
          }
        }
        return sum
      }`,
    )
    return { step, results: (sum) => [[sum as number], gradient] }
  }

export const activation = floor(Float32Array, (x) => `fround(${x})`)
export const activationUnrounded = floor(Float64Array, (x) => `(${x})`)
