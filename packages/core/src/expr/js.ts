// Expressions as JavaScript: source text for `new Function`, and the same steps as closures for pages whose security
// policy forbids it. Both come from one definition of each step, so both give the same numbers.
import { type DType, dtypeRank, isFloat, roundTo } from '../base/dtype.ts'
import { RuntimeError } from '../base/errors.ts'
import { type Computed, type Expr, stepDef, topological } from './expr.ts'
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
 * Statements that compute the expressions, and the names of their values. `input` returns the source of an input's
 * element; the names of steps begin with `prefix`.
 */
export function emitJs(
  roots: readonly Expr[],
  input: (position: number) => string,
  prefix = 't',
): { readonly lines: readonly string[]; readonly results: readonly string[] } {
  const names = new Map<Expr, string>()
  const lines: string[] = []
  for (const x of topological(roots)) {
    if (x.step === 'input') {
      names.set(x, input(x.value))
      continue
    }
    if (x.step === 'const') {
      names.set(x, numberSource(constantOf(x)))
      continue
    }
    const args = x.args.map((arg) => names.get(arg) as string)
    if (x.step === 'cast' && holds(x.dtype, x.args[0].dtype)) {
      names.set(x, args[0])
      continue
    }
    const name = `${prefix}${lines.length}`
    const source = stepOf(x.step, x.dtype).source(args)
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
