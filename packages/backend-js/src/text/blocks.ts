// A long map that calls functions, done in blocks that stay in the first cache: a loop for every argument and every result
// of a call that is rounded anyway, then one for the rest. A store to float32 rounds as `fround` does, so the numbers are
// those of a single loop, which is a sixth slower: each call there finds the registers full of what waits for the others.
import { type Expr, type MapOut, stepDef, s, topological } from '@flambeau/core/backend'

/** Whether a step is a function call. */
export const isCall = ({ step }: Expr): boolean => step !== 'input' && step !== 'const' && stepDef(step).work === 'call'

export interface Blocks {
  /** Elements in a block. */
  readonly size: number
  /** What is computed of all elements of a block, one after the other; the results are inputs that follow the map's. */
  readonly steps: readonly Expr[]
  /** What the map computes of these. */
  readonly outs: readonly MapOut[]
}

/** Fewer elements than this are computed by one loop. */
const long = 4096
const [smallest, largest] = [250, 1024]

function sizeFor(n: number): number | undefined {
  if (n < long) return undefined
  for (let size = largest; size >= smallest; size--) if (n % size === 0) return size
  return undefined
}

const isRounded = ({ step, dtype, args }: Expr): boolean =>
  step === 'cast' && dtype === 'float32' && args[0].dtype === 'float32'

/** The blocks of a map of `n` elements over so many inputs; undefined where it has no two results to store between. */
export function blocksOf(outs: readonly MapOut[], n: number, inputs: number): Blocks | undefined {
  const size = sizeFor(n)
  if (size === undefined) return undefined
  const order = topological(outs.map((out) => out.expr))
  const called = new Set(order.flatMap((x) => (isCall(x) ? x.args : [])))
  /** What calls a function since what was stored last. */
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
