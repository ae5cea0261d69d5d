// An image that is the same in Python and here (tools/golden/models.py).
import { type Tensor, tensor } from 'flambeau'

/** Numbers from -1 to 1 that look random: element i is a hash of i. */
export function image(sizes: readonly number[]): Tensor {
  const data = Float32Array.from({ length: sizes.reduce((n, size) => n * size, 1) }, (_, i) => {
    let h = Math.imul(i, 2654435761)
    h ^= h >>> 15
    h = Math.imul(h, 2246822519)
    h ^= h >>> 13
    return (h >>> 0) / 2 ** 31 - 1
  })
  return tensor(data).reshape(sizes)
}
