// Expressions as gpu.js source. Numbers are float32 whatever their dtype (double precision in the cpu mode): whole ones are
// exact to 2^24, and bounds.ts sees to it that none is larger; uint8 wraps after every step, bool is 0 or 1.
import { type DType, dtypeRank, type Expr, isFloat, type Step, topological } from '@flambeau/core/backend'
import { type KernelWriter, literal, roundTo } from './writer.ts'

type Emit = (a: string, b: string, c: string) => string
type Table = Partial<Record<Step, Emit>>

const choose = (condition: string): string => `${condition} ? 1 : 0`
/** Not by cases: what compilers of shaders make of those is the sign, which has one for zeros. */
const signOf: Emit = (a) => `(${a} > 0 ? 1 : 0) - (${a} < 0 ? 1 : 0)`

/** Steps that are the same in every dtype. Logic is arithmetic on 0 and 1. */
const common: Table = {
  eq: (a, b) => choose(`${a} === ${b}`),
  ne: (a, b) => choose(`${a} !== ${b}`),
  lt: (a, b) => choose(`${a} < ${b}`),
  le: (a, b) => choose(`${a} <= ${b}`),
  gt: (a, b) => choose(`${a} > ${b}`),
  ge: (a, b) => choose(`${a} >= ${b}`),
  and: (a, b) => `${a} * ${b}`,
  or: (a, b) => `Math.max(${a}, ${b})`,
  xor: (a, b) => `Math.abs(${a} - ${b})`,
  not: (a) => `1 - ${a}`,
  isnan: (a) => `isNaNf(${a})`,
  isfinite: (a) => `isFinitef(${a})`,
  select: (c, a, b) => `${c} !== 0 ? ${a} : ${b}`,
  min: (a, b) => `Math.min(${a}, ${b})`,
  max: (a, b) => `Math.max(${a}, ${b})`,
  abs: (a) => `Math.abs(${a})`,
  sign: signOf,
  neg: (a) => `-${a}`,
  add: (a, b) => `${a} + ${b}`,
  sub: (a, b) => `${a} - ${b}`,
  mul: (a, b) => `${a} * ${b}`,
  fma: (a, b, c) => `${a} * ${b} + ${c}`,
}

const floatSteps: Table = {
  div: (a, b) => `${a} / ${b}`,
  mod: (a, b) => `floorModf(${a}, ${b})`,
  floorDiv: (a, b) => `floorDivf(${a}, ${b})`,
  pow: (a, b) => `powf(${a}, ${b})`,
  floor: (a) => `Math.floor(${a})`,
  ceil: (a) => `Math.ceil(${a})`,
  trunc: (a) => `Math.trunc(${a})`,
  rint: (a) => `rintf(${a})`,
  sqrt: (a) => `Math.sqrt(${a})`,
  exp: (a) => `expf(${a})`,
  expm1: (a) => `expm1f(${a})`,
  log: (a) => `logf(${a})`,
  log1p: (a) => `log1pf(${a})`,
  sin: (a) => `sinf(${a})`,
  cos: (a) => `cosf(${a})`,
  tanh: (a) => `tanhf(${a})`,
  erf: (a) => `erff(${a})`,
}

const intSteps: Table = {
  div: (a, b) => `truncDivInt(${a}, ${b})`,
  mod: (a, b) => `modInt(${a}, ${b})`,
  floorDiv: (a, b) => `floorDivInt(${a}, ${b})`,
  pow: (a, b) => `powInt(${a}, ${b})`,
}

const byteSteps: Table = { ...intSteps, pow: (a, b) => `powByte(${a}, ${b})` }

/** Arithmetic on bool is logic. */
const boolSteps: Table = { ...intSteps, add: common.or, mul: common.and }

const stepsOf: Record<DType, Table> = {
  float32: floatSteps,
  float64: floatSteps,
  int32: intSteps,
  uint8: byteSteps,
  bool: boolSteps,
}

/** Powers that are less work than a power. */
const powers: Readonly<Record<string, (a: string) => string>> = {
  '-1': (a) => `1 / ${a}`,
  '0.5': (a) => `Math.sqrt(${a})`,
  '2': (a) => `${a} * ${a}`,
  '3': (a) => `${a} * ${a} * ${a}`,
}

function power({ dtype, args: [, p] }: Expr): ((a: string) => string) | undefined {
  return p.step === 'const' && (isFloat(dtype) || p.value > 1) ? powers[p.value] : undefined
}

const emitOf = (x: Expr): Emit | undefined => stepsOf[x.dtype][x.step] ?? common[x.step]

/** Whether all steps of expressions are in dtypes that kernels have. */
export const canEmit = (roots: readonly Expr[]): boolean => topological(roots).every(({ dtype }) => dtype !== 'float64')

/** What a step of a dtype may give, brought back to it. */
export const wrapped = (writer: KernelWriter, value: string, dtype: DType): string =>
  dtype === 'uint8' ? writer.value(`${value} - 256 * Math.floor(${value} / 256)`) : value

function cast(writer: KernelWriter, value: string, from: DType, to: DType): string {
  if (to === 'bool') return from === 'bool' ? value : writer.value(choose(`${value} !== 0`))
  if (to === 'float32') return isFloat(from) ? writer.value(`Math.fround(${value})`) : value
  const whole = isFloat(from) ? writer.value(`toInt(${value})`) : value
  return dtypeRank[from] > dtypeRank[to] ? wrapped(writer, whole, to) : whole
}

/**
 * Writes the statements that compute the expressions, every node once, and gives the names of their values. `input`
 * gives the source of an input's element.
 */
export function emit(
  writer: KernelWriter,
  roots: readonly Expr[],
  input: (position: number, dtype: DType) => string,
): string[] {
  const names = new Map<Expr, string>()
  const inputs = new Map<string, string>()
  // Expressions that were put together have nodes of their own for one input.
  const readOnce = ({ value, dtype }: Expr): string => {
    const key = `${value} ${dtype}`
    const name = inputs.get(key) ?? input(value, dtype)
    inputs.set(key, name)
    return name
  }
  const nameOf = (x: Expr): string => names.get(x) as string
  for (const x of topological(roots)) names.set(x, x.step === 'input' ? readOnce(x) : emitNode(writer, x, nameOf))
  return roots.map(nameOf)
}

function emitNode(writer: KernelWriter, x: Expr, nameOf: (arg: Expr) => string): string {
  if (x.step === 'const') {
    const value = roundTo[x.dtype](x.value)
    // No mode has a literal for what is not finite.
    return Number.isFinite(value) ? writer.value(literal(value)) : writer.number(() => value)
  }
  const [a, b, c] = x.args.map(nameOf)
  if (x.step === 'cast') return cast(writer, a, x.args[0].dtype, x.dtype)
  const code = (x.step === 'pow' ? power(x) : undefined) ?? emitOf(x)
  if (code === undefined) throw new Error(`no gpu.js source for step ${x.step} in ${x.dtype}`)
  return wrapped(writer, writer.value(code(a, b, c)), x.dtype)
}
