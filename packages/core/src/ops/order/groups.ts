// Groups of equal elements or slices, found in JavaScript: how many there are must be known before there is memory for
// them, so the elements are read anyway. No device is needed for a few comparisons each.
import type { TypedArray } from '../../base/dtype.ts'

export interface Groups {
  /** One slice of each group, side by side. */
  readonly values: TypedArray
  readonly counts: Int32Array
  /** The group of each slice, found when it is asked for. */
  readonly inverse: () => Int32Array
}

/** Groups of slices of `width` elements that are equal and follow each other, in their order or in a given one. */
export function runsOf(data: TypedArray, n: number, width: number, order?: ArrayLike<number>): Groups {
  const at = (i: number): number => (order === undefined ? i : order[i]) * width
  const differ = (a: number, b: number): boolean => {
    for (let j = 0; j < width; j++) if (data[a + j] !== data[b + j]) return true
    return false
  }
  const inverse = new Int32Array(n)
  const starts: number[] = []
  for (let i = 0; i < n; i++) {
    if (i === 0 || differ(at(i), at(i - 1))) starts.push(i)
    inverse[order === undefined ? i : order[i]] = starts.length - 1
  }
  const values = data.slice(0, starts.length * width)
  for (const [k, i] of starts.entries()) for (let j = 0; j < width; j++) values[k * width + j] = data[at(i) + j]
  const counts = Int32Array.from(starts, (start, k) => (starts[k + 1] ?? n) - start)
  return { values, counts, inverse: () => inverse }
}

/** The order of slices of `width` elements by their first different elements. */
export const lexicographic = (data: TypedArray, n: number, width: number): Int32Array =>
  Int32Array.from({ length: n }, (_, i) => i).sort((a, b) => {
    for (let i = 0; i < width; i++) {
      const difference = data[a * width + i] - data[b * width + i]
      if (difference !== 0) return difference
    }
    return a - b
  })

/** The bits of elements, in one word or two each. */
const wordsOf = (data: TypedArray): Int32Array | Uint8Array =>
  data instanceof Uint8Array ? data : new Int32Array(data.buffer, data.byteOffset, data.byteLength / 4)

const fewest = 1024

/** Integers as int32, so that each loop over them knows what it reads. */
export const integers = (data: TypedArray): Int32Array => (data instanceof Int32Array ? data : new Int32Array(data))

// These loops are short functions: in the one that calls them they take three times as long.

function rangeOf(data: Int32Array): readonly [least: number, most: number] {
  let least = data[0]
  let most = least
  for (let i = data.length & 1; i < data.length; i += 2) {
    const a = data[i]
    const b = data[i + 1]
    // Branches, which are almost never taken: a minimum would wait for the one before.
    if (a < least) least = a
    if (a > most) most = a
    if (b < least) least = b
    if (b > most) most = b
  }
  return [least, most]
}

/** Counts for all numbers with as many digits as the largest, so that there are some for what `or` makes of them. */
export const countsUpTo = (largest: number): Int32Array => new Int32Array(2 ** (32 - Math.clz32(largest)))
/** Counts four numbers, less `least`, in a turn from i on while there are counts for them all; returns where it ends. */
export function countFours(data: Int32Array, i: number, counts: Int32Array, least: number): number {
  for (; i + 4 <= data.length; i += 4) {
    const a = (data[i] - least) | 0
    const b = (data[i + 1] - least) | 0
    const c = (data[i + 2] - least) | 0
    const d = (data[i + 3] - least) | 0
    if ((a | b | c | d) >>> 0 >= counts.length) break
    counts[a]++
    counts[b]++
    counts[c]++
    counts[d]++
  }
  return i
}

/** Groups of equal integers, by a count of each number of their range; null if the range is larger than their number. */
function counted(data: Int32Array | Uint8Array): Groups | null {
  const whole = integers(data)
  const [least, most] = rangeOf(whole)
  const range = most - least + 1
  if (!(range <= data.length)) return null
  const counts = countsUpTo(range - 1)
  for (let i = countFours(whole, 0, counts, least); i < whole.length; i++) counts[whole[i] - least]++
  const present = counts.filter((count) => count > 0)
  const values = data.slice(0, present.length)
  for (let x = 0, k = 0; x < range; x++) if (counts[x] > 0) values[k++] = x + least
  const inverse = (): Int32Array => {
    const ranks = new Int32Array(range)
    for (let k = 0; k < values.length; k++) ranks[values[k] - least] = k
    return Int32Array.from(data, (x) => ranks[x - least])
  }
  return { values, counts: present, inverse }
}

/**
 * Groups of equal elements in ascending order, each NaN alone and last: a table holds those that were met. Null if one in
 * eight is different, because sorting all is then faster.
 */
export function groupsOf(data: TypedArray): Groups | null {
  const dense = data instanceof Int32Array || data instanceof Uint8Array ? counted(data) : null
  if (dense !== null) return dense
  const n = data.length
  const most = Math.max(fewest, n >> 3)
  const values = data.slice(0, Math.min(most, n))
  const isWide = values.BYTES_PER_ELEMENT === 8
  const counts = new Int32Array(values.length)
  const inverse = new Int32Array(n)
  let found = 0
  let nans = 0
  /** The group in each place, plus one. */
  let table = new Int32Array(2 * fewest)
  let shift = Math.clz32(table.length - 1)
  /** The place of the element i, or the empty one in which it belongs. */
  const placeOf = (from: TypedArray, words: Int32Array | Uint8Array, i: number): number => {
    const value = from[i]
    const bits = value === 0 ? 0 : isWide ? words[2 * i] ^ words[2 * i + 1] : words[i]
    let place = Math.imul(bits, 0x9e3779b1) >>> shift
    while (table[place] !== 0 && values[table[place] - 1] !== value) place = (place + 1) & (table.length - 1)
    return place
  }
  const own = wordsOf(values)
  const words = wordsOf(data)
  for (let i = 0; i < n; i++) {
    const value = data[i]
    if (value !== value) {
      inverse[i] = -++nans
      continue
    }
    let place = placeOf(data, words, i)
    if (table[place] === 0) {
      if (found === most) return null
      values[found++] = value
      if (2 * found > table.length) {
        table = new Int32Array(2 * table.length)
        shift--
        for (let k = 0; k < found; k++) table[placeOf(values, own, k)] = k + 1
        place = placeOf(data, words, i)
      }
      table[place] = found
    }
    const group = table[place] - 1
    counts[group]++
    inverse[i] = group
  }
  const sorted = data.slice(0, found + nans)
  sorted.set(values.subarray(0, found))
  sorted.subarray(0, found).sort()
  sorted.fill(Number.NaN, found)
  const ranks = new Int32Array(found)
  const sortedCounts = new Int32Array(found + nans).fill(1)
  const sortedWords = wordsOf(sorted)
  for (let rank = 0; rank < found; rank++) {
    const group = table[placeOf(sorted, sortedWords, rank)] - 1
    ranks[group] = rank
    sortedCounts[rank] = counts[group]
  }
  return {
    values: sorted,
    counts: sortedCounts,
    inverse: () => inverse.map((group) => (group < 0 ? found - group - 1 : ranks[group])),
  }
}
