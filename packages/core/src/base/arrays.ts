// Small arrays for eager operations, created without calls into the engine.

/** An array with one repeated value; for a few elements, `fill` takes longer than all the rest of a small operation. */
export function repeated<T>(length: number, value: T): T[] {
  const array = new Array<T>(length)
  for (let i = 0; i < length; i++) array[i] = value
  return array
}

/** A condition as a number, without a branch, which on random numbers is mispredicted every other time. */
export const bit = (condition: boolean): number => (condition as unknown as number) | 0
