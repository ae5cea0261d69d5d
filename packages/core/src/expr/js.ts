// Expressions as JavaScript: source text for `new Function`, and the same steps as closures for pages whose security
// policy forbids it. Both come from one definition of each step, so both give the same numbers.
import { type DType, dtypeRank, isFloat, roundTo } from '../base/dtype.ts'
import { RuntimeError } from '../base/errors.ts'
import { type Computed, type Expr, type Step, stepDef, topological } from './expr.ts'
import { runtime } from './runtime.ts'
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
/** The sign of a float32, among its bits. */
const sign = ` ^ ${1 << 31}`
/** Turns the bits of a negative float32 round, so that integers are ordered like the elements; its own inverse. */
const flipped = (bits: string): string => `${bits} ^ ${bits} >> 31 >>> 1`
/**
 * An integer for the bits of a float32: ordered like the elements, with -0 before 0, and NaN of either sign after Infinity,
 * because subtracting what is below -Infinity wraps around.
 */
const ordered = (bits: string): string => `(${flipped(bits)}) - ${nanWords} | 0`
const { singles, bits: words } = runtime

// How elements of float32 are read and written as their bits.
export interface Bits {
  // The source of the bits of an input's element; undefined if they cannot be read.
  input(position: number): string | undefined
  // Whether a root's element may be written as bits.
  takes(root: number): boolean
}
const noBits: Bits = { input: () => undefined, takes: () => false }

/** b where all bits of the mask are 1, a where none is. */
const chosen = (a: string, b: string, mask: string): string => `${a} ^ (${a} ^ ${b}) & ${mask}`

/** A choice of floats by a condition that is as often true as not. */
const isMixed = ({ step, dtype, args }: Expr): boolean =>
  step === 'select' && isFloat(dtype) && !predictable.has(args[0].step)
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

/** Whether a constant is a small integer: choices between those need no memory. */
const isSmall = ({ step, value }: Expr): boolean =>
  step === 'const' && Number.isInteger(value) && Math.abs(value) < 2 ** 20 && !Object.is(value, -0)

/**
 * Statements that compute the expressions, and the names of their values, or of their bits where those are taken and
 * cost less. `input` returns the source of an input's element; the names of steps begin with `prefix`.
 */
export function emitJs(
  roots: readonly Expr[],
  input: (position: number) => string,
  prefix = 't',
  bits = noBits,
): { readonly lines: readonly string[]; readonly results: readonly string[]; readonly inBits: readonly boolean[] } {
  const order = topological(roots)
  const single = singlesIn(order)
  /** Small integers, and choices between them. */
  const small = new Set<Expr>()
  const lines: string[] = []
  const named = (code: string): string => {
    const name = `${prefix}${lines.length}`
    lines.push(`const ${name} = ${code}`)
    return name
  }
  const once = (make: (x: Expr) => string): ((x: Expr) => string) => {
    const names = new Map<Expr, string>()
    return (x) => {
      const name = names.get(x) ?? make(x)
      names.set(x, name)
      return name
    }
  }
  const isSingleExtreme = (x: Expr): boolean => isExtreme(x) && single.has(x)
  const isChoice = (x: Expr): boolean => isSingleExtreme(x) || (isMixed(x) && single.has(x) && !small.has(x))

  const valueOf = once((x): string => {
    const { step } = x
    if (step === 'input') return input(x.value)
    if (step === 'const') return numberSource(constantOf(x))
    if (isSingleExtreme(x)) {
      lines.push(`bits[0] = ${bitsOf(x)}`)
      return named('singles[0]')
    }
    const args = x.args.map(valueOf)
    if (step === 'cast' && holds(x.dtype, x.args[0].dtype)) return args[0]
    if (isMixed(x)) {
      const bit = stepDef(x.args[0].step as Computed)?.rule === 'comparison' ? args[0] : `${args[0]} !== 0 | 0`
      if (small.has(x)) return named(`${args[2]} + Math.imul(${args[1]} - ${args[2]}, ${bit}) | 0`)
      lines.push(`pair[0] = ${args[2]}`, `pair[1] = ${args[1]}`)
      return named(`pair[${bit}]`)
    }
    const source = stepOf(step, x.dtype).source(args)
    return named(isFloat(x.dtype) ? source : roundSource[x.dtype](source))
  })
  // Choices between float32 are made among their bits, without the branches of `Math.max` and of JavaScript's own choices,
  // of which one is mispredicted every other time. A minimum is the negative of the largest of the negated elements.
  const bitsOf = once((x): string => {
    const { step, value, args } = x
    if (step === 'const') {
      singles[0] = value
      return numberSource(words[0])
    }
    const read = step === 'input' ? bits.input(value) : undefined
    if (read !== undefined) return named(read)
    if (!isChoice(x)) {
      lines.push(`singles[0] = ${valueOf(x)}`)
      return named('bits[0]')
    }
    if (!isExtreme(x)) return named(chosen(bitsOf(args[2]), bitsOf(args[1]), maskOf(x)))
    if (args.every((arg) => arg.step !== step)) return named(chosen(bitsOf(args[0]), bitsOf(args[1]), maskOf(x)))
    // A chain needs no bits in between.
    const word = named(`${keys[x.step](x)} + ${nanWords} | 0`)
    return named(`${flipped(word)}${step === 'min' ? sign : ''}`)
  })
  /** The integers by which elements are compared. */
  const keyOf = (step: 'max' | 'min') =>
    once((x): string =>
      x.step === step && single.has(x)
        ? named(chosen(keys[step](x.args[0]), keys[step](x.args[1]), maskOf(x)))
        : named(ordered(step === 'max' ? bitsOf(x) : named(`${bitsOf(x)}${sign}`))),
    )
  const keys = { max: keyOf('max'), min: keyOf('min') }
  /** All bits if a select's condition holds, or if the second operand of an extreme is the one. */
  const maskOf = once((x): string => {
    const [a, b] = x.args
    const holds = isExtreme(x) ? `(${keys[x.step](b)} > ${keys[x.step](a)} | 0)` : valueOf(a)
    return named(`0 - ${holds} | 0`)
  })

  for (const x of order) {
    if (isSmall(x) || (isMixed(x) && small.has(x.args[1]) && small.has(x.args[2]))) small.add(x)
    // Choices and inputs are read where they are needed, as values or as bits.
    if (x.args.length > 0 && !isChoice(x)) valueOf(x)
  }
  const inBits = roots.map((root, k) => bits.takes(k) && isChoice(root))
  return { lines, results: roots.map((root, k) => (inBits[k] ? bitsOf : valueOf)(root)), inBits }
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
