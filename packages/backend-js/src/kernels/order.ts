// Kernels that work along an axis in order: scan and sort.
import {
  contiguousStrides,
  forEachRow,
  hostOf,
  type Instr,
  isFloat,
  numelOf,
  type ReduceFn,
  startOf,
  type TypedArray,
} from '@flambeau/core/backend'

export const drop = (list: readonly number[], axes: readonly number[]): number[] =>
  list.filter((_, i) => !axes.includes(i))

/** Writes what one row of elements adds up to so far, multiplies to, or has as its extreme; each loop is its own code. */
function scanRow(
  fn: ReduceFn,
  whole: boolean,
  data: TypedArray,
  first: number,
  step: number,
  to: TypedArray,
  begin: number,
  outStep: number,
  size: number,
): void {
  let p = first
  let q = begin
  let running = data[p]
  to[q] = running
  if (fn === 'sum') for (let c = 1; c < size; c++) to[(q += outStep)] = running += data[(p += step)]
  else if (fn === 'max')
    for (let c = 1; c < size; c++) to[(q += outStep)] = running = Math.max(running, data[(p += step)])
  else if (fn === 'min')
    for (let c = 1; c < size; c++) to[(q += outStep)] = running = Math.min(running, data[(p += step)])
  else if (whole) for (let c = 1; c < size; c++) to[(q += outStep)] = running = Math.imul(running, data[(p += step)])
  else for (let c = 1; c < size; c++) to[(q += outStep)] = running *= data[(p += step)]
}

export function scan({ attrs, inputs, outputs }: Instr<'scan'>): void {
  const [x] = inputs
  const [out] = outputs
  const { data } = hostOf(x)
  const { data: to, start } = hostOf(out)
  const { axis, fn } = attrs
  const whole = !isFloat(out.dtype)
  const strides = contiguousStrides(out.sizes)
  const size = x.sizes[axis]
  const step = x.strides[axis]
  const outStep = strides[axis]
  if (size === 0) return
  forEachRow(
    drop(x.sizes, [axis]),
    [drop(x.strides, [axis]), drop(strides, [axis])],
    [startOf(x), start],
    (at, n, steps) => {
      for (let i = 0; i < n; i++) {
        scanRow(fn, whole, data, at[0] + i * steps[0], step, to, at[1] + i * steps[1], outStep, size)
      }
    },
  )
}

/** Rows from this length on are sorted by the digits of their keys, unless they are float64. */
const long = 512
const bits = 11
const buckets = 2 ** bits

/** Writes keys of a long row that are ordered as its elements: equal elements have equal keys, NaN has the largest. */
function digitKeys(keys: Uint32Array, data: TypedArray, p: number, step: number, descending: boolean): void {
  const flip = descending ? -1 : 0
  if (data instanceof Float32Array) {
    const word = new Int32Array(data.buffer, data.byteOffset, data.length)
    for (let c = 0; c < keys.length; c++) {
      const x = data[p + c * step]
      const own = word[p + c * step]
      // All bits of a negative number are turned round, only the sign of others; zeros of both signs are equal.
      keys[c] = (x !== x ? -1 : x === 0 ? 0x80000000 : own ^ ((own >> 31) | 0x80000000)) ^ flip
    }
  } else for (let c = 0; c < keys.length; c++) keys[c] = data[p + c * step] ^ 0x80000000 ^ flip
}

/** How often each value of a digit occurs. */
function countsOf(keys: Uint32Array, shift: number): Int32Array {
  const counts = new Int32Array(buckets)
  for (let c = 0; c < keys.length; c++) counts[(keys[c] >>> shift) & (buckets - 1)]++
  return counts
}

/** Sorts by one digit after the other, which keeps the order of equal keys; returns the order. */
function byDigits(given: Uint32Array): Int32Array {
  const n = given.length
  let keys = given
  let others: Uint32Array = new Uint32Array(n)
  let [order, next] = [new Int32Array(n), new Int32Array(n)]
  for (let c = 0; c < n; c++) order[c] = c
  for (let shift = 0; shift < 32; shift += bits) {
    const places = countsOf(keys, shift)
    if (places[(keys[0] >>> shift) & (buckets - 1)] === n) continue
    for (let b = 0, sum = 0; b < buckets; b++) {
      const count = places[b]
      places[b] = sum
      sum += count
    }
    for (let c = 0; c < n; c++) {
      const place = places[(keys[c] >>> shift) & (buckets - 1)]++
      others[place] = keys[c]
      next[place] = order[c]
    }
    ;[keys, others] = [others, keys]
    ;[order, next] = [next, order]
  }
  return order
}

/** At most so many elements are found by inserting each among those before it. */
const fewest = 32

/** The places of the first `count` keys in order, equal ones in theirs. Most keys are only compared with the last of these. */
function leading(keys: Uint32Array, count: number): Int32Array {
  const order = new Int32Array(count)
  const found = new Uint32Array(count)
  for (let c = 0; c < keys.length; c++) {
    const key = keys[c]
    if (c >= count && key >= found[count - 1]) continue
    let at = Math.min(c, count - 1)
    for (; at > 0 && found[at - 1] > key; at--) {
      found[at] = found[at - 1]
      order[at] = order[at - 1]
    }
    found[at] = key
    order[at] = c
  }
  return order
}

/** The indices in a run of the order: only the elements that have their highest digits are sorted. */
function between(keys: Uint32Array, from: number, to: number): Int32Array {
  const counts = countsOf(keys, 2 * bits)
  let [low, start] = [0, from]
  while (start >= counts[low]) start -= counts[low++]
  let high = low
  const end = start + to - from
  let n = counts[low]
  while (n < end) n += counts[++high]
  const some = new Uint32Array(n)
  const found = new Int32Array(n)
  for (let c = 0, k = 0; k < n; c++) {
    const digit = keys[c] >>> (2 * bits)
    if (digit < low || digit > high) continue
    some[k] = keys[c]
    found[k++] = c
  }
  return byDigits(some)
    .subarray(start, end)
    .map((k) => found[k])
}

export function sort({ attrs, inputs, outputs }: Instr<'sort'>): void {
  const [x] = inputs
  const { data } = hostOf(x)
  const values = hostOf(outputs[0])
  const indices = hostOf(outputs[1])
  const { axis, descending } = attrs
  const strides = contiguousStrides(x.sizes)
  const size = x.sizes[axis]
  const step = x.strides[axis]
  const outStep = strides[axis]
  const { places = [[0, size]] } = attrs
  const [[begin, end], ...others] = places
  const isFew = begin === 0 && end <= fewest && end < size && others.length === 0
  const digits = (isFew || size >= long) && !(data instanceof Float64Array) ? new Uint32Array(size) : null
  const row = new Int32Array(digits === null ? size : 0)
  const keys = new Float64Array(row.length)
  /** Compares two keys. Equal elements keep their order, ascending or descending; NaN is the largest. */
  const compare = (a: number, b: number): number => {
    const u = keys[a]
    const v = keys[b]
    if (u === v || (u !== u && v !== v)) return a - b
    return (u < v || v !== v) === descending ? 1 : -1
  }
  const run = (from: number, to: number): Int32Array => {
    if (digits === null) return row.subarray(from, to)
    if (isFew) return leading(digits, to)
    return to - from === size ? byDigits(digits) : between(digits, from, to)
  }
  if (numelOf(x.sizes) === 0) return
  forEachRow(
    drop(x.sizes, [axis]),
    [drop(x.strides, [axis]), drop(strides, [axis])],
    [startOf(x), 0],
    (at, n, steps) => {
      for (let i = 0; i < n; i++) {
        const p = at[0] + i * steps[0]
        const q = at[1] + i * steps[1]
        for (let c = 0; c < row.length; c++) {
          row[c] = c
          keys[c] = data[p + c * step]
        }
        if (digits === null) row.sort(compare)
        else digitKeys(digits, data, p, step, descending)
        for (const [from, to] of places) {
          const order = run(from, to)
          for (let c = 0; c < order.length; c++) {
            values.data[values.start + q + (from + c) * outStep] = data[p + order[c] * step]
            indices.data[indices.start + q + (from + c) * outStep] = order[c]
          }
        }
      }
    },
  )
}
