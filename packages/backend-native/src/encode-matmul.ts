// Matrix products as words, with the expression that is computed of them while they are in the cache.
import {
  contiguousStrides,
  type DType,
  type Expr,
  type HostBuffer,
  hostOf,
  type Instr,
  isView,
  loopsOver,
  type Prims,
  rankOf,
  type Spec,
  type View,
} from '@flambeau/core/backend'
import { opcodes } from './addon.ts'
import { copy, map } from './encode-map.ts'
import { type Codes, codeWords, compile } from './expression.ts'
import { type Writer, begin, end, memory, none, numeral, put, view } from './words.ts'

const posts = new WeakMap<Expr, Codes | null>()
function postOf(post: Expr): Codes | null {
  let codes = posts.get(post)
  if (codes === undefined) {
    codes = compile([post], 1) ?? null
    posts.set(post, codes)
  }
  return codes
}

const nothing: Codes = { words: new Int32Array(0), inputs: [{ position: 0, dtype: 'float32' }], from: [-1] }

export function matmul(w: Writer, instr: Instr<'matmul'>, tag: number): void {
  const { attrs, inputs, outputs } = instr
  const [a, b] = inputs as readonly View[]
  const [out] = outputs
  if (a.dtype === 'uint8' || a.dtype === 'bool') return matmulAs(w, 'int32', instr, tag)
  const codes = attrs.post === undefined ? nothing : postOf(attrs.post)
  if (codes === null) {
    matmul(w, { ...instr, attrs: {}, inputs: [a, b] }, tag)
    return finish(w, instr, tag)
  }
  const rank = out.shape.length
  const batch = out.shape.slice(0, -2)
  const further = codes.inputs.slice(1).map(({ position, dtype }) => ({ x: inputs[position + 1], dtype }))
  const views = further.flatMap(({ x }) => (isView(x) ? [x] : []))
  const rows = [a.strides, b.strides, contiguousStrides(out.shape), ...views.map(({ strides }) => strides)]
  const { sizes, steps } = rank === 2 ? { sizes: none, steps: rows.map(() => none) } : loopsOver(batch, rows)
  const depth = sizes.length
  const operands = 3 + further.length
  const start = begin(w, opcodes.matmul, tag, 11 + depth + operands * (5 + depth) + codes.words.length, operands)
  put(w, [rankOf(a.dtype), depth, out.shape[rank - 2], out.shape[rank - 1], a.shape[rank - 1]])
  put(w, [further.length, codes.words.length / codeWords, codes.from[0]])
  put(w, sizes)
  const matrix = (x: View, row: number): void => {
    view(w, x, steps[row])
    put(w, x.strides.slice(-2))
  }
  matrix(a, 0)
  matrix(b, 1)
  memory(w, hostOf(out), out.dtype, 0, none)
  let row = 3
  for (const { x, dtype } of further) {
    if (isView(x)) matrix(x, row++)
    else numeral(w, x, dtype, depth + 2)
  }
  put(w, codes.words)
  end(w, start)
}

const contiguousView = (spec: Spec, buffer: HostBuffer): View => ({
  shape: spec.shape,
  dtype: spec.dtype,
  buffer,
  strides: contiguousStrides(spec.shape),
  offset: 0,
})

const epilogues = new WeakMap<Expr, Prims['map']>()
/** An epilogue as a map over the product, in its own memory. */
function finish(w: Writer, { attrs: { post }, inputs, outputs }: Instr<'matmul'>, tag: number): void {
  if (post === undefined) return
  const attrs = epilogues.get(post) ?? { outs: [{ expr: post }] }
  epilogues.set(post, attrs)
  const product = contiguousView(outputs[0], hostOf(outputs[0]))
  map(w, { attrs, inputs: [product, ...inputs.slice(2)], outputs }, tag)
}

/** A product in another dtype, whose low bits are the result's. */
function matmulAs(w: Writer, dtype: DType, instr: Instr<'matmul'>, tag: number): void {
  const [out] = instr.outputs
  const [a, b] = (instr.inputs.slice(0, 2) as View[]).map((x) => {
    const spec = { shape: x.shape, dtype }
    const made = { ...spec, buffer: w.scratch(spec) }
    copy(w, x, made, 0, contiguousStrides(x.shape), tag)
    return contiguousView(spec, made.buffer)
  })
  const wide = { shape: out.shape, dtype, buffer: w.scratch({ shape: out.shape, dtype }) }
  matmul(w, { ...instr, attrs: {}, inputs: [a, b], outputs: [wide] }, tag)
  copy(w, contiguousView(wide, wide.buffer), out, 0, contiguousStrides(out.shape), tag)
  finish(w, instr, tag)
}
