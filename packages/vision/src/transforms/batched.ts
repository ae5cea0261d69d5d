// Transforms of a whole batch at once, where that gives what transforming each image and collating them gives.
import { type Tensor, tensor } from '@flambeau/core'
import { Normalize, ToTensor } from './classes.ts'
import { Compose } from './compose.ts'

/** Whether a transform is one of ours, without a `forward` of a subclass or hooks of its own. */
const is = <T extends { forward: unknown }>(x: unknown, type: abstract new (...args: never) => T): x is T =>
  x instanceof type && x.forward === (type.prototype as T).forward

export type Batched = (pixels: Uint8Array, sizes: readonly number[]) => Tensor

const isOne = (values: number | readonly number[]): boolean => [values].flat().length === 1

/**
 * What a transform makes of pixels, or undefined if it has to see each image. `ToTensor` and a `Normalize` of all channels
 * alike look at one byte at a time, so they transform the 256 bytes, and the pixels are looked up.
 */
export function batched(transform: unknown): Batched | undefined {
  const steps: readonly unknown[] = is(transform, Compose) ? transform.transforms : [transform]
  const [first, ...rest] = steps
  const isOfBytes = (step: unknown) => is(step, Normalize) && isOne(step.mean) && isOne(step.std)
  if (!is(first, ToTensor) || !rest.every(isOfBytes)) return undefined
  return (pixels, sizes) => {
    const bytes = tensor(Uint8Array.from({ length: 256 }, (_, i) => i)).reshape([1, 16, 16])
    const values = rest.reduce<Tensor>((x, step) => (step as Normalize).forward(x), bytes.to('float32').div(255))
    const table = values.toArray()
    const result = new Float32Array(pixels.length)
    for (let i = 0; i < pixels.length; i++) result[i] = table[pixels[i]]
    return tensor(result).reshape([...sizes])
  }
}
