// Instructions as words (native/src/STREAM.md). Loops that lie one after the other in every operand are merged here, so
// that the addon sees few and long ones; what it needs no kernel of its own for (concat, pad, assign) becomes maps.
import {
  contiguousStrides,
  type DType,
  type Expr,
  type HostBuffer,
  hostOf,
  type Instr,
  isFloat,
  isView,
  type Kind,
  type Loops,
  loopsOver,
  mapLoopsOver,
  numelOf,
  type Operand,
  type Output,
  orderedLoops,
  type Prims,
  rankOf,
  type ReduceFn,
  type Scalar,
  s,
  type Shape,
  type Slab,
  type Spec,
  topological,
  type View,
} from '@flambeau/core/backend'
import { opcodes, reductions } from './addon.ts'
import { type Codes, codeWords, compile, rounded } from './expression.ts'

/** Where words go: a batch that is run soon, or a program. */
export interface Writer {
  words: Int32Array
  at: number
  /** Makes room for words, rows and numbers. */
  reserve(words: number, operands: number): void
  /** The row of a slab. */
  row(slab: Slab): number
  /** A number's reference. */
  number(x: Scalar, dtype: DType): number
  /** Memory that lives until the words have run. */
  scratch(spec: Spec): HostBuffer
}

const none: readonly number[] = []
const one: readonly number[] = [1]

// ---- words ----

/** The head of an instruction; returns where it begins. `most` bounds its words, `operands` its operands. */
function begin(w: Writer, opcode: number, tag: number, most: number, operands: number): number {
  w.reserve(most, operands)
  const start = w.at
  w.words[start] = opcode
  w.words[start + 2] = tag
  w.at = start + 3
  return start
}

function end(w: Writer, start: number): void {
  w.words[start + 1] = w.at - start
}

function put(w: Writer, list: ArrayLike<number>): void {
  const { words } = w
  let at = w.at
  for (let i = 0; i < list.length; i++) words[at++] = list[i]
  w.at = at
}

function operand(w: Writer, ref: number, dtype: number, offset: number): void {
  const { words, at } = w
  words[at] = ref
  words[at + 1] = dtype
  words[at + 2] = offset
  w.at = at + 3
}

function memory(w: Writer, buffer: HostBuffer, dtype: DType, offset: number, steps: ArrayLike<number>): void {
  operand(w, w.row(buffer.slab), rankOf(dtype), buffer.start + offset)
  put(w, steps)
}

const view = (w: Writer, x: View, steps: ArrayLike<number>): void => memory(w, hostOf(x), x.dtype, x.offset, steps)

function numeral(w: Writer, x: Scalar, dtype: DType, depth: number): void {
  operand(w, w.number(x, dtype), rankOf(dtype), 0)
  for (let i = 0; i < depth; i++) w.words[w.at++] = 0
}

// ---- maps ----

/** What is known of a map before it has operands. */
interface MapCodes extends Codes {
  /** Over how many axes its reduced outputs are reduced: -1 where there are none, -2 where they differ. */
  readonly reduced: number
  /** Its words over one element and in one loop, made when they are first wanted: only operands are missing. */
  readonly flat: [Int32Array?, Int32Array?]
}

const known = new WeakMap<Prims['map'], MapCodes | null>()
/** The codes of a map; null where they need more registers than there are. */
function codesOf(attrs: Prims['map']): MapCodes | null {
  let codes = known.get(attrs)
  if (codes === undefined) {
    const compiled = compile(attrs.outs.map(({ expr }) => expr))
    const ranks = new Set(attrs.outs.flatMap(({ reduce }) => reduce?.axes.length ?? []))
    const [reduced = -1] = ranks
    codes = compiled === undefined ? null : { ...compiled, reduced: ranks.size > 1 ? -2 : reduced, flat: [] }
    known.set(attrs, codes)
  }
  return codes
}

/** The words of a map over one element (depth 0) or in one loop (1). */
function flatWords({ words, inputs, from }: Codes, { outs }: Prims['map'], depth: 0 | 1): Int32Array {
  const head = [opcodes.map, 0, 0, depth, inputs.length, outs.length, words.length / codeWords]
  const size = depth === 0 ? none : [0]
  const operands = inputs.flatMap(({ dtype }) => [0, rankOf(dtype), 0, ...size])
  const results = outs.flatMap(({ expr, reduce }, k) => {
    const step = depth === 0 ? none : [reduce === undefined ? 1 : 0]
    return [0, rankOf(expr.dtype), 0, ...step, reduce === undefined ? -1 : reductions[reduce.fn], from[k]]
  })
  const all = Int32Array.from([...head, ...size, ...operands, ...results, ...words])
  all[1] = all.length
  return all
}

/** How the elements of an operand follow each other in one loop over all: by step 1, by step 0, or (-1) in no such way. */
function stepOf({ shape, strides }: View): number {
  let step = 1
  let fixed = true
  let rows = true
  for (let i = shape.length - 1; i >= 0; i--) {
    const size = shape[i]
    if (size === 1) continue
    const stride = strides[i]
    if (stride !== 0) fixed = false
    if (stride !== step) rows = false
    step *= size
  }
  return fixed ? 0 : rows ? 1 : -1
}

/** The shape that a map iterates over: that of any view, which core has broadcast; without views the output's. */
function iterated({ inputs, outputs }: Pick<Instr, 'inputs' | 'outputs'>): Shape {
  for (let i = 0; i < inputs.length; i++) {
    const x = inputs[i]
    if (isView(x)) return x.shape
  }
  return outputs.length > 0 ? outputs[0].shape : none
}

/** Whether one loop over everything does, and then the step of each input in it: 1 or 0. */
let inputSteps = new Int8Array(64)
function isFlat(shape: Shape, inputs: readonly Operand[], { reduced }: MapCodes): boolean {
  if (reduced !== -1 && reduced !== shape.length) return false
  if (inputs.length > inputSteps.length) inputSteps = new Int8Array(2 * inputs.length)
  for (let i = 0; i < inputs.length; i++) {
    const x = inputs[i]
    const step = isView(x) ? stepOf(x) : 0
    if (step < 0) return false
    inputSteps[i] = step
  }
  return true
}

type MapLike = Pick<Instr<'map'>, 'attrs' | 'inputs' | 'outputs'>

function map(w: Writer, instr: MapLike, tag: number, opcode: number = opcodes.map): void {
  const { attrs, inputs } = instr
  const codes = codesOf(attrs)
  if (codes === null) return mapInParts(w, instr, tag, opcode)
  const shape = iterated(instr)
  const n = numelOf(shape)
  if (n === 0) return opcode === opcodes.map ? emptyMap(w, instr, tag) : undefined
  if (n === 1 || isFlat(shape, inputs, codes)) flatMap(w, instr, codes, n, tag, opcode)
  else nestedMap(w, instr, codes, mapLoopsOver(shape, inputs, attrs), tag, opcode)
}

/** What eager programs consist of: most words are copied. */
function flatMap(w: Writer, instr: MapLike, codes: MapCodes, n: number, tag: number, opcode: number): void {
  const { attrs, inputs, outputs } = instr
  const depth = n === 1 ? 0 : 1
  let known = codes.flat[depth]
  if (known === undefined) {
    known = flatWords(codes, attrs, depth)
    codes.flat[depth] = known
  }
  const { length } = known
  w.reserve(length, codes.inputs.length + attrs.outs.length)
  const { words, at: start } = w
  for (let i = 0; i < length; i++) words[start + i] = known[i]
  words[start] = opcode
  words[start + 2] = tag
  if (depth === 1) words[start + 7] = n
  let at = start + 7 + depth
  for (let i = 0; i < codes.inputs.length; i++) {
    const { position, dtype } = codes.inputs[i]
    const x = inputs[position]
    if (isView(x)) {
      const { slab, start } = x.buffer as HostBuffer
      words[at] = w.row(slab)
      words[at + 2] = start + x.offset
    } else words[at] = w.number(x, dtype)
    if (depth === 1) words[at + 3] = inputSteps[position]
    at += 3 + depth
  }
  for (let k = 0; k < outputs.length; k++) {
    const { slab, start } = outputs[k].buffer as HostBuffer
    words[at] = w.row(slab)
    words[at + 2] = start
    at += 5 + depth
  }
  w.at = start + length
}

function nestedMap(w: Writer, instr: MapLike, codes: Codes, loops: Loops, tag: number, opcode: number): void {
  const { attrs, inputs, outputs } = instr
  const { outs } = attrs
  const depth = loops.sizes.length
  const operands = codes.inputs.length + outs.length
  const start = begin(w, opcode, tag, 7 + depth + operands * (5 + depth) + codes.words.length, operands)
  put(w, [depth, codes.inputs.length, outs.length, codes.words.length / codeWords])
  put(w, loops.sizes)
  for (const { position, dtype } of codes.inputs) {
    const x = inputs[position]
    if (isView(x)) memory(w, hostOf(x), dtype, x.offset, loops.steps[viewsBefore(inputs, position)])
    else numeral(w, x, dtype, depth)
  }
  const views = viewsBefore(inputs, inputs.length)
  for (let k = 0; k < outs.length; k++) {
    const { expr, reduce } = outs[k]
    if (opcode === opcodes.check) {
      operand(w, -1, rankOf(expr.dtype), 0)
      put(w, loops.steps[views + k])
    } else memory(w, hostOf(outputs[k]), expr.dtype, 0, loops.steps[views + k])
    put(w, [reduce === undefined ? -1 : reductions[reduce.fn], codes.from[k]])
  }
  put(w, codes.words)
  end(w, start)
}

/** How many of the inputs before a position are views. */
function viewsBefore(inputs: readonly Operand[], position: number): number {
  let views = 0
  for (let i = 0; i < position; i++) if (isView(inputs[i])) views++
  return views
}

/** What a reduction of no elements gives. */
function identityOf(fn: ReduceFn, dtype: DType): number {
  if (fn === 'sum') return 0
  if (fn === 'prod') return 1
  if (isFloat(dtype)) return fn === 'max' ? -Infinity : Infinity
  const [least, most] = dtype === 'bool' ? [0, 1] : dtype === 'uint8' ? [0, 255] : [-2147483648, 2147483647]
  return fn === 'max' ? least : most
}

function emptyMap(w: Writer, { attrs, outputs }: MapLike, tag: number): void {
  attrs.outs.forEach(({ expr, reduce }, k) => {
    if (reduce !== undefined) fill(w, outputs[k], identityOf(reduce.fn, expr.dtype), tag)
  })
}

/** Part of an expression as a map of its own, and the expression over what that makes. */
interface Parts {
  readonly part: Prims['map']
  readonly rest: Prims['map']
}
const parts = new WeakMap<Prims['map'], Parts>()

/** The half of an expression that comes first is computed into memory, which the other half reads. */
function mapInParts(w: Writer, instr: MapLike, tag: number, opcode: number): void {
  const { attrs, inputs } = instr
  let cut = parts.get(attrs)
  if (cut === undefined) {
    cut = cutInTwo(attrs, inputs.length)
    parts.set(attrs, cut)
  }
  const { expr } = cut.part.outs[0]
  const shape = iterated(instr)
  const spec = { shape, dtype: expr.dtype }
  const buffer = w.scratch(spec)
  map(w, { attrs: cut.part, inputs, outputs: [{ ...spec, buffer }] }, tag)
  const made: View = { ...spec, buffer, strides: contiguousStrides(shape), offset: 0 }
  map(w, { ...instr, attrs: cut.rest, inputs: [...inputs, made] }, tag, opcode)
}

function cutInTwo({ outs }: Prims['map'], position: number): Parts {
  const computed = topological(outs.map(({ expr }) => expr)).filter(({ step }) => step !== 'input' && step !== 'const')
  const middle = computed[computed.length >> 1]
  const done = new Map<Expr, Expr>([[middle, s.input(position, middle.dtype)]])
  for (const x of topological(outs.map(({ expr }) => expr))) {
    if (done.has(x)) continue
    const args = x.args.map((arg) => done.get(arg) as Expr)
    done.set(x, args.every((arg, i) => arg === x.args[i]) ? x : { ...x, args })
  }
  return {
    part: { outs: [{ expr: middle }] },
    rest: { outs: outs.map((out) => ({ ...out, expr: done.get(out.expr) as Expr })) },
  }
}

const double = new Float64Array(1)
const halves = new Int32Array(double.buffer)

/** A map that writes one number everywhere. */
function fill(w: Writer, out: Spec & { readonly buffer: unknown }, value: number, tag: number): void {
  const n = numelOf(out.shape)
  if (n === 0) return
  const dtype = rankOf(out.dtype)
  double[0] = rounded(value, out.dtype)
  const start = begin(w, opcodes.map, tag, 32, 1)
  put(w, [1, 0, 1, 1, n])
  memory(w, out.buffer as HostBuffer, out.dtype, 0, one)
  put(w, [-1, 0, 0, dtype, dtype, 0, halves[0], halves[1], 0])
  end(w, start)
}

const copies = new Map<string, Codes>()
function copyOf(from: DType, to: DType): Codes {
  const key = `${from} ${to}`
  let codes = copies.get(key)
  if (codes === undefined) {
    codes = compile([s.cast(s.input(0, from), to)]) as Codes
    copies.set(key, codes)
  }
  return codes
}

/** A map that copies a view to elements of a buffer, as values of its dtype. */
function copy(
  w: Writer,
  x: View,
  { buffer, dtype }: Output,
  offset: number,
  strides: readonly number[],
  tag: number,
): void {
  if (numelOf(x.shape) === 0) return
  const codes = copyOf(x.dtype, dtype)
  const { sizes, steps } = orderedLoops(x.shape, [x.strides, strides], 1)
  const start = begin(w, opcodes.map, tag, 32 + 3 * sizes.length, 2)
  put(w, [sizes.length, 1, 1, codes.words.length / codeWords])
  put(w, sizes)
  view(w, x, steps[0])
  memory(w, buffer as HostBuffer, dtype, offset, steps[1])
  put(w, [-1, codes.from[0]])
  put(w, codes.words)
  end(w, start)
}

const flags = new WeakMap<Expr, Prims['map'][]>()
/** A check as a map with one reduced output. */
function flagOf(expr: Expr, rank: number): Prims['map'] {
  const made = flags.get(expr) ?? []
  flags.set(expr, made)
  made[rank] ??= {
    outs: [{ expr: s.cast(expr, 'bool'), reduce: { fn: 'max', axes: Array.from({ length: rank }, (_, i) => i) } }],
  }
  return made[rank]
}

// ---- products ----

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

function matmul(w: Writer, instr: Instr<'matmul'>, tag: number): void {
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

// ---- the others ----

const drop = (list: readonly number[], axes: readonly number[]): number[] => list.filter((_, i) => !axes.includes(i))
const pick = (list: readonly number[], axes: readonly number[]): number[] => axes.map((axis) => list[axis])
/** Strides that stay where they are along an axis. */
const without = (strides: readonly number[], axis: number): number[] => strides.map((x, i) => (i === axis ? 0 : x))

/** Words that are enough for the head and some operands in so many loops. */
const room = (depth: number, operands: number): number => 12 + depth + operands * (4 + depth)

function argReduce(w: Writer, { attrs, inputs, outputs }: Instr<'argReduce'>, tag: number): void {
  const [x] = inputs as readonly View[]
  const { axes, fn } = attrs
  const kept = loopsOver(drop(x.shape, axes), [drop(x.strides, axes)])
  const reduced = loopsOver(pick(x.shape, axes), [pick(x.strides, axes)])
  const sizes = [...kept.sizes, ...reduced.sizes]
  const start = begin(w, opcodes.argReduce, tag, room(sizes.length, 2), 2)
  put(w, [fn === 'max' ? 1 : 0, kept.sizes.length, reduced.sizes.length])
  put(w, sizes)
  view(w, x, [...kept.steps[0], ...reduced.steps[0]])
  memory(w, hostOf(outputs[0]), 'int32', 0, none)
  end(w, start)
}

/** The loops beside an axis, and the steps in them with that along the axis as their last. */
function along(shape: Shape, axis: number, strides: readonly (readonly number[])[]): Loops {
  const axes = [axis]
  const { sizes, steps } = loopsOver(
    drop(shape, axes),
    strides.map((row) => drop(row, axes)),
  )
  return { sizes, steps: steps.map((row, k) => [...row, strides[k][axis] ?? 0]) }
}

function scan(w: Writer, { attrs, inputs, outputs }: Instr<'scan'>, tag: number): void {
  const [x] = inputs as readonly View[]
  const { axis, fn } = attrs
  const { sizes, steps } = along(x.shape, axis, [x.strides, contiguousStrides(x.shape)])
  const start = begin(w, opcodes.scan, tag, room(sizes.length + 1, 2), 2)
  put(w, [reductions[fn], sizes.length, x.shape[axis] ?? 1])
  put(w, sizes)
  view(w, x, steps[0])
  memory(w, hostOf(outputs[0]), outputs[0].dtype, 0, steps[1])
  end(w, start)
}

function sort(w: Writer, { attrs, inputs, outputs }: Instr<'sort'>, tag: number): void {
  const [x] = inputs as readonly View[]
  const { axis, descending } = attrs
  const strides = contiguousStrides(x.shape)
  const { sizes, steps } = along(x.shape, axis, [x.strides, strides, strides])
  const start = begin(w, opcodes.sort, tag, room(sizes.length + 1, 3), 3)
  put(w, [descending ? 1 : 0, sizes.length, x.shape[axis] ?? 1])
  put(w, sizes)
  view(w, x, steps[0])
  memory(w, hostOf(outputs[0]), x.dtype, 0, steps[1])
  memory(w, hostOf(outputs[1]), 'int32', 0, steps[2])
  end(w, start)
}

function fold(w: Writer, { attrs, inputs, outputs }: Instr<'fold'>, tag: number): void {
  const [x] = inputs as readonly View[]
  const [out] = outputs
  const outStrides = contiguousStrides(attrs.out)
  const strides = new Array<number>(x.shape.length).fill(0)
  attrs.axes.forEach((terms, axis) => {
    for (const { in: from, step } of terms) strides[from] += step * outStrides[axis]
  })
  const first = attrs.offset.reduce((at, offset, axis) => at + offset * outStrides[axis], 0)
  const { sizes, steps } = loopsOver(x.shape, [x.strides, strides])
  const start = begin(w, opcodes.fold, tag, room(sizes.length, 2), 2)
  put(w, [sizes.length, numelOf(out.shape), first])
  put(w, sizes)
  view(w, x, steps[0])
  memory(w, hostOf(out), x.dtype, 0, steps[1])
  end(w, start)
}

function gather(w: Writer, { attrs, inputs, outputs }: Instr<'gather'>, tag: number): void {
  const [source, index] = inputs as readonly View[]
  const [out] = outputs
  const { axis } = attrs
  const rows = [without(source.strides, axis), index.strides, contiguousStrides(out.shape)]
  const { sizes, steps } = loopsOver(out.shape, rows)
  const start = begin(w, opcodes.gather, tag, room(sizes.length, 3), 3)
  put(w, [sizes.length, source.shape[axis], source.strides[axis]])
  put(w, sizes)
  view(w, source, steps[0])
  view(w, index, steps[1])
  memory(w, hostOf(out), out.dtype, 0, steps[2])
  end(w, start)
}

function scatter(w: Writer, { attrs, inputs, outputs }: Instr<'scatter'>, tag: number): void {
  const [base, index, source] = inputs as readonly View[]
  const [out] = outputs
  const { axis, fn } = attrs
  const strides = contiguousStrides(base.shape)
  if (base.buffer !== out.buffer) copy(w, base, out, 0, strides, tag)
  const { sizes, steps } = loopsOver(index.shape, [index.strides, source.strides, without(strides, axis)])
  const start = begin(w, opcodes.scatter, tag, room(sizes.length, 3), 3)
  put(w, [fn === 'set' ? -1 : fn === 'add' ? reductions.sum : reductions[fn], sizes.length])
  put(w, [base.shape[axis], strides[axis]])
  put(w, sizes)
  view(w, index, steps[0])
  view(w, source, steps[1])
  memory(w, hostOf(out), out.dtype, 0, steps[2])
  end(w, start)
}

function assign(w: Writer, { attrs, inputs, outputs }: Instr<'assign'>, tag: number): void {
  const [base, source] = inputs as readonly View[]
  const [out] = outputs
  if (base.buffer !== out.buffer) copy(w, base, out, 0, contiguousStrides(base.shape), tag)
  copy(w, source, out, attrs.region.offset, attrs.region.strides, tag)
}

function concat(w: Writer, { attrs, inputs, outputs }: Instr<'concat'>, tag: number): void {
  const strides = contiguousStrides(outputs[0].shape)
  let at = 0
  for (const x of inputs as readonly View[]) {
    copy(w, x, outputs[0], at, strides, tag)
    at += x.shape[attrs.axis] * strides[attrs.axis]
  }
}

function pad(w: Writer, { attrs, inputs, outputs }: Instr<'pad'>, tag: number): void {
  const [x] = inputs as readonly View[]
  const [out] = outputs
  const strides = contiguousStrides(out.shape)
  fill(w, out, attrs.value, tag)
  const first = attrs.low.reduce((at, low, i) => at + low * strides[i], 0)
  copy(w, x, out, first, strides, tag)
}

function iota(w: Writer, { attrs, outputs }: Instr<'iota'>, tag: number): void {
  const [out] = outputs
  const { axis } = attrs
  const { shape } = out
  const start = begin(w, opcodes.iota, tag, 16, 1)
  put(w, [numelOf(shape.slice(0, axis)), shape[axis] ?? 1, numelOf(shape.slice(axis + 1))])
  memory(w, hostOf(out), out.dtype, 0, none)
  end(w, start)
}

const kinds: { readonly [K in Kind]: (w: Writer, instr: Instr<K>, tag: number) => void } = {
  map,
  argReduce,
  scan,
  matmul,
  concat,
  pad,
  fold,
  gather,
  scatter,
  assign,
  sort,
  iota,
}

/** Writes an instruction; `tag` names it in errors. A check comes before what it guards. */
export function encode(w: Writer, instr: Instr, tag: number): void {
  const { check, inputs } = instr
  if (check !== undefined) {
    const rank = inputs.find(isView)?.shape.length ?? 0
    map(w, { attrs: flagOf(check.expr, rank), inputs, outputs: [] }, tag, opcodes.check)
  }
  if (instr.kind === 'map') map(w, instr as Instr<'map'>, tag)
  else (kinds[instr.kind] as (w: Writer, instr: Instr, tag: number) => void)(w, instr, tag)
}

/** Whether it may end in an error: where it does, that has to be known before anything else is done. */
export const mayFail = ({ kind, check }: Pick<Instr, 'kind' | 'check'>): boolean =>
  check !== undefined || kind === 'gather' || kind === 'scatter'

/** About how many elements it works on. */
export function workOf(instr: Instr): number {
  const { outputs, kind } = instr
  const shape = iterated(instr)
  return kind === 'matmul' ? numelOf(shape) * (outputs[0].shape.at(-1) as number) : numelOf(shape)
}
