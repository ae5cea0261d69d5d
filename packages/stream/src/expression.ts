// Expressions as codes: seven words per step, over registers that a linear scan assigns. An operand from 0 on is a
// register, a negative one an input. A register is free again when the last step that reads its value has run.
import { type DType, type Expr, RuntimeError, rankOf, roundTo, type Step, topological } from '@flambeau/core/backend'

/**
 * The numbers of steps. tools/steps.mjs generates native/src/steps.h from them. Add a new one at the end, because hosts
 * and cores of other versions know the old numbers.
 */
export const steps: Readonly<Record<Exclude<Step, 'input'>, number>> = {
  const: 0,
  cast: 1,
  add: 2,
  sub: 3,
  mul: 4,
  div: 5,
  mod: 6,
  floorDiv: 7,
  pow: 8,
  min: 9,
  max: 10,
  fma: 11,
  neg: 12,
  abs: 13,
  sign: 14,
  floor: 15,
  ceil: 16,
  trunc: 17,
  rint: 18,
  sqrt: 19,
  exp: 20,
  expm1: 21,
  log: 22,
  log1p: 23,
  sin: 24,
  cos: 25,
  tanh: 26,
  erf: 27,
  eq: 28,
  ne: 29,
  lt: 30,
  le: 31,
  gt: 32,
  ge: 33,
  and: 34,
  or: 35,
  xor: 36,
  not: 37,
  isnan: 38,
  isfinite: 39,
  select: 40,
  tan: 41,
  sinh: 42,
  cosh: 43,
  asin: 44,
  acos: 45,
  atan: 46,
  asinh: 47,
  acosh: 48,
  atanh: 49,
  atan2: 50,
  hypot: 51,
  exp2: 52,
  log2: 53,
  log10: 54,
  lgamma: 55,
  digamma: 56,
  polygamma: 57,
  erfinv: 58,
  i0: 59,
  i1: 60,
  fmod: 61,
  copysign: 62,
  nextafter: 63,
  shiftLeft: 64,
  shiftRight: 65,
}

/** Whether C++ has all steps of some expressions. A newer core may have others. */
export const hasSteps = (roots: readonly Expr[]): boolean =>
  topological(roots).every(({ step }) => step === 'input' || Object.hasOwn(steps, step))

function numberOf(step: Exclude<Step, 'input'>): number {
  if (!Object.hasOwn(steps, step)) throw new RuntimeError(`native has no step '${step}'`)
  return steps[step]
}

/** `maxRegisters` of native/src/kernels.h. */
export const registers = 32
/** Words of a step. */
export const codeWords = 7

export interface Codes {
  readonly words: Int32Array
  /** The inputs that are read: their positions in the instruction, and the dtypes that the expressions give them. */
  readonly inputs: readonly { readonly position: number; readonly dtype: DType }[]
  /** Where the value of each expression is: a register or an input. */
  readonly from: readonly number[]
}

const double = new Float64Array(1)
const halves = new Int32Array(double.buffer)

/**
 * The codes of some expressions; undefined if more values are alive at once than there are registers. The first `fixed`
 * inputs are the positions from 0 on, whether they are read or not.
 */
export function compile(roots: readonly Expr[], fixed = 0): Codes | undefined {
  const order = topological(roots)
  const inputs = Array.from({ length: fixed }, (_, position) => ({ position, dtype: roots[0].dtype }))
  /** Where the value of a node is. */
  const place = new Map<Expr, number>()
  /** Equal constants share a register, and a rounding to the register’s own dtype does nothing. */
  const constants = new Map<string, Expr>()
  const same = new Map<Expr, Expr>()
  for (const x of order) {
    if (x.step === 'cast' && x.args[0].dtype === x.dtype) same.set(x, same.get(x.args[0]) ?? x.args[0])
    if (x.step !== 'const') continue
    const key = `${x.dtype} ${Object.is(x.value, -0) ? '-0' : x.value}`
    if (!constants.has(key)) constants.set(key, x)
    same.set(x, constants.get(key) as Expr)
  }
  const node = (x: Expr): Expr => same.get(x) ?? x
  const lastReader = new Map<Expr, number>()
  order.forEach((x, i) => {
    for (const arg of x.args) lastReader.set(node(arg), i)
  })
  for (const root of roots) lastReader.set(node(root), order.length)

  const words: number[] = []
  const free = Array.from({ length: registers }, (_, i) => registers - 1 - i)
  for (const [i, x] of order.entries()) {
    if (place.has(node(x))) continue
    if (x.step === 'input') {
      let at = inputs.findIndex(({ position }) => position === x.value)
      if (at < 0) at = inputs.push({ position: x.value, dtype: x.dtype }) - 1
      else if (at < fixed) inputs[at] = { position: x.value, dtype: x.dtype }
      place.set(x, -1 - at)
      continue
    }
    const args = [...new Set(x.args.map(node))]
    const release = (same: boolean): void => {
      for (const arg of args) {
        const register = place.get(arg) as number
        if (register >= 0 && lastReader.get(arg) === i && (arg.dtype === x.dtype) === same) free.push(register)
      }
    }
    // A result may overwrite an operand of its own size as it is read, but others only after all are read.
    release(true)
    const to = free.pop()
    if (to === undefined) return undefined
    release(false)
    const [a, b, c] = x.args.map((arg) => place.get(node(arg)) as number)
    const of = x.args[x.step === 'select' ? 1 : 0] ?? x
    words.push(numberOf(x.step), rankOf(x.dtype), rankOf(of.dtype), to)
    if (x.step === 'const') {
      double[0] = roundTo(x.value, x.dtype)
      words.push(halves[0], halves[1], 0)
    } else words.push(a, b ?? 0, c ?? 0)
    place.set(x, to)
  }
  return { words: Int32Array.from(words), inputs, from: roots.map((root) => place.get(node(root)) as number) }
}
