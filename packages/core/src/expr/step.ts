// The definition of a step of the expression language, with everything that differs between steps. Core's tables follow
// from the definitions (builders, derivatives, JavaScript), and so does the C++ vocabulary (tools/steps.mjs).
import type { Expr, Operand, s } from './expr.ts'
import { runtime } from './runtime.ts'

/** A step in JavaScript: as source over the names of its operands, and as a function that gives the same numbers. */
export interface JsStep {
  source(args: readonly string[]): string
  call(a: number, b: number, c: number): number
}

/**
 * The dtypes that a step takes and returns:
 * - `cast`: any, to any;
 * - `arithmetic`: one dtype for all operands and the result;
 * - `floating`: the same, float32 and float64 only;
 * - `rounding`: floating; integers stay unchanged;
 * - `comparison`: one dtype for all operands, bool for the result;
 * - `bitwise`: one dtype for all operands and the result, bool or integer;
 * - `shift`: the same without bool;
 * - `select`: a bool condition, then as arithmetic.
 */
export type StepRule = 'cast' | 'arithmetic' | 'floating' | 'rounding' | 'comparison' | 'bitwise' | 'shift' | 'select'

/**
 * The work that a step is for a backend: an instruction or two; a division remainder; or a function call, for which
 * loops are split so that calls stand alone.
 */
export type Work = 'simple' | 'remainder' | 'call'

/**
 * The derivatives of a step with respect to its operands, times `dy`; undefined for an operand without a gradient. `s`
 * are the builders, `y` is the step itself.
 */
export type Slope = (build: typeof s, dy: Expr, args: readonly Expr[], y: Expr) => readonly (Expr | undefined)[]

export interface StepDef<Arity extends 1 | 2 | 3 = 1 | 2 | 3> {
  readonly arity: Arity
  readonly rule: StepRule
  /** In additions; infinite if an expression with the step is never recomputed to save a pass. */
  readonly cost: number
  readonly work: Work
  /** Null if the slope is 0 everywhere, or there is none. */
  readonly slope: Slope | null
  /** In double precision, and by default for every dtype. The caller wraps results of integer dtypes. */
  readonly real: JsStep
  /** For a result that becomes a float32: need not be accurate far beyond it. */
  readonly single?: JsStep
  readonly whole?: JsStep
  /** For bools, which are 0 and 1; by default as for integers. */
  readonly bool?: JsStep
}
export type Unary = StepDef<1>
export type Binary = StepDef<2>
export type Ternary = StepDef<3>

/** A builder of expressions with this many operands. */
export type Builder<Arity> = Arity extends 1
  ? (x: Expr) => Expr
  : Arity extends 2
    ? (a: Operand, b: Operand) => Expr
    : (a: Operand, b: Operand, c: Operand) => Expr

// ---- parts of definitions ----

/** Source from a template over the names of the operands. */
export const inline = (source: JsStep['source'], call: JsStep['call']): JsStep => ({ source, call })

const called = (name: string, args: readonly string[]): string => `${name}(${args.join(', ')})`

/** A function of `Math`. */
export const maths = (name: keyof typeof Math & string, call: JsStep['call']): JsStep => ({
  source: (args) => called(`Math.${name}`, args),
  call,
})

/** A function of our own, looked up at first use. */
export const own = (name: Exclude<keyof typeof runtime, 'pair' | 'singles' | 'bits'>): JsStep => ({
  source: (args) => called(name, args),
  get call() {
    return runtime[name]
  },
})

/** For bools, which are 0 and 1, and for the bits of integers. */
export const both = inline(
  ([a, b]) => `${a} & ${b}`,
  (a, b) => a & b,
)
export const either = inline(
  ([a, b]) => `${a} | ${b}`,
  (a, b) => a | b,
)

export const arithmetic = { rule: 'arithmetic', cost: 1, work: 'simple' } as const
export const rounding = { arity: 1, rule: 'rounding', cost: Infinity, work: 'simple', slope: null } as const
export const comparison = { arity: 2, rule: 'comparison', cost: 1, work: 'simple', slope: null } as const
/** A function of real numbers. */
export const floating = { rule: 'floating', cost: Infinity, work: 'call' } as const
