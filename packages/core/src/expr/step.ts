// What a step of the expression language is. One definition says all that differs between steps. Core's tables follow from
// the definitions (builders, derivatives, JavaScript), and so does the C++ vocabulary (tools/steps.mjs).
import type { Expr, Operand, s } from './expr.ts'
import { runtime } from './runtime.ts'

/** A step in JavaScript: as source over the names of its operands, and as the function that gives the same numbers. */
export interface JsStep {
  source(args: readonly string[]): string
  call(a: number, b: number, c: number): number
}

/**
 * Which dtypes a step takes and gives:
 * - `cast`: any, to any;
 * - `arithmetic`: one dtype for all operands and the result, whichever it is;
 * - `floating`: the same, of float32 and float64 only;
 * - `rounding`: floating, and whole numbers are left as they are;
 * - `comparison`: one dtype for all operands, bool for the result;
 * - `bitwise`: one dtype for all operands and the result, of bool and the whole ones;
 * - `shift`: the same without bool;
 * - `select`: a condition in bool, then as arithmetic.
 */
export type StepRule = 'cast' | 'arithmetic' | 'floating' | 'rounding' | 'comparison' | 'bitwise' | 'shift' | 'select'

/**
 * How much work a step is to a backend: an instruction or two; the remainder of a division; a function that is called,
 * for which loops are cut so that calls stand alone.
 */
export type Work = 'simple' | 'remainder' | 'call'

/**
 * The derivatives of a step by its operands, times `dy`; undefined for an operand on which nothing flows. `s` are the
 * builders, `y` is the step itself.
 */
export type Slope = (build: typeof s, dy: Expr, args: readonly Expr[], y: Expr) => readonly (Expr | undefined)[]

export interface StepDef<Arity extends 1 | 2 | 3 = 1 | 2 | 3> {
  readonly arity: Arity
  readonly rule: StepRule
  /** In additions; infinite where an expression with the step is never computed twice to save a pass. */
  readonly cost: number
  readonly work: Work
  /** Null where the slope is 0 everywhere, or there is none. */
  readonly slope: Slope | null
  /** In double precision, and where no other is given in every dtype. Results of whole dtypes are wrapped by who asks. */
  readonly real: JsStep
  /** Where the result becomes a float32, functions need not be exact far beyond. */
  readonly single?: JsStep
  readonly whole?: JsStep
  /** On bools, which are 0 and 1; as on whole numbers where not given. */
  readonly bool?: JsStep
}
export type Unary = StepDef<1>
export type Binary = StepDef<2>
export type Ternary = StepDef<3>

/** A builder of expressions with so many operands. */
export type Builder<Arity> = Arity extends 1
  ? (x: Expr) => Expr
  : Arity extends 2
    ? (a: Operand, b: Operand) => Expr
    : (a: Operand, b: Operand, c: Operand) => Expr

// ---- what definitions are made of ----

/** Source by a template over the names of the operands. */
export const inline = (source: JsStep['source'], call: JsStep['call']): JsStep => ({ source, call })

const called = (name: string, args: readonly string[]): string => `${name}(${args.join(', ')})`

/** A function of `Math`. */
export const maths = (name: keyof typeof Math & string, call: JsStep['call']): JsStep => ({
  source: (args) => called(`Math.${name}`, args),
  call,
})

/** A function of our own, looked up when it is first asked for. */
export const own = (name: keyof typeof runtime): JsStep => ({
  source: (args) => called(name, args),
  get call() {
    return runtime[name]
  },
})

/** On bools, which are 0 and 1, and on the bits of whole numbers. */
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
