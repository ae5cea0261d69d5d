// Reads maps back from the words of a program (native/src/STREAM.md): their loops are merged and ordered there, their
// operands placed, and their expressions compiled to steps.
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

export type Value =
  | { readonly kind: 'operand'; readonly dtype: DType; readonly operand: Operand }
  | { readonly kind: 'constant'; readonly dtype: DType; readonly value: number }
  | Computed

export interface Computed {
  readonly kind: 'step'
  readonly step: string
  readonly dtype: DType
  readonly of: DType
  readonly args: readonly Value[]
}

export interface Out {
  readonly to: Operand
  /** -1 if the value is stored. */
  readonly reduce: number
  readonly from: Value
}

export interface MapOf {
  readonly opcode: number
  readonly tag: number
  /** Innermost last. */
  readonly sizes: readonly number[]
  readonly inputs: readonly Value[]
  readonly outs: readonly Out[]
  /** Everything that is computed, in order. */
  readonly values: readonly Value[]
}

type Computable = Parameters<typeof stepDef>[0]

const names: readonly string[] = Object.entries(steps)
  .sort(([, a], [, b]) => a - b)
  .map(([name]) => name)
const halves = new Int32Array(2)
const double = new Float64Array(halves.buffer)

/** The map or check whose words begin at `at`. */
export function mapAt(words: Int32Array, at: number): MapOf {
  const opcode = words[at]
  const [depth, inputCount, outCount, codeCount] = words.subarray(at + 3, at + 7)
  let next = at + 7
  const take = (count: number): number[] => {
    next += count
    return Array.from(words.subarray(next - count, next))
  }
  const operand = (): Operand => {
    const [ref, first, , offset, dtype] = take(5)
    return { dtype: dtypes[dtype], ref, offset: first + offset, strides: take(depth) }
  }
  const sizes = take(depth)
  const inputs = Array.from({ length: inputCount }, (): Value => {
    const x = operand()
    return { kind: 'operand', dtype: x.dtype, operand: x }
  })
  const outs = Array.from({ length: outCount }, () => {
    const to = operand()
    const [reduce, from] = take(2)
    return { to, reduce, from }
  })
  const registers: Value[] = []
  const values: Value[] = []
  const valueOf = (from: number): Value => (from < 0 ? inputs[-1 - from] : registers[from])
  for (let i = 0; i < codeCount; i++) {
    const [number, to, of, register, ...operands] = take(codeWords)
    const step = names[number]
    const dtype = dtypes[to]
    if (step === 'const') {
      halves.set(operands.slice(0, 2))
      registers[register] = { kind: 'constant', dtype, value: double[0] }
    } else {
      const args = operands.slice(0, stepDef(step as Computable).arity).map(valueOf)
      registers[register] = { kind: 'step', step, dtype, of: dtypes[of], args }
    }
    values.push(registers[register])
  }
  return {
    opcode,
    tag: words[at + 2],
    sizes,
    inputs,
    outs: outs.map(({ to, reduce, from }) => ({ to, reduce, from: valueOf(from) })),
    values,
  }
}

export const isMap = (opcode: number): boolean => opcode === opcodes.map || opcode === opcodes.check
