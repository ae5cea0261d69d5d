// Transforms of a whole batch at once, where that gives what transforming each image and collating them gives.
import { type Tensor, tensor } from '@flambeau/core'
import { Normalize, ToTensor } from './classes.ts'
import { Compose } from './compose.ts'

/** Whether a transform is one of ours, without a `forward` of a subclass or hooks of its own. */
const is = <T extends { forward: unknown }>(x: unknown, type: abstract new (...args: never) => T): x is T =>
  x instanceof type && x.forward === (type.prototype as T).forward

export type Batched = (pixels: Uint8Array, sizes: readonly [n: number, ...image: [number, number, number]]) => Tensor

/**
 * What a transform makes of pixels [n, channels, height, width], or undefined if it has to see each image. `ToTensor` and
 * `Normalize` look at one byte at a time, so they transform the 256 bytes of each channel, and the pixels are looked up.
 */
export function batched(transform: unknown): Batched | undefined {
  const steps: readonly unknown[] = is(transform, Compose) ? transform.transforms : [transform]
  const [first, ...rest] = steps
  if (!is(first, ToTensor) || !rest.every((step) => is(step, Normalize))) return undefined
  return (pixels, [n, channels, height, width]) => {
    const bytes = tensor(Uint8Array.from({ length: channels * 256 }, (_, i) => i & 255)).reshape([channels, 16, 16])
    const values = rest.reduce<Tensor>((x, step) => (step as Normalize).forward(x), bytes.to('float32').div(255))
    const table = values.toArray()
    // A mean of several channels makes several of one.
    const wide = values.shape[0]
    const size = height * width
    const result = new Float32Array(n * wide * size)
    for (let k = 0, to = 0; k < n; k++) {
      for (let c = 0; c < wide; c++) {
        const from = (k * channels + (channels === 1 ? 0 : c)) * size
        const row = c * 256
        for (let i = from; i < from + size; i++) result[to++] = table[row + pixels[i]]
      }
    }
    return tensor(result).reshape([n, wide, height, width])
  }
}
