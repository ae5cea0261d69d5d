// Small arrays on the eager road, made without calls into the engine.

/** An array of one value; `fill` takes longer for a few elements than all the rest of a small operation. */
export function repeated<T>(length: number, value: T): T[] {
  const array = new Array<T>(length)
  for (let i = 0; i < length; i++) array[i] = value
  return array
}
