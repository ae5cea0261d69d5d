// The operands of expressions in a kernel: each is declared once and read at the indices of the loops.
import { type DType, type Expr, isView, type Operand, topological } from '@flambeau/core/backend'
import { declareSteps } from '../text/loops.ts'
import type { Value } from '../value.ts'
import type { KernelWriter } from '../text/writer.ts'

/** The inputs of expressions in a kernel, each of which is declared once. */
export interface Inputs {
  /** Reads the element of each view, at given indices of the loops. */
  read(indices: readonly Value[]): (position: number) => Value
  /** Those whose elements lie side by side in a single loop; null if there are others that move. */
  readonly neighbours: readonly { readonly address: Value; readonly dtype: DType }[] | null
  /** Reads elements 4 * i to 4 * i + 3 of a single loop. */
  readFour(i: Value): readonly ((position: number) => Value)[]
}

/** Declares inputs, with the steps of each view in the loops. */
export function declareInputs(
  w: KernelWriter,
  roots: readonly Expr[],
  inputs: readonly Operand[],
  stepsOf: (view: number) => readonly number[],
): Inputs {
  const dtypes = new Map<number, DType>()
  for (const { step, value, dtype } of topological(roots)) if (step === 'input') dtypes.set(value, dtype)
  const numbers = new Map<number, Value>()
  const views = new Map<number, (indices: readonly Value[]) => Value>()
  const flat = new Map<number, { readonly address: Value; readonly dtype: DType }>()
  let others = 0
  let view = 0
  inputs.forEach((x, position) => {
    const row = isView(x) ? view++ : -1
    const dtype = dtypes.get(position)
    if (dtype === undefined) return
    if (!isView(x)) {
      numbers.set(position, w.param({ is: 'number', input: position, dtype }))
      return
    }
    const address = w.param({ is: 'input', input: position })
    const steps = stepsOf(row)
    const at = declareSteps(w, steps)
    if (steps.length === 1 && steps[0] === 1) flat.set(position, { address, dtype })
    else if (steps.length !== 1 || steps[0] !== 0) others++
    views.set(position, (indices) => w.load(dtype, address, at(indices)))
  })
  return {
    read: (indices) => {
      const loaded = new Map([...views].map(([position, load]) => [position, load(indices)]))
      return (position) => (numbers.get(position) ?? loaded.get(position)) as Value
    },
    neighbours: others === 0 ? [...flat.values()] : null,
    readFour: (i) => {
      const loaded = new Map(
        [...views].map(([position, load]) => {
          const operand = flat.get(position)
          return [position, operand === undefined ? load([i]) : w.loadFour(operand.dtype, operand.address, i)] as const
        }),
      )
      return [0, 1, 2, 3].map((k) => (position) => {
        const found = numbers.get(position) ?? loaded.get(position)
        return (Array.isArray(found) ? found[k] : found) as Value
      })
    },
  }
}
