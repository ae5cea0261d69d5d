// A step that fails has changed nothing, and several have changed what the complete ones did: a device that throws at
// every instruction in turn, and checks that fail between all calls of a step; in eager, recorded, replayed and repeated.
import { js } from '@flambeau/backend-js'
import { compile, manualSeed, nn, ones, setFallback, useDevice } from '@flambeau/core'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { describeFailingChecks, Failing, training } from './failing.ts'
import { Repeating } from './repeating.ts'

const failing = new Failing()
beforeEach(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => {})
  setFallback(js())
})

/** Calls `fn` so that the device fails at its first instruction, its second, and so on until it fails no more; how often it did. */
function atEvery(fn: () => unknown, afterwards: () => void): number {
  for (let k = 0; ; k++) {
    failing.failsAfter = k
    try {
      fn()
      failing.failsAfter = Number.POSITIVE_INFINITY
      return k
    } catch (error) {
      failing.failsAfter = Number.POSITIVE_INFINITY
      expect(String(error)).toContain('the device failed')
      afterwards()
    }
  }
}

describe('a device that throws at every instruction in turn', () => {
  test('eager: every call of a step is made or not', () => {
    useDevice(failing)
    const own = training(false)
    for (let step = 0; step < 3; step++) {
      for (const [name, part] of Object.entries(own.parts)) {
        // What was drawn by a call that failed stays drawn, as in PyTorch.
        const before = own.state(false)
        const failed = atEvery(part, () => expect(own.state(false), name).toBe(before))
        if (!['zeroGrad', 'scheduler'].includes(name)) expect(failed, name).toBeGreaterThan(0)
      }
    }
  })

  test('recorded and replayed: every call of the step', () => {
    useDevice(failing)
    const [own, other] = [training(false), training(false)]
    const step = compile(own.step)
    for (let call = 0; call < 9; call++) {
      const before = own.state()
      // The first call, a recorded one, and a replay.
      if (![0, 1, 4].includes(call)) step()
      else expect(atEvery(step, () => expect(own.state(), `call ${call}`).toBe(before))).toBeGreaterThan(20)
      other.step()
      expect(own.state()).toBe(other.state())
    }
    expect(step.explain()).toContain('adam')
  })

  test('repeated: as after so many complete steps', () => {
    useDevice(failing)
    const [own, other] = [training(false), training(false)]
    const step = compile(own.step)
    const states = [other.state()]
    const after = (n: number): string => {
      while (states.length <= n) {
        other.step()
        states.push(other.state())
      }
      return states[n]
    }
    for (let i = 0; i < 4; i++) step()
    let done = 4
    const seen = new Set<number>()
    for (let k = 0; k < 150; k += 3) {
      failing.failsAfter = k
      expect(() => step.repeat(40)).toThrow('the device failed')
      failing.failsAfter = Number.POSITIVE_INFINITY
      const now = own.state()
      const more = [0, 1, 2, 3, 4, 5, 6].findIndex((n) => after(done + n) === now)
      expect(more, `at instruction ${k}`).toBeGreaterThanOrEqual(0)
      seen.add(more)
      done += more
    }
    expect(seen.size).toBeGreaterThan(1)
  })

  test('a module is loaded whole or not at all', () => {
    useDevice(failing)
    manualSeed(1)
    const [model, from] = [0, 1].map(() => new nn.Sequential(new nn.Linear(2, 3), new nn.BatchNorm1d(3)))
    const state = from.stateDict()
    const text = (): string => JSON.stringify([...model.stateDict()].map(([key, x]) => [key, x.version, x.toNested()]))
    const before = text()
    expect(
      atEvery(
        () => model.loadStateDict(state),
        () => expect(text()).toBe(before),
      ),
    ).toBeGreaterThan(5)
    expect(text()).not.toBe(before)
    for (const p of model.parameters()) p.grad = ones(p.shape)
  })
})

test('a number read anew that is none ends the step, and nothing has changed', () => {
  useDevice(js())
  const own = training(false)
  let rate: unknown = 2
  const step = compile(() => own.step().mul(() => rate as number))
  for (let i = 0; i < 5; i++) step()
  for (const wrong of ['2', null, undefined, [2]]) {
    const before = own.state()
    rate = wrong
    expect(() => step()).toThrow('a number read anew at every step must be float, not ')
    expect(() => step.repeat(3)).toThrow('a number read anew at every step must be float, not ')
    expect(own.state()).toBe(before)
  }
  rate = 3
  step()
})

describeFailingChecks('js', () => js())
describeFailingChecks('js, several steps in a call', () => new Repeating())
describeFailingChecks('a device that is not certain', () => failing)
