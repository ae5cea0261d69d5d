// Loops in steps become repetitions. They are found in the recording, planned, and run by a backend's own program and
// by a replay, with the numbers of the unrolled step.
import { js } from '@flambeau/backend-js'
import { compile, manualSeed, noGrad, profile, randint, randn, type Tensor, useDevice, zeros } from '@flambeau/core'
import {
  type Backend,
  type BodyPlan,
  CheckedBackend,
  isRepeat,
  type RepeatInstr,
  type Repetition,
} from '@flambeau/core/backend'
import * as fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { type LoopCase, compiled, eager, loopCases, trace, turnsIn } from './loops.ts'
import { type Pass, passes, prepare, type Prepared } from '../src/compile/prepare.ts'
import { recorded } from './passes/steps.ts'
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

describe('an iteration that fails', () => {
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

test('random iterations: compiled and replayed equal eager', { timeout: 300_000 }, () => {
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
    { numRuns: 20, seed: 7 },
  )
  expect(found).toEqual([])
  expect(repeated).toBeGreaterThan(10)
})

describe('a repetition', () => {
  const prepared = (through: readonly Pass[] = passes): Prepared => {
    useDevice(offering(own) as Backend)
    manualSeed(3)
    const { step } = loopCases['a recurrent cell with 100 iterations, gradients, momentum'].make()
    return prepare(recorded(step), js(), through)
  }

  test('prints what moves', () => {
    useDevice(offering(own))
    manualSeed(3)
    const { step } = loopCases['two values that swap places'].make()
    const fast = compile(step)
    for (let i = 0; i < 4; i++) fast()
    expect(fast.explain().split('As it runs')[1]).toContain(' = repeat 40 times (')
    expect(fast.explain()).toMatch(/\n {2} {2}\| kept: v\d+ in place of v\d+\n/)
    expect(fast.graph()).toContain(' (40 times)"]')
  })

  test('takes no more memory than the unrolled step, and less text', () => {
    const [loop, line] = [prepared(), prepared(passes.filter(({ name }) => name !== 'repeat'))]
    expect(loop.program.instrs.length).toBeLessThan(60)
    expect(line.program.instrs.length).toBeGreaterThan(750)
    expect(loop.plan.bytes).toBeLessThanOrEqual(line.plan.bytes)
    expect((loop.executable.source as string).length).toBeLessThan((line.executable.source as string).length / 5)
  })

  test('is checked: its windows, its outputs, its plan', () => {
    const { program, plan } = prepared()
    const compileWith =
      (change: (instr: RepeatInstr) => Partial<RepeatInstr>, bodies = true) =>
      () => {
        const changed = new Map(plan.bodies)
        const instrs = program.instrs.map((instr) => {
          if (!isRepeat(instr)) return instr
          const other = { ...instr, ...change(instr) }
          changed.set(other, plan.bodies.get(instr) as BodyPlan)
          return other
        })
        checking().compile?.({ ...program, instrs }, { ...plan, bodies: bodies ? changed : new Map() })
      }
    const attrs =
      (change: (attrs: Repetition) => Partial<Repetition>) =>
      ({ attrs }: RepeatInstr): Partial<RepeatInstr> => ({ attrs: { ...attrs, ...change(attrs) } })
    expect(compileWith(() => ({}))).not.toThrow()
    expect(compileWith(() => ({}), false)).toThrow('the body has no plan')
    expect(compileWith(attrs(({ moves }) => ({ moves: moves.map((x) => 2 * x) })))).toThrow('input 0 leaves v')
    expect(compileWith(attrs(() => ({ times: 0 })))).toThrow('0 turns')
    expect(compileWith(attrs(({ steps }) => ({ steps: steps.map((x) => x + 1) })))).toThrow(
      'does not have the elements that the iterations compute',
    )
    expect(compileWith(({ outputs }) => ({ outputs: outputs.slice(1) }))).toThrow('are made')
    expect(compileWith(({ inputs }) => ({ inputs: inputs.slice(0, -1) }))).toThrow('the body is given operand')
  })

  test('shows its kernels, iteration by iteration, to a profiler', () => {
    useDevice(offering(own))
    manualSeed(3)
    const { step } = loopCases['one different iteration'].make()
    const fast = compile(step)
    for (let i = 0; i < 4; i++) fast()
    let seen: readonly Tensor[] = []
    const { events } = profile(() => void (seen = fast()))
    expect(events.filter(({ name }) => name.includes('mm')).length).toBe(80)
    expect([...seen[0].toArray()]).toEqual([...fast()[0].toArray()])
  })
})
