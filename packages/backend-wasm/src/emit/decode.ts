// Reads maps and the expressions after products back from the words of a program (native/src/STREAM.md): their loops are
// merged and ordered there, their operands placed, and their expressions compiled to steps.
import { type DType, dtypes, stepDef } from '@flambeau/core/backend'
import { codeWords, opcodes, steps } from '@flambeau/stream'

/** An operand: elements of a row, with a stride in each loop, or a number. */
export interface Operand {
  readonly dtype: DType
  /** A row of the table, or from -1 on down the position of a number. */
  readonly ref: number
  /** The first element. */
  readonly offset: number
  readonly strides: readonly number[]
}

export interface Input {
  readonly kind: 'operand'
  readonly dtype: DType
  readonly operand: Operand
}
export interface Constant {
  readonly kind: 'constant'
  readonly dtype: DType
  readonly value: number
}
export interface Computed {
  readonly kind: 'step'
  readonly step: string
  readonly dtype: DType
  /** The dtype of what it is computed from. */
  readonly of: DType
  readonly args: readonly Value[]
}
export type Value = Input | Constant | Computed

export interface Out {
  readonly to: Operand
  /** -1 if the value is stored. */
  readonly reduce: number
  readonly from: Value
}

/** Expressions over nested loops. */
export interface MapOf {
  readonly opcode: number
  readonly tag: number
  /** Innermost last. */
  readonly sizes: readonly number[]
  readonly inputs: readonly Input[]
  readonly outs: readonly Out[]
  /** All constants and steps, in order. */
  readonly values: readonly (Constant | Computed)[]
}

/** The elements of loops. */
export const countOf = (sizes: readonly number[]): number => sizes.reduce((product, size) => product * size, 1)

type Computable = Parameters<typeof stepDef>[0]
const names = Object.entries(steps)
  .sort(([, a], [, b]) => a - b)
  .map(([name]) => name)

const halves = new Int32Array(2)
const double = new Float64Array(halves.buffer)

/** Reads the words of an instruction one after the other. */
class Words {
  readonly #words: Int32Array
  #at: number

  constructor(words: Int32Array, at: number) {
    this.#words = words
    this.#at = at
  }

  take(count: number): number[] {
    this.#at += count
    return Array.from(this.#words.subarray(this.#at - count, this.#at))
  }

  strided(depth: number): Operand {
    const [ref, first, , offset, dtype] = this.take(5)
    return { dtype: dtypes[dtype], ref, offset: first + offset, strides: this.take(depth) }
  }

  input(depth: number): Input {
    const operand = this.strided(depth)
    return { kind: 'operand', dtype: operand.dtype, operand }
  }

  /** The steps of an expression, and how the words refer to its values. */
  codes(count: number, inputs: readonly Input[]) {
    const registers: Value[] = []
    const valueOf = (from: number): Value => (from < 0 ? inputs[-1 - from] : registers[from])
    const values = Array.from({ length: count }, (): Constant | Computed => {
      const [number, to, of, register, ...operands] = this.take(codeWords)
      const value = this.#step(names[number], dtypes[to], dtypes[of], operands, valueOf)
      registers[register] = value
      return value
    })
    return { values, valueOf }
  }

  #step(step: string, dtype: DType, of: DType, operands: number[], valueOf: (from: number) => Value) {
    if (step !== 'const') {
      const args = operands.slice(0, stepDef(step as Computable).arity).map(valueOf)
      return { kind: 'step', step, dtype, of, args } as const
    }
    halves.set(operands.slice(0, 2))
    return { kind: 'constant', dtype, value: double[0] } as const
  }
}

const headWords = 3
const borderWords = 7

function mapAt(words: Int32Array, at: number): MapOf {
  const reader = new Words(words, at + headWords)
  const [depth, inputCount, outCount, codeCount] = reader.take(4)
  const sizes = reader.take(depth)
  const inputs = Array.from({ length: inputCount }, () => reader.input(depth))
  const results = Array.from({ length: outCount }, () => {
    const to = reader.strided(depth)
    const [reduce, from] = reader.take(2)
    return { to, reduce, from }
  })
  const { values, valueOf } = reader.codes(codeCount, inputs)
  const outs = results.map(({ to, reduce, from }) => ({ to, reduce, from: valueOf(from) }))
  return { opcode: words[at], tag: words[at + 2], sizes, inputs, outs, values }
}

/** The expression after a product, as a map whose first input is the product. */
function finishAt(words: Int32Array, at: number): MapOf {
  const reader = new Words(words, at + headWords + (words[at] === opcodes.bordered ? borderWords : 0))
  const [, batch, rows, columns, sum, inputCount, codeCount, from] = reader.take(8)
  const depth = batch + rows + columns
  const sizes = reader.take(depth)
  reader.take(sum)
  reader.strided(batch + rows + sum)
  reader.strided(batch + sum + columns)
  const product = reader.strided(0)
  const to = { ...product, strides: sizes.map(() => 1) }
  const first: Input = { kind: 'operand', dtype: to.dtype, operand: to }
  const inputs = [first, ...Array.from({ length: inputCount }, () => reader.input(depth))]
  const { values, valueOf } = reader.codes(codeCount, inputs)
  const outs = [{ to, reduce: -1, from: valueOf(from) }]
  return { opcode: words[at], tag: words[at + 2], sizes, inputs, outs, values }
}

export const isMap = (opcode: number): boolean => opcode === opcodes.map || opcode === opcodes.check

/** The expressions of the instruction whose words begin at `at`; undefined if it has none. */
export function expressionsAt(words: Int32Array, at: number): MapOf | undefined {
  const opcode = words[at]
  if (isMap(opcode)) return mapAt(words, at)
  return opcode === opcodes.contract || opcode === opcodes.bordered ? finishAt(words, at) : undefined
}
