// The planners of all kinds and compositions.
import { type CompositeKind, composites, type Instr, type Kind } from '@flambeau/core/backend'
import type { Plan, Planner } from '../plan.ts'
import type { Prelude } from '../text/prelude.ts'
import { PtxWriter } from '../text/ptx.ts'
import { planArgReduce } from './arg-reduce.ts'
import { planContract } from './contract.ts'
import { planFold } from './fold.ts'
import { planGather, planScatter } from './indexed.ts'
import { planMap } from './map.ts'
import { planAssign, planConcat, planIota, planPad } from './move.ts'
import { type Composed, composed, planMoments, planRows, type RowKind } from './rows.ts'
import { planScan } from './scan.ts'
import { planSort } from './sort.ts'

/** The texts that nvcc made: the functions of expressions, and the library of kernels. */
export interface Texts {
  readonly prelude: Prelude
  readonly contract: string
  readonly sort: string
}

/** The compositions with kernels. */
export const fused: ReadonlySet<CompositeKind> = new Set(
  (Object.keys(composites) as CompositeKind[]).filter((kind) => !(composed as readonly string[]).includes(kind)),
)
type Planners = { readonly [K in Exclude<Kind, 'host' | Composed>]: Planner<K> }

/** `recorded`: kernels read numbers from memory, because a graph keeps the parameters that it was recorded with. */
export function plannersOf({ prelude, contract, sort }: Texts, recorded: boolean): Planners {
  const make = (): PtxWriter => new PtxWriter(prelude, recorded)
  const map = planMap(make)
  const rows = <K extends RowKind>(kind: K): Planner<K> => planRows(make, kind)
  return {
    map,
    argReduce: planArgReduce(make),
    scan: planScan(make),
    contract: planContract(make, contract, map),
    concat: planConcat(make),
    pad: planPad(make),
    fold: planFold(make),
    gather: planGather(make),
    scatter: planScatter(make, planSort(make, sort)),
    assign: planAssign(make),
    sort: planSort(make, sort),
    iota: planIota(make),
    softmax: rows('softmax'),
    logSoftmax: rows('logSoftmax'),
    softmaxBackward: rows('softmaxBackward'),
    logSoftmaxBackward: rows('logSoftmaxBackward'),
    crossEntropy: rows('crossEntropy'),
    crossEntropyBackward: rows('crossEntropyBackward'),
    moments: planMoments(make),
  }
}

/** The plan of an instruction; null if no kernel takes it. */
export function planOf(planners: Planners, instr: Instr): Plan | null {
  const planner = (planners as Readonly<Record<string, Planner<Kind> | undefined>>)[instr.kind]
  return planner?.(instr as never) ?? null
}
