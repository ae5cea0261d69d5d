// Matrix products as words, with the expression that is computed of them while they are in the cache.
import {
  asMatrices,
  contiguousStrides,
  type DType,
  type Expr,
  hasMatrices,
  type HostBuffer,
  hostOf,
  type Instr,
  isView,
  type Loops,
  loopsOver,
  type Prims,
  rankOf,
  type Spec,
  type View,
} from '@flambeau/core/backend'
import { opcodes } from './codes.ts'
import { copy, map } from './encode-map.ts'
import { type Codes, codeWords, compile } from './expression.ts'
import { type Writer, begin, end, memory, none, numeral, operandWords, put, view } from './words.ts'

const posts = new WeakMap<Expr, Codes | null>()
function postOf(post: Expr): Codes | null {
  let codes = posts.get(post)
  if (codes === undefined) {
    codes = compile([post], 1) ?? null
    posts.set(post, codes)
  }
  return codes
}

const withoutPost = ({ batch, sum }: Prims['contract']): Prims['contract'] => ({ batch, sum })

const nothing: Codes = { words: new Int32Array(0), inputs: [{ position: 0, dtype: 'float32' }], from: [-1] }

/** Writes what is plain. */
export function contract(w: Writer, instr: Instr<'contract'>, tag: number): void {
  matmul(w, hasMatrices(instr) ? instr : (asMatrices(instr) as Instr<'contract'>), tag)
}

function matmul(w: Writer, instr: Instr<'contract'>, tag: number): void {
  const { attrs, inputs, outputs } = instr
  const a = inputs[0]
  const b = inputs[1]
  const out = outputs[0]
  if (a.dtype === 'uint8' || a.dtype === 'bool') return matmulAs(w, 'int32', instr, tag)
  const codes = attrs.post === undefined ? nothing : postOf(attrs.post)
  if (codes === null) {
    matmul(w, { ...instr, attrs: withoutPost(instr.attrs), inputs: [a, b] }, tag)
    return finish(w, instr, tag)
  }
  const further = codes.inputs.length - 1
  const batches = out.sizes.length === 2 ? undefined : batchLoops(instr, codes)
  const sizes = batches === undefined ? none : batches.sizes
  const depth = sizes.length
  const operands = 3 + further
  const start = begin(
    w,
    opcodes.matmul,
    tag,
    11 + depth + operands * (operandWords + 2 + depth) + codes.words.length,
    operands,
  )
  const { words, at } = w
  words[at] = rankOf(a.dtype)
  words[at + 1] = depth
  words[at + 2] = out.sizes[out.sizes.length - 2]
  words[at + 3] = out.sizes[out.sizes.length - 1]
  words[at + 4] = a.sizes[a.sizes.length - 1]
  words[at + 5] = further
  words[at + 6] = codes.words.length / codeWords
  words[at + 7] = codes.from[0]
  w.at = at + 8
  put(w, sizes)
  matrix(w, a, batches === undefined ? none : batches.steps[0])
  matrix(w, b, batches === undefined ? none : batches.steps[1])
  memory(w, hostOf(out), out.dtype, 0, none)
  let row = 3
  for (let i = 1; i <= further; i++) {
    const { position, dtype } = codes.inputs[i]
    const x = inputs[position + 1]
    if (isView(x)) matrix(w, x, batches === undefined ? none : batches.steps[row++])
    else numeral(w, x, dtype, depth + 2)
  }
  put(w, codes.words)
  end(w, start)
}

/** The loops over the matrices of a batch: steps of both factors, of the product, and of what the expression reads. */
function batchLoops({ inputs, outputs: [{ sizes }] }: Instr<'contract'>, codes: Codes): Loops {
  const further = codes.inputs.slice(1).map(({ position }) => inputs[position + 1])
  const views = [...(inputs.slice(0, 2) as View[]), ...further.filter(isView)].map(({ strides }) => strides)
  return loopsOver(sizes.slice(0, -2), [...views.slice(0, 2), contiguousStrides(sizes), ...views.slice(2)])
}

function matrix(w: Writer, x: View, steps: ArrayLike<number>): void {
  view(w, x, steps)
  const { strides } = x
  w.words[w.at++] = strides[strides.length - 2]
  w.words[w.at++] = strides[strides.length - 1]
}

const contiguousView = (spec: Spec, buffer: HostBuffer): View => ({
  sizes: spec.sizes,
  dtype: spec.dtype,
  buffer,
  strides: contiguousStrides(spec.sizes),
  offset: 0,
})

const epilogues = new WeakMap<Expr, Prims['map']>()
/** An epilogue as a map over the product, in its own memory. */
function finish(w: Writer, { attrs: { post }, inputs, outputs }: Instr<'contract'>, tag: number): void {
  if (post === undefined) return
  const attrs = epilogues.get(post) ?? { outs: [{ expr: post }] }
  epilogues.set(post, attrs)
  const product = contiguousView(outputs[0], hostOf(outputs[0]))
  map(w, { attrs, inputs: [product, ...inputs.slice(2)], outputs }, tag)
}

/** A product in another dtype, whose low bits are the result's. */
function matmulAs(w: Writer, dtype: DType, instr: Instr<'contract'>, tag: number): void {
  const [out] = instr.outputs
  const [a, b] = (instr.inputs.slice(0, 2) as View[]).map((x) => {
    const spec = { sizes: x.sizes, dtype }
    const made = { ...spec, buffer: w.scratch(spec) }
    copy(w, x, made, 0, contiguousStrides(x.sizes), tag)
    return contiguousView(spec, made.buffer)
  })
  const wide = { sizes: out.sizes, dtype, buffer: w.scratch({ sizes: out.sizes, dtype }) }
  matmul(w, { ...instr, attrs: withoutPost(instr.attrs), inputs: [a, b], outputs: [wide] }, tag)
  copy(w, contiguousView(wide, wide.buffer), out, 0, contiguousStrides(out.sizes), tag)
  finish(w, instr, tag)
}
