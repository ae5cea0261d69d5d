// A long map that calls functions, computed in blocks that stay in the first cache: one loop for each argument or
// result of a call that is rounded anyway, then one for the rest. Storing a float32 rounds as `fround` does, so the
// numbers are those of a single loop. A single loop takes a sixth longer, because each call in it finds the registers
// full of values that wait for other calls.
import { type Expr, type MapOut, stepDef, s, topological } from '@flambeau/core/backend'

/** Whether a step calls a function. */
export const isCall = ({ step }: Expr): boolean => step !== 'input' && step !== 'const' && stepDef(step).work === 'call'

export interface Blocks {
  /** Elements in a block. */
  readonly size: number
  /** The expressions computed for a whole block, one after another. Their results become inputs after the map's own. */
  readonly steps: readonly Expr[]
  /** The outputs of the map, computed from these. */
  readonly outs: readonly MapOut[]
}

/** A map of fewer elements is computed by one loop. */
const long = 4096
const [smallest, largest] = [250, 1024]

function sizeFor(n: number): number | undefined {
  if (n < long) return undefined
  for (let size = largest; size >= smallest; size--) if (n % size === 0) return size
  return undefined
}

const isRounded = ({ step, dtype, args }: Expr): boolean =>
  step === 'cast' && dtype === 'float32' && args[0].dtype === 'float32'

/** Divides a map of `n` elements into blocks; undefined if it has fewer than two results to store between loops. */
export function blocksOf(outs: readonly MapOut[], n: number, inputs: number): Blocks | undefined {
  const size = sizeFor(n)
  if (size === undefined) return undefined
  const order = topological(outs.map((out) => out.expr))
  const called = new Set(order.flatMap((x) => (isCall(x) ? x.args : [])))
  /** Expressions with a call since the last stored result. */
  const calling = new Set<Expr>()
  const made = new Map<Expr, Expr>()
  const steps: Expr[] = []
  for (const x of order) {
    const args = x.args.map((arg) => made.get(arg) as Expr)
    const now = args.every((arg, i) => arg === x.args[i]) ? x : { ...x, args }
    const callsOne = isCall(x) || x.args.some((arg) => calling.has(arg))
    if (isRounded(x) && (callsOne || called.has(x))) {
      made.set(x, s.input(inputs + steps.length, 'float32'))
      steps.push(now.args[0])
      continue
    }
    made.set(x, now)
    if (callsOne) calling.add(x)
  }
  if (steps.length < 2) return undefined
  return { size, steps, outs: outs.map((out) => ({ ...out, expr: made.get(out.expr) as Expr })) }
}
