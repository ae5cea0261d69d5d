// argmax and argmin as source, with the loops of maps.
import {
  contiguousStrides,
  descriptorOf,
  type DType,
  forEachRow,
  hostOf,
  identityOf,
  type Instr,
  isFloat,
  type Loops,
  numelOf,
  orderedLoops,
  outputStrides,
  type Prims,
  type ProgramInstr,
  Slot,
  startOf,
  type Use,
  type View,
} from '@flambeau/core/backend'
import { type Count, sum, times } from '../text/indices.ts'
import type { NestMemory, Strided } from '../text/loops.ts'
import { classOf, compile, countsIn, mayCompile, memoryIn } from './map.ts'
import { generated } from './warming.ts'
import { drop } from './order.ts'
import type { ProgramSource } from '../program/source.ts'

type ArgReduce = Prims['argReduce']

/** Loops over the operand, the positions within the reduced axes, and the output; reduced axes in their own order. */
function loopsOf({ sizes, strides }: Pick<View, 'sizes' | 'strides'>, { axes }: ArgReduce): Loops {
  const steps = contiguousStrides(axes.map((axis) => sizes[axis]))
  const positions = sizes.map((_, axis) => (axes.includes(axis) ? steps[axes.indexOf(axis)] : 0))
  const reduced = axes.values()
  const order = sizes.map((_, axis): number => (axes.includes(axis) ? (reduced.next().value as number) : axis))
  const rows = [strides, positions, outputStrides(sizes, axes)].map((row) => pick(row, order))
  return orderedLoops(pick(sizes, order), rows, 2)
}

/**
 * Statements for the loops of `loopsOf`; the output has `length` elements. Loops over reduced axes are in the order of
 * the axes, so the first of equal elements comes first and stays. NaN beats every number, because no comparison with it
 * holds.
 */
function emitArgReduce(
  { fn }: ArgReduce,
  [x, out]: readonly Pick<Strided, 'array' | 'start'>[],
  dtype: DType,
  length: Count,
  sizes: readonly Count[],
  steps: readonly (readonly Count[])[],
  memory: NestMemory,
): string[] {
  const depth = sizes.length
  const starts = [x.start, '0', '0']
  /** The loops from `l` to `end` around what `body` gives for the positions of the operands. */
  const loops = (
    l: number,
    end: number,
    at: readonly string[],
    body: (at: readonly string[]) => string[],
  ): string[] => {
    if (l === end) return body(at)
    const moved = at.map((from, k) => sum(from, times(`i${l}`, steps[k][l])))
    const names = moved.map((code, k) => (code.includes(' ') || code.includes('(') ? `p${l}_${k}` : code))
    const positions = names.flatMap((name, k) => (name === moved[k] ? [] : [`const ${name} = ${moved[k]}`]))
    return [`for (let i${l} = 0; i${l} < ${sizes[l]}; i${l}++) {`, ...positions, ...loops(l + 1, end, names, body), '}']
  }
  const compared = (at: string, position: string, extreme: string, place: string): string[] => {
    const found = [`${extreme} = v`, `${place} = ${position}`]
    const value = `const v = ${x.array}[${at}]`
    const beats = fn === 'max' ? '<=' : '>='
    // The second comparison, of an extreme that is NaN, happens as rarely as a new extreme.
    const isNew = isFloat(dtype) ? `!(v ${beats} ${extreme}) && ${extreme} === ${extreme}` : `!(v ${beats} ${extreme})`
    return [value, `if (${isNew}) {`, ...found, '}']
  }
  const identity = identityOf(fn, dtype)
  const reduced = steps[2].map((step) => step === 0)
  const first = reduced.includes(true) ? reduced.indexOf(true) : depth
  if (reduced.slice(first).every(Boolean)) {
    return loops(0, first, starts, (outer) => [
      `let extreme = ${identity}`,
      'let place = 0',
      ...loops(first, depth, outer, ([at, position]) => compared(at, position, 'extreme', 'place')),
      `${out.array}[${sum(out.start, outer[2])}] = place`,
    ])
  }
  // The innermost loop is over the output, so an extreme for each of its elements is in memory.
  const extremes = memory.scratch(length)
  return [
    `${extremes}.fill(${identity}, 0, ${length})`,
    `${out.array}.fill(0, ${out.start}, ${sum(out.start, String(length))})`,
    ...loops(0, depth, starts, ([at, position, to]) =>
      compared(at, position, `${extremes}[${to}]`, `${out.array}[${sum(out.start, to)}]`),
    ),
  ]
}

/** Writes an argReduce instruction of a compiled program as a function. */
export function argReduceStep(
  source: ProgramSource,
  { attrs, inputs, outputs, origin }: ProgramInstr<'argReduce'>,
): void {
  const [x] = inputs as readonly Use[]
  const [value] = outputs
  source.step(origin.name, (fn) => {
    if (numelOf(x.sizes) === 0) return []
    const { sizes, steps } = loopsOf(x, attrs)
    const arrays = [fn.strided(x, []), fn.strided({ value, offset: 0 }, [])]
    return emitArgReduce(attrs, arrays, x.dtype, numelOf(source.program.values[value].sizes), sizes, steps, fn)
  })
}

type Kernel = (instr: Instr<'argReduce'>, loops: Loops, length: number) => void
const kernels = new Map<string, Kernel>()

function kernelOf(attrs: ArgReduce, dtype: DType, loops: Loops): Kernel {
  const lines = [
    'const { buffer: { data: x, start: from }, offset } = instr.inputs[0]',
    'const { data: out, start: to } = instr.outputs[0].buffer',
    'const first = from + offset',
  ]
  const { sizes, steps } = countsIn(lines, loops)
  const arrays = [
    { array: 'x', start: 'first' },
    { array: 'out', start: 'to' },
  ]
  const body = emitArgReduce(attrs, arrays, dtype, 'length', sizes, steps, memoryIn(lines))
  return compile('instr, loops, length', [...lines, ...body]) as Kernel
}

interface Nest {
  readonly kernel: Kernel
  readonly loops: Loops
}
const nests = new Slot<Nest>()

function nestOf(instr: Instr<'argReduce'>): Nest {
  const descriptor = descriptorOf(instr)
  const known = nests.of(descriptor)
  if (known !== undefined) return known
  const {
    attrs,
    inputs: [x],
  } = instr
  const loops = loopsOf(x, attrs)
  const key = `${attrs.fn}${x.dtype}${classOf(loops)}`
  const kernel = kernels.get(key) ?? generated(() => kernelOf(attrs, x.dtype, loops))
  kernels.set(key, kernel)
  return nests.keep(descriptor, { kernel, loops })
}

/** The `argReduce` kernel: one generated function per dtype and class of loops. */
export function argReduce(instr: Instr<'argReduce'>): void {
  const { inputs, outputs } = instr
  const [x] = inputs
  if (!mayCompile) return byCalls(instr)
  if (numelOf(x.sizes) === 0) return
  const { kernel, loops } = nestOf(instr)
  kernel(instr, loops, numelOf(outputs[0].sizes))
}

const pick = (list: readonly number[], axes: readonly number[]): number[] => axes.map((axis) => list[axis])

/** The same without generated source. */
function byCalls({ attrs, inputs, outputs }: Instr<'argReduce'>): void {
  const [x] = inputs
  const { data } = hostOf(x)
  const { data: to, start } = hostOf(outputs[0])
  const { axes, fn } = attrs
  const reduced = pick(x.sizes, axes)
  const steps = pick(x.strides, axes)
  const sign = fn === 'max' ? 1 : -1
  let q = start
  forEachRow(drop(x.sizes, axes), [drop(x.strides, axes)], [startOf(x)], (at, n, [outer]) => {
    for (let i = 0; i < n; i++) {
      let best = -1
      let extreme = 0
      let position = 0
      forEachRow(reduced, [steps], [at[0] + i * outer], (inner, count, [step]) => {
        for (let c = 0, p = inner[0]; c < count; c++, p += step, position++) {
          const value = data[p] * sign
          // The first of equal elements stays; NaN beats every number.
          if (best < 0 || value > extreme || (value !== value && extreme === extreme)) {
            best = position
            extreme = value
          }
        }
      })
      to[q++] = best
    }
  })
}
