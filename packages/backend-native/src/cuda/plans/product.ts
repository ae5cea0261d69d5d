// Products by a BLAS: those of float matrices whose lines lie in memory as a BLAS can read them, in one batch. It knows
// nothing of failures, so it may only write to memory that nobody reads after one; whoever runs the plan looks at that.
import { contractionOf, dtypeSize, type Instr, isPlain, type Loops, numelOf } from '@flambeau/core/backend'
import type { Factor, Launch, Plan } from '../plan.ts'

/** How a BLAS reads a matrix with these steps; null if it cannot. The step of an axis of one element does not matter. */
function lies(rows: number, columns: number, row: number, column: number, step: number): Factor | null {
  const byRow = rows === 1 ? columns : row
  if ((columns === 1 || column === 1) && byRow >= columns) return { line: byRow, turned: false, step }
  const byColumn = columns === 1 ? rows : column
  if ((rows === 1 || row === 1) && byColumn >= rows) return { line: byColumn, turned: true, step }
  return null
}

/** A contraction by a BLAS, and the launches after it; undefined if a BLAS cannot compute it. */
export function byBlas(instr: Instr<'contract'>, then: readonly Launch[]): Plan['byBlas'] {
  const { dtype } = instr.outputs[0]
  if (!(dtype === 'float32' || dtype === 'float64') || instr.inputs[0].dtype !== dtype) return undefined
  const contraction = contractionOf(instr)
  const { batch, rows, sum, columns } = contraction
  if (!isPlain(contraction) || batch.sizes.length > 1) return undefined
  const [m, k, n, count] = [rows, sum, columns, batch].map(({ sizes }) => numelOf(sizes))
  if (m * k * n * count === 0) return undefined
  const step = ({ steps }: Loops, operand: number): number => steps[operand]?.[0] ?? 0
  const a = lies(m, k, step(rows, 0), step(sum, 0), step(batch, 0))
  const b = lies(k, n, step(sum, 1), step(columns, 0), step(batch, 1))
  if (a === null || b === null) return undefined
  return { width: dtypeSize[dtype], m, n, k, count, a, b, step: m * n, then }
}
