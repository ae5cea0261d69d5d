// Random maps as words: expressions of all steps over operands of all dtypes and layouts, with hostile numbers.
import { type DType, type Expr, roundTo, s, stepDef } from '@flambeau/core/backend'
import { codeWords, compile, opcodes, reductions, steps } from '@flambeau/stream'

/** Numbers from 0 to n - 1, the same in every run. */
export function dice(seed: number): (n: number) => number {
  let state = Math.imul(seed, 0x9e3779b1) + 1
  return (n) => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0
    return (state >>> 8) % n
  }
}
export type Dice = ReturnType<typeof dice>

const ranks = { bool: 0, uint8: 1, int32: 2, float32: 3, float64: 4 } as const
export const sizeOf: Readonly<Record<DType, number>> = { bool: 1, uint8: 1, int32: 4, float32: 4, float64: 8 }
/** The dtypes that are emitted. */
export const dtypes = ['bool', 'uint8', 'int32', 'float32'] as const

const floats = [0, -0, 1, -1, 0.5, -0.3, 2, 1e-40, -1e-42, 1e-7, 88.5, 89, -104, 10, 0.6249, 0.93, 3e9, -3e9, 2 ** 31]
const ends = [
  -(2 ** 31),
  2 ** 63,
  1e30,
  -1e30,
  3.4e38,
  Infinity,
  -Infinity,
  Number.NaN,
  7,
  16777217,
  Math.SQRT1_2,
  Math.SQRT2,
]
const hostile = { float32: [...floats, ...ends], int32: [0, 1, -1, 2 ** 31 - 1, -(2 ** 31), 255] }

export function numberOf(dtype: DType, roll: Dice): number {
  if (dtype === 'bool') return roll(2)
  if (dtype === 'uint8') return roll(256)
  if (dtype === 'int32') return roll(3) === 0 ? hostile.int32[roll(6)] : roll(2000) - 1000
  return roll(4) === 0 ? hostile.float32[roll(31)] : (roll(20001) - 10000) / [1000, 100, 3000][roll(3)]
}

/** An operand of a map: from 0 on a row, below 0 a number. */
export interface Placed {
  readonly dtype: DType
  readonly ref: number
  readonly offset: number
  readonly strides: readonly number[]
}

export const wordsOf = ({ dtype, ref, offset, strides }: Placed): number[] =>
  ref < 0 ? [ref, 0, 0, 0, ranks[dtype], ...strides] : [ref, 0, 2 ** 31 - 1, offset, ranks[dtype], ...strides]

export interface Result {
  readonly expr: Expr
  readonly to: Placed
  readonly reduce?: keyof typeof reductions
}

/** The words of a map or check; undefined if its expressions need too many registers. */
export function mapWords(
  sizes: readonly number[],
  inputs: readonly Placed[],
  results: readonly Result[],
  opcode: number = opcodes.map,
  tag = 0,
): number[] | undefined {
  const codes = compile(results.map(({ expr }) => expr))
  if (codes === undefined) return undefined
  const words = [
    ...[opcode, 0, tag, sizes.length, codes.inputs.length, results.length, codes.words.length / codeWords],
    ...sizes,
    ...codes.inputs.flatMap(({ position }) => wordsOf(inputs[position])),
    ...results.flatMap(({ to, reduce }, k) => [
      ...wordsOf(to),
      reduce === undefined ? -1 : reductions[reduce],
      codes.from[k],
    ]),
    ...codes.words,
  ]
  words[1] = words.length
  return words
}

const names = Object.keys(steps).filter((name) => name !== 'const' && name !== 'cast' && name !== 'select')
type Builder = (...args: readonly Expr[]) => Expr

const exponents = [2, 3, 0.5, -1, 0, 1, 1.7, -2.5, 1e9, -16777217, Number.NaN, Infinity, -Infinity]

/** Random expressions over inputs and each other, of the steps named. */
export function expressions(roll: Dice, inputs: readonly Expr[], only: ReadonlySet<string>, length: number): Expr[] {
  const values = [...inputs]
  const some = (dtype?: DType): Expr => {
    const fit = values.filter((x) => dtype === undefined || x.dtype === dtype)
    if (dtype !== undefined && (fit.length === 0 || roll(6) === 0))
      return roll(2) === 0 ? s.constant(roundTo(numberOf(dtype, roll), dtype), dtype) : s.cast(some(), dtype)
    return fit[fit.length - 1 - Math.min(roll(fit.length), roll(fit.length))]
  }
  for (let i = 0; i < length; i++) {
    const what = roll(8)
    if (what === 0) values.push(s.cast(some(), dtypes[roll(4)]))
    else if (what === 1) {
      const x = some()
      values.push(s.select(some('bool'), x, some(x.dtype)))
    } else {
      const name = names[roll(names.length)] as Parameters<typeof stepDef>[0]
      const { arity, rule } = stepDef(name)
      if (!only.has(name)) continue
      const whole = rule === 'bitwise' || rule === 'shift'
      const dtype = rule === 'floating' || rule === 'rounding' ? 'float32' : whole ? dtypes[roll(3)] : some().dtype
      if (rule === 'shift' && dtype === 'bool') continue
      const args = Array.from({ length: arity }, () => some(dtype))
      // Other exponents are left to the interpreter.
      if (name === 'pow') args[1] = s.constant(exponents[roll(exponents.length)], dtype)
      values.push((s as unknown as Record<string, Builder>)[name](...args))
    }
  }
  return values.slice(inputs.length)
}
