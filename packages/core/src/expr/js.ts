// Expressions as JavaScript: source text for `new Function`, and the same steps as closures for pages whose security
// policy forbids it. One table says what each step is, so both give the same numbers.
import { type DType, dtypeRank, isFloat } from '../base/dtype.ts'
import { RuntimeError } from '../base/errors.ts'
import { type Expr, type Step, topological } from './expr.ts'
import { erf, type SingleMath, singleMath } from './math.ts'

const fround = Math.fround

/** Half to even, as C's rint. */
function rint(x: number): number {
  if (!(Math.abs(x) < 4503599627370496)) return x
  const r = x < 0 ? x - 4503599627370496 + 4503599627370496 : x + 4503599627370496 - 4503599627370496
  return r === 0 && (x < 0 || Object.is(x, -0)) ? -0 : r
}

/** C's pow: 1 for a base of 1 and for an exponent of 0 even beside NaN, 1 for (-1) to an infinite power. */
function pow(x: number, p: number): number {
  if (p === 2) return x * x
  return x === 1 || (x === -1 && (p === Infinity || p === -Infinity)) ? 1 : x ** p
}

/** Integer power that wraps at 32 bits; a negative exponent gives 0 except for bases of 1 and -1. */
function ipow(x: number, p: number): number {
  if (p < 0) return x === 1 ? 1 : x === -1 ? (p % 2 === 0 ? 1 : -1) : 0
  let result = 1
  for (let base = x, e = p; e > 0; e = Math.floor(e / 2), base = Math.imul(base, base)) {
    if (e % 2 === 1) result = Math.imul(result, base)
  }
  return result
}

/** The remainder with the divisor's sign. */
function mod(x: number, y: number): number {
  const r = x % y
  return r !== 0 && r < 0 !== y < 0 ? r + y : r
}

/** Floored division by way of the remainder, as PyTorch's div_floor: exact where a rounded quotient would not be. */
function floorDiv(a: number, b: number): number {
  if (b === 0) return a / b
  const m = a % b
  let d = (a - m) / b
  if (m !== 0 && b < 0 !== m < 0) d -= 1
  // A zero has the quotient's sign, which a quotient of zero has too.
  if (d === 0) return (a / b) * 0
  const f = Math.floor(d)
  return d - f > 0.5 ? f + 1 : f
}

const sign = (x: number): number => (x > 0 ? 1 : x < 0 ? -1 : 0)

/** What emitted source may call; passed to it under these names. */
export const runtime = {
  fround,
  rint,
  pow,
  ipow,
  mod,
  floorDiv,
  sign,
  erf,
  // Made when first asked for, so that importing costs nothing.
  get expf() {
    return singleMath().expf
  },
  get expm1f() {
    return singleMath().expm1f
  },
  get logf() {
    return singleMath().logf
  },
  get log1pf() {
    return singleMath().log1pf
  },
  get tanhf() {
    return singleMath().tanhf
  },
  get erff() {
    return singleMath().erff
  },
}

interface JsStep {
  source(args: readonly string[]): string
  call(a: number, b: number, c: number): number
}

const step = (source: JsStep['source'], call: JsStep['call']): JsStep => ({ source, call })

const floatSteps: Partial<Record<Step, JsStep>> = {
  add: step(
    ([a, b]) => `${a} + ${b}`,
    (a, b) => a + b,
  ),
  sub: step(
    ([a, b]) => `${a} - ${b}`,
    (a, b) => a - b,
  ),
  mul: step(
    ([a, b]) => `${a} * ${b}`,
    (a, b) => a * b,
  ),
  div: step(
    ([a, b]) => `${a} / ${b}`,
    (a, b) => a / b,
  ),
  mod: step(([a, b]) => `mod(${a}, ${b})`, mod),
  floorDiv: step(([a, b]) => `floorDiv(${a}, ${b})`, floorDiv),
  pow: step(([a, b]) => `pow(${a}, ${b})`, pow),
  min: step(
    ([a, b]) => `Math.min(${a}, ${b})`,
    (a, b) => Math.min(a, b),
  ),
  max: step(
    ([a, b]) => `Math.max(${a}, ${b})`,
    (a, b) => Math.max(a, b),
  ),
  fma: step(
    ([a, b, c]) => `${a} * ${b} + ${c}`,
    (a, b, c) => a * b + c,
  ),
  neg: step(
    ([a]) => `-${a}`,
    (a) => -a,
  ),
  abs: step(([a]) => `Math.abs(${a})`, Math.abs),
  sign: step(([a]) => `sign(${a})`, sign),
  floor: step(([a]) => `Math.floor(${a})`, Math.floor),
  ceil: step(([a]) => `Math.ceil(${a})`, Math.ceil),
  trunc: step(([a]) => `Math.trunc(${a})`, Math.trunc),
  rint: step(([a]) => `rint(${a})`, rint),
  sqrt: step(([a]) => `Math.sqrt(${a})`, Math.sqrt),
  exp: step(([a]) => `Math.exp(${a})`, Math.exp),
  expm1: step(([a]) => `Math.expm1(${a})`, Math.expm1),
  log: step(([a]) => `Math.log(${a})`, Math.log),
  log1p: step(([a]) => `Math.log1p(${a})`, Math.log1p),
  sin: step(([a]) => `Math.sin(${a})`, Math.sin),
  cos: step(([a]) => `Math.cos(${a})`, Math.cos),
  tanh: step(([a]) => `Math.tanh(${a})`, Math.tanh),
  erf: step(([a]) => `erf(${a})`, erf),
}

const single = (name: keyof SingleMath): JsStep =>
  step(
    ([a]) => `${name}(${a})`,
    (a) => singleMath()[name](a),
  )

/** Where results become float32, functions need not be exact far beyond. */
const float32Steps: Partial<Record<Step, JsStep>> = {
  ...floatSteps,
  exp: single('expf'),
  expm1: single('expm1f'),
  log: single('logf'),
  log1p: single('log1pf'),
  tanh: single('tanhf'),
  erf: single('erff'),
}

const intSteps: Partial<Record<Step, JsStep>> = {
  ...floatSteps,
  mul: step(([a, b]) => `Math.imul(${a}, ${b})`, Math.imul),
  fma: step(
    ([a, b, c]) => `Math.imul(${a}, ${b}) + ${c}`,
    (a, b, c) => Math.imul(a, b) + c,
  ),
  pow: step(([a, b]) => `ipow(${a}, ${b})`, ipow),
  floorDiv: step(
    ([a, b]) => `Math.floor(${a} / ${b})`,
    (a, b) => Math.floor(a / b),
  ),
}

/** Steps whose result does not depend on the dtype they work in: comparisons (bool) and the choice between two. */
const commonSteps: Partial<Record<Step, JsStep>> = {
  eq: step(
    ([a, b]) => `${a} === ${b} ? 1 : 0`,
    (a, b) => (a === b ? 1 : 0),
  ),
  ne: step(
    ([a, b]) => `${a} !== ${b} ? 1 : 0`,
    (a, b) => (a !== b ? 1 : 0),
  ),
  lt: step(
    ([a, b]) => `${a} < ${b} ? 1 : 0`,
    (a, b) => (a < b ? 1 : 0),
  ),
  le: step(
    ([a, b]) => `${a} <= ${b} ? 1 : 0`,
    (a, b) => (a <= b ? 1 : 0),
  ),
  gt: step(
    ([a, b]) => `${a} > ${b} ? 1 : 0`,
    (a, b) => (a > b ? 1 : 0),
  ),
  ge: step(
    ([a, b]) => `${a} >= ${b} ? 1 : 0`,
    (a, b) => (a >= b ? 1 : 0),
  ),
  and: step(
    ([a, b]) => `${a} & ${b}`,
    (a, b) => a & b,
  ),
  or: step(
    ([a, b]) => `${a} | ${b}`,
    (a, b) => a | b,
  ),
  xor: step(
    ([a, b]) => `${a} ^ ${b}`,
    (a, b) => a ^ b,
  ),
  not: step(
    ([a]) => `1 - ${a}`,
    (a) => 1 - a,
  ),
  isnan: step(
    ([a]) => `${a} !== ${a} ? 1 : 0`,
    (a) => (Number.isNaN(a) ? 1 : 0),
  ),
  isfinite: step(
    ([a]) => `${a} - ${a} === 0 ? 1 : 0`,
    (a) => (Number.isFinite(a) ? 1 : 0),
  ),
  select: step(
    ([c, a, b]) => `${c} !== 0 ? ${a} : ${b}`,
    (c, a, b) => (c !== 0 ? a : b),
  ),
}

/** Arithmetic on bool is logic: + is or, * is and. */
const boolSteps: Partial<Record<Step, JsStep>> = {
  ...intSteps,
  add: commonSteps.or,
  mul: commonSteps.and,
  max: commonSteps.or,
  min: commonSteps.and,
}

const stepsOf: Record<DType, Partial<Record<Step, JsStep>>> = {
  float32: float32Steps,
  float64: floatSteps,
  int32: intSteps,
  uint8: intSteps,
  bool: boolSteps,
}

function stepOf(x: Expr): JsStep {
  const found = commonSteps[x.step] ?? stepsOf[x.dtype][x.step]
  if (found === undefined) throw new Error(`no JavaScript for step ${x.step} in ${x.dtype}`)
  return found
}

/** How a value computed in double precision is brought to a dtype; float32 is, where it is cast or leaves an expression. */
export const roundSource: Record<DType, (code: string) => string> = {
  float64: (code) => code,
  float32: (code) => `fround(${code})`,
  int32: (code) => `(${code}) | 0`,
  uint8: (code) => `(${code}) & 255`,
  bool: (code) => code,
}
const roundCall: Record<DType, (x: number) => number> = {
  float64: (x) => x,
  float32: fround,
  int32: (x) => x | 0,
  uint8: (x) => x & 255,
  bool: (x) => x,
}

/** Every value of the one is a value of the other. */
const holds = (to: DType, from: DType): boolean =>
  dtypeRank[from] < dtypeRank[to] && !(from === 'int32' && to === 'float32')

const castSource = (code: string, to: DType): string =>
  to === 'bool' ? `${code} !== 0 ? 1 : 0` : roundSource[to](code)
const castCall = (x: number, to: DType): number => (to === 'bool' ? (x !== 0 ? 1 : 0) : roundCall[to](x))

/** A number as source, negative ones in parentheses. What is none never becomes code. */
export function numberSource(value: number): string {
  if (typeof value !== 'number') throw new RuntimeError(`a program holds numbers only, not a ${typeof value}`)
  if (value >= 0 && !Object.is(value, -0)) return String(value)
  return Number.isNaN(value) ? 'NaN' : `(${Object.is(value, -0) ? '-0' : String(value)})`
}
/** A constant is what its dtype can hold of it. */
const constantOf = (x: Expr): number => roundCall[x.dtype](x.value)

/**
 * Statements that compute the expressions, and the names of their values. `input` gives the source of an input's
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
    let code: string
    if (x.step === 'cast') code = castSource(args[0], x.dtype)
    else {
      const source = stepOf(x).source(args)
      code = isFloat(x.dtype) ? source : roundSource[x.dtype](source)
    }
    lines.push(`const ${name} = ${code}`)
    names.set(x, name)
  }
  return { lines, results: roots.map((root) => names.get(root) as string) }
}

/** The expression as a closure over the values of its inputs: slower, for where source cannot be compiled. */
export function interpret(root: Expr): (inputs: ArrayLike<number>) => number {
  const order = topological([root])
  const position = new Map(order.map((x, i) => [x, i]))
  const values = new Float64Array(order.length)
  const program = order.map((x, i): ((inputs: ArrayLike<number>) => void) => {
    if (x.step === 'input') {
      const round = roundCall[x.dtype]
      return (inputs) => void (values[i] = round(inputs[x.value]))
    }
    if (x.step === 'const') {
      const value = constantOf(x)
      return () => void (values[i] = value)
    }
    const [a, b, c] = x.args.map((arg) => position.get(arg) as number)
    if (x.step === 'cast') return () => void (values[i] = castCall(values[a], x.dtype))
    const { call } = stepOf(x)
    const round = isFloat(x.dtype) ? roundCall.float64 : roundCall[x.dtype]
    return () => void (values[i] = round(call(values[a], values[b], values[c])))
  })
  const last = order.length - 1
  return (inputs) => {
    for (const run of program) run(inputs)
    return values[last]
  }
}
