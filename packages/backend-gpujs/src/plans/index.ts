// The planner of each kind of instruction.
import { type Instr, isView, type Kind, numelOf } from '@flambeau/core/backend'
import { LARGEST_INT } from '../bounds.ts'
import { lengthOf, type Plan, type Planner } from '../plan.ts'
import { argReduce } from './arg-reduce.ts'
import { fold } from './fold.ts'
import { gather, scatter } from './gather.ts'
import { iota } from './iota.ts'
import { map } from './map.ts'
import { contract } from './matmul.ts'
import { assign, concat, pad } from './move.ts'
import { scan } from './scan.ts'

const planners: { readonly [K in Kind]?: Planner<K> } = {
  map,
  argReduce,
  scan,
  contract,
  concat,
  pad,
  fold,
  gather,
  scatter,
  assign,
  iota,
}

const plannerOf = (instr: Instr): Planner | undefined => planners[instr.kind] as Planner | undefined

/** The steps that an instruction is made of; it must be one that `canPlan`. */
export const planOf = (instr: Instr): Plan => (plannerOf(instr) as Planner).plan(instr)

/**
 * Whether an instruction can be planned: one of a kind that has a planner, of no more elements than float32 has indices
 * for, and without float64.
 */
export function canPlan(instr: Instr): boolean {
  const planner = plannerOf(instr)
  if (planner === undefined) return false
  for (const x of instr.inputs) {
    if (x.dtype === 'float64') return false
    if (isView(x) && (lengthOf(x) > LARGEST_INT || numelOf(x.sizes) > LARGEST_INT)) return false
  }
  for (const { dtype, sizes } of instr.outputs) {
    if (dtype === 'float64' || numelOf(sizes) > LARGEST_INT) return false
  }
  return planner.supports === undefined || planner.supports(instr)
}

/**
 * The largest absolute value that integers of the result, and on the way to it, may have, for inputs no larger than
 * `bounds`; Infinity where one may pass 2^24, which float32 does not hold exactly.
 */
export const boundOf = (instr: Instr, bounds: readonly number[]): number =>
  (plannerOf(instr) as Planner).bound(instr, bounds)

/** What a plan depends on in the attributes of an instruction that has no expressions. */
export const keyOf = (instr: Instr): string => plannerOf(instr)?.key?.(instr.attrs) ?? JSON.stringify(instr.attrs)
