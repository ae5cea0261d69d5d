// The `contract` kernel. Products that come often have a function of their own, the same that compiled programs have; others
// go through loops for all sizes. The numbers are the same.
import {
  contiguousStrides,
  contractionOf,
  type DType,
  type Expr,
  forEachRow,
  hasMatrices,
  hostOf,
  type Instr,
  type Loops,
  numelOf,
  type Prims,
  startOf,
  type TypedArray,
  type View,
} from '@flambeau/core/backend'
import { type Along, isNest, isWalked, offsets, productOf, type Steps } from '../text/along.ts'
import { emitMatmul } from '../text/matmul.ts'
import { map, mayCompile } from './map.ts'
import { type Matrix, multiply, type Walked } from './matmul-loops.ts'
import { panel } from './panels.ts'

type Product = (a: TypedArray, startA: number, b: TypedArray, startB: number, out: TypedArray, start: number) => void

/** Products of one size, of one dtype and with the same steps. */
interface Known {
  readonly dtype: DType
  readonly key: readonly number[]
  /** Multiplications so far. */
  spent: number
  /** The function of its own. */
  run?: Product
  /** The loops for all sizes with its own and its steps. */
  loops?: Product
}

type Sized = ReturnType<typeof productOf>

/** Smaller products are done before their function would be found. */
const least = 64
/** Making a function pays when as much time was spent without it: some milliseconds. */
const enough = 1 << 22
/** More sizes than this are no few that come often: a large network has some hundred. */
const mostKnown = 512
const known = new Map<number, Known>()

function same(x: readonly number[], y: readonly number[]): boolean {
  if (x.length !== y.length) return false
  for (let i = 0; i < x.length; i++) if (x[i] !== y[i]) return false
  return true
}

function knownOf(dtype: DType, key: readonly number[]): Known {
  let hash = dtype.length
  for (let i = 0; i < key.length; i++) hash = (Math.imul(hash, 31) + key[i]) | 0
  let entry = known.get(hash)
  if (entry === undefined || entry.dtype !== dtype || !same(entry.key, key)) {
    if (known.size === mostKnown) known.clear()
    entry = { dtype, key, spent: 0 }
    known.set(hash, entry)
  }
  return entry
}

let products = 0

function made(dtype: DType, { m, k, n, a, b }: Sized): Product {
  let names = 0
  const factor = (array: string, { rowStep, columnStep }: Steps) => ({
    array,
    start: `${array}Start`,
    dtype,
    constant: false,
    rowStep,
    columnStep,
  })
  const out = { array: 'out', start: 'outStart', dtype, constant: false, rowStep: n, columnStep: 1 }
  const { declarations, call } = emitMatmul(
    { m, k, n, a: factor('a', a), b: factor('b', b), out },
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
  return new Function('panel', 'offsets', lines.join('\n'))(panel, offsets) as Product
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
  if (entry.run === undefined && entry.spent > enough) entry.run = made(dtype, { m, k, n, a, b })
  entry.spent += work
  if (entry.run === undefined) multiply(a, b, out, start, m, k, n)
  else entry.run(a.data, a.at, b.data, b.at, out, start)
}

const matrixOf = (x: View): Matrix => ({
  data: hostOf(x).data,
  at: startOf(x),
  rowStep: x.strides[0],
  columnStep: x.strides[1],
})

export function contract(instr: Instr<'contract'>): void {
  const { attrs, inputs, outputs } = instr
  const [a, b] = inputs
  const [out] = outputs
  if (a.sizes.length === 2 && b.sizes.length === 2 && attrs.batch === 0 && attrs.sum === 1) {
    const { data, start } = hostOf(out)
    product(matrixOf(a), matrixOf(b), a.dtype, data, start, a.sizes[0], a.sizes[1], b.sizes[1])
  } else contractBatch(instr)
  if (attrs.post !== undefined) finish(instr, attrs.post)
}

/** Sizes and steps; in front of each how many loops it is, if one of them is several. */
function keyOf({ m, k, n, a, b }: Sized): number[] {
  const plain = !isWalked(a) && !isWalked(b)
  const key = (x: Along): readonly number[] => (isNest(x) ? [x.sizes.length, ...x.sizes, ...x.steps] : [1, x])
  return plain
    ? [m, k, n, a.rowStep as number, a.columnStep as number, b.rowStep as number, b.columnStep as number]
    : [m, k, n, ...key(a.rowStep), ...key(a.columnStep), ...key(b.rowStep), ...key(b.columnStep)]
}

const tableOf = (along: Along, count: number): Int32Array =>
  isNest(along) ? offsets(along.sizes, along.steps) : offsets([count], [along])

/** The loops for all sizes as a product of these ones. */
function loopsOf({ m, k, n, a, b }: Sized): Product {
  const factor = ({ rowStep, columnStep }: Steps, rows: number, columns: number) => {
    if (!isNest(rowStep) && !isNest(columnStep)) {
      return (data: TypedArray, at: number): Matrix => ({ data, at, rowStep, columnStep })
    }
    const tables = { rows: tableOf(rowStep, rows), columns: tableOf(columnStep, columns) }
    return (data: TypedArray, at: number): Walked => ({ data, at, ...tables })
  }
  const first = factor(a, m, k)
  const second = factor(b, k, n)
  return (dataA, startA, dataB, startB, out, start) =>
    multiply(first(dataA, startA), second(dataB, startB), out, start, m, k, n)
}

/** A batch of products; what has matrices as it stands need not be folded first. */
function batchOf(instr: Instr<'contract'>): { readonly batch: Loops; readonly each: Sized } {
  if (!hasMatrices(instr)) {
    const contraction = contractionOf(instr)
    return { batch: contraction.batch, each: productOf(contraction) }
  }
  const [a, b] = instr.inputs
  const { sizes } = instr.outputs[0]
  const rows = sizes.length - 2
  const steps = ({ strides }: View): Steps => ({ rowStep: strides[rows], columnStep: strides[rows + 1] })
  return {
    batch: { sizes: sizes.slice(0, rows), steps: [a.strides, b.strides, contiguousStrides(sizes)] },
    each: { m: sizes[rows], k: a.sizes[rows + 1], n: sizes[rows + 1], a: steps(a), b: steps(b) },
  }
}

/** One product after the other, all by the same steps. */
function contractBatch(instr: Instr<'contract'>): void {
  const [a, b] = instr.inputs
  const out = hostOf(instr.outputs[0])
  const { batch, each } = batchOf(instr)
  const work = each.m * each.k * each.n
  const entry = knownOf(a.dtype, keyOf(each))
  if (entry.run === undefined && entry.spent > enough && work >= least && mayCompile) {
    entry.run = made(a.dtype, each)
    entry.loops = undefined
  }
  entry.spent += work * numelOf(batch.sizes)
  if (entry.run === undefined) entry.loops ??= loopsOf(each)
  const multiply = (entry.run ?? entry.loops) as Product
  const { data: first } = hostOf(a)
  const { data: second } = hostOf(b)
  forEachRow(batch.sizes, batch.steps.slice(0, 3), [startOf(a), startOf(b), out.start], (at, count, steps) => {
    for (let i = 0; i < count; i++) {
      multiply(first, at[0] + i * steps[0], second, at[1] + i * steps[1], out.data, at[2] + i * steps[2])
    }
  })
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
