// The `contract` kernel: a batch of products, all with the same steps. Common products get a function of their own, the
// same that compiled programs contain; others use loops for all sizes. The numbers are the same.
import {
  contiguousStrides,
  contractionOf,
  descriptorOf,
  type DType,
  type Expr,
  forEachRow,
  hostOf,
  type Instr,
  type Loops,
  numelOf,
  type Prims,
  Slot,
  startOf,
  type TypedArray,
  type View,
} from '@flambeau/core/backend'
import { type Along, isNest, offsets, productOf, type Steps } from '../text/along.ts'
import { emitMatmul } from '../text/matmul.ts'
import { map, mayCompile } from './map.ts'
import { generated } from './warming.ts'
import { type Matrix, multiply, type Walked } from './matmul-loops.ts'
import { panel } from './panels.ts'

type Product = (a: TypedArray, startA: number, b: TypedArray, startB: number, out: TypedArray, start: number) => void
type Sized = ReturnType<typeof productOf>

/** What is known about the contractions of one descriptor. */
interface Known {
  /** Steps of a, b and the result. */
  readonly batch: Loops
  readonly each: Sized
  readonly dtype: DType
  /** The cost of one contraction, and of all so far, in multiplications. */
  readonly work: number
  spent: number
  /** The loops for all sizes, until the product gets a function of its own. */
  run: Product
  own: boolean
}

/** Making a function pays once this many multiplications were spent without it, which take some milliseconds. */
const enough = 1 << 22
/** The overhead of a product before its first multiplication, in multiplications. */
const before = 64

let products = 0

function made(dtype: DType, { m, k, n, a, b }: Sized): Product {
  let names = 0
  const factor = (array: string, steps: Steps) => ({ array, start: `${array}Start`, dtype, constant: false, ...steps })
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
    // V8 treats constants as constant, and arrays as arrays of one type, in a text that was made into a function once.
    `//# sourceURL=flambeau-matmul-${products++}.js`,
  ]
  return new Function('panel', 'offsets', lines.join('\n'))(panel, offsets) as Product
}

const tableOf = (along: Along, count: number): Int32Array =>
  isNest(along) ? offsets(along.sizes, along.steps) : offsets([count], [along])

/** The loops for all sizes as a product of these sizes. */
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

const known = new Slot<Known>()

function knownOf(instr: Instr<'contract'>): Known {
  const descriptor = descriptorOf(instr)
  const found = known.of(descriptor)
  if (found !== undefined) return found
  const contraction = contractionOf(instr)
  const { sizes, steps } = contraction.batch
  const each = productOf(contraction)
  const work = (each.m * each.k * each.n + before) * numelOf(sizes)
  const batch = { sizes, steps: steps.slice(0, 3) }
  const { dtype } = instr.inputs[0]
  return known.keep(descriptor, { batch, each, dtype, work, spent: 0, run: loopsOf(each), own: false })
}

export function contract(instr: Instr<'contract'>): void {
  const [a, b] = instr.inputs
  const entry = knownOf(instr)
  if (!entry.own && entry.spent > enough && mayCompile) {
    entry.run = generated(() => made(entry.dtype, entry.each))
    entry.own = true
  }
  entry.spent += entry.work
  const { batch, run } = entry
  const { data: first } = hostOf(a)
  const { data: second } = hostOf(b)
  const { data, start } = hostOf(instr.outputs[0])
  if (batch.sizes.length === 0) run(first, startOf(a), second, startOf(b), data, start)
  else {
    forEachRow(batch.sizes, batch.steps, [startOf(a), startOf(b), start], (at, count, steps) => {
      for (let i = 0; i < count; i++) {
        run(first, at[0] + i * steps[0], second, at[1] + i * steps[1], data, at[2] + i * steps[2])
      }
    })
  }
  const { post } = instr.attrs
  if (post !== undefined) finish(instr, post)
}

const posts = new WeakMap<Expr, Prims['map']>()

/** Runs the epilogue as a map over the product, in its own memory. */
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
