// The `contract` kernel, for products of matrices. Sizes that come often have a function of their own, the same that compiled programs have; others
// go through loops for all sizes. The numbers are the same.
import {
  asMatrices,
  contiguousStrides,
  type DType,
  type Expr,
  forEachRow,
  hasMatrices,
  hostOf,
  type Instr,
  type Prims,
  startOf,
  type TypedArray,
  type View,
} from '@flambeau/core/backend'
import { map, mayCompile } from './map.ts'
import { type Matrix, multiply } from './matmul-loops.ts'
import { emitMatmul } from '../text/matmul.ts'

type Product = (a: TypedArray, startA: number, b: TypedArray, startB: number, out: TypedArray, start: number) => void

/** Products of one size, of one dtype and with the same steps. */
interface Known {
  readonly dtype: DType
  readonly sizes: readonly number[]
  /** Multiplications so far. */
  spent: number
  run?: Product
}

/** Smaller products are done before their function would be found. */
const least = 64
/** Making a function pays when as much time was spent without it: some milliseconds. */
const enough = 1 << 22
/** More sizes than this are no few that come often. */
const mostKnown = 64
const known = new Map<number, Known>()

function same(x: readonly number[], y: readonly number[]): boolean {
  for (let i = 0; i < x.length; i++) if (x[i] !== y[i]) return false
  return true
}

function knownOf(dtype: DType, sizes: readonly number[]): Known {
  let hash = dtype.length
  for (let i = 0; i < sizes.length; i++) hash = (Math.imul(hash, 31) + sizes[i]) | 0
  let entry = known.get(hash)
  if (entry === undefined || entry.dtype !== dtype || !same(entry.sizes, sizes)) {
    if (known.size === mostKnown) known.clear()
    entry = { dtype, sizes, spent: 0 }
    known.set(hash, entry)
  }
  return entry
}

let products = 0

function made({ dtype, sizes: [m, k, n, rowA, columnA, rowB, columnB] }: Known): Product {
  let names = 0
  const variable = (array: string) => ({ array, start: `${array}Start`, dtype, constant: false })
  const { declarations, call } = emitMatmul(
    {
      m,
      k,
      n,
      a: { ...variable('a'), rowStep: rowA, columnStep: columnA },
      b: { ...variable('b'), rowStep: rowB, columnStep: columnB },
      out: { ...variable('out'), rowStep: n, columnStep: 1 },
    },
    (prefix) => `${prefix}${names++}`,
  )
  const lines = [
    ...declarations,
    'return (a, aStart, b, bStart, out, outStart) => {',
    call,
    '}',
    // V8 takes constants for constant, and arrays for arrays of one type, in a text that was made into a function once.
    `//# sourceURL=flambeau-matmul-${products++}.js`,
  ]
  return new Function(lines.join('\n'))() as Product
}

/** The product of two matrices, row-major from `start`. */
function product(
  a: Matrix,
  b: Matrix,
  dtype: DType,
  out: TypedArray,
  start: number,
  m: number,
  k: number,
  n: number,
): void {
  const work = m * k * n
  if (!mayCompile || work < least) return multiply(a, b, out, start, m, k, n)
  const entry = knownOf(dtype, [m, k, n, a.rowStep, a.columnStep, b.rowStep, b.columnStep])
  if (entry.run === undefined && entry.spent > enough) entry.run = made(entry)
  entry.spent += work
  if (entry.run === undefined) multiply(a, b, out, start, m, k, n)
  else entry.run(a.data, a.at, b.data, b.at, out, start)
}

const matrixOf = (x: View, at: number): Matrix => {
  const rank = x.sizes.length
  return { data: hostOf(x).data, at, rowStep: x.strides[rank - 2], columnStep: x.strides[rank - 1] }
}

/** Runs what is plain. */
export function matmul(given: Instr<'contract'>): void {
  const instr = hasMatrices(given) ? given : (asMatrices(given) as Instr<'contract'>)
  const [a, b] = instr.inputs
  const [out] = instr.outputs
  const rank = out.sizes.length
  const m = out.sizes[rank - 2]
  const n = out.sizes[rank - 1]
  const k = a.sizes[rank - 1]
  const { data, start } = hostOf(out)
  const startA = startOf(a)
  const startB = startOf(b)
  if (rank === 2) product(matrixOf(a, startA), matrixOf(b, startB), a.dtype, data, start, m, k, n)
  else {
    const batch = out.sizes.slice(0, -2)
    const strides = [a.strides, b.strides, contiguousStrides(out.sizes)].map((s) => s.slice(0, -2))
    forEachRow(batch, strides, [startA, startB, start], (at, count, steps) => {
      for (let i = 0; i < count; i++) {
        product(
          matrixOf(a, at[0] + i * steps[0]),
          matrixOf(b, at[1] + i * steps[1]),
          a.dtype,
          data,
          at[2] + i * steps[2],
          m,
          k,
          n,
        )
      }
    })
  }
  const { post } = instr.attrs
  if (post !== undefined) finish(instr, post)
}

const posts = new WeakMap<Expr, Prims['map']>()

/** The epilogue is a map over the product, in its own memory. */
function finish(instr: Instr<'contract'>, post: Expr): void {
  let attrs = posts.get(post)
  if (attrs === undefined) {
    attrs = { outs: [{ expr: post }] }
    posts.set(post, attrs)
  }
  const [out] = instr.outputs
  const product: View = {
    buffer: out.buffer,
    sizes: out.sizes,
    dtype: out.dtype,
    strides: contiguousStrides(out.sizes),
    offset: 0,
  }
  map({
    kind: 'map',
    attrs,
    inputs: [product, ...instr.inputs.slice(2)],
    outputs: [out],
    donate: [0],
    origin: instr.origin,
  })
}
