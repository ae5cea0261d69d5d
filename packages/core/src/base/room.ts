// Arrays of float64 that last as long as one computation. They are parts of one array, which the next computation gets again,
// because to make large arrays, and to collect them, takes as long as a small factorization.
import { newArray } from './dtype.ts'

/** The most elements that are kept between computations: 8 MB, for a matrix of 1000 x 1000. */
const most = 2 ** 20
let room: Float64Array = new Float64Array(0)
/** The most elements that a computation has taken, of those that are kept. */
let wanted = 0
/** The elements that this computation has taken; infinitely many while there is none. */
let taken = Number.POSITIVE_INFINITY

/** As an allocation, it throws a RuntimeError for more than there is. */
const made = (length: number): Float64Array => newArray('float64', length) as Float64Array

/** Numbers of any value; during a computation no others'. */
export function floats(length: number): Float64Array {
  const from = taken
  // Arrays a multiple of 4 KB apart would displace each other in caches.
  taken += (length + 15) & -8
  if (taken > wanted && taken <= most) wanted = taken
  return taken <= room.length ? room.subarray(from, from + length) : made(length)
}

/** Runs a part of a computation, whose arrays are the next part's when it has ended. */
export function withinRoom(compute: () => void): void {
  const before = taken
  compute()
  taken = before
}

let own = room
const ownRoom = (length: number): Float64Array => (own.length < length ? (own = new Float64Array(length)) : own)

/** Runs a computation, whose arrays are the next one's when it has ended. They lie where a host wants them. */
export function withRoom(compute: () => void, find = ownRoom): void {
  room = find(wanted)
  taken = 0
  try {
    compute()
  } finally {
    taken = Number.POSITIVE_INFINITY
  }
}
