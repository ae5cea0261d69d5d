// The output of explain() and graph() for a step: every pass with its changes, memory, how it runs, and a flowchart.
import { tensor } from '@flambeau/core'
import { expect, test } from 'vitest'
import type { Backend } from '../src/backend/backend.ts'
import type { Program } from '../src/backend/program.ts'
import { explain, graph } from '../src/compile/explain.ts'
import { settle } from '../src/compile/passes/settle.ts'
import { type Pass, passes, prepare } from '../src/compile/prepare.ts'
import { adam, backend, boston, recorded } from './passes/steps.ts'

/** x is used twice and overwritten; the sine is dead. */
const small = (): Program => {
  const x = tensor([1, 2, 3])
  return recorded(() => {
    x.sin()
    const y = x.exp().mul(2)
    x.copy_(y)
    return [y.sum()]
  })
}
const withoutSine: Pass = {
  name: 'without sine',
  run: (program) => ({ ...program, instrs: program.instrs.filter(({ origin }) => origin.name !== 'sin') }),
}

test('shows the program before and after each pass, its memory, and how it runs', () => {
  const text = explain(prepare(small(), backend, [withoutSine, { name: 'settle', run: settle }]))
  expect(`\n${text.replace(/[\d,]+ characters/, 'some characters')}\n`).toMatchInlineSnapshot(`
    "
    As recorded: 5 instructions
      v0 float32[3]: memory from before the step
      v1 float32[3] = map(v0) { sin(x0) }  # sin
      v2 float32[3] = map(v0) { exp(x0) }  # exp
      v3 float32[3] = map(v2, 2) { mul(x0, x1) }  # mul
      v4 float32[3] = map(v0, v3) { x1 }  # CopyBackwards
      v5 float32[] = map(v3) { sum over 0 of x0 }  # sum
      kept: v4 in place of v0
      results: v5

    without sine: 5 instructions, then 4
      - v1 float32[3] = map(v0) { sin(x0) }  # sin

    settle: nothing to do

    As it runs: 4 instructions; @ says where a value lies
      v0 float32[3]: memory from before the step
      v2 float32[3] @0 = map(v0) { exp(x0) }  # exp
      v3 float32[3] @0 = map(v2, 2) { mul(x0, x1) }  # mul
      v4 float32[3] @buffer = map(v0, v3) { x1 }  # CopyBackwards
      v5 float32[] @result 0 = map(v3) { sum over 0 of x0 }  # sum
      kept: v4 in place of v0
      results: v5

    Memory: 2 values inside the step, 24 bytes, in an arena of 64 bytes; at most 64 are in use at one time
    Run: compiled by js, some characters of source
    "
  `)
})

test('a backend that does not compile is replayed', () => {
  const replaying = new Proxy(backend, {
    get(target, key: keyof Backend) {
      const value = key === 'compile' ? undefined : target[key]
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  const prepared = prepare(small(), replaying, [withoutSine, { name: 'settle', run: settle }])
  expect(explain(prepared)).toMatch(/ in 1 buffer of 64 bytes; .*\nRun: by \d kernels of js, one after the other$/)
})

test('all passes are named, and the peak is the bound when the plan reaches it', () => {
  const prepared = prepare(recorded(boston()), backend)
  const text = explain(prepared)
  for (const { name } of passes) expect(text).toMatch(new RegExp(`^${name}: `, 'm'))
  expect(text).toMatch(/an arena of ([\d,]+) bytes; at most \1 are in use/)
})

test('a flowchart shows memory from before, instructions, kept values and results', () => {
  const prepared = prepare(small(), backend, [withoutSine, { name: 'settle', run: settle }])
  expect(`\n${graph(prepared)}\n`).toMatchInlineSnapshot(`
    "
    flowchart TD
      v0(["v0 float32[3]: memory from before the step"])
      i0["exp (map)"]
      v0 --> i0
      i1["mul (map)"]
      i0 -- "v2 float32[3]" --> i1
      i2["CopyBackwards (map)"]
      v0 --> i2
      i1 -- "v3 float32[3]" --> i2
      i3["sum (map)"]
      i1 -- "v3 float32[3]" --> i3
      k0(["kept in place of v0"])
      i2 -- "v4 float32[3]" --> k0
      r0(["result 0"])
      i3 -- "v5 float32[]" --> r0
    "
  `)
})

test('a flowchart has each instruction once and no arrow from nowhere', () => {
  for (const step of [boston, adam]) {
    const prepared = prepare(recorded(step()), backend)
    const lines = graph(prepared).split('\n')
    const nodes = lines.flatMap((line) => /^ {2}(\w+)[[(]/.exec(line)?.[1] ?? [])
    const arrows = lines.flatMap((line) => {
      const arrow = /^ {2}(\w+) .*--> (\w+)$/.exec(line)
      return arrow === null ? [] : [arrow.slice(1)]
    })
    expect(nodes.filter((id) => id.startsWith('i'))).toHaveLength(prepared.program.instrs.length)
    expect(new Set(nodes).size).toBe(nodes.length)
    for (const id of arrows.flat()) expect(nodes).toContain(id)
    expect(arrows.length).toBeGreaterThan(prepared.program.instrs.length)
  }
})
