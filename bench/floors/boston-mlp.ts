// Boston, 13-10-5-1, LeakyReLU, mean squared error, SGD: an epoch, layer by layer over all rows. The values of a row
// are in variables, so that each element is loaded once for all outputs.
import { type Floor, floats, type Inputs, repeat, written } from './lib.ts'

const rate = 1e-3

/** Its arrays are `name + w`, `b`, `dw`, `db` (sums for the gradient), `h` (its results) and `d` (their slopes). */
interface Layer {
  readonly name: string
  readonly from: number
  readonly to: number
  readonly input: string
  readonly activation: (z: string) => string
}

const leaky = (z: string): string => `${z} > 0 ? ${z} : 0.01 * ${z}`

function forward({ name, from, to, input, activation }: Layer): string {
  return `for (let i = 0, p = 0, q = 0; i < rows; i++, p += ${from}, q += ${to}) {
    ${repeat(from, (k) => `const v${k} = ${input}[(p + ${k}) | 0]`)}
    ${repeat(
      to,
      (o) => `{
        const z = b${name}[${o}] + ${repeat(from, (k) => `v${k} * w${name}[${o * from + k}]`, ' + ')}
        h${name}[(q + ${o}) | 0] = ${activation('z')}
      }`,
    )}
  }`
}

/** Sums for the gradient of weights and bias, two rows at a time; rows of zeros follow the last one. */
function weightSlopes({ name, from, to, input }: Layer): string {
  return `for (let i = 0, p = 0, q = 0; i < rows; i += 2, p += ${2 * from}, q += ${2 * to}) {
    ${repeat(2 * from, (k) => `const v${k} = ${input}[(p + ${k}) | 0]`)}
    ${repeat(
      to,
      (o) => `{
        const e0 = d${name}[(q + ${o}) | 0]
        const e1 = d${name}[(q + ${to + o}) | 0]
        ${repeat(from, (k) => `dw${name}[${o * from + k}] += e0 * v${k} + e1 * v${from + k}`)}
        db${name}[${o}] += e0 + e1
      }`,
    )}
  }`
}

/** The slopes of the layer before, through its LeakyReLU, whose result has the sign of its input. */
function inputSlopes({ name, from, to }: Layer, before: Layer): string {
  return `for (let i = 0, p = 0, q = 0; i < rows; i++, p += ${from}, q += ${to}) {
    ${repeat(to, (o) => `const e${o} = d${name}[(q + ${o}) | 0]`)}
    ${repeat(
      from,
      (k) => `{
        const e = ${repeat(to, (o) => `e${o} * w${name}[${o * from + k}]`, ' + ')}
        d${before.name}[(p + ${k}) | 0] = h${before.name}[(p + ${k}) | 0] > 0 ? e : 0.01 * e
      }`,
    )}
  }`
}

const layers: readonly Layer[] = [
  { name: '0', from: 13, to: 10, input: 'x', activation: leaky },
  { name: '2', from: 10, to: 5, input: 'h0', activation: leaky },
  { name: '4', from: 5, to: 1, input: 'h2', activation: (z) => z },
]

function arraysOf({ name, from, to }: Layer, inputs: Inputs, rows: number): Record<string, unknown> {
  const room = rows + (rows % 2)
  return {
    [`weight${name}`]: floats(inputs, `${name}.weight`).slice(),
    [`bias${name}`]: floats(inputs, `${name}.bias`).slice(),
    [`w${name}`]: new Float64Array(to * from),
    [`b${name}`]: new Float64Array(to),
    [`dw${name}`]: new Float64Array(to * from),
    [`db${name}`]: new Float64Array(to),
    [`h${name}`]: new Float64Array(room * to),
    [`d${name}`]: new Float64Array(room * to),
  }
}

export const bostonMlp: Floor = (inputs) => {
  const [rows, features] = inputs.x.shape
  const x = new Float32Array((rows + (rows % 2)) * features)
  x.set(floats(inputs, 'x'))
  const arrays = Object.assign({}, ...layers.map((layer) => arraysOf(layer, inputs, rows)))
  const [first, second, third] = layers
  const step = written<() => number>(
    { ...arrays, x, y: floats(inputs, 'y'), rows, scale: rate / rows },
    `() => {
      ${repeat(3, (n) => {
        const { name } = layers[n]
        return `w${name}.set(weight${name}); b${name}.set(bias${name}); dw${name}.fill(0); db${name}.fill(0)`
      })}
      ${layers.map(forward).join('\n')}
      let loss = 0
      for (let i = 0; i < rows; i++) {
        const error = h4[i] - y[i]
        loss += error * error
        d4[i] = 2 * error
      }
      ${weightSlopes(third)}
      ${inputSlopes(third, second)}
      ${weightSlopes(second)}
      ${inputSlopes(second, first)}
      ${weightSlopes(first)}
      ${repeat(3, (n) => {
        const { name, from, to } = layers[n]
        return `
          for (let k = 0; k < ${from * to}; k++) weight${name}[k] = w${name}[k] - scale * dw${name}[k]
          for (let k = 0; k < ${to}; k++) bias${name}[k] = b${name}[k] - scale * db${name}[k]`
      })}
      return loss / rows
    }`,
  )
  const parameters = layers.flatMap(({ name }) => [arrays[`weight${name}`], arrays[`bias${name}`]])
  return { step, results: (loss) => [[loss as number], ...parameters] }
}
