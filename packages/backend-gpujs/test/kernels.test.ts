// Plans of all kinds but maps against backend-js: random instructions, sizes that go in stages, and what is checked.
import type { Instr, Kind } from '@flambeau/core/backend'
import { afterAll, describe, expect, it } from 'vitest'
import { argReduce } from '../src/plans/arg-reduce.ts'
import { fold } from '../src/plans/fold.ts'
import { gather, scatter } from '../src/plans/gather.ts'
import { matmul } from '../src/plans/matmul.ts'
import { assign, concat, pad } from '../src/plans/move.ts'
import { scan } from '../src/plans/scan.ts'
import type { Planner } from '../src/plan.ts'
import { Dice, drawn } from './drawn.ts'
import { type Call, type Mode, onJs, plannable, Runner } from './running.ts'

const planners = { argReduce, assign, concat, fold, gather, matmul, pad, scan, scatter } as unknown as Readonly<
  Record<Kind, Planner>
>

const modes: readonly Mode[] = process.env.DISPLAY ? ['cpu', 'webasm', 'webgl2'] : ['cpu', 'webasm']

describe.each(modes)('%s', (mode) => {
  const runner = new Runner(mode)
  afterAll(() => runner.close())

  const outputs = (call: Call): readonly Float32Array[] => {
    const instr = plannable(call)
    return runner.run(planners[call.kind].plan(instr as Instr), call, instr)
  }

  function compare(call: Call, tolerance = 1e-5): void {
    const expected = onJs(call)
    const found = outputs(call)
    found.forEach((values, k) => {
      const wanted = expected[k]
      expect(values.length).toBe(wanted.length)
      const scale = Math.max(1, ...Array.from(wanted, Math.abs))
      for (let i = 0; i < values.length; i++) {
        const close = Object.is(values[i], wanted[i]) || Math.abs(values[i] - wanted[i]) <= tolerance * scale
        if (!close) expect({ call, at: i, value: values[i] }).toEqual({ call, at: i, value: wanted[i] })
      }
    })
  }

  const runs = mode === 'webgl2' ? 25 : 150
  it.each(Object.keys(drawn))('%s, random', (kind) => {
    for (let seed = 1; seed <= runs; seed++) compare(drawn[kind](new Dice(seed * 7919)))
  })
})
