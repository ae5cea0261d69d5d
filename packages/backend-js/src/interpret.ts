// The `map` kernel without generated source, for pages whose security policy forbids it: the same loops and the same
// order of additions by closures, so the same numbers, slowly.
import { type Instr, interpret, isScalar, numelOf, scalarValue } from '@flambeau/core/backend'
import type { Loops } from './loops.ts'
import { hostOf, startOf } from './memory.ts'
import { accumulators, combineCall, identities, planReduction } from './reduction.ts'

/** `loops` has a row of steps for every view among the inputs, then one for every output. */
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
  const outs = attrs.outs.map(({ expr, reduce }, k) => {
    const plan = planReduction(steps[views.length + k], reduce !== undefined)
    const { data, start } = hostOf(outputs[k])
    starts.push(plan.buffered ? 0 : start)
    const size = numelOf(outputs[k].shape)
    return {
      plan,
      size,
      start,
      data,
      identity: reduce === undefined ? 0 : identities[reduce.fn],
      combine: combineCall(reduce?.fn ?? 'sum', expr.dtype),
      memory: plan.buffered ? accumulators(k, size, identities[reduce?.fn ?? 'sum']) : data,
      value: interpret(expr),
      register: 0,
    }
  })
  const level = (l: number, at: readonly number[]): void => {
    for (const out of outs) if (out.plan.inRegister && out.plan.from === l) out.register = out.identity
    if (l === sizes.length) {
      views.forEach(({ position, data }, k) => void (values[position] = data[at[k]]))
      outs.forEach((out, k) => {
        const to = at[views.length + k]
        const value = out.value(values)
        if (out.plan.direct) out.memory[to] = value
        else if (out.plan.inRegister) out.register = out.combine(out.register, value)
        else out.memory[to] = out.combine(out.memory[to], value)
      })
      return
    }
    const position = [...at]
    for (let i = 0; i < sizes[l]; i++) {
      level(l + 1, position)
      for (let k = 0; k < position.length; k++) position[k] += steps[k][l]
    }
    outs.forEach((out, k) => {
      if (!out.plan.inRegister || out.plan.from !== l) return
      const to = at[views.length + k]
      out.memory[to] = out.plan.buffered ? out.combine(out.memory[to], out.register) : out.register
    })
  }
  level(0, starts)
  for (const { plan, memory, data, start, size } of outs) {
    if (plan.buffered) for (let i = 0; i < size; i++) data[start + i] = memory[i]
  }
}
