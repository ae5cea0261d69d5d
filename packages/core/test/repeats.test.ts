// Loops in steps become repetitions. They are found in the recording, planned, and run by a backend's own program and
// by a replay, with the numbers of the unrolled step.
import { js } from '@flambeau/backend-js'
import { compile, noGrad, randint, randn, useDevice, zeros } from '@flambeau/core'
import { type Backend, CheckedBackend } from '@flambeau/core/backend'
import * as fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { type LoopCase, compiled, eager, loopCases, trace, turnsIn } from './loops.ts'
import { drawnStep, randomLoop } from './random-steps.ts'

/** The js backend without its compile, until the test ends. */
const own = js().compile
const offering = (compile: Backend['compile']): Backend =>
  Object.defineProperty(js(), 'compile', { value: compile, configurable: true })
const replayed = (): Backend => offering(undefined)
const checking = (): CheckedBackend => new CheckedBackend(offering(own))
afterEach(() => void offering(own))

const calls = 5

describe.each(Object.entries(loopCases))('%s', (_, loop: LoopCase) => {
  const expected = (): number[][] => {
    useDevice(js())
    return eager(loop, calls)
  }
  test('compiled', () => {
    const wanted = expected()
    const checked = checking()
    useDevice(checked)
    const { seen, text } = compiled(loop, calls)
    expect(turnsIn(text)).toEqual(loop.turns)
    expect(seen).toEqual(wanted)
    expect(checked.found).toEqual([])
  })
  test('replayed', () => {
    const wanted = expected()
    useDevice(replayed())
    const { seen, text } = compiled(loop, calls)
    expect(turnsIn(text)).toEqual(loop.turns)
    expect(seen).toEqual(wanted)
  })
})

describe('a turn that fails', () => {
  test.each([
    ['compiled', checking],
    ['replayed', replayed],
  ] as const)('changes nothing, %s', (_, make) => {
    useDevice(make())
    const [index, table, kept, sum] = [randint(0, 9, [40, 5]), randn(9), zeros(5), zeros(5)]
    const step = compile(() =>
      noGrad(() => {
        for (let t = 0; t < 40; t++) {
          kept.mul_(0.5).add_(table.gather(0, index.select(0, t)))
          sum.add_(kept.mean())
        }
        return [sum.clone()]
      }),
    )
    for (let i = 0; i < 4; i++) step()
    expect(turnsIn(step.explain())).toEqual([40])
    const before = [...kept.toArray(), ...sum.toArray()]
    index.select(0, 31).fill_(9)
    expect(() => step()).toThrow('index 9 is out of bounds for dimension 0 with size 9')
    expect(() => step.repeat(3)).toThrow('index 9 is out of bounds for dimension 0 with size 9')
    expect([...kept.toArray(), ...sum.toArray()]).toEqual(before)
    index.select(0, 31).fill_(0)
    step()
    expect([...sum.toArray()].every((x) => Number.isFinite(x))).toBe(true)
  })
})

test('random turns: compiled and replayed equal eager', { timeout: 300_000 }, () => {
  let repeated = 0
  const found: string[] = []
  void fc.assert(
    fc.property(drawnStep, fc.integer({ min: 9, max: 14 }), (drawn, turns) => {
      useDevice(js())
      const expected = trace(randomLoop(drawn, turns), 4)
      for (const make of [checking, replayed]) {
        const backend = make()
        useDevice(backend)
        const { step, state } = randomLoop(drawn, turns)
        const fast = compile(step)
        expect(trace({ step: fast, state }, 4)).toEqual(expected)
        if (backend instanceof CheckedBackend) found.push(...backend.found)
        repeated += turnsIn(fast.explain()).length
      }
    }),
    { numRuns: 30, seed: 7 },
  )
  expect(found).toEqual([])
  expect(repeated).toBeGreaterThan(15)
})
