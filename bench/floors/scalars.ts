// z = x, ten times z = z * y + x, backward: plain numbers, rounded to float32 as the storage of a scalar would.
import { type Floor, floats, repeat, written } from './lib.ts'

export const scalarGraph: Floor = (inputs) => {
  const out = new Float32Array(3)
  const step = written<() => number>(
    { x: floats(inputs, 'x'), y: floats(inputs, 'y'), out, fround: Math.fround },
    `() => {
      const a = x[0]
      const b = y[0]
      const z0 = a
      ${repeat(10, (k) => `const z${k + 1} = fround(fround(z${k} * b) + a)`)}
      let dz = 1
      let dx = 0
      let dy = 0
      ${repeat(10, (k) => `dx = fround(dx + dz); dy = fround(dy + fround(dz * z${9 - k})); dz = fround(dz * b)`)}
      out[0] = z10
      out[1] = fround(dx + dz)
      out[2] = dy
      return z10
    }`,
  )
  return { step, results: () => [[out[0]], [out[1]], [out[2]]] }
}
