// The product of two square matrices, the second one copied into doubles.
import { type Floor, floats } from './lib.ts'
import { product } from './product.ts'

export const matmul: Floor = (inputs) => {
  const [n] = inputs.a.shape
  const b = floats(inputs, 'b')
  const doubles = new Float64Array(n * n)
  const c = new Float32Array(n * n)
  const multiply = product({ data: floats(inputs, 'a'), rowStep: n, columnStep: 1 }, doubles, c, [n, n, n])
  const step = (): void => {
    doubles.set(b)
    multiply()
  }
  return { step, results: () => [c] }
}
