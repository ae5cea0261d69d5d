// Contractions as words, with the expression that C++ applies to each part of the result while it is in the cache.
import {
  type Bordered,
  type Contraction,
  contiguousStrides,
  contractionOf,
  type DType,
  type Expr,
  hasMatrices,
  type HostBuffer,
  hostOf,
  type Instr,
  isView,
  type Loops,
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

const withoutPost = ({ post: _, ...attrs }: Prims['contract']): Prims['contract'] => attrs

const nothing: Codes = { words: new Int32Array(0), inputs: [{ position: 0, dtype: 'float32' }], from: [-1] }

export function contract(w: Writer, instr: Instr<'contract'>, tag: number): void {
  const { attrs, inputs, outputs } = instr
  const a = inputs[0]
  const b = inputs[1]
  const out = outputs[0]
  if (a.dtype === 'uint8' || a.dtype === 'bool') return contractAs(w, 'int32', instr, tag)
  const codes = attrs.post === undefined ? nothing : postOf(attrs.post)
  if (codes === null) {
    contract(w, { ...instr, attrs: withoutPost(attrs), inputs: [a, b] }, tag)
    return finish(w, instr, tag)
  }
  const further = codes.inputs.length - 1
  const { batch, rows, columns, sum } = isMatrix(instr) ? matrices : contractionOf(instr)
  const depth = batch.sizes.length + rows.sizes.length + columns.sizes.length
  const operands = 3 + further
  const loops = depth + sum.sizes.length
  const most = 18 + loops + operands * (operandWords + loops) + codes.words.length
  const start = begin(w, attrs.bordered === undefined ? opcodes.contract : opcodes.bordered, tag, most, operands)
  if (attrs.bordered !== undefined) border(w, attrs.bordered, b)
  const { words, at } = w
  words[at] = rankOf(a.dtype)
  words[at + 1] = batch.sizes.length
  words[at + 2] = rows.sizes.length
  words[at + 3] = columns.sizes.length
  words[at + 4] = sum.sizes.length
  words[at + 5] = further
  words[at + 6] = codes.words.length / codeWords
  words[at + 7] = codes.from[0]
  w.at = at + 8
  if (rows === matrix) {
    putTwo(w, out.sizes)
    w.words[w.at++] = a.sizes[1]
    matrixView(w, a)
    matrixView(w, b)
  } else {
    for (const { sizes } of [batch, rows, columns, sum]) put(w, sizes)
    nested(w, a, [batch.steps[0], rows.steps[0], sum.steps[0]])
    nested(w, attrs.bordered === undefined ? b : { ...b, offset: 0 }, [batch.steps[1], sum.steps[1], columns.steps[0]])
  }
  memory(w, hostOf(out), out.dtype, 0, none)
  for (let i = 1; i <= further; i++) {
    const { position, dtype } = codes.inputs[i]
    const x = inputs[position + 1]
    if (!isView(x)) {
      numeral(w, x, dtype, depth)
    } else if (rows === matrix) {
      matrixView(w, x)
    } else {
      const view = inputs.slice(2, position + 1).filter(isView).length
      nested(w, x, [batch.steps[3 + view], rows.steps[2 + view], columns.steps[2 + view]])
    }
  }
  put(w, codes.words)
  end(w, start)
}

/** The zeros around each plane of a factor, and where its loops begin. */
function border(w: Writer, { low, high, offset }: Bordered, { sizes }: View): void {
  const [tall, wide] = [sizes.length - 2, sizes.length - 1]
  put(w, [sizes[tall], sizes[wide], low[tall], low[wide], high[tall], high[wide], offset])
}

const isMatrix = (instr: Instr<'contract'>): boolean => instr.outputs[0].sizes.length === 2 && hasMatrices(instr)

/** The loops of a product of two matrices, which its operands have without folding. */
const matrix: Loops = { sizes: [1], steps: [] }
const matrices: Contraction = { batch: { sizes: [], steps: [] }, rows: matrix, sum: matrix, columns: matrix }

function putTwo(w: Writer, list: readonly number[]): void {
  w.words[w.at++] = list[0]
  w.words[w.at++] = list[1]
}

function matrixView(w: Writer, x: View): void {
  view(w, x, none)
  putTwo(w, x.strides)
}

function nested(w: Writer, x: View, steps: readonly (readonly number[])[]): void {
  view(w, x, none)
  for (const list of steps) put(w, list)
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

/** A product in another dtype, whose low bits are those of the result. */
function contractAs(w: Writer, dtype: DType, instr: Instr<'contract'>, tag: number): void {
  const [out] = instr.outputs
  const [a, b] = (instr.inputs.slice(0, 2) as View[]).map((x) => {
    const spec = { sizes: x.sizes, dtype }
    const made = { ...spec, buffer: w.scratch(spec) }
    copy(w, x, made, 0, contiguousStrides(x.sizes), tag)
    return contiguousView(spec, made.buffer)
  })
  const wide = { sizes: out.sizes, dtype, buffer: w.scratch({ sizes: out.sizes, dtype }) }
  contract(w, { ...instr, attrs: withoutPost(instr.attrs), inputs: [a, b], outputs: [wide] }, tag)
  copy(w, contiguousView(wide, wide.buffer), out, 0, contiguousStrides(out.sizes), tag)
  finish(w, instr, tag)
}
