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

/** The plan of an instruction, which must be one that `canPlan` accepts. */
export const planOf = (instr: Instr): Plan => (plannerOf(instr) as Planner).plan(instr)

/**
 * Whether an instruction can be planned: its kind has a planner, it has no more elements than float32 has indices, and
 * it has no float64.
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
 * The largest absolute value of integers in the result and on the way to it, for inputs no larger than `bounds`;
 * Infinity if one may exceed 2^24, beyond which float32 is not exact.
 */
export const boundOf = (instr: Instr, bounds: readonly number[]): number =>
  (plannerOf(instr) as Planner).bound(instr, bounds)
