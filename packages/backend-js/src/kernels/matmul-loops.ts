// Matrix products of any sizes. Blocks of both factors are copied to panels of doubles; tiles of the result accumulate
// in registers, each element in the order of k, and are rounded once. A product with a single column has a loop of its
// own without panels. A factor may be addressed by tables of row and column offsets instead of steps.
import type { TypedArray } from '@flambeau/core/backend'
import { mostInPanel, mostProducts } from '../text/matmul.ts'
import { panel, type PanelUse } from './panels.ts'

/** A matrix in a slab: element (i, j) is data[at + i * rowStep + j * columnStep]. */
export interface Matrix {
  readonly data: TypedArray
  readonly at: number
  readonly rowStep: number
  readonly columnStep: number
}

/** A matrix by offsets: element (i, j) is data[at + rows[i] + columns[j]]. */
export interface Walked {
  readonly data: TypedArray
  readonly at: number
  readonly rows: Int32Array
  readonly columns: Int32Array
}

const isWalked = (x: Matrix | Walked): x is Walked => (x as Walked).rows !== undefined

type Panel = ReturnType<typeof panel>
let panelA: Panel = new Float64Array(0)
let panelB: Panel = new Float64Array(0)
/** The partial sums, tile after tile; room for one tile if the products have one part. */
let sums: Panel = new Float64Array(0)
const roomFor = (x: Panel, use: PanelUse, length: number): Panel => (x.length >= length ? x : panel(use, length))

/** Rows and columns of a tile: its accumulators and operands must fit the sixteen registers that V8 has. */
const tileRows = 4
const tileColumns = 4
const inTile = tileRows * tileColumns

/** A range of rows, columns or products: `count` of them from `from` on. */
interface Span {
  readonly from: number
  readonly count: number
}

/** Copies columns of `b` in groups of a tile's width, row after row, padded with zeros. */
function packColumns(b: Matrix | Walked, products: Span, columns: Span): void {
  const last = columns.from + columns.count
  let to = 0
  for (let j = columns.from; j < last; j += tileColumns) {
    const width = Math.min(tileColumns, last - j)
    if (isWalked(b)) walk(b.data, b.at, b.rows, products, b.columns, j, width, panelB, to)
    else step(b.data, b.at + j * b.columnStep, b.rowStep, products, b.columnStep, width, panelB, to)
    to += tileColumns * products.count
  }
}

function packRows(a: Matrix | Walked, products: Span, row: number, height: number): void {
  if (isWalked(a)) walk(a.data, a.at, a.columns, products, a.rows, row, height, panelA, 0)
  else step(a.data, a.at + row * a.rowStep, a.columnStep, products, a.rowStep, height, panelA, 0)
}

/** Copies `width` neighbours for each product in turn. */
function step(
  data: TypedArray,
  at: number,
  along: number,
  { from, count }: Span,
  across: number,
  width: number,
  panel: Panel,
  start: number,
): void {
  let to = start
  for (let p = from; p < from + count; p++) {
    const x = at + p * along
    for (let c = 0; c < 4; c++) panel[to++] = c < width ? data[x + c * across] : 0
  }
}

/** The same through offsets. */
function walk(
  data: TypedArray,
  at: number,
  along: Int32Array,
  { from, count }: Span,
  across: Int32Array,
  first: number,
  width: number,
  panel: Panel,
  start: number,
): void {
  let to = start
  for (let p = from; p < from + count; p++) {
    const x = at + along[p]
    for (let c = 0; c < 4; c++) panel[to++] = c < width ? data[x + across[first + c]] : 0
  }
}

/** Computes the result by groups of columns, as many as a panel holds. */
function tiles(
  a: Matrix | Walked,
  b: Matrix | Walked,
  out: TypedArray,
  start: number,
  m: number,
  k: number,
  n: number,
): void {
  const part = Math.min(k, mostProducts)
  const all = Math.ceil(n / tileColumns) * tileColumns
  const width = all * part <= mostInPanel ? all : Math.floor(mostInPanel / (part * tileColumns)) * tileColumns
  panelA = roomFor(panelA, 'rows', tileRows * part)
  panelB = roomFor(panelB, 'columns', width * part)
  sums = roomFor(sums, 'sums', k > part ? Math.ceil(m / tileRows) * tileRows * width : inTile)
  for (let j = 0; j < n; j += width) block(a, b, out, start, m, k, n, { from: j, count: Math.min(width, n - j) })
}

/** Computes some columns of the result, adding one part of their products after another. */
function block(
  a: Matrix | Walked,
  b: Matrix | Walked,
  out: TypedArray,
  start: number,
  m: number,
  k: number,
  n: number,
  columns: Span,
): void {
  for (let p = 0; p === 0 || p < k; p += mostProducts) {
    const products = { from: p, count: Math.min(mostProducts, k - p) }
    const last = p + products.count === k
    const kept = k > mostProducts ? inTile : 0
    packColumns(b, products, columns)
    for (let i = 0, at = 0; i < m; i += tileRows) {
      const height = Math.min(tileRows, m - i)
      packRows(a, products, i, height)
      for (let j = 0; j < columns.count; j += tileColumns, at += kept) {
        tile(panelA, panelB, j * products.count, products.count, sums, at, p > 0)
        if (!last) continue
        const width = Math.min(tileColumns, columns.count - j)
        for (let r = 0; r < height; r++) {
          const to = start + (i + r) * n + columns.from + j
          for (let c = 0; c < width; c++) out[to + c] = sums[at + r * tileColumns + c]
        }
      }
    }
  }
}

/** Accumulates the products of a tile; with `more`, on top of the sums of earlier parts. */
// biome-ignore format: rows and columns as they are in the tile
function tile(a: Panel, b: Panel, from: number, k: number, sums: Panel, at: number, more: boolean): void {
  let c00 = 0, c01 = 0, c02 = 0, c03 = 0
  let c10 = 0, c11 = 0, c12 = 0, c13 = 0
  let c20 = 0, c21 = 0, c22 = 0, c23 = 0
  let c30 = 0, c31 = 0, c32 = 0, c33 = 0
  if (more) {
    c00 = sums[at]; c01 = sums[at + 1]; c02 = sums[at + 2]; c03 = sums[at + 3]
    c10 = sums[at + 4]; c11 = sums[at + 5]; c12 = sums[at + 6]; c13 = sums[at + 7]
    c20 = sums[at + 8]; c21 = sums[at + 9]; c22 = sums[at + 10]; c23 = sums[at + 11]
    c30 = sums[at + 12]; c31 = sums[at + 13]; c32 = sums[at + 14]; c33 = sums[at + 15]
  }
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
  sums[at] = c00; sums[at + 1] = c01; sums[at + 2] = c02; sums[at + 3] = c03
  sums[at + 4] = c10; sums[at + 5] = c11; sums[at + 6] = c12; sums[at + 7] = c13
  sums[at + 8] = c20; sums[at + 9] = c21; sums[at + 10] = c22; sums[at + 11] = c23
  sums[at + 12] = c30; sums[at + 13] = c31; sums[at + 14] = c32; sums[at + 15] = c33
}

/** A matrix times a column. */
function column(a: Matrix, b: Matrix, out: TypedArray, start: number, m: number, k: number): void {
  panelB = roomFor(panelB, 'columns', k)
  for (let p = 0, from = b.at; p < k; p++, from += b.rowStep) panelB[p] = b.data[from]
  rowsTimes(a.data, a.at, a.rowStep, a.columnStep, panelB, out, start, m, k)
}

/**
 * Takes four rows at a time and two steps of k per turn; each row adds up in order, in a register of its own. Sums of
 * indices are cut to 32 bits, because V8 then leaves out its overflow checks, which saves a quarter of the time.
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
export function multiply(
  a: Matrix | Walked,
  b: Matrix | Walked,
  out: TypedArray,
  start: number,
  m: number,
  k: number,
  n: number,
): void {
  if (isWalked(a) || isWalked(b)) tiles(a, b, out, start, m, k, n)
  else if (n === 1) column(a, b, out, start, m, k)
  else if (m === 1) column(flipped(b), flipped(a), out, start, n, k)
  else tiles(a, b, out, start, m, k, n)
}
