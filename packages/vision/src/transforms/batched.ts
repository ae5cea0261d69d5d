// Transforms of a whole batch at once, where that gives what transforming each image and collating them gives.
import type { Tensor } from '@flambeau/core'
import { Normalize, ToTensor } from './classes.ts'
import { Compose } from './compose.ts'

/** Whether a transform is one of ours, without a `forward` of a subclass or hooks of its own. */
const is = <T extends { forward: unknown }>(x: unknown, type: abstract new (...args: never[]) => T): x is T =>
  x instanceof type && x.forward === (type.prototype as T).forward

/** What a transform makes of uint8 pixels [n, channels, height, width], or undefined if it has to see each image. */
export function batched(transform: unknown): ((pixels: Tensor) => Tensor) | undefined {
  const steps: readonly unknown[] = is(transform, Compose) ? transform.transforms : [transform]
  const [first, ...rest] = steps
  if (!is(first, ToTensor) || !rest.every((step) => is(step, Normalize))) return undefined
  return (pixels) => rest.reduce<Tensor>((x, step) => (step as Normalize).forward(x), pixels.to('float32').div(255))
}
