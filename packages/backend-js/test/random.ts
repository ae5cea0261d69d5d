// Random choices that are the same in every run of a test.

/** Numbers below a bound, the same in every run of the test. */
export function generator(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0
    return (state >>> 8) % below
  }
}

export type Random = ReturnType<typeof generator>
export const pick = <T>(random: Random, from: readonly T[]): T => from[random(from.length)]
