// Maps as words. Loops that follow each other in every operand are merged, so that kernels get few and long ones.
// Copies and fills are maps too.
import {
  contiguousStrides,
  type DType,
  type Expr,
  type HostBuffer,
  hostOf,
  identityOf,
  type Instr,
  isView,
  iterated,
  type Loops,
  loopsOver,
  mapLoopsOver,
  numelOf,
  type Operand,
  orderedLoops,
  type Output,
  type Prims,
  rankOf,
  roundTo,
  s,
  type Spec,
  topological,
  type View,
} from '@flambeau/core/backend'
import { opcodes, reductions } from './codes.ts'
import { type Codes, codeWords, compile } from './expression.ts'
import { type Writer, begin, end, memory, noMemory, numeral, one, operandWords, put, view } from './words.ts'

const known = new WeakMap<Prims['map'], Codes | null>()
/** The codes of a map; null if they need more registers than exist. */
function codesOf(attrs: Prims['map']): Codes | null {
  let codes = known.get(attrs)
  if (codes === undefined) {
    codes = compile(attrs.outs.map(({ expr }) => expr)) ?? null
    known.set(attrs, codes)
  }
  return codes
}

/** The most elements between those of a row that are worth a loop of their own. */
const widestGap = 8

/**
 * Loops that write no row with gaps which another loop fills, such as those of the phases of a strided convolution: they
 * have the order of the outputs' memory then.
 */
function withoutGaps(loops: Loops, outputs: number): Loops {
  const { sizes, steps } = loops
  const last = sizes.length - 1
  const rows = steps.slice(steps.length - outputs)
  const [first] = rows
  const gap = last > 0 ? first[last] : 1
  if (gap < 2 || gap > widestGap || sizes[first.indexOf(1)] !== gap) return loops
  if (!rows.every((row) => row.every((step, axis) => step === first[axis] && step > 0))) return loops
  const axes = sizes.map((_, axis) => axis).sort((a, b) => first[b] - first[a])
  const inOrder = (row: readonly number[]): number[] => axes.map((axis) => row[axis])
  return loopsOver(inOrder(sizes), steps.map(inOrder))
}

type MapLike = Pick<Instr<'map'>, 'attrs' | 'inputs' | 'outputs'>

export function map(w: Writer, instr: MapLike, tag: number, opcode: number = opcodes.map): void {
  const { attrs, inputs, outputs } = instr
  const codes = codesOf(attrs)
  if (codes === null) return mapInParts(w, instr, tag, opcode)
  const shape = iterated(instr)
  if (numelOf(shape) === 0) return opcode === opcodes.map ? emptyMap(w, instr, tag) : undefined
  const { outs } = attrs
  const loops = withoutGaps(mapLoopsOver(shape, inputs, attrs), outs.length)
  const depth = loops.sizes.length
  const operands = codes.inputs.length + outs.length
  const start = begin(w, opcode, tag, 7 + depth + operands * (operandWords + 2 + depth) + codes.words.length, operands)
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
      noMemory(w, -1, expr.dtype)
      put(w, loops.steps[views + k])
    } else memory(w, hostOf(outputs[k]), expr.dtype, 0, loops.steps[views + k])
    put(w, [reduce === undefined ? -1 : reductions[reduce.fn], codes.from[k]])
  }
  put(w, codes.words)
  end(w, start)
}

/** The number of views among the inputs before a position. */
function viewsBefore(inputs: readonly Operand[], position: number): number {
  let views = 0
  for (let i = 0; i < position; i++) if (isView(inputs[i])) views++
  return views
}

function emptyMap(w: Writer, { attrs, inputs, outputs }: MapLike, tag: number): void {
  // Memory that was freed throws when it is read, also without elements.
  for (const x of inputs) if (isView(x)) hostOf(x)
  attrs.outs.forEach(({ expr, reduce }, k) => {
    if (reduce !== undefined) fill(w, outputs[k], identityOf(reduce.fn, expr.dtype), tag)
  })
}

/** Part of an expression as a map, and the rest of it, which reads the result. */
interface Parts {
  readonly part: Prims['map']
  readonly rest: Prims['map']
}
const parts = new WeakMap<Prims['map'], Parts>()

/** Computes the first half of the expression steps into memory, which the other half reads. */
function mapInParts(w: Writer, instr: MapLike, tag: number, opcode: number): void {
  const { attrs, inputs } = instr
  let cut = parts.get(attrs)
  if (cut === undefined) {
    cut = cutInTwo(attrs, inputs.length)
    parts.set(attrs, cut)
  }
  const { expr } = cut.part.outs[0]
  const shape = iterated(instr)
  const spec = { sizes: shape, dtype: expr.dtype }
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

/** The words of a double: a number, rounded to a dtype. */
export function wordsOf(value: number, dtype: DType): Int32Array {
  double[0] = roundTo(value, dtype)
  return halves
}

/** A map that writes one number everywhere. */
export function fill(w: Writer, out: Spec & { readonly buffer: unknown }, value: number, tag: number): void {
  const n = numelOf(out.sizes)
  if (n === 0) return
  const dtype = rankOf(out.dtype)
  const [low, high] = wordsOf(value, out.dtype)
  const start = begin(w, opcodes.map, tag, 32, 1)
  put(w, [1, 0, 1, 1, n])
  memory(w, out.buffer as HostBuffer, out.dtype, 0, one)
  put(w, [-1, 0, 0, dtype, dtype, 0, low, high, 0])
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

/** A map that copies a view to elements of a buffer, as values of the buffer’s dtype. */
export function copy(
  w: Writer,
  x: View,
  { buffer, dtype }: Output,
  offset: number,
  strides: readonly number[],
  tag: number,
): void {
  if (numelOf(x.sizes) === 0) return
  const codes = copyOf(x.dtype, dtype)
  const { sizes, steps } = withoutGaps(orderedLoops(x.sizes, [x.strides, strides], 1), 1)
  const start = begin(w, opcodes.map, tag, 32 + 3 * sizes.length, 2)
  put(w, [sizes.length, 1, 1, codes.words.length / codeWords])
  put(w, sizes)
  view(w, x, steps[0])
  memory(w, buffer as HostBuffer, dtype, offset, steps[1])
  put(w, [-1, codes.from[0]])
  put(w, codes.words)
  end(w, start)
}
