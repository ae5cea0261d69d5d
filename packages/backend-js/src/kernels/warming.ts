// Loops that V8 has not compiled yet make an object of each number that they read or compute. V8 collects those objects
// every few megabytes, and at each collection it counts what survives of everything else, until it doubles its young
// generation. So that keeps its size while functions are generated and while they are new.
import { garbage, type Instr, numelOf } from '@flambeau/core/backend'

/** V8 has compiled a function, or hardly anything calls it, when so many kernels have run after it was generated. */
const runs = 256
/** Kernels of fewer elements make few objects, and it would take longer to hold the young generation than to run them. */
const few = 4096

let left = 0

/** Generates a function. */
export function generated<T>(make: () => T): T {
  left = runs
  return garbage.holding(make)
}

/** Whether the loops of an instruction may make many objects. */
export const isWarming = ({ inputs, outputs }: Instr): boolean =>
  left > 0 && left-- > 0 && [...inputs, ...outputs].some((x) => 'sizes' in x && numelOf(x.sizes) >= few)

/** V8 has compiled the loops that draw random numbers when they have drawn so many. */
const draws = 2 ** 20
/** It would take longer to hold the young generation than to draw fewer at once. */
const fewDraws = 256

let drawn = 0

/** Whether to draw so many numbers may make many objects. */
export function isWarmingDraw(count: number): boolean {
  if (drawn >= draws) return false
  drawn += count
  return count >= fewDraws
}
