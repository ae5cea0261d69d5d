// Arrays of float64 that last as long as one computation. They are parts of one array, which the next computation gets again,
// because to make large arrays, and to collect them, takes as long as a small factorization.
import { newArray } from './dtype.ts'

/** Arrays that are as small are made faster than parts of another. */
const fewest = 64
/** The most elements that are kept between computations: 1 MB. */
const most = 2 ** 17
let room = new Float64Array(0)
/** The elements that this computation has taken; infinitely many while there is none. */
let taken = Number.POSITIVE_INFINITY

/** As an allocation, it throws a RuntimeError for more than there is. */
const made = (length: number): Float64Array => newArray('float64', length) as Float64Array

/** Numbers of any value; during a computation no others'. */
export function floats(length: number): Float64Array {
  if (length < fewest) return made(length)
  const from = taken
  // Arrays a multiple of 4 KB apart would displace each other in caches.
  taken += (length + 15) & -8
  return taken <= room.length ? room.subarray(from, from + length) : made(length)
}

/** Runs a computation, whose arrays are the next one's when it has ended. */
export function withRoom(compute: () => void): void {
  taken = 0
  try {
    compute()
  } finally {
    if (taken > room.length && taken <= most) room = new Float64Array(taken)
    taken = Number.POSITIVE_INFINITY
  }
}
