// The `map` kernel: scalar expressions over any number of operands, plain or reduced. Each expression and class of
// layouts gets a generated function of its own, so that the function sees one kind of typed array and V8 keeps its
// loops in registers.
import {
  checkClaims,
  descriptorOf,
  type DType,
  flatStep,
  hostOf,
  type Instr,
  isView,
  iterated,
  type Loops,
  mapLoopsOver,
  numelOf,
  type Operand,
  type Prims,
  roundSource,
  runtime,
  sameShape,
  scalarValue,
  type Shape,
  type HostBuffer,
  type TypedArray,
  Slot,
  topological,
  type View,
} from '@flambeau/core/backend'
import { interpretLoops } from './interpret.ts'
import type { Count } from '../text/indices.ts'
import { emitNest, manyTurns, type NestMemory, type Strided } from '../text/loops.ts'
import { generated } from './warming.ts'
import { accumulators, reducedOfNone, unrolled } from '../text/reduction.ts'

/** How an operand is read: as a number, as one element for all positions, row-major, or by steps. */
const NUMBER = 0
const FIXED = 1
const ROWS = 2
const STEPS = 3
type Access = 0 | 1 | 2 | 3

type FlatKernel = (instr: Instr<'map'>, n: number) => void
type LoopKernel = (instr: Instr<'map'>, loops: Loops) => void

/** Loops, and the function for their class. */
interface Nest {
  readonly kernel: LoopKernel
  readonly loops: Loops
}

/** The functions generated for an expression. `last` is the flat one that ran last, and `key` its key. */
interface Compiled {
  /** The position of the number that the map fills its only output with; -1 if it does something else. */
  readonly fill: number
  key: number
  last: FlatKernel
  readonly flat: Map<number, FlatKernel>
  readonly looped: Map<string, LoopKernel>
}

/** A loop of at least this many turns is worth arrays that begin with its first element. */
const hugeTurns = 4097

/** More operands than this have no key, because their accesses do not fit one exact number. */
const mostKeyed = 32

const compiled = new WeakMap<Prims['map'], Compiled>()
const noKernel: FlatKernel = () => {}

function accessOf(x: Operand): Access {
  if (!isView(x)) return NUMBER
  const step = flatStep(x)
  return step === 0 ? FIXED : step === 1 ? ROWS : STEPS
}

/**
 * Encodes how the operands are read, and whether there are many elements, if one loop over all will do; otherwise, or if
 * something is wrong, -1.
 */
function keyOf({ attrs: { outs }, inputs, outputs }: Instr<'map'>, shape: Shape, n: number): number {
  if (n === 0 || inputs.length > mostKeyed || outs.length !== outputs.length) return -1
  for (let i = 0; i < outs.length; i++) {
    const { reduce } = outs[i]
    const { sizes } = outputs[i]
    if (reduce === undefined) {
      if (sizes !== shape && numelOf(sizes) !== n) return -1
    } else if (reduce.axes.length !== shape.length || numelOf(sizes) !== 1) return -1
  }
  let key = n < manyTurns ? 0 : n < hugeTurns ? 1 : 2
  for (let i = 0; i < inputs.length; i++) {
    const x = inputs[i]
    const access = accessOf(x)
    if (access === STEPS || (access !== NUMBER && !sameShape((x as View).sizes, shape))) return -1
    key = key * 3 + access
  }
  return key
}

function fillOf({ outs: [{ expr, reduce }, ...others] }: Prims['map']): number {
  return expr.step === 'input' && reduce === undefined && others.length === 0 ? expr.value : -1
}
/** New memory holds zeros. */
const leavesZeros = (x: Operand, { fresh, outputs: [out] }: Instr): boolean =>
  fresh === true && !isView(x) && Object.is(scalarValue(x), 0) && !hostOf(out).slab.used

function mapInParts(instr: Instr<'map'>, shape: Shape, n: number, cases: Compiled): void {
  checkClaims(instr)
  if (n === 0) fillEmpty(instr)
  else mapLoops(instr, shape, cases)
}

/**
 * Runs a map whose operands are valid. This loop looks at the operands anyway, so it also sees whether they and the
 * outputs have one shape; the flat kernel, which opens the buffers, sees whether they fit in them. If not,
 * `checkClaims` throws the error.
 */
export function map(instr: Instr<'map'>): void {
  const { attrs, inputs } = instr
  let cases = compiled.get(attrs)
  if (cases === undefined) {
    cases = { fill: fillOf(attrs), key: -1, last: noKernel, flat: new Map(), looped: new Map() }
    compiled.set(attrs, cases)
  }
  if (cases.fill >= 0 && leavesZeros(inputs[cases.fill], instr)) return
  const shape = iterated(instr)
  const n = numelOf(shape)
  const key = keyOf(instr, shape, n)
  if (key < 0) return mapInParts(instr, shape, n, cases)
  if (cases.key !== key) {
    let kernel = cases.flat.get(key)
    if (kernel === undefined) {
      kernel = generated(() => flatKernel(attrs, inputs.map(accessOf), n))
      cases.flat.set(key, kernel)
    }
    cases.key = key
    cases.last = kernel
  }
  cases.last(instr, n)
}

/** The class of loops that share a function: what its text contains as numbers. */
export function classOf({ sizes, steps }: Loops): string {
  const depth = sizes.length
  const last = sizes[depth - 1] ?? 0
  const inner = last <= unrolled ? last : last >= manyTurns ? unrolled + 1 : 0
  let key = depth * 32 + inner + '|'
  for (const row of steps) {
    for (const step of row) key += step === 0 ? '0' : step === 1 ? '1' : 's'
    key += '|'
  }
  return key
}

function fillEmpty({ attrs, outputs }: Instr<'map'>): void {
  attrs.outs.forEach((out, k) => {
    if (out.reduce === undefined) return
    const { data, start } = hostOf(outputs[k])
    data.fill(reducedOfNone(out), start, start + numelOf(outputs[k].sizes))
  })
}

const nests = new Slot<Nest>()

function mapLoops(instr: Instr<'map'>, shape: Shape, cases: Compiled): void {
  const descriptor = descriptorOf(instr)
  const { kernel, loops } = nests.of(descriptor) ?? nests.keep(descriptor, nestOf(instr, shape, cases))
  kernel(instr, loops)
}

function nestOf({ attrs, inputs }: Instr<'map'>, shape: Shape, cases: Compiled): Nest {
  const loops = mapLoopsOver(shape, inputs, attrs)
  let key = classOf(loops)
  for (let i = 0; i < inputs.length; i++) key += isView(inputs[i]) ? 'v' : 'n'
  let kernel = cases.looped.get(key)
  if (kernel === undefined) {
    kernel = mayCompile
      ? generated(() => loopKernel(attrs, inputs.map(isView), loops))
      : (each, at) => interpretLoops(each, at)
    cases.looped.set(key, kernel)
  }
  return { kernel, loops }
}

// ---- generated functions ----

/** Whether this page may compile source. A content security policy can forbid it. */
export const mayCompile: boolean = (() => {
  try {
    return new Function('return 1')() === 1
  } catch {
    return false
  }
})()

const runtimeNames = Object.keys(runtime)

/**
 * Declares the functions of `runtime` that a text calls, and its arrays, as constants of that text, so that V8 knows them
 * where they are used. The others are not read, because some are created when first read.
 */
export const calledIn = (text: string): string =>
  `const { ${runtimeNames.filter((name) => text.includes(`${name}(`) || text.includes(`${name}[`)).join(', ')} } = runtime`

/** The elements from one on. */
const from = (array: TypedArray, at: number): TypedArray => (at === 0 ? array : array.subarray(at))
/** The memory of float32 as int32. */
function wordsOf({ slab }: HostBuffer): Int32Array {
  const { data } = slab
  return (slab.words ??= new Int32Array(data.buffer, data.byteOffset, data.length))
}

const helpers = { scalarValue, accumulators, checkClaims, from, wordsOf }

export function compile(parameters: string, lines: readonly string[]): (...args: never[]) => void {
  const text = lines.join('\n')
  const opening = `const { ${Object.keys(helpers).join(', ')} } = helpers\n${calledIn(text)}`
  return new Function('helpers', 'runtime', `${opening}\nreturn (${parameters}) => {\n${text}\n}`)(helpers, runtime)
}

/**
 * The source of a kernel for one class of layouts: it opens the operands of the instruction, then runs the loops.
 * `steps` has one row per view among the inputs, then one per output. With `bound`, the loop covers that many elements,
 * and opening a buffer checks that it holds them.
 */
function kernelSource(
  attrs: Prims['map'],
  views: readonly boolean[],
  sizes: readonly Count[],
  steps: readonly (readonly Count[])[],
  isLong: boolean,
  bound?: string,
  isHuge = false,
): string[] {
  const lines = ['const { inputs, outputs } = instr']
  /** Checks, as a buffer is opened, that it holds the `bound` elements of the loop. */
  const open = (buffer: string, offset: string | undefined, step: Count): void => {
    if (bound === undefined) return
    const last = step === 0 ? '1' : bound
    lines.push(
      offset === undefined
        ? `if (!(${last} <= ${buffer}.length)) checkClaims(instr)`
        : `if (!(${offset} >= 0 && ${offset} + ${last} <= ${buffer}.length)) checkClaims(instr)`,
    )
  }
  /** Declares memory. One loop over many elements has one index for all operands, so that a turn takes few instructions. */
  const memory = (name: string, source: string, start: string): { array: string; start: string } => {
    lines.push(`const ${name} = ${isHuge ? `from(${source}, ${start})` : source}`)
    return { array: name, start: isHuge ? '0' : start }
  }
  const known = new Set<string>()
  const dtypes = new Map<number, DType>()
  for (const x of topological(attrs.outs.map((out) => out.expr))) if (x.step === 'input') dtypes.set(x.value, x.dtype)
  let row = 0
  const inputs = views.map((view, i): Strided | string => {
    const dtype = dtypes.get(i)
    const at = view ? steps[row++] : []
    if (dtype === undefined) return ''
    if (!view) {
      lines.push(`const x${i} = ${roundSource[dtype](`scalarValue(inputs[${i}])`)}`)
      return `x${i}`
    }
    lines.push(`const { buffer: u${i}, offset: p${i} } = inputs[${i}]`)
    open(`u${i}`, `p${i}`, at[0])
    lines.push(`const b${i} = u${i}.start + p${i}`)
    return { ...memory(`d${i}`, `u${i}.data`, `b${i}`), steps: at }
  })
  const outs = attrs.outs.map((_, k): Strided => {
    const at = steps[row++]
    lines.push(`const v${k} = outputs[${k}].buffer`)
    open(`v${k}`, undefined, at[0])
    lines.push(`const q${k} = v${k}.start`)
    return { ...memory(`o${k}`, `v${k}.data`, `q${k}`), steps: at }
  })
  const words = (operand: number): string => {
    const k = operand - inputs.length
    const name = `w${operand}`
    if (known.has(name)) return name
    known.add(name)
    if (k >= 0) memory(name, `wordsOf(v${k})`, `q${k}`)
    else if (views[operand]) memory(name, `wordsOf(u${operand})`, `b${operand}`)
    else lines.push(`singles[0] = x${operand}`, `const ${name} = bits[0]`)
    return name
  }
  const body = emitNest(attrs.outs, { sizes, inputs, outs, memory: memoryIn(lines), words, isLong, isShared: isHuge })
  return [...lines, ...body]
}

/**
 * Scratch memory for the loops of a kernel, shared with the kernels that run after it; `lines` gets the declarations.
 */
export function memoryIn(lines: string[]): NestMemory {
  let memories = 0
  return {
    scratch: (length) => {
      const name = `a${memories}`
      lines.push(`const ${name} = accumulators(${memories++}, ${length})`)
      return name
    },
  }
}

/** One loop over row-major operands. Reduced outputs are reduced over all of it. */
function flatKernel(attrs: Prims['map'], accesses: readonly Access[], count: number): FlatKernel {
  const steps = [
    ...accesses.flatMap((access) => (access === NUMBER ? [] : [[access === ROWS ? 1 : 0]])),
    ...attrs.outs.map((out) => (out.reduce === undefined ? [1] : [0])),
  ]
  if (!mayCompile) {
    return (instr, n) => {
      checkClaims(instr)
      interpretLoops(instr, { sizes: [n], steps })
    }
  }
  const views = accesses.map((access) => access !== NUMBER)
  const lines = kernelSource(attrs, views, ['n'], steps, count >= manyTurns, 'n', count >= hugeTurns)
  return compile('instr, n', lines) as FlatKernel
}

/** Nested loops over operands with steps. A short innermost loop is unrolled. */
function loopKernel(attrs: Prims['map'], views: readonly boolean[], loops: Loops): LoopKernel {
  const lines: string[] = []
  const { sizes, steps } = countsIn(lines, loops)
  const isLong = (loops.sizes.at(-1) ?? 0) >= manyTurns
  return compile('instr, loops', [...lines, ...kernelSource(attrs, views, sizes, steps, isLong)]) as LoopKernel
}

/** The sizes and steps of a class of loops: numbers, or names that `lines` declares. */
export function countsIn(lines: string[], loops: Loops): { sizes: Count[]; steps: Count[][] } {
  const depth = loops.sizes.length
  const sizes = loops.sizes.map((size, l): Count => {
    if (l === depth - 1 && size <= unrolled) return size
    lines.push(`const n${l} = loops.sizes[${l}]`)
    return `n${l}`
  })
  const steps = loops.steps.map((row, k) =>
    row.map((step, l): Count => {
      if (step === 0 || step === 1) return step
      lines.push(`const s${k}_${l} = loops.steps[${k}][${l}]`)
      return `s${k}_${l}`
    }),
  )
  return { sizes, steps }
}
