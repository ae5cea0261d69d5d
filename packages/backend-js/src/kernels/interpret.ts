// The `map` kernel without generated source, for pages whose content security policy forbids it. It evaluates the
// expressions by closures, which is slow, but adds in the same order and so gives the same bits.
import {
  hostOf,
  identities,
  type Instr,
  interpret,
  isScalar,
  type Loops,
  numelOf,
  scalarValue,
  startOf,
} from '@flambeau/core/backend'
import { combineCall, finishCall } from '../text/reduction.ts'

/** `loops` has one row of steps per view among the inputs, then one per output. */
export function interpretLoops({ attrs, inputs, outputs }: Instr<'map'>, { sizes, steps }: Loops): void {
  const views: { position: number; data: ArrayLike<number> }[] = []
  const values = new Float64Array(inputs.length)
  const starts: number[] = []
  inputs.forEach((x, position) => {
    if (isScalar(x)) {
      values[position] = scalarValue(x)
      return
    }
    views.push({ position, data: hostOf(x).data })
    starts.push(startOf(x))
  })
  const outs = attrs.outs.map((out, k) => {
    const { expr, reduce } = out
    const { data, start } = hostOf(outputs[k])
    const value = interpret(expr)
    if (reduce === undefined) {
      starts.push(start)
      return { data, value }
    }
    starts.push(0)
    const sums = new Float64Array(numelOf(outputs[k].sizes)).fill(identities[reduce.fn])
    return { data, value, start, sums, combine: combineCall(reduce.fn, expr.dtype), done: finishCall(out) }
  })
  const level = (l: number, at: readonly number[]): void => {
    if (l === sizes.length) {
      views.forEach(({ position, data }, k) => void (values[position] = data[at[k]]))
      outs.forEach(({ data, value, sums, combine }, k) => {
        const to = at[views.length + k]
        if (sums === undefined) data[to] = value(values)
        else sums[to] = combine(sums[to], value(values))
      })
      return
    }
    const position = [...at]
    for (let i = 0; i < sizes[l]; i++) {
      level(l + 1, position)
      for (let k = 0; k < position.length; k++) position[k] += steps[k][l]
    }
  }
  level(0, starts)
  for (const { data, start, sums, done } of outs) if (sums !== undefined) data.set(sums.map(done), start)
}
