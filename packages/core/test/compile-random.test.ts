// Random steps: eager, recorded, and after every pass, they are equal bit for bit, on a backend that compiles programs
// and on a limited one that replays them, and no plan overwrites a value that is still needed.
import { js } from '@flambeau/backend-js'
import { compile, noGrad, setFallback, type Tensor, useDevice } from '@flambeau/core'
import { type Backend, CheckedBackend, type TypedArray } from '@flambeau/core/backend'
import * as fc from 'fast-check'
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { isUse, type Program } from '../src/backend/program.ts'
import { isContiguous } from '../src/base/layout.ts'
import { plan } from '../src/compile/plan.ts'
import { Host } from '../src/compile/host.ts'
import { type Pass, passes, prepare } from '../src/compile/prepare.ts'
import { Limited } from './limited.ts'
import { wrongIn } from '../src/backend/plan-model.ts'
import { recorded } from './passes/steps.ts'
import { type DrawnStep, drawnStep, randomStep } from './random-steps.ts'

beforeAll(() => {
  useDevice(js())
  setFallback(js())
})
afterEach(() => void useDevice(js()))

/** The results and state of a step, call by call. */
type Trace = readonly (readonly number[])[][]

const elementsOf = (tensors: readonly Tensor[]): number[][] => tensors.map((x) => Array.from(x.detach().toArray()))

const calls = 5

function eager(
  drawn: DrawnStep,
  through: (step: () => readonly Tensor[]) => () => readonly Tensor[],
  after: (results: readonly Tensor[]) => void = () => {},
): Trace {
  const { state, step } = randomStep(drawn)
  const run = through(step)
  return Array.from({ length: calls }, () => {
    const results = run()
    const trace = [...elementsOf(results), ...elementsOf(state)]
    after(results)
    return trace
  })
}

/** Eager's trace of a drawn step, which all tests with the same seed draw; without that of the first two calls. */
const replays = new Map<string, Trace>()
function eagerReplays(drawn: DrawnStep): Trace {
  const key = JSON.stringify(drawn)
  let trace = replays.get(key)
  if (trace === undefined) {
    trace = eager(drawn, (step) => step).slice(2)
    replays.set(key, trace)
  }
  return trace
}

/** Later calls see memory shared with results, and no other. */
const writeInto = (results: readonly Tensor[]): void =>
  noGrad(() => {
    for (const x of results) if (x.strides.every((stride, d) => stride !== 0 || x.shape[d] === 1)) x.add_(0.25)
  })

/** Runs a step twice, recorded the second time, and then what `through` makes of the recording. */
function replayed(drawn: DrawnStep, backend: Backend, through: readonly Pass[]): Trace {
  const { state, step } = randomStep(drawn)
  let results = 0
  const recording = recorded(() => {
    const returned = step()
    results = returned.length
    return returned
  })
  // The gradients are among the returned tensors.
  const asked = { ...recording, results: recording.results.slice(0, results) }
  const { program, plan: planned, executable } = prepare(asked, backend, through)
  checkPlans(program)
  checkCapabilities(program, backend)
  const host = new Host(program)
  return Array.from({ length: calls - 2 }, () => {
    host.run()
    const results = planned.results.map((value) => backend.alloc(program.values[value]))
    executable.run({ numbers: host.numbers, draws: host.draws, args: [], results })
    const read = program.results.map((use): TypedArray => {
      const place = planned.places[use.value]
      if (place?.in !== 'result' && place?.in !== 'buffer') throw new Error(`a result lies in ${place?.in}`)
      return backend.readSync({ ...use, buffer: place.in === 'result' ? results[place.result] : place.buffer })
    })
    return [...read.map((x) => Array.from(x)), ...elementsOf(state)]
  })
}

function checkPlans(program: Program): void {
  for (const unit of ['bytes', 'buffers'] as const) {
    const wrong = wrongIn(program, plan(program, unit))
    if (wrong !== undefined) throw new Error(wrong)
  }
}

/** Passes turn instructions that a backend supports into ones that it supports. */
function checkCapabilities({ instrs }: Program, { caps }: Backend): void {
  for (const { kind, inputs, outputs, origin } of instrs) {
    if (!caps.multiOutput && kind === 'map' && outputs.length > 1) throw new Error(`${origin.name} has several outputs`)
    const strided = inputs.some((x) => isUse(x) && !(isContiguous(x) && x.offset === 0))
    if (!caps.strided && strided && origin.name !== 'copy') throw new Error(`${origin.name} reads through strides`)
  }
}

const settle = passes.filter(({ name }) => name === 'settle')
const without = (name: string): readonly Pass[] => passes.filter((pass) => pass.name !== name)
const lists: Readonly<Record<string, readonly Pass[]>> = {
  'no pass': settle,
  'all passes': passes,
  ...Object.fromEntries(
    [...new Set(passes.map(({ name }) => name))]
      .filter((name) => name !== 'settle')
      .flatMap((name) => [
        [`${name} alone`, [...passes.filter((pass) => pass.name === name), ...settle]],
        [`all but ${name}`, without(name)],
      ]),
  ),
}

const holds = (check: (drawn: DrawnStep) => void, runs: number): void =>
  fc.assert(fc.property(drawnStep, check), { numRuns: runs, seed: 4 })

describe('random steps', () => {
  test('compiled equals eager, also when results are written to, behind a checked backend', () => {
    const checked = new CheckedBackend(js())
    holds((drawn) => {
      useDevice(js())
      const expected = eager(drawn, (step) => step, writeInto)
      useDevice(checked)
      expect(eager(drawn, (step) => step, writeInto)).toEqual(expected)
      expect(eager(drawn, compile as never, writeInto)).toEqual(expected)
    }, 60)
    expect(checked.found).toEqual([])
  })

  for (const [name, list] of Object.entries(lists)) {
    test(`recorded equals eager, ${name}`, () => {
      holds((drawn) => {
        expect(replayed(drawn, js(), list)).toEqual(eagerReplays(drawn))
      }, 20)
    })
  }

  for (const name of ['no pass', 'all passes']) {
    test(`replayed on a limited backend equals eager, ${name}`, () => {
      vi.spyOn(console, 'warn').mockImplementation(() => {})
      const limited = new Limited()
      holds((drawn) => {
        useDevice(js())
        const expected = eagerReplays(drawn)
        useDevice(limited)
        expect(replayed(drawn, limited, lists[name])).toEqual(expected)
      }, 30)
      expect(limited.seen).toBeGreaterThan(700)
    })
  }
})
