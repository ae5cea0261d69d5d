// Steps that compare, combine bools and bits, and select. Their results do not depend on the dtype that they compute
// in.
import { type Binary, both, comparison, either, inline, type JsStep, own, type Ternary, type Unary } from '../step.ts'

/** By a conversion, because a branch on numbers is mispredicted every other time. */
const compared = (operator: string, holds: (a: number, b: number) => boolean): Binary => ({
  ...comparison,
  real: inline(
    ([a, b]) => `${a} ${operator} ${b} | 0`,
    (a, b) => (holds(a, b) ? 1 : 0),
  ),
})

export const eq: Binary = compared('===', (a, b) => a === b)
export const ne: Binary = compared('!==', (a, b) => a !== b)
export const lt: Binary = compared('<', (a, b) => a < b)
export const le: Binary = compared('<=', (a, b) => a <= b)
export const gt: Binary = compared('>', (a, b) => a > b)
export const ge: Binary = compared('>=', (a, b) => a >= b)

/** By a branch, because it nearly always goes the same way. */
const test = (real: JsStep): Unary => ({ ...comparison, arity: 1, cost: Infinity, real })

export const isnan: Unary = test(
  inline(
    ([a]) => `${a} !== ${a} ? 1 : 0`,
    (a) => (Number.isNaN(a) ? 1 : 0),
  ),
)
export const isfinite: Unary = test(
  inline(
    ([a]) => `${a} - ${a} === 0 ? 1 : 0`,
    (a) => (Number.isFinite(a) ? 1 : 0),
  ),
)

const bitwise = { rule: 'bitwise', cost: 1, work: 'simple', slope: null } as const

/** On the bits of integers, and on bools. */
export const and: Binary = { ...bitwise, arity: 2, real: both }
export const or: Binary = { ...bitwise, arity: 2, real: either }
export const xor: Binary = {
  ...bitwise,
  arity: 2,
  real: inline(
    ([a, b]) => `${a} ^ ${b}`,
    (a, b) => a ^ b,
  ),
}
export const not: Unary = {
  ...bitwise,
  arity: 1,
  real: inline(
    ([a]) => `~${a}`,
    (a) => ~a,
  ),
  bool: inline(
    ([a]) => `1 - ${a}`,
    (a) => 1 - a,
  ),
}

/**
 * A shift by a negative number of bits, or by more than there are, shifts all out: it leaves 0, or to the right the
 * sign.
 */
export const shiftLeft: Binary = { ...bitwise, rule: 'shift', arity: 2, real: own('shiftLeft') }
export const shiftRight: Binary = { ...bitwise, rule: 'shift', arity: 2, real: own('shiftRight') }

/** derive.ts builds its slope, a select between those of its branches. */
export const select: Ternary = {
  ...{ arity: 3, rule: 'select', cost: 1, work: 'simple', slope: null },
  // js.ts writes those that a branch would often mispredict.
  real: inline(
    ([c, a, b]) => `${c} !== 0 ? ${a} : ${b}`,
    (c, a, b) => (c !== 0 ? a : b),
  ),
}
