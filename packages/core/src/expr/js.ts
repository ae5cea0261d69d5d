// Expressions as JavaScript: source text for `new Function`, and the same steps as closures for pages whose security
// policy forbids it. Both come from one definition of each step, so both give the same numbers.
import { type DType, dtypeRank, isFloat, roundTo } from '../base/dtype.ts'
import { RuntimeError } from '../base/errors.ts'
import { type Computed, type Expr, type Step, stepDef, topological } from './expr.ts'
import type { JsStep } from './step.ts'

/** The JavaScript of a step in the dtype of its result. */
function stepOf(step: Computed, dtype: DType): JsStep {
  const { real, single = real, whole = real, bool = whole } = stepDef(step)
  if (isFloat(dtype)) return dtype === 'float32' ? single : real
  return dtype === 'bool' ? bool : whole
}

/**
 * Source that converts a double to a dtype; float32 values are converted at casts and where they leave an expression.
 */
export const roundSource: Record<DType, (code: string) => string> = {
  float64: (code) => code,
  float32: (code) => `fround(${code})`,
  int32: (code) => `(${code}) | 0`,
  uint8: (code) => `(${code}) & 255`,
  bool: (code) => code,
}

/** Whether every value of `from` is also a value of `to`. */
const holds = (to: DType, from: DType): boolean =>
  dtypeRank[from] < dtypeRank[to] && !(from === 'int32' && to === 'float32')

/** A number as source, negative ones in parentheses. Anything else throws, so it never becomes code. */
export function numberSource(value: number): string {
  if (typeof value !== 'number') throw new RuntimeError(`a program holds numbers only, not a ${typeof value}`)
  if (value >= 0 && !Object.is(value, -0)) return String(value)
  return Number.isNaN(value) ? 'NaN' : `(${Object.is(value, -0) ? '-0' : String(value)})`
}
/** A constant, rounded to its dtype. */
const constantOf = (x: Expr): number => roundTo(x.value, x.dtype)

/**
 * Conditions that nearly always hold, or nearly never: then a branch is best. Others are random more often than not, and a
 * branch that is mispredicted every other time takes as long as a dozen additions; so both operands of a choice are
 * stored, and one is loaded.
 */
const predictable: ReadonlySet<Step> = new Set<Step>(['isnan', 'isfinite'])

/** Steps whose result is one of the operands, or one with another sign. */
const choosing: ReadonlySet<Step> = new Set<Step>(['select', 'min', 'max', 'neg', 'abs'])

/** The number of NaN patterns of each sign. */
const nanWords = 0x7fffff
/** Turns the bits of a negative float32 round, so that integers are ordered like the elements; its own inverse. */
const flipped = (bits: string): string => `${bits} ^ ${bits} >> 31 >>> 1`
/**
 * An integer for the bits of a float32: ordered like the elements, with -0 before 0, and NaN of either sign after Infinity,
 * because subtracting what is below -Infinity wraps around.
 */
const ordered = (bits: string): string => `(${flipped(bits)}) - ${nanWords} | 0`

/**
 * Extremes of float32 by their bits, without the branches of `Math.max`, of which one is mispredicted every other time. A
 * minimum is the negative of the largest of the negated elements.
 */
class Extremes {
  readonly #sign: '' | '-'
  /** The names of the integers. */
  readonly #keys = new Map<Expr, string>()

  constructor(sign: '' | '-') {
    this.#sign = sign
  }

  #key(x: Expr, value: string, place: number, name: string, lines: string[]): string {
    lines.push(`singles[${place}] = ${this.#sign}${value}`)
    const known = this.#keys.get(x)
    if (known !== undefined) return known
    lines.push(`const ${name}b${place} = bits[${place}]`, `const ${name}k${place} = ${ordered(`${name}b${place}`)}`)
    this.#keys.set(x, `${name}k${place}`)
    return `${name}k${place}`
  }

  /** The larger of two values, as `name` if it is read. */
  add(x: Expr, values: readonly string[], name: string, isRead: boolean, lines: string[]): void {
    const [a, b] = x.args
    const running = this.#keys.get(a)
    const before = running ?? this.#key(a, values[0], 0, name, lines)
    const key = this.#key(b, values[1], 1, name, lines)
    lines.push(`const ${name}c = ${key} > ${before} | 0`)
    const most = `${name}m`
    lines.push(`const ${most} = ${before} + Math.imul(${key} - ${before} | 0, ${name}c) | 0`)
    this.#keys.set(x, most)
    if (!isRead) return
    if (running === undefined) lines.push(`const ${name} = ${this.#sign}singles[${name}c]`)
    else {
      lines.push(`const ${name}w = ${most} + ${nanWords} | 0`, `bits[0] = ${flipped(`${name}w`)}`)
      lines.push(`const ${name} = ${this.#sign}singles[0]`)
    }
  }
}

const isExtreme = (x: Expr): x is Expr & { readonly step: 'max' | 'min' } => x.step === 'max' || x.step === 'min'

/** Expressions whose values are float32. */
function singlesIn(order: readonly Expr[]): ReadonlySet<Expr> {
  const found = new Set<Expr>()
  for (const x of order) {
    if (x.dtype !== 'float32') continue
    const operands = x.step === 'select' ? x.args.slice(1) : x.args
    if (x.step === 'cast' || x.args.length === 0 || (choosing.has(x.step) && operands.every((y) => found.has(y))))
      found.add(x)
  }
  return found
}

/** Expressions whose values are read, and not only their integers by the next extreme of a chain. */
function readIn(roots: readonly Expr[], order: readonly Expr[], single: ReadonlySet<Expr>): ReadonlySet<Expr> {
  const found = new Set(roots)
  for (const x of order)
    for (const [i, y] of x.args.entries())
      if (i > 0 || y.step !== x.step || !isExtreme(x) || !single.has(x)) found.add(y)
  return found
}

/** Whether a constant is a small integer: choices between those need no memory. */
const isSmall = ({ step, value }: Expr): boolean =>
  step === 'const' && Number.isInteger(value) && Math.abs(value) < 2 ** 20 && !Object.is(value, -0)

/**
 * Statements that compute the expressions, and the names of their values. `input` returns the source of an input's
 * element; the names of steps begin with `prefix`.
 */
export function emitJs(
  roots: readonly Expr[],
  input: (position: number) => string,
  prefix = 't',
): { readonly lines: readonly string[]; readonly results: readonly string[] } {
  const names = new Map<Expr, string>()
  const order = topological(roots)
  const single = singlesIn(order)
  const read = readIn(roots, order, single)
  const extremes = { max: new Extremes(''), min: new Extremes('-') }
  /** Small integers, and choices between them. */
  const small = new Set<Expr>()
  const lines: string[] = []
  for (const x of order) {
    const { step } = x
    if (isSmall(x)) small.add(x)
    if (step === 'input') {
      names.set(x, input(x.value))
      continue
    }
    if (step === 'const') {
      names.set(x, numberSource(constantOf(x)))
      continue
    }
    const args = x.args.map((arg) => names.get(arg) as string)
    if (step === 'cast' && holds(x.dtype, x.args[0].dtype)) {
      names.set(x, args[0])
      continue
    }
    const name = `${prefix}${lines.length}`
    if (isExtreme(x) && single.has(x)) {
      extremes[x.step].add(x, args, name, read.has(x), lines)
      names.set(x, name)
      continue
    }
    if (step === 'select' && isFloat(x.dtype) && !predictable.has(x.args[0].step)) {
      const [condition, a, b] = x.args
      const bit = stepDef(condition.step as Computed)?.rule === 'comparison' ? args[0] : `${args[0]} !== 0 | 0`
      if (small.has(a) && small.has(b)) {
        lines.push(`const ${name} = ${args[2]} + Math.imul(${args[1]} - ${args[2]}, ${bit}) | 0`)
        small.add(x)
      } else lines.push(`pair[0] = ${args[2]}`, `pair[1] = ${args[1]}`, `const ${name} = pair[${bit}]`)
      names.set(x, name)
      continue
    }
    const source = stepOf(step, x.dtype).source(args)
    lines.push(`const ${name} = ${isFloat(x.dtype) ? source : roundSource[x.dtype](source)}`)
    names.set(x, name)
  }
  return { lines, results: roots.map((root) => names.get(root) as string) }
}

/** The expression as a closure over the values of its inputs: slower, for engines that may not compile source. */
export function interpret(root: Expr): (inputs: ArrayLike<number>) => number {
  const order = topological([root])
  const position = new Map(order.map((x, i) => [x, i]))
  const values = new Float64Array(order.length)
  const program = order.map((x, i): ((inputs: ArrayLike<number>) => void) => {
    if (x.step === 'input') {
      return (inputs) => void (values[i] = roundTo(inputs[x.value], x.dtype))
    }
    if (x.step === 'const') {
      const value = constantOf(x)
      return () => void (values[i] = value)
    }
    const [a, b, c] = x.args.map((arg) => position.get(arg) as number)
    const { call } = stepOf(x.step, x.dtype)
    const wrapped = isFloat(x.dtype) ? 'float64' : x.dtype
    return () => void (values[i] = roundTo(call(values[a], values[b], values[c]), wrapped))
  })
  const last = order.length - 1
  return (inputs) => {
    for (const run of program) run(inputs)
    return values[last]
  }
}
