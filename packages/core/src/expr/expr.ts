// Scalar expressions: the small closed language in which every elementwise computation is written once. Core
// differentiates them (derive.ts); a backend emits them in its own language (js.ts emits JavaScript). steps.ts defines
// the steps. An expression is a graph: a node used twice is computed once. Integers wrap at every step; float32 is
// computed in double precision and rounded only at casts and stores.
import { type DType, dtypeRank, isFloat } from '../base/dtype.ts'
import type { Builder, StepDef } from './step.ts'
import * as steps from './steps.ts'

/** The steps that compute; the leaves of an expression are inputs and constants. */
export type Computed = keyof typeof steps
export type Step = 'input' | 'const' | Computed

export interface Expr {
  readonly step: Step
  readonly dtype: DType
  readonly args: readonly Expr[]
  /** The value of a constant, or the position of an input; otherwise 0. */
  readonly value: number
}

export type Operand = Expr | number

const node = (step: Step, dtype: DType, args: readonly Expr[], value = 0): Expr => ({ step, dtype, args, value })

const constant = (value: number, dtype: DType): Expr => node('const', dtype, [], value)
const isConst = (x: Expr, value: number): boolean => x.step === 'const' && x.value === value

/** Gives the operands one dtype: numbers take that of the expressions, and the narrower expression is cast. */
function unify(operands: readonly Operand[]): Expr[] {
  let dtype: DType | undefined
  for (const x of operands) {
    if (typeof x !== 'number' && (dtype === undefined || dtypeRank[x.dtype] > dtypeRank[dtype])) dtype = x.dtype
  }
  const target = dtype ?? 'float32'
  return operands.map((x) => (typeof x === 'number' ? constant(x, target) : s.cast(x, target)))
}

/** The definition of a computing step. */
// biome-ignore lint/performance/noDynamicNamespaceImportAccess: the module is the table.
export const stepDef = (step: Computed): StepDef => steps[step]

type Builders = { readonly [name in Computed]: Builder<(typeof steps)[name]['arity']> }

function builderOf(name: Computed, { rule, arity }: StepDef): Builder<1> | Builder<2> | Builder<3> {
  const build = (...operands: Operand[]): Expr => {
    const args = unify(operands)
    const { dtype } = args[0]
    // Rounding steps leave integers unchanged.
    return rule === 'rounding' && !isFloat(dtype) ? args[0] : node(name, rule === 'comparison' ? 'bool' : dtype, args)
  }
  if (arity === 1) return (x: Expr) => build(x)
  return arity === 2 ? (a: Operand, b: Operand) => build(a, b) : (a: Operand, b: Operand, c: Operand) => build(a, b, c)
}

const built = Object.fromEntries(
  Object.entries(steps).map(([name, step]) => [name, builderOf(name as Computed, step)]),
) as Builders

/** Steps that commute with rounding, so that their operands are rounded instead. */
const passRounding: ReadonlySet<Step> = new Set<Step>(['select', 'min', 'max', 'neg', 'abs'])

/** `x` as a tensor of its dtype stores it: a computed float32 value is rounded, others are unchanged. */
function rounded(x: Expr): Expr {
  if (x.dtype !== 'float32' || x.step === 'cast' || x.args.length === 0) return x
  if (!passRounding.has(x.step)) return node('cast', x.dtype, [x])
  const args = x.args.map(rounded)
  return args.every((arg, i) => arg === x.args[i]) ? x : { ...x, args }
}

/** The builders of expressions: `s.div(1, s.add(1, s.exp(s.neg(x))))`. */
export const s = {
  ...built,
  input: (position: number, dtype: DType): Expr => node('input', dtype, [], position),
  constant,
  cast: (x: Expr, dtype: DType): Expr => {
    if (x.dtype === dtype) return x
    return x.step === 'const' && isFloat(dtype) ? constant(x.value, dtype) : node('cast', dtype, [x])
  },
  rounded,
  /** Omits a multiplication by the constant 1, which is exact. */
  mul: (a: Operand, b: Operand): Expr => {
    const x = built.mul(a, b)
    if (isConst(x.args[0], 1)) return x.args[1]
    return isConst(x.args[1], 1) ? x.args[0] : x
  },
  select: (condition: Expr, a: Operand, b: Operand): Expr => {
    const [x, y] = unify([a, b])
    return node('select', x.dtype, [s.cast(condition, 'bool'), x, y])
  },
}

/** Every node once, with arguments before their users. */
export function topological(roots: readonly Expr[]): readonly Expr[] {
  if (roots.length === 0) return []
  const known = orders.get(roots[0])
  if (known !== undefined && known.roots.length === roots.length && known.roots.every((x, i) => x === roots[i]))
    return known.order
  const order = ordered(roots)
  orders.set(roots[0], { roots: [...roots], order })
  return order
}

/** Cached by the first root: passes ask for the same expressions for every instruction that has them. */
const orders = new WeakMap<Expr, { readonly roots: readonly Expr[]; readonly order: readonly Expr[] }>()

/** Stops at nodes in `ends` and omits what only they depend on. */
function ordered(roots: readonly Expr[], ends?: ReadonlyMap<Expr, unknown>): Expr[] {
  const order: Expr[] = []
  const seen = new Set<Expr>()
  // An explicit stack, because expressions may be deep.
  const path: { readonly x: Expr; next: number }[] = []
  const enter = (x: Expr): void => {
    if (seen.has(x)) return
    seen.add(x)
    path.push({ x, next: ends?.has(x) === true ? x.args.length : 0 })
  }
  for (const root of roots) {
    enter(root)
    while (path.length > 0) {
      const last = path[path.length - 1]
      if (last.next < last.x.args.length) enter(last.x.args[last.next++])
      else {
        order.push(last.x)
        path.pop()
      }
    }
  }
  return order
}

/** The positions of the inputs that the expressions read, ascending. */
export function inputsOf(roots: readonly Expr[]): number[] {
  const positions = new Set<number>()
  for (const x of topological(roots)) if (x.step === 'input') positions.add(x.value)
  return [...positions].sort((a, b) => a - b)
}

/** The same expression with its inputs replaced. */
export function substitute(root: Expr, input: (x: Expr) => Expr): Expr {
  const done = new Map<Expr, Expr>()
  for (const x of topological([root])) {
    const args = x.args.map((arg) => done.get(arg) as Expr)
    const changed = x.step === 'input' ? input(x) : args.every((arg, i) => arg === x.args[i]) ? x : { ...x, args }
    done.set(x, changed)
  }
  return done.get(root) as Expr
}

/** The expression with one node replaced by another. */
export function replace(root: Expr, from: Expr, by: Expr): Expr {
  const done = new Map<Expr, Expr>([[from, by]])
  for (const x of topological([root])) {
    if (done.has(x)) continue
    const args = x.args.map((arg) => done.get(arg) as Expr)
    done.set(x, args.every((arg, i) => arg === x.args[i]) ? x : { ...x, args })
  }
  return done.get(root) as Expr
}

/** The expression as readable text; nodes with a name are not expanded. */
export function exprString(root: Expr, names?: ReadonlyMap<Expr, string>): string {
  const texts = new Map<Expr, string>()
  const text = ({ step, dtype, args, value }: Expr): string => {
    if (step === 'input') return `x${value}`
    if (step === 'const') return String(value)
    return `${step === 'cast' ? dtype : step}(${args.map((arg) => texts.get(arg)).join(', ')})`
  }
  for (const x of ordered([root], names)) texts.set(x, names?.get(x) ?? text(x))
  return texts.get(root) as string
}
