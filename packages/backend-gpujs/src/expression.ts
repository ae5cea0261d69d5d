// Expressions as gpu.js source. Every number is a float32 (a double in cpu mode) whatever its dtype: integers are exact
// to 2^24, and bounds.ts ensures that none is larger; uint8 wraps after every step, and bool is 0 or 1.
import {
  type Computed,
  type DType,
  dtypeRank,
  type Expr,
  isFloat,
  type Step,
  topological,
} from '@flambeau/core/backend'
import { type KernelWriter, literal, numberOf } from './writer.ts'

type Emit = (a: string, b: string, c: string) => string

/** A step in gpu.js source, for every dtype unless another is given; null for an unsupported dtype. */
interface Emits {
  readonly real: Emit | null
  readonly whole?: Emit | null
  /** For uint8 and bool, if they differ from other integers. */
  readonly byte?: Emit | null
  readonly bool?: Emit | null
}

const choose = (condition: string): string => `${condition} ? 1 : 0`

const all = (real: Emit): Emits => ({ real })
/** A function of floats. */
const float = (real: Emit): Emits => ({ real, whole: null })
/** Steps that float32 cannot compute, or not well: they run on another backend. */
const none: Emits = { real: null }
const product: Emit = (a, b) => `${a} * ${b}`
const larger: Emit = (a, b) => `Math.max(${a}, ${b})`

/** All steps except casts, which depend on their source dtype. Logic is arithmetic on 0 and 1. */
const steps: Readonly<Record<Exclude<Computed, 'cast'>, Emits>> = {
  add: { real: (a, b) => `${a} + ${b}`, bool: larger },
  sub: all((a, b) => `${a} - ${b}`),
  mul: { real: product, bool: product },
  fma: all((a, b, c) => `${a} * ${b} + ${c}`),
  div: { real: (a, b) => `${a} / ${b}`, whole: (a, b) => `truncDivInt(${a}, ${b})` },
  mod: { real: (a, b) => `floorModf(${a}, ${b})`, whole: (a, b) => `modInt(${a}, ${b})` },
  floorDiv: { real: (a, b) => `floorDivf(${a}, ${b})`, whole: (a, b) => `floorDivInt(${a}, ${b})` },
  pow: {
    real: (a, b) => `powf(${a}, ${b})`,
    whole: (a, b) => `powInt(${a}, ${b})`,
    byte: (a, b) => `powByte(${a}, ${b})`,
  },
  min: all((a, b) => `Math.min(${a}, ${b})`),
  max: all(larger),
  neg: all((a) => `-${a}`),
  abs: all((a) => `Math.abs(${a})`),
  // Without branches: shader compilers turn those into the sign function, which returns a sign for zeros.
  sign: all((a) => `(${a} > 0 ? 1 : 0) - (${a} < 0 ? 1 : 0)`),
  floor: float((a) => `Math.floor(${a})`),
  ceil: float((a) => `Math.ceil(${a})`),
  trunc: float((a) => `Math.trunc(${a})`),
  rint: float((a) => `rintf(${a})`),
  sqrt: float((a) => `Math.sqrt(${a})`),
  exp: float((a) => `expf(${a})`),
  expm1: float((a) => `expm1f(${a})`),
  log: float((a) => `logf(${a})`),
  log1p: float((a) => `log1pf(${a})`),
  sin: float((a) => `sinf(${a})`),
  cos: float((a) => `cosf(${a})`),
  tanh: float((a) => `tanhf(${a})`),
  erf: float((a) => `erff(${a})`),
  tan: float((a) => `tanf(${a})`),
  sinh: float((a) => `sinhf(${a})`),
  cosh: float((a) => `coshf(${a})`),
  asin: float((a) => `asinf(${a})`),
  acos: float((a) => `acosf(${a})`),
  atan: float((a) => `atanf(${a})`),
  asinh: float((a) => `asinhf(${a})`),
  acosh: float((a) => `acoshf(${a})`),
  atanh: float((a) => `atanhf(${a})`),
  exp2: float((a) => `exp2f(${a})`),
  log2: float((a) => `log2f(${a})`),
  log10: float((a) => `log10f(${a})`),
  lgamma: float((a) => `lgammaf(${a})`),
  digamma: float((a) => `digammaf(${a})`),
  erfinv: float((a) => `erfinvf(${a})`),
  i0: float((a) => `i0f(${a})`),
  i1: float((a) => `i1f(${a})`),
  atan2: float((a, b) => `atan2f(${a}, ${b})`),
  hypot: float((a, b) => `hypotf(${a}, ${b})`),
  copysign: float((a, b) => `copysignf(${a}, ${b})`),
  fmod: { real: (a, b) => `fmodf(${a}, ${b})`, whole: (a, b) => `fmodInt(${a}, ${b})` },
  polygamma: none,
  nextafter: none,
  eq: all((a, b) => choose(`${a} === ${b}`)),
  ne: all((a, b) => choose(`${a} !== ${b}`)),
  lt: all((a, b) => choose(`${a} < ${b}`)),
  le: all((a, b) => choose(`${a} <= ${b}`)),
  gt: all((a, b) => choose(`${a} > ${b}`)),
  ge: all((a, b) => choose(`${a} >= ${b}`)),
  and: { ...none, bool: product },
  or: { ...none, bool: larger },
  xor: { ...none, bool: (a, b) => `Math.abs(${a} - ${b})` },
  not: { ...none, bool: (a) => `1 - ${a}` },
  shiftLeft: none,
  shiftRight: none,
  isnan: all((a) => `isNaNf(${a})`),
  isfinite: all((a) => `isFinitef(${a})`),
  select: all((c, a, b) => `${c} !== 0 ? ${a} : ${b}`),
}

/** Powers with a cheaper form. */
const powers: Readonly<Record<string, (a: string) => string>> = {
  '-1': (a) => `1 / ${a}`,
  '0.5': (a) => `Math.sqrt(${a})`,
  '2': (a) => `${a} * ${a}`,
  '3': (a) => `${a} * ${a} * ${a}`,
}

function power({ dtype, args: [, p] }: Expr): ((a: string) => string) | undefined {
  return p.step === 'const' && (isFloat(dtype) || p.value > 1) ? powers[p.value] : undefined
}

/** The source of a step in the dtype of its result; null if there is none. */
function emitOf(step: Exclude<Computed, 'cast'>, dtype: DType): Emit | null {
  if (!Object.hasOwn(steps, step)) return null
  const { real, whole = real, byte = whole, bool = whole } = steps[step]
  if (isFloat(dtype)) return real
  return dtype === 'int32' ? whole : dtype === 'uint8' ? byte : bool
}

/** Whether kernels support all steps of the expressions in their dtypes. */
export const canEmit = (roots: readonly Expr[]): boolean =>
  topological(roots).every(
    ({ step, dtype }) =>
      dtype !== 'float64' && (step === 'input' || step === 'const' || step === 'cast' || emitOf(step, dtype) !== null),
  )

/** The result of a step, wrapped to its dtype. */
export const wrapped = (writer: KernelWriter, value: string, dtype: DType): string =>
  dtype === 'uint8' ? writer.value(`${value} - 256 * Math.floor(${value} / 256)`) : value

function cast(writer: KernelWriter, value: string, from: DType, to: DType): string {
  if (to === 'bool') return from === 'bool' ? value : writer.value(choose(`${value} !== 0`))
  if (to === 'float32') return isFloat(from) ? writer.value(`Math.fround(${value})`) : value
  const whole = isFloat(from) ? writer.value(`toInt(${value})`) : value
  return dtypeRank[from] > dtypeRank[to] ? wrapped(writer, whole, to) : whole
}

/**
 * Writes statements that compute the expressions, every node once, and returns the names of their values. `input`
 * returns the source of an input's element.
 */
export function emit(
  writer: KernelWriter,
  roots: readonly Expr[],
  input: (position: number, dtype: DType) => string,
): string[] {
  const names = new Map<Expr, string>()
  const inputs = new Map<string, string>()
  // Combined expressions have several nodes for one input.
  const readOnce = ({ value, dtype }: Expr): string => {
    const key = `${value} ${dtype}`
    const name = inputs.get(key) ?? input(value, dtype)
    inputs.set(key, name)
    return name
  }
  const nameOf = (x: Expr): string => names.get(x) as string
  for (const x of topological(roots))
    names.set(x, x.step === 'input' ? readOnce(x) : emitNode(writer, x, x.step, nameOf))
  return roots.map(nameOf)
}

function emitNode(writer: KernelWriter, x: Expr, step: Exclude<Step, 'input'>, nameOf: (arg: Expr) => string): string {
  if (step === 'const') {
    const value = numberOf(x.value, x.dtype)
    // No mode has a literal for infinity or NaN.
    return Number.isFinite(value) ? writer.value(literal(value)) : writer.number(() => value)
  }
  const [a, b, c] = x.args.map(nameOf)
  if (step === 'cast') return cast(writer, a, x.args[0].dtype, x.dtype)
  const code = (step === 'pow' ? power(x) : undefined) ?? emitOf(step, x.dtype)
  if (code === null) throw new Error(`no gpu.js source for step ${step} in ${x.dtype}`)
  return wrapped(writer, writer.value(code(a, b, c)), x.dtype)
}
