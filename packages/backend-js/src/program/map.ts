// Maps in a compiled program: loops over constants, or, for a few elements, straight-line code for several instructions
// at once, in which values that nothing else reads never reach memory.
import {
  type Check,
  type DType,
  emitJs,
  type Expr,
  identityOf,
  isUse,
  mapLoopsOver,
  type MapOut,
  numelOf,
  outputStrides,
  type ProgramInstr,
  type ReduceFn,
  roundSource,
  s,
  type Shape,
  topological,
} from '@flambeau/core/backend'
import { sum, times } from '../text/indices.ts'
import { emitNest, type Nest, type Strided } from '../text/loops.ts'
import { type Blocks, blocksOf } from '../text/blocks.ts'
import { constantSource, type FunctionSource, type Outline, type ProgramSource } from './source.ts'
import { combineSource, finishSource, reducedOfNone } from '../text/reduction.ts'

export type MapInstr = ProgramInstr<'map'>

/** The shape that a map of a program iterates over. */
export const iteratedShape = (source: ProgramSource, { inputs, outputs }: MapInstr): Shape =>
  inputs.find(isUse)?.sizes ?? source.program.values[outputs[0]].sizes

/** The dtype of each input of some expressions. */
export function inputDTypes(roots: readonly Expr[]): Map<number, DType> {
  const dtypes = new Map<number, DType>()
  for (const x of topological(roots)) if (x.step === 'input') dtypes.set(x.value, x.dtype)
  return dtypes
}

const exprsOf = ({ attrs, check }: MapInstr): Expr[] => [
  ...attrs.outs.map((out) => out.expr),
  ...(check === undefined ? [] : [check.expr]),
]

/** Writes a map as a function. */
export function mapStep(source: ProgramSource, instr: MapInstr, outline?: Outline): void {
  const write = (fn: FunctionSource): readonly string[] => {
    const shape = iteratedShape(source, instr)
    if (numelOf(shape) === 0) return emptied(source, fn, instr)
    const { check, attrs } = instr
    if (check === undefined) return loops(fn, instr, shape, attrs.outs, [])
    // An output that nobody sees if the check fails may be written before the check is done.
    const visible = instr.outputs.some((value) => source.memory.visible(value))
    const flag = fn.scratch(1)
    const checked = { expr: s.cast(check.expr, 'bool'), reduce: { fn: 'max' as const, axes: shape.map((_, i) => i) } }
    const raise = source.raise(`${flag}[0] > 0`, check.error)
    return visible
      ? ['{', ...loops(fn, instr, shape, [checked], [flag]), '}', raise, ...loops(fn, instr, shape, attrs.outs, [])]
      : [...loops(fn, instr, shape, [...attrs.outs, checked], [flag]), raise]
  }
  source.step(instr.origin.name, write, outline)
}

/** The loops of some outputs. The last of them may be check expressions, which go to `flags`. */
function loops(
  fn: FunctionSource,
  { inputs, outputs }: MapInstr,
  shape: Shape,
  outs: readonly MapOut[],
  flags: readonly string[],
): string[] {
  const { sizes, steps } = mapLoopsOver(shape, inputs, { outs })
  const dtypes = inputDTypes(outs.map((out) => out.expr))
  let row = 0
  const sources = inputs.map((x, i): Strided | string => {
    const at = isUse(x) ? steps[row++] : []
    const dtype = dtypes.get(i)
    if (dtype === undefined) return ''
    return isUse(x) ? fn.strided(x, at) : fn.number(x, dtype)
  })
  const plain = outs.length - flags.length
  const targets = outs.map((_, k): Strided => {
    const at = steps[row++]
    return k < plain
      ? fn.strided({ value: outputs[k], offset: 0 }, at)
      : { array: flags[k - plain], start: '0', steps: at }
  })
  const nest: Nest = { sizes, inputs: sources, outs: targets, memory: fn }
  const blocks = sizes.length === 1 ? blocksOf(outs, numelOf(shape), inputs.length) : undefined
  return blocks === undefined ? emitNest(outs, nest) : inBlocks(blocks, nest, numelOf(shape), fn)
}

/** A nest of one loop as a loop over blocks: in each block one loop per step, then one for the outputs. */
function inBlocks({ size, steps, outs }: Blocks, nest: Nest, n: number, fn: FunctionSource): string[] {
  const stored = steps.map((): Strided => ({ array: fn.scratch(size, 'float32'), start: '0', steps: [1] }))
  const within = (x: Strided | string): Strided | string =>
    typeof x === 'string' ? x : { ...x, start: sum(x.start, times('block', x.steps[0])) }
  const before = (index: string): readonly string[] => [
    `const block = ${times(index, size)}`,
    ...steps.flatMap((expr, k) => {
      const inputs = [...nest.inputs.map(within), ...stored.slice(0, k)]
      // Braces, because each nest loads the operands that don't move under the same names.
      return ['{', ...emitNest([{ expr }], { ...nest, sizes: [size], inputs, outs: [stored[k]] }), '}']
    }),
  ]
  const cut = (x: Strided): Strided => ({ ...x, steps: [Number(x.steps[0]) * size, x.steps[0]] })
  const inputs = [
    ...nest.inputs.map((x) => (typeof x === 'string' ? x : cut(x))),
    ...stored.map((x) => ({ ...x, steps: [0, 1] })),
  ]
  return emitNest(outs, { ...nest, sizes: [n / size, size], inputs, outs: nest.outs.map(cut), before })
}

/** Fills the outputs of a reduction of no elements. */
function emptied(source: ProgramSource, fn: FunctionSource, { attrs, outputs }: MapInstr): string[] {
  return attrs.outs.flatMap((out, k) => {
    if (out.reduce === undefined) return []
    const { sizes, dtype } = source.program.values[outputs[k]]
    const { array, start } = fn.open(outputs[k])
    return [`${array}.fill(${constantSource(reducedOfNone(out), dtype)}, ${start}, ${start} + ${numelOf(sizes)})`]
  })
}

// ---- straight-line code ----

/** A map gets loops if its iterated elements times its expression steps are more than this. */
const fewSteps = 64
/** A function of straight-line code has at most about this many statements. */
export const mostStatements = 400

/** The number of statements of a map as straight-line code; 0 if it needs loops. */
export function statementsOf(source: ProgramSource, instr: ProgramInstr): number {
  if (instr.kind !== 'map') return 0
  const n = numelOf(iteratedShape(source, instr as MapInstr))
  const statements = n * topological(exprsOf(instr as MapInstr)).length
  return n <= 16 && statements <= fewSteps * Math.min(n, 4) ? statements : 0
}

/** One function for consecutive maps of few elements; `leaves` tells whether something else needs a value. */
export function straightStep(
  source: ProgramSource,
  instrs: readonly MapInstr[],
  leaves: (value: number) => boolean,
  outline?: Outline,
): void {
  const write = (fn: FunctionSource): readonly string[] => {
    const code = new Straight(source, fn, leaves)
    for (const instr of instrs) code.add(instr)
    return code.lines
  }
  source.step(instrs.map((x) => x.origin.name).join(', '), write, outline)
}

/** The offsets of all elements of a layout, in row-major order. */
function offsetsOf(shape: Shape, strides: readonly number[], offset: number): number[] {
  return shape.reduce<number[]>(
    (offsets, size, axis) => offsets.flatMap((at) => Array.from({ length: size }, (_, i) => at + i * strides[axis])),
    [offset],
  )
}

class Straight {
  readonly lines: string[] = []
  readonly #source: ProgramSource
  readonly #fn: FunctionSource
  readonly #leaves: (value: number) => boolean
  /** Names of the elements that are in variables, by value and offset. */
  readonly #known = new Map<string, string>()
  #names = 0

  constructor(source: ProgramSource, fn: FunctionSource, leaves: (value: number) => boolean) {
    this.#source = source
    this.#fn = fn
    this.#leaves = leaves
  }

  #name(): string {
    return `x${this.#names++}_`
  }

  #element(value: number, at: number): string {
    const key = `${value} ${at}`
    let name = this.#known.get(key)
    if (name === undefined) {
      const { array, start } = this.#fn.strided({ value, offset: at }, [])
      name = this.#name()
      this.lines.push(`const ${name} = ${array}[${start}]`)
      this.#known.set(key, name)
    }
    return name
  }

  add(instr: MapInstr): void {
    const { attrs, inputs, outputs, check } = instr
    const shape = iteratedShape(this.#source, instr)
    // A variable must hold what memory would hold, so plain outputs are rounded.
    const exprs = exprsOf(instr).map((expr, k) => (attrs.outs[k]?.reduce === undefined ? s.rounded(expr) : expr))
    const dtypes = inputDTypes(exprs)
    const offsets = inputs.map((x) => (isUse(x) ? offsetsOf(x.sizes, x.strides, x.offset) : []))
    const elements = Array.from({ length: numelOf(shape) }, (_, e) => {
      const { lines, results } = emitJs(
        exprs,
        (i) => {
          const x = inputs[i]
          return isUse(x) ? this.#element(x.value, offsets[i][e]) : this.#fn.number(x, dtypes.get(i) as DType)
        },
        this.#name(),
      )
      this.lines.push(...lines)
      return results
    })
    if (check !== undefined)
      this.#verify(
        check,
        elements.map((results) => results[outputs.length]),
      )
    attrs.outs.forEach((out, k) => {
      const { reduce } = out
      const values = elements.map((results) => results[k])
      const made =
        reduce === undefined
          ? values
          : this.#reduced(out, reduce.fn, values, offsetsOf(shape, outputStrides(shape, reduce.axes), 0))
      this.#set(outputs[k], made)
    })
  }

  #verify({ error }: Check, conditions: readonly string[]): void {
    this.lines.push(this.#source.raise(conditions.join(' || '), error))
  }

  /** A chain for each element of a reduced output, rounded at its end. */
  #reduced(out: MapOut, fn: ReduceFn, values: readonly string[], to: readonly number[]): string[] {
    const { expr } = out
    const chains: string[] = []
    values.forEach((value, e) => {
      const name = this.#name()
      const before = chains[to[e]] ?? String(identityOf(fn, expr.dtype))
      this.lines.push(`const ${name} = ${combineSource(fn, expr, before, value)}`)
      chains[to[e]] = name
    })
    return chains.map((chain) => {
      const name = this.#name()
      const { lines, result } = finishSource(out, name)
      this.lines.push(`const ${name} = ${roundSource[expr.dtype](chain)}`, ...lines)
      return result
    })
  }

  #set(value: number, elements: readonly string[]): void {
    elements.forEach((element, at) => {
      this.#known.set(`${value} ${at}`, element)
      if (!this.#leaves(value)) return
      const { array, start } = this.#fn.strided({ value, offset: at }, [])
      this.lines.push(`${array}[${start}] = ${element}`)
    })
  }
}
