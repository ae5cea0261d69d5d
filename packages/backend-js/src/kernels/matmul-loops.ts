// Matrix products of any sizes: both factors are copied into panels of doubles, then tiles of the result are accumulated
// in registers, every element in the order of k, and rounded once. A single column has a loop of its own without panels.
import type { TypedArray } from '@flambeau/core/backend'

/** A matrix somewhere in a slab: element (i, j) is data[at + i * rowStep + j * columnStep]. */
export interface Matrix {
  readonly data: TypedArray
  readonly at: number
  readonly rowStep: number
  readonly columnStep: number
}

let panelA = new Float64Array(0)
let panelB = new Float64Array(0)
type Panel = Float64Array<ArrayBuffer>
const roomFor = (panel: Panel, n: number): Panel => (panel.length >= n ? panel : new Float64Array(n))

/** Rows and columns of a tile: the accumulators and operands must fit the sixteen registers V8 has. */
const tileRows = 4
const tileColumns = 4

/** Columns of `b` in groups, each group's rows one after the other, filled up with zeros. */
function packColumns(b: Matrix, k: number, n: number): void {
  const { data, at, rowStep, columnStep } = b
  let to = 0
  for (let j = 0; j < n; j += tileColumns) {
    const width = Math.min(tileColumns, n - j)
    for (let p = 0; p < k; p++) {
      const from = at + p * rowStep + j * columnStep
      for (let c = 0; c < tileColumns; c++) panelB[to++] = c < width ? data[from + c * columnStep] : 0
    }
  }
}

function packRows(a: Matrix, row: number, height: number, k: number): void {
  const { data, at, rowStep, columnStep } = a
  let to = 0
  for (let p = 0; p < k; p++) {
    const from = at + row * rowStep + p * columnStep
    for (let r = 0; r < tileRows; r++) panelA[to++] = r < height ? data[from + r * rowStep] : 0
  }
}

function tiles(a: Matrix, b: Matrix, out: TypedArray, start: number, m: number, k: number, n: number): void {
  panelA = roomFor(panelA, tileRows * k)
  panelB = roomFor(panelB, Math.ceil(n / tileColumns) * tileColumns * k)
  packColumns(b, k, n)
  for (let i = 0; i < m; i += tileRows) {
    const height = Math.min(tileRows, m - i)
    packRows(a, i, height, k)
    for (let j = 0; j < n; j += tileColumns) {
      tile(panelA, panelB, j * k, k)
      const width = Math.min(tileColumns, n - j)
      for (let r = 0; r < height; r++) {
        const to = start + (i + r) * n + j
        for (let c = 0; c < width; c++) out[to + c] = result[r * tileColumns + c]
      }
    }
  }
}

const result = new Float64Array(tileRows * tileColumns)

// biome-ignore format: rows and columns as they are in the tile
function tile(a: Float64Array, b: Float64Array, from: number, k: number): void {
  let c00 = 0, c01 = 0, c02 = 0, c03 = 0
  let c10 = 0, c11 = 0, c12 = 0, c13 = 0
  let c20 = 0, c21 = 0, c22 = 0, c23 = 0
  let c30 = 0, c31 = 0, c32 = 0, c33 = 0
  let q = from
  for (let p = 0; p < 4 * k; p += 4, q += 4) {
    const b0 = b[q], b1 = b[q + 1], b2 = b[q + 2], b3 = b[q + 3]
    const a0 = a[p]
    c00 += a0 * b0; c01 += a0 * b1; c02 += a0 * b2; c03 += a0 * b3
    const a1 = a[p + 1]
    c10 += a1 * b0; c11 += a1 * b1; c12 += a1 * b2; c13 += a1 * b3
    const a2 = a[p + 2]
    c20 += a2 * b0; c21 += a2 * b1; c22 += a2 * b2; c23 += a2 * b3
    const a3 = a[p + 3]
    c30 += a3 * b0; c31 += a3 * b1; c32 += a3 * b2; c33 += a3 * b3
  }
  result[0] = c00; result[1] = c01; result[2] = c02; result[3] = c03
  result[4] = c10; result[5] = c11; result[6] = c12; result[7] = c13
  result[8] = c20; result[9] = c21; result[10] = c22; result[11] = c23
  result[12] = c30; result[13] = c31; result[14] = c32; result[15] = c33
}

/** A matrix times a column. */
function column(a: Matrix, b: Matrix, out: TypedArray, start: number, m: number, k: number): void {
  panelB = roomFor(panelB, k)
  for (let p = 0, from = b.at; p < k; p++, from += b.rowStep) panelB[p] = b.data[from]
  rowsTimes(a.data, a.at, a.rowStep, a.columnStep, panelB, out, start, m, k)
}

/**
 * Four rows at a time, two steps of k in one: each row adds up in order, in a register of its own. Sums of indices are
 * cut to 32 bits because V8 then leaves out its overflow checks, a quarter of the time.
 */
function rowsTimes(
  data: TypedArray,
  from: number,
  rowStep: number,
  columnStep: number,
  x: Panel,
  out: TypedArray,
  start: number,
  m: number,
  k: number,
): void {
  let i = 0
  let at = from
  for (; i + 4 <= m; i += 4, at += 4 * rowStep) {
    let r0 = 0
    let r1 = 0
    let r2 = 0
    let r3 = 0
    let i0 = at
    let i1 = (i0 + rowStep) | 0
    let i2 = (i1 + rowStep) | 0
    let i3 = (i2 + rowStep) | 0
    let p = 0
    for (; p + 2 <= k; p += 2) {
      const xp = x[p]
      const xq = x[p + 1]
      r0 = r0 + data[i0] * xp + data[(i0 + columnStep) | 0] * xq
      r1 = r1 + data[i1] * xp + data[(i1 + columnStep) | 0] * xq
      r2 = r2 + data[i2] * xp + data[(i2 + columnStep) | 0] * xq
      r3 = r3 + data[i3] * xp + data[(i3 + columnStep) | 0] * xq
      i0 = (i0 + 2 * columnStep) | 0
      i1 = (i1 + 2 * columnStep) | 0
      i2 = (i2 + 2 * columnStep) | 0
      i3 = (i3 + 2 * columnStep) | 0
    }
    if (p < k) {
      r0 += data[i0] * x[p]
      r1 += data[i1] * x[p]
      r2 += data[i2] * x[p]
      r3 += data[i3] * x[p]
    }
    out[start + i] = r0
    out[start + i + 1] = r1
    out[start + i + 2] = r2
    out[start + i + 3] = r3
  }
  for (; i < m; i++, at += rowStep) {
    let r = 0
    for (let p = 0, q = at; p < k; p++, q += columnStep) r += data[q] * x[p]
    out[start + i] = r
  }
}

const flipped = ({ data, at, rowStep, columnStep }: Matrix): Matrix => ({
  data,
  at,
  rowStep: columnStep,
  columnStep: rowStep,
})

/** The product of an m by k and a k by n matrix, row-major from `start`. */
export function multiply(a: Matrix, b: Matrix, out: TypedArray, start: number, m: number, k: number, n: number): void {
  if (n === 1) column(a, b, out, start, m, k)
  else if (m === 1) column(flipped(b), flipped(a), out, start, n, k)
  else tiles(a, b, out, start, m, k, n)
}
