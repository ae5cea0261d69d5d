// argmax and argmin as source of two reductions, with the loops of maps. The first computes the extreme into scratch
// memory; the second finds the first position that has it. So NaN wins, and the first of equal elements.
import {
  contiguousStrides,
  descriptorOf,
  type DType,
  type Expr,
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
  type ReduceFn,
  s,
  Slot,
  startOf,
  type Use,
  type View,
} from '@flambeau/core/backend'
import type { Count } from '../text/indices.ts'
import { emitNest, type NestMemory, type Strided } from '../text/loops.ts'
import { classOf, compile, countsIn, mayCompile, memoryIn } from './map.ts'
import { drop } from './order.ts'
import type { ProgramSource } from '../program/source.ts'

type ArgReduce = Prims['argReduce']

/** Loops over the operand, the positions within the reduced axes, and the output. */
function loopsOf({ sizes, strides }: Pick<View, 'sizes' | 'strides'>, { axes }: ArgReduce): Loops {
  const steps = contiguousStrides(axes.map((axis) => sizes[axis]))
  const positions = sizes.map((_, axis) => (axes.includes(axis) ? steps[axes.indexOf(axis)] : 0))
  return orderedLoops(sizes, [strides, positions, outputStrides(sizes, axes)], 2)
}

/** The position if the element is the extreme, otherwise the identity of min, which is not a position. */
function placeOf(dtype: DType): Expr {
  const x = s.input(0, dtype)
  const found = s.eq(x, s.input(1, dtype))
  return s.select(isFloat(dtype) ? s.or(found, s.isnan(x)) : found, s.input(2, 'int32'), identityOf('min', 'int32'))
}

/** Statements for the loops of `loopsOf`; the output has `length` elements. */
function emitArgReduce(
  { fn, axes }: ArgReduce,
  [x, out]: readonly Pick<Strided, 'array' | 'start'>[],
  dtype: DType,
  length: Count,
  sizes: readonly Count[],
  [from, positions, to]: readonly (readonly Count[])[],
  memory: NestMemory,
): string[] {
  const nest = (expr: Expr, fn: ReduceFn, inputs: readonly Strided[], target: Strided): string[] => [
    '{',
    ...emitNest([{ expr, reduce: { fn, axes } }], { sizes, inputs, outs: [target], memory }),
    '}',
  ]
  const operand = { ...x, steps: from }
  const extremes = { array: memory.scratch(length), start: '0', steps: to }
  return [
    ...nest(s.input(0, dtype), fn, [operand], extremes),
    ...nest(placeOf(dtype), 'min', [operand, extremes, { start: '0', steps: positions }], { ...out, steps: to }),
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
  const kernel = kernels.get(key) ?? kernelOf(attrs, x.dtype, loops)
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
