// Expressions in a kernel: every node once, in the order of its operands.
import { type DType, type Expr, roundTo, topological } from '@flambeau/core/backend'
import type { Value } from '../value.ts'
import type { KernelWriter } from './writer.ts'

/** The values of some expressions; `input` gives that of an input. */
export function writeExpressions(
  w: KernelWriter,
  roots: readonly Expr[],
  input: (position: number, dtype: DType) => Value,
): Value[] {
  const values = new Map<Expr, Value>()
  const valueOf = (x: Expr): Value => {
    if (x.step === 'input') return input(x.value, x.dtype)
    if (x.step === 'const') return w.constant(roundTo(x.value, x.dtype), x.dtype)
    const of = x.args[x.step === 'select' ? 1 : 0].dtype
    return w.step(
      x.step,
      x.dtype,
      of,
      x.args.map((arg) => values.get(arg) as Value),
    )
  }
  for (const x of topological(roots)) values.set(x, valueOf(x))
  return roots.map((root) => values.get(root) as Value)
}
