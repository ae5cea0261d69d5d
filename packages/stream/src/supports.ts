// What C++ can run. It lacks the steps, reductions and kinds of a newer core, and core runs those elsewhere.
import { type CompositeKind, composites, type Expr, type Instr, type MapOut, type Prims } from '@flambeau/core/backend'
import { reductions } from './codes.ts'
import { kinds, writes } from './encode.ts'
import { numbersOf } from './encode-composite.ts'
import { hasSteps } from './expression.ts'
import type { Host } from './host.ts'

const canMap = ({ expr, reduce }: MapOut): boolean =>
  hasSteps([expr]) && (reduce === undefined || (Object.hasOwn(reductions, reduce.fn) && reduce.post === undefined))

/**
 * Whether a factor with zeros around its planes is read in windows of 3 x 3 with a step of 1, over enough channels: then
 * C++ mostly goes a way that needs no zeros in memory.
 */
function readsBorder({ batch, sum, bordered }: Prims['contract']): boolean {
  if (bordered === undefined) return true
  const { sizes, strides, low, high } = bordered
  const windows = (at: number, last: number): boolean =>
    sizes[at] >= 8 && sizes[at + 1] === 3 && sizes[at + 2] === 3 && strides[at + 2] === 1 && strides[last] === 1
  const planes = low.every((n, i) => Math.max(n, high[i]) <= (i < low.length - 2 ? 0 : 2))
  return planes && (windows(batch, sizes.length - 1) || windows(batch + sum, batch + sum - 1))
}

/** The condition on the attributes of a kind; undefined if it takes all. */
const demands: { readonly [kind: string]: ((attrs: never) => boolean) | undefined } = {
  map: ({ outs }: Prims['map']) => outs.every(canMap),
  contract: (attrs: Prims['contract']) => (attrs.post === undefined || hasSteps([attrs.post])) && readsBorder(attrs),
  argReduce: ({ fn }: Prims['argReduce']) => fn === 'max' || fn === 'min',
  scan: ({ fn }: Prims['scan']) => Object.hasOwn(reductions, fn),
  scatter: ({ fn }: Prims['scatter']) => Object.hasOwn(writes, fn),
}

/** Whether a host has a kernel for a kind with these attributes. */
export function hasKernel({ kind, attrs }: Pick<Instr, 'kind' | 'attrs'>, { fused }: Pick<Host, 'fused'>): boolean {
  if (Object.hasOwn(composites, kind))
    return fused.has(kind as CompositeKind) && numbersOf(kind as CompositeKind, attrs).every((n) => n === (n | 0))
  if (!Object.hasOwn(kinds, kind)) return false
  return demands[kind]?.(attrs as never) ?? true
}

const checks = new WeakMap<Expr, boolean>()
/** Whether C++ can compute the expression of a check. */
export function canCheck(expr: Expr): boolean {
  let can = checks.get(expr)
  if (can === undefined) {
    can = hasSteps([expr])
    checks.set(expr, can)
  }
  return can
}
