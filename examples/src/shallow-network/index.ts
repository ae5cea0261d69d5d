// The lecture's next step: networks with a hidden layer, for the four kinds of target.
import type { Options, Training } from '../lesson.ts'
import { binary } from './binary.ts'
import { binarySoftmax } from './binary-softmax.ts'
import { digits } from './digits.ts'
import { iris } from './iris.ts'
import { regression } from './regression.ts'

export const parts = { regression, binary, binarySoftmax, iris, digits }

export function* shallowNetwork(options: Options = {}): Training {
  for (const part of Object.values(parts)) yield* part(options)
}
