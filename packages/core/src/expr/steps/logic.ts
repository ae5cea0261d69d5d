// Steps that compare, combine truths, and choose. What they give does not depend on the dtype that they work in.
import { type Binary, comparison, inline, type JsStep, type Ternary, type Unary } from '../step.ts'

const compared = (operator: string, holds: (a: number, b: number) => boolean): Binary => ({
  ...comparison,
  real: inline(
    ([a, b]) => `${a} ${operator} ${b} ? 1 : 0`,
    (a, b) => (holds(a, b) ? 1 : 0),
  ),
})

export const eq: Binary = compared('===', (a, b) => a === b)
export const ne: Binary = compared('!==', (a, b) => a !== b)
export const lt: Binary = compared('<', (a, b) => a < b)
export const le: Binary = compared('<=', (a, b) => a <= b)
export const gt: Binary = compared('>', (a, b) => a > b)
export const ge: Binary = compared('>=', (a, b) => a >= b)

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

const logical = { rule: 'logical', cost: 1, work: 'simple', slope: null } as const

export const and: Binary = {
  ...logical,
  arity: 2,
  real: inline(
    ([a, b]) => `${a} & ${b}`,
    (a, b) => a & b,
  ),
}
export const or: Binary = {
  ...logical,
  arity: 2,
  real: inline(
    ([a, b]) => `${a} | ${b}`,
    (a, b) => a | b,
  ),
}
export const xor: Binary = {
  ...logical,
  arity: 2,
  real: inline(
    ([a, b]) => `${a} ^ ${b}`,
    (a, b) => a ^ b,
  ),
}
export const not: Unary = {
  ...logical,
  arity: 1,
  real: inline(
    ([a]) => `1 - ${a}`,
    (a) => 1 - a,
  ),
}

/** Its slope is a choice between those of its branches, which derive.ts puts together. */
export const select: Ternary = {
  ...{ arity: 3, rule: 'select', cost: 1, work: 'simple', slope: null },
  real: inline(
    ([c, a, b]) => `${c} !== 0 ? ${a} : ${b}`,
    (c, a, b) => (c !== 0 ? a : b),
  ),
}
