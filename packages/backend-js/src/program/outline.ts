// Function outlining: decides which steps of a program share a function, those whose text differs only in the memory they
// use and the values that a run reads. A network repeats its layers, so the text of a layer is written, parsed and
// optimised once.
import {
  type Expr,
  isReading,
  isUse,
  numelOf,
  type Prims,
  type Program,
  type ProgramInstr,
  type ProgramOperand,
  topological,
  type Use,
} from '@flambeau/core/backend'
import { isConvolution } from './matmul.ts'
import type { Outline, ProgramSource } from './source.ts'

/**
 * A product of at most this many multiplications shares its function, because a hundred calls of it take less time than
 * making a function for each.
 */
const fewMultiplications = 4096

/**
 * Whether a step may share its function, whose memory is then parameters. Loops of maps run over parameters as fast as
 * over constants, and a convolution copies its factors into panels. A large product of matrices would be slower, and a
 * check's error belongs to a single instruction.
 */
function mayShare({ program }: ProgramSource, instr: ProgramInstr): boolean {
  if (instr.check !== undefined) return false
  if (instr.kind === 'map') return true
  return (
    instr.kind === 'contract' &&
    (multiplications(program, instr) <= fewMultiplications || isConvolution(program, instr))
  )
}

function multiplications({ values }: Program, { inputs, outputs, attrs }: ProgramInstr<'contract'>): number {
  const { sizes } = inputs[0] as Use
  return numelOf(values[outputs[0]].sizes) * numelOf(sizes.slice(sizes.length - attrs.sum))
}

const numberKey = (x: number): string => (Object.is(x, -0) ? '-0' : String(x))

/**
 * By the order of an expression's steps, which is the same object for the same expressions. Most steps that
 * can share a function have it in common.
 */
const keys = new WeakMap<readonly Expr[], string>()

/** Equal for equal expressions. */
function expressionsKey(roots: readonly Expr[]): string {
  const order = topological(roots)
  let key = keys.get(order)
  if (key !== undefined) return key
  const positions = new Map<Expr, number>()
  key = ''
  for (const x of order) {
    key += `${x.step}${x.dtype}${numberKey(x.value)}`
    for (const arg of x.args) key += ` ${positions.get(arg)}`
    key += ';'
    positions.set(x, positions.size)
  }
  key += roots.map((root) => positions.get(root))
  keys.set(order, key)
  return key
}

function attrsKey({ kind, attrs }: ProgramInstr): string {
  if (kind === 'contract') {
    const { batch, sum, post } = attrs
    return `${batch} ${sum} ${post === undefined ? '' : expressionsKey([post])}`
  }
  const { outs } = attrs as Prims['map']
  const reductions = outs.map(({ reduce }) => {
    if (reduce === undefined) return ''
    const { fn, axes, post } = reduce
    return `${fn}${axes} ${post === undefined ? '' : expressionsKey([post])}`
  })
  return `${expressionsKey(outs.map((out) => out.expr))} ${reductions.join()}`
}

/** The position of an item in a list; appends the item if the list does not have it. */
function positionIn<T>(list: T[], x: T): number {
  const at = list.indexOf(x)
  return at < 0 ? list.push(x) - 1 : at
}

/**
 * The outline of a step that runs maps or a product; `form` tells apart the functions that the same instructions can
 * become. Undefined for a step that has its own function.
 */
export function outlineOf(source: ProgramSource, instrs: readonly ProgramInstr[], form: string): Outline | undefined {
  const { memory, program } = source
  const values: number[] = []
  const readings: number[] = []
  const names: string[] = []
  const starts: string[] = []
  const places = new Map<number, number>()
  const placeOf = (value: number): number => {
    const { array, start } = memory.named(value)
    const at = positionIn(names, array)
    if (at === values.length) {
      values.push(value)
      starts.push(start === '0' ? 'first' : 'start')
    }
    places.set(value, at)
    return at
  }
  const operandKey = (x: ProgramOperand): string => {
    if (isReading(x)) return `r${positionIn(readings, x.reading)}${x.dtype}`
    if (!isUse(x)) return `${numberKey(x.value)}${x.dtype}`
    return `v${placeOf(x.value)}${x.dtype}${x.sizes}|${x.strides}|${x.offset}`
  }
  const keys = [form]
  for (const instr of instrs) {
    if (!mayShare(source, instr)) return undefined
    keys.push(instr.kind, attrsKey(instr), ...instr.inputs.map(operandKey))
    for (const value of instr.outputs) {
      const { sizes, dtype } = program.values[value]
      keys.push(`o${placeOf(value)}${dtype}${sizes}`)
    }
  }
  return { key: [...keys, ...starts].join(), values, places, readings }
}
